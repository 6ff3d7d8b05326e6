"""The verb `push`: publish what may be published."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    api_key_file_option,
    json_option,
    names_argument,
    target_option,
    yes_option,
)


@click.command()
@names_argument
@target_option
@click.option(
    "--archive",
    multiple=True,
    metavar="NAME[:KEY]",
    help="Archive remotely what is missing here: a skill, a dataset's removed rows, or one row. Repeatable.",
)
@click.option(
    "--max-removals", type=click.IntRange(min=1), metavar="N", help="Allow exactly N removals."
)
@click.option(
    "--republish",
    multiple=True,
    metavar="NAME",
    help="Publish NAME though nothing seems to have changed.",
)
@click.option(
    "--from-branch",
    is_flag=True,
    help="Team mode: publish a HEAD that is not on the publish branch.",
)
@click.option(
    "--all-or-nothing", is_flag=True, help="Publish nothing unless everything can be published."
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Do what the plan in FILE says, or nothing.",
)
@click.option(
    "--reviewed",
    metavar="FILE|auto",
    help="Publish what the review in FILE let through, or nothing; auto: what the forge's checks say.",
)
@click.option(
    "--strict", is_flag=True, help="With --reviewed: refuse content that no review saw whole."
)
@click.option("--verify", is_flag=True, help="Read every published file back.")
@yes_option
@api_key_file_option
@json_option
@command_boundary
def push(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    archive: tuple[str, ...],
    max_removals: int | None,
    republish: tuple[str, ...],
    from_branch: bool,
    all_or_nothing: bool,
    plan_file: Path | None,
    reviewed: str | None,
    strict: bool,
    verify: bool,
    yes: bool,  # part of the contract; push asks nothing that it could answer  # noqa: ARG001
    api_key_file: Path | None,
) -> int:
    """Publish your skills and datasets.

    Only what has taken in everything the remote has is published; anything else is blocked and left to pull. With
    --plan it is refused when anything is not as it was when `plan -o` wrote the file. With --reviewed it is all or
    nothing: refused (6) when an effect was not reviewed, or (3) when the store moved.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.errors import UsageError
    from skillsync.sync.push import PushRequest
    from skillsync.sync.push import push as run_push

    if strict and reviewed is None:
        raise UsageError("--strict says how --reviewed is meant", hint="--reviewed auto --strict")
    workspace = open_workspace(run)
    connect = connector(run, workspace.repo, api_key_file=api_key_file)
    if plan_file is not None:
        from skillsync.sync.sealed_plan import push_sealed, read_plan

        if any((names, archive, max_removals, republish, from_branch, all_or_nothing, reviewed)):
            raise UsageError(
                "--plan says what is published: no names and none of --archive, --max-removals, --republish, "
                "--from-branch, --all-or-nothing, --reviewed",
                hint="skillsync plan -o FILE takes names, --archive and --max-removals",
            )
        sealed = read_plan(run.directory / plan_file)
        report = push_sealed(
            workspace,
            workspace.settings.target(target or sealed.target),
            connect,
            sealed,
            verify=verify,
        )
        code = print_report(run, report, nothing="nothing to push")
        if not workspace.is_team:
            commit_hint(run.out, workspace, report)
        return code
    request = PushRequest(
        names=names,
        archive=archive,
        max_removals=max_removals,
        republish=republish,
        from_branch=from_branch,
        verify=verify,
        all_or_nothing=all_or_nothing,
    )
    chosen = workspace.settings.target(target)
    if reviewed is not None:
        from skillsync.cli.reviewed import push_what_was_reviewed

        report = push_what_was_reviewed(run, workspace, chosen, connect, request, reviewed, strict)
        return print_report(run, report, nothing="nothing to push")
    report = run_push(workspace, chosen, connect, request)
    code = print_report(run, report, nothing="nothing to push")
    if not workspace.is_team or from_branch:
        commit_hint(run.out, workspace, report)
    return code
