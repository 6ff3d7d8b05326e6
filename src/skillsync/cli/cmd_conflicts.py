"""The verb `conflicts`: what both sides changed."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, names_argument, target_option


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
    from skillsync.cli.excerpt import excerpts
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.conflicts import list_conflicts

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with connector(run, api_key_file=api_key_file)(chosen) as remote:
        found = list_conflicts(workspace, chosen, remote, names=names)
    out = run.out
    for one in found:
        out.data(f"{out.style(visible(one.subject), 'bold')}: {visible(one.did)}")
        for conflict in one.conflicts:
            out.data(f"  {visible(conflict.unit)}  {visible(conflict.reason)}", style="cyan")
            sides = {"base": conflict.base, "local": conflict.local, "remote": conflict.remote}
            for side, shown in excerpts(sides).items():
                out.data(f"    {side:<7}{visible(shown, lines=True)}")
        if one.fix:
            out.data(f"  next: {visible(one.fix)}")
    if not found:
        out.data("no conflicts")
    code = 4 if found else 0
    out.emit_json(
        "skillsync.conflicts/1",
        {"target": chosen.name, "conflicts": [one.as_json() for one in found], "exit": code},
    )
    return code
