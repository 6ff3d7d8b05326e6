"""The decisions as a planner: related triples in any order make one plan, and what it does loses nothing (P1, P2, P8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.base import WalkStep, newest, own_walk
from skillsync.core.plan import Action, Effect, Plan, Side, What
from skillsync.core.reconcile import (
    Absence,
    BaseFact,
    LocalFact,
    PullStep,
    PushStep,
    RemoteFact,
    RowFacts,
    RowPush,
    SkillFacts,
    decide_row,
    decide_skill,
    find_rekeyed,
    pair_by_content,
    removable_duplicates,
    winner,
)
from skillsync.formats.canonical import short
from skillsync.model import Author, Digest, Key, RemoteRow, Row, SkillPointer

FIRST = "2026-08-01T10:00:00Z"
seeds = st.integers(0, 2**16)
letters = st.sampled_from("abc")


def digest(content: str) -> Digest:
    return Digest(f"canon:1:sha256:{content * 64}")


# ---------------------------------------------------------------- related triples


@dataclass(frozen=True)
class Triple:
    """An object's contents: in the base, here, and in each remote version from the base's on (none: archived)."""

    base: str | None
    local: str | None
    remote: tuple[str, ...]


CONTENTS = (None, *"abc")
LATER = [later for count in range(3) for later in product("abc", repeat=count)]
triples = st.sampled_from(
    [
        *(Triple(None, local, created) for local, created in product(CONTENTS, LATER)),
        *(
            Triple(base, local, remote)
            for base, local in product("abc", CONTENTS)
            for remote in ((), *((base, *later) for later in LATER))
        ),
    ]
)
"""Every base and two sides that begin with it; each is edited, edited back, deleted, or left alone."""


def skill_facts(name: str, triple: Triple) -> SkillFacts:
    number = len(triple.remote)
    linked = triple.base is not None
    remote = None
    if triple.remote:
        remote = RemoteFact(number, f"{name}-{number}", FIRST, digest(triple.remote[-1]))
    gone = Absence.CONFIRMED if linked else Absence.NEVER
    return SkillFacts(
        name,
        BaseFact(1, f"{name}-1", FIRST, digest(triple.base)) if triple.base else None,
        LocalFact(digest(triple.local)) if triple.local else None,
        remote,
        Absence.PRESENT if remote else gone,
    )


def row_facts(key: str, triple: Triple) -> RowFacts:
    linked = triple.base is not None
    gone = Absence.CONFIRMED if linked else Absence.NEVER
    return RowFacts(
        Key(key),
        short(digest(triple.base)) if triple.base else None,
        digest(triple.local) if triple.local else None,
        digest(triple.remote[-1]) if triple.remote else None,
        linked,
        Absence.PRESENT if triple.remote else gone,
    )


batches = st.dictionaries(st.sampled_from("pqrstuvw"), triples, max_size=6)


def plan_of(named: Sequence[tuple[str, Triple]]) -> Plan:
    """Decide about each object in the order given, as a skill and as a row."""
    actions: list[Action] = []
    for name, triple in named:
        verdict, row = decide_skill(skill_facts(name, triple)), decide_row(row_facts(name, triple))
        for step, effect in ((PushStep.CREATE, Effect.CREATE), (PushStep.PUBLISH, Effect.UPDATE)):
            if verdict.push is step:
                actions.append(Action(effect, Side.REMOTE, What.SKILL, name))
        for change, effect in ((RowPush.CREATE, Effect.CREATE), (RowPush.PATCH, Effect.UPDATE)):
            if row.push is change:
                actions.append(Action(effect, Side.REMOTE, What.ROW, "cases", name))
    return Plan.of(actions)


@given(batches, seeds)
def test_the_order_of_objects_makes_no_other_plan(found: Mapping[str, Triple], seed: int) -> None:
    """P8: and what is decided about one object does not depend on those beside it."""
    shuffled = list(found.items())
    Random(seed).shuffle(shuffled)
    whole = plan_of(sorted(found.items()))
    assert plan_of(shuffled) == whole
    alone = [action for one in found.items() for action in plan_of([one]).actions]
    assert Plan.of(alone) == whole


@given(triples)
def test_what_is_published_replaces_nothing_that_the_base_has_not(triple: Triple) -> None:
    """P1, P2: a publish over a version that came after the base would lose it, even one with the base's content."""
    verdict = decide_skill(skill_facts("p", triple))
    if verdict.push is PushStep.PUBLISH:
        assert triple.remote == (triple.base,)
    if verdict.push is PushStep.CREATE:
        assert triple.remote == ()
        assert triple.base is None
    row = decide_row(row_facts("p", triple))
    if row.push is RowPush.PATCH:
        assert triple.remote[-1] == triple.base, "rows have no number: only their content tells"


