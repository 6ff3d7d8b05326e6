"""Reads ``items.jsonl`` line by line into rows, strictly and without losing a byte."""

from __future__ import annotations

import gc
import io
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.json_spans import scan
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.formats.row_keys import DerivedKeys, fold_id, id_problem
from skillsync.formats.row_names import ID, RowNames, UnknownName
from skillsync.model import Key, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from skillsync.model import Json

MAX_LINE = 1_000_000
"""Bytes in one line, its line end not counted (sync.md 10.5)."""

MAX_FILE = 2_000_000_000
"""Bytes in one file (sync.md 10.5)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a line and a file may be, in bytes; a dataset's settings may say otherwise."""

    line: int = MAX_LINE
    file: int = MAX_FILE


USUAL_LIMITS = Limits()


def refuse_size(size: int, limits: Limits, path: str) -> None:
    """Raise InvalidContent for a file of more bytes than are read."""
    if size > limits.file:
        raise InvalidContent(
            f"the file has {size:,} bytes, at most {limits.file:,} are read",
            path=path,
            hint="max_file_bytes of the dataset in skillsync.toml, or several datasets",
        )


OWN_KEY = "skillsync_id"
"""Where the key travels in a server's metadata; it never shows in a file (skill-format.md 14.3)."""

KeyMode: TypeAlias = Literal["id", "content"]
"""Whether a line's key is its ``id`` only, or else derived from its input."""

_MARKERS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
BOM = b"\xef\xbb\xbf"
"""What a file must not start with."""

_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is in the file, its line end included.

    ``fields`` is None for a blank line; ``row`` is None for that and for a line without a key. Both use the
    newest names, whatever the line's spelling. ``derived`` tells that the row's key is not in the line
    (``keys = "content"``).
    """

    number: int
    raw: bytes
    row: Row | None
    fields: Mapping[str, Json] | None
    derived: bool = False

    def numbered(self, number: int) -> Line:
        """Return the line at another place of the file."""
        return self if number == self.number else replace(self, number=number)


class PackedLines(Sequence[Line]):
    """Lines that nobody holds, and what is known of them: each is made when it is looked at.

    ``keys`` has the key of each, None for one without.
    """

    keys: Sequence[Key | None]

    @abstractmethod
    def first_with(self, folded: str) -> int | None:
        """Return the number, from 0, of the line whose key folds to this."""

    @property
    @abstractmethod
    def rows(self) -> Sequence[Row]:
        """The rows that have a key."""

    @property
    @abstractmethod
    def keyless(self) -> Sequence[Line]:
        """The lines that hold a row without a key."""

    @property
    @abstractmethod
    def by_key(self) -> Mapping[Key, Line]:
        """The lines that have a key, by that key."""

    @property
    @abstractmethod
    def rows_by_key(self) -> Mapping[Key, Row]:
        """Their rows."""

    @property
    @abstractmethod
    def digests(self) -> Mapping[Key, str]:
        """Their short digests."""


@dataclass(frozen=True)
class ItemsFile:
    """All lines of a file in order. ``used`` maps a field to the name that the file has for it.

    ``names``, ``keys`` and ``limits`` are the dataset's settings that it was read with.
    """

    path: str
    lines: Sequence[Line]
    names: RowNames = field(default_factory=lambda: RowNames.from_mapping(None))
    used: Mapping[str, str] = field(default_factory=dict)
    keys: KeyMode = "id"
    limits: Limits = USUAL_LIMITS

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows that have a key, in file order."""
        if isinstance(self.lines, PackedLines):
            return self.lines.rows
        return tuple(line.row for line in self.lines if line.row is not None)

    @cached_property
    def keyless(self) -> Sequence[Line]:
        """The lines that hold a row without a key, in file order."""
        if isinstance(self.lines, PackedLines):
            return self.lines.keyless
        return tuple(line for line in self.lines if line.row is None and line.fields is not None)

    @cached_property
    def by_key(self) -> Mapping[Key, Line]:
        """The lines that have a key, by that key."""
        if isinstance(self.lines, PackedLines):
            return self.lines.by_key
        return {line.row.key: line for line in self.lines if line.row is not None}

    @cached_property
    def rows_by_key(self) -> Mapping[Key, Row]:
        """The rows that have a key, by that key, in file order."""
        if isinstance(self.lines, PackedLines):
            return self.lines.rows_by_key
        return {row.key: row for row in self.rows}

    @cached_property
    def digests(self) -> Mapping[Key, str]:
        """The short digest of each row that has a key, in file order."""
        if isinstance(self.lines, PackedLines):
            return self.lines.digests
        return {key: short(row_digest(row)) for key, row in self.rows_by_key.items()}


