"""The verb `lint`: check skills and datasets, asking nobody."""

from __future__ import annotations

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option, names_argument


@click.command()
@names_argument
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@json_option
@command_boundary
def lint(run: Run, *, names: tuple[str, ...], strict: bool) -> int:
    """Check skills and datasets, asking nobody.

    Each finding names file, line, rule and what helps. Exits 1 when there is an error.
    """
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
