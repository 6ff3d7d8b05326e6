"""Answers questions about the ancestry of commits from git, each once per run and many with one process."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.errors import ShallowClone

if TYPE_CHECKING:
    from skillsync.repo.git import Repository


@dataclass
class GitAncestry:
    """The graph of one clone's commits as core/stitched.py asks about it; ``head`` None before the first commit.

    A question that a shallow clone cannot answer raises ShallowClone: an unknown commit there may be anybody's (B7).
    """

    repo: Repository
    head: str | None
    _here: dict[str, bool] = field(default_factory=dict)
    _outside: dict[str, bool] = field(default_factory=dict)
    _contains: dict[tuple[str, str], bool] = field(default_factory=dict)
    _merge_bases: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _is_shallow: bool | None = None

    def prepare(self, commits: Collection[str]) -> None:
        """Find out with two processes which of the commits are here and which HEAD contains."""
        new = sorted(set(commits) - self._here.keys())
        if not new:
            return
        there = self.repo.existing_commits(new)
        self._here.update((commit, commit in there) for commit in new)
        if self.head is not None:
            outside = self.repo.outside(sorted(there), head=self.head)
            self._outside.update((commit, commit in outside) for commit in there)

    def is_known(self, commit: str) -> bool:
        """Tell whether the clone has a commit of that full id; in a shallow one a no proves nothing."""
        self.prepare([commit])
        return self._here[commit]

    def is_here(self, commit: str) -> bool:
        """Tell whether the clone has a commit of that full id. Raises ShallowClone where that proves nothing."""
        self.prepare([commit])
        if not self._here[commit] and self.is_shallow:
            raise _cannot_tell(commit)
        return self._here[commit]

    @property
    def is_shallow(self) -> bool:
        """Whether this clone's history is cut off."""
        if self._is_shallow is None:
            self._is_shallow = self.repo.is_shallow()
        return self._is_shallow

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``commit`` is ``ancestor`` or descends from it; a commit that is not here contains nothing."""
        if commit == ancestor:
            return True
        if commit == self.head:
            if not self.is_here(ancestor):
                return False
            if self._outside[ancestor] and self.is_shallow:
                raise _cannot_tell(ancestor)
            return not self._outside[ancestor]
        key = (commit, ancestor)
        if key not in self._contains:
            both = self.is_here(commit) and self.is_here(ancestor)
            self._contains[key] = both and self.repo.is_ancestor(ancestor, commit)
        return self._contains[key]

    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """Return all best common ancestors. Raises ShallowClone when history is cut off."""
        key = (one, other)
        if key not in self._merge_bases:
            self._merge_bases[key] = tuple(self.repo.merge_bases(one, other))
        return self._merge_bases[key]


def _cannot_tell(commit: str) -> ShallowClone:
    return ShallowClone(
        f"whether commit {commit[:12]}, from which the latest version was published, is in the history of HEAD cannot "
        "be told in this shallow clone",
        unchanged="Nothing of this skill was sent or written.",
    )
