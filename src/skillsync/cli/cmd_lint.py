"""The verb `lint`: check skills and datasets, asking nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option, names_argument

if TYPE_CHECKING:
    from skillsync.core.pointer_moves import PlacedLine
    from skillsync.model import Json, Problem
    from skillsync.sync.workspace import Workspace

SCHEMA = "skillsync.lint/1"


@click.command()
@names_argument
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--pointers",
    metavar="BASE..HEAD",
    help="Check instead that no .skillsync goes backwards in these commits.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="How to show the findings.",
)
@click.option("--fix", is_flag=True, help="First mend what needs no decision, as fmt does.")
@json_option
@command_boundary
def lint(
    run: Run,
    *,
    names: tuple[str, ...],
    strict: bool,
    pointers: str | None,
    form: str,
    fix: bool,
) -> int:
    """Check skills and datasets, asking nobody.

    Each finding names file, line, rule and what helps. Exits 1 when there is an error. What `review` would show of
    permissions, hidden text, commands and links is here a warning.

    With --pointers, CI checks a branch before it is merged, as in --pointers origin/main..HEAD: what the publish
    branch has taken in stays taken in. Reverting a pull keeps its .skillsync.
    """
    if pointers is not None:
        if fix or form != "text":
            raise click.UsageError("--pointers goes with --strict and --json alone")
        return _lint_pointers(run, pointers, names=names, strict=strict)
    from collections import Counter

    from skillsync.cli.session import open_workspace, problems_json
    from skillsync.model import Severity
    from skillsync.review.lint_rules import skill_problems
    from skillsync.sync.tidy import lint as check

    workspace = open_workspace(run)
    if fix:
        _fix(run, workspace, names)
    found = check(workspace, names, rules=skill_problems)
    counts = Counter(one.severity for one in found)
    code = 1 if counts[Severity.ERROR] or (strict and counts[Severity.WARNING]) else 0
    document: dict[str, Json] = {"problems": problems_json(found), "strict": strict, "exit": code}
    run.out.emit_json(SCHEMA, document)
    if form != "text":
        run.out.raw(_rendered(form, found, document))
        return code
    shown = [one for one in found if one.severity is not Severity.NOTE or run.verbose]
    run.out.problems(shown)
    words = ", ".join(
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
        if counts[severity]
    )
    hidden = counts[Severity.NOTE] and not run.verbose
    run.out.data((words or "no findings") + (" (-v shows the notes)" if hidden else ""))
    return code


def _fix(run: Run, workspace: Workspace, names: tuple[str, ...]) -> None:
    """Mend what `fmt` mends, and say so."""
    import secrets

    from skillsync.cli.render import visible
    from skillsync.sync.tidy import fmt
    from skillsync.sync.writing import Writer

    target = workspace.settings.target() if workspace.settings.targets else None
    done = fmt(
        workspace,
        target,
        names=names,
        new_key=lambda: secrets.token_hex(16),
        check=False,
        writer=Writer(workspace),
    )
    for path, words in done.done.items():
        run.out.note(f"{visible(path)}: {words}")


def _rendered(form: str, found: list[Problem], document: dict[str, Json]) -> str:
    """Return the findings for machines."""
    import json

    from skillsync import __version__
    from skillsync.review.lint_rules import as_findings
    from skillsync.review.render.machines import render_github, render_sarif

    if form == "json":
        return json.dumps({"schema": SCHEMA, **document}, indent=2, ensure_ascii=True) + "\n"
    findings = as_findings(found)
    if form == "github":
        return render_github(findings)
    return render_sarif(findings, version=__version__)


def _lint_pointers(run: Run, text: str, *, names: tuple[str, ...], strict: bool) -> int:
    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace, problems_json
    from skillsync.errors import UsageError
    from skillsync.sync.pointer_range import check_pointers, version_words

    if names:
        raise UsageError(
            "--pointers checks every object of the commits; it takes no names",
            unchanged="Nothing was checked.",
            hint=f"skillsync lint --pointers {text}",
        )
    done = check_pointers(open_workspace(run), text)
    run.out.problems(done.problems)
    for move in done.moves:
        sides = (move.before, move.after)
        shown = [version_words(line.pointer) if line else "nothing" for line in sides]
        line = move.after or move.before
        assert line is not None  # a move has one side at least
        run.out.detail(visible(f"{line.path}: {move.kind}: {' → '.join(shown)}"))
    found = len(done.problems)
    run.out.data(
        f"{done.count} pointer {'line' if done.count == 1 else 'lines'}, {len(done.moves)} changed, "
        + (f"{found} {'error' if found == 1 else 'errors'}" if found else "none goes backwards")
    )
    code = 1 if done.problems else 0
    run.out.emit_json(
        SCHEMA,
        {
            "problems": problems_json(done.problems),
            "strict": strict,
            "range": {"bases": list(done.bases), "head": done.head},
            "pointers": [
                {
                    "move": str(move.kind),
                    "before": _line_json(move.before),
                    "after": _line_json(move.after),
                }
                for move in done.moves
            ],
            "exit": code,
        },
    )
    return code


def _line_json(line: PlacedLine | None) -> Json:
    from skillsync.repo.pointer import render_line

    if line is None:
        return None
    return {"path": line.path, "line": line.line, "text": render_line(line.pointer)}
