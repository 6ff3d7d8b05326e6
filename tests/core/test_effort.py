"""How many requests a push takes."""

from __future__ import annotations

import pytest

from skillsync.core.effort import Effort, effort_of
from skillsync.core.plan import Action, Effect, Plan, Side, What


@pytest.mark.parametrize(
    ("effort", "guarded", "unguarded", "words"),
    [
        (Effort(), 0, 0, ""),
        (Effort(skills=1), 2, 2, "1 skill"),
        (Effort(created=10_000), 10_000, 10_000, "10,000 rows"),
        (Effort(updated=5), 5, 15, "5 rows"),
        (Effort(removed=1), 1, 2, "1 row"),
        (Effort(2, 3, 4, 5), 16, 29, "2 skills and 12 rows"),
    ],
)
def test_a_server_without_versions_needs_a_look_before_and_after(
    effort: Effort, guarded: int, unguarded: int, words: str
) -> None:
    """The table of datasets-api.md 4: A + C + D, and A + 3C and a look before each removal."""
    assert effort.requests(guarded=True) == guarded
    assert effort.requests(guarded=False) == unguarded
    assert effort.words == words


def test_a_plan_is_counted_by_what_it_writes_to_the_remote() -> None:
    def action(effect: Effect, what: What, side: Side = Side.REMOTE, key: str = "") -> Action:
        return Action(effect, side, what, "x", key)

    plan = Plan.of(
        [
            action(Effect.CREATE, What.SKILL),
            action(Effect.LINK, What.SKILL, Side.LOCAL),
            action(Effect.CREATE, What.DATASET),
            *(action(Effect.CREATE, What.ROW, key=str(number)) for number in range(3)),
            action(Effect.UPDATE, What.ROW, key="u"),
            action(Effect.REMOVE, What.ROW, key="r"),
        ]
    )
    assert effort_of(plan) == Effort(skills=1, created=3, updated=1, removed=1)
