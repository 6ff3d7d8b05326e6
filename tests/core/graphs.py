"""Small commit graphs as values, for everything that asks about ancestry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CommitGraph:
    """Commits by name with their parents; every parent is one of them."""

    parents: Mapping[str, Sequence[str]]

    def ancestors(self, commit: str) -> frozenset[str]:
        found, pending = set[str](), [commit]
        while pending:
            one = pending.pop()
            if one not in found:
                found.add(one)
                pending += self.parents[one]
        return frozenset(found)

    def contains(self, commit: str, ancestor: str) -> bool:
        return ancestor in self.ancestors(commit)

    def merge_bases(self, one: str, other: str) -> list[str]:
        common = self.ancestors(one) & self.ancestors(other)
        return sorted(
            commit
            for commit in common
            if not any(commit != each and self.contains(each, commit) for each in common)
        )
