"""Which pointer lines count, and how far own publishes are recognised (design.md 3, sync.md 5.3, 5.5)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.base import (
    WALK_LIMIT,
    LineEvidence,
    WalkStep,
    after_git_merge,
    dataset_predecessor,
    line_counts,
    newest,
    own_creation,
    own_walk,
    predecessor,
)
from skillsync.core.reconcile import BaseFact
from skillsync.model import Digest, SkillPointer, Stamp

FIRST = "2026-08-01T10:00:00.123456Z"
STAMP = Stamp("c" * 40, "f" * 32)


def pointer(number: int = 3, first: str = FIRST, stamp: Stamp | None = None) -> SkillPointer:
    return SkillPointer("h/1", number, f"id-{number}", first, Digest("d"), stamp)


fresh = LineEvidence(
    pointer(stamp=STAMP), committed=False, at_in_history=True, head_is_at=True, files_now_match=True
)
stray = LineEvidence(pointer(stamp=STAMP), committed=False, at_in_history=True)
edited = replace(stray, head_is_at=True, files_differ_from_head=True)


@pytest.mark.parametrize(
    ("why", "evidence", "counts"),
    [
        ("just written", fresh, True),
        ("HEAD moved on, files still match", replace(fresh, head_is_at=False), True),
        ("edited since", edited, True),
        ("edited, but the files went elsewhere", replace(edited, left_elsewhere=True), False),
        (
            "they came back by a later commit",
            replace(edited, left_elsewhere=True, later_commit_holds=True),
            True,
        ),
        ("they are here as well", replace(edited, left_elsewhere=True, files_now_match=True), True),
        ("a later commit holds the files", replace(stray, later_commit_holds=True), True),
        ("the parent was checked out", replace(fresh, at_in_history=False), False),
        ("a shallow clone cannot tell", replace(fresh, at_in_history=None), False),
        ("stashed without the pointer: files are HEAD's", replace(stray, head_is_at=True), False),
        ("its commit holds the version itself", replace(stray, at_holds_version=True), True),
        (
            "its commit holds the version, and HEAD does not have it",
            replace(stray, at_holds_version=True, at_in_history=False),
            False,
        ),
        ("edited on a later HEAD", replace(stray, files_differ_from_head=True), False),
        ("no evidence but history", stray, False),
        ("no stamp", replace(fresh, pointer=pointer()), False),
    ],
)
def test_an_uncommitted_line(why: str, evidence: LineEvidence, counts: bool) -> None:
    assert line_counts(evidence) is counts


alone = LineEvidence(
    pointer(stamp=STAMP), committed=True, intro_files_match=False, intro_changed_files=False
)

beside = replace(alone, intro_changed_files=True, left_elsewhere=True)


@pytest.mark.parametrize(
    ("why", "evidence", "counts"),
    [
        ("no stamp", LineEvidence(pointer(), committed=True), True),
        ("committed with its files", replace(alone, intro_files_match=True), True),
        ("committed with edited files", replace(alone, intro_changed_files=True), True),
        ("the files came in a later commit", replace(alone, later_commit_holds=True), True),
        ("the files are in the working tree", replace(alone, files_now_match=True), True),
        ("nothing known", LineEvidence(pointer(stamp=STAMP), committed=True), True),
        ("the pointer was committed alone", alone, False),
        ("committed with an edit of the old text", beside, False),
        ("the files were merged later", replace(beside, later_commit_holds=True), True),
        ("the files lie there as well", replace(beside, files_now_match=True), True),
    ],
)
def test_a_committed_line(why: str, evidence: LineEvidence, counts: bool) -> None:
    assert line_counts(evidence) is counts


def test_an_uncommitted_line_counts_exactly_by_the_written_rule() -> None:
    """All 96 combinations against design.md 3, word by word, and what is found elsewhere."""
    flags = (True, False)
    histories: tuple[bool | None, ...] = (True, False, None)
    for at, (here, match, differ, later, left) in product(histories, product(flags, repeat=5)):
        evidence = replace(
            stray,
            at_in_history=at,
            head_is_at=here,
            files_now_match=match,
            files_differ_from_head=differ,
            later_commit_holds=later,
            left_elsewhere=left,
        )
        files_came_along = match or (here and differ and not left) or later
        assert line_counts(evidence) is (at is True and files_came_along)


# ---------------------------------------------------------------- newest


def test_the_highest_number_of_the_current_incarnation_is_newest() -> None:
    other = pointer(9, "2027-01-01T00:00:00Z")
    assert newest([pointer(3), other, pointer(4)], FIRST) == pointer(4)
    assert newest([], FIRST) is None


def test_without_the_current_incarnation_the_latest_other_one_is_what_was_linked() -> None:
    old, later = pointer(9, "2026-01-01T00:00:00Z"), pointer(2, "2026-01-01T00:00:00.5Z")
    assert newest([old, later], None) == later
    assert newest([later, old], "2028-01-01T00:00:00Z") == later


@given(
    st.lists(st.sampled_from([pointer(*one) for one in product(range(1, 10), [FIRST, "2027Z"])]))
)
def test_the_order_of_pointers_does_not_matter(pointers: list[SkillPointer]) -> None:
    assert newest(pointers, FIRST) == newest(pointers[::-1], FIRST)


# ---------------------------------------------------------------- what was archived before


@pytest.mark.parametrize(
    ("why", "known", "confirmed", "found"),
    [
        ("it was never there", [], None, None),
        ("its line is lost", [pointer(3), pointer(4)], None, pointer(4)),
        ("somebody said so", [pointer(4)], pointer(3), None),
        ("made again and archived again since", [pointer(4), pointer(1, "2027Z")], pointer(4), pointer(1, "2027Z")),
        ("an earlier one is answered for as well", [pointer(9)], pointer(1, "2027Z"), None),
        ("a fraction of 0 is left out by the server", [pointer(1, "2027-01-01T00:00:00.5Z")], pointer(1, "2027-01-01T00:00:00Z"), pointer(1, "2027-01-01T00:00:00.5Z")),
    ],
)  # fmt: skip
def test_what_was_archived_is_made_again_only_by_a_word_about_it(
    why: str,
    known: list[SkillPointer],
    confirmed: SkillPointer | None,
    found: SkillPointer | None,
) -> None:
    """P12."""
    said = replace(confirmed, gone=True) if confirmed else None
    for lines in (known, known[::-1], [replace(line, gone=True) for line in known]):
        result = predecessor(lines, said)
        assert (result.id if result else None) == (found.id if found else None)


@pytest.mark.parametrize(
    ("why", "lines", "confirmed", "found"),
    [
        ("it was never there", "", None, None),
        ("its line is lost", "aa", None, "a"),
        ("somebody said so", "aa", "a", None),
        ("made again and archived again since", "ba", "a", "b"),
        ("the same, and the earlier word is back", "aba", "a", "b"),
        ("a line that is not committed is newer than all", "ba", "c", None),
    ],
)
def test_what_dataset_was_archived_is_told_by_the_order_of_first_lines(
    why: str, lines: str, confirmed: str | None, found: str | None
) -> None:
    """P12; ``lines`` are ids of one letter, newest first."""
    assert dataset_predecessor(lines, confirmed) == found


# ---------------------------------------------------------------- a pointer in conflict

OTHER = "2027-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("why", "ancestor", "here", "other", "result"),
    [
        ("the other side is newer", 3, 4, 5, 5),
        ("this side is newer", 3, 5, 4, 5),
        ("pulled on both sides, never before", None, 4, 5, 5),
        ("a pick of a pull whose base is not here", 4, 3, 5, 3),
        ("dropped here", 3, None, 5, None),
        ("dropped there", 3, 4, None, 4),
    ],
)
def test_a_pointer_in_conflict_is_the_newer_one_that_is_carried(
    why: str, ancestor: int | None, here: int | None, other: int | None, result: int | None
) -> None:
    stages = [None if number is None else pointer(number) for number in (ancestor, here, other)]
    found = after_git_merge(*stages)
    assert (found.number if found else None) == result


def test_of_two_lines_of_one_version_the_one_here_stays() -> None:
    here, other = pointer(4, stamp=STAMP), pointer(4)
    assert after_git_merge(pointer(3), here, other) is here


def test_numbers_of_two_incarnations_are_not_compared() -> None:
    assert after_git_merge(None, pointer(3), pointer(9, OTHER)) == pointer(3)
    assert after_git_merge(pointer(9, OTHER), pointer(3), pointer(4)) == pointer(3)


# ---------------------------------------------------------------- own_walk

start = BaseFact(3, "id-3", FIRST, Digest("d3"))


def step(number: int, *matches: int, own: bool = True, digest: str = "") -> WalkStep:
    return WalkStep(number, f"id-{number}", Digest(digest or f"d{number}"), own, matches)


@pytest.mark.parametrize(
    ("why", "later", "reached"),
    [
        ("nothing later", [], 3),
        ("own publishes in order", [step(4, 1), step(5, 2)], 5),
        ("the list is in any order", [step(5, 2), step(4, 1)], 5),
        ("the earliest commit that fits is taken", [step(4, 7, 1), step(5, 2)], 5),
        ("a foreign author stops", [step(4, 1), step(5, 2, own=False), step(6, 3)], 4),
        ("no match stops", [step(4), step(5, 2)], 3),
        ("an older commit is no match", [step(4, 5), step(5, 2)], 4),
        ("one commit is not two versions", [step(4, 1), step(5, 1)], 4),
        ("content that was there before stops", [step(4, 1), step(5, 2, digest="d3")], 4),
        ("content repeated later stops", [step(4, 1), step(5, 2, digest="d4")], 4),
        ("a missing version stops", [step(5, 1)], 3),
        ("versions up to the base are passed over", [step(2, 0), step(3, 0), step(4, 1)], 4),
    ],
)
def test_own_publishes_are_recognised(why: str, later: list[WalkStep], reached: int) -> None:
    found = own_walk(start, later)
    assert found.number == reached
    assert (found.id, found.digest) == (f"id-{reached}", f"d{reached}")
    assert found.first == FIRST


@pytest.mark.parametrize(
    ("why", "first", "is_base"),
    [
        ("made by our own account from a commit of HEAD's history", step(1, 2), True),
        ("made by somebody else, the same content", step(1, 2, own=False), False),
        ("made by our own account from another commit", step(1), False),
        ("a later version", step(2, 2), False),
    ],
)
def test_what_was_created_from_here_is_a_base(why: str, first: WalkStep, is_base: bool) -> None:
    created = BaseFact(1, "id-1", FIRST, Digest("d1")) if is_base else None
    assert own_creation(first, FIRST) == created


def test_after_a_creation_the_walk_goes_on_from_its_commit() -> None:
    """The content of version 2 was there before version 1's: it is no newer publish of ours."""
    created = own_creation(step(1, 2), FIRST)
    assert created is not None
    assert own_walk(created, [step(2, 3), step(3, 5)], after=2).number == 3
    assert own_walk(created, [step(2, 1)], after=2).number == 1
    assert own_walk(created, [step(2, 3, own=False), step(3, 5)], after=2).number == 1


