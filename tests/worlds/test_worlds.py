"""Random worlds: whatever people, git, crashes and a bad network do, no acknowledged edit is lost (sync.md 13, 14.4)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.worlds.playing import FEW, play
from tests.worlds.rules import HAPPENS, Anybody, Team, can_edit, settled
from tests.worlds.world import SLOTS, World

slots = st.sampled_from(SLOTS)


def is_live(machine: Worlds) -> bool:
    return machine.world.latest is not None


def is_archived(machine: Worlds) -> bool:
    return machine.world.is_archived


class Worlds(Anybody):
    """Its rules are what people do with one skill."""

    dialect: ClassVar = "seed"
    team: ClassVar = False
    world: World

    def opened(self, folder: Path) -> World:
        return World(folder, dialect=self.dialect, team=self.team)

    # ------------------------------------------------------------ the web page

    @precondition(is_live)
    @rule(slot=slots)
    def web_edit(self, slot: int) -> None:
        self.world.web_edit(slot)

    @precondition(is_live)
    @rule(slot=slots)
    def web_edits_twice(self, slot: int) -> None:
        self.world.web_edit(slot)
        self.world.web_edit((slot + 1) % len(SLOTS))

    @precondition(is_live)
    @rule(back=st.integers(1, 3))
    def web_revert(self, back: int) -> None:
        self.world.web_revert(back)

    @precondition(is_live)
    @rule()
    def web_archive(self) -> None:
        self.world.web_archive()

    @precondition(lambda self: is_live(self) and can_edit(self) and self.dialect == "current")
    @rule(slot=slots)
    def web_rename(self, slot: int) -> None:
        self.world.web_rename(slot)

    @precondition(is_archived)
    @rule(equal=st.booleans())
    def web_recreate(self, equal: bool) -> None:
        self.world.web_recreate(equal=equal)

    # ------------------------------------------------------------ files

    @precondition(can_edit)
    @rule(slot=slots)
    def edit(self, slot: int) -> None:
        self.world.edit(slot)

    @precondition(can_edit)
    @rule()
    def delete(self) -> None:
        self.world.delete()

    @precondition(can_edit)
    @rule()
    def copy(self) -> None:
        self.world.copy()

    @precondition(can_edit)
    @rule()
    def rename_folder(self) -> None:
        self.world.rename_folder()

    # ------------------------------------------------------------ skillsync

    @rule(choice=st.sampled_from([each for each in Choice if each is not Choice.EDIT]))
    def resolve(self, choice: Choice) -> None:
        self.world.resolve(choice)

    @precondition(settled)
    @rule(named=st.booleans())
    def undo(self, named: bool) -> None:
        self.world.undo(named=named)

    @precondition(can_edit)
    @rule(slot=slots, between=st.sampled_from(["nothing", "commit", "web edit", "undo"]))
    def push_and_undo(self, slot: int, between: str) -> None:
        self.world.edit(slot)
        if self.world.team:
            self.world.commit()
        self.world.push()
        if between == "commit":
            self.world.commit()
        elif between == "web edit":
            self.world.web_edit_some(slot)
        elif between == "undo":
            self.world.undo(named=False)
        self.world.undo(named=True)

    @precondition(can_edit)
    @rule(back=st.integers(0, 2), discard=st.booleans())
    def restore(self, back: int, discard: bool) -> None:
        self.world.restore(back, discard=discard)

    @precondition(settled)
    @rule(way=st.sampled_from(list(Way)))
    def adopt(self, way: Way) -> None:
        self.world.adopt(way)


class TeamWorlds(Worlds, Team):
    """CI publishes main's commits, in any order."""

    team: ClassVar = True


WORLDS = [
    pytest.param(Worlds, "seed", id="solo, seed"),
    pytest.param(Worlds, "current", id="solo, current"),
    pytest.param(TeamWorlds, "current", id="team, current"),
]
"""A team on a server without markers is left out: there own publishes are recognised by content alone (sync.md 5.5)."""


SEEDS = [
    pytest.param(1, marks=pytest.mark.slow),
    *(pytest.param(seed, marks=pytest.mark.soak) for seed in (2, 3)),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("machine", "dialect"), WORLDS)
def test_random_worlds_lose_nothing(machine: type[Worlds], dialect: str, seed: int) -> None:
    done = play(machine, examples=FEW, seed=seed, dialect=dialect)
    assert done["worlds"] >= FEW


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize(("machine", "dialect"), WORLDS)
def test_many_random_worlds_lose_nothing(machine: type[Worlds], dialect: str, seed: int) -> None:
    done = play(machine, examples=100, seed=seed, dialect=dialect)
    assert [each for each in HAPPENS if not done[each]] == []
