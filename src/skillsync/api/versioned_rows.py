"""Turns datasets and items of the newer generation from the API's JSON into values and back: pure (datasets-api.md 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from skillsync.api.reading import Reader, author_from
from skillsync.api.rows import FOREIGN, dataset_from, is_key
from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_json
from skillsync.model import (
    ROW_FIELDS,
    DatasetInfo,
    DatasetRevision,
    Json,
    Key,
    RemoteDataset,
    RemoteRow,
    Row,
)

CHANGEABLE = frozenset({"input", "expected_output", "metadata"})
"""What a PATCH may change; everything else of an item is as it was created (datasets-api.md 3.3)."""


def versioned_dataset_from(value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
    """Read a dataset. ``revision`` is 0 before its first row."""
    found = dataset_from(value, dataset_id=dataset_id)
    read = Reader(value, f"dataset {found.id}", subject=found.id)
    revision, revision_id = (
        read.value.get("current_revision"),
        read.value.get("current_revision_id"),
    )
    return replace(
        found,
        deleted=read.value.get("archived") is True,
        revision=0 if revision is None else read.number("current_revision"),
        revision_id=revision_id if isinstance(revision_id, str) else "",
    )


def revision_from(value: Json, *, dataset: str) -> DatasetRevision:
    """Read a revision of a dataset; BadAnswer for another dataset's, or when a field is missing."""
    read = Reader(value, f"a revision of dataset {dataset}", subject=dataset)
    owner = read.uuid("dataset_id")
    if owner.lower() != dataset.lower():
        read.bad(f"is about the dataset {owner}")
    return DatasetRevision(
        read.number("revision"), read.uuid("id"), read.author(), read.time("created_at")
    )


def versioned_row_from(value: Json, *, dataset: str | None = None) -> RemoteRow:
    """Read an item at one of its versions; ``dataset`` is the one that was asked for.

    Null fields and empty metadata are left out, as they equal missing ones. Raises BadAnswer for another dataset's
    item, a missing field, or what no JSONL file of ours could hold.
    """
    read = Reader(value, "an item", subject=dataset or "")
    number = read.uuid("id")
    read.what = f"item {number}"
    owner = read.uuid("dataset")
    if dataset is not None and owner.lower() != dataset.lower():
        read.bad(f"belongs to the dataset {owner}")
    raw = read.value.get("client_item_id", read.value.get("external_id"))
    own_key = isinstance(raw, str) and is_key(raw)
    fields: dict[str, Json] = {}
    for name in ROW_FIELDS:
        found = read.value.get(name)
        if found is not None and not (name == "metadata" and found == {}):
            read.require_plain(found)
            fields[name] = found
    created, updated = read.time("created_at"), read.time("updated_at")
    return RemoteRow(
        id=number,
        dataset=dataset if owner == dataset else owner,  # one text for all rows of a list
        row=Row(Key(str(raw)) if own_key else Key(f"{FOREIGN}{number}"), fields),
        created_at=created,
        updated_at=created if updated == created else updated,  # the same text is held once
        author=read.author(),
        own_key=own_key,
        deleted=read.value.get("archived") is True,
        version=read.number("version"),
        version_id=read.uuid("version_id"),
        revision=read.number("dataset_revision"),
        revision_id=read.uuid("dataset_revision_id") if "dataset_revision_id" in read.value else "",
        editor=author_from(read.value.get("version_created_by")),
    )


def plain(value: Json) -> Json:
    """Return the value with each number in the one form that a database gives back (datasets-api.md 3.3).

    A faithful repetition of a creation is compared by the text of its numbers.
    """
    found: Json = json.loads(canonical_json(value))
    return found


def versioned_item_payload(row: Row, *, dataset: str) -> dict[str, Json]:
    """Build what creates an item; a row born elsewhere goes without a key."""
    payload: dict[str, Json] = {"dataset": dataset, **changes_payload(row.fields)}
    if not row.key.startswith(FOREIGN):
        payload["client_item_id"] = row.key
    return {name: value for name, value in payload.items() if value is not None}


def update_payload(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Build what changes fields of an item. Raises InvalidContent for one that cannot be changed."""
    fixed = sorted(fields.keys() - CHANGEABLE)
    if fixed:
        raise InvalidContent(
            f"{', '.join(fixed)} of a row cannot be changed on this server once it was created",
            unchanged="The row was not sent.",
            hint="give the line another id: it is then a new row, and the old one can be archived",
        )
    return changes_payload(fields)


def changes_payload(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Name and write fields as the server does: missing metadata is an empty object there."""
    payload: dict[str, Json] = {}
    for name, value in fields.items():
        if name not in ROW_FIELDS:
            raise InvalidContent(f"this server's items have no field {name!r}")
        payload[name] = {} if name == "metadata" and value is None else plain(value)
    return payload


def versioned_dataset_payload(info: DatasetInfo, *, slug: str) -> dict[str, Json]:
    """Build what creates a dataset, with our entry, by which we know it again (sync.md D1)."""
    return {"name": info.name, "description": info.description, "metadata": _metadata(info, slug)}


def _metadata(info: DatasetInfo, slug: str) -> dict[str, Json]:
    if not isinstance(info.metadata, dict | None):
        raise InvalidContent(
            "the metadata of a dataset must be a mapping on this server", subject=info.name
        )
    return {**(info.metadata or {}), "skillsync": {"slug": slug}}
