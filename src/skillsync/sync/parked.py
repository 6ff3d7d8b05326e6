"""Parked skill conflicts: which are open, and the pointer that is written once a person has settled one (sync.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.skill_rules import marker_line
from skillsync.model import Folder, Json, SkillPointer
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.local import join, read_tree
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.skill_conflict import parked_pointer
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import Writer, pointer_change, stamp_for

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from skillsync.config import Target


def has_markers(data: bytes) -> bool:
    """Tell whether a file still holds markers that we wrote."""
    return marker_line(data.decode("utf-8", "replace")) is not None


@dataclass(frozen=True)
class Parked:
    """One skill's record, with its conflicting files as repository paths.

    ``open`` are still unmerged in git's index, ``marked`` still hold our markers, and of ``dropped`` the stages are
    gone without anybody's decision (``git reset --hard``, another branch).
    """

    name: str
    dir: str
    pointer: SkillPointer
    record: Mapping[str, Json]
    open: tuple[str, ...]
    marked: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool:
        """No stage is left in the index, no marker in the files, and each file was decided about."""
        return not (self.open or self.marked or self.dropped)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The files that a person still has to decide about."""
        return tuple(dict.fromkeys((*self.open, *self.marked, *self.dropped)))

    @property
    def is_abandoned(self) -> bool:
        """The whole conflict was thrown away with git: the files are not what a decision left."""
        return bool(self.dropped) and not self.open and not self.marked


def parked_skills(workspace: Workspace) -> list[Parked]:
    """List the skill conflicts that a pull has left, with what is still open in each."""
    records = [
        (record, pointer)
        for record in ConflictStore(workspace.repo).list().values()
        if record.get("kind") == "skill" and (pointer := parked_pointer(record)) is not None
    ]
    if not records:
        return []
    unmerged, resolved = workspace.repo.unmerged(), workspace.repo.resolved()
    return [_parked(workspace, record, pointer, unmerged, resolved) for record, pointer in records]


def _parked(
    workspace: Workspace,
    record: Mapping[str, Json],
    pointer: SkillPointer,
    unmerged: Mapping[str, Collection[int]],
    resolved: Mapping[str, Mapping[int, str]],
) -> Parked:
    directory = str(record.get("dir", ""))
    listed, sides, settled = record.get("open"), record.get("sides"), record.get("settled")
    names = [str(path) for path in listed] if isinstance(listed, list) else []
    paths = [join(directory, name) for name in names]
    left = [path for path in paths if path not in unmerged]
    dropped = [
        path
        for path, name in zip(paths, names, strict=True)
        if path in left
        and not (isinstance(settled, list) and name in settled)
        and not _was_decided(sides.get(name) if isinstance(sides, dict) else None, resolved, path)
    ]
    return Parked(
        str(record.get("name", "")),
        directory,
        pointer,
        record,
        tuple(path for path in paths if path in unmerged),
        tuple(path for path in paths if _is_marked(workspace.repo.root / path)),
        tuple(dropped),
    )


def _is_marked(file: Path) -> bool:
    return file.is_file() and not file.is_symlink() and has_markers(file.read_bytes())


def _was_decided(sides: Json, resolved: Mapping[str, Mapping[int, str]], path: str) -> bool:
    """Tell whether git remembers that exactly these stages were resolved, as `git add` and `git rm` do."""
    if not isinstance(sides, dict):
        return False
    blobs = {stage: sides.get(name) for stage, name in ((1, "base"), (2, "local"), (3, "remote"))}
    return resolved.get(path) == {stage: blob for stage, blob in blobs.items() if blob is not None}


def forget_abandoned(workspace: Workspace) -> list[str]:
    """Forget the conflicts that were thrown away with git; the base never moved, so pull shows them again."""
    store = ConflictStore(workspace.repo)
    names = [parked.name for parked in parked_skills(workspace) if parked.is_abandoned]
    for name in names:
        store.delete(name)
    return names


def still_open(name: str) -> Outcome:
    """A conflict that a person has not settled yet: nothing else is done to that skill."""
    return Outcome(
        Kind.SKILL,
        name,
        "still in conflict",
        row="S10",
        state="conflict",
        exit=4,
        code="E-CONFLICT",
        fix=f"skillsync conflicts {name}",
    )


def refuse_unmerged(unmerged: Collection[str], directory: str, name: str) -> None:
    """Raise InvalidContent when git has unmerged entries below a skill's folder that are not ours (14.6 #139)."""
    inside = sorted(path for path in unmerged if path.startswith(join(directory, "") or path))
    if inside:
        raise InvalidContent(
            f"git has unmerged entries here: {', '.join(inside[:5])}",
            subject=name,
            path=inside[0],
            unchanged="Nothing of this skill was sent or written.",
            hint="finish the merge with git (edit, git add), or undo it, then run the command again",
        )


def settle_parked(workspace: Workspace, target: Target, writer: Writer, report: Report) -> None:
    """Record the conflicts that were settled with `git add` or an editor and `git add` (sync.md 8).

    Stages that vanished otherwise (``git reset --hard``, another branch) decide nothing: the conflict is forgotten,
    its version is not taken in, and the next pull shows it again.
    """
    for name in forget_abandoned(workspace):
        report.note(
            f"{name}: its conflict was thrown away with git and not resolved; pull shows it again"
        )
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


def settle_paths(workspace: Workspace, parked: Parked, paths: Sequence[str]) -> None:
    """Note that some files of a conflict (relative to the skill) are decided about, and end their stages."""
    before = parked.record.get("settled")
    settled = dict.fromkeys([*(before if isinstance(before, list) else []), *paths])
    ConflictStore(workspace.repo).write(parked.name, {**parked.record, "settled": list(settled)})
    workspace.repo.clear_conflict([join(parked.dir, path) for path in paths])


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
