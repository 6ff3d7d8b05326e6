"""Puts a branch of store edits at its place in the remote repository, never over people's commits, and words it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skillsync.repo.git import Repository
from skillsync.repo.pointer import POINTER
from skillsync.repo.remotes import move_branch, remote_tip
from skillsync.sync.authored import is_ours, plain_words
from skillsync.sync.pull_branch import Made, Taken

_MOST = 3
"""Objects that a title names."""


class Moved(StrEnum):
    """What became of the remote's branch."""

    CREATED = "created"
    UPDATED = "updated"
    KEPT = "kept"
    """It holds the same already, perhaps upon an older commit of the branch that it is merged into."""
    PEOPLE = "people"
    """Somebody committed to it, and it does not have everything: it stays as it is."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The remote's branch as it is now."""

    moved: Moved
    tip: str


def offer(repo: Repository, made: Made, *, base: str, place: str) -> Offered:
    """Bring the remote's branch to what was made, if every commit of it is ours.

    Nothing is rewritten because the branch that it is merged into went on: only because the store did. Raises GitFailed
    when the remote refuses, also when somebody was faster.
    """
    before = remote_tip(repo, made.branch)
    if before == made.tip:
        return Offered(Moved.KEPT, before)
    if before is not None:
        if _holds_the_same(repo, made, before):
            return Offered(Moved.KEPT, before)
        if not is_ours(repo, before, beyond=base, place=place):
            has_all = _has_taken_the_same(repo, made, before)
            return Offered(Moved.KEPT if has_all else Moved.PEOPLE, before)
    move_branch(repo, made.branch, before=before, after=made.tip)
    return Offered(Moved.UPDATED if before else Moved.CREATED, made.tip)


def is_left_alone(repo: Repository, branch: str, *, base: str, place: str) -> bool:
    """Tell whether people's commits are on the remote's branch, so that it is theirs."""
    tip = remote_tip(repo, branch)
    return tip is not None and not is_ours(repo, tip, beyond=base, place=place)


def withdraw(repo: Repository, branch: str, *, base: str, place: str) -> None:
    """Remove a branch whose every commit is ours from the remote."""
    tip = remote_tip(repo, branch)
    if tip is not None and is_ours(repo, tip, beyond=base, place=place):
        move_branch(repo, branch, before=tip, after=None)


def _holds_the_same(repo: Repository, made: Made, tip: str) -> bool:
    return all(
        repo.tree_below(tip, one.dir) == repo.tree_below(made.tip, one.dir) for one in made.taken
    )


def _has_taken_the_same(repo: Repository, made: Made, tip: str) -> bool:
    """Tell whether pointers say the same: somebody took these versions in and went on from there."""
    paths = [f"{one.dir}/{POINTER}" for one in made.taken]
    return all(repo.show(tip, path) == repo.show(made.tip, path) for path in paths)


def title_of(made: Made) -> str:
    """Return a title of plain words: a squash makes a commit's subject of it."""
    names = [_named(one) for one in made.taken]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"Store edits: {', '.join(names[:_MOST])}{more}"


def _named(one: Taken) -> str:
    name = plain_words(one.name)
    return f"{name} v{one.versions[-1].number}" if one.versions else f"{name} rows"