def parse_items(
    data: bytes,
    *,
    path: str,
    mapping: Mapping[str, str] | None = None,
    keys: KeyMode = "id",
    limits: Limits = USUAL_LIMITS,
) -> ItemsFile:
    """Read the rows of a file (skill-format.md 14.3 and 14.4); ``render_items`` gives back the same bytes.

    ``mapping`` is the dataset's own naming of fields, such as ``{"input": "vars"}``. Lines without ``id`` are
    kept in ``keyless``, or get a key derived from their input with ``keys="content"``. Anything that cannot be
    read, is not one JSON object per line, or repeats a key (I19, I20) raises InvalidContent with path and line.
    """
    refuse_size(len(data), limits, path)
    reader = LineReader(path, RowNames.from_mapping(mapping), limits)
    with collector_paused():
        lines = tuple(reader.read_lines(data))
    file = ItemsFile(path, lines, reader.names, reader.used, keys, limits)
    return with_derived_keys(file) if keys == "content" else file


@contextmanager
def collector_paused() -> Iterator[None]:
    """Values of JSON hold no cycles: looking for some while they are built takes three times as long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def empty_items(
    path: str,
    *,
    mapping: Mapping[str, str] | None = None,
    keys: KeyMode = "id",
    limits: Limits = USUAL_LIMITS,
) -> ItemsFile:
    """Return a file without lines, to append to."""
    return ItemsFile(path, (), RowNames.from_mapping(mapping), {}, keys, limits)


def render_items(file: ItemsFile) -> bytes:
    """Return the file's bytes."""
    return b"".join(line.raw for line in file.lines)


# ---------------------------------------------------------------- reading lines


class LineReader:
    """Reads lines one after the other; remembers the ids, and the names in use, of those it has read."""

    def __init__(self, path: str, names: RowNames, limits: Limits = USUAL_LIMITS) -> None:
        self.path = path
        self.names = names
        self.longest = limits.line
        self._ids: dict[str, int] = {}
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    @property
    def used(self) -> dict[str, str]:
        """The name of each field in the first line that has it."""
        used: dict[str, str] = {}
        for names, fields in self._shapes.items():
            for name, of in zip(names, fields, strict=True):
                used.setdefault(of, name)
        return used

    def read_lines(self, data: bytes) -> Iterator[Line]:
        """Yield the lines of a file, split at LF only. Raises InvalidContent at the first that is wrong."""
        if data.startswith(BOM):
            self.refuse_mark()
        for number, raw in enumerate(io.BytesIO(data), start=1):
            yield self.read_line(raw, number)

    def refuse_mark(self) -> NoReturn:
        """Raise InvalidContent for a file that starts with a byte order mark."""
        raise self._wrong("the file starts with a byte order mark: remove it", 1, 1)

    def too_long(self, length: int, number: int) -> InvalidContent:
        """The error for a line of so many bytes, its end not counted."""
        return self._wrong(
            f"the line has {length:,} bytes, at most {self.longest:,} are read",
            number,
            self.longest + 1,
        )

    def read_line(self, raw: bytes, number: int) -> Line:
        """Read one line with its line end. Raises InvalidContent."""
        content = raw.removesuffix(b"\n").removesuffix(b"\r")
        if len(content) > self.longest:
            raise self.too_long(len(content), number)
        if not content.strip(b" \t\r"):
            return Line(number, raw, None, None)
        try:
            value = read_json(content.decode())
        except JsonTrouble as error:
            raise self._not_json(error, content, number) from error
        except UnicodeDecodeError as error:
            message = (
                f"not UTF-8 (byte {error.start + 1} of the line: 0x{content[error.start]:02x})"
            )
            column = len(content[: error.start].decode()) + 1
            raise self._wrong(message, number, column) from error
        if not isinstance(value, dict):
            kind = _KINDS[type(value)]
            column = len(content) - len(content.lstrip()) + 1
            raise self._wrong(f"a line must hold one JSON object, this is {kind}", number, column)
        return self._line(value, raw, number)

    def _line(self, value: dict[str, Json], raw: bytes, number: int) -> Line:
        names = tuple(value)
        fields = self._shapes.get(names)
        if fields is None:
            fields = self._new_shape(names, raw, number)
        if fields != names:
            value = dict(zip(fields, value.values(), strict=True))
        metadata = value.get("metadata")
        if isinstance(metadata, dict) and OWN_KEY in metadata:
            message = f'{OWN_KEY!r} in the metadata is reserved: the line\'s "id" is its key'
            raise self._wrong(message, number, name_column(raw, self._name_of("metadata", raw)))
        if ID not in value:
            return Line(number, raw, None, value)
        key = self._key(value.pop(ID), raw, number)
        return Line(number, raw, Row(key, value), value)

    def _new_shape(self, names: tuple[str, ...], raw: bytes, number: int) -> tuple[str, ...]:
        try:
            fields = self._shapes[names] = self.names.fields_of(names)
        except UnknownName as error:
            raise self._wrong(str(error), number, name_column(raw, error.name)) from error
        return fields

    def _key(self, value: Json, raw: bytes, number: int) -> Key:
        text = str(value) if type(value) is int else value
        if not isinstance(text, str):
            problem = f"an id must be a text or an integer, this is {_KINDS[type(value)]}"
            raise self._bad_id(problem, raw, number)
        if problem := id_problem(text) or "":
            raise self._bad_id(problem, raw, number)
        first = self._first_line(fold_id(text), number)
        if first != number:
            problem = f"the id {text!r} is there twice: in line {first} and in line {number}"
            raise self._bad_id(problem, raw, number)
        return Key(text)

    def _bad_id(self, problem: str, raw: bytes, number: int) -> InvalidContent:
        return self._wrong(problem, number, name_column(raw, self._name_of(ID, raw)))

    def _name_of(self, field: str, raw: bytes) -> str:
        """Return the name that a line has for one of its fields."""
        names = (member.name for member in scan(raw.decode()).members)
        return next(name for name in names if self.names.field_of.get(name) == field)

    def _first_line(self, folded: str, number: int) -> int:
        """Return the first line that has an id; it is this one, if none had it before."""
        return self._ids.setdefault(folded, number)

    def _not_json(self, error: JsonTrouble, content: bytes, number: int) -> InvalidContent:
        if content.startswith(_MARKERS):
            return self._wrong(
                "a conflict marker of an unfinished git merge: choose one side first", number, 1
            )
        if number == 1 and content.startswith(b"version https://git-lfs"):
            return self._wrong(
                "this is a Git LFS pointer, not the file: run `git lfs pull`", number, 1
            )
        return self._wrong(error.message, number, error.column or 1)

    def _wrong(self, message: str, number: int, column: int) -> InvalidContent:
        return InvalidContent(message, path=self.path, line=number, column=column)


