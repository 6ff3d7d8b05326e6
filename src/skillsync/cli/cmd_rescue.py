"""The verb `rescue`: list and bring back what was overwritten."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option

if TYPE_CHECKING:
    from skillsync.repo.rescue import Rescue
    from skillsync.sync.workspace import Workspace


class ListByDefault(click.Group):
    """Without a word of its own it lists: ``skillsync rescue --json`` is ``skillsync rescue list --json``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` in front of options alone."""
        is_help = args[:1] and args[0] in ctx.help_option_names
        if not args or (args[0].startswith("-") and not is_help):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ListByDefault)
def rescue() -> None:
    """List and bring back what was overwritten.

    Whatever skillsync overwrites or deletes in your files is kept for at least 30 days.
    """


@rescue.command("list")
@json_option
@command_boundary
def list_rescued(run: Run) -> int:
    """List the copies, newest first."""
    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace
    from skillsync.repo.rescue import Rescue

    found = Rescue(open_workspace(run).repo).list()
    for one in found:
        for file in one.files:
            run.out.data(
                f"{one.id}  {visible(file.path)}  ({visible(file.subject)}: {visible(file.reason)})"
            )
    if not found:
        run.out.data("nothing was overwritten in the last 30 days")
    else:
        run.out.note(
            "skillsync rescue show ID PATH prints a copy, skillsync rescue restore ID [PATH] brings it back"
        )
    run.out.emit_json(
        "skillsync.rescue.list/1",
        {
            "copies": [
                {
                    "id": one.id,
                    "time": one.time.isoformat(),
                    "files": [
                        {"path": file.path, "reason": file.reason, "subject": file.subject}
                        for file in one.files
                    ],
                }
                for one in found
            ]
        },
    )
    return 0


@rescue.command("show")
@click.argument("copy_id", metavar="ID")
@click.argument("path")
@json_option
@command_boundary
def show_rescued(run: Run, *, copy_id: str, path: str) -> int:
    """Print one copied file, byte for byte."""
    from skillsync.cli.session import open_workspace
    from skillsync.repo.rescue import Rescue

    workspace = open_workspace(run)
    rescue = Rescue(workspace.repo)
    path = _meant(rescue, copy_id, path, workspace)
    data = rescue.show(copy_id, path)
    if run.json:
        run.out.emit_json(
            "skillsync.rescue.show/1",
            {
                "id": copy_id,
                "path": path,
                "text": data.decode("utf-8", "replace"),
                "bytes": len(data),
            },
        )
    else:
        run.out.stdout.flush()
        sys.stdout.buffer.write(data)
    return 0


def _meant(rescue: Rescue, copy_id: str, path: str, workspace: Workspace) -> str:
    """Return the copy's path that a word means: as the list prints it, or from where the user stands."""
    known = {file.path for file in rescue.files(copy_id)}
    place = os.path.normpath(workspace.start / path)
    inside = os.path.relpath(place, workspace.repo.root)
    return inside if path not in known and inside in known else path


@rescue.command("restore")
@click.argument("copy_id", metavar="ID")
@click.argument("path", required=False)
@json_option
@command_boundary
def restore_rescued(run: Run, *, copy_id: str, path: str | None) -> int:
    """Bring copied files back; what is there now is copied first."""
    from datetime import UTC, datetime

    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace
    from skillsync.repo.lock import locked
    from skillsync.repo.rescue import Rescue

    workspace = open_workspace(run)
    repo = workspace.repo
    with locked(repo.state_dir, command="rescue restore"):
        rescue = Rescue(repo)
        if path is not None:
            path = _meant(rescue, copy_id, path, workspace)
        restored = rescue.restore(copy_id, path, now=datetime.now(UTC))
    for one in restored:
        run.out.data(f"restored {visible(one)}")
    run.out.emit_json("skillsync.rescue.restore/1", {"id": copy_id, "restored": list(restored)})
    return 0
