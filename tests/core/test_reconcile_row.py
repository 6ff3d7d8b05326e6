"""Every row I1–I24 of sync.md 7.3, and what holds for all facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.reconcile import (
    Absence,
    FileStep,
    RowFacts,
    RowGroups,
    RowPull,
    RowPush,
    RowState,
    decide_file,
    decide_row,
    find_rekeyed,
    pair_by_content,
    removable_duplicates,
    winner,
)
from skillsync.core.row_states import ROW_TABLE
from skillsync.formats.canonical import short
from skillsync.model import Author, Digest, Key, RemoteRow, Row


def digest(letter: str) -> Digest:
    return Digest("canon:1:sha256:" + letter * 64)


B, L, R, X = digest("b"), digest("1"), digest("2"), digest("3")
KEY = Key("case-1")
DISJOINT = RowGroups(frozenset({"metadata.a"}), frozenset({"metadata.b"}))
OVERLAPPING = RowGroups(frozenset({"metadata.a"}), frozenset({"metadata.a"}))


def facts(
    base: Digest | None = None,
    local: Digest | None = None,
    remote: Digest | None = None,
    absence: Absence | None = None,
    groups: RowGroups | None = None,
    **more: bool,
) -> RowFacts:
    where = absence or (Absence.PRESENT if remote else Absence.NEVER)
    taken = None if base is None else short(base)
    made = RowFacts(KEY, taken, local, remote, base is not None, where, groups)
    return replace(made, **more)  # type: ignore[arg-type]  # the tests' keywords are the fields


P, Q = RowPush, RowPull
GONE = Absence.CONFIRMED

TABLE = [
    ("nowhere", facts(), "", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I1 local only", facts(None, L), "I1", P.CREATE, Q.NOTHING, 0, 0, ""),
    ("I2 remote only", facts(None, None, R), "I2", P.NOTHING, Q.APPEND, 0, 0, ""),
    ("I3 same key, equal", facts(None, X, X), "I3", P.NOTHING, Q.LINK, 0, 0, ""),
    ("I4 same key, different", facts(None, L, R), "I4", P.CONFLICT, Q.CONFLICT, 4, 4, "E-UNRELATED"),
    ("I5 in sync", facts(B, B, B), "I5", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I6 ahead", facts(B, L, B), "I6", P.PATCH, Q.NOTHING, 0, 0, ""),
    ("I6 remote is our own publish", facts(B, L, R, taken_in=True), "I6", P.PATCH, Q.NOTHING, 0, 0, ""),
    ("I5 both are our own publish", facts(B, R, R, taken_in=True), "I5", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I5 our own publish, no pointer yet", facts(None, R, R, taken_in=True), "I5", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I7 behind", facts(B, B, R), "I7", P.NOTHING, Q.REWRITE, 0, 0, "N-BEHIND"),
    ("I8 both changed alike", facts(B, X, X), "I8", P.NOTHING, Q.LINK, 0, 0, ""),
    ("I9 disjoint groups", facts(B, L, R, groups=DISJOINT), "I9", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("I10 one group on both sides", facts(B, L, R, groups=OVERLAPPING), "I10", P.BLOCK, Q.CONFLICT, 3, 4, "E-CONFLICT"),
    ("I10 base content unknown", facts(B, L, R), "I10", P.BLOCK, Q.CONFLICT, 3, 4, "E-CONFLICT"),
    ("I11 line removed", facts(B, None, B), "I11", P.PENDING_REMOVAL, Q.NOTHING, 0, 0, "N-PENDING-REMOVAL"),
    ("I11 line removed after our own publish", facts(B, None, R, taken_in=True), "I11", P.PENDING_REMOVAL, Q.NOTHING, 0, 0, "N-PENDING-REMOVAL"),
    ("I12 line removed, edited remotely", facts(B, None, R), "I12", P.CONFLICT, Q.CONFLICT, 4, 4, "E-DELETED-BUT-EDITED"),
    ("I12 without a pointer, from history", facts(None, None, R, was_in_base=True), "I12", P.CONFLICT, Q.CONFLICT, 4, 4, "E-DELETED-BUT-EDITED"),
    ("I6 of an older commit", facts(B, L, B, superseded=True), "I6", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("I1 of an older commit", facts(None, L, superseded=True), "I1", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("I4 of an older commit", facts(None, L, R, superseded=True), "I4", P.NOTHING, Q.CONFLICT, 0, 4, "N-SUPERSEDED"),
    ("I11 of an older commit", facts(B, None, B, superseded=True), "I11", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("I5 of an older commit", facts(B, B, B, superseded=True), "I5", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I13 archived remotely", facts(B, B, None, GONE), "I13", P.NOTHING, Q.REMOVE, 0, 0, "N-ARCHIVED"),
    ("I14 edited, archived remotely", facts(B, L, None, GONE), "I14", P.CONFLICT, Q.CONFLICT, 4, 4, "E-EDITED-BUT-ARCHIVED"),
    ("I14 a key that was in an older base is not created again", facts(None, L, was_in_base=True), "I14", P.CONFLICT, Q.CONFLICT, 4, 4, "E-EDITED-BUT-ARCHIVED"),
    ("I15 gone on both sides", facts(B, None, None, GONE), "I15", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I16 archived and restored, equal", facts(B, B, B), "I5", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("I16 archived and restored, edited", facts(B, B, R), "I7", P.NOTHING, Q.REWRITE, 0, 0, "N-BEHIND"),
    ("I17 erased", facts(B, B, None, GONE, hard_deleted=True), "I17", P.ERROR, Q.ERROR, 1, 1, "E-ERASED"),
    ("I17 erased, edited", facts(B, L, None, GONE, hard_deleted=True), "I17", P.ERROR, Q.ERROR, 1, 1, "E-ERASED"),
    ("I18 the old key", facts(B, None, B), "I11", P.PENDING_REMOVAL, Q.NOTHING, 0, 0, "N-PENDING-REMOVAL"),
    ("I18 the new key", facts(None, B), "I1", P.CREATE, Q.NOTHING, 0, 0, ""),
    ("I21 pull shows the winner", facts(None, None, R, duplicates=True), "I21", P.CONFLICT, Q.APPEND, 4, 0, "E-DUPLICATE-KEY"),
    ("I21 push patches neither", facts(B, L, B, duplicates=True), "I21", P.CONFLICT, Q.NOTHING, 4, 0, "E-DUPLICATE-KEY"),
    ("S25 no answer", facts(B, L, None, Absence.UNREACHABLE), "S25", P.STOP_TARGET, Q.STOP_TARGET, 75, 75, "E-UNREACHABLE"),
    ("S25 unconfirmed", facts(B, B, None, Absence.UNCONFIRMED), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 a listing can skip a row", facts(B, B), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 a skipped row is not forgotten", facts(B, None), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 no creation after an incomplete listing", facts(None, L, None, Absence.UNCONFIRMED), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_facts", "row", "push", "pull", "push_exit", "pull_exit", "code"),
    [pytest.param(*case[1:], id=case[0]) for case in TABLE],
)
def test_each_row_does_what_the_table_says(
    given_facts: RowFacts,
    row: str,
    push: RowPush,
    pull: RowPull,
    push_exit: int,
    pull_exit: int,
    code: str,
) -> None:
    verdict = decide_row(given_facts)
    assert (verdict.row, verdict.push, verdict.pull) == (row, push, pull)
    assert (verdict.push_exit, verdict.pull_exit, verdict.code) == (push_exit, pull_exit, code)


RESOLVE = "skillsync resolve {name}:case-1 --local or --remote"
SAYS = {
    "": (RowState.NOTHING, ""),
    "I1": (RowState.LOCAL_ONLY, ""),
    "I2": (RowState.REMOTE_ONLY, "skillsync pull {name}"),
    "I3": (RowState.SAME_UNLINKED, ""),
    "I4": (RowState.UNRELATED, RESOLVE),
    "I5": (RowState.IN_SYNC, ""),
    "I6": (RowState.AHEAD, ""),
    "I7": (RowState.BEHIND, "skillsync pull {name}"),
    "I8": (RowState.BOTH_EQUAL, ""),
    "I9": (RowState.MERGEABLE, "skillsync pull {name}"),
    "I10": (RowState.DIVERGED, RESOLVE),
    "I11": (RowState.DELETED_LOCALLY, "skillsync push --archive {name}:case-1"),
    "I12": (RowState.DELETED_BUT_EDITED, RESOLVE),
    "I13": (RowState.ARCHIVED, "skillsync pull {name}"),
    "I14": (RowState.EDITED_BUT_ARCHIVED, RESOLVE),
    "I15": (RowState.BOTH_GONE, ""),
    "I17": (RowState.HARD_DELETED, RESOLVE),
    "I21": (RowState.DUPLICATED, "remove one of the items with the key case-1 in the web page, then skillsync pull {name}"),
    "S25": (RowState.UNREACHABLE, "run the command again later"),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=[case[0] for case in TABLE])
def test_each_row_names_its_state_and_what_to_do_next(
    case: tuple[str, RowFacts, str, RowPush, RowPull, int, int, str],
) -> None:
    _, given_facts, row, *_, code = case
    state, fix = SAYS[row]
    verdict = decide_row(given_facts)
    assert (verdict.state, verdict.fix) == (state, "" if code == "N-SUPERSEDED" else fix)


def test_content_that_was_moved_back_is_taken_in_by_a_pull_first() -> None:
    """B5: that the remote has the base's content again does not say that the edit between was meant to go."""
    ahead = facts(B, L, B)
    verdict = decide_row(replace(ahead, moved_back=True))
    plain = decide_row(ahead)
    assert verdict == replace(
        plain,
        push=P.BLOCK,
        pull=Q.LINK,
        push_exit=3,
        code="E-REMOTE-AHEAD",
        fix="skillsync pull {name}",
    )
    assert decide_row(replace(facts(B, B, R), moved_back=True)) == decide_row(facts(B, B, R))


