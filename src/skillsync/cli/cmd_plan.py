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
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def plan(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    exit_code: bool,
    api_key_file: Path | None,
) -> int:
    """Show what push or pull would do.

    Every step is listed with what it needs to be true; nothing is written.
    """
    from skillsync.cli.plan_view import next_commands, plan_json, print_plans
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.plan import make_plan

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with connector(run, api_key_file=api_key_file)(chosen) as remote:
        push, pull = make_plan(workspace, chosen, remote, names=names)
    print_plans(run.out, push, pull)
    if commands := next_commands(push, pull):
        run.out.data(f"next: {commands}")
    code = EXIT_DIFFERENT if exit_code and not (push.is_empty and pull.is_empty) else 0
    run.out.emit_json(
        "skillsync.plan/1",
        {"target": chosen.name, "push": plan_json(push), "pull": plan_json(pull), "exit": code},
    )
    return code