@given(triples)
def test_an_edit_of_one_side_alone_is_carried_to_the_other(triple: Triple) -> None:
    """P4: neither push nor pull says "nothing to do" while one side alone moved."""
    verdict = decide_skill(skill_facts("p", triple))
    if triple.base is None or triple.local is None or not triple.remote:
        return
    moved = len(triple.remote) > 1
    edited = triple.local != triple.base
    if moved and not edited:
        assert verdict.pull in {PullStep.FAST_FORWARD, PullStep.LINK}
        assert verdict.push in {PushStep.NOTHING, PushStep.BLOCK}
    elif edited and not moved:
        assert verdict.push is PushStep.PUBLISH
        assert verdict.pull is PullStep.NOTHING
    elif not edited:
        assert (verdict.push, verdict.pull) == (PushStep.NOTHING, PullStep.NOTHING)
    else:
        assert verdict.push in {PushStep.NOTHING, PushStep.BLOCK}
        assert verdict.pull in {PullStep.MERGE, PullStep.LINK}


# ---------------------------------------------------------------- what is found in no order

IDS = ["id-1", "id-2"]
DIGESTS = [digest(letter) for letter in "abc"]
pointers = st.sampled_from(
    [
        SkillPointer("h/1", *parts)
        for parts in product(range(1, 5), IDS, [FIRST, "2026-08-01T10:00:00.5Z"], DIGESTS)
    ]
)


@given(
    st.lists(pointers, max_size=6), seeds, st.sampled_from([FIRST, None, "2027-01-01T00:00:00Z"])
)
def test_the_newest_pointer_is_the_same_in_any_order(
    found: list[SkillPointer], seed: int, latest: str | None
) -> None:
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    one, two = newest(found, latest), newest(shuffled, latest)
    assert (one and (one.first, one.number, one.id)) == (two and (two.first, two.number, two.id))


MATCHES = [places for count in range(4) for places in product(range(7), repeat=count)]
steps = st.builds(
    lambda known, matches: WalkStep(known[0], known[1], known[2], known[3], matches),
    st.sampled_from(list(product(range(1, 7), IDS, DIGESTS, [False, True]))),
    st.sampled_from(MATCHES),
)


@given(st.lists(steps, max_size=6, unique_by=lambda step: step.number), seeds)
def test_own_publishes_are_recognised_in_any_order_of_the_listing(
    found: list[WalkStep], seed: int
) -> None:
    """P8; and nothing is taken in that a foreign version stands before."""
    start = BaseFact(1, "start", FIRST, digest("z"))
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    reached = own_walk(start, found)
    assert own_walk(start, shuffled) == reached
    between = {step.number: step for step in found if start.number < step.number <= reached.number}
    assert sorted(between) == list(range(start.number + 1, reached.number + 1))
    assert all(step.own and step.matches for step in between.values())


items = st.builds(
    RemoteRow,
    st.uuids(version=4).map(str),
    st.just("data"),
    st.just(Row(Key("k"), {})),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-02T00:00:00Z"]),
    st.just("2026-01-03T00:00:00Z"),
    st.sampled_from([1, 2]).map(lambda number: Author(number, "A")),
)


@given(st.lists(st.tuples(items, st.builds(digest, letters)), max_size=4), seeds)
def test_all_cleaners_of_duplicates_agree(found: list[tuple[RemoteRow, Digest]], seed: int) -> None:
    """P8, P13: the same item stays whoever cleans, and no content that it has not goes."""
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    losers = removable_duplicates(found, own_ids={1})
    assert removable_duplicates(shuffled, own_ids={1}) == losers
    if found and losers is not None:
        stays = winner(item for item, _ in found)
        digests = {item.id: content for item, content in found}
        assert stays not in losers
        assert all(digests[item.id] == digests[stays.id] for item in losers)
        assert all(item.author.id == 1 for item in losers)


keyed = st.dictionaries(st.sampled_from("pqrs").map(Key), st.builds(digest, letters), max_size=4)


@given(keyed, keyed, seeds)
def test_rows_are_paired_the_same_in_any_order(
    local: dict[Key, Digest], remote: dict[Key, Digest], seed: int
) -> None:
    """P8: which rows pair depends on their content alone; of equal ones, how many."""
    chance = Random(seed)
    mixed = [list(side.items()) for side in (local, remote)]
    for side in mixed:
        chance.shuffle(side)
    again = [dict(side) for side in mixed]
    assert find_rekeyed(again[0], again[1]) == find_rekeyed(local, remote)
    one, two = pair_by_content(local, remote), pair_by_content(again[0], again[1])
    assert sorted(local[key] for key in one) == sorted(local[key] for key in two)
    for paired in (one, two):
        assert len(set(paired.values())) == len(paired)
        assert all(local[mine] == remote[other] for mine, other in paired.items())