def test_what_may_be_an_edit_of_our_own_publish_is_not_replaced() -> None:
    """B4: the line is the base's, and the remote row may be what it was made from: no candidate says the same."""
    doubtful = decide_row(replace(facts(B, B, R), in_doubt=True))
    assert (doubtful.state, doubtful.push, doubtful.pull) == (
        RowState.DIVERGED,
        P.BLOCK,
        Q.CONFLICT,
    )
    for other in (facts(B, L, R), facts(B, B, B), facts(B, None, R)):
        assert decide_row(replace(other, in_doubt=True)) == decide_row(other)


def test_every_state_is_reached() -> None:
    assert ROW_TABLE.keys() | {RowState.DUPLICATED} == set(RowState)
    assert {decide_row(case[1]).state for case in TABLE} == set(RowState)


def test_the_fix_names_the_key_and_leaves_the_dataset_to_the_caller() -> None:
    assert decide_row(facts(B, None, B)).fix == "skillsync push --archive {name}:case-1"


def test_rows_of_which_the_same_is_to_be_said_share_what_is_said() -> None:
    """A dataset may have a million of them."""
    assert decide_row(facts(B, B, R)) is decide_row(facts(B, B, X))


def test_a_key_with_braces_is_only_text() -> None:
    odd = replace(facts(B, None, B), key=Key("{name}{0}"))
    assert decide_row(odd).fix.endswith(":{name}{0}")


