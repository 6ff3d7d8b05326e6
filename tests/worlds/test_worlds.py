"""Random worlds: whatever people, git, crashes and a bad network do, no acknowledged edit is lost (sync.md 13, 14.4)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.worlds.playing import Player, play
from tests.worlds.world import SLOTS, World

slots = st.sampled_from(SLOTS)
few = st.integers(0, 5)
verbs = st.sampled_from(["push", "pull"])


def settled(machine: Worlds) -> bool:
    """No conflict is open: a person would not go on otherwise."""
    return not machine.world.is_open


def is_live(machine: Worlds) -> bool:
    return machine.world.latest is not None


def is_archived(machine: Worlds) -> bool:
    return machine.world.is_archived


def has_text(machine: Worlds) -> bool:
    return settled(machine) and len(machine.world.work) == len(SLOTS)


class Worlds(Player):
    """Its rules are what anybody may do at any time."""

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

    @precondition(lambda self: is_live(self) and has_text(self) and self.dialect == "current")
    @rule(slot=slots)
    def web_rename(self, slot: int) -> None:
        self.world.web_rename(slot)

    @precondition(is_archived)
    @rule(equal=st.booleans())
    def web_recreate(self, equal: bool) -> None:
        self.world.web_recreate(equal=equal)

    # ------------------------------------------------------------ files

    @precondition(has_text)
    @rule(slot=slots)
    def edit(self, slot: int) -> None:
        self.world.edit(slot)

    @precondition(has_text)
    @rule(slot=slots)
    def edit_and_commit(self, slot: int) -> None:
        self.world.edit(slot)
        self.world.commit()

    @precondition(has_text)
    @rule()
    def delete(self) -> None:
        self.world.delete()

    @precondition(has_text)
    @rule()
    def copy(self) -> None:
        self.world.copy()

    @precondition(has_text)
    @rule()
    def rename_folder(self) -> None:
        self.world.rename_folder()

    # ------------------------------------------------------------ git

    @precondition(settled)
    @rule()
    def commit(self) -> None:
        self.world.commit()

    @precondition(settled)
    @rule(pointer=st.booleans())
    def commit_part(self, pointer: bool) -> None:
        self.world.commit_part(pointer=pointer)

    @precondition(settled)
    @rule()
    def amend(self) -> None:
        self.world.amend()

    @precondition(settled)
    @rule()
    def branch(self) -> None:
        self.world.branch()

    @precondition(settled)
    @rule(number=few)
    def switch(self, number: int) -> None:
        self.world.switch(number)

    @precondition(settled)
    @rule(back=few)
    def detach(self, back: int) -> None:
        self.world.detach(back)

    @precondition(settled)
    @rule(number=few, how=st.sampled_from(["merge", "squash", "rebase"]))
    def merge(self, number: int, how: str) -> None:
        self.world.merge(number, how=how)

    @precondition(settled)
    @rule(number=few, revert=st.booleans())
    def cherry_pick(self, number: int, revert: bool) -> None:
        self.world.cherry_pick(number, revert=revert)

    @precondition(settled)
    @rule()
    def stash_push(self) -> None:
        self.world.stash_push()

    @precondition(settled)
    @rule()
    def stash_pop(self) -> None:
        self.world.stash_pop()

    @rule()
    def reset_hard(self) -> None:
        self.world.reset_hard()

    # ------------------------------------------------------------ skillsync

    @rule()
    def push(self) -> None:
        self.world.push()

    @rule()
    def pull(self) -> None:
        self.world.pull()

    @rule()
    def plan(self) -> None:
        self.world.plan()

    @rule(choice=st.sampled_from(list(Choice)))
    def resolve(self, choice: Choice) -> None:
        self.world.resolve(choice)

    @precondition(settled)
    @rule(way=st.sampled_from(list(Way)))
    def adopt(self, way: Way) -> None:
        self.world.adopt(way)

    @rule()
    def lose_state(self) -> None:
        self.world.lose_state()

    @precondition(settled)
    @rule()
    def fresh_clone(self) -> None:
        self.world.fresh_clone()

    @rule()
    def go_to_the_other_desk(self) -> None:
        self.world.go_to_the_other_desk()

    @precondition(settled)
    @rule(number=few)
    def fetch(self, number: int) -> None:
        self.world.fetch(number)

    @precondition(settled)
    @rule(verb=verbs, k=st.integers(1, 40), when=st.sampled_from(["before", "after", "torn"]))
    def crash(self, verb: str, k: int, when: str) -> None:
        self.world.crash(verb, k, when)  # type: ignore[arg-type]  # one of the three words

    @precondition(settled)
    @rule(verb=verbs, number=few, kind=st.sampled_from(["lost", "503", "403", "404"]))
    def fault(self, verb: str, number: int, kind: str) -> None:
        self.world.fault(verb, number, kind)


class TeamWorlds(Worlds):
    """CI publishes main's commits, in any order."""

    team: ClassVar = True

    @rule(back=st.integers(0, 2))
    def job(self, back: int) -> None:
        self.world.job(back)

    @precondition(settled)
    @rule(number=few)
    def land(self, number: int) -> None:
        """Main gets what a branch has, by a squash, and CI publishes it."""
        if not self.world.is_dirty:
            self.world.switch(self.world.branches().index("main"))
            self.world.merge(number, how="squash")
            self.world.job(0)


WORLDS = [
    pytest.param(Worlds, "seed", id="solo, seed"),
    pytest.param(Worlds, "current", id="solo, current"),
    pytest.param(TeamWorlds, "current", id="team, current"),
]
"""A team on a server without markers is left out: there own publishes are recognised by content alone (sync.md 5.5)."""


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "dialect"), WORLDS)
def test_random_worlds_lose_nothing(machine: type[Worlds], dialect: str) -> None:
    """The tenth that has real git; tests/model has the others."""
    play(machine, examples=4, seed=1, dialect=dialect)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize(("machine", "dialect"), WORLDS)
def test_many_random_worlds_lose_nothing(machine: type[Worlds], dialect: str, seed: int) -> None:
    play(machine, examples=100, seed=seed, dialect=dialect)
