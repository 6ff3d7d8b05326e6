"""Finds the base: which remote version a tree has taken in, and which pointer lines count (sync.md 5.3, 5.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.skill_states import BaseFact
from skillsync.core.stitched import (
    Ancestry,
    Bases,
    MarkedVersion,
    MarkerStanding,
    bases,
    is_superseded,
    judge_marker,
    publish_edge,
    taken_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skillsync.model import Digest, Pointer, SkillPointer

__all__ = [
    "WALK_LIMIT",
    "Ancestry",
    "Bases",
    "LineEvidence",
    "MarkedVersion",
    "MarkerStanding",
    "WalkStep",
    "after_git_merge",
    "bases",
    "dataset_predecessor",
    "is_superseded",
    "judge_marker",
    "line_counts",
    "newest",
    "own_creation",
    "own_walk",
    "predecessor",
    "publish_edge",
    "taken_in",
]

WALK_LIMIT = 50
"""How many versions ``own_walk`` follows at most (sync.md 5.5)."""


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """A pointer line and what git says about the files beside it (design.md 3).

    ``committed``: the line equals HEAD's. ``at_in_history``: the stamp's commit is HEAD or its ancestor, True for
    ``unborn``, None when a shallow clone cannot tell. ``head_is_at``: HEAD is the stamp's commit (or both are
    unborn). ``files_now_match``, ``later_commit_holds``: the object's files now, or those of a commit after ``at``
    in HEAD's history, have the stamp's digest. ``files_differ_from_head``: they are edited.

    ``left_elsewhere``: a commit that HEAD does not contain, or a stash, holds the files that the line was written
    with, but not the line (all of them, or some beside the rest that is here), and what they changed is not in the
    files beside the line (those of the commit that brought it, if it is committed).

    ``at_holds_version``: the stamp's commit itself holds the files, and they are what the line says was taken in.

    ``intro_…`` is about the commit that brought a committed line: whether the files there have the stamp's digest,
    and whether that commit changed any of them. None: unknown, or the line is not committed.
    """

    pointer: Pointer
    committed: bool
    at_in_history: bool | None = None
    head_is_at: bool = False
    files_now_match: bool = False
    files_differ_from_head: bool = False
    later_commit_holds: bool = False
    left_elsewhere: bool = False
    at_holds_version: bool = False
    intro_files_match: bool | None = None
    intro_changed_files: bool | None = None


def line_counts(evidence: LineEvidence) -> bool:
    """Tell whether a pointer line may be believed.

    A line that differs from HEAD's counts only while its stamp's commit is in HEAD's history *and* the files came
    along: they still have the stamp's digest, or HEAD is that commit and they were edited since, or a later commit
    holds them, or that commit does, and they are the version itself (a push of what was committed). A line without stamp
    that is not committed never counts; unknown history never counts.

    Edited files say nothing by themselves: the edit may have been made of HEAD's text, after what the line was
    written with had been committed to another branch, or stashed, without the line. So where git still has those
    files elsewhere, edited ones count only if they contain what those changed. What git does not have any more
    proves nothing: then "edited since" stands, as it must for everybody who pushes, edits on and pushes again.

    A committed line counts unless it is proven that it was committed without its files, alone or beside an edit of
    the old text: publishing that would undo what the line claims to have taken in.
    """
    stamp = evidence.pointer.stamp
    if evidence.committed:
        return stamp is None or not _was_committed_without_its_files(evidence)
    if stamp is None or evidence.at_in_history is not True:
        return False
    edited_since = evidence.head_is_at and evidence.files_differ_from_head
    return (
        evidence.files_now_match
        or (edited_since and not evidence.left_elsewhere)
        or evidence.later_commit_holds
        or evidence.at_holds_version
    )


def _was_committed_without_its_files(evidence: LineEvidence) -> bool:
    """Tell whether a committed line's files never came along, in no commit and not in the working tree."""
    came_along = (
        evidence.intro_files_match or evidence.later_commit_holds or evidence.files_now_match
    )
    is_alone = evidence.intro_files_match is False and evidence.intro_changed_files is False
    return not came_along and (is_alone or evidence.left_elsewhere)


def newest(pointers: Iterable[SkillPointer], latest_first: str | None) -> SkillPointer | None:
    """Return the pointer of the highest version among those that count, None without any.

    ``latest_first`` is the incarnation of the remote's latest version, None when there is none: numbers compare
    within one incarnation only. Without a pointer of that incarnation the newest of the latest other one is
    returned, so that S15–S19 see what was linked.
    """
    pointers = list(pointers)
    current = [pointer for pointer in pointers if pointer.first == latest_first] or pointers
    return max(current, key=_age, default=None)


