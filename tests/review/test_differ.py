"""Differences: complete, in order, and bounded whatever the input."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from skillsync.review.differ import counts, diff, hunks, word_runs

_LINES = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=14)


@given(before=_LINES, after=_LINES)
def test_blocks_cover_both_sides_and_equal_ones_are_equal(
    before: list[str], after: list[str]
) -> None:
    b = a = 0
    for block in diff(before, after):
        assert (block.b1, block.a1) == (b, a)
        if block.same:
            assert before[block.b1 : block.b2] == after[block.a1 : block.a2] != []
        b, a = block.b2, block.a2
    assert (b, a) == (len(before), len(after))


@given(before=_LINES, after=_LINES)
def test_hunks_hold_every_line_that_differs_once_with_its_number(
    before: list[str], after: list[str]
) -> None:
    found = hunks(before, after)
    lines = [line for hunk in found for line in hunk.lines]
    for line in lines:
        assert line.before is None or before[line.before - 1] == line.text
        assert line.after is None or after[line.after - 1] == line.text
    assert len({line.before for line in lines if line.before}) == sum(
        line.before is not None for line in lines
    )
    added, removed = counts(found)
    assert len(before) - removed == len(after) - added


@given(before=st.text("ab \n.", max_size=30), after=st.text("ab \n.", max_size=30))
def test_words_make_up_both_texts(before: str, after: str) -> None:
    runs = word_runs(before, after)
    assert "".join(run.text for run in runs if run.op != "+") == before
    assert "".join(run.text for run in runs if run.op != "-") == after


def test_far_apart_changes_are_hunks_of_their_own_with_three_lines_around() -> None:
    before = [str(number) for number in range(40)]
    after = ["x" if number in {5, 30} else str(number) for number in range(40)]
    found = hunks(before, after)
    assert [len(hunk.lines) for hunk in found] == [8, 8]
    assert [line.text for line in found[0].lines] == ["2", "3", "4", "5", "x", "6", "7", "8"]


def test_hostile_texts_take_less_than_two_seconds_each() -> None:
    rng = random.Random(1)
    words = [rng.choice(["foo", "bar", "the", "a"]) for _ in range(14_000)]
    edited = list(words)
    for at in rng.sample(range(14_000), 400):
        edited[at] = f"edit{at}"
    near = [f"nearly the same line {number % 50} and more of it" for number in range(20_000)]
    other = [f"nearly the same line {number * 7 % 50} and more of it" for number in range(20_000)]
    cases: list[Callable[[], object]] = [
        lambda: word_runs(" ".join(words), " ".join(edited)),
        lambda: hunks([""] * 100_000, [""] * 50_000 + ["x"] + [""] * 49_000),
        lambda: hunks(near, other),
        lambda: word_runs("A" * 1_000_000, "B" * 1_000_000),
    ]
    for case in cases:
        start = time.process_time()
        assert case()
        assert time.process_time() - start < 2
