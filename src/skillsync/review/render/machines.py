"""Findings for machines: SARIF 2.1.0, GitHub workflow commands, GitLab Code Quality. Pure, from findings alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from urllib.parse import quote

from skillsync.model import Json
from skillsync.review.render.escape import command_data, command_property, visible
from skillsync.review.rules.catalogue import RULES
from skillsync.review.values import Finding, Level

_GITLAB = {Level.ERROR: "critical", Level.WARNING: "minor", Level.NOTE: "info"}
_GITHUB = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def render_sarif(findings: Sequence[Finding], *, version: str) -> str:
    """Return one SARIF 2.1.0 run; an accepted finding is a suppressed result."""
    rules = sorted({one.rule for one in findings})
    return _dump(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "skillsync",
                            "version": visible(version),
                            "rules": [_rule(name) for name in rules],
                        }
                    },
                    "columnKind": "utf16CodeUnits",
                    "results": [_result(one, rules.index(one.rule)) for one in findings],
                }
            ],
        }
    )


def _rule(name: str) -> Json:
    known = RULES.get(name)
    rule: dict[str, Json] = {"id": visible(name)}
    if known is not None:
        rule["shortDescription"] = {"text": known.text.partition(". ")[0]}
        rule["fullDescription"] = {"text": known.text}
        rule["defaultConfiguration"] = {"level": known.level.value}
    return rule


def _result(one: Finding, index: int) -> Json:
    result: dict[str, Json] = {
        "ruleId": visible(one.rule),
        "ruleIndex": index,
        "level": one.level.value,
        "message": {"text": _message(one)},
        "partialFingerprints": {"skillsync/v1": one.fingerprint},
        "baselineState": "new" if one.status == "new" else "unchanged",
    }
    if one.path:
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(visible(one.path), safe="/")}}
        if one.line:
            place["region"] = {"startLine": one.line}
        result["locations"] = [{"physicalLocation": place}]
    if one.accepted is not None:
        reason = visible(one.accepted.reason or one.accepted.by)
        result["suppressions"] = [{"kind": "external", "justification": reason}]
    return result


def render_github(findings: Iterable[Finding]) -> str:
    """Return workflow commands, one line each; what is accepted is not said."""
    lines = []
    for one in findings:
        if one.accepted is not None:
            continue
        where = [f"file={command_property(one.path)}"] if one.path else []
        where += [f"line={one.line}"] if one.path and one.line else []
        where.append(f"title={command_property(one.rule)}")
        lines.append(f"::{_GITHUB[one.level]} {','.join(where)}::{command_data(_message(one))}")
    return "".join(f"{line}\n" for line in lines)


def render_gitlab(findings: Iterable[Finding]) -> str:
    """Return a Code Quality report."""
    return _dump(
        [
            {
                "description": _message(one),
                "check_name": visible(one.rule),
                # The same line twice in one report needs two fingerprints.
                "fingerprint": sha256(f"{one.fingerprint} {one.line}".encode()).hexdigest(),
                "severity": _GITLAB[one.level],
                "location": {
                    "path": visible(one.path) or "skillsync.toml",
                    "lines": {"begin": one.line or 1},
                },
            }
            for one in findings
            if one.accepted is None
        ]
    )


def _message(one: Finding) -> str:
    evidence = f" ({one.evidence})" if one.evidence and one.evidence not in one.message else ""
    fix = f" – {one.fix}" if one.fix else ""
    return visible(f"{one.message}{evidence}{fix}")


def _dump(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
