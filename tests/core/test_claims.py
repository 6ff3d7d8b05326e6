"""Which folder keeps its pointer when several claim one remote skill (S21, S23)."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.claims import (
    Claim,
    Renamed,
    Standing,
    is_about,
    rename_order,
    settle_claims,
    who_renamed,
)

REMOTE = {"2026": "triage"}


def test_the_folder_with_the_remote_name_keeps_it_and_the_copy_is_new() -> None:
    claims = [Claim("a", "triage", "2026"), Claim("b", "triage-two", "2026")]
    assert settle_claims(claims, remote_names=REMOTE) == {
        "a": Standing.KEEPS,
        "b": Standing.COPY,
    }


def test_a_single_folder_with_another_name_was_renamed() -> None:
    claims = [Claim("b", "sorting", "2026")]
    assert settle_claims(claims, remote_names=REMOTE) == {"b": Standing.RENAMED}


def test_one_name_twice_is_synced_in_neither_folder() -> None:
    claims = [Claim("a", "triage", "2026"), Claim("b", "triage", None), Claim("c", "other", None)]
    assert settle_claims(claims, remote_names=REMOTE) == {
        "a": Standing.DUPLICATE,
        "b": Standing.DUPLICATE,
        "c": Standing.KEEPS,
    }


def test_a_pointer_to_something_gone_is_not_judged_by_its_name() -> None:
    claims = [Claim("a", "triage", "2020")]
    assert settle_claims(claims, remote_names=REMOTE) == {"a": Standing.KEEPS}


claims = st.lists(
    st.sampled_from(
        [Claim(*parts) for parts in product("abcdef", ["triage", "other"], [None, "2026", "2020"])]
    ),
    unique_by=lambda claim: claim.dir,
)


@given(claims, st.integers())
def test_the_order_of_the_folders_does_not_matter(found: list[Claim], seed: int) -> None:
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    settled = settle_claims(shuffled, remote_names=REMOTE)
    assert settled == settle_claims(found, remote_names=REMOTE)


@given(claims)
def test_at_most_one_folder_keeps_a_live_skill(found: list[Claim]) -> None:
    standings = settle_claims(found, remote_names=REMOTE)
    keepers = [
        claim for claim in found if claim.first == "2026" and standings[claim.dir] is Standing.KEEPS
    ]
    assert len(keepers) <= 1
    assert standings.keys() == {claim.dir for claim in found}


@pytest.mark.parametrize(
    ("why", "known", "local", "remote", "renamed"),
    [
        ("nobody knows what it was called", set(), "gamma", "beta", None),
        ("the same name", {"alpha"}, "beta", "beta", None),
        ("renamed in the page", {"alpha"}, "alpha", "beta", Renamed.THERE),
        ("here and back, and in the page", {"alpha", "gamma"}, "alpha", "beta", Renamed.THERE),
        ("on both sides, committed here", {"alpha", "gamma"}, "gamma", "beta", Renamed.BOTH),
        ("renamed here, not committed", {"alpha"}, "gamma", "alpha", Renamed.HERE),
        ("renamed here, committed", {"alpha", "gamma"}, "gamma", "alpha", Renamed.HERE),
        ("renamed here twice, once published", {"alpha", "gamma"}, "delta", "gamma", Renamed.HERE),
        ("renamed on both sides", {"alpha"}, "gamma", "beta", Renamed.BOTH),
    ],
)
def test_who_renamed_a_skill(
    why: str, known: set[str], local: str, remote: str, renamed: Renamed | None
) -> None:
    assert who_renamed(known, first="alpha", local=local, remote=remote) is renamed
    unknown = who_renamed(known, first=None, local=local, remote=remote)
    assert unknown is (Renamed.BOTH if renamed is Renamed.THERE else renamed)


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ({}, []),
        ({"b": "a", "c": "b", "d": "c"}, ["d", "c", "b"]),
        ({"y": "x", "b": "a"}, ["b", "y"]),
        ({"a": "b", "b": "a", "x": "w"}, ["b", "a", "x"]),
    ],
)
def test_a_name_is_given_up_before_it_is_taken(wanted: dict[str, str], order: list[str]) -> None:
    assert rename_order(wanted) == order


@pytest.mark.parametrize(
    ("named", "is_claimed", "is_same_folder", "had_its_name", "about"),
    [
        (None, False, True, False, True),
        (None, False, False, True, True),
        (None, False, False, False, False),
        ("2025", False, True, False, False),
        ("2025", False, True, True, True),
        ("2025", False, False, True, True),
        ("2025", False, False, False, False),
        (None, True, True, True, False),
        ("2025", True, True, True, False),
    ],
)
def test_a_line_of_history_is_about_a_folder_that_nothing_else_names(
    named: str | None, is_claimed: bool, is_same_folder: bool, had_its_name: bool, about: bool
) -> None:
    """A folder that names another skill is meant only where it bore the name; one that somebody else names never."""
    found = is_about(
        named=named,
        is_claimed=is_claimed,
        is_same_folder=is_same_folder,
        had_its_name=lambda: had_its_name,
    )
    assert found is about
