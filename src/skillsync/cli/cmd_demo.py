"""The verb `demo`: show it all on a sample repository."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.demo.run import Ended

SCHEMA = "skillsync.demo/1"
_SERVER = (
    "django",
    "rest_framework",
    "exceptions_hog",
    "django_filters",
    "dj_database_url",
    "waitress",
)


@click.command()
@click.option(
    "--directory",
    "into",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to work: a new or empty folder. Default: a new one for temporary files.",
)
@click.option(
    "--dialect",
    default="seed",
    show_default=True,
    type=click.Choice(["seed", "current"]),
    help="Generation of the API that the server speaks.",
)
@click.option("--keep", is_flag=True, help="Leave the server running at the end.")
@json_option
@command_boundary
def demo(run: Run, *, into: Path | None, dialect: str, keep: bool) -> int:
    """Show it all on a sample repository.

    Starts a server on a free port of this machine, publishes five skills and two datasets, lets two people edit
    them, and shows every command with its output. Nothing of yours is used or changed.
    """
    from skillsync.demo.run import run_demo
    from skillsync.errors import MissingExtra

    missing = [name for name in _SERVER if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"the demo needs the server, an optional part ({', '.join(missing)} missing)",
            unchanged="Nothing was made.",
            hint="pip install 'skillsync[server]'",
        )
    ended = run_demo(
        run.out, directory=run.directory / into if into else None, dialect=dialect, keep=keep
    )
    print_end(run.out, ended)
    run.out.emit_json(SCHEMA, ended.as_json())
    return 0


def print_end(out: Output, ended: Ended) -> None:
    """Print what was published, where it is, and how to go on."""
    out.data()
    out.data(f"Published at {ended.url}:", style="heading")
    skills = [(name, f"version {number}") for name, number in ended.published.skills.items()]
    datasets = [(name, f"{count} rows") for name, count in ended.published.datasets.items()]
    out.table(
        ("kind", "name", "published"),
        [
            *(("skill", *cells) for cells in sorted(skills)),
            *(("dataset", *cells) for cells in sorted(datasets)),
        ],
    )
    out.data()
    out.data(f"The repository is in {ended.root}", style="heading")
    if ended.pid is None:
        out.data("The server was stopped. These two lines start it again, with its key:")
    else:
        out.data(f"The server is still running; to stop it: kill {ended.pid}")
        out.data("The first line gives you its key; after a stop the second starts it again:")
    for line in ended.restart:
        out.data(f"  {line}")
    out.data("Then look around:")
    width = max(len(command) for command, why in ended.explore if why and len(command) < 40)
    for command, why in ended.explore:
        out.data(f"  {command:<{width}}  # {why}" if why else f"  {command}")
