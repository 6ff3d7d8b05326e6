"""Proposes which names of a foreign file are which fields of a row, and makes rows of them (skill-format.md 14.1, 14.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.formats.row_keys import fold_id, id_problem
from skillsync.formats.row_names import ID
from skillsync.formats.row_rules import reference_problem
from skillsync.model import ROW_FIELDS, Key, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from skillsync.formats.foreign_rows import ForeignRows
    from skillsync.model import Json

JSON_TEXT = "_json"
"""What ends the name of a column whose cells hold JSON as text: ``input_json`` (row_export.py writes them)."""

FIELDS = (ID, *ROW_FIELDS)

_KNOWN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    ID: (("id",), ("client_item_id",), ("item_id", "key", "uuid", "task_id")),
    "input": (
        ("input",),
        ("inputs", "vars", "query", "prompt", "question", "user_input"),
    ),
    "expected_output": (
        ("expected_output",),
        (
            *("output", "outputs", "expected", "expectedOutput", "ideal", "target", "answer"),
            *("assert", "__expected", "reference", "reference_outputs"),
            *("ground_truth", "expectations"),
        ),
    ),
    "metadata": (("metadata",), ("meta", "additionalMetadata")),
    "source_trace_id": (("source_trace_id",), ("ref_trace_id", "sourceTraceId")),
    "source_timestamp": (("source_timestamp",), ("ref_timestamp",)),
    "source_event_id": (("source_event_id",), ("ref_source_id", "sourceObservationId")),
    "source_output": (("source_output",),),
}
"""The names that tools give each field, best first; within one group exactly one must fit."""

_ANY_JSON = frozenset({"input", "expected_output", "metadata", "source_output"})
"""The fields that may hold any value; the others are texts."""

_ASSIGNED = (
    (
        frozenset({"dataset_id", "dataset_revision"}),
        frozenset({"dataset_id", "dataset_revision", "item_id", "client_item_id", "version"}),
    ),
    (
        frozenset({"dataset", "ref_trace_id"}),
        frozenset(
            {"dataset", "team", "deleted", "created_at", "updated_at", "created_by", "version"}
        ),
    ),
)
"""By which names an export of the API is known, and what in it the server assigns: that stays out of files (14.3)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: one name, or several that become an object. ``as_json``: JSON held as text."""

    names: tuple[str, ...]
    as_json: bool = False

    def __str__(self) -> str:
        """Return it as ``--map`` takes it."""
        return ",".join(self.names)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Field to source; ``extras`` are the names that go below metadata, ``dropped`` those that are left out."""

    sources: Mapping[str, Source]
    extras: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def parse_map(words: Sequence[str]) -> dict[str, Source]:
    """Read ``FIELD=NAME[,NAME…]`` words; ``FIELD_json`` says that the cells hold JSON. Raises ValueError."""
    found: dict[str, Source] = {}
    for word in words:
        field, equals, names = word.partition("=")
        as_json = field.endswith(JSON_TEXT)
        field = field.removesuffix(JSON_TEXT)
        if not equals or not names or field not in FIELDS:
            raise ValueError(f"{word!r} is not FIELD=NAME; a field is one of {', '.join(FIELDS)}")
        if field in found:
            raise ValueError(f"{field} is mapped twice")
        found[field] = Source(tuple(names.split(",")), as_json)
    return found


def propose_fields(
    foreign: ForeignRows, *, given: Mapping[str, Source], drop: Collection[str] = ()
) -> FieldMap:
    """Return the mapping: ``given`` first, then for each other field the one known name that fits every row.

    What no field takes goes below metadata, so that nothing is lost without a word. Raises InvalidContent when a given
    name is in no row, several known names fit a field, or none fits the input.
    """
    _require_names(foreign, given, drop)
    assigned = _assigned(foreign.names)
    taken = {name for source in given.values() for name in source.names} | set(drop)
    sources = dict(given)
    notes: list[str] = []
    for field in FIELDS:
        if field not in sources:
            source, why_not = _candidate(foreign, field, taken)
            notes += why_not
            if source is not None:
                sources[field] = source
                taken.update(source.names)
    dropped = tuple(name for name in foreign.names if name in drop or name in assigned - taken)
    free = [name for name in foreign.names if name not in taken and name not in dropped]
    if "input" not in sources:
        sources["input"] = _variables(foreign, free)
        free = [name for name in free if name.startswith("__")]
    ordered = {field: sources[field] for field in FIELDS if field in sources}
    return FieldMap(ordered, tuple(free), dropped, tuple(notes))


