"""The bases of a dataset's rows where the server keeps revisions: which are as the recorded one, which lag (sync.md 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import rows_digest
from skillsync.model import Digest

if TYPE_CHECKING:
    from skillsync.model import Key


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
    return rows_digest((key, Digest(digest)) for key, digest in base.items() if digest != ABSENT)


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
    digests: dict[Key, str] = {}
    lagging: dict[Key, int] = {}
    for key in [*base, *(key for key in there if key not in base)]:
        digest = base.get(key, ABSENT)
        if digest == ABSENT:
            since = 0
        elif digest != there.get(key):
            since = known.get(key, before)
        else:
            digests[key] = digest
            continue
        lagging[key] = since
        digests[key] = digest if since else ABSENT
    return Bases(revision, digests, lagging)


def parse_lagging(lines: Mapping[Key, str]) -> dict[Key, int] | None:
    """Read a file of row bases of a server with revisions; None when it is one of the other kind."""
    found: dict[Key, int] = {}
    for key, value in lines.items():
        if not value.startswith("@"):
            return None
        found[key] = int(value[1:])
    return found


def with_absent(base: Mapping[Key, str], lagging: Mapping[Key, int]) -> dict[Key, str]:
    """Add the rows of which it was taken in that there are none."""
    absent = {key: ABSENT for key, revision in lagging.items() if not revision}
    return {**base, **absent}
