"""A table says of a content what reading all its rows would say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.canonical import rows_digest
from skillsync.formats.row_keys import fold_id
from skillsync.formats.row_table import (
    TableDigest,
    TableTrouble,
    blocks_of,
    key_of,
    lines_of,
    table_line,
    with_edits,
)
from skillsync.model import Digest, Key

KEYS = st.sampled_from(
    [
        "a",
        "a b",
        "ab",
        "A",
        'q"',
        "b\\",
        "é",
        "e\u0301",
        "K",
        "\u212a",
        "z" * 255,
        "\u2028",
        "0",
        "😀",
        "\ufffd",
        ",",
        "a,",
        "[",
        "a[",
        "]",
        "],[",
        '"],["',
    ]
)
ROWS = st.dictionaries(KEYS.map(Key), st.sampled_from(["0" * 16, "f" * 16]), max_size=12)


def table(rows: Mapping[Key, str]) -> list[bytes]:
    return sorted(table_line(key, digest) for key, digest in rows.items())


def blocks(lines: list[bytes], size: int) -> list[bytes]:
    """A table in blocks of so many rows."""
    return [
        block for at in range(0, len(lines), size) for block in blocks_of(lines[at : at + size])
    ]


def digest_of(found: list[bytes]) -> Digest:
    digest = TableDigest()
    for block in found:
        digest.add(block)
    return digest.digest


def are_once(rows: Mapping[Key, str]) -> bool:
    return len({fold_id(key) for key in rows}) == len(rows)


@given(ROWS, st.integers(1, 5))
def test_the_digest_is_that_of_all_rows(rows: dict[Key, str], size: int) -> None:
    lines = table(rows)
    assert [key_of(line) for line in lines] == sorted(rows)
    expected = rows_digest((key, Digest(digest)) for key, digest in rows.items())
    assert digest_of(blocks(lines, size)) == expected
    assert digest_of(list(blocks_of(lines))) == expected


@given(ROWS, st.integers(1, 5))
def test_a_block_is_one_line_and_gives_back_its_rows(rows: dict[Key, str], size: int) -> None:
    found = blocks(table(rows), size)
    assert [line for block in found for line in lines_of(block)] == table(rows)
    assert not any(b"\n" in block for block in found)


@pytest.mark.parametrize(
    "block", [b"", b"\\", b'["a\\u0022"]', b'[1,"\\\\"]', b"\x80\\", b'["\x80","0"]']
)
def test_what_is_no_block_is_no_table(block: bytes) -> None:
    with pytest.raises(TableTrouble):
        list(with_edits([block], gone={Key("a"): "0" * 16}, new={Key("b"): "1" * 16}))


@given(ROWS.filter(are_once), ROWS, st.sets(st.integers(0, 11)), st.integers(1, 5))
def test_edits_make_the_table_of_the_edited_rows(
    rows: dict[Key, str], new: dict[Key, str], places: set[int], size: int
) -> None:
    gone = {key: rows[key] for place, key in enumerate(rows) if place in places}
    stay = {key: digest for key, digest in rows.items() if key not in gone}
    is_free = not {fold_id(key) for key in stay} & {fold_id(key) for key in new}
    made = with_edits(blocks(table(rows), size), gone=gone, new=new)
    if is_free:
        assert [line for block in made for line in lines_of(block)] == table({**stay, **new})
    else:
        with pytest.raises(TableTrouble):
            list(made)


@given(ROWS, KEYS.map(Key))
def test_a_row_that_is_not_there_cannot_go(rows: dict[Key, str], key: Key) -> None:
    rows[key] = "0" * 16
    with pytest.raises(TableTrouble):
        list(with_edits(blocks(table(rows), 2), gone={key: "1" * 16}, new={}))
