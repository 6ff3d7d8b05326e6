"""Reads rows out of other tools' files, JSON Lines, JSON and CSV, and tells on which line each one stands."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, overload

from skillsync.errors import InvalidContent
from skillsync.formats.json_list import NotPlain, read_list
from skillsync.formats.json_spans import Span, scan
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.formats.kept_rows import Made
from skillsync.formats.packed_records import PackedRecords
from skillsync.formats.row_lines import MAX_FILE, MAX_LINE, collector_paused
from skillsync.model import Json

if TYPE_CHECKING:
    from typing import BinaryIO

    from skillsync.model import Store

Form: TypeAlias = Literal["jsonl", "json", "csv"]

_BOM = "\ufeff"
_DELIMITERS = ",;\t"
_CELL_LIMIT = 10 * MAX_LINE
_HEAD = 2 * MAX_LINE
"""Bytes by which a file is known."""


@dataclass(frozen=True)
class ForeignRows:
    """The rows of a file, each a mapping of its own names to values; in CSV all values are texts.

    ``lines`` returns the 1-based line on which each row begins; for JSON that is found out when it is asked.
    """

    path: str
    form: Form
    rows: Sequence[dict[str, Json]]
    lines: Callable[[], Sequence[int]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that a row has, in the order in which they first appear."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def wrong(self, index: int, message: str, *, hint: str = "") -> InvalidContent:
        """Return the error about one row, with its place."""
        return InvalidContent(message, path=self.path, line=self.lines()[index], hint=hint)


def open_foreign(stream: BinaryIO, store: Store, *, path: str) -> ForeignRows:
    """Read a file of rows as ``read_foreign`` does, but they lie in the ``store``, and none is held.

    A JSON object with a list in it is held, and so is what is wrong with a list or a table.
    """
    head = stream.read(_HEAD)
    stream.seek(0)
    rows = _StoredRows(store)
    if _is_csv(head, path):
        try:
            with collector_paused(), _long_cells():
                delimiter = _delimiter_of(head.decode(errors="replace").removeprefix(_BOM))
                for line, row in _csv_rows(_records(_text_lines(stream), delimiter), path):
                    rows.add(json.dumps(row).encode(), line)
        except (csv.Error, InvalidContent):
            rows = _StoredRows(store)  # what is wrong, and where, says whoever reads all of it
        if rows:
            return _without_envelope(ForeignRows(path, "csv", rows, rows.lines))
        stream.seek(0)
    elif _is_list(head, path):
        try:
            with collector_paused():
                for line, element in read_list(_capped(stream, path)):
                    rows.add(element.encode(), line)
        except NotPlain:
            rows = _StoredRows(store)
        if rows:
            return _without_envelope(ForeignRows(path, "json", rows, rows.lines))
        stream.seek(0)
    if not _is_lines(head, path):
        return read_foreign(stream.read(), path=path)
    with collector_paused():
        number = size = 0
        while raw := stream.readline():
            number += 1
            size += len(raw)
            if size > MAX_FILE:
                raise InvalidContent(f"the file has more than {MAX_FILE:,} bytes", path=path)
            data = raw.removesuffix(b"\n").removesuffix(b"\r")
            data = data.removeprefix(_BOM.encode()) if number == 1 else data
            if data.strip(b" \t\r"):
                _row_of(_line_text(data, path, number), path, number)
                rows.add(data, number)
    if not rows:
        raise InvalidContent("the file holds no rows", path=path)
    return _without_envelope(ForeignRows(path, "jsonl", rows, rows.lines))


def _is_lines(head: bytes, path: str) -> bool:
    """Tell whether a file that begins like this is JSON Lines; where that is not sure, it is not."""
    name = path.lower()
    text = head.decode(errors="replace").removeprefix(_BOM).lstrip()
    if name.endswith((".csv", ".tsv")) or text[:1] not in {"{", "["}:
        return False
    if name.endswith((".jsonl", ".ndjson")):
        return True
    return bool(text.partition("\n")[2].strip()) and _has_a_row_per_line(text)


def _is_list(head: bytes, path: str) -> bool:
    text = head.decode(errors="replace").removeprefix(_BOM).lstrip()
    return text.startswith("[") and not _is_lines(head, path)


def _capped(stream: BinaryIO, path: str) -> Callable[[int], bytes]:
    """Return what reads a file, and raises InvalidContent once that was more than one may hold."""
    total = 0

    def read(size: int) -> bytes:
        nonlocal total
        data = stream.read(size)
        total += len(data)
        if total > MAX_FILE:
            raise InvalidContent(f"the file has more than {MAX_FILE:,} bytes", path=path)
        return data

    return read


def _is_csv(head: bytes, path: str) -> bool:
    first = head.decode(errors="replace").removeprefix(_BOM).lstrip()[:1]
    is_called = path.lower().endswith((".csv", ".tsv"))
    return is_called or (bool(first) and first not in "{[")


def _text_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield lines as a text file opened with newline="" does. Raises InvalidContent where there is no text."""
    size = 0
    for number, raw in enumerate(stream, start=1):
        size += len(raw)
        if size > MAX_FILE or b"\0" in raw:
            raise InvalidContent("not to be read", line=number)
        text = _line_text(raw, "", number)
        yield from io.StringIO(text.removeprefix(_BOM) if number == 1 else text, newline="")


