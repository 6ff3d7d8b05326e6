"""A pointer never moves backwards against the publish branch (sync.md B2), line by line and target by target."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.pointer_moves import (
    MoveKind,
    PlacedLine,
    pointer_moves,
    worst_moves,
)
from skillsync.model import DatasetPointer, Digest, Pointer, SkillPointer, Stamp

A, B, SET = "skills/a/.skillsync", "skills/b/.skillsync", "datasets/d/.skillsync"
OLD, NEW = "2026-08-01T10:00:00Z", "2026-08-01T10:00:00.5Z"
EARLIER = Stamp("a" * 40, "1" * 32)
LATER = Stamp("b" * 40, "1" * 32)


def skill(
    number: int,
    path: str = A,
    *,
    id: str = "",  # noqa: A002  # as it is called
    first: str = OLD,
    place: str = "h/1",
) -> PlacedLine:
    pointer = SkillPointer(place, number, id or f"id-{number}", first, Digest("d"))
    return PlacedLine(path, 1, pointer)


def rows(
    revision: int | None,
    path: str = SET,
    *,
    dataset: str = "u",
    digest: str = "d",
    stamp: Stamp | None = None,
) -> PlacedLine:
    pointer = DatasetPointer("h/1", dataset, revision, Digest("m"), 5, Digest(digest), stamp)
    return PlacedLine(path, 1, pointer)


def kinds(
    base: Sequence[PlacedLine],
    head: Sequence[PlacedLine],
    *,
    objects: set[str] | None = None,
    earlier: Sequence[Pointer] = (),
) -> list[str]:
    moves = pointer_moves(
        base,
        head,
        objects={A, B, SET} if objects is None else objects,
        places={"h/1", "h/2"},
        earlier=earlier,
    )
    return [str(move.kind) for move in moves]


@pytest.mark.parametrize(
    ("why", "base", "head", "expected"),
    [
        ("nothing anywhere", [], [], []),
        ("as it was", [skill(3)], [skill(3)], []),
        ("a pull", [skill(3)], [skill(7)], ["forward"]),
        ("a new skill", [], [skill(1)], ["added"]),
        ("a pull was reverted with its pointer", [skill(7)], [skill(3)], ["back"]),
        ("another version 3", [skill(3)], [skill(3, id="x")], ["replaced"]),
        ("the line is gone, the skill is not", [skill(3)], [], ["removed"]),
        ("archived, created again, pulled", [skill(9)], [skill(1, first=NEW)], ["forward"]),
        ("back to the archived one", [skill(1, first=NEW)], [skill(9)], ["back"]),
        ("a fraction of nothing is older", [skill(1, first=NEW)], [skill(2, first=OLD)], ["back"]),
        ("the folder moved along", [skill(3)], [skill(3, B)], ["forward"]),
        ("the folder moved and the pointer went back", [skill(3)], [skill(2, B)], ["back"]),
        ("a copy", [skill(3)], [skill(3), skill(3, B)], ["added"]),
        ("a copy with an older pointer", [skill(3)], [skill(3), skill(2, B)], ["added"]),
        (
            "two skills changed folders",
            [skill(3), skill(5, B, first=NEW)],
            [skill(3, B), skill(5, A, first=NEW)],
            ["forward", "forward"],
        ),
        (
            "moved and copied: the newest stands for it",
            [skill(3)],
            [skill(4, B), skill(2, "skills/c/.skillsync")],
            ["added", "forward"],
        ),
        (
            "moved, and added for another target: the line of the same target stands for it",
            [skill(3)],
            [skill(2, B), skill(9, "skills/c/.skillsync", place="h/2")],
            ["added", "back"],
        ),
        ("the host was corrected", [skill(3)], [skill(4, place="h/2")], ["forward"]),
        ("corrected, and back", [skill(3)], [skill(2, place="h/2")], ["back"]),
        (
            "each target alone",
            [skill(3), skill(5, place="h/2")],
            [skill(4), skill(4, place="h/2")],
            ["forward", "back"],
        ),
        (
            "another target's line of the same version stands for no other",
            [skill(3), skill(3, place="h/2")],
            [skill(3, place="h/2")],
            ["removed"],
        ),
        ("a target that is no more", [skill(3, place="old/1")], [], ["deleted"]),
        ("a dataset's next revision", [rows(4)], [rows(5)], ["forward"]),
        ("its revision before", [rows(5)], [rows(4)], ["back"]),
        ("the same revision, corrected", [rows(5)], [rows(5, digest="e")], ["forward"]),
        ("a server that learned to count", [rows(None)], [rows(1)], ["forward"]),
        ("linked to another dataset", [rows(5)], [rows(1, dataset="v")], ["forward"]),
        ("a dataset's line is gone", [rows(None)], [], ["removed"]),
        ("a skill's line where a dataset's was", [rows(5)], [skill(3, SET)], ["added", "removed"]),
    ],
)
def test_what_became_of_a_line(
    why: str, base: list[PlacedLine], head: list[PlacedLine], expected: list[str]
) -> None:
    assert sorted(kinds(base, head)) == sorted(expected), why


@pytest.mark.parametrize("line", [skill(3), rows(None), rows(7)])
def test_a_line_may_go_with_its_object(line: PlacedLine) -> None:
    assert kinds([line], [], objects=set()) == ["deleted"]


def test_without_revisions_only_a_line_that_was_there_before_is_older() -> None:
    """A pull that finds the content of before writes another stamp; a revert brings back the very line."""
    first = rows(None, digest="1", stamp=EARLIER)
    second = rows(None, digest="2", stamp=LATER)
    again = rows(None, digest="1", stamp=LATER)
    history = [first.pointer, second.pointer]
    assert kinds([first], [second], earlier=history[:1]) == ["forward"]
    assert kinds([second], [first], earlier=history) == ["back"]
    assert kinds([second], [again], earlier=history) == ["forward"]
    other = rows(None, dataset="v", stamp=LATER)
    assert kinds([other], [first], earlier=[*history, other.pointer]) == ["back"]


def test_of_several_merge_bases_the_one_that_refuses_decides() -> None:
    def moves(number: int) -> list[object]:
        return list(
            pointer_moves([skill(number)], [skill(3)], objects={A}, places={"h/1"}, earlier=())
        )

    found = worst_moves({"c1": moves(2), "c2": moves(4), "c3": moves(3)})  # type: ignore[dict-item]
    assert [(commit, move.kind) for commit, move in found] == [("c2", MoveKind.BACK)]


@pytest.mark.parametrize(
    ("why", "numbers", "decides", "kind"),
    [
        ("a refused move is not hidden by a later one", (2, 4, 2), "c2", MoveKind.BACK),
        ("of two refused the first is told", (4, 5), "c1", MoveKind.BACK),
        ("of two that are not, too", (1, 2), "c1", MoveKind.FORWARD),
    ],
)
def test_one_move_is_told_of_each_line(
    why: str, numbers: tuple[int, ...], decides: str, kind: MoveKind
) -> None:
    found = {
        f"c{at}": pointer_moves(
            [skill(number)], [skill(3)], objects={A}, places={"h/1"}, earlier=()
        )
        for at, number in enumerate(numbers, 1)
    }
    assert [(commit, move.kind) for commit, move in worst_moves(found)] == [(decides, kind)], why


def test_a_line_that_counts_is_newer_than_one_that_counts_nothing() -> None:
    head = [rows(None, "datasets/z/.skillsync"), rows(1, "datasets/a/.skillsync")]
    moves = pointer_moves([rows(1)], head, objects=set(), places={"h/1"})
    followed = [move.after for move in moves if move.before and move.after]
    assert followed == [head[1]]


def test_lines_that_are_gone_are_told_by_where_they_stood() -> None:
    base, head = [skill(3, B), skill(3, first=NEW)], [rows(1)]
    found = worst_moves(
        {"c1": pointer_moves(base, head, objects={A, B}, places={"h/1"}, earlier=())}
    )
    assert [(commit, move.kind) for commit, move in found] == [
        ("c1", MoveKind.ADDED),
        ("c1", MoveKind.REMOVED),
        ("c1", MoveKind.REMOVED),
    ]
    lines = [move.after or move.before for _, move in found]
    assert [line and line.path for line in lines] == [SET, A, B]


LINES = st.sampled_from(
    [
        skill(number, path, first=first, place=place)
        for number in range(1, 5)
        for path in (A, B, "skills/c/.skillsync")
        for first in (OLD, NEW)
        for place in ("h/1", "h/2")
    ]
)
TREES = st.lists(LINES, max_size=6, unique_by=lambda line: line.at)


@given(TREES)
def test_the_same_tree_moves_nothing(tree: list[PlacedLine]) -> None:
    assert kinds(tree, tree) == []


@given(TREES, TREES, st.integers(0, 2**16))
def test_the_order_of_lines_says_nothing(
    base: list[PlacedLine], head: list[PlacedLine], seed: int
) -> None:
    expected, chance = kinds(base, head), Random(seed)
    chance.shuffle(base)
    chance.shuffle(head)
    assert kinds(base, head) == expected


@given(TREES, TREES)
def test_every_line_of_both_sides_is_accounted_for_once(
    base: list[PlacedLine], head: list[PlacedLine]
) -> None:
    moves = pointer_moves(base, head, objects={A, B}, places={"h/1", "h/2"})
    befores = [move.before.at for move in moves if move.before]
    assert len(befores) == len(set(befores))
    stayed = {line.at for line in base} - set(befores)
    same = {line.at: line.pointer for line in head}
    assert all(same[line.at] == line.pointer for line in base if line.at in stayed)
    named = {move.after.at for move in moves if move.after}
    assert {line.at for line in head} == named | stayed


@given(LINES, LINES)
def test_what_is_forward_one_way_is_refused_the_other(one: PlacedLine, other: PlacedLine) -> None:
    """For one line of one skill at one place: an order without a tie but of the same version."""
    other = PlacedLine(one.path, 1, SkillPointer(one.pointer.place, *_version(other)))
    there, back = kinds([one], [other]), kinds([other], [one])
    if one.pointer == other.pointer:
        assert there == back == []
    else:
        assert sorted([*there, *back]) == ["back", "forward"]


def _version(line: PlacedLine) -> tuple[int, str, str, Digest]:
    pointer = line.pointer
    assert isinstance(pointer, SkillPointer)
    return pointer.number, pointer.id, pointer.first, pointer.digest
