"""What a git merge of two branches that both pulled has taken in (sync.md B6): examples and laws."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.pointer_merge import Taken, merge_taken
from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import rows_digest
from skillsync.model import DatasetPointer, Digest, Key, SkillPointer, Stamp

FIRST, LATER = "2026-08-01T10:00:00Z", "2026-08-02T10:00:00Z"
NOTHING = Taken()


def skill(number: int, first: str = FIRST) -> Taken:
    return Taken(SkillPointer("h/1", number, f"id-{number}", first, Digest("d")))


def g2(revision: int, dataset: str = "u") -> Taken:
    return Taken(DatasetPointer("h/1", dataset, revision, Digest("m"), 1, Digest("d")))


def g1(rows: dict[str, str], meta: str = "m", dataset: str = "u", at: str = "") -> Taken:
    bases = {Key(key): base for key, base in rows.items()}
    return Taken(
        DatasetPointer(
            "h/1",
            dataset,
            None,
            Digest(meta),
            sum(base != ABSENT for base in bases.values()),
            rows_digest((key, Digest(base)) for key, base in bases.items()),
            Stamp(at * 40, at * 32) if at else None,
        ),
        bases,
    )


def again(side: Taken) -> Taken:
    """A side on which somebody said that the archived dataset shall be made again (D5)."""
    assert isinstance(side.line, DatasetPointer)
    return replace(side, line=replace(side.line, gone=True))


@pytest.mark.parametrize(
    ("why", "ancestor", "here", "other", "expected"),
    [
        ("both pulled", skill(1), skill(2), skill(3), skill(3)),
        ("here pulled more", skill(1), skill(3), skill(2), skill(3)),
        ("a pull was reverted there", skill(3), skill(3), skill(2), skill(3)),
        ("picked onto something older", skill(3), skill(2), skill(4), skill(2)),
        ("linked on both sides", NOTHING, skill(2), skill(3), skill(3)),
        ("linked there only, for another target", NOTHING, NOTHING, skill(3), skill(3)),
        ("linked here only", NOTHING, skill(3), NOTHING, skill(3)),
        ("dropped here", skill(1), NOTHING, skill(3), NOTHING),
        ("dropped there", skill(1), skill(2), NOTHING, skill(2)),
        ("another incarnation there", skill(9), skill(9), skill(1, LATER), skill(9)),
        ("a dataset's revisions", g2(1), g2(2), g2(3), g2(3)),
        ("a dataset linked on both sides, here without a row", NOTHING, g2(0), g2(3), g2(3)),
        ("picked onto an older revision", g2(3), g2(2), g2(4), g2(2)),
        ("two datasets", g2(1), g2(2), g2(9, "v"), g2(2)),
        ("a server that learned to count", g1({}), g1({"a": "1"}), g2(3), g1({"a": "1"})),
        ("a skill's line and a dataset's", NOTHING, skill(1), g2(3), skill(1)),
        (
            "each side pulled other rows",
            g1({"a": "1", "b": "1"}),
            g1({"a": "2", "b": "1", "h": "1"}, at="a"),
            g1({"a": "1", "b": "2", "o": "1"}, at="b"),
            g1({"a": "2", "b": "2", "h": "1", "o": "1"}),
        ),
        (
            "a row that both pulled differently: less is claimed",
            g1({"a": "1"}),
            g1({"a": "2"}, at="a"),
            g1({"a": "3"}, at="b"),
            g1({"a": "2"}, at="a"),
        ),
        (
            "one side pulled all that the other did",
            g1({"a": "1"}),
            g1({"a": "2"}, at="a"),
            g1({"a": "2", "b": "1"}, at="b"),
            g1({"a": "2", "b": "1"}, at="b"),
        ),
        (
            "a row's base that went there, and its word here",
            g1({"a": "1", "b": "1"}),
            g1({"a": ABSENT, "b": "1"}),
            g1({"a": "1"}),
            g1({"a": ABSENT}),
        ),
        (
            "name and description apart from rows",
            g1({"a": "1"}, "m"),
            g1({"a": "2"}, "m"),
            g1({"a": "1"}, "n"),
            g1({"a": "2"}, "n"),
        ),
        (
            "both linked the same dataset",
            NOTHING,
            g1({"a": "1"}),
            g1({"a": "1", "b": "1"}),
            g1({"a": "1", "b": "1"}),
        ),
        (
            "linked to another one before",
            g1({"a": "2"}, dataset="v"),
            g1({"a": "1"}),
            g1({"b": "1"}),
            g1({"a": "1", "b": "1"}),
        ),
        (
            "made again, as both sides were told to",
            g1({}),
            again(g1({"a": "1"})),
            again(g1({"b": "1"})),
            again(g1({"a": "1", "b": "1"})),
        ),
        (
            "made again, as one side alone was told to: it is asked once more",
            g1({}),
            again(g1({"a": "1"})),
            g1({"b": "1"}),
            g1({"a": "1", "b": "1"}),
        ),
    ],
)
def test_what_the_result_has_taken_in(
    why: str, ancestor: Taken, here: Taken, other: Taken, expected: Taken
) -> None:
    assert merge_taken(ancestor, here, other) == expected, why


SKILLS = st.builds(skill, st.integers(1, 4)) | st.just(NOTHING)
DATASETS = st.builds(g2, st.integers(0, 4))
BASES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2", ABSENT]), max_size=4)
ROWS = st.builds(g1, BASES, st.sampled_from("mn"))
SIDES = SKILLS | DATASETS | ROWS


@given(SIDES, SIDES)
def test_one_side_alone_decides(ancestor: Taken, side: Taken) -> None:
    """merge(b, x, b) = x, merge(b, x, x) = x; and merge(b, b, y) = y, but that nothing goes backwards (B2)."""
    assert merge_taken(ancestor, side, ancestor) == side
    assert merge_taken(ancestor, side, side) == side
    assert merge_taken(ancestor, ancestor, side) in (side, ancestor)


@given(SIDES, SIDES, SIDES)
def test_nothing_is_claimed_that_neither_side_has(
    ancestor: Taken, here: Taken, other: Taken
) -> None:
    made = merge_taken(ancestor, here, other)
    if made in (here, other):
        return
    for key, base in made.rows.items():
        assert base in (here.rows.get(key), other.rows.get(key))
    line = made.line
    assert isinstance(line, DatasetPointer)
    assert line.digest == rows_digest((key, Digest(base)) for key, base in made.rows.items())
    assert line.stamp is None


@given(ROWS, ROWS, ROWS)
def test_a_row_that_only_one_side_pulled_is_taken_in(
    ancestor: Taken, here: Taken, other: Taken
) -> None:
    made = merge_taken(ancestor, here, other).rows
    for key in {*ancestor.rows, *here.rows, *other.rows}:
        old, ours, new = (side.rows.get(key) for side in (ancestor, here, other))
        if ours == new or new == old:
            assert made.get(key) == ours
        elif ours == old:
            assert made.get(key) == new
        else:
            assert made.get(key) == ours


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_a_number_never_goes_below_what_is_here(ancestor: int, here: int, other: int) -> None:
    for make in (skill, g2):
        made = merge_taken(make(ancestor), make(here), make(other)).line
        number = made.number if isinstance(made, SkillPointer) else made and made.revision
        assert number == (max(here, other) if here >= ancestor else here)


def test_a_stamp_says_nothing_about_what_was_taken_in() -> None:
    side = g1({"a": "1"}, at="a")
    assert side.line is not None
    other = Taken(replace(side.line, stamp=Stamp("b" * 40, "b" * 32)), side.rows)
    assert merge_taken(NOTHING, side, other) == side
    counted, twin = (
        Taken(DatasetPointer("h/1", "u", 2, Digest("m"), 1, Digest("d"), stamp))
        for stamp in (Stamp("a" * 40, "a" * 32), Stamp("b" * 40, "b" * 32))
    )
    assert merge_taken(g2(1), counted, twin) == counted
