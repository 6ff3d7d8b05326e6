"""The verb `conflicts`: what both sides changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, names_argument, target_option

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.sync.report import Outcome


@click.command()
@names_argument
@target_option
@api_key_file_option
@json_option
@command_boundary
def conflicts(
    run: Run, *, names: tuple[str, ...], target: str | None, api_key_file: Path | None
) -> int:
    """Show what both sides changed.

    Base, local and remote of every unit that a person has to decide about. Exits 4 while there is one.
    """
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.conflicts import list_conflicts

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with connector(run, workspace.repo, api_key_file=api_key_file)(chosen) as remote:
        found = list_conflicts(workspace, chosen, remote, names=names)
    out = run.out
    for one in found:
        _print_conflict(out, one)
    if not found:
        out.data("no conflicts")
    code = 4 if found else 0
    out.emit_json(
        "skillsync.conflicts/1",
        {"target": chosen.name, "conflicts": [one.as_json() for one in found], "exit": code},
    )
    return code


def _print_conflict(out: Output, one: Outcome) -> None:
    from skillsync.cli.excerpt import by_field, excerpts
    from skillsync.cli.render import visible

    out.data(f"{out.style(visible(one.subject), 'bold')}: {visible(one.did)}")
    key = one.subject.partition(":")[2]
    for conflict in one.conflicts:
        unit = conflict.unit.removeprefix(f"{key}:") if key else conflict.unit
        heading = f"{unit}: {conflict.reason}" if unit and unit != key else conflict.reason
        out.data(f"  {visible(heading)}", style="cyan")
        sides = {"base": conflict.base, "local": conflict.local, "remote": conflict.remote}
        for field, values in by_field(sides).items():
            if field:
                out.data(f"    {visible(field)}")
            indent = " " * (6 if field else 4)
            for side, lines in excerpts(values).items():
                is_base = side != "base" and values[side] == values["base"] is not None
                for number, line in enumerate(["as base"] if is_base else lines):
                    label = side if number == 0 else ""
                    text = f"{indent}{label:<7}{visible(line)}".rstrip()
                    out.raw(out.style(text, "dim" if is_base else ""))
    if one.fix:
        out.data(f"  next: {visible(one.fix)}")
