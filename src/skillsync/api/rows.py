"""Turns datasets and their items, in the seed's generation, from the API's JSON into values and back: pure."""

from __future__ import annotations

from collections.abc import Mapping

from skillsync.api.answers import clean
from skillsync.api.reading import Reader
from skillsync.errors import BadAnswer, InvalidContent
from skillsync.formats.canonical import canonical_json
from skillsync.formats.row_keys import id_problem
from skillsync.model import ROW_FIELDS, DatasetInfo, Json, Key, RemoteDataset, RemoteRow, Row

ID_KEY = "skillsync_id"
VALUE_KEY = "skillsync_value"
OUR_KEY = "skillsync"
"""Our key in a dataset's own metadata: ``{"slug": …}`` (sync.md 5.5)."""

FOREIGN = "srv:"
"""How the key of a row starts that was born elsewhere; such rows never get a key of ours."""

_SEED_NAMES = {
    "expected_output": "output",
    "source_trace_id": "ref_trace_id",
    "source_timestamp": "ref_timestamp",
    "source_event_id": "ref_source_id",
}
"""The seed's names of the fields that are called otherwise now (skill-format.md 14.3)."""


def metadata_with_key(key: Key, metadata: Json) -> Json:
    """Put our key into a row's metadata (skill-format.md 14.3).

    Null and ``{}`` become an object that reads back as missing. What is no object is wrapped, and so is an
    object that holds one of our two names, as it could not be told apart afterwards.
    """
    if metadata is None or metadata == {}:
        return {ID_KEY: key}
    if isinstance(metadata, dict) and not ({ID_KEY, VALUE_KEY} & metadata.keys()):
        return {ID_KEY: key, **metadata}
    return {ID_KEY: key, VALUE_KEY: metadata}


def metadata_without_key(metadata: Json) -> tuple[Key | None, Json]:
    """Take our key out again: the key, None for a row born elsewhere, and the metadata, None when missing.

    A key that no line of ours could have (too long, blank at an end, with control characters, or posing as a
    foreign one) is not ours.
    """
    if not isinstance(metadata, dict):
        return None, metadata
    key = metadata.get(ID_KEY)
    if not isinstance(key, str) or not is_key(key):
        return None, metadata
    rest = {name: value for name, value in metadata.items() if name != ID_KEY}
    if rest.keys() == {VALUE_KEY}:
        return Key(key), rest[VALUE_KEY]
    return Key(key), rest or None


def is_key(key: str) -> bool:
    """Tell whether a key that a server shows could be one of ours: no line could have any other."""
    return id_problem(key) is None and not key.startswith(FOREIGN)


def row_from(item: Json, *, dataset: str | None = None) -> RemoteRow:
    """Read an item of the seed's generation; ``dataset`` is the one that was asked for.

    Null fields are left out, as they equal missing ones. Raises BadAnswer for another dataset's item, a missing
    field, or a NUL character, which no JSONL file of ours could hold.
    """
    read = Reader(item, "an item", subject=dataset or "")
    number = read.uuid("id")
    read.what = f"item {number}"
    owner = read.uuid("dataset")
    if dataset is not None and owner.lower() != dataset.lower():
        read.bad(f"belongs to the dataset {owner}")
    key, metadata = metadata_without_key(read.value.get("metadata"))
    fields: dict[str, Json] = {}
    for name in ROW_FIELDS:
        value = metadata if name == "metadata" else read.value.get(_SEED_NAMES.get(name, name))
        if value is not None:
            fields[name] = value
    for value in fields.values():
        read.require_plain(value)
    return RemoteRow(
        id=number,
        dataset=dataset if owner == dataset else owner,  # one text for all rows of a list
        row=Row(Key(f"{FOREIGN}{number}") if key is None else key, fields),
        created_at=read.time("created_at"),
        updated_at=read.time("updated_at") if read.value.get("updated_at") else "",
        author=read.author(),
        own_key=key is not None,
        deleted=read.value.get("deleted") is True,
    )


