"""Looks at the dataset folders of a tree: which pointer line counts, and which row bases belong to it (sync.md 7.3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from skillsync.formats.canonical import keyed_digest
from skillsync.model import DatasetPointer, Folder, Key, Problem
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer
from skillsync.sync.dataset_bases import take_local_bases
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.evidence import Lines
from skillsync.sync.local import (
    DATASET_MD,
    ITEMS,
    LocalDataset,
    LocalTree,
    join,
    pointer_line,
    row_base,
    unread_pointer,
)
from skillsync.sync.workspace import Workspace

if TYPE_CHECKING:
    from skillsync.config import Target


def local_views(workspace: Workspace, target: Target, tree: LocalTree) -> list[DatasetView]:
    """Look at every dataset folder of the target, and at those whose folder is gone; a moved folder is one."""
    old_homes = _old_homes(target.place, tree) if tree.commit is None else {}
    moved = set(old_homes.values())
    views = [
        _local_view(workspace, target, dataset, tree, home=old_homes.get(dataset.dir, dataset.dir))
        for dataset in tree.datasets
        if target.takes_dataset(dataset.name, dataset.slug)
    ]
    views += [
        _local_view(workspace, target, dataset, tree, home=dataset.dir, gone=True)
        for dataset in tree.gone_datasets
        if dataset.dir not in moved and target.takes_dataset(dataset.name, dataset.slug)
    ]
    if views and tree.commit is None:
        _refuse_unmerged(workspace.repo.index.unmerged(), views)
    return views


def _refuse_unmerged(unmerged: Collection[str], views: Sequence[DatasetView]) -> None:
    """Let no dataset be sent or written whose content git has in conflict: rows then show no markers (sync.md 8)."""
    for view in views:
        paths = [join(view.dir or view.home, name) for name in (ITEMS, DATASET_MD)]
        inside = [path for path in paths if path in unmerged]
        if inside and view.problem is None:
            view.problem = Problem(
                "E-INVALID",
                f"git has unmerged entries here: {', '.join(inside)}; nothing of this dataset was sent or written",
                subject=view.slug,
                path=inside[0],
                fix="finish the merge with git (edit, git add), or undo it, then run the command again",
            )


def _old_homes(place: str, tree: LocalTree) -> dict[str, str]:
    """Return new folder → old folder, where a folder was moved with its pointer and that is not committed."""
    gone = {}
    for dataset in tree.gone_datasets:
        line = pointer_line(dataset.folder, place)
        if isinstance(line, DatasetPointer):
            gone[line.dataset] = dataset.dir
    homes: dict[str, str] = {}
    for dataset in tree.datasets:
        line = pointer_line(dataset.folder, place)
        if isinstance(line, DatasetPointer) and line.dataset in gone:
            homes[dataset.dir] = gone.pop(line.dataset)
    return homes


def _local_view(
    workspace: Workspace,
    target: Target,
    dataset: LocalDataset,
    tree: LocalTree,
    *,
    home: str,
    gone: bool = False,
) -> DatasetView:
    found: list[Problem] = []
    line = pointer_line(dataset.folder, target.place, found)
    found = [one for one in found if one.subject in {"", target.place}]
    found += unread_pointer(tree, dataset.dir)
    view = DatasetView(
        dataset.slug,
        dataset.dir,
        home=home,
        place=target.place,
        commit=tree.commit,
        local=None if gone else dataset,
        gone=dataset if gone else None,
        problem=found[0] if found else None,
    )
    head_line = line
    if tree.commit is None:
        data = workspace.head_pointers.get(home)
        at_head = parse_pointer(data, path=join(home, POINTER)) if data else None
        head_line = at_head.lines.get(target.place) if at_head else None
    counted, view.ignored = workspace.history.tree_line(
        Lines(line, head_line), home, "" if gone else dataset.files
    )
    if isinstance(counted, DatasetPointer):
        view.line = counted
        view.is_committed = counted == head_line
        _take_bases(workspace, view, dataset.folder)
    elif view.ignored:
        take_from_history(workspace, view)
    return view


def take_from_history(
    workspace: Workspace, view: DatasetView, *, only: Collection[str] | None = None
) -> None:
    """Let the newest pointer of HEAD's history that counts decide, where the tree has none that does (design.md 3).

    ``only``: it counts for these datasets alone.
    """
    found = workspace.history.dataset_line(view.home, view.place)
    if found is None or (only is not None and found[0].dataset not in only):
        return
    line, commit = found
    if not take_committed(workspace, view, line, commit, view.home):
        view.line, view.is_committed = None, False
        view.problem = _lost_bases(view, line)


def take_committed(
    workspace: Workspace, view: DatasetView, line: DatasetPointer, commit: str, home: str
) -> bool:
    """Let the line that a commit added in the folder ``home`` decide; False when its row bases are not beside it."""
    folder = workspace.light_folder_at(commit, home)
    like = view.local.kept_lines if view.local is not None else None
    bases, trouble = row_base(folder, view.place, like=like) if folder else ({}, ())
    view.line, view.is_committed = line, True
    return not trouble and _take(workspace, view, line, bases)


def _take_bases(workspace: Workspace, view: DatasetView, folder: Folder) -> None:
    """Read the row bases that belong to the line that counts: those beside it, else HEAD's (sync.md 7.3)."""
    line, head = view.line, workspace.history.head
    assert line is not None
    like = view.local.kept_lines if view.local is not None else None
    bases, trouble = row_base(folder, view.place, like=like)
    if not trouble and _take(workspace, view, line, bases):
        return
    at_head = workspace.light_folder_at(head, view.home) if head else None
    if at_head is not None:
        bases, broken = row_base(at_head, view.place, like=like)
        if not broken and not trouble and _take(workspace, view, line, bases):
            return
    view.problem = trouble[0] if trouble else _lost_bases(view, line)


def _lost_bases(view: DatasetView, line: DatasetPointer) -> Problem:
    path = join(view.dir or view.home, ROWS)
    return Problem(
        "E-POINTER",
        f"{path} and {POINTER} beside it do not belong together, so what was taken in is not known",
        subject=view.slug,
        path=path,
        fix=f"restore both from one commit, or skillsync adopt {view.slug} --id {line.dataset}",
    )


def _take(
    workspace: Workspace, view: DatasetView, line: DatasetPointer, bases: Mapping[Key, str]
) -> bool:
    """Set the bases of a line, where these belong to it."""
    if line.revision is not None:
        return take_local_bases(workspace, view, bases)
    if not _belongs(bases, line):
        return False
    view.base_rows = bases
    return True


def _belongs(bases: Mapping[Key, str], line: DatasetPointer) -> bool:
    return keyed_digest(bases) == line.digest
