"""A file written anew in one pass is the one that the edits make of it one after the other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    assign_keys,
    parse_items,
    remove_rows,
    render_items,
    replace_rows,
)
from skillsync.formats.kept_rows import read_kept_items
from skillsync.formats.row_rewriting import Rewriting, keyed_pieces
from skillsync.model import Json, Key, Row
from tests.formats.test_kept_rows import Memory
from tests.formats.test_row_stream import PATH, valid

KeyMode = Literal["id", "content"]
MODES: Sequence[KeyMode] = ("id", "content")
values: st.SearchStrategy[Json] = st.sampled_from([None, 1, "é", "x", {"a": [1]}])


def read(data: bytes, keys: KeyMode, *, kept: bool) -> ItemsFile:
    if kept:
        return read_kept_items(io.BytesIO(data), Memory(), path=PATH, keys=keys)
    return parse_items(data, path=PATH, keys=keys)


def row(key: str, value: Json) -> Row:
    return Row(Key(key), {"input": value, "metadata": {"a": 1}})


@given(valid, st.data(), st.sampled_from(MODES), st.booleans())
def test_it_is_what_the_edits_make(
    data: bytes, draw: st.DataObject, keys: KeyMode, kept: bool
) -> None:
    try:
        file = parse_items(data, path=PATH, keys=keys)
    except InvalidContent:
        return
    there = [one.key for one in file.rows]
    some = draw.draw(st.lists(st.sampled_from(there), unique=True)) if there else []
    cut = draw.draw(st.integers(0, len(some)))
    changed = [row(key, draw.draw(values)) for key in some[:cut]]
    added = [row(f"new-{number}", draw.draw(values)) for number in range(draw.draw(st.integers(0, 3)))]  # fmt: skip

    expected = replace_rows(file, changed, spelling="seed")
    expected = remove_rows(expected, some[cut:])
    expected = append_rows(expected, added, spelling="seed")

    again = read(data, keys, kept=kept)
    work = Rewriting(again, "seed", {one.key: one for one in changed}, set(some[cut:]), added)
    written = b"".join(work.pieces())
    assert not work.refused
    found = parse_items(written, path=PATH, keys=keys)
    assert {one.key: row_digest(one) for one in found.rows} == {
        one.key: row_digest(one) for one in expected.rows
    }
    if keys == "id":
        assert written == render_items(expected)


@given(valid, st.booleans())
def test_lines_get_the_keys_that_they_get_one_by_one(data: bytes, kept: bool) -> None:
    try:
        file = parse_items(data, path=PATH)
    except InvalidContent:
        return
    known = [Row(Key("known"), line.fields or {}) for line in file.keyless[:1]]
    expected = assign_keys(file, known=known, new_key=iter(map(str, range(1000, 2000))).__next__)
    pieces = keyed_pieces(
        read(data, "id", kept=kept),
        known=[(one.key, row_digest(one)) for one in known],
        new_key=iter(map(str, range(1000, 2000))).__next__,
    )
    assert b"".join(pieces) == render_items(expected)


@pytest.mark.parametrize("kept", [True, False])
def test_what_no_line_can_hold_is_left_out_and_named(*, kept: bool) -> None:
    data = '{"id": "é", "input": 1}\n{"id": "b", "input": 2}'.encode()
    long = row("b", "x" * 1_000_000)
    twin = row("e\u0301", 1)
    work = Rewriting(read(data, "id", kept=kept), "seed", {long.key: long}, (), [twin, long, row("c", 3)])  # fmt: skip
    written = b"".join(work.pieces()).decode()
    assert written.splitlines()[:2] == data.decode().splitlines()
    assert written.splitlines()[2:] == ['{"id": "c", "input": 3, "metadata": {"a": 1}}']
    assert work.refused == {"b", "e\u0301"}
