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
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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


def export_rows(
    rows: Iterable[ExportRow], form: ExportForm, columns: SeenColumns | None = None
) -> Iterator[str]:
    """Yield the file in pieces of text, line ends included (CSV: CR LF, RFC 4180; else LF).

    ``rows`` are gone through once, and for a form with columns once more before, as what these are depends on all: unless
    ``columns`` have seen every row already.

    Names are the newest ones. ``csv`` and ``hf`` have columns: one whose values are not all texts (in ``hf``: all of one
    plain type) holds JSON as text, and its name ends in ``_json``. That keeps every value, gives tables the one type
    per column that they need, and ``dataset import`` reads it back as it was.
    """
    if form == "jsonl":
        return (_line(key, fields) for key, fields in rows)
    if columns is None:
        columns = SeenColumns(form)
        for _, fields in rows:
            columns.see(fields)
    return _csv(rows, columns.found) if form == "csv" else _uniform(rows, columns.found)


def _line(key: Key | None, fields: Mapping[str, Json]) -> str:
    members: dict[str, Json] = {} if key is None else {ID: key}
    for field in ROW_FIELDS:
        value = fields.get(field)
        if value is not None or field == "input":
            members[field] = value
    return write_json(members, USUAL) + "\n"


def _csv(rows: Iterable[ExportRow], columns: Sequence[_Column]) -> Iterator[str]:
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


def _uniform(rows: Iterable[ExportRow], columns: Sequence[_Column]) -> Iterator[str]:
    for key, fields in rows:
        members: dict[str, Json] = {ID: key}
        members |= {column.name: column.cell(fields.get(column.field)) for column in columns}
        yield write_json(members, USUAL) + "\n"


class SeenColumns:
    """The columns that rows need, one row after the other; metadata is JSON always, so that its name does not depend on
    values."""

    def __init__(self, form: ExportForm) -> None:
        kind = _PlainText if form == "csv" else _OneType
        self._seen: dict[str, _PlainText | _OneType] = {field: kind(field) for field in ROW_FIELDS}

    def see(self, fields: Mapping[str, Json]) -> None:
        """Look at the next row."""
        for field, values in self._seen.items():
            values.see(fields.get(field))

    @property
    def found(self) -> list[_Column]:
        """The columns of the rows so far."""
        return [
            _Column(field, as_json=field == "metadata" or not values.is_plain)
            for field, values in self._seen.items()
            if field == "input" or values.any
        ]


class _PlainText:
    """Whether cells can be the texts themselves: an empty cell is no value, and a table of JSON reads as JSON."""

    def __init__(self, field: str) -> None:
        self._is_input = field == "input"
        self._is_plain = True
        self._are_structures = True
        self.any = False

    def see(self, value: Json) -> None:
        """Look at the next row's value."""
        if value is None:
            self._is_plain &= not self._is_input
            return
        self.any = True
        self._is_plain &= isinstance(value, str) and bool(value)
        self._are_structures = self._are_structures and is_structure(value)

    @property
    def is_plain(self) -> bool:
        """What the values so far say."""
        return self._is_plain and not (self.any and self._are_structures)


class _OneType:
    """Whether all values there are have one plain type, which a column can have."""

    def __init__(self, _: str) -> None:
        self._kinds: set[type] = set()
        self._fit = True
        self.any = False

    def see(self, value: Json) -> None:
        """Look at the next row's value."""
        if value is None:
            return
        self.any = True
        self._kinds.add(type(value))
        if type(value) is int:
            self._fit &= -_LONGEST_INTEGER <= value < _LONGEST_INTEGER

    @property
    def is_plain(self) -> bool:
        """What the values so far say."""
        return self._fit and self._kinds in ({int}, {str}, {bool}, {float}, set())
