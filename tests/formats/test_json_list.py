"""A list that is read element by element holds what one that is held whole does, or is not read so."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.json_list import NotPlain, read_list
from skillsync.formats.json_text import MAX_DEPTH, JsonTrouble, read_json

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("aé\n")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab\u2028"), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=6)


def elements(data: bytes, piece: int = 5, longest: int = 1_000_000) -> list[tuple[int, str]]:
    return [*read_list(io.BytesIO(data).read, piece=piece, longest=longest)]


@given(OBJECTS, st.integers(1, 40), st.sampled_from([None, 0, 2]), st.booleans(), st.booleans())
def test_each_element_comes_as_it_is_with_its_line(
    rows: list[dict[str, object]], piece: int, indent: int | None, ascii_only: bool, mark: bool
) -> None:
    try:
        text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only) + "\n"
        data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
        read_json(text)
    except (JsonTrouble, UnicodeEncodeError):
        return
    found = elements(data, piece)
    assert [json.loads(element) for _, element in found] == rows
    at = 0
    for line, element in found:
        at = text.index(element, at)
        assert line == text.count("\n", 0, at) + 1
        at += len(element)


@given(OBJECTS, st.data())
def test_a_text_that_was_cut_or_changed_is_no_other_list(
    rows: list[dict[str, object]], data: st.DataObject
) -> None:
    text = json.dumps(rows)
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from(["", ",", "]", "{", "1", " ", "\0"]))
    other = text[:at] + new + text[at + 1 :]
    try:
        found = [json.loads(element) for _, element in elements(other.encode())]
    except NotPlain:
        return
    assert read_json(other) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[",
        "[{}",
        "[{},]",
        "[,{}]",
        "[{} {}]",
        "[1]",
        "[{}, 1]",
        "[{}] x",
        '[{"a": 1, "a": 2}]',
        '[{"a": NaN}]',
        '["\\u0000"]',
        f'[{{"a": {"[" * (MAX_DEPTH - 1)}{"]" * (MAX_DEPTH - 1)}}}]',
    ],
)
def test_what_may_not_be_kept_is_left_to_who_reads_it_whole(text: str) -> None:
    with pytest.raises(NotPlain):
        elements(text.encode())


def test_what_is_no_text_is_left_too() -> None:
    with pytest.raises(NotPlain):
        elements(b'[{"a": "\xff"}]')
    with pytest.raises(NotPlain):
        elements(b"[{}]\xc3")


def test_an_element_that_does_not_end_is_not_held() -> None:
    given_bytes = 0

    def endless(size: int) -> bytes:
        nonlocal given_bytes
        given_bytes += size
        return b'[{"a": "' if given_bytes == size else b"x" * size

    with pytest.raises(NotPlain):
        list(read_list(endless, piece=8, longest=1_000))
    assert given_bytes < 2_000
