"""Short digests of rows by key: packed for the keys of lines that are kept, else in a dictionary."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING

from skillsync.model import Key

if TYPE_CHECKING:
    from skillsync.formats.kept_rows import KeptLines

_DIGITS = 16
_NONE = 0


class ShortDigests(MutableMapping[Key, str]):
    """A short digest for each of many keys, in the order in which they came, those that ``like`` has first.

    ``like`` are the lines of a file whose keys are likely to be the same: for those eight bytes are held.
    """

    def __init__(self, like: KeptLines | None, values: Mapping[Key, str] | None = None) -> None:
        self.like = like
        self._column = array("Q", (_NONE,)) * (len(like) if like is not None else 0)
        self._packed = 0
        self._others: dict[Key, str] = {}
        if isinstance(values, ShortDigests) and values.like is like:
            self._column, self._packed = array("Q", values._column), values._packed
            self._others = dict(values._others)
        elif values is not None:
            self.update(values)

    def _line(self, key: object) -> int | None:
        if self.like is None or not isinstance(key, str):
            return None
        return self.like.number_of(Key(key))

    def __len__(self) -> int:
        return self._packed + len(self._others)

    def __iter__(self) -> Iterator[Key]:
        if self.like is not None and self._packed:
            for key, value in zip(self.like.keys, self._column, strict=True):
                if value != _NONE and key is not None:
                    yield key
        yield from self._others

    def __contains__(self, key: object) -> bool:
        line = self._line(key)
        return (line is not None and self._column[line] != _NONE) or key in self._others

    def __getitem__(self, key: Key) -> str:
        line = self._line(key)
        if line is not None and (value := self._column[line]) != _NONE:
            return f"{value:016x}"
        return self._others[key]

    def __setitem__(self, key: Key, value: str) -> None:
        line = self._line(key)
        number = _number(value)
        if line is None or number == _NONE:
            # What is no digest, and the one that stands for no row, are few.
            self._drop(line)
            self._others[key] = value
            return
        self._others.pop(key, None)
        self._packed += self._column[line] == _NONE
        self._column[line] = number

    def __delitem__(self, key: Key) -> None:
        line = self._line(key)
        if line is not None and self._column[line] != _NONE:
            self._drop(line)
        else:
            del self._others[key]

    def _drop(self, line: int | None) -> None:
        if line is not None and self._column[line] != _NONE:
            self._column[line] = _NONE
            self._packed -= 1


def _number(value: str) -> int:
    """Return the number that a short digest is, 0 for anything else."""
    if len(value) != _DIGITS:
        return _NONE
    try:
        number = int(value, 16)
    except ValueError:
        return _NONE
    return number if f"{number:016x}" == value else _NONE


def same_digests(one: Mapping[Key, str], other: Mapping[Key, str]) -> bool:
    """Tell whether two mappings hold the same, looking at one key after the other."""
    return one is other or (
        len(one) == len(other) and all(other.get(key) == value for key, value in one.items())
    )
