"""Plays a machine of rules: always the same worlds for one seed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

STEPS = 30


class Playable(Protocol):
    """A world that can be looked at after each step, brought to rest, and closed."""

    def check(self) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class Player(RuleBasedStateMachine):
    """Opens a world in a folder of its own, looks at it after each step, and brings it to rest in the end."""

    world: Any

    def opened(self, folder: Path) -> Playable:
        """Return a new world."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="world-"))
        self.world = self.opened(self.folder)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.finish()
        finally:
            self.world.close()
            shutil.rmtree(self.folder)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()


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
