"""Compares two files of lines in nearly the same order, a window at a time, holding neither of them. Pure.

Equal stretches are compared as bytes and never split; only where the sides differ are lines looked at, until both are
at an equal line again. Where that would take more than the window holds, the comparison says so and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Read: TypeAlias = Callable[[int], bytes]

WINDOW = 16_000_000
"""Bytes of one side that are held at most while an equal line is looked for."""

_LEAST = 4_096
_MOST = 262_144
"""Bytes that are compared at once: few after a difference, as the next one may be near."""


class TooFarApart(Exception):
    """The sides are not in nearly the same order: a comparison by key has to be made."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines, their ends included, that stand at one place on one side and not on the other.

    ``base_at`` and ``local_at`` are the bytes before that place. (Lines are not counted: that would take as long as
    comparing them.)
    """

    base_at: int
    base: tuple[bytes, ...]
    local_at: int
    local: tuple[bytes, ...]


def differing_lines(base: Read, local: Read, *, window: int = WINDOW) -> Iterator[Hunk]:
    """Yield the lines that differ; what both sides have besides them is the same lines in the same order.

    The sides are asked for so many bytes at most, give none at their end, and are split at LF only. A line may be in a
    hunk though the other side has it elsewhere (it was moved). Raises TooFarApart once one side's part of a hunk does
    not fit into the ``window``.
    """
    one, other = Side(base, window), Side(local, window)
    while True:
        _skip_equal(one, other)
        hunk = _next_hunk(one, other)
        if hunk is None:
            return
        yield hunk


def _skip_equal(one: Side, other: Side) -> None:
    """Move both sides to the start of the first line that differs, or to the end."""
    begun = b""
    """What is equal of the line that the last block ended in: it may still turn out to differ."""
    size = _LEAST
    while True:
        first, second = one.take(size), other.take(size)
        if first != second or not first:
            break
        end = first.rfind(b"\n") + 1
        begun = first[end:] if end else begun + first
        size = min(2 * size, _MOST)
    if not first and not second:
        return
    common = _common(first, second)
    cut = first.rfind(b"\n", 0, common) + 1
    one.put_back(first[cut:] if cut else begun + first)
    other.put_back(second[cut:] if cut else begun + second)


def _common(first: bytes, second: bytes) -> int:
    """Return how many bytes at the start of two texts are the same."""
    low, high = 0, min(len(first), len(second)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _next_hunk(one: Side, other: Side) -> Hunk | None:
    """Take the lines up to the next one that both sides have; None when both are at their end."""
    base: list[bytes] = []
    local: list[bytes] = []
    base_places: dict[bytes, int] = {}
    local_places: dict[bytes, int] = {}
    base_held = local_held = 0
    for step in count():
        base_line = one.line_at(base_held)
        if base_line is not None:
            if base_line in local_places:
                local = local[: local_places[base_line]]
                break
            base.append(base_line)
            base_held += len(base_line)
            if base_line.strip():
                base_places.setdefault(base_line, step)
        local_line = other.line_at(local_held)
        if local_line is not None:
            if local_line in base_places:
                base = base[: base_places[local_line]]
                break
            local.append(local_line)
            local_held += len(local_line)
            if local_line.strip():
                local_places.setdefault(local_line, step)
        if base_line is None and local_line is None:
            break
        if max(base_held, local_held) > one.window:
            if base_line is not None and local_line is not None:
                raise TooFarApart
            break  # one side is at its end: the other's lines can be told piece by piece
    if not base and not local:
        return None
    hunk = Hunk(one.place, tuple(base), other.place, tuple(local))
    one.take(sum(map(len, base)))
    other.take(sum(map(len, local)))
    return hunk


class Side:
    """One side as it is read, what was read and not yet taken, and the ``place``: how many bytes were taken."""

    def __init__(self, read: Read, window: int) -> None:
        self._read = read
        self._data = b""
        self._at = 0
        self.window = window
        self.place = 0

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end only, and move over them."""
        there = len(self._data) - self._at
        if there > size:
            self._at += size
            self.place += size
            return self._data[self._at - size : self._at]
        taken = self._data[self._at :]
        self._data, self._at = b"", 0
        more = self._exactly(size - there)
        self.place += there + len(more)
        return taken + more if taken else more

    def _exactly(self, size: int) -> bytes:
        """Read so many bytes, fewer at the end only."""
        data = self._read(size) if size else b""
        if len(data) == size or not data:
            return data
        parts = [data]
        left = size - len(data)
        while left and (more := self._read(left)):
            parts.append(more)
            left -= len(more)
        return b"".join(parts)

    def put_back(self, data: bytes) -> None:
        """Let these bytes, which were taken last, be the next ones."""
        self._data, self._at = data + self._data[self._at :], 0
        self.place -= len(data)

    def ahead(self, offset: int, size: int) -> bytes:
        """Return the bytes that begin so many bytes ahead, fewer at the end only; they are not taken."""
        missing = self._at + offset + size - len(self._data)
        if missing > 0:
            self._data, self._at = self._data[self._at :] + self._exactly(missing), 0
        return self._data[self._at + offset : self._at + offset + size]

    def line_at(self, offset: int) -> bytes | None:
        """Return the line that begins so many bytes ahead, None at the end. Raises TooFarApart for one too long."""
        looked = self._at + offset
        start = looked
        more = _LEAST
        while (end := self._data.find(b"\n", looked)) < 0:
            looked = len(self._data)
            if looked - self._at > 2 * self.window:
                raise TooFarApart
            found = self._exactly(more)
            if not found:
                return self._data[start:] or None
            looked, start = looked - self._at, start - self._at
            self._data, self._at = self._data[self._at :] + found, 0
            more = min(2 * more, self.window)
        return self._data[start : end + 1]
