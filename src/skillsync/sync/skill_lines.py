"""Finds which pointer lines say what a skill's folder has taken in: its own, and those of history that are about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from skillsync.core.base import newest
from skillsync.core.claims import is_about
from skillsync.core.reconcile_skill import BaseFact
from skillsync.model import SkillPointer, Version
from skillsync.repo.pointer import POINTER
from skillsync.sync.local import LocalTree, pointer_line

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Workspace


Claimed: TypeAlias = Mapping[str, Collection[str]]
"""The folders of a tree whose own line names an incarnation, by incarnation."""


def claimed_by(tree: LocalTree, place: str) -> Claimed:
    """Return, by incarnation, the folders of a tree whose own line names it, whether or not the line counts."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for skill in tree.skills:
        line = pointer_line(skill.folder, place)
        if isinstance(line, SkillPointer):
            found[line.first].append(skill.dir)
    return found


def find_bases(
    workspace: Workspace, target: Target, claimed: Claimed, views: Iterable[SkillView]
) -> None:
    """Note what pointer lines say that each skill has taken in; ``claimed`` is of the whole tree, whatever was asked."""
    lines = _Lines(workspace, target, claimed)
    for view in views:
        first = view.version.first if view.version else (view.line.first if view.line else None)
        candidates = [view.line] if view.line and _counts_for(view.line, view.version) else []
        if view.version is not None and (view.line is None or view.line.id != view.version.id):
            candidates += lines.others(view, view.version)
        found = newest(candidates, first) or newest(candidates, None)
        if found is not None:
            view.base = BaseFact(found.number, found.id, found.first, found.digest)
        view.pointed = view.base


def _counts_for(line: SkillPointer, version: Version | None) -> bool:
    """Tell whether a line says anything about what is there: what is known to be gone says no more than that (S16)."""
    return not line.gone or (version is not None and version.first == line.first)


class _Lines:
    """The lines of HEAD's history, and of which folder each is.

    Lines of other targets' places are theirs alone: where one server is a copy of another, their versions bear the
    same incarnation and go different ways.
    """

    def __init__(self, workspace: Workspace, target: Target, claimed: Claimed) -> None:
        self._workspace = workspace
        self._claimed = claimed
        self._others: Collection[str] = {
            one.place for one in workspace.settings.targets.values()
        } - {target.place}

    def others(self, view: SkillView, version: Version) -> list[SkillPointer]:
        """Return what HEAD's history, or a line for another host, says about this incarnation (design.md 3).

        A line of another folder is this one's where the folder was moved; beside a skill that lay here already it
        says what that other folder had taken in.
        """
        history = self._workspace.history
        lines: list[SkillPointer] = []
        for line, pointer in history.pointers_for(version.first):
            directory = line.path.removesuffix(f"/{POINTER}")
            if pointer.place in self._others or pointer.number > version.number:
                continue
            if self._was_beside(view, line.commit, directory):
                continue
            if self._is_about(view, version.first, line.commit, directory) and (
                history.committed_counts(pointer, directory, None)
            ):
                lines.append(pointer)
        return lines

    def _is_about(self, view: SkillView, first: str, commit: str, directory: str) -> bool:
        """Tell whether a line is of this skill: a server may have given its name to another one (S19, S20)."""
        named = view.named.first if view.named else None
        if view.local is None or view.renamed is not None or named == first:
            return True
        return is_about(
            named=named,
            is_claimed=bool({*self._claimed.get(first, ())} - {view.dir}),
            is_same_folder=directory == view.dir,
            had_its_name=lambda: self._name_at(commit, directory) == view.name,
        )

    def _was_beside(self, view: SkillView, commit: str, directory: str) -> bool:
        """Tell whether a skill lay in a view's folder when a commit wrote a pointer line in another one."""
        if view.dir in {None, directory}:
            return False
        return self._workspace.skill_history.is_at(commit, view.dir or "")

    def _name_at(self, commit: str, directory: str) -> str | None:
        then = self._workspace.skill_history.at(commit, directory, "")
        return then.name if then is not None else None
