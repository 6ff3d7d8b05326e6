"""Records of one fixed size, packed into blocks: what is held of each of a million things."""

from __future__ import annotations

from struct import Struct
from typing import Any

_BLOCK = 1 << 11
"""Records of a block. Blocks do not move as more come, so that nothing is copied and no holes are left."""


class PackedRecords:
    """Tuples of one form (``struct``), by number from 0."""

    def __init__(self, form: str) -> None:
        self._form = Struct(form)
        self._blocks: list[bytearray] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, *values: Any) -> None:
        """Put the next one in."""
        block, at = divmod(self._count, _BLOCK)
        if not at:
            self._blocks.append(bytearray(self._form.size * _BLOCK))
        self._form.pack_into(self._blocks[block], at * self._form.size, *values)
        self._count += 1

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        block, at = divmod(number, _BLOCK)
        return self._form.unpack_from(self._blocks[block], at * self._form.size)

    def __setitem__(self, number: int, values: tuple[Any, ...]) -> None:
        block, at = divmod(number, _BLOCK)
        self._form.pack_into(self._blocks[block], at * self._form.size, *values)
