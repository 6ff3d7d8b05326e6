"""DATASET.md, the door: reading (re-exported), span edits of an existing file, new files and folder names."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text, info_digest
from skillsync.formats.dataset_document import (
    OPENING,
    DatasetDocument,
    parse_dataset_md,
    render_dataset_md,
)
from skillsync.formats.fences import Parts
from skillsync.formats.spelling import respell
from skillsync.formats.yaml_core import core_value
from skillsync.formats.yaml_edit import (
    CannotEdit,
    Edit,
    Spelling,
    add_key,
    apply_edits,
    edit_map,
    remove_key,
    same_json,
    set_value,
)
from skillsync.formats.yaml_text import after_key, spell_key
from skillsync.formats.yaml_tree import Map

if TYPE_CHECKING:
    from collections.abc import Collection

    from skillsync.model import DatasetInfo, Json

__all__ = [
    "DatasetDocument",
    "dataset_slug",
    "edit_dataset_md",
    "new_dataset_md",
    "parse_dataset_md",
    "render_dataset_md",
]

_SLUG_LENGTH = 200


def edit_dataset_md(doc: DatasetDocument, *, to: DatasetInfo) -> bytes:
    """Return the file with the name, description and metadata of ``to``: only lines of changed values differ.

    Equal content gives the same bytes; a missing file becomes a new one. Metadata that is no mapping counts as
    none. Raises InvalidContent when reading the result would not give ``to`` with all other keys as they were.
    """
    if doc.parts is None:
        return new_dataset_md(to)
    if info_digest(doc.info) == info_digest(to):
        return render_dataset_md(doc)
    reason = "reading it back gives other values"
    for block in (True, False):  # without literal blocks where the surroundings do not allow them
        try:
            data = _edited(doc, doc.parts, to, block=block)
            found = parse_dataset_md(data, path=doc.path, folder_name=doc.folder_name)
        except (CannotEdit, InvalidContent, UnicodeEncodeError) as error:
            reason = str(error)
            continue
        if _says(found, to) and same_json(dict(found.others or {}), dict(doc.others or {})):
            return data
    raise InvalidContent(f"DATASET.md cannot be rewritten: {reason}", path=doc.path)


def new_dataset_md(info: DatasetInfo) -> bytes:
    """Return a new file: LF, name, metadata if any, and the description after a blank line.

    Raises InvalidContent when reading the result would not give ``info``.
    """
    body = canonical_text(info.description)
    text = "---\n" + _new_block(info, "\n") + "---\n" + (f"\n{body}\n" if body else "")
    try:
        data = text.encode()
        found = parse_dataset_md(data, path="DATASET.md", folder_name="?")
    except (InvalidContent, UnicodeEncodeError) as error:
        raise InvalidContent(f"DATASET.md cannot be written: {error}") from error
    if not _says(found, info):
        raise InvalidContent("DATASET.md cannot be written: reading it back gives other values")
    return data


def dataset_slug(name: str, *, id: str, taken: Collection[str]) -> str:  # noqa: A002  # the server's word
    """Return the folder name of a dataset born remotely (sync.md 7.3, D2).

    The name lower-cased, runs of anything outside a–z and 0–9 as ``-``; a slug that is ``taken`` (case does not
    count) gets the first 8 characters of ``id`` appended, more if that is taken too; an empty one is these 8.
    """
    folded = {folder.casefold() for folder in taken}
    digits = re.sub("[^a-z0-9]+", "", id.lower())
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG_LENGTH].strip("-")
    candidates = [slug] if slug else []
    candidates += [f"{slug}-{digits[:n]}".strip("-") for n in range(8, max(len(digits), 8) + 1)]
    free = (candidate for candidate in candidates if candidate and candidate not in folded)
    found = next(free, None)
    if found is None:
        raise InvalidContent(f"no folder name is left for the dataset {name!r}")
    return found


def _says(doc: DatasetDocument, info: DatasetInfo) -> bool:
    return info_digest(doc.info) == info_digest(info)


def _metadata_of(info: DatasetInfo) -> dict[str, Json]:
    return info.metadata if isinstance(info.metadata, dict) else {}


def _new_block(info: DatasetInfo, newline: str) -> str:
    values: dict[str, Json] = {"name": canonical_text(info.name)}
    if metadata := _metadata_of(info):
        values["metadata"] = metadata
    return "".join(
        f"{spell_key(key)}:{after_key(value, column=0, newline=newline)}{newline}"
        for key, value in values.items()
    )


def _edited(doc: DatasetDocument, parts: Parts, to: DatasetInfo, *, block: bool) -> bytes:
    newline = doc.newline
    if not parts.opening:
        parts = _with_fences(doc, parts, to)
    elif doc.root is None:
        if (to.name, _metadata_of(to)) != (doc.info.name, _metadata_of(doc.info)):
            parts = replace(parts, block=parts.block + _new_block(to, newline))
    else:
        edits = _block_edits(
            parts.block, doc.root, doc.info, to, Spelling(newline, block, core_value)
        )
        parts = replace(parts, block=apply_edits(parts.block, edits))
    return _with_body(parts, canonical_text(to.description), newline).text.encode()


def _with_fences(doc: DatasetDocument, parts: Parts, to: DatasetInfo) -> Parts:
    """Put frontmatter before the text of a file without, if there is something to put there."""
    needed = to.name != doc.info.name or _metadata_of(to) or OPENING.match(to.description)
    if not needed:
        return parts
    mark = "\ufeff" if parts.body.startswith("\ufeff") else ""
    fence = "---" + doc.newline
    body = parts.body.removeprefix(mark)
    lead = doc.newline if body[:1] not in ("", "\r", "\n") else ""
    return Parts(mark, fence, _new_block(to, doc.newline), fence, lead + body)


def _block_edits(
    source: str, root: Map, old: DatasetInfo, to: DatasetInfo, spelling: Spelling
) -> list[Edit]:
    edits: list[Edit] = []
    if canonical_text(to.name) != old.name:
        edits += _set(source, root, "name", canonical_text(to.name), spelling)
    metadata, wanted = _metadata_of(old), _metadata_of(to)
    if same_json(metadata, wanted):
        return edits
    pair = root.get("metadata")
    if pair is None or not wanted:
        return edits + (
            remove_key(source, root, pair)
            if pair
            else _set(source, root, "metadata", wanted, spelling)
        )
    if isinstance(pair.value, Map) and pair.value.pairs:
        everything = edit_map(
            source, pair.value, wanted, spelling=spelling, owned=lambda _key: True
        )
        return edits + everything
    return edits + _set(source, root, "metadata", wanted, spelling)


def _set(source: str, root: Map, key: str, value: Json, spelling: Spelling) -> list[Edit]:
    pair = root.get(key)
    if pair is None:
        return add_key(source, root, key, value, spelling=spelling)
    return set_value(source, root, pair, value, spelling=spelling)


def _with_body(parts: Parts, body: str, newline: str) -> Parts:
    if canonical_text(parts.body) == body:
        return parts
    if parts.body.strip():
        return replace(parts, body=respell(parts.body, body, newline=newline))
    if not parts.opening:
        return replace(parts, body=f"{body}\n".replace("\n", newline))
    closing = parts.closing if parts.closing.endswith("\n") else parts.closing + newline
    return replace(parts, closing=closing, body=f"\n{body}\n".replace("\n", newline))
