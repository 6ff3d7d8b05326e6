"""The verb `status`: where everything stands, reading only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    EXIT_DIFFERENT,
    api_key_file_option,
    exit_code_option,
    json_option,
    names_argument,
    offline_option,
    target_option,
)

if TYPE_CHECKING:
    from skillsync.api.keys import FoundKey
    from skillsync.model import Json


@click.command()
@names_argument
@target_option
@click.option(
    "--all-targets", is_flag=True, help="Show the versions at every target, side by side."
)
@offline_option
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def status(
    run: Run,
    *,
    names: tuple[str, ...],
    target: str | None,
    all_targets: bool,
    offline: bool,
    exit_code: bool,
    api_key_file: Path | None,
) -> int:
    """Show what differs between here and there.

    Reads only. Offline it compares with what the pointers say was taken in last. With -v it also says which key
    is used and where it comes from, what the server is, and which guarantees hold there.
    """
    from skillsync.cli.session import connector, open_workspace
    from skillsync.cli.status_view import print_facts, print_status, status_json
    from skillsync.errors import SkillsyncError
    from skillsync.sync.status import status as look

    workspace = open_workspace(run)
    if all_targets:
        from skillsync.cli.targets_view import print_all_targets
        from skillsync.errors import UsageError

        if target is not None:
            raise UsageError("--all-targets shows every target: leave --target out")
        connect = None if offline else connector(run, workspace.repo, api_key_file=api_key_file)
        return print_all_targets(run, workspace, connect, names, exit_code=exit_code)
    chosen = workspace.settings.target(target)
    keys: list[FoundKey] = []
    if offline:
        found = look(workspace, chosen, remote=None, names=names)
    else:
        try:
            with connector(run, workspace.repo, api_key_file=api_key_file, on_key=keys.append)(
                chosen
            ) as remote:
                found = look(workspace, chosen, remote=remote, names=names)
        except SkillsyncError:
            if run.verbose:
                print_facts(run.out, chosen, key=keys[0].described if keys else "none found")
            raise
    described = keys[0].described if keys else ""
    print_status(run, chosen, found, names=names, key=described)
    code = EXIT_DIFFERENT if exit_code and not found.is_clean else 0
    key: dict[str, Json] | None = (
        {"source": keys[0].source, "masked": keys[0].secret.masked} if keys else None
    )
    run.out.emit_json("skillsync.status/1", status_json(chosen, found, key=key, code=code))
    return code
