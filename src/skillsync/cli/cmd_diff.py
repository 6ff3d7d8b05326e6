"""The verb `diff`: the differences themselves."""

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
@offline_option
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def diff(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    offline: bool,
    exit_code: bool,
    api_key_file: Path | None,
) -> int:
    """Show the differences themselves.

    Frontmatter by field, body by line, files, rows by field: `-` is the remote's, `+` is yours. Offline it
    compares with HEAD.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.diff import Mark
    from skillsync.sync.diff import diff as compare

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    if offline:
        found = compare(workspace, chosen, remote=None, names=names)
    else:
        with connector(run, api_key_file=api_key_file)(chosen) as remote:
            found = compare(workspace, chosen, remote=remote, names=names)
    out = run.out
    styles = {Mark.ADDED: ("+", "added"), Mark.REMOVED: ("-", "removed"), Mark.CONTEXT: (" ", "")}
    for one in found:
        out.data(f"{one.kind} {visible(one.subject)} ({visible(one.state)})", style="bold")
        for line in one.lines:
            if line.mark is Mark.HEADING:
                out.data(f"  {visible(line.text)}", style="cyan")
                continue
            sign, style = styles[line.mark]
            out.data(f"    {sign} {visible(line.text)}", style=style)
    if not found:
        out.data("no differences")
    code = EXIT_DIFFERENT if exit_code and found else 0
    out.emit_json(
        "skillsync.diff/1",
        {"target": chosen.name, "objects": [one.as_json() for one in found], "exit": code},
    )
    return code
