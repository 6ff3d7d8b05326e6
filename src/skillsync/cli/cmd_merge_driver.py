"""The verb `merge-driver`: merge a pointer or an items.jsonl, for git."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("base", type=_FILE)
@click.argument("local", type=_FILE)
@click.argument("remote", type=_FILE)
@click.argument("path")
@click.option(
    "--marker-size",
    type=click.IntRange(min=1),
    default=7,
    help="As git says; for a text's markers.",
)
@command_boundary
def merge_driver(
    run: Run, *, base: Path, local: Path, remote: Path, path: str, marker_size: int
) -> int:
    """Merge a pointer or an items.jsonl, for git.

    `skillsync init --merge-drivers` makes git call it. Pointers: what both sides have taken in. Rows: by key and
    field. LOCAL becomes the result; PATH is the file's name in the repository. Exits 1 when a person has to decide:
    a row in conflict keeps the line of LOCAL, and git has both sides.
    """
    from skillsync.cli.render import visible
    from skillsync.errors import InvalidContent
    from skillsync.model import joined_place
    from skillsync.sync.merge_driver import merge_as_text, merge_file

    contents = [each.read_bytes() for each in (base, local, remote)]
    try:
        made = merge_file(run.directory, path, contents[0], contents[1], contents[2])
    except InvalidContent as error:
        place = joined_place(path, error.line, error.column)
        run.out.warn(visible(f"{place}: {error.message}; it is merged as text"))
        return min(merge_as_text(base, local, remote, marker_size=marker_size), 1)
    except Exception:
        # Whatever goes wrong: git must not take one side for the result.
        merge_as_text(base, local, remote, marker_size=marker_size)
        raise
    if made.data is None:
        return min(merge_as_text(base, local, remote, marker_size=marker_size), 1)
    if made.data != contents[1]:
        local.write_bytes(made.data)
    for conflict in made.conflicts:
        run.out.warn(visible(f"{path}: {conflict.unit}: {conflict.reason}"))
    if made.conflicts:
        run.out.note(f"  `git diff` shows both sides; edit the lines, then git add {visible(path)}")
    return 1 if made.conflicts else 0