def fields_payload(fields: Mapping[str, Json], *, key: Key | None) -> dict[str, Json]:
    """Name fields as the server does; ``key`` goes into the metadata where the fields have one.

    Raises InvalidContent for a field that this generation does not have.
    """
    payload: dict[str, Json] = {}
    for name, value in fields.items():
        if name not in ROW_FIELDS or name == "source_output":
            raise InvalidContent(f"this server's items have no field {name!r}")
        payload[_SEED_NAMES.get(name, name)] = value
    if key is not None and "metadata" in fields:
        payload["metadata"] = metadata_with_key(key, fields["metadata"])
    return payload


def item_payload(row: Row, *, dataset: str, own_key: bool = True) -> dict[str, Json]:
    """Build what creates an item: the dataset and every field of the row.

    ``own_key`` puts the row's key along, in the metadata; never for a row born elsewhere.
    """
    key = row.key if own_key and not row.key.startswith(FOREIGN) else None
    fields = row.fields
    if key is not None:
        fields = {**fields, "metadata": fields.get("metadata")}
    return {"dataset": dataset, **fields_payload(fields, key=key)}


def dataset_from(value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
    """Read a dataset of the seed's generation. Our own metadata entry is taken out; null equals ``""``."""
    read = Reader(value, "a dataset", subject=dataset_id or "")
    number = read.uuid("id")
    read.what = f"dataset {number}"
    read.subject = number
    if dataset_id is not None and number.lower() != dataset_id.lower():
        read.bad(f"is not about the dataset {dataset_id}")
    raw = read.value.get("metadata")
    slug, metadata = _without_slug(raw)
    description = read.value.get("description")
    read.require_plain(metadata)
    return RemoteDataset(
        id=number,
        info=DatasetInfo(
            name=read.text("name"),
            description=read.text("description") if description is not None else "",
            metadata=metadata,
        ),
        author=read.author(),
        created_at=read.time("created_at"),
        own_slug=slug,
        raw_metadata=raw,
        deleted=read.value.get("deleted") is True,
    )


def _without_slug(metadata: Json) -> tuple[str | None, Json]:
    if not isinstance(metadata, dict):
        return None, metadata
    ours = metadata.get(OUR_KEY)
    slug = ours.get("slug") if isinstance(ours, dict) else None
    rest = {name: value for name, value in metadata.items() if name != OUR_KEY}
    return (clean(slug, limit=400) if isinstance(slug, str) else None), rest or None


def dataset_payload(info: DatasetInfo, *, slug: str) -> dict[str, Json]:
    """Build what creates a dataset, with our entry, by which we know it again (sync.md D1)."""
    metadata = info.metadata
    if metadata is None or isinstance(metadata, dict):
        metadata = {**(metadata or {}), OUR_KEY: {"slug": slug}}
    return {"name": info.name, "description": info.description, "metadata": metadata}


def dataset_changes(remote: RemoteDataset, to: DatasetInfo) -> dict[str, Json]:
    """Build what makes ``remote`` equal ``to``: changed fields only; empty when nothing differs.

    Our own entry in the metadata stays as it is, and metadata that is no mapping is kept (skill-format.md 14.6).
    """
    changes: dict[str, Json] = {}
    if to.name.strip() != remote.info.name.strip():
        changes["name"] = to.name
    if to.description.strip() != remote.info.description.strip():
        changes["description"] = to.description
    raw = remote.raw_metadata
    if raw is not None and not isinstance(raw, dict):
        return changes
    if canonical_json(to.metadata or None) != canonical_json(remote.info.metadata or None):
        ours = {OUR_KEY: raw[OUR_KEY]} if raw and OUR_KEY in raw else {}
        if to.metadata is not None and not isinstance(to.metadata, dict):
            raise BadAnswer("a dataset's metadata can only be replaced by a mapping")
        changes["metadata"] = {**(to.metadata or {}), **ours} or None
    return changes
