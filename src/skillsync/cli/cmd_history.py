"""The verb `history`: a skill's versions as commits."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, target_option


@click.group()
def history() -> None:
    """Turn a skill's versions into commits.

    On a branch of their own, with the authors and dates that the server names.
    """


@history.command("import")
@click.argument("name", metavar="NAME|PATH")
@click.option("--branch", metavar="BRANCH", help="The branch; default: skillsync-history/NAME.")
@target_option
@api_key_file_option
@json_option
@command_boundary
def import_versions(
    run: Run,
    *,
    name: str,
    branch: str | None,
    target: str | None,
    api_key_file: Path | None,
) -> int:
    """Write each version as a commit.

    The same versions give the same commits in every clone. A run that was interrupted is gone on with by the next.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.history_import import ImportRequest, import_history

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with run.out.progress("reading versions") as progress:
        found = import_history(
            workspace,
            chosen,
            connector(run, workspace.repo, api_key_file=api_key_file),
            ImportRequest(name, branch, on_version=lambda _: progress.advance()),
        )
    if found.added:
        new = f"v{found.first} to v{found.last} are commits"
        if found.added == 1:
            new = f"v{found.first} is a commit"
        run.out.data(f"{visible(found.name)}: {new} on {visible(found.branch)}")
    else:
        run.out.data(f"{visible(found.name)}: {visible(found.branch)} has every version")
    for note in found.notes:
        run.out.note(f"note: {visible(note)}")
    run.out.note(f"git log {visible(found.branch)}")
    run.out.emit_json(
        "skillsync.history.import/1",
        {
            "target": chosen.name,
            "name": found.name,
            "branch": found.branch,
            "versions": found.versions,
            "added": found.added,
            "first": found.first,
            "last": found.last,
            "tip": found.tip,
            "notes": [*found.notes],
        },
    )
    return 0
