"""The verb `pull`: take the remote's edits in."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, names_argument, target_option


@click.command()
@names_argument
@target_option
@click.option(
    "--prune", is_flag=True, help="Remove folders whose remote was archived; a copy is kept."
)
@click.option(
    "--max-removals",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let exactly N skills, or rows of a dataset, go that are gone remotely, though that is above the ceiling.",
)
@api_key_file_option
@json_option
@command_boundary
def pull(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    prune: bool,
    max_removals: int | None,
    api_key_file: Path | None,
) -> int:
    """Take the remote's edits into your files.

    Both sides' changes are merged three ways; what cannot be merged is shown and left to you.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.sync.pull import PullRequest
    from skillsync.sync.pull import pull as run_pull

    workspace = open_workspace(run)
    report = run_pull(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        PullRequest(names=names, prune=prune, max_removals=max_removals),
    )
    code = print_report(run, report, nothing="nothing to pull")
    commit_hint(run.out, workspace, report)
    return code
