"""The verb `lint`: check skills and datasets, asking nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option, names_argument

if TYPE_CHECKING:
    from skillsync.core.pointer_moves import PlacedLine
    from skillsync.model import Json


@click.command()
@names_argument
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--pointers",
    metavar="BASE..HEAD",
    help="Check instead that no .skillsync goes backwards in these commits.",
)
@json_option
@command_boundary
def lint(run: Run, *, names: tuple[str, ...], strict: bool, pointers: str | None) -> int:
    """Check skills and datasets, asking nobody.

    Each finding names file, line, rule and what helps. Exits 1 when there is an error.

    With --pointers, CI checks a branch before it is merged, as in --pointers origin/main..HEAD: what the publish
    branch has taken in stays taken in. Reverting a pull keeps its .skillsync.
    """
    if pointers is not None:
        return _lint_pointers(run, pointers, names=names, strict=strict)
    from collections import Counter

    from skillsync.cli.session import open_workspace, problems_json
    from skillsync.model import Severity
    from skillsync.sync.tidy import lint as check

    found = check(open_workspace(run), names)
    counts = Counter(one.severity for one in found)
    shown = [one for one in found if one.severity is not Severity.NOTE or run.verbose]
    run.out.problems(shown)
    words = ", ".join(
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
        if counts[severity]
    )
    hidden = counts[Severity.NOTE] and not run.verbose
    run.out.data((words or "no findings") + (" (-v shows the notes)" if hidden else ""))
    bad = counts[Severity.ERROR] or (strict and counts[Severity.WARNING])
    code = 1 if bad else 0
    run.out.emit_json(
        "skillsync.lint/1", {"problems": problems_json(found), "strict": strict, "exit": code}
    )
    return code


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
        "skillsync.lint/1",
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
