"""Parked skill conflicts: which are open, and the pointer that is written once a person has settled one (sync.md 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.model import Folder, Json, SkillPointer
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.local import join, read_tree
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.skill_conflict import parked_pointer
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import Writer, pointer_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target

_MARKERS = re.compile(rb"^(<{7,} local\b|>{7,} remote\b)", re.MULTILINE)


def has_markers(data: bytes) -> bool:
    """Tell whether a file still holds markers that we wrote."""
    return bool(_MARKERS.search(data))


@dataclass(frozen=True)
class Parked:
    """One skill's record. ``open`` are the repository paths that a person still has to settle."""

    name: str
    dir: str
    pointer: SkillPointer
    record: Mapping[str, Json]
    open: tuple[str, ...]
    marked: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """No stage is left in the index and no marker in the files."""
        return not self.open and not self.marked


def parked_skills(workspace: Workspace) -> list[Parked]:
    """List the skill conflicts that a pull has left, with what is still open in each."""
    found = []
    unmerged = workspace.repo.unmerged()
    for record in ConflictStore(workspace.repo).list().values():
        pointer = parked_pointer(record)
        if record.get("kind") != "skill" or pointer is None:
            continue
        directory = str(record.get("dir", ""))
        listed = record.get("open")
        paths = [join(directory, str(path)) for path in listed] if isinstance(listed, list) else []
        marked = []
        for path in paths:
            file = workspace.repo.root / path
            if file.is_file() and not file.is_symlink() and has_markers(file.read_bytes()):
                marked.append(path)
        found.append(
            Parked(
                str(record.get("name", "")),
                directory,
                pointer,
                record,
                tuple(path for path in paths if path in unmerged),
                tuple(marked),
            )
        )
    return found


def settle_parked(workspace: Workspace, target: Target, writer: Writer, report: Report) -> None:
    """Record the conflicts that were settled with `git add` or an editor and `git add` (sync.md 8)."""
    for parked in parked_skills(workspace):
        if parked.is_settled and parked.pointer.place == target.place:
            settle(workspace, parked, writer)
            report.add(
                Outcome(
                    Kind.SKILL,
                    parked.name,
                    f"conflict settled: v{parked.pointer.number} is taken in",
                    row="S10",
                    state="resolved",
                    changed=True,
                )
            )


def settle(workspace: Workspace, parked: Parked, writer: Writer) -> None:
    """Write the pointer that the conflict was waiting to write, and forget the conflict."""
    tree = read_tree(workspace, only={parked.dir})
    folder = next(
        (skill.folder for skill in tree.skills if skill.dir == parked.dir), Folder(parked.dir, ())
    )
    line = replace(parked.pointer, stamp=stamp_for(workspace, folder))
    writer.write(
        parked.name,
        folder,
        (),
        [pointer_change(folder, line, place=parked.pointer.place)],
        reason="resolve",
    )
    ConflictStore(workspace.repo).delete(parked.name)
