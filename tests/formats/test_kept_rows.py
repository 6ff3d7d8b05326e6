"""A file of which the rows lie elsewhere is the file that holds them, to everyone who reads or edits it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    assign_keys,
    parse_items,
    remove_rows,
    render_items,
    replace_rows,
)
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.kept_rows import KeptFields, read_kept_items
from skillsync.model import Author, Key, RemoteRow, Row
from tests.formats.test_row_stream import PATH, contents, valid


@dataclass
class Memory:
    """A store that is a text."""

    data: bytearray = field(default_factory=bytearray)

    def put(self, data: bytes) -> int:
        self.data += data
        return len(self.data) - len(data)

    def get(self, place: int, length: int) -> bytes:
        return bytes(self.data[place : place + length])


def kept(data: bytes, **options: object) -> ItemsFile:
    return read_kept_items(io.BytesIO(data), Memory(), path=PATH, **options)  # type: ignore[arg-type]


def held(data: bytes) -> ItemsFile | str:
    try:
        return parse_items(data, path=PATH)
    except InvalidContent as error:
        return f"{error.line}: {error}"


@given(st.one_of(valid, contents))
def test_it_is_read_as_ever(data: bytes) -> None:
    expected = held(data)
    if isinstance(expected, str):
        with pytest.raises(InvalidContent) as caught:
            kept(data)
        assert f"{caught.value.line}: {caught.value}" == expected
        return
    file = kept(data)
    assert render_items(file) == data
    assert [*file.rows] == [*expected.rows]
    assert dict(file.rows_by_key) == dict(expected.rows_by_key)
    assert dict(file.digests) == dict(expected.digests)
    assert list(file.digests) == list(expected.digests)
    assert [line.number for line in file.lines] == [line.number for line in expected.lines]
    assert [line.fields for line in file.keyless] == [line.fields for line in expected.keyless]
    assert [row_digest(row) for row in file.rows] == [row_digest(row) for row in expected.rows]
    assert (dict(file.used), file.limits) == (dict(expected.used), expected.limits)


@given(valid, st.data())
def test_it_is_edited_as_ever(data: bytes, draw: st.DataObject) -> None:
    expected = held(data)
    if isinstance(expected, str):
        return
    file = kept(data)
    keys = [row.key for row in file.rows]
    some = draw.draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    changed = [Row(key, {"input": 9, "metadata": {"a": 1}}) for key in some]
    new = [Row(Key("new"), {"input": "x"})]

    def edit(one: ItemsFile) -> bytes:
        one = replace_rows(one, changed, spelling="seed")
        one = remove_rows(one, some[1:])
        one = assign_keys(
            one, known=list(expected.rows), new_key=iter(map(str, range(20, 40))).__next__
        )
        return render_items(append_rows(one, new, spelling="seed"))

    assert edit(file) == edit(expected)


def test_a_mapping_of_names_holds() -> None:
    (row,) = kept(b'{"vars": 1, "id": 5, "ideal": null}\n', mapping={"input": "vars", "expected_output": "ideal"}).rows  # fmt: skip
    assert isinstance(row.fields, KeptFields)
    assert row == Row(Key("5"), {"input": 1, "expected_output": None})
    assert row != Row(Key("5"), {"input": 2})
    assert len(row.fields) == 2
    assert repr(row.fields) == repr({"input": 1, "expected_output": None})


def remote(key: str, value: object) -> RemoteRow:
    fields = {"input": value, "metadata": {"n": 1.5}}
    author = Author(1, "me")
    return RemoteRow("id", "set", Row(Key(key), fields), "then", "now", author, own_key=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["\u2028é\ud7ff", 10**30, 1e300, [None, True], {"a": {}}])
def test_remote_rows_come_back_as_they_were(value: object) -> None:
    rows = KeptRows(Memory(), held=60)
    rows.add(remote("a", value))
    assert not isinstance(rows[0].row.fields, KeptFields)
    for key in "bcdefghij":
        rows.add(remote(key, value))
    assert list(rows) == [remote(key, value) for key in "abcdefghij"]
    assert isinstance(rows[0].row.fields, KeptFields)
    assert row_digest(rows[1].row) == row_digest(remote("b", value).row)
    assert rows.digests == {Key(key): short(row_digest(remote(key, value).row)) for key in "abcdefghij"}  # fmt: skip
