"""The verb `undo`: take back the last push of this clone."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, target_option


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME[:KEY]|PATH]...")
@target_option
@click.option(
    "--archive",
    multiple=True,
    metavar="NAME[:KEY]",
    help="Archive what the push created: a skill, a dataset, or one row. Repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@api_key_file_option
@json_option
@command_boundary
def undo(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    archive: tuple[str, ...],
    dry_run: bool,
    api_key_file: Path | None,
) -> int:
    """Take back the last push of this clone.

    A published skill gets its predecessor's content as a new version, a renamed one its old name, changed rows are
    changed back, what was archived is made again. Your files stay as they are, and nothing newer than the push is touched.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.sync.undo import UndoRequest
    from skillsync.sync.undo import undo as run_undo

    workspace = open_workspace(run)
    report = run_undo(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        UndoRequest(names=names, archive=archive, dry_run=dry_run),
    )
    code = print_report(run, report, nothing="nothing to undo")
    if not workspace.is_team:
        commit_hint(run.out, workspace, report)
    return code
