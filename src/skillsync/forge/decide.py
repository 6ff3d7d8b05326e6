"""Decides what becomes of the one comment: create, update or nothing, and which duplicates of ours go. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

_MARKER = re.compile(
    r"<!-- skillsync:review:1 key=(?P<key>[A-Za-z0-9._-]{1,60}) "
    r"plan=(?P<plan>[0-9a-f]{64}) head=(?P<head>[0-9a-f]{40}(?:[0-9a-f]{24})?)"
    r"(?: since=(?P<since>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z))?"
    r"(?: state=(?P<state>published|stale))? -->"
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

    ``is_empty``: the review has nothing to say. That corrects a comment that is there and makes none. ``now`` is the
    time as the marker has it: it says since when this head has had a comment, and labels that are older acknowledge
    nothing. ``state`` is ``published`` for what is said after a merge, which no review of that head overwrites.
    """

    body: str
    key: str
    head: str
    is_empty: bool = False
    now: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the first line of a comment of ours says; ``since`` and ``state`` may be empty."""

    key: str
    plan: str
    head: str
    since: str = ""
    state: str = ""

    @property
    def line(self) -> str:
        """The line itself."""
        since = f" since={self.since}" if self.since else ""
        state = f" state={self.state}" if self.state else ""
        return f"<!-- skillsync:review:1 key={self.key} plan={self.plan} head={self.head}{since}{state} -->"


def mark_of(body: str) -> Mark | None:
    """Return what the first line of a body says, None where it is no marker of ours."""
    found = _MARKER.fullmatch(body.partition("\n")[0].removesuffix("\r"))
    if found is None:
        return None
    return Mark(
        found["key"], found["plan"], found["head"], found["since"] or "", found["state"] or ""
    )


def marked(body: str, mark: Mark) -> str:
    """Return a body with another first line."""
    return f"{mark.line}\n{body.partition(chr(10))[2]}"


class Action(StrEnum):
    """What is done to the comment itself."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Decision:
    """``id`` is the comment that is kept (None: there is none yet), ``delete`` our later duplicates of it.

    ``body`` is what is written, ``moved_on`` tells that the branch is at another commit by now.
    """

    action: Action
    why: str
    id: int | None = None
    delete: tuple[int, ...] = ()
    body: str = ""
    moved_on: bool = False


def decide(comments: Iterable[Comment], *, me: str, wanted: Wanted, head: str) -> Decision:
    """Return what to do, given every comment there is and the ``head`` that the pull request has now.

    Only what ``me`` wrote with our marker on its first line and the same key is ours (review.md 5.6): anybody can
    write the marker. An older head writes nothing at all; the run for the newer one does.
    """
    if head != wanted.head:
        return Decision(Action.NONE, f"the pull request is at {head[:12]} by now", moved_on=True)
    ours = sorted(
        (one for one in comments if is_ours(one, me=me, key=wanted.key)), key=lambda one: one.id
    )
    if not ours:
        if wanted.is_empty:
            return Decision(Action.NONE, "there is nothing to say")
        return Decision(Action.CREATE, "there is no comment yet", body=_body(wanted, None))
    kept, *later = ours
    delete = tuple(one.id for one in later)
    before = mark_of(kept.body)
    assert before is not None  # it is ours by its marker
    if before.state == "published" and before.head == wanted.head and wanted.state != "published":
        return Decision(Action.NONE, "the comment says what was published", kept.id, delete)
    body = _body(wanted, before)
    if _plain(kept.body) == _plain(body):
        return Decision(Action.NONE, "the comment says it already", kept.id, delete)
    return Decision(Action.UPDATE, "the comment says something else", kept.id, delete, body)


def _body(wanted: Wanted, before: Mark | None) -> str:
    """Return the text with since when its head has had a comment: a new head begins anew, a re-run does not."""
    mark = mark_of(wanted.body)
    if mark is None or not (wanted.now or wanted.state):
        return wanted.body
    since = before.since if before is not None and before.head == wanted.head else ""
    return marked(wanted.body, replace(mark, since=since or wanted.now, state=wanted.state))


def is_ours(comment: Comment, *, me: str, key: str) -> bool:
    """Tell whether ``me`` wrote it, with our marker as its whole first line and this key."""
    if comment.author.casefold() != me.casefold():
        return False
    found = mark_of(comment.body)
    return found is not None and found.key == key


def _plain(body: str) -> str:
    """Return a body as forges keep it: they may change line ends and cut spaces at both ends."""
    return body.replace("\r\n", "\n").strip()
