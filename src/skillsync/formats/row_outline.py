"""Outlines a file of rows, block by block, so that what another differs in is told without looking at the first. Pure.

A block is whole lines. The other file is read once, and each block of it that is as outlined is only hashed. Where one is
not, lines are looked at until a later block begins and is as outlined; what stood in between replaces the blocks passed
over. Where that would take more than the window holds, the comparison says so and stops.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.formats.canonical import row_digest, short
from skillsync.formats.line_windows import WINDOW, Hunk, Side, TooFarApart, differing_lines
from skillsync.formats.row_lines import BOM
from skillsync.formats.row_stream import MOST_CHANGED
from skillsync.formats.row_table import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skillsync.formats.line_windows import Read
    from skillsync.formats.row_lines import Line, LineReader
    from skillsync.model import Key

BLOCK = 1 << 17
"""Bytes, or up to a line more, of one block."""

_MOST_TRIED = 100
"""So many places that begin as a block does, and are none, are looked at for one difference."""

_PACKED = struct.Struct("<III32s32s32s")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand together: their ``size`` in bytes, how many of them are ``keyless``, and the SHA-256 of them and
    of the ``first`` one. Of the lines of a table that their rows have: how many bytes, and the SHA-256.
    """

    size: int
    keyless: int
    rows_size: int
    digest: bytes
    first: bytes
    rows_digest: bytes


def packed_blocks(blocks: Iterable[Block]) -> bytes:
    """Return the blocks as bytes."""
    return b"".join(
        _PACKED.pack(
            block.size,
            block.keyless,
            block.rows_size,
            block.digest,
            block.first,
            block.rows_digest,
        )
        for block in blocks
    )


def unpacked_blocks(data: bytes) -> list[Block]:
    """Return what ``packed_blocks`` was given. Raises ValueError for bytes that are none."""
    try:
        return [Block(*fields) for fields in _PACKED.iter_unpack(data)]
    except struct.error as error:
        raise ValueError(str(error)) from error


class Outliner:
    """Makes the outline of a file as its lines come; ``put`` takes the lines of the table, those of each block at once."""

    def __init__(self, put: Callable[[bytes], object], *, block: int = BLOCK) -> None:
        self._put = put
        self._most = block
        self._blocks: list[Block] = []
        self._lines: list[bytes] = []
        self._rows: list[bytes] = []
        self._size = 0
        self._keyless = 0

    def add(self, line: Line, row: bytes | None) -> None:
        """Take the next line, and the line of the table of its row, if it has one."""
        self._lines.append(line.raw)
        self._size += len(line.raw)
        if row is not None:
            self._rows.append(row)
        elif line.fields is not None:
            self._keyless += 1
        if self._size >= self._most:
            self._end_block()

    def ended(self) -> list[Block]:
        """Return the blocks of all lines."""
        if self._lines:
            self._end_block()
        return self._blocks

    def _end_block(self) -> None:
        rows = b"".join(self._rows)
        self._put(rows)
        first = sha256(self._lines[0]).digest()
        digest = sha256(b"".join(self._lines)).digest()
        self._blocks.append(
            Block(self._size, self._keyless, len(rows), digest, first, sha256(rows).digest())
        )
        self._lines.clear()
        self._rows.clear()
        self._size = self._keyless = 0


# ---------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Span:
    """The ``lines``, their ends included, that stand in place of the blocks from ``begin`` to before ``end``.

    ``at`` is how many bytes the other file has before that place.
    """

    begin: int
    end: int
    at: int
    lines: tuple[bytes, ...]


def differing_spans(blocks: Sequence[Block], read: Read, *, window: int = WINDOW) -> Iterator[Span]:
    """Yield where a file differs from an outlined one; all blocks outside the spans are in it, in their order.

    ``read`` gives so many bytes at most, none at the end. Raises TooFarApart once the lines of a span do not fit into
    the ``window``, unless these stand after everything else.
    """
    side = Side(read, window)
    number = 0
    while number < len(blocks):
        data = side.take(blocks[number].size)
        if _is_block(blocks[number], data, side, after=0):
            number += 1
            continue
        side.put_back(data)
        span = _next_span(blocks, number, side)
        yield span
        number = span.end
    while lines := _lines_held(side):
        yield Span(number, number, side.place - sum(map(len, lines)), lines)


