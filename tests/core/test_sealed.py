"""The file of a sealed plan: read back as it was written, and nothing else is believed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillsync.core.plan import Action, Effect, Side, What
from skillsync.core.sealed import (
    MAX_BYTES,
    Fact,
    SealedPlan,
    differences,
    parse_sealed,
    render_sealed,
)
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

TEXT_PARTS = ("id", "tool", "canon", "mode", "target", "place")
LIST_PARTS = ("names", "archive", "facts", "actions")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def read(data: bytes) -> SealedPlan:
    return parse_sealed(data, path="plan.json")


@settings(max_examples=30)
@given(
    st.builds(
        replace,
        st.just(PLAN),
        names=st.lists(texts).map(tuple),
        target=texts,
        head=st.none() | st.just("c" * 40),
        max_removals=st.none() | st.integers(0),
    )
)
def test_a_plan_is_read_as_it_was_written(plan: SealedPlan) -> None:
    assert read(render_sealed(plan)) == plan
    assert read(json.dumps({**plan.content, "seal": plan.seal}).encode()) == plan


def test_the_file_is_json_with_a_line_for_each_fact() -> None:
    data = render_sealed(PLAN)
    lines = data.decode().split("\n")
    assert lines[:3] == ["{", '  "schema": "skillsync.sealed-plan/1",', f'  "id": "{"0" * 32}",']
    at = lines.index('  "names": [],')
    assert lines[at + 1 : at + 5] == [
        '  "archive": [',
        '    "beta"',
        "  ],",
        '  "max_removals": null,',
    ]
    assert lines[-3:] == [f'  "seal": "{PLAN.seal}"', "}", ""]
    assert json.loads(data)["schema"] == "skillsync.sealed-plan/1"
    assert sum(b'"what":' in line for line in data.splitlines()) == 3


def edited(**changes: Any) -> bytes:
    return json.dumps({**PLAN.content, "seal": PLAN.seal, **changes}).encode()


def resealed(**changes: Any) -> bytes:
    """What somebody hostile writes: the seal fits, the rest is what it is."""
    plan = replace(PLAN, **changes)
    return json.dumps({**plan.content, "seal": plan.seal}).encode()


NOT_ITS_SEAL = "its content does not fit its seal: it was edited or cut off"
FACT_PARTS = "what, name, key, local, remote, base, step"
ACTION_PARTS = "effect, side, what, name, key, precondition, detail"
ACTION_JSON: dict[str, Any] = json.loads(render_sealed(PLAN))["actions"][0]


def no_text(name: str) -> str:
    return f"{name!r} is missing or no text of a fitting length"


def no_list(name: str) -> str:
    return f"{name!r} is missing or no list"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is no JSON that may be read: not valid JSON: Expecting value"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"[]", "it is not an object"),
        (b"{}", "it has no schema"),
        (b'{"schema": "skillsync.plan/1"}', "it is of another format ('skillsync.plan/1')"),
        (b'{"schema": null}', "it is of another format (None)"),
        (b'{"schema": "skillsync.sealed-plan/1"}', no_text("seal")),
        (
            b'{"schema": 1, "schema": 2}',
            'it is no JSON that may be read: the key "schema" is there twice in one object',
        ),
        (
            render_sealed(PLAN)[:-40],
            "it is no JSON that may be read: not valid JSON: Unterminated string starting at",
        ),
        (
            b"[" * 100_000,
            "it is no JSON that may be read: values are nested deeper than 64 levels",
        ),
        (edited(target="prod"), NOT_ITS_SEAL),
        (edited(facts=[]), NOT_ITS_SEAL),
        (edited(actions=[]), NOT_ITS_SEAL),
        (edited(seal="sha256:0"), NOT_ITS_SEAL),
        (edited(max_removals=3), NOT_ITS_SEAL),
        (edited(extra=1), "it has unknown parts: extra"),
        (edited(b=1, a=1), "it has unknown parts: a, b"),
        (
            edited(target="\ud800"),
            "it is no JSON that may be read: a text holds an unpaired surrogate, which is not Unicode",
        ),
        (
            edited().replace(b'"max_removals": null', b'"max_removals": ' + b"9" * 4_301),
            "it is no JSON that may be read: an integer has too many digits",
        ),
        (
            edited().replace(b'"max_removals": null', b'"max_removals": ' + b"9" * 4_300),
            NOT_ITS_SEAL,
        ),
        *((edited(**{name: None}), no_text(name)) for name in TEXT_PARTS),
        *((edited(**{name: None}), no_list(name)) for name in LIST_PARTS),
        (edited(head=5), no_text("head")),
        (edited(names=[1]), no_text("names")),
        (edited(archive=[1]), no_text("archive")),
        (edited(max_removals=True), "'max_removals' is no number"),
        (edited(max_removals="3"), "'max_removals' is no number"),
        (edited(facts=[{}]), f"a fact does not have exactly the parts {FACT_PARTS}"),
        (edited(facts=["x"]), "a fact is not an object"),
        (edited(actions=["x"]), "an action is not an object"),
        (
            edited(actions=[{"effect": "x"}]),
            f"an action does not have exactly the parts {ACTION_PARTS}",
        ),
        (edited(id="x" * 4_097), no_text("id")),
        *(
            (
                edited(actions=[{**ACTION_JSON, part: "format"}]),
                f"an action is of an unknown kind: 'format' is not a valid {part.capitalize()}",
            )
            for part in ("effect", "side", "what")
        ),
    ],
)
def test_what_is_no_plan_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(PlanUnreadable) as refused:
        read(data)
    error = refused.value
    assert error.message == f"plan.json is no plan that can be used: {why}"
    assert (error.subject, error.unchanged) == ("plan.json", "Nothing was published.")
    assert error.hint == "skillsync plan -o FILE makes one"
    assert error.exit_code == 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)  # fmt: skip


@settings(max_examples=30)
@given(st.sampled_from([*PLAN.content, "seal"]), anything)
def test_whatever_stands_in_a_file_is_a_plan_or_refused(name: str, value: Any) -> None:
    with suppress(PlanUnreadable):
        assert read(edited(**{name: value})) == PLAN


def test_a_file_that_is_too_large_is_not_read() -> None:
    with pytest.raises(PlanUnreadable, match="it is larger than 67,108,864 bytes"):
        read(b" " * (MAX_BYTES + 1))


def test_a_text_may_be_as_long_as_names_and_keys_ever_are() -> None:
    assert read(resealed(target="x" * 4_096)).target == "x" * 4_096


def test_what_is_odd_in_a_foreign_file_is_told_shortly() -> None:
    with pytest.raises(PlanUnreadable) as refused:
        read(json.dumps({"schema": "x" * 100}).encode())
    assert refused.value.message.endswith(f"it is of another format ('{'x' * 59})")
    with pytest.raises(PlanUnreadable) as refused:
        read(edited(**{"x" * 300: 1}))
    assert refused.value.message.endswith(f"it has unknown parts: {'x' * 200}")


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
    row = replace(one, what="row", name="sums", key="q1")
    assert differences([row, one], [replace(one, what="dataset")]) == [
        "alpha is new",
        "sums:q1 is not there any more",
        "alpha is not there any more",
    ]
    assert differences([one], [replace(one, remote="x" * 100)]) == [
        f"alpha: the remote was v3 id-3 and is {'x' * 80}"
    ]
