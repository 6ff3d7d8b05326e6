"""A review as the check it leaves on its commit, and a check as what was reviewed."""

from __future__ import annotations

from skillsync.forge.attest import Attestation
from skillsync.review.render.words import counts, headline
from skillsync.review.reviewed import Reviewed
from skillsync.review.values import Mode, Review, Verb

_FIRST = frozenset({Verb.ARCHIVE, Verb.RENAME})


def attestation_of(review: Review) -> Attestation:
    """Return the check: nothing foreign is in its texts but what a review's first line may say."""
    ops = sorted(review.plan.ops, key=lambda op: op.op not in _FIRST)
    failed = ", ".join(gate.name for gate in review.gates if not gate.passed)
    title = headline(review)[0]
    summary = f"{counts(review)}. Store: {review.mode}. " + (
        f"Not passed: {failed}." if failed else "Every gate passed."
    )
    return Attestation(
        head=review.range.head,
        base=review.range.merge_base,
        plan=review.plan.plan_id,
        mode=review.mode,
        passed=review.exit_code == 0,
        ops=tuple(op.op_id for op in ops),
        title=title,
        summary=summary,
    )


def reviewed_of(said: Attestation) -> Reviewed:
    """Return what a check that passed says was reviewed."""
    source = f"the check on {said.head[:12]}"
    return Reviewed(said.head, said.base, Mode(said.mode), frozenset(said.ops), source)
