"""The rules that `skillsync lint` shares with `review`: what one skill's texts say by themselves, asking nobody.

Here they are warnings: a push is not refused for them. `review` decides by level, range and acknowledgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skillsync.formats.skill_folder import SKILL_FILE
from skillsync.model import Problem, Severity
from skillsync.review.findings import Policy, make_findings
from skillsync.review.redact import Redactor
from skillsync.review.render.escape import visible
from skillsync.review.rules.execution import check_execution
from skillsync.review.rules.hidden import check_hidden, check_name
from skillsync.review.rules.lint import check_links
from skillsync.review.rules.model import Hit, Subject, Text
from skillsync.review.rules.permission import check_permissions
from skillsync.review.skill_changes import Content, permissions, shown_path
from skillsync.review.values import Finding, Level
from skillsync.sync.local import LocalSkill

MAX_TEXT = 3_000_000
_OF_A_RANGE = frozenset({"P-FRACTURED", "P-NEW", "P-WIDENED"})
"""Rules about what a range adds (a skill alone has no before), and one that `lint` has codes of its own for."""

_SEVERITY = {Level.ERROR: Severity.WARNING, Level.WARNING: Severity.WARNING, Level.NOTE: Severity.NOTE}  # fmt: skip


def skill_problems(skill: LocalSkill) -> list[Problem]:
    """Return what rules P, H, X and L-LINK say about one skill as it lies there."""
    redactor = Redactor(full=False)
    content = Content(skill.folder)
    for text in content.texts.values():
        redactor.learn(text)
    found = make_findings(
        ((skill.name, hit) for hit in _hits(skill, content) if hit.rule not in _OF_A_RANGE),
        Policy(),
        redactor.clean,
    )
    return [_problem(one) for one in found]


def _hits(skill: LocalSkill, content: Content) -> Iterator[Hit]:
    texts = tuple(
        Text(shown_path(f"{skill.dir}/{path}" if skill.dir else path), text, frozenset())
        for path, text in content.texts.items()
        if len(text) <= MAX_TEXT
    )
    nothing = Content(None)
    subject = Subject(
        skill.name, skill.dir, nothing, content, permissions(nothing, content), None, texts
    )
    yield from check_permissions(subject)
    for path in content.entries:
        yield from check_name(shown_path(subject.place(path)), is_new=True)
    for text in texts:
        yield from check_hidden(text)
        yield from check_execution(text, is_skill_md=text.path == subject.place(SKILL_FILE))
        if text.path.lower().endswith(".md"):
            yield from check_links(subject, text)


def _problem(one: Finding) -> Problem:
    evidence = f" ({one.evidence})" if one.evidence and one.evidence not in one.message else ""
    fix = "" if "label" in one.fix else one.fix
    return Problem(
        one.rule, f"{one.message}{evidence}", one.subject, one.path, one.line,
        _SEVERITY[one.level], fix,
    )  # fmt: skip


def as_findings(problems: Iterable[Problem]) -> list[Finding]:
    """Return problems of ``lint`` as findings, for the renderings that machines read."""
    levels = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING}
    return [
        Finding(
            rule=one.code,
            level=levels.get(one.severity, Level.NOTE),
            subject=visible(one.subject),
            path=visible(one.path),
            line=one.line,
            status="new",
            message=visible(one.message),
            evidence="",
            fix=visible(one.fix),
            fingerprint=f"{one.code} {visible(one.path)} {visible(one.message)}",
            tool="",
            accepted=None,
        )
        for one in problems
    ]
