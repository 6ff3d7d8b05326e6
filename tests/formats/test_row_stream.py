"""Reading a file of rows as a stream, or only what differs in it, says what reading it whole says."""

from __future__ import annotations

import heapq
import io
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, rows_digest, short
from skillsync.formats.jsonl import parse_items
from skillsync.formats.line_windows import TooFarApart, differing_lines
from skillsync.formats.row_lines import Limits, LineReader, LooseReader
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_stream import Changes, read_changes, read_rows
from skillsync.formats.row_table import (
    TableDigest,
    TableTrouble,
    blocks_of,
    key_of,
    once,
    table_line,
    with_edits,
)
from skillsync.model import Digest, Key

PATH = "datasets/d/items.jsonl"
LIMITS = Limits(line=60, file=10_000)
KEYS = ["a", "b", "c", "A", "é", "e\u0301", "K", "\u212a", "7"]

rows = st.builds(
    lambda key, value, spaced: json.dumps(
        {**({} if key is None else {"id": key}), "input": value},
        ensure_ascii=False,
        separators=(", ", ": ") if spaced else (",", ":"),
    ).encode(),
    st.one_of(st.none(), st.sampled_from(KEYS)),
    st.integers(0, 2),
    st.booleans(),
)
wrong = st.sampled_from(
    [
        b"{",
        b"[]",
        b'{"id":1,"x":2}',
        b"\xff",
        b'{"id":"' + b"y" * 60 + b'"}',
        b"y" * 300,
        b'{"id":""}',
    ]
)
blank = st.sampled_from([b"", b" \t", b"\r"])
contents = st.builds(
    lambda lines, ends, mark, final: (
        (b"\xef\xbb\xbf" if mark else b"")
        + b"".join(line + (b"\r\n" if ends else b"\n") for line in lines[:-1])
        + b"".join(lines[-1:])
        + (b"\n" if final else b"")
    ),
    st.lists(st.one_of(rows, rows, rows, rows, rows, blank, wrong), max_size=9),
    st.booleans(),
    st.sampled_from([False] * 9 + [True]),
    st.booleans(),
)
valid = st.builds(
    lambda picked, final: b"\n".join(picked) + (b"\n" if final else b""),
    st.lists(st.one_of(rows, blank), max_size=9),
    st.booleans(),
)
Holds = tuple[dict[Key, str], int]


def whole(data: bytes) -> Holds | str:
    """The rows and how many lines have no key, or what is wrong; by reading everything at once."""
    try:
        file = parse_items(data, path=PATH, limits=LIMITS)
    except InvalidContent as error:
        return f"{error.line}: {error}"
    return {row.key: short(row_digest(row)) for row in file.rows}, len(file.keyless)


def reader() -> LineReader:
    return LineReader(PATH, RowNames.from_mapping(None), LIMITS)


def table(held: Holds) -> list[bytes]:
    return sorted(table_line(key, digest) for key, digest in held[0].items())


def compared(base: bytes, local: bytes) -> Changes:
    hunks = differing_lines(io.BytesIO(base).read, io.BytesIO(local).read)
    return read_changes(hunks, reader(), reader())


@given(contents)
def test_a_stream_of_lines_is_read_as_the_whole_file_is(data: bytes) -> None:
    held: dict[Key, str] = {}
    keyless = 0
    found: Holds | str
    try:
        for line in read_rows(io.BytesIO(data), reader()):
            if line.row is not None:
                held[line.row.key] = short(row_digest(line.row))
            elif line.fields is not None:
                keyless += 1
        found = held, keyless
    except InvalidContent as error:
        found = f"{error.line}: {error}"
    assert found == whole(data)


@given(valid, st.one_of(valid, contents))
@example(b'{"id":"a","input":1}', b'{"id":"a","input":1}\n{"id":"a","input":2}\n')
@example(b'{"id":"K","input":1}\n', b'{"id":"K","input":1}\n{"id":"\xe2\x84\xaa","input":1}\n')
def test_what_differs_and_a_table_of_the_base_tell_the_whole(base: bytes, local: bytes) -> None:
    known, expected = whole(base), whole(local)
    assume(isinstance(known, tuple))
    assert isinstance(known, tuple)
    digest = TableDigest()
    try:
        changes = compared(base, local)
        gone = {key: placed.digest for key, placed in changes.base.items()}
        new = {key: placed.digest for key, placed in changes.local.items()}
        for block in with_edits(blocks_of(table(known)), gone=gone, new=new):
            digest.add(block)
    except (InvalidContent, TableTrouble):
        assert isinstance(expected, str)
        return
    assert isinstance(expected, tuple)
    assert digest.digest == rows_digest((key, Digest(one)) for key, one in expected[0].items())
    assert len(known[0]) - len(changes.base) + len(changes.local) == len(expected[0])
    assert known[1] - changes.keyless_base + changes.keyless_local == expected[1]


@given(valid, valid)
def test_a_comparison_by_windows_and_one_by_keys_find_the_same_rows(
    base: bytes, local: bytes
) -> None:
    one, other = whole(base), whole(local)
    assume(isinstance(one, tuple) and isinstance(other, tuple))
    assert isinstance(one, tuple)
    assert isinstance(other, tuple)
    changes = compared(base, local)
    by_key = {key_of(line) for line in once(heapq.merge(table(one), table(other)))}
    naive = {key for key in one[0] | other[0] if one[0].get(key) != other[0].get(key)}
    assert changes.base.keys() | changes.local.keys() == by_key == naive
    assert all(placed.digest == one[0][key] for key, placed in changes.base.items())
    assert all(placed.digest == other[0][key] for key, placed in changes.local.items())


def test_more_changes_than_are_worth_it_end_the_comparison() -> None:
    base = b"".join(b'{"id":%d,"input":0}\n' % number for number in range(20))
    hunks = differing_lines(io.BytesIO(base).read, io.BytesIO(base.replace(b":0", b":1")).read)
    with pytest.raises(TooFarApart):
        read_changes(hunks, reader(), reader(), most=10)


def test_a_loose_reader_refuses_only_the_doubles_it_was_told_of() -> None:
    data = b'{"id":"a"}\n{"id":"b"}\n{"id":"b"}\n{"id":"a"}\n'
    names = RowNames.from_mapping(None)
    assert len(list(read_rows(io.BytesIO(data), LooseReader(PATH, names)))) == 4
    with pytest.raises(InvalidContent, match="in line 1 and in line 4"):
        list(read_rows(io.BytesIO(data), LooseReader(PATH, names, doubled={"a"})))
