"""Finds the number of a key in a list of keys, without holding the key again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.formats.open_table import OpenTable
from skillsync.formats.row_keys import fold_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.model import Key


class KeyIndex:
    """The numbers of the keys in a list that only grows.

    With ``folds`` a key is told from another as ids are (``fold_id``), else as texts are.
    """

    def __init__(self, keys: Sequence[Key | None], *, folds: bool) -> None:
        self._keys = keys
        self._folds = folds
        self._table = OpenTable("I", self._hash_of)

    def find(self, folded: str) -> int | None:
        """Return the number of a key, given folded where that counts; None where there is none."""
        keys = self._keys
        for found in self._table.near(hash(folded)):
            key = keys[found - 1]
            if key == folded:
                return found - 1
            if self._folds and key is not None and not key.isascii() and fold_id(key) == folded:
                return found - 1
        return None

    def add(self, folded: str, number: int) -> None:
        """Put in the number of a key that is not in yet; it stands in the list, or will before another is asked for."""
        self._table.add(number + 1, hash(folded))

    def _hash_of(self, number: int) -> int:
        key = self._keys[number - 1] or ""
        return hash(fold_id(key) if self._folds else key)
