"""JSON as jsonb keeps it (datasets-api.md 2.4)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.server.jsonb import (
    MAX_DEPTH,
    JsonbEncoder,
    NotStorable,
    jsonb_form,
    require_storable,
)

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1e5", "100000.0"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "10000000000000000"),
        ("1e22", "10000000000000000000000"),
        ("1e23", "1" + "0" * 23),
        ("1.5e300", "15" + "0" * 299),
        ("-1e16", "-10000000000000000"),
        ("12345678901234567.0", "12345678901234568"),
        ("1e-7", "1e-07"),
        ("5e-324", "5e-324"),
        ("-0.0", "0.0"),
        ("0.0", "0.0"),
        ("-0", "0"),
        ("1.0", "1.0"),
        ("1", "1"),
        ("true", "true"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("123456789.123456789123", "123456789.12345679"),
        ('{"b":1,"aa":2,"a":3}', '{"a": 3, "b": 1, "aa": 2}'),
        ('{"b":1,"b":3}', '{"b": 3}'),
        (
            '{"é":1,"zz":2,"y":{"bb":1,"c":[{"ee":1,"d":-0.0}]}}',
            '{"y": {"c": [{"d": 0.0, "ee": 1}], "bb": 1}, "zz": 2, "é": 1}',
        ),
        ("[3,1,2]", "[3, 1, 2]"),
    ],
)
def test_a_value_comes_back_as_the_table_says(sent: str, stored: str) -> None:
    assert json.dumps(jsonb_form(json.loads(sent)), cls=JsonbEncoder) == stored


@given(_json)
def test_the_form_is_equal_by_value_and_final(value: Any) -> None:
    form = jsonb_form(value)
    assert _by_value(form) == _by_value(value)
    text = json.dumps(form, cls=JsonbEncoder)
    assert json.dumps(jsonb_form(json.loads(text)), cls=JsonbEncoder) == text


def _by_value(value: Any) -> Any:
    """Floats and integers by their shortest text's number; containers by content."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", float(value) if abs(value) < 2**1023 else value)
    if isinstance(value, list):
        return ("list", [_by_value(item) for item in value])
    return ("object", {key: _by_value(inner) for key, inner in value.items()})


@given(_json)
def test_everything_jsonb_can_hold_is_accepted(value: Any) -> None:
    require_storable(value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "\0", "a\0b", "\ud800"])
def test_what_jsonb_cannot_hold_is_refused_at_any_depth(bad: object) -> None:
    for value in (bad, [bad], {"a": {"b": [1, bad]}}):
        with pytest.raises(NotStorable):
            require_storable(value)
    if isinstance(bad, str):
        with pytest.raises(NotStorable):
            require_storable({bad: 1})


def test_nesting_ends_somewhere() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH):
        value = [value]
    require_storable(value)
    jsonb_form(value)
    with pytest.raises(NotStorable):
        require_storable([value])
