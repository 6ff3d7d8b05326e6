"""The verb `adopt`: link what was never linked."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, one_of, target_option


@click.command()
@click.argument("name")
@target_option
@one_of(
    merge="Merge both contents; what differs is a conflict.",
    local="Keep your text; the next push replaces the remote's.",
    remote="Take the remote's text; a copy of yours is kept.",
)
@click.option("--id", "dataset_id", metavar="UUID", help="The remote dataset that this folder is.")
@api_key_file_option
@json_option
@command_boundary
def adopt(
    run: Run,
    *,
    name: str,
    target: str | None,
    chosen: str | None,
    dataset_id: str | None,
    api_key_file: Path | None,
) -> int:
    """Link what exists on both sides but was never linked.

    Without a way, only contents that are equal are linked. NAME is a name or a folder.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.sync.adopt import Way
    from skillsync.sync.adopt import adopt as link

    workspace = open_workspace(run)
    report = link(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        name=name,
        way=Way(chosen) if chosen else None,
        dataset_id=dataset_id,
    )
    code = print_report(run, report, nothing="nothing to link")
    commit_hint(run.out, workspace, report)
    return code