def test_facts_that_contradict_themselves_are_refused() -> None:
    for impossible in ({"remote": R}, {"absence": Absence.PRESENT}):
        with pytest.raises(
            ValueError, match=r"^a row is present exactly if it has remote content$"
        ):
            RowFacts(KEY, **impossible)


@pytest.mark.parametrize(
    ("readable", "twice", "keyless", "solo", "row", "push", "pull", "exits", "code", "fix"),
    [
        (True, False, 0, True, "", FileStep.GO_ON, FileStep.GO_ON, (0, 0), "", ""),
        (False, False, 0, True, "I20", FileStep.REFUSE, FileStep.REFUSE, (1, 1), "E-INVALID", "skillsync lint {name}"),
        (True, True, 3, True, "I19", FileStep.REFUSE, FileStep.REFUSE, (1, 1), "E-DUPLICATE-KEY", "skillsync lint {name}"),
        (True, False, 3, True, "I22", FileStep.ASSIGN_KEYS, FileStep.GO_ON, (0, 0), "", ""),
        (True, False, 3, False, "I22", FileStep.REFUSE, FileStep.GO_ON, (5, 0), "E-NO-KEY", "skillsync fmt {name}"),
    ],
)  # fmt: skip
def test_the_file_as_a_whole(
    readable: bool,
    twice: bool,
    keyless: int,
    solo: bool,
    row: str,
    push: FileStep,
    pull: FileStep,
    exits: tuple[int, int],
    code: str,
    fix: str,
) -> None:
    """I19, I20, I22: unreadable or ambiguous files are refused whole; id-less lines only by a team's push."""
    verdict = decide_file(readable=readable, has_duplicate_keys=twice, keyless=keyless, solo=solo)
    assert (verdict.row, verdict.push, verdict.pull) == (row, push, pull)
    assert (verdict.push_exit, verdict.pull_exit) == exits
    assert (verdict.code, verdict.fix) == (code, fix)


# ---------------------------------------------------------------- I21, I18


def item(name: str, created_at: str, author: int | None = 1) -> RemoteRow:
    return RemoteRow(
        name, "data", Row(KEY, {}), created_at, created_at, Author(author, "A"), own_key=True
    )


def test_the_oldest_item_wins_and_the_id_breaks_the_tie() -> None:
    first, second = item("b", "2026-01-01T00:00:00Z"), item("a", "2026-01-01T00:00:00.000001Z")
    tied = item("a", "2026-01-01T00:00:00Z")
    assert winner([second, first]) is first
    assert winner([first, second, tied]) is tied


