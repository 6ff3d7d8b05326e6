"""Carries a decision about the comment out, then looks again: races leave one comment, and nothing is repeated blindly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from skillsync.errors import NotFound, RemoteError
from skillsync.forge.decide import Action, Decision, Wanted, decide, is_ours, mark_of
from skillsync.forge.port import Forge

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Posted:
    """What was done: the first decision, ``id`` of the comment that stands now, and how many calls wrote."""

    decision: Decision
    id: int | None
    writes: int


def post(forge: Forge, wanted: Wanted) -> Posted:
    """Bring the comment to what is wanted. Raises the RemoteError of a call that failed.

    After each write everything is listed anew, since another run may have written at the same moment: our later
    duplicates go, and a comment that says something else is put right. A write that may or may not have happened is
    looked at in the same way and only then repeated. When the branch moved on while we wrote, what we wrote is marked
    as outdated: the newer run may have been and gone.
    """
    me = forge.me()
    first: Decision | None = None
    writes = 0
    trouble: RemoteError | None = None
    for _ in range(_ROUNDS):
        decision = look(forge, wanted, me)
        first = first or decision
        if decision.moved_on and writes:
            return Posted(first, *_outdated(forge, wanted, me, writes))
        if decision.action is Action.NONE and not decision.delete:
            return Posted(first, decision.id, writes)
        try:
            writes += _carry_out(forge, decision)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            trouble = error
            writes += 1
    if trouble is not None:
        raise trouble
    assert first is not None
    return Posted(first, look(forge, wanted, me).id, writes)


OUTDATED = "> **Outdated:** the branch has a newer commit than the one that this was written for."


def outdated(body: str, note: str) -> str:
    """Return a body with a note above everything, and ``state=stale`` in its marker; a second note replaces the first."""
    mark = mark_of(body)
    if mark is None:
        return body
    rest = body.partition("\n")[2]
    if mark.state == "stale" and rest.startswith("> **"):
        rest = rest.partition("\n\n")[2]
    return f"{replace(mark, state='stale').line}\n{note}\n\n{rest}"


def mark_outdated(forge: Forge, note: Callable[[str], str], *, key: str) -> bool:
    """Put a note above our review, which ``note`` makes from its text (none: ``""``); tell whether it was written."""
    me = forge.me()
    for one in forge.comments():
        mark = mark_of(one.body)
        if mark is None or not is_ours(one, me=me, key=key) or mark.state == "published":
            continue
        words = note(one.body)
        body = outdated(one.body, words) if words else one.body
        if body == one.body:
            return False
        forge.update(one.id, body)
        return True
    return False


def _outdated(forge: Forge, wanted: Wanted, me: str, writes: int) -> tuple[int | None, int]:
    """Mark the comment if it is of our head still; return its id and how many calls wrote."""
    for one in forge.comments():
        if not is_ours(one, me=me, key=wanted.key):
            continue
        mark = mark_of(one.body)
        if mark is not None and mark.head == wanted.head and mark.state != "stale":
            forge.update(one.id, outdated(one.body, OUTDATED))
            writes += 1
        return one.id, writes
    return None, writes


def look(forge: Forge, wanted: Wanted, me: str) -> Decision:
    """Return the decision as things stand: the head is asked last, right before a write would follow."""
    comments = forge.comments()
    return decide(comments, me=me, wanted=wanted, head=forge.head())


def _carry_out(forge: Forge, decision: Decision) -> int:
    writes = 0
    for number in decision.delete:
        with contextlib.suppress(NotFound):  # the other run was faster
            forge.delete(number)
        writes += 1
    if decision.action is Action.CREATE:
        forge.create(decision.body)
        writes += 1
    if decision.action is Action.UPDATE:
        assert decision.id is not None
        with contextlib.suppress(NotFound):  # somebody removed it: the next look says what to do
            forge.update(decision.id, decision.body)
        writes += 1
    return writes
