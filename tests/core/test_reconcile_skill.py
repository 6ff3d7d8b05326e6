"""Every row of sync.md 7.1, and what holds for all facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.claims import Renamed
from skillsync.core.reconcile import (
    Absence,
    BaseFact,
    LocalFact,
    PullStep,
    PushStep,
    RemoteFact,
    SkillFacts,
    SkillState,
    decide_skill,
    needs_remote_content,
)
from skillsync.core.skill_states import SKILL_TABLE, VERSION_LIMIT, VERSION_WARNING
from skillsync.model import Digest

FIRST = "2026-08-01T10:00:00.123456Z"
LATER = "2026-08-02T10:00:00Z"
B, L, R = Digest("digest of B"), Digest("digest of L"), Digest("digest of R")

base = BaseFact(3, "id-3", FIRST, B)
at_base = LocalFact(B)
edited = LocalFact(L)
broken = LocalFact(None, valid=False)
same = RemoteFact(3, "id-3", FIRST)
changed = RemoteFact(4, "id-4", FIRST, R)
as_local = RemoteFact(4, "id-4", FIRST, L)
back = RemoteFact(5, "id-5", FIRST, B)
again = RemoteFact(1, "id-1b", LATER, R)


def facts(
    base: BaseFact | None = None,
    local: LocalFact | None = None,
    remote: RemoteFact | None = None,
    absence: Absence | None = None,
    **more: bool | frozenset[str] | Renamed,
) -> SkillFacts:
    where = absence or (Absence.PRESENT if remote else Absence.NEVER)
    made = SkillFacts("triage", base, local, remote, where)
    return replace(made, **more)  # type: ignore[arg-type]  # the tests' keywords are the fields


P, Q = PushStep, PullStep
GONE = Absence.CONFIRMED

TABLE = [
    ("S1 nothing", facts(), "S1", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("S2 local only", facts(None, edited), "S2", P.CREATE, Q.NOTHING, 0, 0, ""),
    ("S3 remote only", facts(None, None, changed), "S3", P.NOTHING, Q.WRITE, 0, 0, ""),
    ("S3 content unread", facts(None, None, replace(changed, digest=None)), "S3", P.NOTHING, Q.WRITE, 0, 0, ""),
    ("S4 same, not ours", facts(None, edited, as_local), "S4", P.NOTHING, Q.LINK, 0, 0, ""),
    ("S4 same, by our account", facts(None, edited, replace(as_local, own=True)), "S4", P.LINK, Q.LINK, 0, 0, ""),
    ("S4 same, our own creation without its marker (B9)", facts(None, edited, replace(as_local, own=True), unmarked=True), "S4", P.MARK, Q.LINK, 0, 0, ""),
    ("S5 unrelated", facts(None, edited, changed), "S5", P.REFUSE, Q.REFUSE, 4, 4, "E-UNRELATED"),
    ("S5 own is no excuse", facts(None, edited, replace(changed, own=True)), "S5", P.REFUSE, Q.REFUSE, 4, 4, "E-UNRELATED"),
    ("S6 in sync", facts(base, at_base, same), "S6", P.NOTHING, Q.NOTHING, 0, 0, ""),
    ("S7 behind", facts(base, at_base, changed), "S7", P.NOTHING, Q.FAST_FORWARD, 0, 0, "N-BEHIND"),
    ("S7 content unread", facts(base, at_base, replace(changed, digest=None)), "S7", P.NOTHING, Q.FAST_FORWARD, 0, 0, "N-BEHIND"),
    ("S8 ahead", facts(base, edited, same), "S8", P.PUBLISH, Q.NOTHING, 0, 0, ""),
    ("S8 by identity: what the server's content reads as does not matter", facts(base, edited, replace(same, digest=R)), "S8", P.PUBLISH, Q.NOTHING, 0, 0, ""),
    ("S9 both changed alike", facts(base, edited, as_local), "S9", P.NOTHING, Q.LINK, 0, 0, ""),
    ("S10 diverged", facts(base, edited, changed), "S10", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("S10 content unread", facts(base, edited, replace(changed, digest=None)), "S10", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("S7 from a common commit, no version taken in", facts(BaseFact(0, "", FIRST, B), at_base, changed), "S7", P.NOTHING, Q.FAST_FORWARD, 0, 0, "N-BEHIND"),
    ("S10 from common commits that differ", facts(BaseFact(0, "", FIRST, Digest("")), at_base, changed), "S10", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("S10 the ancestors differ, so that being as the version was is no proof", facts(replace(base, digest=Digest("")), at_base, changed), "S10", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("S10 the ancestors differ, so that the remote being as the version was is no proof", facts(replace(base, digest=Digest("")), edited, back), "S10", P.BLOCK, Q.MERGE, 3, 0, "E-REMOTE-AHEAD"),
    ("S20 renamed remotely", facts(base, edited, changed, renamed=Renamed.THERE), "S20", P.BLOCK, Q.RENAME, 3, 0, "E-REMOTE-AHEAD"),
    ("S21 renamed locally", facts(base, edited, same, renamed=Renamed.HERE), "S21", P.RENAME, Q.NOTHING, 0, 0, ""),
    ("S21 renamed locally, edited remotely", facts(base, edited, changed, renamed=Renamed.HERE), "S21", P.CONFLICT, Q.CONFLICT, 4, 4, "E-RENAMED"),
    ("S22 renamed on both sides", facts(base, edited, same, renamed=Renamed.BOTH), "S22", P.CONFLICT, Q.CONFLICT, 4, 4, "E-RENAMED"),
    ("S11 changed and changed back, local edited", facts(base, edited, back), "S11", P.BLOCK, Q.LINK, 3, 0, "E-REMOTE-AHEAD"),
    ("S11 changed and changed back, local as it was", facts(base, at_base, back), "S11", P.BLOCK, Q.LINK, 3, 0, "E-REMOTE-AHEAD"),
    ("S11 changed and changed back, folder gone", facts(base, None, back), "S11", P.BLOCK, Q.LINK, 3, 0, "E-REMOTE-AHEAD"),
    ("S12 superseded, else S7", facts(base, at_base, changed, superseded=True), "S12", P.NOTHING, Q.FAST_FORWARD, 0, 0, "N-SUPERSEDED"),
    ("S12 superseded, else S10", facts(base, edited, changed, superseded=True), "S12", P.NOTHING, Q.MERGE, 0, 0, "N-SUPERSEDED"),
    ("S12 superseded, else S11", facts(base, edited, back, superseded=True), "S12", P.NOTHING, Q.LINK, 0, 0, "N-SUPERSEDED"),
    ("S12 never linked, different", facts(None, edited, changed, superseded=True), "S12", P.NOTHING, Q.REFUSE, 0, 4, "N-SUPERSEDED"),
    ("S12 never linked, equal, is S4", facts(None, edited, RemoteFact(4, "id-4", FIRST, L), superseded=True), "S4", P.NOTHING, Q.LINK, 0, 0, ""),
    ("S12 wins over publishing", facts(base, edited, same, superseded=True), "S12", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("S12 wins over creating", facts(None, edited, None, superseded=True), "S12", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("S12 wins over removing", facts(base, None, same, superseded=True), "S12", P.NOTHING, Q.NOTHING, 0, 0, "N-SUPERSEDED"),
    ("S13 deleted locally", facts(base, None, same), "S13", P.PENDING_REMOVAL, Q.NOTHING, 0, 0, "N-PENDING-REMOVAL"),
    ("S14 deleted locally, edited remotely", facts(base, None, changed), "S14", P.BLOCK, Q.CONFLICT, 4, 4, "E-DELETED-BUT-EDITED"),
    ("S15 archived remotely", facts(base, at_base, None, GONE), "S15", P.NOTHING, Q.MARK_ARCHIVED, 0, 0, "N-ARCHIVED"),
    ("S16 edited, archived remotely", facts(base, edited, None, GONE), "S16", P.CONFLICT, Q.CONFLICT, 4, 4, "E-EDITED-BUT-ARCHIVED"),
    ("S17 gone on both sides", facts(base, None, None, GONE), "S17", P.DROP_POINTER, Q.DROP_POINTER, 0, 0, ""),
    ("S18 created again, equal", facts(base, edited, replace(again, digest=L)), "S18", P.NOTHING, Q.LINK, 0, 0, ""),
    ("S18 created again as the base was", facts(base, at_base, replace(again, digest=B)), "S18", P.NOTHING, Q.LINK, 0, 0, ""),
    ("S19 created again, different", facts(base, edited, again), "S19", P.REFUSE, Q.REFUSE, 4, 4, "E-RECREATED"),
    ("S19 created again, local as it was", facts(base, at_base, again), "S19", P.REFUSE, Q.REFUSE, 4, 4, "E-RECREATED"),
    ("S19 created again, folder gone", facts(base, None, again), "S19", P.REFUSE, Q.REFUSE, 4, 4, "E-RECREATED"),
    ("S19 is not hidden by superseded", facts(base, edited, again, superseded=True), "S19", P.REFUSE, Q.REFUSE, 4, 4, "E-RECREATED"),
    ("S24 number lower", facts(base, edited, RemoteFact(2, "id-2", FIRST, R)), "S24", P.STOP_TARGET, Q.STOP_TARGET, 6, 6, "E-REMOTE-BACKWARDS"),
    ("S24 same number, other id", facts(base, edited, RemoteFact(3, "id-x", FIRST, R)), "S24", P.STOP_TARGET, Q.STOP_TARGET, 6, 6, "E-REMOTE-BACKWARDS"),
    ("S24 same id, other number", facts(base, edited, RemoteFact(7, "id-3", FIRST, R)), "S24", P.STOP_TARGET, Q.STOP_TARGET, 6, 6, "E-REMOTE-BACKWARDS"),
    ("S24 id unknown to the live skill", facts(base, edited, changed, known_ids=frozenset({"id-4", "other"})), "S24", P.STOP_TARGET, Q.STOP_TARGET, 6, 6, "E-REMOTE-BACKWARDS"),
    ("S24 comes before S26", facts(base, broken, RemoteFact(2, "id-2", FIRST, R)), "S24", P.STOP_TARGET, Q.STOP_TARGET, 6, 6, "E-REMOTE-BACKWARDS"),
    ("S25 no answer", facts(base, edited, None, Absence.UNREACHABLE), "S25", P.STOP_TARGET, Q.STOP_TARGET, 75, 75, "E-UNREACHABLE"),
    ("S25 no answer comes before S26", facts(base, broken, None, Absence.UNREACHABLE), "S25", P.STOP_TARGET, Q.STOP_TARGET, 75, 75, "E-UNREACHABLE"),
    ("S25 unconfirmed", facts(base, at_base, None, Absence.UNCONFIRMED), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 unconfirmed, never linked", facts(None, edited, None, Absence.UNCONFIRMED), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S25 a listing alone proves nothing about what was linked", facts(base, at_base), "S25", P.ERROR, Q.ERROR, 1, 1, "E-ABSENCE-UNCONFIRMED"),
    ("S26 unreadable, new", facts(None, broken), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S26 unreadable, remote changed", facts(base, broken, changed), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S26 unreadable, in sync", facts(base, broken, same), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S26 unreadable, archived remotely", facts(base, broken, None, GONE), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S26 readable and as the base: pull goes on", facts(base, LocalFact(B, valid=False), changed), "S26", P.ERROR, Q.FAST_FORWARD, 1, 0, "E-INVALID"),
    ("S26 readable and edited: nothing goes on", facts(base, LocalFact(L, valid=False), changed), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
    ("S26 is not superseded", facts(base, broken, changed, superseded=True), "S26", P.ERROR, Q.ERROR, 1, 1, "E-INVALID"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_facts", "row", "push", "pull", "push_exit", "pull_exit", "code"),
    [pytest.param(*case[1:], id=case[0]) for case in TABLE],
)
def test_each_row_does_what_the_table_says(
    given_facts: SkillFacts,
    row: str,
    push: PushStep,
    pull: PullStep,
    push_exit: int,
    pull_exit: int,
    code: str,
) -> None:
    verdict = decide_skill(given_facts)
    assert (verdict.row, verdict.push, verdict.pull) == (row, push, pull)
    assert (verdict.push_exit, verdict.pull_exit, verdict.code) == (push_exit, pull_exit, code)


SAYS = {
    "S1": (SkillState.NOTHING, ""),
    "S2": (SkillState.LOCAL_ONLY, ""),
    "S3": (SkillState.REMOTE_ONLY, "skillsync pull triage"),
    "S4": (SkillState.SAME_UNLINKED, "skillsync pull triage"),
    "S5": (SkillState.UNRELATED, "skillsync adopt triage --merge, --local or --remote"),
    "S6": (SkillState.IN_SYNC, ""),
    "S7": (SkillState.BEHIND, "skillsync pull triage"),
    "S8": (SkillState.AHEAD, ""),
    "S9": (SkillState.BOTH_EQUAL, "skillsync pull triage"),
    "S10": (SkillState.DIVERGED, "skillsync pull triage"),
    "S11": (SkillState.NET_ZERO, "skillsync pull triage"),
    "S12": (SkillState.SUPERSEDED, ""),
    "S13": (SkillState.DELETED_LOCALLY, "skillsync push --archive triage"),
    "S14": (SkillState.DELETED_BUT_EDITED, "skillsync resolve triage --remote (restore) or --local (confirm)"),
    "S15": (SkillState.ARCHIVED, "skillsync pull --prune triage, or skillsync resolve triage --local (create it again)"),
    "S16": (SkillState.EDITED_BUT_ARCHIVED, "skillsync resolve triage --local (create it again) or --remote"),
    "S17": (SkillState.BOTH_GONE, ""),
    "S18": (SkillState.RECREATED_EQUAL, "skillsync pull triage"),
    "S19": (SkillState.RECREATED_DIFFERENT, "skillsync adopt triage --merge, --local or --remote"),
    "S20": (SkillState.RENAMED_THERE, "skillsync pull triage"),
    "S21": (SkillState.RENAMED_HERE, "skillsync push triage"),
    "S22": (SkillState.RENAMED_BOTH, "set `name:` in its SKILL.md to the name that it has on the server, or to the old one"),
    "S24": (SkillState.BACKWARDS, "skillsync status -v (is this the right host and project?)"),
    "S25": (SkillState.UNREACHABLE, "run the command again later"),
    "S26": (SkillState.INVALID, "skillsync lint triage"),
}  # fmt: skip
SAYS_OTHERWISE = {
    "S21 renamed locally, edited remotely": SAYS["S22"][1],
    **dict.fromkeys(
        (case[0] for case in TABLE if case[-1] == "E-ABSENCE-UNCONFIRMED"),
        "skillsync status -v (does this key still see the skill?)",
    ),
}


@pytest.mark.parametrize("case", TABLE, ids=[case[0] for case in TABLE])
def test_each_row_names_its_state_and_what_to_do_next(
    case: tuple[str, SkillFacts, str, PushStep, PullStep, int, int, str],
) -> None:
    name, given_facts, row, *_ = case
    verdict = decide_skill(given_facts)
    state, fix = SAYS[row]
    assert (verdict.state, verdict.fix) == (state, SAYS_OTHERWISE.get(name, fix))
    assert verdict.warning == ""


def at_version(number: int) -> SkillFacts:
    linked = BaseFact(number, "id-n", FIRST, B)
    return facts(linked, edited, RemoteFact(number, "id-n", FIRST))


@pytest.mark.parametrize(
    ("number", "row", "push", "warning"),
    [
        (VERSION_WARNING - 1, "S8", P.PUBLISH, ""),
        (VERSION_WARNING, "S8", P.PUBLISH, "W-VERSIONS-EXHAUSTED"),
        (VERSION_LIMIT - 1, "S8", P.PUBLISH, "W-VERSIONS-EXHAUSTED"),
        (VERSION_LIMIT, "S27", P.ERROR, ""),
    ],
)
def test_s27_warns_near_the_limit_and_stops_at_it(
    number: int, row: str, push: PushStep, warning: str
) -> None:
    verdict = decide_skill(at_version(number))
    assert (verdict.row, verdict.push, verdict.warning) == (row, push, warning)
    assert verdict.pull is Q.NOTHING
    if row == "S27":
        assert (verdict.state, verdict.push_exit) == (SkillState.EXHAUSTED, 1)
        assert verdict.code == "E-VERSIONS-EXHAUSTED"
        assert verdict.fix.startswith("archive triage and create it again")
    else:
        assert (verdict.state, verdict.push_exit, verdict.code) == (SkillState.AHEAD, 0, "")


def test_s27_does_not_stop_pull() -> None:
    full = replace(changed, number=VERSION_LIMIT)
    assert decide_skill(facts(base, at_base, full)).pull is Q.FAST_FORWARD


@pytest.mark.parametrize(
    ("given_facts", "needed"),
    [
        (facts(base, edited, same), False),
        (facts(base, at_base, same), False),
        (facts(base, None, same), False),
        (facts(base, edited, changed), False),
        (facts(base, edited, replace(changed, digest=None)), True),
        (facts(base, at_base, replace(changed, digest=None)), True),
        (facts(base, None, replace(changed, digest=None)), True),
        (facts(base, broken, replace(changed, digest=None)), False),
        (facts(None, None, replace(changed, digest=None)), False),
        (facts(None, edited, replace(changed, digest=None)), True),
        (facts(base, None, replace(again, digest=None)), False),
        (facts(base, edited, replace(again, digest=None)), True),
        (facts(base, edited, RemoteFact(2, "id-2", FIRST)), False),
        (facts(base, edited, None, GONE), False),
        (facts(base, edited, replace(changed, digest=None), Absence.UNREACHABLE), False),
        (facts(base, edited, replace(changed, digest=None), renamed=Renamed.THERE), False),
        (facts(base, edited), False),
    ],
)
def test_content_is_read_only_where_it_decides(given_facts: SkillFacts, needed: bool) -> None:
    assert needs_remote_content(given_facts) is needed


def test_facts_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a present skill has a remote version$"):
        SkillFacts("triage", absence=Absence.PRESENT)
    for absence in (Absence.CONFIRMED, Absence.NEVER):
        with pytest.raises(ValueError, match=r"^an absent skill has no remote version$"):
            SkillFacts("triage", remote=changed, absence=absence)


def test_every_state_is_reached_by_the_table_or_derived() -> None:
    derived = {SkillState.SUPERSEDED, SkillState.EXHAUSTED}
    assert SKILL_TABLE.keys() | derived == set(SkillState)
    reached = {decide_skill(case[1]).state for case in TABLE}
    assert reached | {SkillState.EXHAUSTED} == set(SkillState)


def test_the_fix_names_the_skill() -> None:
    assert decide_skill(facts(base, edited, changed)).fix == "skillsync pull triage"


# ---------------------------------------------------------------- for all facts

digests = st.sampled_from([B, L, R])
firsts = st.sampled_from([FIRST, LATER])
numbers = st.sampled_from([1, 2, 3, 4, VERSION_WARNING, VERSION_LIMIT])
ids = st.sampled_from(["id-1", "id-2", "id-3"])


@st.composite
def all_facts(draw: st.DrawFn) -> SkillFacts:
    """Draw related states: the same few versions, digests and incarnations on all sides."""
    remote = draw(
        st.none() | st.builds(RemoteFact, numbers, ids, firsts, st.none() | digests, st.booleans())
    )
    linked = draw(st.none() | st.builds(BaseFact, numbers, ids, firsts, digests))
    if remote and draw(st.booleans()):
        linked = BaseFact(remote.number, remote.id, remote.first, draw(digests))
    local = draw(
        st.none()
        | st.builds(LocalFact, digests, st.booleans())
        | st.just(LocalFact(None, valid=False))
    )
    absences = [Absence.UNCONFIRMED, Absence.UNREACHABLE]
    absences += [Absence.PRESENT] if remote else [Absence.CONFIRMED, Absence.NEVER]
    return SkillFacts(
        "triage",
        linked,
        local,
        remote,
        draw(st.sampled_from(absences[::-1])),
        superseded=draw(st.booleans()),
        unmarked=draw(st.booleans()),
        known_ids=draw(st.none() | st.frozensets(ids)),
    )


def push_publishes_only_on_top_of_what_was_taken_in(given_facts: SkillFacts) -> None:
    """P2: a publish replaces exactly the version that the tree has taken in."""
    if decide_skill(given_facts).push is not P.PUBLISH:
        return
    assert given_facts.base is not None
    assert given_facts.remote is not None
    assert (given_facts.remote.id, given_facts.remote.first) == (
        given_facts.base.id,
        given_facts.base.first,
    )
    assert given_facts.absence is Absence.PRESENT
    assert not given_facts.superseded


def push_creates_only_what_never_was(given_facts: SkillFacts) -> None:
    """P12: nothing that was archived comes back by itself."""
    if decide_skill(given_facts).push is P.CREATE:
        assert given_facts.base is None
        assert given_facts.remote is None
        assert given_facts.absence in {Absence.NEVER, Absence.CONFIRMED}


def invalid_content_is_never_sent_nor_overwritten(given_facts: SkillFacts) -> None:
    local = given_facts.local
    if local is None or (local.valid and local.digest):
        return
    verdict = decide_skill(given_facts)
    assert verdict.push in {P.ERROR, P.STOP_TARGET}
    if local.digest is None or given_facts.base is None or local.digest != given_facts.base.digest:
        assert verdict.pull in {Q.ERROR, Q.STOP_TARGET}


def local_edits_are_never_fast_forwarded_away(given_facts: SkillFacts) -> None:
    """P1: pull replaces a folder only where it has exactly what the base has, and writes only where none is."""
    verdict, local = decide_skill(given_facts), given_facts.local
    if verdict.pull is Q.FAST_FORWARD:
        assert local is not None
        assert given_facts.base is not None
        assert local.digest == given_facts.base.digest
    if verdict.pull is Q.WRITE:
        assert local is None
        assert given_facts.base is None


def the_base_moves_without_a_merge_only_over_equal_content(given_facts: SkillFacts) -> None:
    """P6: LINK only where the remote's content is the local one or the base's."""
    if decide_skill(given_facts).pull is not Q.LINK:
        return
    assert given_facts.remote is not None
    known = {given_facts.local.digest} if given_facts.local else set()
    known |= {given_facts.base.digest} if given_facts.base else set()
    assert given_facts.remote.digest in known


def exit_codes_belong_to_the_steps(given_facts: SkillFacts) -> None:
    verdict = decide_skill(given_facts)
    codes: dict[str, set[int]] = {
        "block": {3, 4}, "refuse": {4}, "conflict": {4}, "error": {1}, "stop target": {6, 75},
    }  # fmt: skip
    assert verdict.push_exit in codes.get(verdict.push, {0})
    assert verdict.pull_exit in codes.get(verdict.pull, {0})
    assert bool(verdict.code) or not (verdict.push_exit or verdict.pull_exit)


def reading_content_that_is_not_needed_changes_nothing(given_facts: SkillFacts) -> None:
    """Where the content need not be read, the verdict is the same whatever it is."""
    remote = given_facts.remote
    if remote is None or remote.digest is not None or needs_remote_content(given_facts):
        return
    verdicts = {
        decide_skill(replace(given_facts, remote=replace(remote, digest=digest)))
        for digest in (None, B, L, R)
    }
    assert len(verdicts) == 1


LAWS = (
    push_publishes_only_on_top_of_what_was_taken_in,
    push_creates_only_what_never_was,
    invalid_content_is_never_sent_nor_overwritten,
    local_edits_are_never_fast_forwarded_away,
    the_base_moves_without_a_merge_only_over_equal_content,
    exit_codes_belong_to_the_steps,
    reading_content_that_is_not_needed_changes_nothing,
)


@given(all_facts())
def test_every_law_of_deciding_holds(given_facts: SkillFacts) -> None:
    for law in LAWS:
        law(given_facts)
