"""Finds the number of a key in a list of keys: in some ten bytes for each, where a dictionary takes eighty."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from skillsync.formats.row_keys import fold_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.model import Key

_SMALLEST = 64


class KeyIndex:
    """The numbers of the keys in a list that only grows, by open addressing.

    With ``folds`` a key is told from another as ids are (``fold_id``), else as texts are.
    """

    def __init__(self, keys: Sequence[Key | None], *, folds: bool) -> None:
        self._keys = keys
        self._folds = folds
        self._table = array("I", bytes(4 * _SMALLEST))
        self._count = 0

    def find(self, folded: str) -> int | None:
        """Return the number of a key, given folded where that counts; None where there is none."""
        table, keys, folds = self._table, self._keys, self._folds
        last = len(table) - 1
        at = hash(folded) & last
        while found := table[at]:
            key = keys[found - 1]
            if key == folded:
                return found - 1
            if folds and key is not None and not key.isascii() and fold_id(key) == folded:
                return found - 1
            at = (at + 1) & last
        return None

    def add(self, folded: str, number: int) -> None:
        """Put in the number of a key that is not in yet; it stands in the list, or will before another is asked for."""
        if 2 * self._count >= len(self._table):
            self._grow()
        self._put(folded, number)
        self._count += 1

    def _put(self, folded: str, number: int) -> None:
        last = len(self._table) - 1
        at = hash(folded) & last
        while self._table[at]:
            at = (at + 1) & last
        self._table[at] = number + 1

    def _grow(self) -> None:
        numbers = self._table
        self._table = array("I", bytes(8 * len(numbers)))
        for number in numbers:
            if number and (key := self._keys[number - 1]) is not None:
                self._put(self._folded(key), number - 1)

    def _folded(self, key: Key) -> str:
        return fold_id(key) if self._folds else key