def test_only_equal_copies_of_our_own_making_may_be_removed() -> None:
    first, copy = item("a", "2026-01-01T00:00:00Z", 9), item("b", "2026-01-02T00:00:00Z", 1)
    foreign = item("c", "2026-01-03T00:00:00Z", 9)
    assert removable_duplicates([], own_ids={1}) == ()
    assert removable_duplicates([(first, B)], own_ids={1}) == ()
    assert removable_duplicates([(copy, B), (first, B)], own_ids={1}) == (copy,)
    assert removable_duplicates([(copy, L), (first, B)], own_ids={1}) is None
    assert removable_duplicates([(first, B), (copy, B), (foreign, B)], own_ids={1}) is None


def test_a_new_key_for_equal_content_is_recognised_only_one_to_one() -> None:
    a, b, c = Key("a"), Key("b"), Key("c")
    assert find_rekeyed({a: B}, {b: B}) == ((a, b),)
    assert find_rekeyed({a: B}, {b: L}) == ()
    assert find_rekeyed({a: B}, {b: B, c: B}) == ()
    assert find_rekeyed({a: B, c: B}, {b: B}) == ()


def test_rows_pair_by_content_one_to_one_where_no_key_does() -> None:
    a, b, c, x, y = (Key(letter) for letter in "abcxy")
    assert pair_by_content({a: "1", b: "1", c: "2"}, {x: "1", y: "1"}) == {a: x, b: y}
    assert pair_by_content({a: "1", b: "1"}, {x: "1"}) == {a: x}
    assert pair_by_content({a: "1", b: "1"}, {a: "2", x: "1"}) == {b: x}
    assert pair_by_content({a: "1"}, {a: "1", x: "1"}) == {}


# ---------------------------------------------------------------- for all facts

digests = st.none() | st.sampled_from([B, L, R])


@st.composite
def all_facts(draw: st.DrawFn) -> RowFacts:
    remote, base = draw(digests), draw(digests)
    absences = (
        [Absence.PRESENT]
        if remote
        else [Absence.CONFIRMED, Absence.NEVER, Absence.UNCONFIRMED, Absence.UNREACHABLE]
    )
    return RowFacts(
        KEY,
        None if base is None else short(base),
        draw(digests),
        remote,
        base is not None or draw(st.booleans()),
        draw(st.sampled_from(absences)),
        draw(st.sampled_from([None, DISJOINT, OVERLAPPING])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def what_a_later_commit_decided_is_not_sent(given_facts: RowFacts) -> None:
    if given_facts.superseded:
        assert decide_row(given_facts).push is P.NOTHING


def patch_only_over_what_was_taken_in(given_facts: RowFacts) -> None:
    if decide_row(given_facts).push is P.PATCH:
        assert given_facts.remote is not None
        assert given_facts.taken_in or short(given_facts.remote) == given_facts.base
        assert not given_facts.duplicates
        assert not given_facts.moved_back


def create_only_what_was_never_in_the_base(given_facts: RowFacts) -> None:
    if decide_row(given_facts).push is P.CREATE:
        assert not given_facts.was_in_base
        assert given_facts.remote is None
        assert given_facts.absence in {Absence.NEVER, Absence.CONFIRMED}


def a_local_line_goes_or_is_replaced_only_if_it_is_the_base(given_facts: RowFacts) -> None:
    verdict = decide_row(given_facts)
    if verdict.pull in {Q.REMOVE, Q.REWRITE}:
        assert given_facts.local is not None
        assert short(given_facts.local) == given_facts.base
    if verdict.pull is Q.REWRITE:
        assert not given_facts.in_doubt
    if verdict.pull is Q.REMOVE:
        assert given_facts.absence is Absence.CONFIRMED


def exit_codes_belong_to_the_steps(given_facts: RowFacts) -> None:
    verdict = decide_row(given_facts)
    codes = {"block": {3}, "conflict": {4}, "error": {1}, "stop target": {75}}
    assert verdict.push_exit in codes.get(verdict.push, {0})
    assert verdict.pull_exit in codes.get(verdict.pull, {0})


LAWS = (
    what_a_later_commit_decided_is_not_sent,
    patch_only_over_what_was_taken_in,
    create_only_what_was_never_in_the_base,
    a_local_line_goes_or_is_replaced_only_if_it_is_the_base,
    exit_codes_belong_to_the_steps,
)


@given(all_facts())
def test_every_law_of_deciding_holds(given_facts: RowFacts) -> None:
    for law in LAWS:
        law(given_facts)
