"""The files of a dataset as they become: its content, the pointer line, and the base of every row (sync.md 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.row_bases import Bases, bases_at
from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import info_digest, keyed_digest
from skillsync.formats.dataset_md import edit_dataset_md, new_dataset_md
from skillsync.model import Content, DatasetInfo, DatasetPointer, Digest, FileChange, Folder, Key
from skillsync.repo.files import same_content
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import DATASET_MD, ITEMS, LocalDataset, pointer_line
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import pointer_change, rows_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the two pointer files say of a dataset at one place: the line, and the rows by key."""

    line: DatasetPointer
    rows: Mapping[Key, str]


def recorded(
    place: str, *, dataset: str, info: Digest, base: Mapping[Key, str] | Bases
) -> Recorded:
    """Return what is written down of rows that were taken in as ``base`` says.

    Plain digests are of a server without revisions, where every row has its line; else most rows need none.
    """
    digests = base.digests if isinstance(base, Bases) else base
    line = DatasetPointer(
        place,
        dataset,
        base.revision if isinstance(base, Bases) else None,
        info,
        sum(digest != ABSENT for digest in digests.values()),
        base.digest if isinstance(base, Bases) else keyed_digest(digests),
    )
    return Recorded(line, base.lines if isinstance(base, Bases) else base)


def bases_of(view: DatasetView, base: Mapping[Key, str]) -> Mapping[Key, str] | Bases:
    """Return how ``base`` is recorded now that the rows of ``view.remote`` at its revision were looked at."""
    if view.remote is None or view.remote.revision is None:
        return base
    return bases_at(
        view.remote.revision,
        base,
        there=view.there,
        known=view.base_revisions,
        before=view.line_revision,
    )


def kept_bases(view: DatasetView) -> Mapping[Key, str]:
    """Return the lines of row bases that belong to the line that the view has."""
    if view.line is not None and view.line.revision is not None:
        return {key: f"@{revision}" for key, revision in view.base_revisions.items()}
    return view.base_rows


def file_changes(
    local: LocalDataset, items: Content | None, info: DatasetInfo
) -> tuple[FileChange, ...]:
    """Return what makes a folder hold these rows, and this name, description and metadata.

    ``items`` None leaves the rows as they are. A DATASET.md that would say nothing new stays missing.
    """
    changes = []
    entry = local.folder.entry(DATASET_MD)
    before: Content | None = entry.data if entry else None
    if info_digest(info) != local.info_digest:
        data = edit_dataset_md(local.document, to=info) if entry else new_dataset_md(info)
        if data != before:
            changes.append(FileChange(DATASET_MD, before, data))
    if items is not None:
        before = local.items_content()
        if not same_content(items, b"" if before is None else before):
            changes.append(FileChange(ITEMS, before, items))
    return tuple(changes)


def removal(local: LocalDataset) -> list[FileChange]:
    """Return what takes all files of a folder away; a large one is put into git for it. Raises as ``items``."""
    contents: dict[str, Content | None] = {
        entry.path: entry.data
        for entry in local.folder.entries
        if entry.kind == "file" and entry.path != ITEMS
    }
    contents[ITEMS] = local.items_content()
    return [FileChange(path, data, None) for path, data in contents.items() if data is not None]


def pointer_changes(
    workspace: Workspace,
    target: Target,
    folder: Folder,
    after: Folder,
    new: Recorded,
) -> list[FileChange | None]:
    """Return the changes of both pointer files, the rows first: the pointer comes last.

    A line that says nothing new stays as it is, stamp included, so that a second run writes nothing (P3).
    """
    rows = rows_change(folder, new.rows, place=target.place)
    old = pointer_line(folder, target.place)
    if rows is None and old is not None and replace(old, stamp=None) == new.line:
        return []
    stamped = replace(new.line, stamp=stamp_for(workspace, after))
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
