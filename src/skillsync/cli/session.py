"""What the commands share: the open clone, the connection with the right key, and how a report is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run
from skillsync.cli.render import Output
from skillsync.cli.report_view import print_notes, print_outcomes
from skillsync.model import Json, Problem, Severity

if TYPE_CHECKING:
    from skillsync.api.keys import FoundKey
    from skillsync.config import Target
    from skillsync.repo.git import Repository
    from skillsync.sync.report import Report
    from skillsync.sync.workspace import Connect, Remote, Workspace


def open_workspace(run: Run) -> Workspace:
    """Open the clone that the command acts on."""
    from skillsync.sync.workspace import Workspace

    return Workspace.open(run.directory)


def connector(
    run: Run,
    repo: Repository | None,
    *,
    api_key_file: Path | None = None,
    on_key: Callable[[FoundKey], None] | None = None,
) -> Connect:
    """Return how to connect: the key is found and checked against the host before any request.

    ``repo`` is the clone in which what is read is kept for later commands; None: nothing is kept.
    ``on_key`` is told which key was found; without it ``-v`` says so.
    """

    @contextmanager
    def connect(target: Target) -> Iterator[Remote]:
        from skillsync.api.keys import find_key
        from skillsync.api.spent import spent_on
        from skillsync.api.transport import Transport
        from skillsync.cli.interrupt import stopping
        from skillsync.sync.workspace import Remote

        found = find_key(target, api_key_file=api_key_file)
        if on_key is not None:
            on_key(found)
        else:
            run.out.detail(
                f"target {target.name}: {target.host}, project {target.project}, {found.described}"
            )
        context = click.get_current_context(silent=True)
        label = f"{context.info_name}: request" if context else "request"
        with (
            run.out.progress(label) as progress,
            Transport(
                host=target.host,
                key=found.secret,
                pace=target.pace,
                telling=progress,
                spent=spent_on(target.host, target.project),
            ) as transport,
            stopping(transport.stop),
        ):
            yield Remote(target, transport, repo)
        done = transport.requests
        run.out.detail(f"requests: {done.reads} reads, {done.writes} writes")

    return connect


def print_report(run: Run, report: Report, *, nothing: str) -> int:
    """Print what a run did, for people and as JSON, and return its exit code."""
    out = run.out
    print_outcomes(out, report.outcomes)
    problems = [one for one in report.problems if one.severity is Severity.ERROR]
    said = {(one.subject, one.code) for one in report.outcomes if one.message}
    out.problems(
        one
        for one in report.problems
        if one.severity is not Severity.NOTE and (one.subject, one.code) not in said
    )
    if not report.outcomes and not problems:
        out.data(nothing)
    print_notes(out, report.notes)
    code = max_exit(report.exit, problems)
    out.emit_json(
        f"skillsync.{report.command}/1",
        {
            "target": report.target,
            "exit": code,
            "outcomes": [outcome.as_json() for outcome in report.outcomes],
            "problems": problems_json(report.problems),
            "notes": list(report.notes),
        },
    )
    return code


def max_exit(code: int, problems: Sequence[Problem]) -> int:
    """An object that could not even be looked at is a failure of its own: 1, or 5 beside others that went on."""
    return code or (1 if problems else 0)


def problems_json(problems: Sequence[Problem]) -> list[Json]:
    """Return problems as JSON objects."""
    return [
        {
            "code": one.code,
            "severity": str(one.severity),
            "message": one.message,
            "subject": one.subject,
            "path": one.path,
            "line": one.line,
            "column": one.column,
            "fix": one.fix,
        }
        for one in problems
    ]


def commit_hint(out: Output, workspace: Workspace, report: Report) -> None:
    """End push and pull with what is left to do: commit the pointers with the files (design.md 3).

    Not while a conflict is open, of another object, another command's or git's own: `git add -A` would take the markers
    for the solution.
    """
    in_conflict = any(outcome.conflicts for outcome in report.outcomes)
    if not report.changed or in_conflict or workspace.repo.index.unmerged():
        return
    settings = workspace.settings
    if workspace.repo.index.changed_paths((*settings.skills, *settings.datasets)):
        out.note("commit .skillsync together with your files: git add -A && git commit")
