"""Removes the pointer of what is gone on both sides, from git's index as well where no commit has it (S17, D5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.model import Folder
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.sync.dataset_pointer import dropped_pointers
from skillsync.sync.report import Kind, Outcome

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.dataset_view import DatasetView
    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Workspace
    from skillsync.sync.writing import Writer


def drop_skill(
    workspace: Workspace, target: Target, writer: Writer, view: SkillView
) -> Outcome | None:
    """S17: remove the pointer line of a skill that is gone on both sides; None when there is none."""
    return _drop(workspace, target, writer, view, Kind.SKILL, view.name)


def drop_dataset(
    workspace: Workspace, target: Target, writer: Writer, view: DatasetView
) -> Outcome | None:
    """D5: remove the pointer line, and the row bases, of a dataset that is gone on both sides; None without any."""
    return _drop(workspace, target, writer, view, Kind.DATASET, view.slug)


def _drop(
    workspace: Workspace,
    target: Target,
    writer: Writer,
    view: SkillView | DatasetView,
    kind: Kind,
    subject: str,
) -> Outcome | None:
    """Remove the line of a target from the pointer files of a folder; None when there is none on the disk."""
    directory = view.dir
    if directory is None:
        return None
    folder = workspace.repo.root / directory
    pointer, rows = (
        path.read_bytes() if path.is_file() else None for path in (folder / POINTER, folder / ROWS)
    )
    if pointer is None:
        # Whoever removed it removed the folder; git's index may still have what was staged and never committed.
        writer.unstage(directory)
        return None
    changes = dropped_pointers(Folder(directory, (), pointer, rows), place=target.place)
    writer.write(subject, Folder(directory, (), pointer, rows), (), changes, reason="drop")
    did = "dropped the pointer: gone on both sides"
    return Outcome(
        kind, subject, did, row=view.verdict.row, state="deleted on both sides", changed=True
    )
