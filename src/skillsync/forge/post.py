"""Carries a decision about the comment out, then looks again: races leave one comment, and nothing is repeated blindly."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from skillsync.errors import NotFound, RemoteError
from skillsync.forge.decide import Action, Decision, Wanted, decide
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
    looked at in the same way and only then repeated.
    """
    me = forge.me()
    first: Decision | None = None
    writes = 0
    trouble: RemoteError | None = None
    for _ in range(_ROUNDS):
        decision = look(forge, wanted, me)
        first = first or decision
        if decision.action is Action.NONE and not decision.delete:
            return Posted(first, decision.id, writes)
        try:
            writes += _carry_out(forge, wanted, decision)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            trouble = error
            writes += 1
    if trouble is not None:
        raise trouble
    assert first is not None
    return Posted(first, look(forge, wanted, me).id, writes)


def look(forge: Forge, wanted: Wanted, me: str) -> Decision:
    """Return the decision as things stand: the head is asked last, right before a write would follow."""
    comments = forge.comments()
    return decide(comments, me=me, wanted=wanted, head=forge.head())


def _carry_out(forge: Forge, wanted: Wanted, decision: Decision) -> int:
    writes = 0
    for number in decision.delete:
        with contextlib.suppress(NotFound):  # the other run was faster
            forge.delete(number)
        writes += 1
    if decision.action is Action.CREATE:
        forge.create(wanted.body)
        writes += 1
    if decision.action is Action.UPDATE:
        assert decision.id is not None
        with contextlib.suppress(NotFound):  # somebody removed it: the next look says what to do
            forge.update(decision.id, wanted.body)
        writes += 1
    return writes
