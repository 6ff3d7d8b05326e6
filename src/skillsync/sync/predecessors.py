"""Finds what a skill was on the server before, where no pointer line says it any more: it is not made again unasked (P12)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from skillsync.core.base import predecessor
from skillsync.core.skill_states import BaseFact
from skillsync.model import SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_line
from skillsync.sync.local import last_part

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_survey import SkillView
    from skillsync.sync.workspace import Workspace


def find_predecessors(
    workspace: Workspace,
    target: Target,
    views: Iterable[SkillView],
    versions: Iterable[Version],
) -> None:
    """Give skills that would be created the base that HEAD's history names, if it names one that is gone.

    A pointer line may have been lost: left out of a commit, or taken along by a revert. A skill of that name was
    there all the same, and somebody archived it. Only a line that says so (``gone``) is a person's word that it shall
    be made again; it answers for its own incarnation and for those before.
    """
    asked = [view for view in views if _would_be_created(view)]
    if not asked:
        return
    known = _gone_lines(workspace, target, alive={version.first for version in versions})
    for view in asked:
        found = predecessor(known.get(view.name, ()), view.line)
        if found is not None:
            view.base = BaseFact(found.number, found.id, found.first, found.digest)


def _would_be_created(view: SkillView) -> bool:
    return (
        view.local is not None
        and view.base is None
        and view.version is None
        and not (view.error or view.renamed)
    )


def _gone_lines(
    workspace: Workspace, target: Target, *, alive: Collection[str]
) -> Mapping[str, list[SkillPointer]]:
    """Return the lines of HEAD's history for a target that are of no live skill, by the name that each skill bore."""
    found: dict[str, list[SkillPointer]] = {}
    for line in workspace.history.added_lines:
        pointer = parse_line(line.line) if line.line.startswith(f"{target.place} ") else None
        if not isinstance(pointer, SkillPointer) or pointer.first in alive:
            continue
        directory = line.path.removesuffix(f"/{POINTER}")
        skill = workspace.skill_history.at(line.commit, directory, last_part(directory))
        found.setdefault(skill.name if skill else last_part(directory), []).append(pointer)
    return found
