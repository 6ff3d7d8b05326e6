"""The verb `diff`: the differences themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.sync.diff import ObjectDiff


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

    Frontmatter by field, body by line, files, rows by field: - is what the server has, + is yours. Offline it
    compares with HEAD, the last commit.
    """
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.diff import diff as compare

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    if offline:
        found = compare(workspace, chosen, remote=None, names=names)
    else:
        with connector(run, api_key_file=api_key_file)(chosen) as remote:
            found = compare(workspace, chosen, remote=remote, names=names)
    out = run.out
    if found:
        sides = "- HEAD, + your files" if offline else f"- {chosen.place}, + your files"
        out.data(f"target {chosen.name}: {sides}", style="bold")
    for one in found:
        _print_object(out, one)
    if not found:
        out.data("no differences")
    code = EXIT_DIFFERENT if exit_code and found else 0
    out.emit_json(
        "skillsync.diff/1",
        {"target": chosen.name, "objects": [one.as_json() for one in found], "exit": code},
    )
    return code


def _print_object(out: Output, one: ObjectDiff) -> None:
    from skillsync.cli.render import visible
    from skillsync.sync.diff_lines import Mark

    signs = {
        Mark.HEADING: ("", "cyan"),
        Mark.PLACE: ("@@ ", "dim"),
        Mark.REMOVED: ("- ", "removed"),
        Mark.ADDED: ("+ ", "added"),
        Mark.CONTEXT: ("  ", ""),
    }
    out.data()
    words = f": {visible(one.words)}" if one.words else ""
    out.data(f"{one.kind} {visible(one.subject)}{words}", style="bold")
    for line in one.lines:
        sign, style = signs[line.mark]
        text = f"{'  ' * line.depth}{sign}{visible(line.text)}".rstrip()
        out.data(text, style=style)
