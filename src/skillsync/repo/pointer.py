"""The pointer files beside an object: ``.skillsync``, one line per target, and ``.skillsync.rows`` (sync.md 5.3, 7.3).

Both are read as hostile input: whatever they hold, reading never raises, and a file that cannot be believed
yields a problem instead of a pointer (sync.md 14.6 #133).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from skillsync.formats.short_digests import ShortDigests
from skillsync.model import (
    DatasetPointer,
    Digest,
    Key,
    Pointer,
    Problem,
    Severity,
    SkillPointer,
    Stamp,
)

if TYPE_CHECKING:
    from skillsync.formats.kept_rows import KeptLines

POINTER = ".skillsync"
"""The pointer's file name."""
ROWS = ".skillsync.rows"
"""The file name of the row bases."""

_POINTER_LIMIT = 1_000_000
_ROWS_LIMIT = 512_000_000
_BLOCK = 1 << 16

_PLACE = r"(?P<place>[A-Za-z0-9._:\[\]-]+/[A-Za-z0-9_-]+)"
_DIGEST = r"canon:1:sha256:[0-9a-f]{64}"
_STAMP = r"(?: at=(?P<at>unborn|[0-9a-f]{40}(?:[0-9a-f]{24})?) files=(?P<files>[0-9a-f]{32}))?"
_SKILL = re.compile(
    rf"{_PLACE} v(?P<number>[1-9][0-9]{{0,9}}) (?P<id>[0-9A-Za-z-]{{1,64}})"
    rf" first=(?P<first>[0-9A-Za-z:.+-]{{1,64}}) (?P<digest>{_DIGEST})(?P<gone> gone)?{_STAMP}"
)
_DATASET = re.compile(
    rf"{_PLACE} dataset=(?P<dataset>[0-9A-Za-z-]{{1,64}}) rev=(?P<rev>g1|0|[1-9][0-9]{{0,17}})"
    rf" meta=(?P<meta>{_DIGEST}) rows=(?P<rows>0|[1-9][0-9]{{0,11}}) (?P<digest>{_DIGEST})(?P<gone> gone)?{_STAMP}"
)
_LATER = re.compile(rf"{_PLACE} [ -~]+")
_IN_CONFLICT = "the file holds conflict markers of an unfinished merge"
_MARKER = re.compile(r"^(<{7,}|={7,}|>{7,}|\|{7,})", re.MULTILINE)
_BYTES_MARKER = re.compile(_MARKER.pattern.encode(), re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PointerFile:
    """A pointer file that was read: its lines by place (``HOST/PROJECT``), and what is wrong with it.

    ``unknown`` are lines of a form this version does not know, or several for one place. They are no pointers,
    they are kept as they are, and ``problems`` names each with its place as the subject.
    """

    lines: Mapping[str, Pointer] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_pointer(data: bytes, *, path: str) -> PointerFile:
    """Read a ``.skillsync`` file; never raises.

    Conflict markers, text that is no pointer line at all, more than 1 MB, or bytes that are no UTF-8 make the
    whole file no pointer. A line of a later version, or two lines for one place, cost that place alone.
    """
    text, trouble = _text(data, _POINTER_LIMIT)
    if trouble:
        return PointerFile(problems=(_problem(path, trouble),))
    found: dict[str, list[tuple[int, str, Pointer | None]]] = {}
    for number, line in _numbered(text):
        pointer = parse_line(line)
        later = None if pointer else _LATER.fullmatch(line)
        if pointer is None and later is None:
            return PointerFile(problems=(_problem(path, "this is no pointer line", line=number),))
        place = pointer.place if pointer else later["place"] if later else ""
        found.setdefault(place, []).append((number, line, pointer))
    lines: dict[str, Pointer] = {}
    unknown: list[str] = []
    problems: list[Problem] = []
    for place, lines_there in found.items():
        number, line, pointer = lines_there[0]
        if pointer is not None and len(lines_there) == 1:
            lines[place] = pointer
            continue
        unknown += [line for _, line, _ in lines_there]
        why = (
            f"there are {len(lines_there)} lines for {place}"
            if len(lines_there) > 1
            else f"the line for {place} has a form that this version does not know"
        )
        problems.append(_problem(path, why, line=lines_there[-1][0], subject=place))
    return PointerFile(lines, tuple(problems), tuple(unknown))


def parse_line(line: str) -> Pointer | None:
    """Read one pointer line without its line end, None if it is none (sync.md 5.3 and 7.3)."""
    if match := _SKILL.fullmatch(line):
        return SkillPointer(
            match["place"],
            int(match["number"]),
            match["id"],
            match["first"],
            Digest(match["digest"]),
            _stamp(match),
            gone=bool(match["gone"]),
        )
    if match := _DATASET.fullmatch(line):
        return DatasetPointer(
            match["place"],
            match["dataset"],
            None if match["rev"] == "g1" else int(match["rev"]),
            Digest(match["meta"]),
            int(match["rows"]),
            Digest(match["digest"]),
            _stamp(match),
            gone=bool(match["gone"]),
        )
    return None


def _stamp(match: re.Match[str]) -> Stamp | None:
    return Stamp(match["at"], match["files"]) if match["at"] else None


def render_line(pointer: Pointer) -> str:
    """Write one pointer as a line, without its line end."""
    if isinstance(pointer, SkillPointer):
        words = [pointer.place, f"v{pointer.number}", pointer.id, f"first={pointer.first}"]
    else:
        revision = "g1" if pointer.revision is None else str(pointer.revision)
        words = [
            pointer.place,
            f"dataset={pointer.dataset}",
            f"rev={revision}",
            f"meta={pointer.meta}",
            f"rows={pointer.rows}",
        ]
    words.append(pointer.digest)
    if pointer.gone:
        words.append("gone")
    if pointer.stamp is not None:
        words += [f"at={pointer.stamp.at}", f"files={pointer.stamp.files}"]
    return " ".join(words)


def render_pointer(lines: Mapping[str, Pointer], keep: PointerFile | None = None) -> bytes:
    """Write a ``.skillsync`` file: one line per place, sorted.

    ``keep`` is the file as it was read: its unknown lines are repeated, but for places that ``lines`` names.
    """
    written = [render_line(pointer) for pointer in lines.values()]
    places = {pointer.place for pointer in lines.values()}
    if keep is not None:
        written += [line for line in keep.unknown if line.partition(" ")[0] not in places]
    return "".join(f"{line}\n" for line in sorted(written)).encode()


# ---------------------------------------------------------------- rows

_VALUE = re.compile(r"[0-9a-f]{16}|@[0-9]{1,18}")
_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029][^\\\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]*')  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowsFile(Mapping[str, Mapping[Key, str]]):
    """The row bases: place to key to value; a value is 16 hex digits of a row's digest, or ``@<revision>``."""

    places: Mapping[str, Mapping[Key, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def __getitem__(self, place: str) -> Mapping[Key, str]:
        return self.places[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def parse_rows(data: bytes, *, path: str, like: KeptLines | None = None) -> RowsFile:
    """Read a ``.skillsync.rows`` file; never raises. Any line that cannot be read makes it an empty one.

    Without row bases whole rows are compared (sync.md 7.3), so believing none of it loses nothing. ``like`` are the
    lines of a large file beside it: what is read is then packed (``ShortDigests``).
    """
    trouble = _rows_trouble(data)
    if trouble:
        return RowsFile(problems=(_problem(path, trouble),))
    places: dict[str, MutableMapping[Key, str]] = {}
    for number, raw in enumerate(io.BytesIO(data), start=1):
        line = raw.decode().removesuffix("\n").removesuffix("\r")
        if not line:
            continue
        words = line.split("\t")
        key = _parse_key(words[1]) if len(words) == 3 else None
        if key is None or not _VALUE.fullmatch(words[2]) or not _is_place(words[0]):
            return RowsFile(problems=(_problem(path, "this is no row line", line=number),))
        rows = places.get(words[0])
        if rows is None:
            rows = places[words[0]] = {} if like is None else ShortDigests(like)
        before = len(rows)
        rows[key] = words[2]
        if len(rows) == before:
            return RowsFile(problems=(_problem(path, "a key appears twice", line=number),))
    return RowsFile(places)


@lru_cache(maxsize=8)
def _is_place(text: str) -> bool:
    return re.fullmatch(_PLACE, text) is not None


def _rows_trouble(data: bytes) -> str:
    """Return why the bytes cannot be believed, without holding their text."""
    if len(data) > _ROWS_LIMIT:
        return f"the file has {len(data):,} bytes, far more than it can need"
    try:
        for line in io.BytesIO(data):
            line.decode()
    except UnicodeDecodeError:
        return "the file is not UTF-8"
    return _IN_CONFLICT if _BYTES_MARKER.search(data) else ""


def render_rows(places: Mapping[str, Mapping[Key, str]]) -> bytes:
    """Write a ``.skillsync.rows`` file: ``HOST/PROJECT<TAB>key<TAB>value``, sorted by place and key.

    A key with control characters, a backslash or a leading quote is written as a JSON string.
    """
    return b"".join(_blocks(places))


def is_rendered(places: Mapping[str, Mapping[Key, str]], data: bytes) -> bool:
    """Tell whether ``render_rows`` would write these bytes, without writing them all."""
    at = 0
    for block in _blocks(places):
        if not data.startswith(block, at):
            return False
        at += len(block)
    return at == len(data)


def _blocks(places: Mapping[str, Mapping[Key, str]]) -> Iterator[bytes]:
    block = bytearray()
    for place in sorted(places):
        rows = places[place]
        for key in sorted(rows):
            block += f"{place}\t{_render_key(key)}\t{rows[key]}\n".encode()
            if len(block) > _BLOCK:
                yield bytes(block)
                block.clear()
    yield bytes(block)


def _render_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=True)


def _parse_key(text: str) -> Key | None:
    if not text.startswith('"'):
        return Key(text) if _PLAIN_KEY.fullmatch(text) else None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Key(value) if isinstance(value, str) else None


# ---------------------------------------------------------------- both


def _text(data: bytes, limit: int) -> tuple[str, str]:
    """Return a file's text and, instead of it, why it cannot be believed."""
    if len(data) > limit:
        return "", f"the file has {len(data):,} bytes, far more than it can need"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "", "the file is not UTF-8"
    if _MARKER.search(text):
        return "", _IN_CONFLICT
    return text, ""


def _numbered(text: str) -> list[tuple[int, str]]:
    """Return the lines that are not blank, with their numbers; line ends may be CRLF."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [(number, line) for number, line in enumerate(lines, start=1) if line]


def _problem(path: str, why: str, *, line: int | None = None, subject: str = "") -> Problem:
    settles = "skillsync pull, while git has it unmerged; else " if why == _IN_CONFLICT else ""
    return Problem(
        "E-POINTER",
        f"{path}: {why}; it is not used",
        subject=subject,
        path=path,
        line=line,
        severity=Severity.ERROR,
        fix=f"{settles}git checkout HEAD -- {path}",
    )
