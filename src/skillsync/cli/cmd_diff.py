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

    Frontmatter by field, body by line, files, rows by field: - is what the server has, + is yours. Offline it
    compares with HEAD, the last commit. NAME@3 compares a version of a skill or dataset with your files, NAME@3
    NAME@5 two versions: then - is the first of the two, and offline those of skills that were read before will do.
    """
    from skillsync.cli.diff_view import print_diffs, print_versions
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.diff import diff as compare
    from skillsync.sync.revision import names_versions

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    connect = connector(run, workspace.repo, api_key_file=api_key_file)
    if names_versions(workspace, names):
        return print_versions(
            run, workspace, chosen, connect, names, offline=offline, exit_code=exit_code
        )
    if offline:
        found = compare(workspace, chosen, remote=None, names=names)
    else:
        with connect(chosen) as remote:
            found = compare(workspace, chosen, remote=remote, names=names)
    sides = "- HEAD, + your files" if offline else f"- {chosen.place}, + your files"
    print_diffs(run.out, found, header=f"target {chosen.name}: {sides}")
    code = EXIT_DIFFERENT if exit_code and found else 0
    run.out.emit_json(
        "skillsync.diff/1",
        {"target": chosen.name, "objects": [one.as_json() for one in found], "exit": code},
    )
    return code
