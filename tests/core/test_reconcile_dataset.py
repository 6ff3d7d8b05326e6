"""Every row D1–D6 of sync.md 7.3."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.reconcile import (
    Absence,
    Candidate,
    DatasetFacts,
    DatasetPull,
    DatasetPush,
    FolderState,
    decide_dataset,
)
from skillsync.model import Digest

B, L, R = Digest("digest of B"), Digest("digest of L"), Digest("digest of R")
CLEAN, CHANGED, MISSING = FolderState.CLEAN, FolderState.CHANGED, FolderState.MISSING
OURS, FOREIGN = Candidate("id-ours", ours=True), Candidate("id-foreign", ours=False)
P, Q = DatasetPush, DatasetPull


def linked(
    folder: FolderState, absence: Absence = Absence.PRESENT, infos: tuple[Digest, ...] = (B, B, B)
) -> DatasetFacts:
    made = DatasetFacts("cases", folder, linked=True, absence=absence)
    return replace(made, info_base=infos[0], info_local=infos[1], info_remote=infos[2])


def unlinked(
    folder: FolderState,
    *candidates: Candidate,
    compatible: bool | None = None,
    complete: bool = True,
    superseded: bool = False,
) -> DatasetFacts:
    return DatasetFacts(
        "cases",
        folder,
        candidates=candidates,
        is_compatible=compatible,
        is_listing_complete=complete,
        superseded=superseded,
    )


TABLE = [
    ("nothing anywhere", unlinked(MISSING), "", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("D1 local only", unlinked(CHANGED), "D1", P.CREATE, Q.NOTHING, 0, 0, ""),
    ("D1 never after an incomplete listing", unlinked(CHANGED, complete=False), "D1", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("D1 of an older commit", unlinked(CHANGED, superseded=True), "D1", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("D3 of an older commit", unlinked(CHANGED, OURS, compatible=True, superseded=True), "D3", P.LINK, Q.LINK, 0, 0, ""),
    ("D2 remote only", unlinked(MISSING, FOREIGN), "D2", P.NOTHING, Q.WRITE, 0, 0, ""),
    ("D3 ours and fitting", unlinked(CHANGED, OURS, compatible=True), "D3", P.LINK, Q.LINK, 0, 0, ""),
    ("D3 ours, rows do not fit", unlinked(CHANGED, OURS, compatible=False), "D3", P.LINK, Q.REFUSE, 0, 4, "E-UNRELATED"),
    ("D3 foreign but fitting", unlinked(CHANGED, FOREIGN, compatible=True), "D3", P.REFUSE, Q.LINK, 4, 0, "E-UNRELATED"),
    ("D3 foreign, not compared", unlinked(CHANGED, FOREIGN), "D3", P.REFUSE, Q.REFUSE, 4, 4, "E-UNRELATED"),
    ("D3 two of the name", unlinked(CHANGED, OURS, FOREIGN, compatible=True), "D3", P.REFUSE, Q.REFUSE, 4, 4, "E-UNRELATED"),
    ("D3 there may be another", unlinked(CHANGED, OURS, compatible=True, complete=False), "D3", P.REFUSE, Q.REFUSE, 4, 4, "E-UNRELATED"),
    ("D4 folder gone", linked(MISSING), "D4", P.PENDING_REMOVAL, Q.NOTHING, 0, 0, "N-PENDING-REMOVAL"),
    ("D5 gone remotely, local clean", linked(CLEAN, Absence.CONFIRMED), "D5", P.NOTHING, Q.MARK_ARCHIVED, 0, 0, "N-ARCHIVED"),
    ("D5 gone remotely, local changed", linked(CHANGED, Absence.CONFIRMED), "D5", P.CONFLICT, Q.CONFLICT, 4, 4, "E-EDITED-BUT-ARCHIVED"),
    ("D5 gone on both sides", linked(MISSING, Absence.CONFIRMED), "D5", P.DROP_POINTER, Q.DROP_POINTER, 0, 0, ""),
    ("D6 nothing differs", linked(CHANGED), "", P.ROWS, Q.ROWS, 0, 0, ""),
    ("D6 local edit", linked(CHANGED, infos=(B, L, B)), "D6", P.SEND_INFO, Q.ROWS, 0, 0, ""),
    ("D6 remote edit", linked(CLEAN, infos=(B, B, R)), "D6", P.ROWS, Q.TAKE_INFO, 0, 0, "N-BEHIND"),
    ("D6 both alike", linked(CLEAN, infos=(B, R, R)), "", P.ROWS, Q.ROWS, 0, 0, ""),
    ("D6 both edited", linked(CLEAN, infos=(B, L, R)), "D6", P.BLOCK_INFO, Q.MERGE_INFO, 3, 0, "E-REMOTE-AHEAD"),
    ("I20 unreadable file", linked(FolderState.INVALID), "I20", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("I20 unreadable file, never linked", unlinked(FolderState.INVALID), "I20", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S25 no answer", linked(CLEAN, Absence.UNREACHABLE), "S25", P.STOP_TARGET, Q.STOP_TARGET, 75, 75, "E-UNREACHABLE"),
    ("S25 unconfirmed", linked(CLEAN, Absence.UNCONFIRMED), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 a listing alone proves nothing", linked(MISSING, Absence.NEVER), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_facts", "row", "push", "pull", "push_exit", "pull_exit", "code"),
    [pytest.param(*case[1:], id=case[0]) for case in TABLE],
)
def test_each_row_does_what_the_table_says(
    given_facts: DatasetFacts,
    row: str,
    push: DatasetPush,
    pull: DatasetPull,
    push_exit: int,
    pull_exit: int,
    code: str,
) -> None:
    verdict = decide_dataset(given_facts)
    assert (verdict.row, verdict.push, verdict.pull) == (row, push, pull)
    assert (verdict.push_exit, verdict.pull_exit, verdict.code) == (push_exit, pull_exit, code)


TAKE_IN = "skillsync pull cases"
FIXES = {
    "D1 never after an incomplete listing": "run the command again later",
    "D2 remote only": TAKE_IN,
    "D3 ours, rows do not fit": "skillsync adopt cases --id UUID (one of id-ours)",
    "D3 foreign but fitting": "skillsync adopt cases --id UUID (one of id-foreign)",
    "D3 foreign, not compared": "skillsync adopt cases --id UUID (one of id-foreign)",
    "D3 two of the name": "skillsync adopt cases --id UUID (one of id-foreign, id-ours)",
    "D3 there may be another": "skillsync adopt cases --id UUID (one of id-ours)",
    "D4 folder gone": "skillsync push --archive cases",
    "D5 gone remotely, local clean": "skillsync pull --prune cases, or skillsync resolve cases --local (create it again)",
    "D5 gone remotely, local changed": "skillsync resolve cases --local (create it again) or --remote",
    "D6 remote edit": TAKE_IN,
    "D6 both edited": TAKE_IN,
    "I20 unreadable file": "skillsync lint cases",
    "I20 unreadable file, never linked": "skillsync lint cases",
    "S25 no answer": "run the command again later",
    "S25 unconfirmed": "skillsync status -v",
    "S25 a listing alone proves nothing": "skillsync status -v",
}


@pytest.mark.parametrize(("name", "given_facts"), [case[:2] for case in TABLE])
def test_each_row_names_what_to_do_next(name: str, given_facts: DatasetFacts) -> None:
    assert decide_dataset(given_facts).fix == FIXES.get(name, "")


def test_an_id_with_braces_is_only_text() -> None:
    assert "{0}" in decide_dataset(unlinked(CHANGED, Candidate("{0}", ours=False))).fix


def test_a_link_names_the_id_to_use() -> None:
    assert decide_dataset(unlinked(CHANGED, OURS, compatible=True)).id == "id-ours"
    assert decide_dataset(unlinked(CHANGED, OURS, FOREIGN)).id == ""


@given(
    st.builds(
        DatasetFacts,
        slug=st.just("cases"),
        folder=st.sampled_from(FolderState),
        linked=st.booleans(),
        absence=st.sampled_from(Absence),
        candidates=st.lists(st.sampled_from([OURS, FOREIGN]), max_size=2).map(tuple),
        is_listing_complete=st.booleans(),
        is_compatible=st.none() | st.booleans(),
        info_base=st.sampled_from([B, L, R]),
        info_local=st.sampled_from([B, L, R]),
        info_remote=st.sampled_from([B, L, R]),
    )
)
def test_a_dataset_is_created_only_when_surely_none_of_its_name_is_there(
    given_facts: DatasetFacts,
) -> None:
    verdict = decide_dataset(given_facts)
    if verdict.push is P.CREATE:
        assert not given_facts.candidates
        assert given_facts.is_listing_complete
        assert not given_facts.linked
    if given_facts.folder is FolderState.INVALID:
        assert verdict.push in {P.ERROR, P.STOP_TARGET}
        assert verdict.pull in {Q.ERROR, Q.STOP_TARGET}
    if verdict.push is P.SEND_INFO:
        assert given_facts.info_remote == given_facts.info_base
