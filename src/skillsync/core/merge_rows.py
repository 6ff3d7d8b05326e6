"""Merges one dataset row by field groups, and a dataset's own fields by key (sync.md 8, D6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.merge_units import Sides, Take, choose, conflict_of
from skillsync.formats.canonical import canonical_fields, canonical_json, canonical_text, row_digest
from skillsync.model import ROW_FIELDS, DatasetInfo, Row, UnitKind

if TYPE_CHECKING:
    from skillsync.model import Conflict, Json

CONTENT = "input+expected_output"
"""The group of what goes in and what should come out: merging them apart would make a row nobody wrote (R22)."""

SOURCE = "source"
"""The group of the reference fields."""

METADATA = "metadata"
"""The unit of metadata that is no object on some side; else each key is a unit of its own, ``metadata.KEY``."""

INCOMING = "edited remotely alone: --local and --remote keep it, the line as it is does not"
"""Why a group is shown beside a conflict though nobody has to decide about it."""

GROUP_FIELDS: Mapping[str, tuple[str, ...]] = {
    CONTENT: ("input", "expected_output"),
    SOURCE: tuple(name for name in ROW_FIELDS if name.startswith("source_")),
}


@dataclass(frozen=True, slots=True)
class RowMerge:
    """The merged row (conflicting groups keep the local value) and its conflicts."""

    row: Row
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class InfoMerge:
    """The merged fields of a dataset (conflicting ones keep the local value) and its conflicts."""

    info: DatasetInfo
    conflicts: tuple[Conflict, ...] = ()


def changed_row_groups(base: Row, local: Row, remote: Row) -> tuple[frozenset[str], frozenset[str]]:
    """Return which groups local changed and which remote changed; one that both changed alike is in neither."""
    units = _units(base, local, remote)
    old, ours, other = units
    differing = [unit for unit in _names(units) if ours.get(unit) != other.get(unit)]
    return (
        frozenset(unit for unit in differing if ours.get(unit) != old.get(unit)),
        frozenset(unit for unit in differing if other.get(unit) != old.get(unit)),
    )


def merge_row(base: Row | None, local: Row, remote: Row, *, subject: str = "") -> RowMerge:
    """Merge by groups; values inside a group are atomic. ``subject`` is the dataset.

    Without a base the whole row is the unit: equal or a conflict.
    """
    if base is None:
        return _merge_without_base(local, remote, subject=subject)
    units = _units(base, local, remote)
    fields = dict(local.fields)
    conflicts = []
    for unit in _names(units):
        sides = _sides(units, unit)
        take = choose(*sides)
        if take is Take.REMOTE:
            _take_unit(fields, unit, remote.fields)
        elif take is Take.CONFLICT:
            conflicts.append(conflict_of(subject, UnitKind.ROW, f"{local.key}:{unit}", sides))
    return RowMerge(Row(local.key, fields), tuple(conflicts))


def settle_row(base: Row | None, local: Row, remote: Row, *, take: Take) -> Row:
    """Merge by groups, and take LOCAL or REMOTE where both changed; without a base that is the whole row."""
    if base is None:
        return remote if take is Take.REMOTE else local
    units = _units(base, local, remote)
    fields = dict(local.fields)
    for unit in _names(units):
        found = choose(*_sides(units, unit))
        if (take if found is Take.CONFLICT else found) is Take.REMOTE:
            _take_unit(fields, unit, remote.fields)
    return Row(local.key, fields)


def incoming_groups(
    base: Row | None, local: Row, remote: Row, *, subject: str = ""
) -> tuple[Conflict, ...]:
    """Return the groups that only the remote changed, as one shows conflicts: a line does not have them yet."""
    if base is None:
        return ()
    units = _units(base, local, remote)
    return tuple(
        conflict_of(subject, UnitKind.ROW, f"{local.key}:{unit}", sides, reason=INCOMING)
        for unit in _names(units)
        if choose(*(sides := _sides(units, unit))) is Take.REMOTE
    )


def _merge_without_base(local: Row, remote: Row, *, subject: str) -> RowMerge:
    if row_digest(local) == row_digest(remote):
        return RowMerge(local)
    sides = None, canonical_json(dict(local.fields)), canonical_json(dict(remote.fields))
    reason = "different on both sides, and no common base is known"
    conflict = conflict_of(subject, UnitKind.ROW, local.key, sides, reason=reason)
    return RowMerge(local, (conflict,))


def merge_info(
    base: DatasetInfo | None, local: DatasetInfo, remote: DatasetInfo, *, subject: str = ""
) -> InfoMerge:
    """Merge name, description and each metadata key (D6). Without a base a difference is a conflict.

    The base is often known only by its digest (``meta=`` in the pointer); then it is None here. ``subject`` is
    the dataset, by default its local name.
    """
    units = [_info_units(info) if info else {} for info in (base, local, remote)]
    subject = subject or local.name
    reason = "edited on both sides" if base else "different, and no common base is known"
    fields: dict[str, Json] = {METADATA: local.metadata}
    name, description, conflicts = local.name, local.description, []
    for unit in _names(units):
        sides = _sides(units, unit)
        take = choose(*sides)
        if take is Take.CONFLICT or (base is None and sides[1] != sides[2]):
            conflicts.append(conflict_of(subject, UnitKind.DATASET, unit, sides, reason=reason))
        elif take is not Take.REMOTE:
            continue
        elif unit == "name":
            name = remote.name
        elif unit == "description":
            description = remote.description
        else:
            _take_metadata(fields, unit, remote.metadata)
    return InfoMerge(DatasetInfo(name, description, fields[METADATA]), tuple(conflicts))


# ---------------------------------------------------------------- units


def _names(units: list[dict[str, str | None]]) -> list[str]:
    """Return every unit of any side, sorted."""
    return sorted(set().union(*units))


def _sides(units: list[dict[str, str | None]], unit: str) -> Sides:
    base, local, remote = units
    return base.get(unit), local.get(unit), remote.get(unit)


def _units(*rows: Row) -> list[dict[str, str | None]]:
    """Return the units of each row: metadata by key if it is an object on every side, or nothing at all."""
    split = all(isinstance(row.fields.get(METADATA), dict | None) for row in rows)
    return [_row_units(row, split=split) for row in rows]


def _row_units(row: Row, *, split: bool) -> dict[str, str | None]:
    """Return unit → canonical text. A missing field is null; missing, null and ``{}`` metadata are one (sync.md 6)."""
    fields = canonical_fields(row.fields)
    units: dict[str, str | None] = {
        group: canonical_json({name: fields.get(name) for name in names})
        for group, names in GROUP_FIELDS.items()
    }
    if split:
        return units | _metadata_units(fields.get(METADATA))
    return units | {METADATA: canonical_json(fields[METADATA]) if METADATA in fields else None}


def _info_units(info: DatasetInfo) -> dict[str, str | None]:
    units: dict[str, str | None] = {
        "name": canonical_text(info.name),
        "description": canonical_text(info.description) or None,
    }
    return units | _metadata_units(info.metadata)


def _metadata_units(metadata: Json) -> dict[str, str | None]:
    """Return a unit per key; a dataset's metadata that is no object is kept elsewhere and has none."""
    keys = metadata if isinstance(metadata, dict) else {}
    return {f"{METADATA}.{key}": canonical_json(value) for key, value in keys.items()}


def _take_unit(fields: dict[str, Json], unit: str, remote: Mapping[str, Json]) -> None:
    """Give ``fields`` the remote's value of one unit, leaving values that are equal as they are spelled."""
    if unit not in GROUP_FIELDS:
        _take_metadata(fields, unit, remote.get(METADATA))
        return
    ours, other = canonical_fields(fields), canonical_fields(remote)
    for name in GROUP_FIELDS[unit]:
        if canonical_json(ours.get(name)) == canonical_json(other.get(name)):
            continue
        if name in remote:
            fields[name] = remote[name]
        else:
            del fields[name]


def _take_metadata(fields: dict[str, Json], unit: str, remote: Json) -> None:
    """Give ``fields["metadata"]`` the remote's value of the whole, or of the one key that ``unit`` names."""
    key = unit.removeprefix(f"{METADATA}.")
    if unit == METADATA:
        fields[METADATA] = remote
        return
    local = fields.get(METADATA)
    merged = dict(local) if isinstance(local, dict) else {}
    if isinstance(remote, dict) and key in remote:
        merged[key] = remote[key]
    else:
        del merged[key]
    fields[METADATA] = merged
