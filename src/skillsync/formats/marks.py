"""Remembers texts in eight bytes each, well enough to say which of a million may have been there before."""

from __future__ import annotations

from skillsync.formats.open_table import OpenTable

_MASK = (1 << 64) - 1


class Marks:
    """The marks of texts: two of a million texts have the same one in one of 30 million runs."""

    def __init__(self) -> None:
        self._table = OpenTable("Q", _itself)

    def __len__(self) -> int:
        return len(self._table)

    def add(self, text: str) -> bool:
        """Remember a text, and tell whether its mark is new."""
        mark = hash(text) & _MASK or 1
        if mark in self._table.near(mark):
            return False
        self._table.add(mark, mark)
        return True


def _itself(mark: int) -> int:
    return mark
