"""The verb `textconv`: show an items.jsonl field by field, for git diff."""

from __future__ import annotations

from pathlib import Path

import click

from skillsync.cli.boundary import Run, command_boundary


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command_boundary
def textconv(run: Run, *, file: Path) -> int:
    """Show an items.jsonl field by field, for git diff.

    `skillsync init --merge-drivers` makes git call it. Rows that are equal look the same, however they are spelled.
    """
    from skillsync.cli.visible import visible
    from skillsync.formats.row_text import field_text

    with file.open("rb") as lines:
        for line in field_text(lines):
            run.out.data(visible(line))
    return 0