def _line_text(data: bytes, path: str, number: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidContent(
            f"not UTF-8 (byte {error.start + 1} of the line: 0x{data[error.start]:02x}): save the file as UTF-8",
            path=path,
            line=number,
        ) from error


class _StoredRows(Sequence[dict[str, Json]]):
    """Rows that were read and are right: of each its place is held, and its line."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records = PackedRecords("<QII")  # place, length, line

    def add(self, data: bytes, line: int) -> None:
        self._records.append(self._store.put(data), len(data), line)

    def lines(self) -> Sequence[int]:
        return Made(range(len(self)), lambda number: self._records[number][2])

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, at: int) -> dict[str, Json]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[dict[str, Json]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Json] | Sequence[dict[str, Json]]:
        numbers = range(len(self))
        return Made(numbers[at], self._row) if isinstance(at, slice) else self._row(numbers[at])

    def _row(self, number: int) -> dict[str, Json]:
        place, length, _ = self._records[number]
        value: dict[str, Json] = json.loads(self._store.get(place, length))
        return value


def read_foreign(data: bytes, *, path: str) -> ForeignRows:
    """Read a file of rows; its content says what it is, since a ``.json`` may hold JSON Lines (skill-format.md 14.2).

    CSV is what begins with neither ``{`` nor ``[``, or is called ``.csv`` or ``.tsv``; separators are comma, semicolon
    or tab, whichever the header has most. A JSON object with one list of objects in it counts as that list. A byte
    order mark is passed over. Raises InvalidContent with path and line, the column in its words.
    """
    if len(data) > MAX_FILE:
        raise InvalidContent(f"the file has more than {MAX_FILE:,} bytes", path=path)
    text = _decoded(data, path)
    name = path.lower()
    first = text.lstrip()[:1]
    with collector_paused():
        if name.endswith((".csv", ".tsv")) or (first and first not in "{["):
            found = _read_csv(text, path)
        elif name.endswith((".jsonl", ".ndjson")) or _has_a_row_per_line(text):
            found = _read_lines(text, path)
        else:
            found = _read_whole(text, path)
    if not found.rows:
        raise InvalidContent("the file holds no rows", path=path)
    return _without_envelope(found)


def _decoded(data: bytes, path: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise InvalidContent(
            f"not UTF-8 (byte {column} of the line: 0x{data[error.start]:02x}): save the file as UTF-8",
            path=path,
            line=before.count(b"\n") + 1,
        ) from error
    return text.removeprefix(_BOM)


# ---------------------------------------------------------------- JSON


def _has_a_row_per_line(text: str) -> bool:
    """Tell JSON Lines from one JSON value: the first line is closed, and is not an object that only holds a list."""
    first, _, rest = text.lstrip().partition("\n")
    if not (first.startswith("{") and first.rstrip().endswith("}")):
        return False
    if rest.strip():
        return True
    try:
        value = read_json(first)
    except JsonTrouble:
        return True
    return not (isinstance(value, dict) and _list_name(value))


def _read_lines(text: str, path: str) -> ForeignRows:
    rows: list[dict[str, Json]] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(" \t\r"):
            continue
        rows.append(_row_of(line.removesuffix("\r"), path, number))
        lines.append(number)
    return ForeignRows(path, "jsonl", tuple(rows), lambda: lines)


def _row_of(line: str, path: str, number: int) -> dict[str, Json]:
    try:
        value = read_json(line)
    except JsonTrouble as error:
        column = f" (column {error.column})" if error.column else ""
        raise InvalidContent(error.message + column, path=path, line=number) from error
    if not isinstance(value, dict):
        raise InvalidContent("a line must hold one JSON object (column 1)", path=path, line=number)
    return value


def _read_whole(text: str, path: str) -> ForeignRows:
    try:
        value = read_json(text)
    except JsonTrouble as error:
        line, column = _place(text, (error.column or 1) - 1)
        raise InvalidContent(f"{error.message} (column {column})", path=path, line=line) from error
    name = _list_name(value) if isinstance(value, dict) else ""
    listed = value[name] if isinstance(value, dict) and name else value
    if not isinstance(listed, list):
        raise InvalidContent(
            "neither a list of objects nor an object with one such list in it (column 1)",
            path=path,
            line=1,
        )

    def spans() -> Sequence[Span]:
        root = scan(text)
        if name:
            root = next(one.value for one in root.members if one.name == name)
        return [one.value for one in root.members]

    rows: list[dict[str, Json]] = []
    for index, row in enumerate(listed):
        if not isinstance(row, dict):
            line, column = _place(text, spans()[index].start)
            raise InvalidContent(
                f"element {index + 1} of the list is no object (column {column})",
                path=path,
                line=line,
            )
        rows.append(row)
    return ForeignRows(
        path, "json", tuple(rows), lambda: [_place(text, one.start)[0] for one in spans()]
    )


def _list_name(value: dict[str, Json]) -> str:
    """Return the name of the one member that is a list of objects, "" when none or several are."""
    found = [
        name
        for name, held in value.items()
        if isinstance(held, list) and held and all(isinstance(one, dict) for one in held)
    ]
    return found[0] if len(found) == 1 and not value.keys() & {"input", "messages"} else ""


def _place(text: str, at: int) -> tuple[int, int]:
    """Return the 1-based line and column of a position."""
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def _without_envelope(found: ForeignRows) -> ForeignRows:
    """Take rows out of ``{"item": {…}, "sample": …}`` (skill-format.md 14.1), where nothing would be lost."""
    if found.form == "csv" or "item" not in found.names or not {*found.names} <= {"item", "sample"}:
        return found
    for row in found.rows:
        item = row.get("item")
        if not isinstance(item, dict) or item.keys() & row.keys():
            return found
    return replace(
        found, rows=Made(range(len(found.rows)), lambda number: _opened(found.rows[number]))
    )


def _opened(row: dict[str, Json]) -> dict[str, Json]:
    item = row["item"]
    assert isinstance(item, dict)
    return {**item, **{name: value for name, value in row.items() if name != "item"}}


# ---------------------------------------------------------------- CSV


def _read_csv(text: str, path: str) -> ForeignRows:
    if "\0" in text:
        line, column = _place(text, text.index("\0"))
        raise InvalidContent(f"the file holds NUL (column {column})", path=path, line=line)
    rows: list[dict[str, Json]] = []
    lines: list[int] = []
    begun = _Begun()
    with _long_cells():
        records = _records(io.StringIO(text, newline=""), _delimiter_of(text), begun)
        try:
            for line, row in _csv_rows(records, path):
                rows.append(row)
                lines.append(line)
        except csv.Error as error:
            _refuse_record(text, path, begun.line, error)
    return ForeignRows(path, "csv", tuple(rows), lambda: lines)


def _csv_rows(
    records: Iterator[tuple[int, list[str]]], path: str
) -> Iterator[tuple[int, dict[str, Json]]]:
    """Yield each row below the header, with the line on which it begins."""
    _, header = next(records, (1, []))
    names = _column_names(header, path)
    for line, cells in records:
        if len(cells) != len(names):
            raise InvalidContent(
                f"{len(cells)} cells where the header has {len(names)} "
                f"(column {min(len(cells), len(names)) + 1} of the table)",
                path=path,
                line=line,
            )
        yield line, dict(zip(names, cells, strict=True))


def _delimiter_of(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


@dataclass
class _Begun:
    """The line on which the record begins that is being read."""

    line: int = 1


def _records(
    lines: Iterable[str], delimiter: str, begun: _Begun | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the line on which it begins. Raises csv.Error."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    at = begun or _Begun()
    for cells in reader:
        if any(cells):
            yield at.line, cells
        at.line = reader.line_num + 1


def _refuse_record(text: str, path: str, line: int, error: csv.Error) -> NoReturn:
    """Raise InvalidContent with the place of the quote that a record begins with, as near as that is known."""
    start = text.split("\n", line)[line - 1] if line <= text.count("\n") + 1 else ""
    raise InvalidContent(
        f"not valid CSV: {error} (the row begins here; column {start.find(chr(34)) + 1 or 1} has its first quote)",
        path=path,
        line=line,
    ) from error


def _column_names(header: Sequence[str], path: str) -> list[str]:
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column_{number}"
        if name in names:
            raise InvalidContent(
                f"the header has {name!r} twice (column {names.index(name) + 1} and {number} of the table)",
                path=path,
                line=1,
            )
        names.append(name)
    return names


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as rows may be; the library's own limit is less."""
    before = csv.field_size_limit(_CELL_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)
