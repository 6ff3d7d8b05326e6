"""The files of a dataset as they become: its content, the pointer line, and the base of every row (sync.md 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import info_digest, rows_digest
from skillsync.formats.dataset_md import edit_dataset_md, new_dataset_md
from skillsync.model import DatasetInfo, DatasetPointer, Digest, FileChange, Folder, Key
from skillsync.sync.local import DATASET_MD, ITEMS, LocalDataset, pointer_line
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import pointer_change, rows_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target


def dataset_line(
    place: str,
    *,
    dataset: str,
    info: Digest,
    base: Mapping[Key, str],
) -> DatasetPointer:
    """Return the pointer line of a first-generation dataset whose rows were taken in as ``base`` says."""
    return DatasetPointer(
        place,
        dataset,
        None,
        info,
        sum(digest != ABSENT for digest in base.values()),
        rows_digest((key, Digest(digest)) for key, digest in base.items()),
    )


def file_changes(
    local: LocalDataset, items: bytes, info: DatasetInfo, *, needs_document: bool = False
) -> tuple[FileChange, ...]:
    """Return what makes a folder hold these rows, and this name, description and metadata.

    ``needs_document``: a DATASET.md that is missing is written though it would say nothing new.
    """
    changes = []
    entry = local.folder.entry(DATASET_MD)
    before = entry.data if entry else None
    if (entry is None and needs_document) or info_digest(info) != local.info_digest:
        data = edit_dataset_md(local.document, to=info) if entry else new_dataset_md(info)
        if data != before:
            changes.append(FileChange(DATASET_MD, before, data))
    rows = local.folder.entry(ITEMS)
    before = rows.data if rows else None
    if items != (before or b""):
        changes.append(FileChange(ITEMS, before, items))
    return tuple(changes)


def pointer_changes(
    workspace: Workspace,
    target: Target,
    folder: Folder,
    after: Folder,
    line: DatasetPointer,
    base: Mapping[Key, str],
) -> list[FileChange | None]:
    """Return the changes of both pointer files, the rows first: the pointer comes last.

    A line that says nothing new stays as it is, stamp included, so that a second run writes nothing (P3).
    """
    rows = rows_change(folder, base, place=target.place)
    old = pointer_line(folder, target.place)
    if rows is None and old is not None and replace(old, stamp=None) == line:
        return []
    stamped = replace(line, stamp=stamp_for(workspace, after))
    return [
        rows,
        pointer_change(folder, stamped, place=target.place, places=workspace.settings.places),
    ]


def dropped_pointers(folder: Folder, *, place: str) -> list[FileChange | None]:
    """Return the changes that unlink a folder from one place; what it says of other targets stays."""
    return [
        rows_change(folder, None, place=place),
        pointer_change(folder, None, place=place),
    ]
