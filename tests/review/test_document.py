"""review.json: written once, read back whole, and nothing hostile gets through its reader."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import ReviewUnreadable
from skillsync.formats.canonical import canonical_json
from skillsync.model import Json
from skillsync.review.document import make_op, make_plan, parse_review, render_review
from skillsync.review.values import Kind, Mode, OpBase, Standing, Verb
from tests.review.builders import PLACE, a_review, a_skill


def test_a_review_comes_back_whole_and_its_bytes_are_the_same_each_time() -> None:
    review = a_review()
    data = render_review(review)
    assert parse_review(data, path="review.json") == review
    assert render_review(parse_review(data, path="review.json")) == data


def test_no_hidden_character_is_in_the_bytes_raw() -> None:
    data = render_review(a_review(skills=(a_skill("a\u202eb\U000e0041\u200b\x07é"),)))
    assert data.isascii()
    assert b"\x07" not in data


def test_the_plan_depends_on_effects_only_and_not_on_their_order() -> None:
    one = make_op(Kind.SKILL, "a", Verb.CREATE, target="t", standing=Standing.CURRENT)
    two = make_op(Kind.SKILL, "b", Verb.CREATE, target="t", standing=Standing.CURRENT)
    plan = make_plan(Mode.ONLINE, PLACE, (two, one))
    assert plan == make_plan(Mode.ONLINE, PLACE, (one, two))
    assert make_plan(Mode.OFFLINE, PLACE, (one, two)).plan_id != plan.plan_id
    other = make_op(Kind.SKILL, "b", Verb.CREATE, target="u", standing=Standing.CURRENT)
    assert make_plan(Mode.ONLINE, PLACE, (one, other)).plan_id != plan.plan_id
    silent = replace(a_review(), findings=(), gates=())
    assert silent.plan.plan_id == a_review().plan.plan_id


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda it: it.update(schema="skillsync.review/2"), "schema"),
        (lambda it: it.update(extra=1), "members"),
        (lambda it: it.pop("gates"), "members"),
        (lambda it: it.update(mode="sideways"), "none of"),
        (lambda it: it["range"].update(head="--exec=x"), "commit id"),
        (lambda it: it["plan"]["ops"][0].update(target="canon:1:sha256:cc"), "edited"),
        (lambda it: it["plan"]["ops"].pop(), "edited"),
        (lambda it: it["plan"].update(mode="offline"), "another mode"),
        (lambda it: it["cost"].update(reads=1.5), "number"),
        (lambda it: it["cost"].update(reads=True), "number"),
        (lambda it: it["skills"][0].update(name=None), "text"),
        (lambda it: it.update(skills={}), "list"),
        (lambda it: it["skills"][0]["trigger"]["words"][0].update(op="<b>"), "neither"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_place_is_named(change, why: str) -> None:  # type: ignore[no-untyped-def]
    value = json.loads(render_review(a_review()))
    change(value)
    with pytest.raises(ReviewUnreadable, match=why):
        parse_review(json.dumps(value).encode(), path="review.json")


def test_sizes_are_bounded() -> None:
    value = json.loads(render_review(a_review()))
    value["skills"][0]["dir"] = "x" * 2_000_001
    with pytest.raises(ReviewUnreadable, match="longer"):
        parse_review(json.dumps(value).encode(), path="review.json")
    with pytest.raises(ReviewUnreadable, match="JSON"):
        parse_review(b"[" * 1_000_000, path="review.json")


@given(data=st.data())
def test_no_damage_is_anything_but_unreadable_or_read(data: st.DataObject) -> None:
    raw = bytearray(render_review(a_review()))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(ReviewUnreadable):
        parse_review(bytes(raw), path="review.json")


@given(
    name=st.text(max_size=8),
    key=st.text(max_size=8),
    version=st.none() | st.integers(1, 10**6),
    base=st.none() | st.tuples(st.none() | st.integers(1, 9), st.text(max_size=5), st.text(max_size=5)),
)  # fmt: skip
def test_an_operations_id_is_the_hash_that_is_documented(
    name: str, key: str, version: int | None, base: tuple[int | None, str, str] | None
) -> None:
    op = make_op(
        Kind.ROW, name, Verb.UPDATE, key=key, base=OpBase(*base) if base else None, target="t",
        new_version=version, standing=Standing.DRIFT,
    )  # fmt: skip
    start: Json = [*base] if base else None
    value: Json = ["row", name, key, "update", start, "t", version, "drift"]
    text = canonical_json(value).encode("utf-8", "surrogatepass")
    assert op.op_id == "sha256:" + sha256(text).hexdigest()
