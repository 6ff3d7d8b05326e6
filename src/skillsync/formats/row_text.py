"""Shows the lines of an items.jsonl field by field, one below the other, for `git diff` to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_json
from skillsync.formats.json_text import JsonTrouble, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skillsync.model import Json

_FIRST = ("input", "output", "expected_output", "metadata")
"""The members that come first; the others follow by name, since their order in a line says nothing."""


def field_text(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield what each line of a file says as lines of text without their ends: ``row KEY``, then its fields, indented.

    Lines that are equal by value look the same however they are spelled, lines that are not do not. A text of several
    lines is shown line by line; a line that is no JSON object as it is, after ``?``. Never raises: `git diff` must go on.
    """
    for raw in lines:
        content = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
        if not content.strip(" \t\r"):
            yield ""
            continue
        try:
            value = read_json(content)
            shown = list(_row(value)) if isinstance(value, dict) else [f"? {content}"]
        except (JsonTrouble, InvalidContent, RecursionError):
            shown = [f"? {content}"]
        yield from shown


def _row(value: dict[str, Json]) -> Iterator[str]:
    yield f"row {canonical_json(value['id'])}" if "id" in value else "row"
    first = [name for name in _FIRST if name in value]
    for name in (*first, *sorted(value.keys() - {"id", *first})):
        yield from _field(_name(name), value[name], "  ")


def _name(text: str) -> str:
    """Return a member's name, quoted where it could be taken for something else."""
    return text if text.isidentifier() else canonical_json(text)


def _field(shown: str, value: Json, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield f"{indent}{shown}:"
        for key in sorted(value):
            yield from _field(_name(key), value[key], f"{indent}  ")
    elif isinstance(value, list) and value:
        yield f"{indent}{shown}:"
        for item in value:
            yield from _field("-", item, f"{indent}  ")
    elif isinstance(value, str) and "\n" in value:
        yield f"{indent}{shown}:"
        for line in value.split("\n"):
            # As JSON writes it, so that what a terminal obeys or nobody sees is seen.
            yield f"{indent}  | {canonical_json(line)[1:-1]}"
    else:
        yield f"{indent}{shown}: {canonical_json(value)}"
