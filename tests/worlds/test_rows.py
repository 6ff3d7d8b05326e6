"""Random worlds of rows: no edit of a row is lost, none is doubled, none comes back by itself (sync.md 13, 14.4)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.worlds.playing import FEW, play
from tests.worlds.rows import FIELDS, RowsWorld
from tests.worlds.rules import HAPPENS, Anybody, Team, can_edit, few

fields = st.sampled_from(FIELDS)


def has_items(machine: RowWorlds) -> bool:
    return bool(machine.world.ids)


class RowWorlds(Anybody):
    """Its rules are what people do with the rows of one dataset."""

    dialect: ClassVar = "seed"
    drivers: ClassVar = False
    team: ClassVar = False
    world: RowsWorld

    def opened(self, folder: Path) -> RowsWorld:
        return RowsWorld(folder, dialect=self.dialect, team=self.team, drivers=self.drivers)

    # ------------------------------------------------------------ the web page

    @precondition(has_items)
    @rule(number=few, field=fields)
    def web_edit(self, number: int, field: str) -> None:
        self.world.web_edit(number, field)

    @precondition(lambda self: has_items(self) and not (self.team and self.dialect == "seed"))
    @rule(number=few, field=fields)
    def web_revert(self, number: int, field: str) -> None:
        """Not in a team on a server without markers: a row with a commit's text is taken for its publish (sync.md 5.5)."""
        self.world.web_edit(number, field, back=True)

    @rule()
    def web_add(self) -> None:
        self.world.web_add()

    @precondition(lambda self: len(self.world.ids) > 2)
    @rule(number=few)
    def web_archive(self, number: int) -> None:
        self.world.web_archive(number)

    @precondition(lambda self: bool(self.world.archived))
    @rule(number=few)
    def web_restore(self, number: int) -> None:
        self.world.web_restore(number)

    # ------------------------------------------------------------ files

    @precondition(can_edit)
    @rule(number=few, field=fields)
    def edit(self, number: int, field: str) -> None:
        self.world.edit(number, field)

    @rule(keyed=st.booleans())
    def add(self, keyed: bool) -> None:
        self.world.add(keyed=keyed)

    @precondition(can_edit)
    @rule(number=few)
    def copy(self, number: int) -> None:
        self.world.copy(number)

    @precondition(can_edit)
    @rule(number=few)
    def rename(self, number: int) -> None:
        self.world.rename(number)

    @precondition(lambda self: len(self.world.keys()) > 2)
    @rule(number=few)
    def drop(self, number: int) -> None:
        self.world.drop(number)

    # ------------------------------------------------------------ skillsync

    @rule(number=few, choice=st.sampled_from([Choice.LOCAL, Choice.REMOTE, Choice.AS_IS]))
    def resolve(self, number: int, choice: Choice) -> None:
        self.world.resolve(number, choice)

    @rule(way=st.sampled_from(list(Way)))
    def adopt(self, way: Way) -> None:
        self.world.adopt(way)


class TeamRowWorlds(RowWorlds, Team):
    """CI publishes main's commits, in any order."""

    team: ClassVar = True


WORLDS = [
    pytest.param("seed", False, id="seed"),
    pytest.param("current", False, id="current"),
    pytest.param("seed", True, id="seed, drivers"),
    pytest.param("current", True, id="current, drivers"),
]


SEEDS = [
    pytest.param(1, marks=pytest.mark.slow),
    *(pytest.param(seed, marks=pytest.mark.soak) for seed in (2, 3, 4)),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("dialect", "drivers"), WORLDS)
def test_random_worlds_of_rows_lose_nothing(dialect: str, drivers: bool, seed: int) -> None:
    done = play(RowWorlds, examples=FEW, seed=seed, dialect=dialect, drivers=drivers)
    assert done["published"] > 0, "a world in which nothing is published proves nothing"
    assert done["pulled"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("dialect", "drivers"), [WORLDS[0], WORLDS[-1]])
def test_random_worlds_of_a_teams_rows_lose_nothing(dialect: str, drivers: bool) -> None:
    done = play(TeamRowWorlds, examples=FEW, seed=1, dialect=dialect, drivers=drivers)
    assert done["published"] > 0
    assert done["job"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize(("dialect", "drivers"), WORLDS)
@pytest.mark.parametrize("machine", [RowWorlds, TeamRowWorlds])
def test_many_random_worlds_of_rows_lose_nothing(
    machine: type[RowWorlds], dialect: str, drivers: bool, seed: int
) -> None:
    done = play(machine, examples=100, seed=seed, dialect=dialect, drivers=drivers)
    happens = (*HAPPENS, "resolved", *(["driver judged"] if drivers else ()))
    assert [each for each in happens if not done[each]] == []
