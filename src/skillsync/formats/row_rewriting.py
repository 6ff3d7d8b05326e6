"""Writes a file of rows anew in one pass, some rows changed, removed or added: the other lines keep their bytes. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest
from skillsync.formats.json_edit import JsonStyle, ascii_style_of, style_of
from skillsync.formats.jsonl import (
    content_of,
    digest_of,
    file_style,
    new_line,
    replaced_line,
    unwritable,
    with_id,
)
from skillsync.formats.row_keys import DerivedKeys, fold_id
from skillsync.formats.row_lines import ItemsFile, Line, LooseReader, PackedLines
from skillsync.model import Digest, Key, Row

if TYPE_CHECKING:
    from skillsync.formats.row_names import Spelling


@dataclass
class Rewriting:
    """A file as it becomes: ``changed`` rows by key, the keys ``removed``, and the rows ``added`` in their order.

    A row that no line can hold is left out, or stays as it was, and is among ``refused`` once all was written; with
    ``is_strict`` it raises InvalidContent, with its line.
    """

    file: ItemsFile
    spelling: Spelling
    changed: Mapping[Key, Row] = field(default_factory=dict)
    removed: Collection[Key] = ()
    added: Iterable[Row] = ()
    refused: set[Key] = field(default_factory=set)
    is_strict: bool = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the lines of the new file."""
        work = _Work(self)
        held = b""
        for raw in work.old_lines():
            if held:
                yield held
            held = raw
        for raw in work.new_lines():
            if held and not held.endswith(b"\n"):
                held += work.seen.end
            if held:
                yield held
            held = raw
        if held:
            yield held


class _Work:
    def __init__(self, one: Rewriting) -> None:
        self._one = one
        self._file = one.file
        self._reader = LooseReader(one.file.path, one.file.names, one.file.limits)
        self._derived: DerivedKeys | None = None
        self._added: set[str] = set()
        self._number = 0
        self.seen = _Seen()
        if one.file.keys == "content":
            self._derived = DerivedKeys(_keys_in_lines(one))

    def old_lines(self) -> Iterator[bytes]:
        """Yield the lines that stay, some of them changed."""
        style = file_style(self._file) if self._one.changed else None
        removed = self._one.removed
        for line in self._file.lines:
            key = None if line.row is None else line.row.key
            if key is not None and key in removed:
                continue
            self._number += 1
            row = None
            if key is not None and style is not None:
                row = self._one.changed.get(key)
            raw = line.raw if row is None else self._changed(line, row, style or JsonStyle())
            raw = self._settled(raw, row or line.row, derived=line.derived)
            self.seen.see(raw, is_row=line.fields is not None)
            yield raw

    def _changed(self, line: Line, row: Row, style: JsonStyle) -> bytes:
        if line.row is not None and row_digest(line.row) == row_digest(row):
            return line.raw
        try:
            raw = replaced_line(self._file, line, row, self._one.spelling, style)
            self._check(raw, row, self._number)
        except InvalidContent:
            if self._one.is_strict:
                raise
            self._one.refused.add(row.key)
            return line.raw
        return raw

    def new_lines(self) -> Iterator[bytes]:
        """Yield the lines that are added; to be asked after the others."""
        style: JsonStyle | None = None
        file = self._file
        for row in self._one.added:
            if style is None:
                style = self.seen.style
                file = replace(file, used={**self._reader.used, **file.used})
            folded = fold_id(row.key)
            try:
                if self._is_taken(folded):
                    raise unwritable(file, row, self._number + 1, "its id is taken")
                line = new_line(file, row, self._one.spelling, style, self._number + 1)
                raw = line + self.seen.end
                self._check(raw, row, self._number + 1)
            except InvalidContent:
                if self._one.is_strict:
                    raise
                self._one.refused.add(row.key)
                continue
            self._added.add(folded)
            self._number += 1
            yield self._settled(raw, row, derived=True)

    def _is_taken(self, folded: str) -> bool:
        if folded in self._added:
            return True
        if isinstance(self._file.lines, PackedLines):
            number = self._file.lines.first_with(folded)
            there = None if number is None else self._file.lines.keys[number]
        else:
            there = self._folded.get(folded)
        return there is not None and there not in self._one.removed

    @cached_property
    def _folded(self) -> Mapping[str, Key]:
        return {fold_id(key): key for key in self._file.by_key}

    def _check(self, raw: bytes, row: Row, number: int) -> None:
        """Raise InvalidContent when a line would not be accepted, or does not say what it should."""
        line = self._reader.read_line(raw, number)
        if line.fields is None or digest_of(line.fields) != row_digest(row):
            raise unwritable(self._file, row, number, "it would not read back as it is")

    def _settled(self, raw: bytes, row: Row | None, *, derived: bool) -> bytes:
        """Where keys are derived and a row's would become another one, write the id into its line."""
        if self._derived is None or row is None or not derived:
            return raw
        if self._derived.is_next(row.fields, row.key):
            self._derived.next_key(row.fields)
            return raw
        return with_id(self._file, raw, row.key, self.seen.style)


