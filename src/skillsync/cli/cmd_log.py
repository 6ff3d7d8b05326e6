"""The verb `log`: the versions of a skill or dataset, who wrote them when, and the commits that equal them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, target_option

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.sync.log import Log, LogEntry


@click.command()
@click.argument("name", metavar="NAME|PATH")
@target_option
@click.option(
    "-n",
    "most",
    type=click.IntRange(min=1, max=2_000),
    default=20,
    metavar="N",
    help="List at most N; default 20.",
)
@click.option("--read", is_flag=True, help="Read every version listed, to find its commits.")
@api_key_file_option
@json_option
@command_boundary
def log(
    run: Run,
    *,
    name: str,
    target: str | None,
    most: int,
    read: bool,
    api_key_file: Path | None,
) -> int:
    """List the versions of a skill or dataset and the commits that equal them.

    Newest first, with the one that your files have taken in. Each write of a row is a version of its dataset; servers
    of the first generation keep none: there, git's commits are listed.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.log import log as list_versions

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target)
    with connector(run, workspace.repo, api_key_file=api_key_file)(chosen) as remote:
        found = list_versions(workspace, chosen, remote, name, most=most, read=read)
    if found.versions or found.kind == "skill":
        _print_versions(run.out, found)
    else:
        _print_commits(run.out, found)
    if found.more:
        run.out.note(f"there are more; -n {most * 2} lists more")
    for note in found.notes:
        run.out.note(f"note: {visible(note)}")
    run.out.emit_json(
        "skillsync.log/1",
        {
            "target": chosen.name,
            "name": found.name,
            "kind": found.kind,
            "versions": [one.as_json() for one in found.versions],
            "commits": [one.as_json() for one in found.commits],
            "more": found.more,
            "notes": list(found.notes),
        },
    )
    return 0


def _print_versions(out: Output, found: Log) -> None:
    from skillsync.cli.render import visible

    rows = [
        (
            (f"v{entry.version.number}", "bold"),
            visible(entry.version.created_at[:16].replace("T", " ")),
            visible(entry.version.author.label or "unknown"),
            (_place(entry), "green" if entry.taken_in else ""),
            visible(_commit(entry)),
        )
        for entry in found.versions
    ]
    out.table(("version", "date (UTC)", "author", "", "commit"), rows)


def _place(entry: LogEntry) -> str:
    words = [
        word
        for word, holds in (("latest", entry.is_latest), ("taken in here", entry.taken_in))
        if holds
    ]
    return ", ".join(words)


def _commit(entry: LogEntry) -> str:
    if not entry.commits:
        return ""
    first = entry.commits[0].commit
    more = f" (+{len(entry.commits) - 1} more)" if len(entry.commits) > 1 else ""
    return f"{first.id[:10]} {first.subject[:60]}{more}"


def _print_commits(out: Output, found: Log) -> None:
    from datetime import UTC, datetime

    from skillsync.cli.render import visible

    rows = []
    for one in found.commits:
        moment = datetime.fromtimestamp(one.commit.time, UTC).strftime("%Y-%m-%d %H:%M")
        counts = "cannot be read" if one.rows is None else "+{} ~{} -{} rows".format(*one.rows)
        rows.append(
            (
                (one.commit.id[:10], "bold"),
                moment,
                visible(one.commit.author),
                counts,
                visible(one.commit.subject),
            )
        )
    if rows:
        out.table(("commit", "date (UTC)", "author", "", "subject"), rows)
    else:
        out.data("no commit has it yet")
