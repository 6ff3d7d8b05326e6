"""The verb `doctor`: what is wrong around skillsync, and what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    api_key_file_option,
    json_option,
    offline_option,
    target_option,
)

if TYPE_CHECKING:
    from skillsync.config import Target

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@target_option
@offline_option
@api_key_file_option
@json_option
@command_boundary
def doctor(run: Run, *, target: str | None, offline: bool, api_key_file: Path | None) -> int:
    """Look for what is wrong around skillsync.

    Git and its settings, names, pointers, interrupted commands, the key, the host and what it speaks. Reads only;
    exits with 1 when there is a problem.
    """
    from skillsync.api.keys import find_key
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.doctor import examine
    from skillsync.sync.findings import Level

    def describe_key(wanted: Target) -> str:
        return find_key(wanted, api_key_file=api_key_file).described

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    connect = None if offline else connector(run, workspace.repo, api_key_file=api_key_file)
    found = examine(workspace, chosen, connect, describe_key)
    out = run.out
    for one in found.findings:
        subject = f"{visible(one.subject)}: " if one.subject else ""
        level = out.style(f"{one.level:<7}", _STYLES[one.level])
        out.data(f"{level}  {one.check}: {subject}{visible(one.message)}")
        if one.fix:
            out.data(f"         fix: {visible(one.fix)}")
    counts = {level: sum(one.level is level for one in found.findings) for level in Level}
    words = [
        f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}"
        for level in (Level.PROBLEM, Level.WARNING)
    ]
    out.data(f"{', '.join(words)}, {counts[Level.OK]} ok", style="bold")
    out.emit_json(
        "skillsync.doctor/1",
        {
            "target": chosen.name,
            "offline": offline,
            "findings": [one.as_json() for one in found.findings],
            "exit": found.exit,
        },
    )
    return found.exit
