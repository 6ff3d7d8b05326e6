"""The lines that two texts have in common: exact where that is cheap, and never more than there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.common_lines import Steps, common_lines

texts = st.lists(st.sampled_from("abc"), max_size=8)


def longest(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of a longest common subsequence, by the book."""
    best = [0] * (len(other) + 1)
    for line in one:
        row = [0]
        for at, there in enumerate(other):
            row.append(best[at] + 1 if line == there else max(row[-1], best[at + 1]))
        best = row
    return best[-1]


@given(texts, texts, st.integers(0, 60) | st.just(10_000))
def test_common_are_lines_that_both_have_in_order_and_all_of_them_unless_effort_ends(
    one: list[str], other: list[str], left: int
) -> None:
    found = common_lines(one, other, Steps(left))
    assert all(one[x] == other[y] for x, y in found)
    assert found == sorted(set(found))
    assert len({x for x, _ in found}) == len({y for _, y in found}) == len(found)
    assert len(found) <= longest(one, other)
    if left == 10_000:
        assert len(found) == longest(one, other)


def test_all_short_texts_have_a_longest_common_part() -> None:
    every = ["".join(text) for size in range(6) for text in product("ab", repeat=size)]
    every += ["abcab", "cabba", "abcbdab", "bdcaba"]
    for one, other in product(every, repeat=2):
        assert len(common_lines(one, other, Steps())) == longest(one, other), (one, other)


@pytest.mark.parametrize(
    ("why", "one", "other", "steps"),
    [
        ("alike", "abc", "abc", 0),
        ("nothing in between on one side", "ac", "abc", 0),
        ("nothing on one side", "", "abc", 0),
        ("a line for another", "axc", "ayc", 4 * (1 + 2 + 3)),
        ("a line more, and one in common", "xa", "ayy", 4 * (1 + 2 + 3 + 4) + 1),
    ],
)
def test_the_same_texts_always_take_the_same_steps(
    why: str, one: str, other: str, steps: int
) -> None:
    """Four for each diagonal that is looked at, one for each line in common: what is left decides of later merges."""
    given = Steps(1_000)
    common_lines(one, other, given)
    assert 1_000 - given.left == steps


def test_effort_is_not_at_its_end_before_nothing_is_left() -> None:
    enough = 4 * (1 + 2 + 3 + 4) + 1
    assert common_lines("xay", "zaw", Steps(enough)) == [(1, 1)]
    assert common_lines("xay", "zaw", Steps(enough - 1)) == []


def test_few_differences_cost_little_however_long_the_texts_are() -> None:
    one = [str(number) for number in range(100_000)]
    other = ["other" if number % 10_000 == 5_000 else line for number, line in enumerate(one)]
    steps = Steps()
    assert len(common_lines(one, other, steps)) == 100_000 - 10
    assert steps.left > 4_000_000


def test_what_is_too_much_to_compare_has_only_its_ends_in_common() -> None:
    """The pattern on which comparing in a naive way takes hours; here it ends, with nothing claimed."""
    one, other = ["a", "b"] * 20_000, ["a", "a", "b"] * 13_333 + ["b"]
    steps = Steps(200_000)
    assert common_lines(one, other, steps) == [(0, 0), (39_999, 39_999)]
    assert -50_000 < steps.left < 0
