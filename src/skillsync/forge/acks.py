"""Labels as acknowledgements: which count, given who set them and when. Pure but for the door (review.md 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from skillsync.forge.decide import Comment, is_ours, mark_of

LABELS = {f"skillsync:{kind}-ok": kind for kind in ("permissions", "archive", "trigger")}
"""Label to what it acknowledges."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label was set (or taken away) by somebody; ``at`` as the forge prints it, in the order it happened."""

    label: str
    by: str
    is_set: bool
    at: str


class Labels(Protocol):
    """What a pull request's labels say. Every call may raise a RemoteError."""

    def author(self) -> str:
        """Return the login of who opened it."""

    def labelled(self) -> list[Labelled]:
        """Return every time that a label was set or taken away, the oldest first."""

    def may_write(self, login: str) -> bool:
        """Tell whether somebody has write access to the repository."""


def since_when(comments: Iterable[Comment], *, me: str, key: str, head: str) -> str | None:
    """Return since when ``head`` has had our comment, None where it has none: then nothing is acknowledged.

    The forge's own clock cannot be asked when a branch was pushed. Our comment of a head is written after it was.
    """
    for one in comments:
        mark = mark_of(one.body)
        if is_ours(one, me=me, key=key) and mark is not None and mark.head == head and mark.since:
            return mark.since
    return None


def acknowledged(
    events: Iterable[Labelled], *, author: str, since: str, may_write: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return what is acknowledged: by a label that is there, set since then by somebody else who may write.

    A new push has a comment of its own, and so clears every label that was there before.
    """
    last: dict[str, Labelled] = {}
    for one in events:
        if one.label in LABELS:
            last[one.label] = one
    return tuple(
        sorted(
            LABELS[one.label]
            for one in last.values()
            if one.is_set
            and one.by
            and one.by.casefold() != author.casefold()
            and _is_later(one.at, since)
            and may_write(one.by)
        )
    )


def _is_later(at: str, since: str) -> bool:
    try:
        return datetime.fromisoformat(at) > datetime.fromisoformat(since)
    except (ValueError, TypeError):
        return False
