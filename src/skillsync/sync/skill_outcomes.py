"""Says what a push made of a skill that was not sent: blocked by somebody's edit, invalid, or waiting for a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError
from skillsync.sync.describe import changed_units, version_words
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.skill_reading import read_version

if TYPE_CHECKING:
    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Remote, Workspace


def said(view: SkillView, did: str) -> Outcome:
    """Tell what was decided of a skill, with its row, state and exit code."""
    verdict = view.verdict
    return Outcome(
        Kind.SKILL,
        view.name,
        did,
        row=verdict.row,
        state=str(verdict.state),
        exit=verdict.push_exit,
        code=verdict.code,
        fix=verdict.fix,
    )


def blocked(workspace: Workspace, remote: Remote, view: SkillView, *, now: datetime) -> Outcome:
    """S10, S11, S14: say who changed what; nothing was written."""
    words = _who(workspace, remote, view, now)
    if view.made_from:
        words += (
            f"; it was published from commit {view.made_from[:12]}, which is not in this clone"
            " (git fetch, then run the command again, tells whether this one is older)"
        )
    return Outcome(
        Kind.SKILL,
        view.name,
        "blocked: the remote has edits that were not taken in",
        row=view.verdict.row,
        state=str(view.verdict.state),
        exit=view.verdict.push_exit or 3,
        code=view.verdict.code or "E-REMOTE-AHEAD",
        message=words,
        fix=view.verdict.fix or f"skillsync pull {view.name}",
    )


def _who(workspace: Workspace, remote: Remote, view: SkillView, now: datetime) -> str:
    if view.version is None or view.base is None:
        return ""
    words = version_words(view.version, now=now)
    if not view.base.number:
        return words
    try:
        before = read_version(workspace, remote, view, number=view.base.number)
        after = view.content or read_version(workspace, remote, view, number=view.version.number)
    except SkillsyncError:
        return f"v{view.base.number} → {words}"
    changed = changed_units(before.content, after.content)
    return f"v{view.base.number} → {words}" + (f": {', '.join(changed)}" if changed else "")


def invalid(view: SkillView) -> Outcome:
    """S26: this object cannot be sent or written; each error is listed with file and line."""
    problems = view.local.problems if view.local else ()
    errors = [problem for problem in problems if problem.severity == "error"]
    verdict = view.verdict
    message = "; ".join(
        f"{problem.where}: {problem.message}" if problem.where else problem.message
        for problem in errors
    )
    return Outcome(
        Kind.SKILL,
        view.name,
        "not synced: invalid" if errors else "not synced",
        row=verdict.row,
        state=str(verdict.state),
        exit=verdict.push_exit or 1,
        code=(errors[0].code if errors else verdict.code),
        message=message,
        fix=(errors[0].fix if errors and errors[0].fix else verdict.fix),
    )


def invalid_pointer(view: SkillView) -> Outcome:
    """The pointer file cannot be read: nothing is published over what it may have said."""
    problem = view.problem
    assert problem is not None
    return Outcome(
        Kind.SKILL,
        view.name,
        "not synced: its pointer cannot be read",
        row="S26",
        state="error",
        exit=1,
        code=problem.code,
        message=f"{problem.where}: {problem.message}",
        fix=problem.fix,
    )
