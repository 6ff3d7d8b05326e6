"""Too many removals, or a side that is suddenly empty, stop a plan before it starts (design.md 6)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.safety import (
    UNCHANGED,
    Removals,
    RowRemovals,
    check_dataset_listing,
    check_items_file,
    check_listing,
    check_removals,
)
from skillsync.errors import RefusedForSafety


@pytest.mark.parametrize(
    ("removed", "total", "too_many"),
    [
        (0, 0, False),
        (0, 10, False),
        (1, 10, False),
        (9, 10, False),
        (10, 10, True),
        (1, 1, True),
        (20, 21, False),
        (21, 209, True),
        (21, 210, False),
        (21, 211, False),
        (100, 1_000, False),
        (101, 1_000, True),
    ],
)
def test_the_ceiling_of_rows(removed: int, total: int, too_many: bool) -> None:
    """More than 20 rows *and* more than 10 % of a dataset, or all of its rows."""
    assert RowRemovals(removed, total).is_too_many is too_many
    plan = Removals(rows={"cases": RowRemovals(removed, total)})
    if too_many:
        with pytest.raises(RefusedForSafety, match=f"{removed} of {total} rows of cases"):
            check_removals(plan)
        check_removals(plan, max_removals=removed)
    else:
        check_removals(plan)


def test_the_ceiling_of_skills() -> None:
    check_removals(Removals(skills=5))
    with pytest.raises(RefusedForSafety, match="remove 6 skills") as refused:
        check_removals(Removals(skills=6))
    assert refused.value.exit_code == 6
    assert "--max-removals 6" in refused.value.hint
    assert refused.value.unchanged


def test_only_the_exact_count_of_all_removals_lets_a_plan_through() -> None:
    removals = Removals(skills=6, rows={"cases": RowRemovals(3, 100), "other": RowRemovals(4, 4)})
    for wrong in (None, 0, 6, 12, 14, 1_000):
        with pytest.raises(RefusedForSafety, match="13 in all"):
            check_removals(removals, max_removals=wrong)
    check_removals(removals, max_removals=13)


@given(st.integers(0, 10), st.integers(0, 300), st.integers(0, 300), st.none() | st.integers(0, 20))
def test_a_plan_above_the_ceiling_never_passes_without_its_count(
    skills: int, removed: int, total: int, named: int | None
) -> None:
    """P11."""
    removed = min(removed, total)
    removals = Removals(skills=skills, rows={"cases": RowRemovals(removed, total)})
    with suppress(RefusedForSafety):
        check_removals(removals, max_removals=named)
        assert named == skills + removed or (
            skills <= 5
            and (removed <= 20 or removed <= total / 10)
            and (removed < total or not removed)
        )


def test_a_remote_that_lists_none_of_the_linked_skills_stops() -> None:
    with pytest.raises(RefusedForSafety, match="none of the 4 linked skills"):
        check_listing(linked=4, present=0, absent=4)
    check_listing(linked=4, present=1, absent=3)
    check_listing(linked=1, present=0, absent=1)
    check_listing(linked=4, present=0, absent=4, max_removals=4)


def test_a_dataset_that_lists_none_of_its_rows_stops() -> None:
    with pytest.raises(RefusedForSafety, match="had 150") as refused:
        check_dataset_listing("cases", base_rows=150, remote_rows=0)
    assert refused.value.subject == "cases"
    check_dataset_listing("cases", base_rows=150, remote_rows=1)
    check_dataset_listing("cases", base_rows=0, remote_rows=0)
    check_dataset_listing("cases", base_rows=150, remote_rows=0, max_removals=150)
    check_dataset_listing("cases", base_rows=150, remote_rows=0, removals=0)
    with pytest.raises(RefusedForSafety) as refused:
        check_dataset_listing("cases", base_rows=150, remote_rows=0, removals=149, max_removals=150)
    assert "--max-removals 149" in refused.value.hint


def test_an_emptied_or_missing_items_file_stops() -> None:
    with pytest.raises(RefusedForSafety, match="is empty"):
        check_items_file("cases", base_rows=3, local_rows=0)
    with pytest.raises(RefusedForSafety, match="is missing") as refused:
        check_items_file("cases", base_rows=3, local_rows=None)
    assert "--max-removals 3" in refused.value.hint
    check_items_file("cases", base_rows=3, local_rows=1)
    check_items_file("cases", base_rows=0, local_rows=None)
    check_items_file("cases", base_rows=3, local_rows=0, max_removals=3)


@pytest.mark.parametrize(
    ("check", "message", "subject", "hint"),
    [
        (
            lambda: check_removals(Removals(6, {"b": RowRemovals(3, 3), "a": RowRemovals(30, 40)})),
            (
                "the plan would remove 6 skills (at most 5 at once); 30 of 40 rows of a (75 %); "
                "3 of 3 rows of b (100 %): 39 in all"
            ),
            "",
            "if this is meant: the same command with --max-removals 39",
        ),
        (
            lambda: check_removals(Removals(rows={"a": RowRemovals(2, 0)}), max_removals=1),
            (
                "the plan would remove 2 of 0 rows of a (all): 2 in all, "
                "and --max-removals 1 is not that count"
            ),
            "",
            "if this is meant: the same command with --max-removals 2",
        ),
        (
            lambda: check_listing(linked=2, present=0, absent=2),
            (
                "the target lists none of the 2 linked skills: "
                "that is how a lost permission or a wrong project looks"
            ),
            "",
            (
                "skillsync status -v shows project and key; "
                "if they are really gone: skillsync pull --max-removals 2"
            ),
        ),
        (
            lambda: check_dataset_listing("cases", base_rows=3, remote_rows=0),
            "the target lists no rows of a dataset that had 3",
            "cases",
            (
                "look at it in the web page; "
                "if they are really gone: skillsync pull cases --max-removals 3"
            ),
        ),
        (
            lambda: check_items_file("cases", base_rows=3, local_rows=0),
            "items.jsonl is empty, and the dataset had 3 rows when it was last in sync",
            "cases",
            (
                "git restore items.jsonl in the folder of cases; "
                "if all rows shall go: the same command with --max-removals 3"
            ),
        ),
        (
            lambda: check_items_file("cases", base_rows=3, local_rows=None),
            "items.jsonl is missing, and the dataset had 3 rows when it was last in sync",
            "cases",
            (
                "git restore items.jsonl in the folder of cases; "
                "if all rows shall go: the same command with --max-removals 3"
            ),
        ),
    ],
)
def test_a_refusal_quotes_the_numbers_and_names_the_override(
    check: Callable[[], None], message: str, subject: str, hint: str
) -> None:
    with pytest.raises(RefusedForSafety) as refused:
        check()
    assert (refused.value.message, refused.value.subject) == (message, subject)
    assert (refused.value.hint, refused.value.unchanged) == (hint, UNCHANGED)


def test_one_linked_skill_that_is_gone_is_no_lost_permission() -> None:
    """Two that are absent are; and of many linked ones a single absent one is not."""
    check_listing(linked=1, present=0, absent=1)
    check_listing(linked=2, present=0, absent=1)
    check_listing(linked=2, present=1, absent=2)
    check_listing(linked=1, present=0, absent=2)
    for linked, absent in ((2, 2), (3, 2)):
        with pytest.raises(RefusedForSafety):
            check_listing(linked=linked, present=0, absent=absent)
