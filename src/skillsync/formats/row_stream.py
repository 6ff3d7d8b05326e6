"""Reads the rows of a file as a stream: all of them one by one, or those alone in which it differs from another. Pure."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.line_windows import TooFarApart
from skillsync.formats.row_lines import BOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skillsync.formats.line_windows import Hunk
    from skillsync.formats.row_lines import Line, LineReader
    from skillsync.model import Key, Readable, Row

MOST_CHANGED = 50_000
"""So many differing lines are looked at one by one; with more, reading everything is not slower."""


def read_rows(stream: Readable, reader: LineReader) -> Iterator[Line]:
    """Yield the lines of a file, as ``LineReader.read_lines`` does, holding one of them.

    Raises InvalidContent at the first that is wrong.
    """
    for found in _read(stream, reader):
        if isinstance(found, InvalidContent):
            raise found
        yield found


def wrong_lines(stream: Readable, reader: LineReader, *, at_most: int = 50) -> list[InvalidContent]:
    """Return what is wrong with a file, a line at a time: where ``read_rows`` stops at the first, this goes on."""
    wrong = (found for found in _read(stream, reader) if isinstance(found, InvalidContent))
    return [*islice(wrong, at_most)]


def _read(stream: Readable, reader: LineReader) -> Iterator[Line | InvalidContent]:
    """Yield each line, or what is wrong with it; a byte order mark is wrong, and the line after it is looked at."""
    most = reader.longest + 2
    number = 0
    while raw := stream.readline(most + 1):
        number += 1
        try:
            if number == 1 and raw.startswith(BOM):
                reader.refuse_mark()
            if len(raw) > most and not raw.endswith(b"\n"):
                raise reader.too_long(_length(stream, raw), number)
            yield reader.read_line(raw, number)
        except InvalidContent as error:
            yield error


def _length(stream: Readable, begun: bytes) -> int:
    """Return how many bytes a line has, of which the beginning was read, without its end."""
    length, end = len(begun), begun[-2:]
    while not end.endswith(b"\n") and (more := stream.readline(io.DEFAULT_BUFFER_SIZE)):
        length += len(more)
        end = (end + more)[-2:]
    return length - len(end) + len(end.removesuffix(b"\n").removesuffix(b"\r"))


# ---------------------------------------------------------------- what differs


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of one side, with its short digest."""

    row: Row
    digest: str


@dataclass
class Changes:
    """The rows that only one side has as they are, by key; a row that merely moved is in neither.

    ``lines`` counts the differing ones, ``keyless_base`` and ``keyless_local`` those without a key among them.
    """

    base: dict[Key, Placed] = field(default_factory=dict)
    local: dict[Key, Placed] = field(default_factory=dict)
    lines: int = 0
    keyless_base: int = 0
    keyless_local: int = 0


def read_changes(
    hunks: Iterable[Hunk], base: LineReader, local: LineReader, *, most: int = MOST_CHANGED
) -> Changes:
    """Read the lines that differ, and no other.

    Raises InvalidContent for one that is wrong by itself or has the id of another differing line of its side (the
    line that it names is counted among these), and TooFarApart when there are more than ``most``.
    """
    found = Changes()
    for hunk in hunks:
        found.lines += len(hunk.base) + len(hunk.local)
        if found.lines > most:
            raise TooFarApart
        if hunk.local and not hunk.local_at and hunk.local[0].startswith(BOM):
            local.refuse_mark()
        first = found.lines
        found.keyless_base += _read_side(base, first, hunk.base, found.base)
        found.keyless_local += _read_side(local, first, hunk.local, found.local)
    for key in found.base.keys() & found.local.keys():
        if found.base[key].digest == found.local[key].digest:
            del found.base[key], found.local[key]
    return found


def _read_side(
    reader: LineReader, first: int, lines: Iterable[bytes], found: dict[Key, Placed]
) -> int:
    """Read lines of one side into ``found``; return how many have no key."""
    keyless = 0
    for number, raw in enumerate(lines, start=first):
        line = reader.read_line(raw, number)
        if line.row is not None:
            found[line.row.key] = Placed(line.row, short(row_digest(line.row)))
        elif line.fields is not None:
            keyless += 1
    return keyless
