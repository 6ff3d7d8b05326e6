"""The verb `resolve`: settle a conflict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, one_of, target_option

if TYPE_CHECKING:
    from skillsync.sync.workspace import Workspace


@click.command()
@click.argument("name", metavar="NAME[:PATH|:KEY]")
@target_option
@one_of(
    local="Take your side where both changed.",
    remote="Take the remote's side where both changed.",
    union="Texts: take both sides' lines.",
    edit="Open the marked files, or the row, in your editor first.",
    abort="Bring back the files as they were before the pull.",
)
@api_key_file_option
@json_option
@command_boundary
def resolve(
    run: Run,
    *,
    name: str,
    target: str | None,
    chosen: str | None,
    api_key_file: Path | None,
) -> int:
    """Settle a conflict.

    Without a side the file is taken as it is now; that is refused while our markers are in it. NAME is a name or
    a folder.
    """
    from skillsync.cli.session import commit_hint, connector, open_workspace, print_report
    from skillsync.sync.resolve import Choice
    from skillsync.sync.resolve import resolve as settle

    workspace = open_workspace(run)
    name = _named(workspace, name)
    if chosen == "edit" and _edited_files(run, workspace, name):
        chosen = None
    report = settle(
        workspace,
        workspace.settings.target(target),
        connector(run, workspace.repo, api_key_file=api_key_file),
        name=name,
        choice=Choice(chosen) if chosen else Choice.AS_IS,
        edit=_edited_row,
    )
    code = print_report(run, report, nothing="nothing to resolve")
    commit_hint(run.out, workspace, report)
    return code


def _named(workspace: Workspace, given: str) -> str:
    """Take a folder for the name of what is in it; ``NAME`` and ``NAME:UNIT`` stay as they are."""
    from skillsync.sync.local import read_lean_tree
    from skillsync.sync.named import in_tree, name_of

    subject, colon, unit = given.partition(":")
    if "/" not in subject and not (workspace.start / subject).exists():
        return given
    return name_of(workspace, subject, in_tree(read_lean_tree(workspace))) + colon + unit


def _edited_files(run: Run, workspace: Workspace, name: str) -> bool:
    """Open the marked files of a skill, if there are any; else it is a row that is edited."""
    from skillsync.errors import UsageError
    from skillsync.sync.parked import parked_skills

    subject, _, unit = name.partition(":")
    paths = [
        path
        for parked in parked_skills(workspace)
        if parked.name == subject
        for path in dict.fromkeys((*parked.open, *parked.marked))
        if not unit or path.endswith(f"/{unit}")
    ]
    if not run.out.interactive:
        raise UsageError(
            "--edit needs a terminal",
            unchanged="Nothing was changed.",
            hint=f"skillsync conflicts {subject}",
        )
    for path in paths:
        click.edit(filename=str(workspace.repo.root / path))
    return bool(paths)


def _edited_row(text: str) -> str | None:
    """Let a person edit a row in their editor; None when it was left as it was opened and not saved."""
    return click.edit(text, extension=".jsonc")
