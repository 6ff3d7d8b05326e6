"""What commits later than HEAD say about a skill that is on one side only: an older commit neither removes nor creates it (B8)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Workspace


class SkillLater:
    """Looks at the newest commit of the publish branch, where HEAD is an older one of it; else says nothing.

    Of a skill that both sides have, the version that a later commit made tells (S12). One that was removed, or brought
    back as it was, makes no version: a late job would then archive it, or create it again (P12).
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def settle(self, views: Iterable[SkillView]) -> None:
        """Mark the skills about which a later commit has decided otherwise."""
        for view in views:
            if view.error is not None or (view.local is None) == (view.version is None):
                continue
            try:
                view.superseded = view.superseded or self._is_otherwise(view)
            except SkillsyncError as error:
                view.error = error

    def _is_otherwise(self, view: SkillView) -> bool:
        """Tell whether the newest commit has a skill that is gone here, or has not what is here."""
        if self._tip is None:
            return False
        directory = view.dir or f"{self._workspace.settings.skills[0]}/{view.name}"
        found = self._workspace.skill_history.at(self._tip, directory, view.name)
        is_there = found is not None and found.name == view.name
        return is_there == (view.local is None)

    @cached_property
    def _tip(self) -> str | None:
        repo, branch = self._workspace.repo, self._workspace.settings.publish_branch
        head = self._workspace.history.head
        upstream = repo.upstream_of(branch) if branch else None
        tip = repo.commit_id(upstream) if upstream else None
        is_older = bool(head and tip and tip != head and repo.is_ancestor(head, tip))
        return tip if is_older else None