def _keys_in_lines(one: Rewriting) -> Iterator[Key]:
    for line in one.file.lines:
        if line.row is not None and not line.derived and line.row.key not in one.removed:
            yield line.row.key


class _Seen:
    """What the lines so far say of a file's style: that of its first row, its escapes, and its line ends."""

    def __init__(self) -> None:
        self._first: bytes | None = None
        self._is_ascii = True
        self._escapes = False
        self._ends = 0
        self._windows_ends = 0

    def see(self, raw: bytes, *, is_row: bool) -> None:
        """Look at the next line."""
        if is_row and self._first is None:
            self._first = raw
        if not raw.isascii():
            self._is_ascii = False
        elif b"\\u" in raw and not self._escapes:
            self._escapes = ascii_style_of(raw.decode())
        self._ends += raw.endswith(b"\n")
        self._windows_ends += raw.endswith(b"\r\n")

    @property
    def end(self) -> bytes:
        """The line end that most lines have; LF when there is none or a tie."""
        return b"\r\n" if self._windows_ends > self._ends - self._windows_ends else b"\n"

    @property
    def style(self) -> JsonStyle:
        """How a new line is spelled."""
        text = content_of(self._first or b"")[0]
        return replace(style_of(text), ascii_only=self._is_ascii and self._escapes)


# ---------------------------------------------------------------- keys


def keyed_pieces(
    file: ItemsFile, *, known: Iterable[tuple[Key, Digest]], new_key: Callable[[], str]
) -> Iterator[bytes]:
    """Yield the lines of a file, those without a key with one, as ``jsonl.assign_keys`` gives them (I22).

    ``known`` are keys of rows and their digests. Raises InvalidContent for a line that would not read back.
    """
    style = file_style(file)
    reader = LooseReader(file.path, file.names, file.limits)
    taken = {fold_id(key) for key in file.by_key}
    free: defaultdict[Digest, deque[Key]] = defaultdict(deque)
    for key, digest in known:
        free[digest].append(key)
    for line in file.lines:
        if line.row is not None or line.fields is None:
            yield line.raw
            continue
        digest = digest_of(line.fields)
        key = _free_key(free[digest] if digest in free else deque(), taken, new_key)
        raw = with_id(file, line.raw, key, style)
        read = reader.read_line(raw, line.number)
        if read.row is None or read.row.key != key or digest_of(read.fields or {}) != digest:
            row = Row(key, line.fields)
            raise unwritable(file, row, line.number, "it would not read back as it is")
        yield raw


def _free_key(candidates: deque[Key], taken: set[str], new_key: Callable[[], str]) -> Key:
    while True:
        key = candidates.popleft() if candidates else Key(new_key())
        if fold_id(key) not in taken:
            taken.add(fold_id(key))
            return key
