"""Ends parked skill conflicts: the pointer is written once a person has settled one, and what was thrown away is forgotten (sync.md 8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.model import FileChange, Folder, held
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.local import join, read_lean_tree
from skillsync.sync.parked import Parked, parked_skills
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import Writer, pointer_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.local import LocalTree


def forget_abandoned(workspace: Workspace) -> list[str]:
    """Forget the conflicts that were thrown away with git; the base never moved, so pull shows them again."""
    store = ConflictStore(workspace.repo)
    names = [parked.name for parked in parked_skills(workspace) if parked.is_abandoned]
    for name in names:
        store.delete(name)
    return names


def still_open(parked: Parked) -> Outcome:
    """A conflict that a person has not settled yet: nothing else is done to that skill."""
    return Outcome(
        Kind.SKILL,
        parked.name,
        "still in conflict",
        row="S10",
        state="conflict",
        exit=4,
        code="E-MARKERS" if parked.marked else "E-CONFLICT",
        message=f"not decided yet: {', '.join(parked.unsettled)}",
        fix=f"skillsync conflicts {parked.name}",
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
        if _is_decided(parked, target.place):
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


def settle_paths(
    workspace: Workspace, parked: Parked, contents: Mapping[str, bytes | None]
) -> None:
    """Note what files (relative to the skill) were decided to be, and end their stages.

    The contents are kept: what git does to a file afterwards is no decision any more.
    """
    before = parked.record.get("settled")
    texts = {path: data for path, data in contents.items() if data is not None}
    blobs = dict(zip(texts, workspace.repo.write_blobs([*texts.values()]), strict=True))
    settled = {
        **(before if isinstance(before, dict) else {}),
        **{path: blobs.get(path) for path in contents},
    }
    record = {**parked.record, "settled": settled}
    record.pop("aborting", None)
    ConflictStore(workspace.repo).write(parked.name, record)
    workspace.repo.index.clear_conflict([join(parked.dir, path) for path in contents])


def settle(workspace: Workspace, parked: Parked, writer: Writer) -> None:
    """Write the pointer that the conflict was waiting to write, and forget the conflict."""
    tree = read_lean_tree(workspace, only={parked.dir})
    found = next((skill for skill in tree.skills if skill.dir == parked.dir), None)
    folder = found.folder if found else Folder(parked.dir, ())
    change = _taken_in(workspace, parked, folder, found.name if found else parked.name)
    writer.write(parked.name, folder, (), [change], reason="resolve")
    ConflictStore(workspace.repo).delete(parked.name)


def _taken_in(workspace: Workspace, parked: Parked, folder: Folder, name: str) -> FileChange | None:
    # A stamp says that the files bear the name which the server had. Where whoever decided the conflict also gave
    # another name, it is one of no files.
    files = folder if name == parked.name else replace(folder, entries=())
    line = replace(parked.pointer, stamp=stamp_for(workspace, files))
    return pointer_change(
        folder, line, place=parked.pointer.place, places=workspace.settings.places
    )


def as_decided(workspace: Workspace, target: Target, tree: LocalTree) -> LocalTree:
    """Return a working tree that was just read as ``settle_parked`` would leave it; writes nothing (P19)."""
    decided = {one.dir: one for one in parked_skills(workspace) if _is_decided(one, target.place)}
    for skill in tree.skills if tree.commit is None else ():
        if (parked := decided.get(skill.dir)) is None:
            continue
        change = _taken_in(workspace, parked, skill.folder, skill.name)
        if change is not None:
            skill.folder = replace(skill.folder, pointer=held(change.after))
    return tree


def waiting_for_a_person(workspace: Workspace, place: str) -> list[Parked]:
    """Return the conflicts because of which a push to a place would leave a skill alone; HEAD's tree has none."""
    if workspace.is_team:
        return []
    parked = parked_skills(workspace)
    return [one for one in parked if not (one.is_abandoned or _is_decided(one, place))]


def _is_decided(parked: Parked, place: str) -> bool:
    return parked.is_settled and parked.pointer.place == place


def give_up(workspace: Workspace, parked: Parked) -> None:
    """End the stages of a conflict whose files are back as they were, and forget it.

    It was marked as given up before (``mark_given_up``): a crash in between never leaves stages that look settled.
    """
    workspace.repo.index.clear_conflict(parked.open)
    ConflictStore(workspace.repo).delete(parked.name)


def mark_given_up(workspace: Workspace, parked: Parked) -> None:
    """Say in the record that its stages will end without a decision, before anything else is done."""
    ConflictStore(workspace.repo).write(parked.name, {**parked.record, "aborting": True})
