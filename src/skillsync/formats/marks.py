"""Remembers texts in eight bytes each, well enough to say which of a million may have been there before."""

from __future__ import annotations

from array import array

_MASK = (1 << 64) - 1
_SMALLEST = 64


class Marks:
    """The marks of texts: two of a million texts have the same one in one of 30 million runs."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Remember a text, and tell whether its mark is new."""
        if 3 * self._count >= 2 * len(self._table):
            self._grow()
        is_new = _put(self._table, hash(text) & _MASK or 1)
        self._count += is_new
        return is_new

    def _grow(self) -> None:
        table = array("Q", bytes(16 * len(self._table)))
        for mark in self._table:
            if mark:
                _put(table, mark)
        self._table = table


def _put(table: array[int], mark: int) -> bool:
    last = len(table) - 1
    at = mark & last
    while found := table[at]:
        if found == mark:
            return False
        at = (at + 1) & last
    table[at] = mark
    return True
