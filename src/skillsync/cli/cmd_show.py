"""The verb `show`: one version of a skill or dataset, as the files that it would be here."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    api_key_file_option,
    json_option,
    offline_option,
    target_option,
)


@click.command()
@click.argument("revision", metavar="NAME[@N]")
@target_option
@click.option("--files", is_flag=True, help="List its files and their sizes.")
@click.option(
    "--path", metavar="P", help="Print the file P of it instead of SKILL.md or items.jsonl."
)
@offline_option
@api_key_file_option
@json_option
@command_boundary
def show(
    run: Run,
    *,
    revision: str,
    target: str | None,
    files: bool,
    path: str | None,
    offline: bool,
    api_key_file: Path | None,
) -> int:
    """Print one version of a skill or dataset.

    SKILL.md, or items.jsonl, as pull or restore would write it here; without @N the latest version. Servers of the
    first generation keep no versions of a dataset. Offline it prints a version of a skill that was read before.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.errors import UsageError
    from skillsync.sync.revision import parse_revision
    from skillsync.sync.show import show as read_version

    if files and path is not None:
        raise UsageError("--files lists the files and --path prints one: give one of the two")
    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    if offline:
        shown = read_version(workspace, chosen, None, parse_revision(revision))
    else:
        with connector(run, workspace.repo, api_key_file=api_key_file)(chosen) as remote:
            shown = read_version(workspace, chosen, remote, parse_revision(revision))
    version = shown.version
    wanted = path or shown.main
    data = shown.data(wanted)
    if files:
        for one in shown.paths:
            run.out.data(f"{len(shown.data(one)):>9,}  {visible(one)}")
    elif (
        run.out.stdout.isatty()
    ):  # foreign text must not command a terminal; a pipe gets every byte
        run.out.raw(visible(data.decode("utf-8", "replace"), lines=True))
    elif not run.json:
        run.out.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    run.out.emit_json(
        "skillsync.show/1",
        {
            "target": chosen.name,
            "name": shown.name,
            "version": version.number,
            "id": version.id,
            "author": version.author.label,
            "created_at": version.created_at,
            "files": [{"path": one, "bytes": len(shown.data(one))} for one in shown.paths],
            "path": wanted,
            "text": data.decode("utf-8", "replace"),
        },
    )
    return 0
