"""The file of a sealed plan: read back as it was written, and nothing else is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillsync.core.plan import Action, Effect, Side, What
from skillsync.core.sealed import Fact, SealedPlan, differences, parse_sealed, render_sealed
from skillsync.errors import PlanUnreadable

FACT = Fact("skill", "alpha", "", "canon:1:sha256:aa", "v3 id-3 first=t", "v3 id-3", "publish")
PLAN = SealedPlan(
    id="0" * 32,
    tool="1.0",
    canon="canon:1",
    head="c" * 40,
    mode="solo",
    target="local",
    place="127.0.0.1:8765/1",
    names=(),
    archive=("beta",),
    max_removals=None,
    facts=(FACT, replace(FACT, what="row", name="sums", key="q1")),
    actions=(Action(Effect.UPDATE, Side.REMOTE, What.SKILL, "alpha", "", "v3 id-3", "v3 → v4"),),
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def read(data: bytes) -> SealedPlan:
    return parse_sealed(data, path="plan.json")


@settings(max_examples=30)
@given(st.builds(replace, st.just(PLAN), names=st.lists(texts).map(tuple), target=texts))
def test_a_plan_is_read_as_it_was_written(plan: SealedPlan) -> None:
    assert read(render_sealed(plan)) == plan
    assert read(json.dumps({**plan.content, "seal": plan.seal}).encode()) == plan


def test_the_file_is_json_with_a_line_for_each_fact() -> None:
    data = render_sealed(PLAN)
    assert json.loads(data)["schema"] == "skillsync.sealed-plan/1"
    assert sum(b'"what":' in line for line in data.splitlines()) == 3


def edited(**changes: Any) -> bytes:
    return json.dumps({**PLAN.content, "seal": PLAN.seal, **changes}).encode()


def resealed(**changes: Any) -> bytes:
    """What somebody hostile writes: the seal fits, the rest is what it is."""
    plan = replace(PLAN, **changes)
    return json.dumps({**plan.content, "seal": plan.seal}).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON that may be read"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "not an object"),
        (b"{}", "has no schema"),
        (b'{"schema": "skillsync.plan/1"}', "another format"),
        (b'{"schema": "skillsync.sealed-plan/1"}', "'seal' is missing"),
        (b'{"schema": 1, "schema": 2}', "there twice"),
        (render_sealed(PLAN)[:-40], "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (edited(target="prod"), "does not fit its seal"),
        (edited(facts=[]), "does not fit its seal"),
        (edited(actions=[]), "does not fit its seal"),
        (edited(seal="sha256:0"), "does not fit its seal"),
        (edited(extra=1), "unknown parts: extra"),
        (edited(head=5), "'head' is missing or no text"),
        (edited(names="alpha"), "'names' is missing or no list"),
        (edited(names=[1]), "'names' is missing or no text"),
        (edited(max_removals=True), "'max_removals' is no number"),
        (edited(facts=[{}]), "a fact does not have exactly the parts"),
        (edited(facts=["x"]), "a fact is not an object"),
        (edited(actions=[{"effect": "x"}]), "an action does not have exactly the parts"),
        (edited(id="x" * 5_000), "no text of a fitting length"),
        (
            edited(actions=[{**PLAN.content["actions"][0], "effect": "format"}]),  # type: ignore[index,dict-item]
            "of an unknown kind",
        ),
    ],
)
def test_what_is_no_plan_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(PlanUnreadable) as refused:
        read(data)
    assert why in refused.value.message
    assert refused.value.exit_code == 2


def test_a_seal_that_somebody_made_is_no_more_than_a_plan() -> None:
    assert read(resealed(place="evil.example/1")).place == "evil.example/1"


def test_every_difference_is_said() -> None:
    one = FACT
    assert differences([one], [one]) == []
    assert differences([one], []) == ["alpha is not there any more"]
    assert differences([], [one]) == ["alpha is new"]
    assert differences([one], [replace(one, remote="v4 id-4 first=t")]) == [
        "alpha: the remote was v3 id-3 and is v4 id-4"
    ]
    assert differences([one], [replace(one, local="other")]) == ["alpha: its content here changed"]
    assert differences([one], [replace(one, base="")]) == [
        "alpha: what was taken in was v3 id-3 and is nothing"
    ]
    assert differences([one], [replace(one, step="block")]) == [
        "alpha: push would 'publish' and would now 'block'"
    ]