def test_what_a_commit_beyond_head_went_back_to_is_no_publish_from_here() -> None:
    """A late job would publish the text that the later commit undid."""
    created = own_creation(step(1, 2), FIRST)
    assert created is not None
    assert own_creation(replace(step(1, 2), later=True), FIRST) is None
    assert own_walk(created, [step(2, 3), replace(step(3, 4), later=True)], after=2).number == 2


def test_the_walk_ends_after_fifty_versions() -> None:
    later = [step(number, number) for number in range(4, 4 + WALK_LIMIT + 5)]
    assert own_walk(start, later).number == 3 + WALK_LIMIT


DIGESTS = [Digest(f"d{number}") for number in range(3, 9)]
MATCHES = [places for count in range(4) for places in product(range(9), repeat=count)]
steps = st.lists(
    st.builds(
        lambda known, matches: WalkStep(known[0], "id", known[1], known[2], matches),
        st.sampled_from(list(product(range(2, 9), DIGESTS, [False, True]))),
        st.sampled_from(MATCHES),
    ),
    unique_by=lambda found: found.number,
)


@given(steps)
def test_the_walk_is_deterministic_and_never_passes_a_foreign_version(
    later: list[WalkStep],
) -> None:
    found = own_walk(start, later)
    assert found == own_walk(start, later[::-1])
    passed = [known for known in later if start.number < known.number <= found.number]
    assert all(known.own and known.matches for known in passed)
    assert len(passed) == found.number - start.number
    assert len({known.digest for known in passed} | {start.digest}) == len(passed) + 1
