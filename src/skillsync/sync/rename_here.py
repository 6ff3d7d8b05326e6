"""Gives a skill here the name that it was given on the server, and its folder too if that bore the old one (S20)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import PullStep
from skillsync.errors import InvalidContent, SkillsyncError
from skillsync.formats.paths import name_problem
from skillsync.formats.skill_folder import write_skill
from skillsync.model import SkillPointer
from skillsync.repo.pointer import POINTER
from skillsync.sync.local import LocalSkill, LocalTree, join, last_part
from skillsync.sync.parked import parked_skills
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.settle import refuse_unmerged
from skillsync.sync.writing import folder_after, pointer_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.model import Version
    from skillsync.sync.skill_view import SkillSurvey, SkillView
    from skillsync.sync.workspace import Workspace
    from skillsync.sync.writing import Writer


def rename_here(
    workspace: Workspace,
    target: Target,
    writer: Writer,
    tree: LocalTree,
    survey: SkillSurvey,
    report: Report,
) -> bool:
    """Rename what was renamed on the server; return whether anything was, so that the tree has to be read anew.

    First the name in the file with the pointer's new stamp, journalled as every write, then the folder in one step: a
    folder that still bears the old name in between is nothing (design.md 2). One that cannot be renamed fails alone.
    """
    parked = {one.name for one in parked_skills(workspace)}
    waiting = [
        view
        for view in survey.views.values()
        if view.error is None and view.verdict.pull is PullStep.RENAME and view.name not in parked
    ]
    for view in waiting:
        try:
            report.add(_rename(workspace, target, writer, tree, view))
        except SkillsyncError as error:
            view.error = error
    return any(view.error is None for view in waiting)


def renamed_to(survey: SkillSurvey) -> list[str]:
    """Return the new names of the skills that a survey found renamed on the server."""
    return [
        view.version.name
        for view in survey.views.values()
        if view.renamed is not None and view.version is not None
    ]


def _rename(
    workspace: Workspace, target: Target, writer: Writer, tree: LocalTree, view: SkillView
) -> Outcome:
    local, version = view.local, view.version
    assert local is not None  # a pointer beside no file belongs to a skill that was deleted here
    assert version is not None
    refuse_unmerged(workspace.repo.index.unmerged(), local.dir, view.name)
    _refuse_second(tree, local, view.name, version.name)
    place = _new_place(workspace, local, view.name, version)
    skill, folder = local.reading.skill, local.folder
    assert skill is not None  # an invalid one is not renamed
    changes = write_skill(local.reading, replace(skill, name=version.name))
    after = folder_after(folder, changes)
    stamp = stamp_for(workspace, after)
    line, base = replace(view.line, stamp=stamp) if view.line else None, view.base
    if base is not None and base.id and (line is None or base.number > line.number):
        # A marker said so under the old name, and will not under the new one. It may be an earlier version's.
        line = SkillPointer(target.place, base.number, base.id, base.first, base.digest, stamp)
    pointer = pointer_change(folder, line, place=target.place) if line else None
    writer.write(view.name, folder, changes, [pointer], reason="rename")
    if place != local.dir:
        root = workspace.repo.root
        (root / local.dir).rename(root / place)
        workspace.repo.index.stage([join(local.dir, POINTER), join(place, POINTER)])
    did = f"renamed to {version.name}, as on the server"
    return Outcome(Kind.SKILL, view.name, did, row="S20", state="renamed remotely", changed=True)


def _refuse_second(tree: LocalTree, local: LocalSkill, old: str, new: str) -> None:
    """Raise InvalidContent when another folder bears the name already: then neither would be synced (S23)."""
    other = next((one.dir for one in tree.skills if one.name == new and one.dir != local.dir), None)
    if other is not None:
        raise InvalidContent(
            f"it was renamed to {new} on the server, and {other} is a skill of that name here",
            subject=old,
            path=other,
            unchanged="Nothing was written.",
            hint=f"give the skill in {other} another name, or move it out of the way, then skillsync pull {old}",
        )


def _new_place(workspace: Workspace, local: LocalSkill, name: str, version: Version) -> str:
    """Return where the folder will be. Raises InvalidContent when another lies there, or the name cannot be one."""
    if trouble := name_problem(version.name):
        raise InvalidContent(
            f"{trouble}: in a file here the skill could not be published again",
            subject=name,
            unchanged="Nothing was written.",
        )
    if last_part(local.dir) != name:
        return local.dir
    place = str(PurePosixPath(local.dir).with_name(version.name))
    path = workspace.repo.root / place
    if path.exists() or path.is_symlink():
        raise InvalidContent(
            f"it was renamed to {version.name} on the server, and {place} is there already",
            subject=name,
            path=place,
            unchanged="Nothing was written.",
            hint="move that folder away, then run the command again",
        )
    return place
