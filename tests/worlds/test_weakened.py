"""The worlds of rows can fail: each guard of the engine that is switched off in turn loses an edit in some world.

Not here: what only shows while others write at the same moment (tests/sync/test_many_writers.py), a list that is not
complete (tests/sync/test_dataset_faults.py), and lines of an older commit (tests/sync/test_old_branches.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from skillsync.core import merge_rows, reconcile_row
from skillsync.core.merge_units import Take, choose
from skillsync.core.row_states import RowGroups, RowState
from skillsync.sync import dataset_bases, dataset_rows
from skillsync.sync.push_new_rows import RowCreator
from skillsync.sync.push_rows import RowPusher
from tests.worlds.desks import Violation
from tests.worlds.playing import play
from tests.worlds.test_rows import RowWorlds

MOST_WORLDS = 60
SEED = 100
Weaken = Callable[[pytest.MonkeyPatch], None]


def _facts(patch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Let every decision about a row start from other facts."""
    real = dataset_rows._facts

    def facts(*words: Any, **named: Any) -> Any:
        return change(real(*words, **named))

    patch.setattr(dataset_rows, "_facts", facts)


def takes_all_in(patch: pytest.MonkeyPatch) -> None:
    """Whatever the remote has counts as taken in (P2)."""
    _facts(patch, lambda one: replace(one, taken_in=one.remote is not None))


def forgets_bases(patch: pytest.MonkeyPatch) -> None:
    """What was there once and is no more counts as new (10.2, P12)."""

    def change(one: Any) -> Any:
        return one if one.remote else replace(one, base=None, was_in_base=False)

    _facts(patch, change)


class _EqualToAll(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


def believes_lines_of_later_commits(patch: pytest.MonkeyPatch) -> None:
    """Each line of a later commit counts as a base, whatever digest its pointer names (B8, P1)."""
    patch.setattr("skillsync.sync.dataset_later.bases_digest", lambda _: _EqualToAll())


def merges_conflicts(patch: pytest.MonkeyPatch) -> None:
    """What both sides changed becomes what the remote has (I10)."""
    patch.setattr(RowGroups, "are_disjoint", property(lambda _: True))

    def taking(*sides: Any) -> Take:
        take = choose(*sides)
        return Take.REMOTE if take is Take.CONFLICT else take

    patch.setattr(merge_rows, "choose", taking)


def removes_what_was_edited(patch: pytest.MonkeyPatch) -> None:
    """An edit of a row that is archived there counts for nothing (I14)."""
    real = reconcile_row._state_without_remote

    def state(facts: Any, base: Any) -> RowState:
        found = real(facts, base)
        return RowState.ARCHIVED if found is RowState.EDITED_BUT_ARCHIVED else found

    patch.setattr(reconcile_row, "_state_without_remote", state)


def archives_unasked(patch: pytest.MonkeyPatch) -> None:
    """A line that is missing here is archived there without a word (P11)."""
    real = RowPusher._row

    def row(pusher: RowPusher, *words: Any, is_removable: bool) -> Any:
        return real(pusher, *words, is_removable=True)

    patch.setattr(RowPusher, "_row", row)


def sends_again(patch: pytest.MonkeyPatch) -> None:
    """A creation without an answer is repeated at once, and nobody cleans up (10.2, P13)."""

    def look_for(creator: RowCreator, sending: Any, unclear: Any) -> None:
        list(creator.remote.datasets.create_rows(sending.remote.id, unclear))

    patch.setattr(RowCreator, "_look_for", look_for)
    patch.setattr(RowPusher, "_remove_duplicates", lambda *_: None)


def believes_any_digest(patch: pytest.MonkeyPatch) -> None:
    """The lines that are here count as what was taken in, whatever digest the pointer names (7.3)."""
    real = dataset_bases._known_here
    patch.setattr(dataset_bases, "_known_here", lambda *words: filter(None, real(*words)))
    patch.setattr(dataset_bases, "bases_digest", lambda _: _EqualToAll())


WEAKENED: dict[str, tuple[Weaken, str]] = {
    "takes all in": (takes_all_in, "seed"),
    "takes all in, current": (takes_all_in, "current"),
    "forgets bases": (forgets_bases, "seed"),
    "believes lines of later commits": (believes_lines_of_later_commits, "current"),
    "merges conflicts": (merges_conflicts, "seed"),
    "removes what was edited": (removes_what_was_edited, "seed"),
    "archives unasked": (archives_unasked, "seed"),
    "sends again": (sends_again, "seed"),
    "believes any digest": (believes_any_digest, "current"),
}


@pytest.mark.soak
@pytest.mark.parametrize(("weaken", "dialect"), WEAKENED.values(), ids=WEAKENED)
def test_without_a_guard_a_world_of_rows_shows_a_loss(
    weaken: Weaken, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch)
    with pytest.raises(Violation):
        play(RowWorlds, examples=MOST_WORLDS, seed=SEED, dialect=dialect, shrinks=False)


@pytest.mark.soak
@pytest.mark.parametrize("dialect", ["seed", "current"])
def test_with_its_guards_the_same_worlds_lose_nothing(dialect: str) -> None:
    """Else what is found without one would say nothing about it."""
    play(RowWorlds, examples=MOST_WORLDS, seed=SEED, dialect=dialect)
