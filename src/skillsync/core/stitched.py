"""The graph that pointers and markers stitch of git's commits and remote versions: what a tree has taken in (sync.md 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from skillsync.formats.marker import Mangled, Marker, short_digest


class Ancestry(Protocol):
    """What git knows of the commits of one clone, by their full ids."""

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``commit`` is ``ancestor`` or descends from it."""

    def merge_bases(self, one: str, other: str) -> Collection[str]:
        """Return all best common ancestors of two commits (``git merge-base --all``)."""


@dataclass(frozen=True, slots=True)
class MarkedVersion:
    """A version of the current incarnation. ``commit`` is the one its valid marker names; None: it is foreign."""

    number: int
    id: str
    commit: str | None = None


class MarkerStanding(StrEnum):
    """What a version's marker is worth. Only VALID makes an edge of the graph."""

    NONE = "no marker"
    VALID = "valid"
    NO_EDGE = "names no commit"
    MANGLED = "damaged"
    UNKNOWN_COMMIT = "names a commit that is not here"
    OTHER_FILES = "names a commit that has other files"
    FORGED = "stands on other content than it names"


REPORTED = frozenset({MarkerStanding.MANGLED, MarkerStanding.OTHER_FILES, MarkerStanding.FORGED})
"""The standings that nobody's publish leads to: somebody made or damaged the marker, and a person should know."""


def judge_marker(
    marker: Marker | Mangled | None, *, at_commit: str | None, is_here: bool, content: str | None
) -> MarkerStanding:
    """Judge a version's marker.

    ``is_here``: the commit it names is one of this clone. ``at_commit`` is the canonical digest of the object's files
    there (None: none, or no valid ones), ``content`` that of the version itself, None while it was not read: then
    the digest in the marker stands for it.
    """
    if marker is None:
        return MarkerStanding.NONE
    if isinstance(marker, Mangled):
        return MarkerStanding.MANGLED
    if marker.commit is None:
        return MarkerStanding.NO_EDGE
    if content is not None and short_digest(content) != marker.digest:
        return MarkerStanding.FORGED
    if not is_here:
        return MarkerStanding.UNKNOWN_COMMIT
    if at_commit is None or short_digest(at_commit) != marker.digest:
        return MarkerStanding.OTHER_FILES
    if content is not None and content != at_commit:
        return MarkerStanding.FORGED
    return MarkerStanding.VALID


def taken_in(
    pointers: Iterable[int],
    versions: Iterable[MarkedVersion],
    *,
    head: str | None,
    graph: Ancestry,
) -> int:
    """Return the number of the newest version that a tree has taken in, 0 for none.

    ``pointers`` are the numbers that count of the tree's line and of the lines in the history of ``head`` (pull
    edges); a version whose marker names a commit that ``head`` contains was published from there (publish edges).
    All are of the current incarnation. A tree may publish only if the latest version is the one returned (B1); equal
    content proves nothing (B5).
    """
    published = publish_edge(versions, head=head, graph=graph)
    return max([0, *pointers, published.number if published else 0])


def publish_edge(
    versions: Iterable[MarkedVersion], *, head: str | None, graph: Ancestry
) -> MarkedVersion | None:
    """Return the newest version that was published from a commit that ``head`` contains, None without any."""
    if head is None:
        return None
    for version in sorted(versions, key=_number, reverse=True):
        if version.commit is not None and graph.contains(head, version.commit):
            return version
    return None


def is_superseded(latest: MarkedVersion | None, *, head: str | None, graph: Ancestry) -> bool:
    """Tell whether the latest version was published from a descendant of ``head``: this tree is out of date (B8)."""
    if latest is None or latest.commit is None or head is None or latest.commit == head:
        return False
    return graph.contains(latest.commit, head)


@dataclass(frozen=True, slots=True)
class Bases:
    """The maximal common ancestors of a tree and the latest version: the content of ``version`` (0: of none) and the
    trees of ``commits``, sorted."""

    version: int
    commits: tuple[str, ...] = ()


def bases(
    taken: int,
    versions: Sequence[MarkedVersion],
    *,
    head: str | None,
    graph: Ancestry,
    taken_at: Callable[[str], int],
) -> Bases:
    """Return all maximal common ancestors of ``head`` and the latest version (B4).

    ``taken`` is what the tree has taken in, ``versions`` are those of the incarnation up to the latest, and
    ``taken_at`` tells what a commit has. Each later version that was published from a commit ``m`` shares with
    ``head`` what ``git merge-base --all head m`` says. Those that another candidate already contains are left out: a
    commit that was in a version up to ``taken``, one that another one contains, and the version itself where a
    commit has taken it in.
    """
    if head is None:
        return Bases(taken)
    candidates: dict[str, None] = {}
    for version in versions:
        if version.number > taken and version.commit is not None:
            candidates |= dict.fromkeys(graph.merge_bases(head, version.commit))
    published = {
        version.commit for version in versions if version.number <= taken and version.commit
    }
    left = [
        commit
        for commit in candidates
        if not any(graph.contains(made_from, commit) for made_from in published)
    ]
    maximal = [
        commit
        for commit in left
        if not any(other != commit and graph.contains(other, commit) for other in left)
    ]
    has_version = any(taken_at(commit) >= taken for commit in maximal)
    return Bases(0 if has_version else taken, tuple(sorted(maximal)))


def _number(version: MarkedVersion) -> int:
    return version.number
