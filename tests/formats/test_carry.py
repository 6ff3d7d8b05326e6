"""The carry entry: what goes in comes out, and what is not ours is unknown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.carry import (
    MAX_CARRY,
    Omitted,
    carry_is_too_large,
    decode_carry,
    encode_carry,
    fitting_extra,
)
from skillsync.formats.paths import path_problem
from skillsync.formats.yaml_edit import same_json
from skillsync.model import Extra, Json
from tests.formats.skill_builders import extra_keys, tools

paths = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda path: path_problem(path) is None
)


@given(
    extra_keys, st.one_of(st.none(), tools.filter(bool)), st.frozensets(paths), st.frozensets(paths)
)
def test_what_is_carried_comes_back(
    frontmatter: dict[str, Json],
    allowed: tuple[str, ...] | None,
    executable: frozenset[str],
    empty: frozenset[str],
) -> None:
    frontmatter = {k: v for k, v in frontmatter.items() if k != "allowed-tools"}
    extra = Extra(frontmatter, allowed, executable, empty)
    text = encode_carry(extra, force=True)
    if text is None:
        assert carry_is_too_large(extra)
        return
    carry = decode_carry(text)
    assert carry is not None
    assert same_json({**carry.extra.frontmatter}, {**frontmatter})
    assert (carry.extra.allowed_tools, carry.extra.executable, carry.extra.empty) == (
        allowed,
        executable,
        empty,
    )


def test_the_entry_is_compact_sorted_and_has_only_parts_that_are_there() -> None:
    extra = Extra({"b": 1, "a": True}, ("Bash(git add *)",), frozenset({"z", "a"}))
    assert encode_carry(extra) == (
        '{"executable":["a","z"],"frontmatter":{"a":true,"allowed-tools":["Bash(git add *)"],"b":1},"v":1}'
    )
    assert encode_carry(Extra()) is None
    assert encode_carry(Extra(), force=True) == '{"v":1}'
    assert encode_carry(Extra(), edges={"a": ("", "\n")}) is None


def test_edges_and_omitted_files_travel_along() -> None:
    omitted = (Omitted("b.png", "ab", 3, "binary"), Omitted("a.png", "cd", 4, "binary"))
    text = encode_carry(
        Extra(), omitted=omitted, edges={"x": ("\ufeff  ", "\n\n"), "y": ("", "\n")}
    )
    carry = decode_carry(text)
    assert carry is not None
    assert carry.edges == {"x": ("\ufeff  ", "\n\n")}
    assert carry.omitted == (Omitted("a.png", "cd", 4), Omitted("b.png", "ab", 3))


def test_above_the_limit_first_what_is_no_content_is_left_out_then_everything() -> None:
    small = Extra({"a": 1})
    many = {f"f{i}": ("", "") for i in range(3_000)}
    files = [Omitted(f"f{i}", "0" * 64, 1) for i in range(400)]
    assert encode_carry(small, edges=many) == '{"frontmatter":{"a":1},"v":1}'
    assert encode_carry(small, omitted=files, edges=many) == '{"frontmatter":{"a":1},"v":1}'
    assert encode_carry(Extra({"a": "x" * MAX_CARRY})) is None
    assert carry_is_too_large(Extra({"a": "x" * MAX_CARRY}))


@pytest.mark.parametrize(
    "text",
    [
        None,
        1,
        {"v": 1},
        "",
        "null",
        "[]",
        "{}",
        '{"v":2}',
        '{"v":true}',
        '{"v":1.0}',
        '{"v":1,"v":1}',
        '{"v":1,"frontmatter":[]}',
        '{"v":1,"frontmatter":{"name":"x"}}',
        '{"v":1,"frontmatter":{"a":NaN}}',
        '{"v":1,"frontmatter":{"a":1e400}}',
        '{"v":1,"frontmatter":{"a":"\\u0000"}}',
        '{"v":1,"frontmatter":{"a":"\\ud800"}}',
        '{"v":1,"frontmatter":{"allowed-tools":"x"}}',
        '{"v":1,"frontmatter":{"allowed-tools":["a b"]}}',
        '{"v":1,"executable":["../x"]}',
        '{"v":1,"executable":"x"}',
        '{"v":1,"empty":[1]}',
        '{"v":1,"empty":["SKILL.md"]}',
        '{"v":1,"edges":{"a":["x",""]}}',
        '{"v":1,"edges":{"a":[""]}}',
        '{"v":1,"edges":{"/a":["",""]}}',
        '{"v":1,"omitted":[{"path":"a","sha256":"","bytes":"1"}]}',
        '{"v":1,"omitted":[{"path":"../a","sha256":"","bytes":1}]}',
        '{"v":1,"frontmatter":{"a":' + "[" * 5_000 + "]" * 5_000 + "}}",
        '{"v":1,"frontmatter":{"a":' + "[" * 70 + "]" * 70 + "}}",
        json.dumps({"v": 1, "frontmatter": {"a": "x" * MAX_CARRY}}),
        '{"v":1,"frontmatter":{"a":' + "9" * 5_000 + "}}",
    ],
)
def test_anything_malformed_is_unknown(text: object) -> None:
    assert decode_carry(text) is None  # type: ignore[arg-type]  # hostile input has any type


@given(st.text())
def test_any_text_is_read_or_unknown(text: str) -> None:
    decode_carry(text)


def test_what_does_not_fit_the_files_is_left_out() -> None:
    extra = Extra({"a": 1}, None, frozenset({"x", "y", "e"}), frozenset({"x", "e"}))
    assert fitting_extra(extra, files={"x"}) == Extra(
        {"a": 1}, None, frozenset({"x", "e"}), frozenset({"e"})
    )
