"""What a person sees of a conflict: the fields and lines that differ, and nothing of what all sides share."""

from __future__ import annotations

import json

import pytest

from skillsync.cli.excerpt import MOST_LINES, by_field, excerpts
from skillsync.model import Json


def sides(base: str | None, local: str | None, remote: str | None) -> dict[str, str | None]:
    return {"base": base, "local": local, "remote": remote}


def objects(base: Json, local: Json, remote: Json) -> dict[str, str | None]:
    texts = [None if one is None else json.dumps(one) for one in (base, local, remote)]
    return sides(*texts)


def test_lines_that_all_sides_share_are_left_out() -> None:
    found = excerpts(sides("a\nb\nc\nd", "a\nB\nc\nd", "a\nc\nd"))
    assert found == {"base": ["b"], "local": ["B"], "remote": ["(nothing there)"]}


def test_an_absent_side_cuts_nothing_of_two_that_are_equal() -> None:
    found = excerpts(sides("a\nb", "a\nb", None))
    assert found == {"base": ["a", "b"], "local": ["a", "b"], "remote": ["(absent)"]}


def test_an_empty_text_is_called_so() -> None:
    assert excerpts(sides(None, "", None)) == {
        "base": ["(absent)"],
        "local": ["(empty)"],
        "remote": ["(absent)"],
    }


def test_long_texts_end_in_dots() -> None:
    found = excerpts(sides(None, "\n".join(map(str, range(50))), "x" * 1_000))
    assert len(found["local"]) == MOST_LINES
    assert found["local"][-1].endswith("…")
    assert found["remote"] == ["x" * 400 + "…"]


def test_objects_are_shown_by_the_field_that_differs() -> None:
    base: Json = {"input": {"a": "x", "deep": {"b": 1}}, "same": [1, 2]}
    local: Json = {"input": {"a": "y", "deep": {"b": 1}}, "same": [1, 2]}
    remote: Json = {"input": {"a": "x", "deep": {"b": 2}}, "same": [1, 2]}
    assert by_field(objects(base, local, remote)) == {
        "input.a": sides("x", "y", "x"),
        "input.deep.b": sides("1", "1", "2"),
    }


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, "1"), (None, {})])
def test_values_of_different_types_differ(one: Json, other: Json) -> None:
    found = by_field(objects({"x": one, "y": 0}, {"x": other, "y": 0}, {"x": one, "y": 0}))
    assert list(found) == ["x"]


def test_a_row_that_a_side_does_not_have_is_absent_in_each_field() -> None:
    assert by_field(objects(None, {"input": 1, "metadata": {}}, None)) == {
        "input": sides(None, "1", None),
        "metadata": sides(None, "{}", None),
    }


def test_what_is_no_object_differs_as_a_whole() -> None:
    for texts in (sides("text", "{}", None), sides("1", "2", "3"), sides(None, None, None)):
        assert by_field(texts) == {"": texts}