def predecessor(
    gone: Iterable[SkillPointer], confirmed: SkillPointer | None
) -> SkillPointer | None:
    """Return what was archived under the name of a skill that would be created, None if nothing was (P12).

    ``gone`` are the lines of history that are of no live skill. ``confirmed`` is the tree's line that says that its
    incarnation is gone and the skill shall be made again: a person's word, about that one and those before.
    """
    found = newest(gone, None)
    if found is None or confirmed is None:
        return found
    is_later = found.first.removesuffix("Z") > confirmed.first.removesuffix("Z")
    return found if is_later else None


def dataset_predecessor(gone: Sequence[str], confirmed: str | None) -> str | None:
    """Return which dataset was archived that a new one would bring back, None if none was (P12).

    ``gone`` are the ids in the lines of history that are of no live dataset, newest line first. An id counts nothing,
    so the one that was linked last is the one whose first line is the newest. ``confirmed`` is what the tree's line
    says is gone and shall be made again: a person's word, about that one and those before; a line that is not
    in history yet is newer than all of them.
    """
    by_first_line = list(dict.fromkeys(reversed(gone)))
    last = by_first_line[-1] if by_first_line else None
    is_answered = confirmed is not None and (confirmed == last or confirmed not in by_first_line)
    return None if is_answered else last


def _age(pointer: SkillPointer) -> tuple[str, int, str]:
    """Order by incarnation, then number; the server leaves a fraction of 0 out, so ``Z`` must not sort."""
    return pointer.first.removesuffix("Z"), pointer.number, pointer.id


def after_git_merge(
    ancestor: SkillPointer | None, here: SkillPointer | None, other: SkillPointer | None
) -> SkillPointer | None:
    """Return the line that a git merge, rebase or cherry-pick leaves where it is in conflict (B6).

    The three are git's stages. It is the newer one, if the line here is not older than the ancestor's: else what is
    picked brings an edit along but not what that edit was made upon, and must not claim it. A line that was dropped
    here stays dropped; numbers of different incarnations are not compared.
    """
    if here is None or other is None or here.first != other.first:
        return here
    if ancestor is not None and (ancestor.first != here.first or here.number < ancestor.number):
        return here
    return other if other.number > here.number else here


@dataclass(frozen=True, slots=True)
class WalkStep:
    """A version that may be our own publish, on a server without markers.

    ``own``: its author is our own account or a publisher. ``matches``: positions in HEAD's history (larger is
    newer) of the commits whose tree has this version's content, none older than the pointer's last change.
    ``later``: a commit that HEAD does not contain went back to this content from what HEAD's history has, so that the
    version may be its publish.
    """

    number: int
    id: str
    digest: Digest
    own: bool
    matches: tuple[int, ...] = ()
    later: bool = False


def own_creation(first: WalkStep, incarnation: str) -> BaseFact | None:
    """Return a skill's first version as the base where no pointer names one, None if it was not made from here (B9).

    CI records nothing when it creates a skill. Version 1 by an own author counts as taken in if a commit of HEAD's
    history has its content: nothing on the server precedes it that it could have undone. The same content by anybody
    else proves nothing (a skill may have been archived and created again), nor does any later version, nor one that
    a commit which HEAD does not contain may have led to: a late job would publish the text that it undid.
    """
    if first.number != 1 or not first.own or not first.matches or first.later:
        return None
    return BaseFact(first.number, first.id, incarnation, first.digest)


def own_walk(start: BaseFact, later: Sequence[WalkStep], *, after: int = -1) -> BaseFact:
    """Return the newest version that is recognised as published from HEAD's history, walking forward from ``start``.

    Every step must be the next number, by an own author, match a commit newer than the one before (the first: newer
    than position ``after``), not be what a commit beyond HEAD went back to, and not repeat an earlier content (a web
    user's revert would look just like that: sync.md 5.1). At most 50 steps; what lies beyond is not taken in, so that push blocks and names ``pull``.
    """
    reached, position, seen = start, after, {start.digest}
    ahead = sorted((step for step in later if step.number > start.number), key=_number)
    for step in ahead[:WALK_LIMIT]:
        match = min((found for found in step.matches if found > position), default=None)
        is_next = step.number == reached.number + 1
        is_ours = step.own and not step.later
        if not (is_next and is_ours and step.digest not in seen) or match is None:
            break
        reached = replace(reached, number=step.number, id=step.id, digest=step.digest)
        position = match
        seen.add(step.digest)
    return reached


def _number(step: WalkStep) -> int:
    return step.number
