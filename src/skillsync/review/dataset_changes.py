"""What differs between two contents of a dataset: rows by key and field, aggregated, in the file's own order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_fields, canonical_json, row_digest, rows_digest
from skillsync.formats.jsonl import ItemsFile, Line
from skillsync.formats.row_lines import USUAL_LIMITS, Limits
from skillsync.model import Digest, Folder, Json, Key, Row
from skillsync.review.document import dataset_digest
from skillsync.review.values import FieldChange, FieldCount, Item, ItemField, Standing
from skillsync.sync.local import LocalDataset, last_part

MAX_VALUES = 500
"""Items of one dataset whose values are kept; the others are listed with the names of their fields."""

MAX_ITEMS = 20_000
"""Items of one dataset that are listed at all; the rest is counted."""

_AROUND = 60
_LONGEST = 400
SOURCE_FIELDS = frozenset({"source_trace_id", "source_timestamp", "source_event_id"})
"""Where a row comes from: servers take it at creation only (datasets-api.md 3)."""


@dataclass
class DatasetContent:
    """One side of a dataset, None where there is none; ``local`` knows how its files are to be read."""

    local: LocalDataset | None

    @property
    def name(self) -> str:
        """The folder's own name, by which commands know it."""
        return last_part(self.local.dir) if self.local else ""

    @property
    def items(self) -> ItemsFile | None:
        """The rows, None where the file is not there or cannot be read."""
        if self.local is None or self.local.problem is not None:
            return None
        return self.local.items

    _known: dict[Key, Digest] = field(default_factory=dict, repr=False)

    def digest_of(self, line: Line) -> Digest:
        """Return the digest of a line's row, made once."""
        row = line.row
        assert row is not None  # asked for lines with a key alone
        known = self._known.get(row.key)
        if known is None:
            known = self._known[row.key] = row_digest(row)
        return known

    @property
    def digests(self) -> dict[Key, Digest]:
        """The digest of every row."""
        lines = self.items.lines if self.items else ()
        return {line.row.key: self.digest_of(line) for line in lines if line.row}

    def digest(self) -> Digest | None:
        """One digest for rows and own fields, None while it cannot be read."""
        if self.local is None or self.local.problem is not None:
            return None
        return Digest(dataset_digest(self.local.info_digest, rows_digest(self.digests.items())))

    @property
    def info(self) -> dict[str, str]:
        """Name, description and metadata as texts."""
        if self.local is None:
            return {}
        try:
            info = self.local.document.info
        except InvalidContent:
            return {}
        found = {"name": info.name, "description": info.description.strip()}
        metadata = info.metadata if isinstance(info.metadata, dict) else {}
        found |= {f"metadata.{key}": canonical_json(value) for key, value in metadata.items()}
        return {key: value for key, value in found.items() if value}


def open_dataset(
    folder: Folder | None,
    *,
    mapping: Mapping[str, str] | None = None,
    content_keys: bool = False,
    limits: Limits = USUAL_LIMITS,
) -> DatasetContent:
    """Return one side of a dataset."""
    if folder is None:
        return DatasetContent(None)
    return DatasetContent(LocalDataset(folder, mapping, content_keys, limits))


_Difference: TypeAlias = tuple[str, Json, Json]
"""The path of a field, and its value on both sides."""


class RowChange(NamedTuple):
    """One row that differs, None on the side where it is not there; the digests are ``""`` there."""

    key: Key
    status: str
    line: int | None
    before: Row | None
    after: Row | None
    digest_before: str = ""
    digest_after: str = ""
    key_before: str = ""


@dataclass(frozen=True, slots=True)
class DatasetParts:
    """The parts of a DatasetChange that the two contents alone decide."""

    info: tuple[FieldChange, ...]
    rows: tuple[RowChange, ...]
    unchanged: int
    keyless: int

    def count(self, status: str) -> int:
        """How many rows have that status."""
        return sum(row.status == status for row in self.rows)


def compare_dataset(before: DatasetContent, after: DatasetContent) -> DatasetParts:
    """Compare two contents: rows by key, equal lines without a look at them; the order of lines is no difference."""
    old_items, new_items = before.items, after.items
    old_raw = old_items.by_key if old_items else {}
    changes: list[RowChange] = []
    unchanged = 0
    for line in new_items.lines if new_items else ():
        if line.row is None:
            continue
        key = line.row.key
        was = old_raw.get(key)
        if was is not None and (was.raw == line.raw or was.raw.strip() == line.raw.strip()):
            unchanged += 1
            continue
        new = after.digest_of(line)
        if was is None or was.row is None:
            changes.append(RowChange(key, "added", line.number, None, line.row, "", new))
            continue
        old = before.digest_of(was)
        if old == new:
            unchanged += 1
        else:
            changes.append(RowChange(key, "changed", line.number, was.row, line.row, old, new))
    here = new_items.by_key if new_items else {}
    removed = [
        RowChange(key, "removed", None, line.row, None, before.digest_of(line))
        for key, line in old_raw.items()
        if key not in here and line.row
    ]
    keyless = len(new_items.keyless) if new_items else 0
    info = tuple(_info(before.info, after.info))
    return DatasetParts(info, tuple(_rekeyed(changes, removed)), unchanged, keyless)


