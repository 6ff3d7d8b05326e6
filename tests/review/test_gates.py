"""Levels, accepted findings, acknowledgements and gates: what fails a range and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from skillsync.errors import ConfigError
from skillsync.review.baseline import accept, parse_baseline
from skillsync.review.document import make_op
from skillsync.review.findings import Policy, make_findings
from skillsync.review.gates import acknowledged, make_gates
from skillsync.review.rules.model import Hit
from skillsync.review.values import Finding, Gate, Kind, Level, Op, Settings, Standing, Verb
from tests.review.builders import a_dataset

RULES = Settings("error", "fail", ("archive", "permissions"), (), "repo")
PIPE = Hit("X-PIPE", "skills/a/SKILL.md", 3, "curl | sh", "runs", digest="d")


def findings(*hits: Hit, policy: Policy | None = None) -> list[Finding]:
    return make_findings([("a", hit) for hit in hits], policy or Policy(), str)


def gates(found: list[Finding], *ops: Op, rules: Settings = RULES) -> dict[str, Gate]:
    return {gate.name: gate for gate in make_gates(acknowledged(found, rules), ops, (), rules)}


def failed(found: list[Finding], *ops: Op, rules: Settings = RULES) -> set[str]:
    return {name for name, gate in gates(found, *ops, rules=rules).items() if not gate.passed}


def test_a_new_error_fails_and_one_that_was_there_is_a_warning() -> None:
    assert failed(findings(PIPE)) == {"findings"}
    existing = findings(replace(PIPE, is_new=False))
    assert existing[0].level is Level.WARNING
    assert failed(existing) == set()


def test_what_keeps_a_skill_from_being_published_fails_whenever_it_came() -> None:
    assert failed(findings(Hit("L-SKILL-NAME", "p", 1, "m", "m", is_new=False))) == {"findings"}


def test_levels_and_ignored_rules_are_the_policys() -> None:
    found = findings(PIPE, policy=Policy(levels={"X-PIPE": "warning"}))
    assert failed(found) == set()
    assert failed(found, rules=replace(RULES, fail_on="warning")) == {"findings"}
    assert findings(PIPE, policy=Policy(ignore=("X-PIPE",))) == []
    assert failed(findings(PIPE), rules=replace(RULES, fail_on="never")) == set()


def test_permissions_and_archives_wait_for_an_acknowledgement_of_their_own() -> None:
    widened = findings(Hit("P-WIDENED", "p", 1, "m", "m"))
    archive = make_op(Kind.SKILL, "old", Verb.ARCHIVE, standing=Standing.CURRENT)
    assert failed(widened, archive) == {"permissions", "archive"}
    rules = replace(RULES, acks=("archive", "permissions"))
    assert failed(widened, archive, rules=rules) == set()
    assert gates(widened, archive, rules=rules)["permissions"].by == "acknowledged"
    assert failed(widened, archive, rules=replace(RULES, acks=("trigger",))) == {"permissions", "archive"}  # fmt: skip
    assert failed(widened, archive, rules=replace(RULES, require_ack=())) == set()


def test_a_store_that_moved_is_exit_3_and_anything_else_is_6() -> None:
    moved = make_op(Kind.SKILL, "a", Verb.UPDATE, standing=Standing.DRIFT)
    drift = findings(Hit("D-DRIFT", "p", None, "m", "m"))
    assert failed(drift, moved) == {"drift"}
    assert failed(drift, moved, rules=replace(RULES, drift="warn")) == set()
    soft = findings(Hit("D-DRIFT", "p", None, "m", "m"), policy=Policy(drift="ignore"))
    assert soft[0].level is Level.NOTE


def test_many_removed_rows_are_an_archive() -> None:
    def asked(*, removed: int, unchanged: int) -> tuple[str, ...]:
        dataset = a_dataset(added=0, changed=0, removed=removed, unchanged=unchanged)
        found = make_gates([], [], [dataset], RULES)
        return next(gate for gate in found if gate.name == "archive").subjects

    assert asked(removed=21, unchanged=100) == ("refund-evals",)
    assert asked(removed=20, unchanged=10) == ()
    assert asked(removed=21, unchanged=1_000) == ()
    assert asked(removed=2, unchanged=0) == ("refund-evals",)


# ---------------------------------------------------------------- the baseline


def baseline(found: Finding, **changes: str) -> bytes:
    entry = {
        "rule": found.rule, "path": found.path, "fingerprint": found.fingerprint,
        "reason": "our own mirror", "owner": "ops", "expires": "2026-12-31", **changes,
    }  # fmt: skip
    lines = "\n".join(f"    {key}: {value}" for key, value in entry.items())
    return f"version: 1\naccepted:\n  - {lines.strip()}\n".encode()


def test_an_accepted_finding_does_not_count_until_it_expires_or_the_file_changes() -> None:
    found = findings(PIPE)
    entries = parse_baseline(baseline(found[0]))
    accepted = accept(found, entries, today=date(2026, 12, 31))
    assert accepted[0].accepted is not None
    assert accepted[0].accepted.reason == "our own mirror"
    assert failed(accepted) == set()
    assert accept(found, entries, today=date(2027, 1, 1))[0].accepted is None
    edited = findings(replace(PIPE, digest="other"))
    assert accept(edited, entries, today=date(2026, 1, 1))[0].accepted is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[]", "mapping"),
        (b"accepted: x", "list"),
        (b"other: 1", "no part"),
        (b"accepted:\n  - rule: X-PIPE\n", "no path"),
        (b"\xff", "UTF-8"),
        (b"accepted: [", "parsing"),
        (b"a: &a [*a]\n", "cannot be used"),
        (b"accepted:\n  - {rule: a, path: b, fingerprint: c, reason: d, owner: e, expires: soon}", "date"),
    ],
)  # fmt: skip
def test_a_baseline_that_cannot_be_read_stops_the_review(data: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_baseline(data)


def test_no_baseline_accepts_nothing() -> None:
    assert parse_baseline(None) == parse_baseline(b"accepted:\n") == ()
