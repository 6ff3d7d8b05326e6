"""Keys in one buffer, each made a text when it is looked at: a text of its own takes sixty bytes and a place in a list."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, cast, overload

from skillsync.model import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

K = TypeVar("K", bound="Key | None")

_NONE = b"\xff"
"""Stands for no key: no text has this byte."""


class PackedKeys(Sequence[K], Generic[K]):
    """A list of keys that only grows; some may be None."""

    def __init__(self, keys: Iterable[K] = ()) -> None:
        self._text = bytearray()
        self._ends = array("Q", (0,))
        for key in keys:
            self.append(key)

    def append(self, key: K) -> None:
        """Put the next one in."""
        self._text += _NONE if key is None else key.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[K]:
        return map(self._key, range(len(self)))

    @overload
    def __getitem__(self, at: int) -> K: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[K]: ...
    def __getitem__(self, at: int | slice) -> K | Sequence[K]:
        if isinstance(at, slice):
            return [self._key(number) for number in range(len(self))[at]]
        return self._key(at if at >= 0 else range(len(self))[at])

    def _key(self, number: int) -> K:
        data = self._text[self._ends[number] : self._ends[number + 1]]
        return cast("K", None if data == _NONE else Key(data.decode("utf-8", "surrogatepass")))
