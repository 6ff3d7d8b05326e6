"""The verb `restore`: make an old version of a skill the latest again."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, target_option


@click.command()
@click.argument("name", metavar="NAME|PATH")
@click.option(
    "--version",
    "number",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="The version whose content comes back.",
)
@target_option
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@click.option("--files-only", is_flag=True, help="Write the files here; publish nothing.")
@click.option(
    "--from-branch",
    is_flag=True,
    help="Team mode: publish it now; commit and merge files and pointer afterwards.",
)
@click.option(
    "--discard-edits",
    is_flag=True,
    help="Replace edits here that were never published; a rescue copy is kept.",
)
@api_key_file_option
@json_option
@command_boundary
def restore(
    run: Run,
    *,
    name: str,
    number: int,
    target: str | None,
    dry_run: bool,
    files_only: bool,
    from_branch: bool,
    discard_edits: bool,
    api_key_file: Path | None,
) -> int:
    """Publish an old version of a skill as a new one.

    Its content comes back as the next version and into your files; nothing that the remote has and you have not
    taken in is replaced.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.errors import UsageError
    from skillsync.sync.restore import RestoreRequest
    from skillsync.sync.restore import restore as run_restore

    if files_only and from_branch:
        raise UsageError(
            "--files-only publishes nothing and --from-branch publishes: give one of the two"
        )
    workspace = open_workspace(run)
    report = run_restore(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        RestoreRequest(
            name,
            number,
            dry_run=dry_run,
            files_only=files_only,
            from_branch=from_branch,
            discard_edits=discard_edits,
        ),
    )
    code = print_report(run, report, nothing="nothing to restore")
    commit_hint(run.out, workspace, report)
    return code
