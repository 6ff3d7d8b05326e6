"""The verb `plan`: what push and pull would do."""

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
    target_option,
)


@click.command()
@names_argument
@target_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write push's plan to FILE, for `push --plan FILE`.",
)
@click.option(
    "--archive",
    multiple=True,
    metavar="NAME[:KEY]",
    help="With -o: plan the removal of what is missing here, as push --archive does.",
)
@click.option(
    "--max-removals",
    type=click.IntRange(min=1),
    metavar="N",
    help="With -o: allow exactly N removals.",
)
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def plan(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    output: Path | None,
    archive: tuple[str, ...],
    max_removals: int | None,
    exit_code: bool,
    api_key_file: Path | None,
) -> int:
    """Show what push or pull would do.

    Every step is listed with what it needs to be true; nothing is written, but with -o the file. That file holds
    push's plan, what it was made from, and no key.
    """
    from skillsync.cli.plan_view import (
        ahead_json,
        look_ahead,
        next_commands,
        plan_json,
        print_plans,
    )
    from skillsync.cli.session import connector, open_workspace
    from skillsync.errors import UsageError
    from skillsync.sync.plan import make_plan

    if output is None and (archive or max_removals):
        raise UsageError("--archive and --max-removals are parts of a plan that is written with -o")
    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with connector(run, workspace.repo, api_key_file=api_key_file)(chosen) as remote:
        push, pull = make_plan(workspace, chosen, remote, names=names)
        if output is not None:
            from skillsync.sync.push import PushRequest
            from skillsync.sync.sealed_plan import seal, write_plan

            request = PushRequest(names=names, archive=archive, max_removals=max_removals)
            sealed, push = seal(workspace, chosen, remote, request, note=run.out.note)
            write_plan(run.directory / output, sealed)
        ahead = look_ahead(remote, push)
    print_plans(run.out, push, pull, ahead)
    if commands := next_commands(push, pull):
        run.out.data(f"next: {commands}")
    if output is not None:
        run.out.note(f"the plan of push is in {output}: skillsync push --plan {output}")
    code = EXIT_DIFFERENT if exit_code and not (push.is_empty and pull.is_empty) else 0
    run.out.emit_json(
        "skillsync.plan/1",
        {
            "target": chosen.name,
            "push": {**plan_json(push), **ahead_json(ahead)},
            "pull": plan_json(pull),
            "file": str(output) if output else None,
            "exit": code,
        },
    )
    return code
