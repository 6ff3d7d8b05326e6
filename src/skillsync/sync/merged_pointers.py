"""Settles pointer files that a git merge, rebase or cherry-pick left in conflict (sync.md B6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.model import DatasetPointer, FileChange, Folder
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.sync.local import join, last_part
from skillsync.sync.pointer_sides import (
    MergedFiles,
    PointerFiles,
    file_beside,
    has_datasets,
    merge_pointer_files,
    merge_rows_alone,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from skillsync.model import Pointer
    from skillsync.repo.git import Repository
    from skillsync.sync.local import LocalDataset, LocalSkill, LocalTree
    from skillsync.sync.report import Report
    from skillsync.sync.workspace import Workspace
    from skillsync.sync.writing import Writer

_STAGES = (1, 2, 3)


def settle_pointers(workspace: Workspace, writer: Writer, report: Report) -> None:
    """Write and stage what counts now, for every object whose pointer is unmerged in git's index.

    Files that cannot be read, or whose row bases belong to no line, are left to the user.
    """
    unmerged = workspace.repo.index.unmerged()
    for directory in unmerged_objects(workspace, unmerged):
        merged = merged_files(workspace.repo, directory, unmerged)
        if merged is None:
            continue
        _write(workspace, writer, directory, merged, unmerged)
        shown = ", ".join(sorted(_short(line) for line in merged.lines.values())) or "none"
        what = "two pointers" if join(directory, POINTER) in unmerged else "row bases"
        report.note(f"{directory}: git left {what} in conflict; what counts now: {shown}")


def as_settled(workspace: Workspace, tree: LocalTree) -> LocalTree:
    """Return a working tree that was just read as ``settle_pointers`` would leave it; writes nothing (P19)."""
    unmerged = workspace.repo.index.unmerged() if tree.commit is None else {}
    for directory in unmerged_objects(workspace, unmerged):
        merged = merged_files(workspace.repo, directory, unmerged)
        if merged is None:
            continue
        objects: list[LocalSkill | LocalDataset] = [*tree.skills, *tree.gone_skills]
        for one in (*objects, *tree.datasets, *tree.gone_datasets):
            if one.dir == directory:
                rows = merged.rows if _has_rows(directory, merged, unmerged) else one.folder.rows
                one.folder = replace(one.folder, pointer=merged.pointer or None, rows=rows or None)
    return tree


def _has_rows(directory: str, merged: MergedFiles, unmerged: Collection[str]) -> bool:
    return bool(merged.rows) or join(directory, ROWS) in unmerged


def unmerged_objects(workspace: Workspace, unmerged: Iterable[str]) -> list[str]:
    """Return the folders below the roots whose pointer, or the row bases beside it, are in conflict, sorted."""
    roots = (*workspace.settings.skills, *workspace.settings.datasets)
    return sorted(
        {
            path.rpartition("/")[0]
            for path in unmerged
            if last_part(path) in {POINTER, ROWS}
            and any(root == "." or path.startswith(f"{root}/") for root in roots)
        }
    )


def merged_files(repo: Repository, directory: str, unmerged: Collection[str]) -> MergedFiles | None:
    """Return what an object's pointer files become, from the stages in git's index; None: a person has to look."""
    path, rows_path = join(directory, POINTER), join(directory, ROWS)
    if path not in unmerged:
        staged = repo.index.stages(rows_path)
        pointer = _read(repo, path) or b""
        return merge_rows_alone(directory, pointer, [staged.get(one, b"") for one in _STAGES])
    pointers = repo.index.stages(path)
    contents = [pointers.get(stage, b"") for stage in _STAGES]
    rows: list[bytes | None] = [None] * len(_STAGES)
    if has_datasets(directory, *contents):
        if rows_path in unmerged:
            staged = repo.index.stages(rows_path)
            rows = [staged.get(stage, b"") for stage in _STAGES]
        else:
            rows = [file_beside(repo, path, content, ROWS) for content in contents]
    ancestor, here, other = (
        PointerFiles(content, beside) for content, beside in zip(contents, rows, strict=True)
    )
    return merge_pointer_files(directory, ancestor, here, other)


def _write(
    workspace: Workspace,
    writer: Writer,
    directory: str,
    merged: MergedFiles,
    unmerged: Collection[str],
) -> None:
    wanted = {ROWS: merged.rows} if _has_rows(directory, merged, unmerged) else {}
    wanted[POINTER] = merged.pointer
    before = {name: _read(workspace.repo, join(directory, name)) for name in wanted}
    changes = [
        FileChange(name, before[name], after or None)
        for name, after in wanted.items()
        if (after or None) != before[name]
    ]
    if changes:
        folder = Folder(directory, (), before[POINTER], before.get(ROWS))
        writer.write(last_part(directory), folder, (), changes, reason="merge")
    workspace.repo.index.stage([join(directory, name) for name in wanted])


def _read(repo: Repository, path: str) -> bytes | None:
    file = repo.root / path
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _short(line: Pointer) -> str:
    if not isinstance(line, DatasetPointer):
        return f"v{line.number}"
    return f"{line.rows} rows" if line.revision is None else f"revision {line.revision}"
