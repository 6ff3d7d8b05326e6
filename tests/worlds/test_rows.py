"""Random worlds of rows: no edit of a row is lost, none is doubled, none comes back by itself (sync.md 13, 14.4)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from skillsync.sync.resolve import Choice
from tests.worlds.playing import Player, play
from tests.worlds.rows import FIELDS, RowsWorld

few = st.integers(0, 5)
fields = st.sampled_from(FIELDS)
verbs = st.sampled_from(["push", "pull"])


def has_rows(machine: RowWorlds) -> bool:
    return bool(machine.world.here)


def has_items(machine: RowWorlds) -> bool:
    return bool(machine.world.there)


class RowWorlds(Player):
    """Its rules are what anybody may do at any time."""

    dialect: ClassVar = "seed"
    world: RowsWorld

    def opened(self, folder: Path) -> RowsWorld:
        return RowsWorld(folder, dialect=self.dialect)

    # ------------------------------------------------------------ the web page

    @precondition(has_items)
    @rule(number=few, field=fields)
    def web_edit(self, number: int, field: str) -> None:
        self.world.web_edit(number, field)

    @rule()
    def web_add(self) -> None:
        self.world.web_add()

    @precondition(lambda self: len(self.world.there) > 2)
    @rule(number=few)
    def web_archive(self, number: int) -> None:
        self.world.web_archive(number)

    # ------------------------------------------------------------ files and git

    @precondition(has_rows)
    @rule(number=few, field=fields)
    def edit(self, number: int, field: str) -> None:
        self.world.edit(number, field)

    @precondition(has_rows)
    @rule(number=few, field=fields)
    def edit_and_commit(self, number: int, field: str) -> None:
        self.world.edit(number, field)
        self.world.commit()

    @rule(keyed=st.booleans())
    def add(self, keyed: bool) -> None:
        self.world.add(keyed=keyed)

    @precondition(lambda self: len(self.world.here) > 2)
    @rule(number=few)
    def drop(self, number: int) -> None:
        self.world.drop(number)

    @rule()
    def commit(self) -> None:
        self.world.commit()

    @rule(back=st.none() | few)
    def go(self, back: int | None) -> None:
        self.world.go(back)

    @rule()
    def reset_hard(self) -> None:
        self.world.reset_hard()

    @rule()
    def stash(self) -> None:
        self.world.stash()

    @rule()
    def fresh_clone(self) -> None:
        self.world.fresh_clone()

    # ------------------------------------------------------------ skillsync

    @rule()
    def push(self) -> None:
        self.world.push()

    @rule()
    def pull(self) -> None:
        self.world.pull()

    @rule(number=few, choice=st.sampled_from([Choice.LOCAL, Choice.REMOTE, Choice.AS_IS]))
    def resolve(self, number: int, choice: Choice) -> None:
        self.world.resolve(number, choice)

    @rule()
    def lose_state(self) -> None:
        self.world.lose_state()

    @rule(verb=verbs, k=st.integers(1, 40), when=st.sampled_from(["before", "after", "torn"]))
    def crash(self, verb: str, k: int, when: str) -> None:
        self.world.crash(verb, k, when)  # type: ignore[arg-type]  # one of the three words

    @rule(verb=verbs, number=few, kind=st.sampled_from(["lost", "503", "403", "404"]))
    def fault(self, verb: str, number: int, kind: str) -> None:
        self.world.fault(verb, number, kind)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["seed", "current"])
def test_random_worlds_of_rows_lose_nothing(dialect: str) -> None:
    play(RowWorlds, examples=12, seed=1, dialect=dialect)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize("dialect", ["seed", "current"])
def test_many_random_worlds_of_rows_lose_nothing(dialect: str, seed: int) -> None:
    play(RowWorlds, examples=100, seed=seed, dialect=dialect)
