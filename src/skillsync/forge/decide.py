"""Decides what becomes of the one comment: create, update or nothing, and which duplicates of ours go. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_MARKER = re.compile(
    r"<!-- skillsync:review:1 key=(?P<key>[A-Za-z0-9._-]{1,60}) "
    r"plan=(?P<plan>[0-9a-f]{64}) head=(?P<head>[0-9a-f]{40}(?:[0-9a-f]{24})?) -->"
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as a forge lists it; ``id`` grows with time on both forges, ``author`` is a login."""

    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the comment is to say: for the review of ``head``; ``key`` tells several comments of ours apart.

    ``is_empty``: the review has nothing to say. That corrects a comment that is there and makes none.
    """

    body: str
    key: str
    head: str
    is_empty: bool = False


class Action(StrEnum):
    """What is done to the comment itself."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Decision:
    """``id`` is the comment that is kept (None: there is none yet), ``delete`` our later duplicates of it."""

    action: Action
    why: str
    id: int | None = None
    delete: tuple[int, ...] = ()


def decide(comments: Iterable[Comment], *, me: str, wanted: Wanted, head: str) -> Decision:
    """Return what to do, given every comment there is and the ``head`` that the pull request has now.

    Only what ``me`` wrote with our marker on its first line and the same key is ours (review.md 5.6): anybody can
    write the marker. An older head writes nothing at all; the run for the newer one does.
    """
    if head != wanted.head:
        return Decision(Action.NONE, f"the pull request is at {head[:12]} by now")
    ours = sorted(
        (one for one in comments if is_ours(one, me=me, key=wanted.key)), key=lambda one: one.id
    )
    if not ours:
        if wanted.is_empty:
            return Decision(Action.NONE, "there is nothing to say")
        return Decision(Action.CREATE, "there is no comment yet")
    kept, *later = ours
    delete = tuple(one.id for one in later)
    if _plain(kept.body) == _plain(wanted.body):
        return Decision(Action.NONE, "the comment says it already", kept.id, delete)
    return Decision(Action.UPDATE, "the comment says something else", kept.id, delete)


def is_ours(comment: Comment, *, me: str, key: str) -> bool:
    """Tell whether ``me`` wrote it, with our marker as its whole first line and this key."""
    if comment.author.casefold() != me.casefold():
        return False
    found = _MARKER.fullmatch(comment.body.partition("\n")[0].removesuffix("\r"))
    return found is not None and found["key"] == key


def _plain(body: str) -> str:
    """Return a body as forges keep it: they may change line ends and cut spaces at both ends."""
    return body.replace("\r\n", "\n").strip()