def _require_names(
    foreign: ForeignRows, given: Mapping[str, Source], drop: Collection[str]
) -> None:
    named = [name for source in given.values() for name in source.names]
    for name in (*named, *drop):
        if name not in foreign.names:
            raise InvalidContent(
                f"no row has {name!r}; there is {_listed(foreign.names)}", path=foreign.path
            )


def _assigned(names: Collection[str]) -> frozenset[str]:
    return frozenset().union(*(those for known_by, those in _ASSIGNED if known_by <= {*names}))


def _candidate(
    foreign: ForeignRows, field: str, taken: Collection[str]
) -> tuple[Source | None, list[str]]:
    notes: list[str] = []
    for number, group in enumerate(_KNOWN[field]):
        fitting: list[Source] = []
        for name in group:
            for source in (Source((name,)), Source((name + JSON_TEXT,), as_json=True)):
                if source.names[0] in foreign.names and source.names[0] not in taken:
                    source = _sniffed(foreign, field, source)
                    reason = _misfit(foreign, field, source, is_own=number == 0)
                    if reason is None:
                        fitting.append(source)
                    elif reason:
                        notes.append(f"{source} is not taken for {field}: {reason}")
        if len(fitting) > 1:
            raise InvalidContent(
                f"{_listed([str(one) for one in fitting])} may each be the row's {field}",
                path=foreign.path,
                hint=f"say which: --map {field}={fitting[0]}",
            )
        if fitting:
            return fitting[0], notes
    return None, notes


def _sniffed(foreign: ForeignRows, field: str, source: Source) -> Source:
    """In CSV, take cells for JSON when every one that is not empty is an object or a list."""
    if foreign.form != "csv" or field not in _ANY_JSON:
        return source
    has_any = False
    for row in foreign.rows:
        if cell := row[source.names[0]]:
            has_any = True
            if not is_structure(cell):
                return source
    return Source(source.names, as_json=True) if has_any else source


def is_structure(cell: Json) -> bool:
    """Tell whether a text is a JSON object or list."""
    if not isinstance(cell, str) or cell.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        read_json(cell)
    except JsonTrouble:
        return False
    return True


def _misfit(foreign: ForeignRows, field: str, source: Source, *, is_own: bool) -> str | None:
    """Return why a name cannot be a field, ``""`` where that needs no word, None when it fits every row."""
    there = named = objects = 0
    wrong: str | None = None
    ids = _Ids()
    for row in foreign.rows:
        try:
            value = _value(foreign, field, source, row)
        except (JsonTrouble, TypeError) as error:
            return str(error)
        named += source.names[0] in row
        if value is None:
            continue
        there += 1
        objects += isinstance(value, dict)
        if wrong is None and field == ID:
            wrong = ids.problem(value)
        elif wrong is None and field not in _ANY_JSON:
            wrong = reference_problem(Row(Key(""), {field: value})) or None
    rows = len(foreign.rows)
    if field == ID and there < rows and not is_own:
        return "not every row has it"
    if field == "input":
        is_complete = there == rows or (is_own and named == rows)
        return None if is_complete else "not every row has it"
    if wrong is not None or not there:
        return wrong if wrong is not None or is_own else ""
    if field == "metadata" and objects < there:
        # Our own name may hold any JSON, as the first generation allows; a table's text may not pass for it.
        is_any = is_own and (foreign.form != "csv" or source.names[0].endswith(JSON_TEXT))
        return None if is_any else "it is no object in every row"
    return None


