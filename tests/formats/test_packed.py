"""What is packed answers as a dictionary, a set or a list would."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.kept_rows import KeptLines, read_kept_items
from skillsync.formats.key_index import KeyIndex
from skillsync.formats.marks import Marks
from skillsync.formats.packed_keys import PackedKeys
from skillsync.formats.packed_records import PackedRecords
from skillsync.formats.row_keys import fold_id
from skillsync.formats.short_digests import ShortDigests, same_digests
from skillsync.model import Key
from tests.formats.test_kept_rows import Memory

texts = st.one_of(st.sampled_from(["é", "e\u0301", "K", "\u212a", "a", "b"]), st.text(min_size=1))
keys = st.lists(texts.map(Key), unique_by=fold_id, max_size=300)
digests = st.one_of(st.integers(0, 2**64 - 1).map("{:016x}".format), st.just("@7"))


@given(keys, st.lists(texts))
def test_an_index_finds_keys_as_ids_are_told_apart(there: list[Key], others: list[str]) -> None:
    held: list[Key | None] = []
    folding, exact = KeyIndex(held, folds=True), KeyIndex(held, folds=False)
    for number, key in enumerate(there):
        held.append(key)
        folding.add(fold_id(key), number)
        exact.add(key, number)
    by_fold = {fold_id(key): number for number, key in enumerate(there)}
    by_text = {str(key): number for number, key in enumerate(there)}
    for text in [*there, *others]:
        assert folding.find(fold_id(text)) == by_fold.get(fold_id(text))
        assert exact.find(text) == by_text.get(text)


@given(st.lists(st.one_of(st.none(), texts, st.just("\0"), st.just("\ud800"))))
def test_packed_keys_are_a_list(given_keys: list[str | None]) -> None:
    there = [None if key is None else Key(key) for key in given_keys]
    packed: PackedKeys[Key | None] = PackedKeys()
    for key in there:
        packed.append(key)
    assert [*packed] == there
    assert len(packed) == len(there)
    assert packed[1:3] == there[1:3]
    assert [*PackedKeys(there)] == there
    assert [packed[-1 - at] for at in range(len(there))] == there[::-1]
    with pytest.raises(IndexError):
        packed[len(there)]


@given(st.lists(st.text()))
def test_marks_tell_what_is_new(given_texts: list[str]) -> None:
    marks, seen = Marks(), set[str]()
    for text in given_texts:
        assert marks.add(text) == (text not in seen)
        seen.add(text)
    assert len(marks) == len(seen)


def test_many_marks_and_records() -> None:
    marks, records = Marks(), PackedRecords("<Q3s?")
    for number in range(5_000):
        assert marks.add(str(number))
        records.append(number, b"abc", number % 2 == 0)
    assert not any(marks.add(str(number)) for number in range(5_000))
    records[4_999] = 7, b"", False
    assert [records[number] for number in (0, 2_047, 2_048, 4_999)] == [
        (0, b"abc", True),
        (2_047, b"abc", False),
        (2_048, b"abc", True),
        (7, b"\0\0\0", False),
    ]


def lines_with(ids: list[Key]) -> KeptLines:
    data = "".join(json.dumps({"id": key, "input": 1}) + "\n" for key in ids).encode()
    found = read_kept_items(io.BytesIO(data), Memory(), path="p").lines
    assert isinstance(found, KeptLines)
    return found


steps = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), digests)))


@given(st.sets(st.integers(0, 9)), steps)
def test_short_digests_are_a_dictionary(
    like: set[int], changes: list[tuple[int, str | None]]
) -> None:
    packed = ShortDigests(lines_with([Key(f"k{number}") for number in sorted(like)]))
    plain: dict[Key, str] = {}
    for number, digest in changes:
        key = Key(f"k{number}")
        if digest is None:
            assert packed.pop(key, None) == plain.pop(key, None)
        else:
            packed[key] = plain[key] = digest
        assert dict(packed) == plain
        assert len(packed) == len(plain)
        assert same_digests(packed, plain)
        assert same_digests(ShortDigests(packed.like, packed), plain)
    packed[Key("more")] = "0" * 16
    assert not same_digests(packed, plain)
