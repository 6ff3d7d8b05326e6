"""A table says of a content what reading all its rows would say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats import row_table
from skillsync.formats.canonical import rows_digest
from skillsync.formats.row_keys import fold_id
from skillsync.formats.row_table import TableDigest, TableTrouble, key_of, table_line, with_edits
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
    ]
)
ROWS = st.dictionaries(KEYS.map(Key), st.sampled_from(["0" * 16, "f" * 16]), max_size=12)


def table(rows: Mapping[Key, str]) -> list[bytes]:
    return sorted(table_line(key, digest) for key, digest in rows.items())


def blocks(lines: list[bytes], size: int) -> list[bytes]:
    return [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]


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
    assert digest_of(list(row_table.blocks_of(lines))) == expected


@given(ROWS.filter(are_once), ROWS, st.sets(st.integers(0, 11)), st.integers(1, 5))
def test_edits_make_the_table_of_the_edited_rows(
    rows: dict[Key, str], new: dict[Key, str], places: set[int], size: int
) -> None:
    gone = {key: rows[key] for place, key in enumerate(rows) if place in places}
    stay = {key: digest for key, digest in rows.items() if key not in gone}
    is_free = not {fold_id(key) for key in stay} & {fold_id(key) for key in new}
    made = with_edits(blocks(table(rows), size), gone=gone, new=new)
    if is_free:
        assert b"".join(made) == b"".join(table({**stay, **new}))
    else:
        with pytest.raises(TableTrouble):
            list(made)


@given(ROWS, KEYS.map(Key))
def test_a_row_that_is_not_there_cannot_go(rows: dict[Key, str], key: Key) -> None:
    rows[key] = "0" * 16
    with pytest.raises(TableTrouble):
        list(with_edits(blocks(table(rows), 2), gone={key: "1" * 16}, new={}))
