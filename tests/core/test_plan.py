"""Plans are in one order whatever order they were made in, and runs end with the right exit code."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.plan import (
    OBJECT_CODES,
    RUN_CODES,
    Action,
    Effect,
    Plan,
    Side,
    What,
    exit_code,
)
from skillsync.model import Conflict, Problem, UnitKind


def act(effect: Effect, what: What, name: str, key: str = "", detail: str = "") -> Action:
    return Action(effect, Side.REMOTE, what, name, key, detail=detail)


REMOVE_SKILL = act(Effect.REMOVE, What.SKILL, "a")
REMOVE_ROW = act(Effect.REMOVE, What.ROW, "cases", "1")
CREATE_ROW = act(Effect.CREATE, What.ROW, "cases", "2")
CREATE_DATASET = act(Effect.CREATE, What.DATASET, "cases")
CREATE_SKILL = act(Effect.CREATE, What.SKILL, "z")
UPDATE_SKILL = act(Effect.UPDATE, What.SKILL, "b", detail="v3 → v4")
PROBLEM = Problem("E-INVALID", "no name", "c", "skills/c/SKILL.md", 2)
CONFLICT = Conflict("d", UnitKind.BODY, "body", "b", "l", "r")


def test_creations_come_first_and_removals_last() -> None:
    plan = Plan.of(
        [REMOVE_SKILL, REMOVE_ROW, CREATE_ROW, UPDATE_SKILL, CREATE_DATASET, CREATE_SKILL]
    )
    assert plan.actions == (
        CREATE_SKILL,
        CREATE_DATASET,
        CREATE_ROW,
        UPDATE_SKILL,
        REMOVE_SKILL,
        REMOVE_ROW,
    )
    assert plan.removals == (REMOVE_SKILL, REMOVE_ROW)


def test_a_plan_describes_and_counts_itself() -> None:
    plan = Plan.of(
        [UPDATE_SKILL, CREATE_ROW],
        problems=[PROBLEM],
        conflicts=[CONFLICT],
        pending=[REMOVE_SKILL],
    )
    assert plan.describe() == [
        "+ create row cases:2",
        "~ update skill b (v3 → v4)",
        "? remove skill a, pending",
        "! conflict in d: body",
        "! E-INVALID skills/c/SKILL.md:2: no name",
    ]
    assert plan.counts() == {
        "create row": 1,
        "update skill": 1,
        "problem": 1,
        "conflict": 1,
        "pending removal": 1,
    }


def test_an_empty_plan_says_nothing() -> None:
    assert Plan.of().is_empty
    assert Plan.of().describe() == []
    assert Plan.of().counts() == {}
    assert not Plan.of(pending=[REMOVE_ROW]).is_empty


actions = st.sampled_from(
    [
        Action(*parts)
        for parts in product(Effect, Side, What, "ab", ["", "1", "2"], ["", "v1"], ["", "x"])
    ]
)
"""Every action of these: one draw instead of seven."""


@given(st.lists(actions, max_size=12), st.integers(0, 2**16))
def test_the_plan_does_not_depend_on_the_order_of_its_making(
    found: list[Action], seed: int
) -> None:
    """P8: a shuffled listing gives the same plan, and removals stay behind everything else."""
    shuffled = list(found)
    Random(seed).shuffle(shuffled)
    assert Plan.of(shuffled, pending=shuffled) == Plan.of(found, pending=found)
    phases = [action.effect.phase for action in Plan.of(found).actions]
    assert phases == sorted(phases)


def test_problems_stand_by_subject_path_line_and_code() -> None:
    in_order = [
        Problem("E-B", "b", "a", "f", None),
        Problem("E-A", "a", "a", "f", 1),
        Problem("E-A", "a", "a", "f", 2),
        Problem("E-B", "a", "a", "f", 2),
        Problem("E-B", "b", "a", "f", 2),
        Problem("E-A", "a", "a", "g", 1),
        Problem("E-A", "a", "b", "f", 1),
    ]
    assert list(Plan.of(problems=in_order[::-1]).problems) == in_order


def test_problems_that_differ_in_their_fix_alone_are_in_one_order_too() -> None:
    first, second = (Problem("E-A", "a", "a", fix=fix) for fix in ("one", "other"))
    assert Plan.of(problems=[first, second]) == Plan.of(problems=[second, first])
    assert Plan.of(problems=[second, first]).problems == (first, second)


contents = st.sampled_from([None, "", "x", "None"])
conflicts = st.builds(
    Conflict,
    st.sampled_from("ab"),
    st.sampled_from([UnitKind.BODY, UnitKind.FILE]),
    st.sampled_from("uv"),
    contents,
    contents,
    contents,
)


@given(st.lists(conflicts, max_size=8))
def test_conflicts_stand_by_subject_kind_and_unit_and_always_in_one_order(
    found: list[Conflict],
) -> None:
    ordered = Plan.of(conflicts=found).conflicts
    assert ordered == Plan.of(conflicts=found[::-1]).conflicts
    places = [(conflict.subject, conflict.kind, conflict.unit) for conflict in ordered]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 0),
        ([0, 0], 0),
        ([1, 1], 1),
        ([1, 0], 5),
        ([5], 5),
        ([5, 1], 5),
        ([3, 1, 0], 3),
        ([4, 3, 1], 4),
        ([6, 4, 3], 6),
        ([130, 6], 130),
        ([75, 130], 75),
        ([70, 75], 70),
        ([7, 70, 75], 7),
        ([2, 7, 6, 0], 2),
        ([75, 0, 0], 75),
    ],
)
def test_exit_codes_by_precedence(outcomes: list[int], code: int) -> None:
    assert exit_code(outcomes) == code


def test_of_every_two_codes_the_one_named_first_wins() -> None:
    ranked = (*RUN_CODES, *OBJECT_CODES, 1, 0)
    for first, second in combinations(ranked, 2):
        assert exit_code([second, first]) == (5 if (first, second) == (1, 0) else first)


def test_objects_that_went_well_may_be_counted_instead_of_listed() -> None:
    assert exit_code([1], done=3) == 5
    assert exit_code([1, 1], done=0) == 1
    assert exit_code([], done=3) == 0


def test_a_number_that_is_no_exit_code_is_refused() -> None:
    with pytest.raises(ValueError, match="99"):
        exit_code([0, 99])
