"""Tells whether an object of a commit is the very content that a pointer line says was taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.core.row_bases import bases_digest
from skillsync.model import DatasetPointer
from skillsync.sync.local import dataset_of, last_part

if TYPE_CHECKING:
    from skillsync.model import Pointer
    from skillsync.sync.workspace import Workspace


def is_version_at(workspace: Workspace, pointer: Pointer, commit: str, directory: str) -> bool:
    """Compare by the digests that the line names; False where there is no such object, or no valid one."""
    if not isinstance(pointer, DatasetPointer):
        then = workspace.skill_history.at(commit, directory, last_part(directory))
        return then is not None and then.digest == pointer.digest
    folder = workspace.light_folder_at(commit, directory)
    dataset = dataset_of(workspace.settings, folder) if folder else None
    return (
        dataset is not None
        and dataset.problem is None
        and dataset.info_digest == pointer.meta
        and bases_digest(dataset.row_digests) == pointer.digest
    )