def _is_block(block: Block, data: bytes, side: Side, *, after: int) -> bool:
    """Tell whether bytes are a block; ``after`` them is so far ahead. A last line without an end may go on here."""
    if len(data) != block.size or sha256(data).digest() != block.digest:
        return False
    return data.endswith(b"\n") or not side.ahead(after, 1)


def _next_span(blocks: Sequence[Block], begin: int, side: Side) -> Span:
    """Take the lines up to the next block that is in the file again, or to its end."""
    starts = _starts(blocks, begin, side.window)
    lines: list[bytes] = []
    held = tried = 0
    end = len(blocks)
    while (line := side.line_at(held)) is not None:
        number = starts.get(sha256(line).digest()) if line.strip() else None
        if number is not None:
            size = blocks[number].size
            if _is_block(blocks[number], side.ahead(held, size), side, after=held + size):
                end = number
                break
            tried += 1
        lines.append(line)
        held += len(line)
        if held > side.window or tried > _MOST_TRIED:
            raise TooFarApart
    side.take(held)
    return Span(begin, end, side.place - held, tuple(lines))


def _starts(blocks: Sequence[Block], begin: int, window: int) -> dict[bytes, int]:
    """Return the first lines of the blocks that one from ``begin`` on may be followed by, each with its first block."""
    starts: dict[bytes, int] = {}
    passed = 0
    for number in range(begin, len(blocks)):
        starts.setdefault(blocks[number].first, number)
        passed += blocks[number].size
        if passed > window:
            break
    return starts


def _lines_held(side: Side) -> tuple[bytes, ...]:
    """Take the next lines that fit into the window."""
    lines: list[bytes] = []
    held = 0
    while held <= side.window and (line := side.line_at(held)) is not None:
        lines.append(line)
        held += len(line)
    side.take(held)
    return tuple(lines)


def outlined_hunks(spans: Iterable[Span], blocks: Sequence[Block], base: Read) -> Iterator[Hunk]:
    """Yield the lines that differ in the spans; ``base`` reads the outlined file, up to the last of these.

    Raises TooFarApart as ``differing_lines``.
    """
    side = Side(base, WINDOW)
    number = 0
    for span in spans:
        for passed in blocks[number : span.begin]:
            side.take(passed.size)
        at = side.place
        lines = b"".join(side.take(block.size) for block in blocks[span.begin : span.end])
        number = span.end
        other = b"".join(span.lines)
        for hunk in differing_lines(io.BytesIO(lines).read, io.BytesIO(other).read):
            yield Hunk(at + hunk.base_at, hunk.base, span.at + hunk.local_at, hunk.local)


# ---------------------------------------------------------------- rows


@dataclass
class RowEdits:
    """What makes the table of the outlined file that of the other: the rows that go and those that come, with digests.

    ``keyless`` is how many more lines have no key, ``is_same`` whether no line differs at all.
    """

    gone: dict[Key, str] = field(default_factory=dict)
    new: dict[Key, str] = field(default_factory=dict)
    keyless: int = 0
    is_same: bool = True


def read_edits(
    spans: Iterable[Span],
    blocks: Sequence[Block],
    rows_of: Callable[[int], bytes],
    reader: LineReader,
    *,
    most: int = MOST_CHANGED,
) -> RowEdits:
    """Read the lines that differ, and no other. ``rows_of`` gives the lines of the table of a block's rows.

    Raises InvalidContent for a wrong line, or one with the id of another that was read (the line that it names is
    counted among these), TooFarApart when there are more than ``most``, and what ``rows_of`` raises.
    """
    found = RowEdits()
    count = 0
    for span in spans:
        found.is_same = False
        if span.lines and not span.at and span.lines[0].startswith(BOM):
            reader.refuse_mark()
        for number in range(span.begin, span.end):
            found.keyless -= blocks[number].keyless
            rows = rows_of(number).splitlines(keepends=True)
            found.gone.update((key_of(row), _digest_of(row)) for row in rows)
            if len(found.gone) > most:
                raise TooFarApart
        if count + len(span.lines) > most:
            raise TooFarApart
        for raw in span.lines:
            count += 1
            line = reader.read_line(raw, count)
            if line.row is not None:
                found.new[line.row.key] = short(row_digest(line.row))
            elif line.fields is not None:
                found.keyless += 1
    for key in [key for key, digest in found.new.items() if found.gone.get(key) == digest]:
        del found.gone[key], found.new[key]
    return found


def _digest_of(row: bytes) -> str:
    return row.rstrip(b"\n").partition(b"\t")[2].decode()
