"""Numbers found by hashes, in one array: some ten bytes for each, where a set or a dictionary takes eighty."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SMALLEST = 64


class OpenTable:
    """Numbers, none of them 0, by open addressing. ``form`` is that of an array, and ``hash_of`` a number stays as it is."""

    def __init__(self, form: str, hash_of: Callable[[int], int]) -> None:
        self._form = form
        self._hash_of = hash_of
        self._slots = self._empty(_SMALLEST)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def near(self, hashed: int) -> Iterator[int]:
        """Yield the numbers that may have a hash; none is put in meanwhile."""
        slots = self._slots
        last = len(slots) - 1
        at = hashed & last
        while number := slots[at]:
            yield number
            at = (at + 1) & last

    def add(self, number: int, hashed: int) -> None:
        """Put in a number that is not in yet."""
        if 3 * self._count >= 2 * len(self._slots):
            self._grow()
        self._put(number, hashed)
        self._count += 1

    def _put(self, number: int, hashed: int) -> None:
        slots = self._slots
        last = len(slots) - 1
        at = hashed & last
        while slots[at]:
            at = (at + 1) & last
        slots[at] = number

    def _grow(self) -> None:
        before = self._slots
        self._slots = self._empty(2 * len(before))
        for number in before:
            if number:
                self._put(number, self._hash_of(number))

    def _empty(self, size: int) -> array[int]:
        return array(self._form, (0,)) * size
