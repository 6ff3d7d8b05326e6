"""Ends a run for a target that cannot be trusted as a whole, or not reached, before anything is written (S24, S25)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import RefusedForSafety, SkillsyncError, Unreachable
from skillsync.sync.skill_view import SkillSurvey, SkillView


def check_target(views: Iterable[SkillView], *, step: Callable[[SkillView], bool]) -> None:
    """Raise when some skill's verdict stops the whole target (S24 before S25: a wrong project is never retried)."""
    stopping = [
        view for view in views if view.error is None and view.problem is None and step(view)
    ]
    stopping.sort(key=lambda view: view.verdict.state is not SkillState.BACKWARDS)
    if stopping:
        raise stop_target(stopping[0])


def refuse_backwards(survey: SkillSurvey) -> None:
    """Refuse everything for this target when a skill went backwards on the server (S24), before anything is written."""
    for view in survey.views.values():
        if view.error is None and view.verdict.state is SkillState.BACKWARDS:
            raise stop_target(view)


def stop_target(view: SkillView) -> SkillsyncError:
    """Return the error that ends the run for this target (S24, S25)."""
    verdict = view.verdict
    if verdict.state is SkillState.BACKWARDS:
        return RefusedForSafety(
            f"{view.name}: the server's latest version contradicts what was taken in before; it went backwards, "
            "or this is another project",
            subject=view.name,
            unchanged="Nothing more was changed on either side.",
            hint=verdict.fix,
        )
    return Unreachable(
        f"{view.name}: the server gave no usable answer",
        subject=view.name,
        hint=verdict.fix,
    )
