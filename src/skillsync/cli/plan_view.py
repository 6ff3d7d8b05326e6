"""Prints a plan, for people and as JSON."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.cli.progress_text import ahead_text
from skillsync.cli.render import cell_width, visible
from skillsync.cli.session import problems_json
from skillsync.core.effort import effort_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skillsync.api.budget import Outlook
    from skillsync.cli.render import Output
    from skillsync.core.plan import Action, Plan
    from skillsync.model import Json, Problem
    from skillsync.sync.workspace import Remote

SHOWN = 60
SIGNS = {"create": "+", "update": "~", "merge": "&", "link": "=", "remove": "-"}


def look_ahead(remote: Remote, push: Plan) -> Outlook:
    """Return what the requests of a push mean with what is left of the rate limit now."""
    effort = effort_of(push)
    is_guarded = bool(effort.rows) and remote.datasets.guarantees.guarded
    return remote.transport.outlook(effort.requests(guarded=is_guarded))


def ahead_json(ahead: Outlook) -> dict[str, Json]:
    """Return how many requests a push makes, about, and how many seconds they take by the rate limit alone."""
    return {"requests": ahead.requests, "seconds": round(ahead.seconds)}


def print_plans(out: Output, push: Plan, pull: Plan, ahead: Outlook) -> None:
    """Print both plans: counts, then a line for each step and for what stands in its way, many cut short.

    ``ahead`` is said of the push where the rate limit makes it long. What keeps an object out of both is said once, at the end.
    """
    shared = [one for one in push.problems if one in pull.problems]
    for verb, plan in (("push", push), ("pull", pull)):
        own = replace(plan, problems=tuple(one for one in plan.problems if one not in shared))
        out.data(f"{verb}: {words_for_counts(own) or 'nothing to do'}", style="bold")
        if plan is push and (text := ahead_text(ahead, effort_of(push).words)):
            out.data(f"  {text}")
        _print_steps(out, [*map(_step, own.actions), *map(_pending, own.pending)])
        named = {problem.subject for problem in own.problems}
        for conflict in own.conflicts:
            if conflict.subject not in named:
                reason = f": {conflict.reason}" if conflict.reason else ""
                unit = visible(conflict.unit + reason)
                out.data(f"  ! {visible(conflict.subject)}: conflict in {unit}")
        _print_problems(out, own.problems)
    if shared:
        out.data(f"neither: {_some(len(shared), 'problem')}", style="bold")
        _print_problems(out, shared)


def _print_steps(out: Output, steps: Sequence[tuple[str, str, str, str]]) -> None:
    shown = steps[:SHOWN]
    width = max((cell_width(what) for _, what, _, _ in shown), default=0)
    names = max((cell_width(name) for _, _, name, _ in shown), default=0)
    for sign, what, name, detail in shown:
        padded = f"{what:<{width}}  {name}" + " " * (names - cell_width(name))
        out.data(f"  {sign} {padded}  {detail}".rstrip())
    if len(steps) > SHOWN:
        out.data(f"  … and {len(steps) - SHOWN} more (--json lists all)")


def _print_problems(out: Output, problems: Iterable[Problem]) -> None:
    for problem in problems:
        name = problem.subject or problem.where
        where = f"{problem.where}: " if problem.line else ""
        first, *rest = visible(problem.message, lines=True).split("\n")
        out.data(f"  ! {visible(name)}: {visible(where)}{first}  [{problem.code}]")
        for line in rest:
            out.data(f"      {line}")
        if problem.fix:
            out.data(f"      next: {visible(problem.fix)}", style="dim")


def words_for_counts(plan: Plan) -> str:
    """Return ``create 5 skills and 2 datasets, update 1 row; 1 conflict``, "" for an empty plan."""
    effects: defaultdict[str, list[str]] = defaultdict(list)
    others = []
    for name, count in plan.counts().items():
        effect, _, what = name.partition(" ")
        if effect in SIGNS:
            effects[effect].append(_some(count, what))
        else:
            others.append(_some(count, name))
    done = ", ".join(f"{effect} {_and(parts)}" for effect, parts in effects.items())
    return "; ".join(part for part in (done, ", ".join(others)) if part)


def next_commands(push: Plan, pull: Plan) -> str:
    """Return the commands that carry the plans out, in the order that works; "" when nothing is to be done."""
    verbs = [
        verb
        for verb, wanted in (
            ("pull", bool(pull.actions)),
            ("conflicts", bool(pull.conflicts)),
            ("push", bool(push.actions)),
        )
        if wanted
    ]
    return ", then ".join(f"skillsync {verb}" for verb in verbs)


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


def _step(action: Action) -> tuple[str, str, str, str]:
    """Return sign, what is done, to what, and what it needs to be true."""
    detail = ", ".join(part for part in (visible(action.detail), _condition(action)) if part)
    what = f"{action.effect} {action.what}"
    return SIGNS[str(action.effect)], what, visible(action.subject), detail


def _pending(action: Action) -> tuple[str, str, str, str]:
    name = visible(action.subject)
    return "?", f"{action.effect} {action.what}", name, f"pending: skillsync push --archive {name}"


def _condition(action: Action) -> str:
    needed = action.precondition
    if needed == "absent":
        return "if there is none yet"
    if needed.startswith("v"):
        return f"if {needed.partition(' ')[0]} is still the latest"
    return "if it is unchanged" if needed else ""


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _and(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


__all__ = [
    "ahead_json",
    "look_ahead",
    "next_commands",
    "plan_json",
    "print_plans",
    "words_for_counts",
]
