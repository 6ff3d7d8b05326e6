"""Plays a machine of rules: always the same worlds for one seed, each of them new from its first step on."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Protocol

import hypothesis
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    run_state_machine_as_test,
)

STEPS = 30
FEW = 2
"""Worlds of each kind and seed in the slow tier, two dozen in all; the long one has many more."""


class Playable(Protocol):
    """A world that can be looked at after each step, brought to rest, and closed."""

    done: Counter[str]

    def check(self) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class Player(RuleBasedStateMachine):
    """Opens a world in a folder of its own, looks at it after each step, and brings it to rest in the end."""

    world: Any
    done: ClassVar[Counter[str]]
    """What happened in all worlds that were played with it."""

    def opened(self, folder: Path) -> Playable:
        """Return a new world."""
        raise NotImplementedError

    @initialize(number=st.integers(0, 1 << 32))
    def begin(self, number: int) -> None:
        assume(number)  # all choices at their simplest are what is tried first, and no world
        self.folder = Path(tempfile.mkdtemp(prefix="world-"))
        self.world = self.opened(self.folder)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if not isinstance(sys.exc_info()[1], AssertionError):  # else that alone is told
                self.world.finish()
                self.done.update(self.world.done, worlds=1)
        finally:
            self.world.close()
            shutil.rmtree(self.folder)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()


def play(
    machine: type[Player], *, examples: int, seed: int, shrinks: bool = True, **chosen: object
) -> Counter[str]:
    """Run this many worlds of 30 steps and return what happened in them.

    ``chosen`` are attributes of the machine's class. Each world is a run of Hypothesis of its own: in one run most
    examples are small changes of others.
    """
    done: Counter[str] = Counter()
    world: Any = type(machine.__name__, (machine,), {**chosen, "done": done})
    how = settings(
        max_examples=1,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
        report_multiple_bugs=False,
    )
    for number in range(examples):
        run_state_machine_as_test(hypothesis.seed(seed * 1_000 + number)(world), settings=how)
    return done
