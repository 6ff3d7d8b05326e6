"""Random worlds in which skills change their names: no text is published over another skill's, none is lost."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.worlds.names import NAMES, PARTS, Names
from tests.worlds.playing import FEW, Player, play

few = st.integers(0, 4)
names = st.sampled_from(NAMES)
parts = st.integers(0, PARTS - 1)


def can_edit(machine: NameWorlds) -> bool:
    return machine.world.is_settled()


class NameWorlds(Player):
    """One person's clone, and the web page."""

    dialect: ClassVar[str]
    world: Names

    def opened(self, folder: Path) -> Names:
        return Names(folder, dialect=self.dialect)

    @rule(number=few, part=parts)
    def web_edit(self, number: int, part: int) -> None:
        self.world.web_edit(number, part)

    @precondition(lambda self: self.dialect == "current")
    @rule(number=few, new=names)
    def web_rename(self, number: int, new: str) -> None:
        self.world.web_rename(number, new)

    @rule(number=few)
    def web_archive(self, number: int) -> None:
        self.world.web_archive(number)

    @rule(name=names)
    def web_create(self, name: str) -> None:
        self.world.web_create(name)

    @precondition(can_edit)
    @rule(number=few, part=parts)
    def edit(self, number: int, part: int) -> None:
        self.world.edit(number, part)

    @precondition(can_edit)
    @rule(name=names)
    def create(self, name: str) -> None:
        self.world.create(name)

    @precondition(can_edit)
    @rule(number=few)
    def delete(self, number: int) -> None:
        self.world.delete(number)

    @precondition(can_edit)
    @rule(number=few, new=names, moves=st.booleans())
    def rename(self, number: int, new: str, moves: bool) -> None:
        self.world.rename(number, new, moves=moves)

    @precondition(can_edit)
    @rule(number=few, moves=st.booleans())
    def swap(self, number: int, moves: bool) -> None:
        self.world.swap(number, moves=moves)

    @precondition(can_edit)
    @rule(number=few, new=names)
    def copy(self, number: int, new: str) -> None:
        self.world.copy(number, new)

    @precondition(can_edit)
    @rule()
    def commit(self) -> None:
        self.world.commit()

    @precondition(can_edit)
    @rule()
    def fresh(self) -> None:
        self.world.fresh()

    @precondition(can_edit)
    @rule(number=few, new=names, moves=st.booleans(), part=parts)
    def rename_and_edit(self, number: int, new: str, moves: bool, part: int) -> None:
        self.world.rename(number, new, moves=moves)
        self.world.edit(number, part)
        self.world.push()

    @precondition(lambda self: self.dialect == "current")
    @rule(number=few, new=names, part=parts)
    def web_rename_and_pull(self, number: int, new: str, part: int) -> None:
        self.world.web_rename(number, new)
        self.world.web_edit(number, part)
        self.world.pull()

    @rule(number=few, other=few, part=parts)
    def both_edit(self, number: int, other: int, part: int) -> None:
        self.world.web_edit(number, part)
        self.world.edit(other, part)

    @rule()
    def push(self) -> None:
        self.world.push()

    @rule(number=few)
    def push_one(self, number: int) -> None:
        self.world.push(number)

    @rule()
    def pull(self) -> None:
        self.world.pull()

    @precondition(can_edit)
    @rule()
    def pull_and_push(self) -> None:
        self.world.pull()
        self.world.commit()
        self.world.push()
        self.world.commit()


SEEDS = [
    pytest.param(1, FEW, marks=pytest.mark.slow),
    *(pytest.param(seed, 50, marks=pytest.mark.soak) for seed in range(2, 6)),
]


@pytest.mark.parametrize(("seed", "examples"), SEEDS)
@pytest.mark.parametrize("dialect", ["seed", "current"])
def test_names_that_change_hands_lose_nothing(dialect: str, seed: int, examples: int) -> None:
    done = play(NameWorlds, examples=examples, seed=seed, dialect=dialect)
    assert done["published"] > 0
    assert done["renamed here"] > 0
