"""The plan: actions that sort and describe themselves, what stands in their way, and the exit code of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillsync.model import Conflict, Problem


class Phase(IntEnum):
    """When an action is carried out: nothing is removed before everything else is done (style.md 6)."""

    CREATE = 0
    UPDATE = 1
    REMOVE = 2


class What(StrEnum):
    """What an action is about. A dataset comes before its rows."""

    SKILL = "skill"
    DATASET = "dataset"
    ROW = "row"


class Effect(StrEnum):
    """What an action does; on which side is the action's ``side``."""

    CREATE = "create"
    UPDATE = "update"
    MERGE = "merge"
    LINK = "link"
    REMOVE = "remove"

    @property
    def phase(self) -> Phase:
        """When actions with this effect are carried out."""
        return _PHASES.get(self, Phase.UPDATE)


_PHASES = {Effect.CREATE: Phase.CREATE, Effect.REMOVE: Phase.REMOVE}
_ORDER = tuple(What)
_SIGNS = {
    Effect.CREATE: "+",
    Effect.UPDATE: "~",
    Effect.MERGE: "&",
    Effect.LINK: "=",
    Effect.REMOVE: "-",
}


class Side(StrEnum):
    """Which side an action writes to."""

    LOCAL = "local"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan on one object.

    ``name`` is the skill's or the dataset's, ``key`` the row's ("" otherwise). ``precondition`` is what must still
    hold when it is carried out, as text: ``v12 <version id>`` for a publish, ``absent`` for a creation, a digest
    for a row or a folder. ``detail`` is for people.
    """

    effect: Effect
    side: Side
    what: What
    name: str
    key: str = ""
    precondition: str = ""
    detail: str = ""

    @property
    def order(self) -> tuple[int, int, str, str, str, str]:
        """The sort key: creations, updates, removals; within them skills, datasets, rows; then by name and key."""
        rank = _ORDER.index(self.what)
        return self.effect.phase, rank, self.name, self.key, self.effect, self.side

    @property
    def subject(self) -> str:
        """``NAME``, or ``NAME:KEY`` for a row, as commands take it."""
        return f"{self.name}:{self.key}" if self.key else self.name

    def describe(self) -> str:
        """Return one line for people: sign, effect, what, subject, detail."""
        detail = f" ({self.detail})" if self.detail else ""
        verb = _SIGNS[self.effect], self.effect.value, self.what.value, self.subject
        return " ".join(verb) + detail


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do and what it will not. Make it with ``Plan.of``, which puts everything in order.

    ``pending`` are removals that nobody consented to (design.md 6, ``--archive``): listed, never carried out.
    """

    actions: tuple[Action, ...] = ()
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    pending: tuple[Action, ...] = ()

    @classmethod
    def of(
        cls,
        actions: Iterable[Action] = (),
        *,
        problems: Iterable[Problem] = (),
        conflicts: Iterable[Conflict] = (),
        pending: Iterable[Action] = (),
    ) -> Plan:
        """Return the plan of these parts; the order and repetitions of the input do not matter (P8)."""
        return cls(
            tuple(sorted(set(actions), key=_action_order)),
            tuple(sorted(set(problems), key=_problem_order)),
            tuple(sorted(set(conflicts), key=_conflict_order)),
            tuple(sorted(set(pending), key=_action_order)),
        )

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to do and nothing to report."""
        return not (self.actions or self.problems or self.conflicts or self.pending)

    @property
    def removals(self) -> tuple[Action, ...]:
        """The actions that remove something."""
        return tuple(action for action in self.actions if action.effect is Effect.REMOVE)

    def counts(self) -> dict[str, int]:
        """Return how often each ``effect what`` occurs, then problems, conflicts and pending; no zeros."""
        counts = Counter(f"{action.effect} {action.what}" for action in self.actions)
        counts.update(
            {
                "problem": len(self.problems),
                "conflict": len(self.conflicts),
                "pending removal": len(self.pending),
            }
        )
        return {name: count for name, count in counts.items() if count}

    def describe(self) -> list[str]:
        """Return the plan's lines for people, in the order in which it is carried out."""
        return [
            *(action.describe() for action in self.actions),
            *(f"? {action.describe()[2:]}, pending" for action in self.pending),
            *(f"! conflict in {conflict.subject}: {conflict.unit}" for conflict in self.conflicts),
            *(_describe_problem(problem) for problem in self.problems),
        ]


def _action_order(action: Action) -> tuple[object, ...]:
    return *action.order, action.precondition, action.detail


def _problem_order(problem: Problem) -> tuple[str, str, int, str, str]:
    return problem.subject, problem.path, problem.line or 0, problem.code, repr(problem)


def _conflict_order(conflict: Conflict) -> tuple[str, ...]:
    return conflict.subject, conflict.kind, conflict.unit, repr(conflict)


def _describe_problem(problem: Problem) -> str:
    where = problem.where or problem.subject
    return f"! {problem.code} {where}: {problem.message}"


# ---------------------------------------------------------------- exit codes (design.md 6)

RUN_CODES = (2, 7, 70, 75, 130)
"""The run cannot continue: these win, in this order."""

OBJECT_CODES = (6, 4, 3, 5)
"""What objects end with: the first that any of them has."""


def exit_code(outcomes: Iterable[int], *, done: int = 0) -> int:
    """Return the exit code of a run from those of its objects and of the run itself (design.md 6).

    0 is "done or nothing to do", 1 "failed"; some of each makes 5, only failures 1. No outcome at all is 0.
    ``done`` counts objects that went well, for a caller that does not list their zeros. Raises ValueError for a
    number that is no exit code of ours.
    """
    codes = set(outcomes)
    if unknown := codes - {0, 1, *RUN_CODES, *OBJECT_CODES}:
        raise ValueError(f"not exit codes: {sorted(unknown)}")
    for code in (*RUN_CODES, *OBJECT_CODES):
        if code in codes:
            return code
    if 1 in codes:
        return 5 if done or 0 in codes else 1
    return 0
