"""Hits become findings: levels by policy, fingerprints, and nothing raw or secret in what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from skillsync.review.render.escape import visible
from skillsync.review.rules.catalogue import level_of
from skillsync.review.rules.model import Hit, fingerprint
from skillsync.review.values import Finding, Level

MAX_FINDINGS = 5_000
"""Findings of one review; what comes after is one finding that says how many."""

_DRIFT = {"fail": Level.ERROR, "warn": Level.WARNING, "ignore": Level.NOTE}
_ORDER = {Level.ERROR: 0, Level.WARNING: 1, Level.NOTE: 2}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the base says about rules: those that are off, levels that differ, and how bad a moved store is."""

    ignore: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    drift: str = "fail"


def make_findings(
    hits: Iterable[tuple[str, Hit]], policy: Policy, clean: Callable[[str], str]
) -> list[Finding]:
    """Return the findings of all hits (with the object each is about), the worst first, then by place."""
    found = {
        _finding(subject, hit, policy, clean): None
        for subject, hit in hits
        if hit.rule not in policy.ignore
    }
    ordered = sorted(found, key=_order)
    if len(ordered) <= MAX_FINDINGS:
        return ordered
    more = len(ordered) - MAX_FINDINGS
    message = f"{more:,} more findings were left out"
    last = Hit("O-GAVE-UP", "", None, message, message)
    return [*ordered[:MAX_FINDINGS], _finding("", last, policy, clean)]


def _order(finding: Finding) -> tuple[object, ...]:
    return (
        _ORDER[finding.level],
        finding.status != "new",
        finding.path,
        finding.line or 0,
        finding.rule,
        finding.message,
        finding.fingerprint,
    )


def _finding(subject: str, hit: Hit, policy: Policy, clean: Callable[[str], str]) -> Finding:
    tool = hit.rule.partition(":")[0] if ":" in hit.rule else ""
    return Finding(
        rule=hit.rule,
        level=_level(hit, policy),
        subject=visible(clean(subject)),
        path=visible(clean(hit.path)),
        line=hit.line,
        status="new" if hit.is_new else "existing",
        message=visible(clean(hit.message)),
        evidence=visible(clean(hit.evidence)),
        fix=visible(clean(hit.fix)),
        fingerprint=fingerprint(hit),
        tool=tool,
        accepted=None,
    )


def _level(hit: Hit, policy: Policy) -> Level:
    """What was there before does not fail a range, but for what keeps the object from being published at all."""
    if hit.rule in policy.levels:
        return Level(policy.levels[hit.rule])
    level = hit.level or level_of(hit.rule)
    if hit.rule.startswith("D-") and level is Level.ERROR:
        return _DRIFT[policy.drift]
    if level is Level.ERROR and not hit.is_new and not hit.rule.startswith("L-"):
        return Level.WARNING
    return level
