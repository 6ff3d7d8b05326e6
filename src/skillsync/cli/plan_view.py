"""Prints a plan, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.cli.render import visible
from skillsync.cli.session import problems_json

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.core.plan import Action, Plan
    from skillsync.model import Json

SHOWN = 60


def print_plan(out: Output, verb: str, plan: Plan) -> None:
    """Print one plan: its counts, then its lines, many rows cut short."""
    if plan.is_empty:
        out.data(f"{verb}: nothing to do", style="bold")
        return
    counts = ", ".join(f"{count} {name}" for name, count in plan.counts().items())
    out.data(f"{verb}: {counts}", style="bold")
    lines = plan.describe()
    for line in lines[:SHOWN]:
        out.data(f"  {visible(line)}")
    if len(lines) > SHOWN:
        out.data(f"  … and {len(lines) - SHOWN} more (--json lists all)")


def plan_json(plan: Plan) -> dict[str, Json]:
    """Return a plan as JSON."""
    return {
        "actions": [_action(action) for action in plan.actions],
        "pending": [_action(action) for action in plan.pending],
        "conflicts": [
            {"subject": one.subject, "unit": one.unit, "reason": one.reason}
            for one in plan.conflicts
        ],
        "problems": problems_json(plan.problems),
        "counts": {**plan.counts()},
    }


def _action(action: Action) -> dict[str, Json]:
    return {
        "effect": str(action.effect),
        "side": str(action.side),
        "what": str(action.what),
        "name": action.name,
        "key": action.key,
        "precondition": action.precondition,
        "detail": action.detail,
    }
