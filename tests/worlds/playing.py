"""Plays a machine of rules: always the same worlds for one seed."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine

STEPS = 30


def play(
    machine: type[RuleBasedStateMachine], *, examples: int, seed: int, **chosen: object
) -> None:
    """Run this many worlds of 30 steps; ``chosen`` are attributes of the machine's class."""
    world: Any = type(machine.__name__, (machine,), chosen)
    case = world.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    case._hypothesis_internal_use_seed = seed
    case().runTest()