def _rekeyed(changes: list[RowChange], removed: list[RowChange]) -> Iterator[RowChange]:
    """Pair what went with what is new and equal, one to one in file order (I18)."""
    if not removed:
        yield from changes
        return
    by_content: dict[str, list[RowChange]] = {}
    for one in removed:
        by_content.setdefault(one.digest_before, []).append(one)
    gone: set[Key] = set()
    for change in changes:
        found = by_content.get(change.digest_after) if change.status == "added" else None
        if found:
            old = found.pop(0)
            gone.add(old.key)
            yield change._replace(status="rekeyed", key_before=str(old.key))
        else:
            yield change
    yield from (one for one in removed if one.key not in gone)


def _info(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for key in [*after, *(one for one in before if one not in after)]:
        old, new = before.get(key), after.get(key)
        if old != new:
            status = "new" if old is None else "removed" if new is None else "changed"
            yield FieldChange(key, status, old, new)


# ---------------------------------------------------------------- what is shown


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows as a review holds them, and how much was left out of it."""

    fields: tuple[FieldCount, ...]
    items: tuple[Item, ...]
    omitted_values: int
    omitted_items: int


def show_rows(
    rows: tuple[RowChange, ...],
    clean: Callable[[str], str],
    *,
    with_values: bool,
    standing: Callable[[Key], Standing],
) -> Shown:
    """Return the rows for people: fields counted over all of them, values of the first few hundred."""
    counted: Counter[tuple[str, ...]] = Counter()
    items: list[Item] = []
    bare: dict[tuple[str, ...], tuple[ItemField, ...]] = {}
    hidden = 0
    for number, row in enumerate(rows):
        found = _differing(row)
        names = tuple([name for name, _, _ in found])
        if row.status == "changed":
            counted[names] += 1
        if number >= MAX_ITEMS:
            hidden += len(found)
            continue
        if with_values and number < MAX_VALUES:
            values = tuple(_shown(one, clean) for one in found)
        else:
            hidden += len(found)
            if names not in bare:
                bare[names] = tuple(ItemField(clean(one), None, None, shown=False) for one in names)
            values = bare[names]
        before = clean(row.key_before) if row.key_before else ""
        items.append(Item(clean(row.key), row.status, row.line, before, values, standing(row.key)))
    fields = tuple(FieldCount(clean(name), count) for name, count in _by_field(counted))
    return Shown(fields, tuple(items), hidden, max(0, len(rows) - MAX_ITEMS))


def _by_field(counted: Mapping[tuple[str, ...], int]) -> list[tuple[str, int]]:
    """Return how many rows differ in each field, the most first, of how many differ in which fields."""
    fields: Counter[str] = Counter()
    for names, count in counted.items():
        for name in names:
            fields[name] += count
    return sorted(fields.items(), key=lambda one: (-one[1], one[0]))


def _differing(row: RowChange) -> list[_Difference]:
    """Return the fields that differ, _NONE on the side where one is not; within objects on both sides, those within."""
    if row.status == "rekeyed":
        return []
    if row.before is None or row.after is None:
        one = row.before or row.after
        fields = canonical_fields(one.fields) if one else {}
        if row.before is None:
            return [(name, _NONE, value) for name, value in fields.items()]
        return [(name, value, _NONE) for name, value in fields.items()]
    old, new = row.before.fields, row.after.fields
    found = _unequal(old, new)
    if not found or not _AS_WRITTEN.issuperset(
        found
    ):  # equal for Python, or only written otherwise
        old, new = canonical_fields(old), canonical_fields(new)
        found = [
            name
            for name in dict.fromkeys((*new, *old))
            if canonical_json(old.get(name)) != canonical_json(new.get(name))
        ]
    differing: list[_Difference] = []
    for name in found:
        was, is_now = old.get(name, _NONE), new.get(name, _NONE)
        if isinstance(was, dict) and isinstance(is_now, dict):
            differing += [
                (f"{name}.{key}", was.get(key, _NONE), is_now.get(key, _NONE))
                for key in _unequal(was, is_now) or (name,)
            ]
        else:
            differing.append((name, was, is_now))
    return differing


_AS_WRITTEN = frozenset({"input", "expected_output", "source_output"})
"""Fields of which every difference is one: the others have several spellings of one value."""

_NONE: Json = "\0nothing is there"


def _unequal(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[str]:
    """Return the keys whose values differ, those of the new side first; numbers that are written alike are equal."""
    found = [key for key in new if key not in old or old[key] != new[key]]
    return found + [key for key in old if key not in new]


def _text(value: Json) -> str | None:
    return None if value is _NONE else canonical_json(value)


def _shown(found: _Difference, clean: Callable[[str], str]) -> ItemField:
    name, was, is_now = found[0], _text(found[1]), _text(found[2])
    start = _common(was or "", is_now or "")
    return ItemField(
        clean(name),
        None if was is None else _excerpt(clean(was), start),
        None if is_now is None else _excerpt(clean(is_now), start),
        shown=True,
    )


def _common(one: str, other: str) -> int:
    if len(one) <= _LONGEST and len(other) <= _LONGEST:
        return 0
    least = min(len(one), len(other))
    low, high = 0, least
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _excerpt(text: str, start: int) -> str:
    """Cut a long text around where the two begin to differ."""
    if len(text) <= _LONGEST:
        return text
    first = max(0, min(start - _AROUND, len(text) - _LONGEST))
    end = first + _LONGEST
    return ("…" if first else "") + text[first:end] + ("…" if end < len(text) else "")
