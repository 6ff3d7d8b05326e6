"""Writes rows as what other tools read: JSON Lines, CSV, or JSON Lines of which every row has the same columns."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from skillsync.formats.field_proposal import JSON_TEXT, is_structure
from skillsync.formats.json_edit import USUAL, write_json
from skillsync.formats.row_names import ID
from skillsync.model import ROW_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from skillsync.model import Json, Key

ExportForm: TypeAlias = Literal["jsonl", "csv", "hf"]
FORMS: tuple[str, ...] = get_args(ExportForm)

_LONGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its field, and whether its cells are JSON written as a text."""

    field: str
    as_json: bool

    @property
    def name(self) -> str:
        return self.field + (JSON_TEXT if self.as_json else "")

    def cell(self, value: Json) -> Json:
        if not self.as_json:
            return value
        return None if value is None and self.field != "input" else write_json(value, USUAL)


ExportRow: TypeAlias = "tuple[Key | None, Mapping[str, Json]]"
"""A row's key, None for one without, and its fields under their newest names."""


def export_rows(rows: Sequence[ExportRow], form: ExportForm) -> Iterator[str]:
    """Yield the file in pieces of text, line ends included (CSV: CR LF, RFC 4180; else LF).

    Names are the newest ones. ``csv`` and ``hf`` have columns: one whose values are not all texts (in ``hf``: all of one
    plain type) holds JSON as text, and its name ends in ``_json``. That keeps every value, gives tables the one type
    per column that they need, and ``dataset import`` reads it back as it was.
    """
    if form == "jsonl":
        return (_line(key, fields) for key, fields in rows)
    return _csv(rows) if form == "csv" else _uniform(rows)


def _line(key: Key | None, fields: Mapping[str, Json]) -> str:
    members: dict[str, Json] = {} if key is None else {ID: key}
    for field in ROW_FIELDS:
        value = fields.get(field)
        if value is not None or field == "input":
            members[field] = value
    return write_json(members, USUAL) + "\n"


def _csv(rows: Sequence[ExportRow]) -> Iterator[str]:
    columns = _columns(rows, _is_plain_text)
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow([ID, *(column.name for column in columns)])
    for key, fields in rows:
        cells = [column.cell(fields.get(column.field)) for column in columns]
        writer.writerow([key or "", *("" if cell is None else cell for cell in cells)])
        yield sink.getvalue()
        sink.seek(0)
        sink.truncate()
    yield sink.getvalue()


def _uniform(rows: Sequence[ExportRow]) -> Iterator[str]:
    columns = _columns(rows, _is_one_type)
    for key, fields in rows:
        members: dict[str, Json] = {ID: key}
        members |= {column.name: column.cell(fields.get(column.field)) for column in columns}
        yield write_json(members, USUAL) + "\n"


def _columns(
    rows: Sequence[ExportRow], is_plain: Callable[[str, Sequence[Json]], bool]
) -> list[_Column]:
    """Return the columns that any row needs; metadata is JSON always, so that its name does not depend on values."""
    found: list[_Column] = []
    for field in ROW_FIELDS:
        values = [fields.get(field) for _, fields in rows]
        if field == "input" or any(value is not None for value in values):
            plain = field != "metadata" and is_plain(field, values)
            found.append(_Column(field, as_json=not plain))
    return found


def _is_plain_text(field: str, values: Sequence[Json]) -> bool:
    """Tell whether cells can be the texts themselves: an empty cell is no value, and a table of JSON reads as JSON."""
    there = [value for value in values if value is not None]
    if not all(isinstance(value, str) and value for value in there):
        return False
    if field == "input" and len(there) < len(values):
        return False
    return not there or not all(map(is_structure, there))


def _is_one_type(_: str, values: Sequence[Json]) -> bool:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return all(
            -_LONGEST_INTEGER <= value < _LONGEST_INTEGER
            for value in values
            if isinstance(value, int)
        )
    return kinds in ({str}, {bool}, {float}, set())