def name_column(raw: bytes, name: str) -> int:
    """Return the column, from 1, at which a line's object has the last member of that name; 1 where it has none."""
    members = scan(raw.decode()).members
    return max((member.start + 1 for member in members if member.name == name), default=1)


def problem_column(names: RowNames, line: Line, problem: str) -> int:
    """Return the column, from 1, of the field that a row's problem begins with; 1 where the line has not got it."""
    members = scan(line.raw.decode()).members if line.fields is not None else ()
    name = problem.partition(" ")[0]
    starts = (one.start + 1 for one in members if names.field_of.get(one.name) == name)
    return next(starts, 1)


class LooseReader(LineReader):
    """A reader for files with too many ids to remember: it looks at each line alone, and for some ids only.

    ``doubled`` are the folded ids of which it does remember the first line. Who reads with it has to find out in
    another way whether an id is there twice.
    """

    def __init__(
        self,
        path: str,
        names: RowNames,
        limits: Limits = USUAL_LIMITS,
        *,
        doubled: Collection[str] = (),
    ) -> None:
        super().__init__(path, names, limits)
        self._doubled = doubled

    def _first_line(self, folded: str, number: int) -> int:
        return super()._first_line(folded, number) if folded in self._doubled else number


# ---------------------------------------------------------------- keys from content


def with_derived_keys(file: ItemsFile) -> ItemsFile:
    """Return the file with a key for every line without ``id``: later duplicates get ``-2``, ``-3``, … in order.

    Nothing is written into the lines. A key that another line has as its ``id`` is passed over.
    """
    keys = DerivedKeys(file.by_key)
    return replace(file, lines=tuple(_with_derived_key(line, keys) for line in file.lines))


def _with_derived_key(line: Line, keys: DerivedKeys) -> Line:
    if line.row is not None or line.fields is None:
        return line
    return replace(line, row=Row(keys.next_key(line.fields), line.fields), derived=True)
