"""The worlds of rows can fail: each guard of the engine that is switched off in turn loses an edit in some world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from skillsync.core import merge_rows, reconcile_row
from skillsync.core.merge_units import Take
from skillsync.core.row_states import RowGroups, RowState
from skillsync.sync import dataset_reading, dataset_rows
from skillsync.sync.dataset_later import DatasetLater
from skillsync.sync.push_new_rows import RowCreator
from skillsync.sync.push_rows import RowPusher
from tests.worlds.desks import Violation
from tests.worlds.playing import play
from tests.worlds.test_rows import RowWorlds

MOST_WORLDS = 60
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


def forgets_later_commits(patch: pytest.MonkeyPatch) -> None:
    """A line of an older commit counts as an edit (B8, P23)."""
    patch.setattr(DatasetLater, "bases", lambda *_: frozenset())
    patch.setattr(dataset_rows._Evidence, "was_replaced", lambda *_: False)


def believes_lines_of_later_commits(patch: pytest.MonkeyPatch) -> None:
    """Each line of a later commit counts as a base, whoever edited it."""
    real = DatasetLater.bases

    def bases(later: DatasetLater, key: Any) -> frozenset[str]:
        repo, view = later._workspace.repo, later._view
        found = [
            dataset_rows.short(dataset_rows.row_digest(row))
            for commit in later._commits
            if (row := _dataset_at(later, commit).get(key)) is not None
        ]
        assert repo is not None
        assert view is not None
        return real(later, key) | frozenset(found)

    patch.setattr(DatasetLater, "bases", bases)


def _dataset_at(later: DatasetLater, commit: str) -> Any:
    from skillsync.sync.dataset_history import dataset_at

    view = later._view
    return dataset_at(later._workspace, commit, view.home, like=view.local or view.gone).rows


def merges_conflicts(patch: pytest.MonkeyPatch) -> None:
    """What both sides changed becomes what the remote has (I10)."""
    patch.setattr(RowGroups, "are_disjoint", property(lambda _: True))
    real = merge_rows.choose

    def choose(*sides: Any) -> Take:
        take = real(*sides)
        return Take.REMOTE if take is Take.CONFLICT else take

    patch.setattr(merge_rows, "choose", choose)


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

    def row(pusher: RowPusher, *words: Any, is_removable: bool) -> Any:  # noqa: ARG001
        return real(pusher, *words, is_removable=True)

    patch.setattr(RowPusher, "_row", row)


def sends_again(patch: pytest.MonkeyPatch) -> None:
    """A creation without an answer is repeated at once, and nobody cleans up (10.2, P13)."""

    def look_for(creator: RowCreator, sending: Any, unclear: Any) -> None:
        for _, result in creator.remote.datasets.create_rows(sending.remote.id, unclear):
            assert result

    patch.setattr(RowCreator, "_look_for", look_for)
    patch.setattr(RowPusher, "_remove_duplicates", lambda *_: None)


def believes_any_digest(patch: pytest.MonkeyPatch) -> None:
    """The lines that are here count as what was taken in, whatever digest the pointer names (7.3)."""
    from skillsync.sync import dataset_bases

    class Any_(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return True

    real = dataset_bases._known_here

    def known_here(*words: Any) -> Any:
        return (each for each in real(*words) if each)

    patch.setattr(dataset_bases, "_known_here", known_here)
    patch.setattr(dataset_bases, "bases_digest", lambda _: Any_())
    patch.setattr(dataset_reading, "DatasetPast", dataset_reading.DatasetPast)


WEAKENED: dict[str, tuple[Weaken, str]] = {
    "takes all in": (takes_all_in, "seed"),
    "takes all in, current": (takes_all_in, "current"),
    "forgets bases": (forgets_bases, "seed"),
    "forgets later commits": (forgets_later_commits, "seed"),
    "forgets later commits, current": (forgets_later_commits, "current"),
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
        play(RowWorlds, examples=MOST_WORLDS, seed=100, dialect=dialect, shrinks=False)
