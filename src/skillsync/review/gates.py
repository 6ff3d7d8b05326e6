"""What must be so before a range is merged: findings, the store, and what a maintainer has to acknowledge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from skillsync.review.values import (
    MOVED,
    Accepted,
    DatasetChange,
    Finding,
    Gate,
    Kind,
    Level,
    Op,
    Settings,
    Verb,
)

MOST_ROWS, MOST_SHARE, MOST_SKILLS = 20, 0.1, 5
"""The ceiling of removals (sync.md 12.1): more than these rows *and* more than this share, or more skills at once."""

_GATE_OF_GROUP = {"P": "permissions", "T": "trigger"}


def acknowledged(findings: Iterable[Finding], rules: Settings) -> list[Finding]:
    """Mark the findings that an acknowledgement covers."""
    return [
        replace(one, accepted=Accepted("ack", "", "", ""))
        if one.accepted is None and _GATE_OF_GROUP.get(one.rule[0]) in rules.acks and not one.tool
        else one
        for one in findings
    ]


def make_gates(
    findings: Sequence[Finding],
    ops: Sequence[Op],
    datasets: Sequence[DatasetChange],
    rules: Settings,
) -> tuple[Gate, ...]:
    """Return every gate, in a fixed order."""
    drift = [op.name for op in ops if op.standing in MOVED]
    drift += [one.subject for one in findings if one.rule == "D-STALE"]
    is_strict = rules.drift == "fail"
    gates = [
        _gate("findings", _failing(findings, rules), ""),
        Gate("drift", bool(drift) and is_strict, given=False, by="", subjects=_once(drift)),
    ]
    wanted = {
        "permissions": [one.subject for one in findings if _is_serious(one, "P", {Level.ERROR})],
        "archive": _removals(ops, datasets),
        "trigger": [
            one.subject for one in findings if _is_serious(one, "T", {Level.ERROR, Level.WARNING})
        ],
    }
    for name, subjects in wanted.items():
        if name in rules.require_ack:
            given = name in rules.acks
            gates.append(_gate(name, subjects, "acknowledged" if given else ""))
    return tuple(gates)


def _gate(name: str, subjects: Sequence[str], by: str) -> Gate:
    return Gate(name, bool(subjects), bool(by), by, _once(subjects))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _failing(findings: Iterable[Finding], rules: Settings) -> list[str]:
    """The subjects of findings that fail by themselves: permissions, drift and triggers have gates of their own."""
    levels = {"error": {Level.ERROR}, "warning": {Level.ERROR, Level.WARNING}}.get(
        rules.fail_on, set[Level]()
    )
    own = {"P", "D"} | ({"T"} if "trigger" in rules.require_ack else set())
    return [
        one.subject or one.path
        for one in findings
        if one.level in levels
        and one.accepted is None
        and (one.tool or one.rule[0] not in own)
        and (one.status == "new" or one.rule.startswith("L-"))
    ]


def _is_serious(finding: Finding, group: str, levels: set[Level]) -> bool:
    """Acknowledged ones count: the gate then says that they are."""
    pardoned = finding.accepted is not None and finding.accepted.by == "baseline"
    return (
        finding.rule.startswith(f"{group}-")
        and finding.level in levels
        and finding.status == "new"
        and not pardoned
    )


def _removals(ops: Iterable[Op], datasets: Iterable[DatasetChange]) -> list[str]:
    """Archived skills and datasets, and datasets of which more rows go than the ceiling allows."""
    gone = [op.name for op in ops if op.op is Verb.ARCHIVE and op.kind is not Kind.ROW]
    for one in datasets:
        total = one.removed + one.changed + one.unchanged + one.rekeyed
        is_much = one.removed > MOST_ROWS and one.removed > MOST_SHARE * total
        if one.op is not Verb.ARCHIVE and (is_much or (one.removed and one.removed == total)):
            gone.append(one.name)
    return gone