class _Ids:
    """The ids so far, each to be there once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def problem(self, value: Json) -> str | None:
        """Return why the next value cannot be an id, None if it can."""
        text = str(value) if type(value) is int else value
        if not isinstance(text, str):
            return "an id must be a text or an integer"
        if problem := id_problem(text):
            return problem
        if fold_id(text) in self._seen:
            return f"{text!r} is there twice"
        self._seen.add(fold_id(text))
        return None


def _variables(foreign: ForeignRows, free: Sequence[str]) -> Source:
    """Return all variables together: where a table marks what is expected, each other column is one (promptfoo)."""
    names = [name for name in free if not name.startswith("__")]
    if foreign.form == "csv" and "__expected" in foreign.names and names:
        return Source(tuple(names))
    raise InvalidContent(
        f"none of {_listed(foreign.names)} is known to be the row's input in every row",
        path=foreign.path,
        hint=f"say which: --map input={names[0] if names else 'NAME'} (NAME,NAME makes an object of several)",
    )


# ---------------------------------------------------------------- rows


def mapped_rows(
    foreign: ForeignRows, fields: FieldMap
) -> Iterator[tuple[Key | None, dict[str, Json]]]:
    """Yield the key (None: it has none) and the fields of each row. Raises InvalidContent with the row's line."""
    seen: dict[str, int] = {}
    for index, row in enumerate(foreign.rows):
        made: dict[str, Json] = {}
        for field, source in fields.sources.items():
            try:
                value = _value(foreign, field, source, row)
            except (JsonTrouble, TypeError) as error:
                raise foreign.wrong(index, f"{source}: {error}") from error
            if value is not None or field == "input":
                made[field] = value
        key = _key(foreign, index, made.pop(ID, None), seen)
        held = made.get("metadata")
        if (metadata := _metadata(foreign, index, row, held, fields.extras)) is not None:
            made["metadata"] = metadata
        if problem := reference_problem(Row(Key(""), made)):
            raise foreign.wrong(index, problem)
        yield key, made


def _value(foreign: ForeignRows, field: str, source: Source, row: Mapping[str, Json]) -> Json:
    """Return one field's value, None for none. Raises JsonTrouble, TypeError for JSON text that is none."""
    if len(source.names) > 1:
        return {name: row[name] for name in source.names if name in row}
    value = row.get(source.names[0])
    is_empty = foreign.form == "csv" and value == ""
    if value is None or (is_empty and (field != "input" or source.as_json)):
        return None
    if not source.as_json:
        return value
    if not isinstance(value, str):
        raise TypeError("it must be JSON written as a text")
    return read_json(value)


def _key(foreign: ForeignRows, index: int, value: Json, seen: dict[str, int]) -> Key | None:
    if value is None:
        return None
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise foreign.wrong(index, "an id must be a text or an integer")
    if problem := id_problem(text):
        raise foreign.wrong(index, problem)
    first = seen.setdefault(fold_id(text), index)
    if first != index:
        line = foreign.lines()[first]
        raise foreign.wrong(index, f"the id {text!r} is there twice: in line {line}, too")
    return Key(text)


def _metadata(
    foreign: ForeignRows, index: int, row: Mapping[str, Json], held: Json, extras: Sequence[str]
) -> Json:
    empty: tuple[Json, ...] = (None, "") if foreign.form == "csv" else (None,)
    more = {name: row[name] for name in extras if row.get(name) not in empty}
    if not more:
        return held
    if not isinstance(held, dict | None):
        name = next(iter(more))
        raise foreign.wrong(
            index,
            f"{name!r} has no place: the row's metadata is no object to put it in",
            hint=f"--drop {name} leaves it out",
        )
    for name in more.keys() & (held or {}).keys():
        raise foreign.wrong(
            index,
            f"{name!r} is there twice: in the row and in its metadata",
            hint=f"--drop {name} leaves the row's out",
        )
    return {**(held or {}), **more}


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
