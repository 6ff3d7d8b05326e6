"""The verb `status`: where everything stands, reading only."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    EXIT_DIFFERENT,
    api_key_file_option,
    exit_code_option,
    json_option,
    names_argument,
    offline_option,
    target_option,
)


@click.command()
@names_argument
@target_option
@click.option(
    "--all-targets", is_flag=True, help="Show the versions at every target, side by side."
)
@offline_option
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def status(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    all_targets: bool,
    offline: bool,
    exit_code: bool,
    api_key_file: Path | None,
) -> int:
    """Show what differs between here and there.

    Reads only. Offline it compares with what the pointers say was taken in last.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace, problems_json
    from skillsync.model import Severity
    from skillsync.sync.status import status as look

    workspace = open_workspace(run)
    if all_targets:
        from skillsync.cli.targets_view import print_all_targets
        from skillsync.errors import UsageError

        if target is not None:
            raise UsageError("--all-targets shows every target: leave --target out")
        connect = None if offline else connector(run, api_key_file=api_key_file)
        return print_all_targets(run, workspace, connect, names, exit_code=exit_code)
    chosen = workspace.settings.target(target)
    if offline:
        found = look(workspace, chosen, remote=None, names=names)
    else:
        with connector(run, api_key_file=api_key_file)(chosen) as remote:
            found = look(workspace, chosen, remote=remote, names=names)
    out = run.out
    mode = " (offline)" if found.offline else ""
    out.data(f"target {chosen.name}: {chosen.place}{mode}", style="bold")
    for line in found.lines:
        detail = f"  ({visible(line.message)})" if line.message else ""
        out.data(f"  {visible(line.subject)}: {visible(line.did)}{detail}")
        if line.fix:
            out.data(f"      next: {visible(line.fix)}", style="dim")
    rows = f", {found.rows} rows" if found.rows else ""
    if found.is_clean:
        out.data(
            f"clean: nothing to push, pull or resolve ({found.in_sync} in sync{rows})",
            style="green",
        )
    elif found.in_sync:
        out.data(f"  {found.in_sync} in sync{rows}")
    shown = Severity.ERROR, Severity.WARNING
    out.problems(
        one for one in found.problems if one.severity in (shown if run.verbose else shown[:1])
    )
    warnings = sum(one.severity is Severity.WARNING for one in found.problems)
    if warnings and not run.verbose:
        out.note(f"note: {warnings} warnings (skillsync lint)")
    for note in found.notes:
        out.note(f"note: {visible(note)}")
    code = EXIT_DIFFERENT if exit_code and not found.is_clean else 0
    out.emit_json(
        "skillsync.status/1",
        {
            "target": chosen.name,
            "place": chosen.place,
            "offline": found.offline,
            "clean": found.is_clean,
            "in_sync": found.in_sync,
            "objects": [line.as_json() for line in found.lines],
            "problems": problems_json(found.problems),
            "notes": list(found.notes),
            "exit": code,
        },
    )
    return code
