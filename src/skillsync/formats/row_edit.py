"""A row as a text that a person edits: the sides of its conflict as lines with #, then the row itself as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from skillsync.errors import InvalidContent
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.model import ROW_FIELDS, Json

_HELP = (
    "Edit the row below and save it. Lines that begin with # are left out;",
    "a text without anything else leaves the conflict open.",
)


def edit_text(name: str, heading: Iterable[str], fields: Mapping[str, Json]) -> str:
    """Return the text to edit: ``heading`` (any lines, made comments), help, and the row's ``fields``."""
    comments = [f"{name}:", *heading, "", *_HELP]
    lines = [f"# {part}".rstrip() for text in comments for part in text.split("\n")]
    shown = {field: fields[field] for field in ROW_FIELDS if field in fields}
    return "\n".join([*lines, json.dumps(shown, ensure_ascii=False, indent=2), ""])


def read_edited(text: str, *, subject: str) -> dict[str, Json] | None:
    """Read what a person made of such a text: the row's fields; None when nothing but comments is left.

    Raises InvalidContent, with the line of the text and the column, for what is no row.
    """
    kept = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line[:1] != "#"]
    source = "\n".join(line for _, line in kept)
    if not source.strip():
        return None
    try:
        value = read_json(source)
    except JsonTrouble as error:
        place = source[: (error.column or 1) - 1]
        number, _ = kept[min(place.count("\n"), len(kept) - 1)]
        column = len(place) - (place.rfind("\n") + 1) + 1
        raise _invalid(f"line {number}, column {column}: {error.message}", subject) from error
    if not isinstance(value, dict):
        raise _invalid("the text is no JSON object", subject)
    if unknown := sorted(value.keys() - set(ROW_FIELDS)):
        raise _invalid(
            f"a row has no field {unknown[0]!r}; it has {', '.join(ROW_FIELDS)}", subject
        )
    return {name: found for name, found in value.items() if found is not None}


def _invalid(message: str, subject: str) -> InvalidContent:
    return InvalidContent(
        message,
        subject=subject,
        unchanged="Nothing was changed, and the conflict stays open.",
        hint="run the command again",
    )
