"""Rows shown field by field for `git diff`: equal rows look the same, different ones never do."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.canonical import canonical_json
from skillsync.formats.row_text import field_text


def shown(*lines: bytes) -> list[str]:
    return list(field_text(lines))


def test_a_row_is_its_key_and_its_fields() -> None:
    row = b'{"output": {"b": [1, "x"], "a": null}, "tags": [], "id": "a", "input": "one\\ntwo\\u001b", "m n": 1e2}\r\n'
    assert shown(row, b"\n", b'{"input": 1}') == [
        'row "a"',
        "  input:",
        "    | one",
        "    | two\\u001b",
        "  output:",
        "    a: null",
        "    b:",
        "      -: 1",
        '      -: "x"',
        '  "m n": 100',
        "  tags: []",
        "",
        "row",
        "  input: 1",
    ]


def test_what_is_no_row_is_shown_as_it_is() -> None:
    lines = [b"<<<<<<< HEAD\n", b"[1]\n", b"\xff\n", b'{"a": 1, "a": 2}\n', b"[" * 5000]
    assert shown(*lines[:4]) == ["? <<<<<<< HEAD", "? [1]", "? \ufffd", '? {"a": 1, "a": 2}']
    assert shown(lines[4]) == ["? " + "[" * 5000]


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "x", "x\ny", "| x", "-", "\n", "x: 1"])
)
NAMES = st.sampled_from(["id", "input", "metadata", "a", "-", "| a", "a: 1", ""])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=5,
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=3)


@given(ROWS, ROWS)
def test_two_rows_look_the_same_when_they_are_equal_and_only_then(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (shown(written(one)) == shown(written(other))) == (
        canonical_json(one) == canonical_json(other)
    )
    again = written(dict(reversed(one.items())), indent_like=True)
    assert shown(written(one)) == shown(again)


def written(row: dict[str, Any], *, indent_like: bool = False) -> bytes:
    return json.dumps(
        row, ensure_ascii=indent_like, separators=(" , ", " : ") if indent_like else None
    ).encode()
