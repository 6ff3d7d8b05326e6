"""The verb `pull`: take the remote's edits in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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
@click.option(
    "--pr",
    is_flag=True,
    help="Take them into a pull request, as commits of their authors; no file here changes.",
)
@click.option(
    "--base", metavar="BRANCH", help="With --pr: the branch to merge into; default: publish_branch."
)
@click.option(
    "--split",
    type=click.Choice(["project", "skill"]),
    default="project",
    help="With --pr: one pull request for the project (the default), or one for each object.",
)
@click.option(
    "--on-conflict",
    type=click.Choice(["branch", "stop"]),
    default="branch",
    help="With --pr: show what both sides edited as a pull request (the default), or leave it to you.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="With --pr: make the commits, and neither push nor ask the forge.",
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
    pr: bool,
    base: str | None,
    split: Literal["project", "skill"],
    on_conflict: Literal["branch", "stop"],
    dry_run: bool,
    api_key_file: Path | None,
) -> int:
    """Take the remote's edits into your files.

    Both sides' changes are merged three ways; what cannot be merged is shown and left to you. With --pr they go into
    one pull request that is kept up to date, never over people's commits, and closed when nothing is left.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.sync.pull import PullRequest
    from skillsync.sync.pull import pull as run_pull

    workspace = open_workspace(run)
    if pr:
        from skillsync.cli.pull_request import Asked, pull_into_requests

        return pull_into_requests(
            run,
            workspace,
            workspace.settings.target(target),
            connector(run, workspace.repo, api_key_file=api_key_file),
            Asked(names, prune, max_removals, base, split, on_conflict, dry_run),
        )
    if base is not None or dry_run or split != "project" or on_conflict != "branch":
        from skillsync.errors import UsageError

        raise UsageError("--base, --split, --on-conflict and --dry-run say how --pr is meant")
    report = run_pull(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        PullRequest(names=names, prune=prune, max_removals=max_removals),
    )
    code = print_report(run, report, nothing="nothing to pull")
    commit_hint(run.out, workspace, report)
    return code
