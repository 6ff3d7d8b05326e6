"""The bases of a dataset's rows where the server keeps revisions: which are as the recorded one, which lag (sync.md 7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import keyed_digest

if TYPE_CHECKING:
    from skillsync.model import Digest, Key


K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Bases:
    """What was taken in of a dataset at ``revision``: short digest by key, ABSENT for "no such row".

    ``lagging`` names those rows whose base is not what the dataset held at ``revision``, with the revision at which
    it held it; 0 stands for ABSENT, as nothing was there before the first revision.
    """

    revision: int
    digests: Mapping[Key, str] = field(default_factory=dict)
    lagging: Mapping[Key, int] = field(default_factory=dict)

    @property
    def digest(self) -> Digest:
        """The digest of the rows that were taken in."""
        return bases_digest(self.digests)

    @property
    def lines(self) -> dict[Key, str]:
        """What stands in the file of row bases."""
        return {key: f"@{revision}" for key, revision in self.lagging.items()}


def bases_digest(base: Mapping[Key, str]) -> Digest:
    """Return the digest over key and row digest of those rows that are there."""
    if any(digest == ABSENT for digest in base.values()):
        base = {key: digest for key, digest in base.items() if digest != ABSENT}
    return keyed_digest(base)


def bases_at(
    revision: int,
    base: Mapping[Key, str],
    *,
    there: Mapping[Key, str],
    known: Mapping[Key, int],
    before: int,
) -> Bases:
    """Return how ``base`` is recorded at a revision at which the dataset holds ``there``.

    ``known`` are the revisions of single rows, ``before`` that of all the others: the revision recorded last.
    A row that is there and was not taken in has an explicit base, ABSENT, and so has one whose revision nobody
    knows: then it is compared as if it were new, which overwrites nothing.
    """
    lagging: dict[Key, int] = {}
    for key in chain(base, (key for key in there if key not in base)):
        digest = base.get(key, ABSENT)
        if digest == ABSENT:
            lagging[key] = 0
        elif digest != there.get(key):
            lagging[key] = known.get(key, before)
    return Bases(revision, with_absent(base, lagging), lagging)


class Replaced(Mapping[K, V]):
    """A mapping with other values for some keys, new ones included."""

    def __init__(self, before: Mapping[K, V], other: Mapping[K, V]) -> None:
        self._before = before
        self._other = other
        self._new = sum(key not in before for key in other)

    def __len__(self) -> int:
        return len(self._before) + self._new

    def __iter__(self) -> Iterator[K]:
        yield from self._before
        yield from (key for key in self._other if key not in self._before)

    def __contains__(self, key: object) -> bool:
        return key in self._other or key in self._before

    def __getitem__(self, key: K) -> V:
        return self._other[key] if key in self._other else self._before[key]


def parse_lagging(lines: Mapping[Key, str]) -> dict[Key, int] | None:
    """Read a file of row bases of a server with revisions; None when it is one of the other kind."""
    found: dict[Key, int] = {}
    for key, value in lines.items():
        if not value.startswith("@"):
            return None
        found[key] = int(value[1:])
    return found


def with_absent(base: Mapping[Key, str], lagging: Mapping[Key, int]) -> Mapping[Key, str]:
    """Add the rows of which it was taken in that there are none."""
    absent = {key: ABSENT for key, revision in lagging.items() if not revision}
    return Replaced(base, absent) if absent else base
