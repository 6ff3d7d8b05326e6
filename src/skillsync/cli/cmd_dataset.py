"""The verb `dataset`: rows in from other tools' files, and out to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option, yes_option

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.sync.dataset_files import Imported

_SHOWN_LINES = 40
_SHOWN_WIDTH = 160


@click.group()
def dataset() -> None:
    """Bring rows in from other tools' files, or out.

    Nothing is sent to a server: that is push.
    """


@dataset.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The new dataset's name; default: the file's.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="FIELD=NAME",
    help="Take the row's FIELD (id, input, expected_output, ...) from NAME; NAME,NAME makes an object. FIELD_json=NAME: "
    "NAME holds JSON as text. Repeatable.",
)
@click.option("--drop", multiple=True, metavar="NAME", help="Leave NAME out. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, write nothing.")
@yes_option
@json_option
@command_boundary
def import_file(
    run: Run,
    *,
    file: Path,
    name: str | None,
    mapping: tuple[str, ...],
    drop: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Make a new dataset of a file of rows.

    Reads JSON Lines, a JSON list or CSV, whatever the file is called, and knows the names that OpenAI evals, promptfoo,
    LangSmith, Braintrust, Langfuse, Inspect, DeepEval, Ragas, MLflow and PostHog use. What is no field of a row goes
    below metadata. The first rows are shown before anything is written; a dataset that is there is never changed.
    """
    import secrets

    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace
    from skillsync.formats.field_proposal import parse_map
    from skillsync.sync.dataset_files import ImportRequest, plan_import, write_import

    try:
        sources = parse_map(mapping)
    except ValueError as error:
        raise click.UsageError(f"--map: {error}") from error
    workspace = open_workspace(run)
    request = ImportRequest(run.directory / file, str(file), name, sources, drop)
    planned = plan_import(workspace, request, new_key=lambda: secrets.token_hex(16))
    _show(run.out, planned)
    if not dry_run:
        if run.out.interactive and not yes:
            click.confirm(f"write {visible(planned.dir)}?", default=True, abort=True, err=True)
        write_import(workspace, planned)
        run.out.data(f"wrote {visible(planned.dir)}")
        run.out.note(f"next: skillsync status {visible(planned.slug)}")
    fields = planned.fields
    run.out.emit_json(
        "skillsync.dataset.import/1",
        {
            "file": planned.foreign.path,
            "format": planned.foreign.form,
            "name": planned.name,
            "folder": planned.dir,
            "rows": len(planned.foreign.rows),
            "fields": [
                {"field": field, "from": [*source.names], "json_text": source.as_json}
                for field, source in fields.sources.items()
            ],
            "metadata": [*fields.extras],
            "dropped": [*fields.dropped],
            "new_keys": planned.new_keys,
            "notes": [*fields.notes],
            "first": [line.decode() for line in planned.first],
            "written": not dry_run,
            "exit": 0,
        },
    )
    return 0


def _show(out: Output, planned: Imported) -> None:
    """Print how many rows of what there are, which name became which field, and the first rows."""
    from skillsync.cli.render import visible
    from skillsync.formats.row_text import field_text

    fields, foreign = planned.fields, planned.foreign
    count = len(foreign.rows)
    kind = {"jsonl": "JSON Lines", "json": "JSON", "csv": "CSV"}[foreign.form]
    out.data(f"{visible(foreign.path)}: {count:,} {'row' if count == 1 else 'rows'} of {kind}")
    for field, source in fields.sources.items():
        held = " (JSON held as text)" if source.as_json else ""
        out.data(f"  {field} from {visible(', '.join(source.names))}{held}")
    if fields.extras:
        out.data(f"  below metadata: {visible(', '.join(fields.extras))}")
    if fields.dropped:
        out.data(f"  left out: {visible(', '.join(fields.dropped))}")
    if planned.new_keys:
        out.data(f"  {planned.new_keys:,} without an id get a new one")
    for note in fields.notes:
        out.note(f"note: {visible(note)}")
    lines = [*field_text(planned.first)]
    out.data(f"the first {len(planned.first)} of {count:,}:")
    for text in lines[:_SHOWN_LINES]:
        cut = text if len(text) <= _SHOWN_WIDTH else text[:_SHOWN_WIDTH] + "…"
        out.data(f"  {visible(cut)}")
    if len(lines) > _SHOWN_LINES:
        out.data(f"  … and {len(lines) - _SHOWN_LINES:,} lines more")


@dataset.command("export")
@click.argument("name", metavar="NAME|PATH")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "hf"]),
    default="jsonl",
    help="hf: JSON Lines with the same columns, of one type each, in every row.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a new FILE instead of stdout.",
)
@json_option
@command_boundary
def export_rows(run: Run, *, name: str, form: str, output: Path | None) -> int:
    """Write a dataset's rows for other tools.

    In csv and hf a column whose values are not of one plain type holds JSON as text, and its name ends in _json:
    `dataset import` reads each of the formats back as it was. Files are UTF-8; a file that is there stays as it is.
    """
    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace
    from skillsync.sync.dataset_files import export_dataset, write_new

    if run.json and output is None:
        raise click.UsageError("--json needs -o FILE: stdout has room for one of the two")
    count, pieces = export_dataset(open_workspace(run), name, form)  # type: ignore[arg-type]  # click checked it
    if output is None:
        # What people's terminals do to line ends and encodings must not happen to data.
        stdout = getattr(run.out.stdout, "buffer", None)
        for piece in pieces:
            if stdout is None:
                run.out.stdout.write(piece)
            else:
                stdout.write(piece.encode())
        run.out.stdout.flush()
        return 0
    write_new(run.directory / output, pieces, shown=str(output))
    run.out.note(f"{count:,} {'row' if count == 1 else 'rows'} in {visible(str(output))}")
    run.out.emit_json(
        "skillsync.dataset.export/1",
        {"file": str(output), "format": form, "rows": count, "exit": 0},
    )
    return 0
