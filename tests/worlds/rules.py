"""What anybody may do at any time in any world: with git, with skillsync, at either desk, with bad luck."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.worlds.playing import Player

few = st.integers(0, 5)
verbs = st.sampled_from(["push", "pull"])

HAPPENS = (
    *(
        "published",
        "pulled",
        "conflict",
        "push blocked",
        "checked out",
        "part committed",
        "amended",
    ),
    *("merge", "squash", "rebase", "cherry-pick", "revert", "stashed", "popped", "fetched"),
    *("back at a desk", "died in a push", "died in a pull"),
)
"""What is to happen among a hundred worlds: one in which nothing does proves nothing."""


def settled(machine: Anybody) -> bool:
    """No conflict is open in the files: a person would not go on otherwise."""
    return not machine.world.is_open


def has_stash(machine: Anybody) -> bool:
    return settled(machine) and machine.world.stash is not None


def has_branches(machine: Anybody) -> bool:
    return settled(machine) and machine.world.has_branches


def has_other_desk(machine: Anybody) -> bool:
    return settled(machine) and machine.world.other is not None


def can_edit(machine: Anybody) -> bool:
    return settled(machine) and bool(machine.world.can_edit)


class Anybody(Player):
    """The rules that the worlds of skills and of rows have in common."""

    world: Any

    # ------------------------------------------------------------ what people do most

    @precondition(can_edit)
    @rule(number=few)
    def edit_and_commit(self, number: int) -> None:
        self.world.edit_some(number)
        self.world.commit()

    @precondition(can_edit)
    @rule(number=few)
    def edit_and_push(self, number: int) -> None:
        self.world.edit_some(number)
        if self.world.team:
            self.world.commit()
        self.world.push()

    @precondition(can_edit)
    @rule(number=few)
    def edit_on_a_branch(self, number: int) -> None:
        self.world.branch()
        self.world.edit_some(number)
        self.world.commit()
        self.world.switch(self.world.branches().index("main"))

    @precondition(can_edit)
    @rule(number=few, other=few)
    def both_edit(self, number: int, other: int) -> None:
        self.world.edit_some(number)
        self.world.web_edit_some(other)

    @rule()
    def pull_and_push(self) -> None:
        self.world.pull()
        if not self.world.is_open:
            self.world.commit()
            self.world.push()

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

    @precondition(has_branches)
    @rule(number=few)
    def switch(self, number: int) -> None:
        self.world.switch(number)

    @precondition(settled)
    @rule(back=few)
    def detach(self, back: int) -> None:
        self.world.detach(back)

    @precondition(has_branches)
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

    @precondition(has_stash)
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

    @rule()
    def lose_state(self) -> None:
        self.world.lose_state()

    # ------------------------------------------------------------ clones

    @precondition(settled)
    @rule()
    def fresh_clone(self) -> None:
        self.world.fresh_clone()

    @rule()
    def go_to_the_other_desk(self) -> None:
        self.world.go_to_the_other_desk()

    @precondition(has_other_desk)
    @rule(number=few)
    def fetch(self, number: int) -> None:
        self.world.fetch(number)

    # ------------------------------------------------------------ bad luck

    @precondition(settled)
    @rule(verb=verbs, k=st.integers(1, 40), when=st.sampled_from(["before", "after", "torn"]))
    def crash(self, verb: str, k: int, when: str) -> None:
        self.world.crash(verb, k, when)

    @precondition(settled)
    @rule(verb=verbs, number=few, kind=st.sampled_from(["lost", "503", "403", "404"]))
    def fault(self, verb: str, number: int, kind: str) -> None:
        self.world.fault(verb, number, kind)


class Team(Anybody):
    """CI publishes main's commits, in any order."""

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
