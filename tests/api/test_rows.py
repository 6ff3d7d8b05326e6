"""Keys inside metadata, and the JSON of datasets and items (skill-format.md 14.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.rows import (
    dataset_changes,
    dataset_from,
    dataset_payload,
    fields_payload,
    item_payload,
    metadata_with_key,
    metadata_without_key,
    row_from,
)
from skillsync.errors import BadAnswer, InvalidContent
from skillsync.formats.row_keys import id_problem
from skillsync.model import ROW_FIELDS, DatasetInfo, Json, Key, Row
from tests.api.samples import FIRST, ID, OTHER_ID

SEED_FIELDS = tuple(name for name in ROW_FIELDS if name != "source_output")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
names = texts | st.sampled_from(["skillsync_id", "skillsync_value", "id"])
values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
keys = (
    st.text("abcäZ0-_. /\u00a0\u200d\u2028", min_size=1, max_size=20)
    .filter(lambda text: id_problem(text) is None)
    .map(Key)
)
"""What a line may have as its id: all of it comes back as our key, or the row would be taken for another."""


@given(keys, values)
def test_a_key_goes_in_and_comes_out_and_the_metadata_is_as_before(
    key: Key, metadata: Json
) -> None:
    told, rest = metadata_without_key(metadata_with_key(key, metadata))
    assert told == key
    assert rest == (None if metadata == {} else metadata)


@pytest.mark.parametrize(
    ("metadata", "stored"),
    [
        (None, {"skillsync_id": "k"}),
        ({}, {"skillsync_id": "k"}),
        ({"a": 1}, {"skillsync_id": "k", "a": 1}),
        ([1], {"skillsync_id": "k", "skillsync_value": [1]}),
        ("x", {"skillsync_id": "k", "skillsync_value": "x"}),
        (False, {"skillsync_id": "k", "skillsync_value": False}),
        (
            {"skillsync_value": 1},
            {"skillsync_id": "k", "skillsync_value": {"skillsync_value": 1}},
        ),
    ],
)
def test_how_a_key_is_stored(metadata: Json, stored: Json) -> None:
    assert metadata_with_key(Key("k"), metadata) == stored


@pytest.mark.parametrize(
    "key",
    [None, 5, "", "x" * 256, "a\nb", "a\0", "a\x1b", " a", "a\u00a0", f"srv:{ID}", ["k"], {"k": 1}],
)
def test_what_cannot_be_a_key_of_ours_makes_a_foreign_row(key: Json) -> None:
    metadata: Json = {"skillsync_id": key, "a": 1}
    assert metadata_without_key(metadata) == (None, metadata)


def nested(levels: int) -> Json:
    value: Json = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "dataset": OTHER_ID,
        "input": {"q": 1},
        "output": "a",
        "metadata": {"skillsync_id": "k"},
        "ref_trace_id": None,
        "ref_timestamp": None,
        "ref_source_id": None,
        "deleted": False,
        "created_at": FIRST,
        "updated_at": FIRST,
        "created_by": None,
        "team": 1,
        **changes,
    }


def test_an_item_is_read_under_the_newest_names() -> None:
    found = row_from(
        item(ref_trace_id="t", ref_timestamp=FIRST, ref_source_id="s", metadata={"a": 1})
    )
    assert found.row == Row(
        Key(f"srv:{ID}"),
        {
            "input": {"q": 1},
            "expected_output": "a",
            "metadata": {"a": 1},
            "source_trace_id": "t",
            "source_timestamp": FIRST,
            "source_event_id": "s",
        },
    )
    assert not found.own_key


def test_content_as_deep_as_a_line_can_hold_is_read() -> None:
    assert row_from(item(input=nested(63))).row.fields["input"] == nested(63)


def test_null_fields_are_left_out() -> None:
    found = row_from(item(input=None, output=None))
    assert found.row == Row(Key("k"), {})
    assert found.own_key


@pytest.mark.parametrize("value", [False, 0, "", [], {}])
def test_falsy_content_is_content(value: Json) -> None:
    assert row_from(item(input=value)).row.fields["input"] == value


@given(st.dictionaries(st.sampled_from(SEED_FIELDS), values), keys)
def test_a_row_reads_back_as_it_was_sent(fields: dict[str, Json], key: Key) -> None:
    sent = item_payload(Row(key, fields), dataset=OTHER_ID)
    found = row_from({**item(metadata=None, output=None, input=None), **sent})
    expected = {name: value for name, value in fields.items() if value is not None}
    if expected.get("metadata") == {}:
        del expected["metadata"]
    assert found.row == Row(key, expected)


def test_a_row_born_elsewhere_never_gets_a_key() -> None:
    row = Row(Key(f"srv:{ID}"), {"input": 1, "metadata": {"a": 1}})
    for own_key in (True, False):
        sent = item_payload(row, dataset=ID, own_key=own_key)
        assert sent == {"dataset": ID, "input": 1, "metadata": {"a": 1}}
    assert "metadata" not in item_payload(Row(Key("k"), {"input": 1}), dataset=ID, own_key=False)


def test_a_patch_of_the_metadata_keeps_the_key_and_no_other_patch_touches_it() -> None:
    key = Key("k")
    assert fields_payload({"metadata": None}, key=key) == {"metadata": {"skillsync_id": "k"}}
    assert fields_payload({"metadata": {"a": 1}}, key=None) == {"metadata": {"a": 1}}
    assert fields_payload({"expected_output": None}, key=key) == {"output": None}


@pytest.mark.parametrize("field", ["source_output", "output", "id", "deleted"])
def test_a_field_that_the_generation_does_not_have_is_refused(field: str) -> None:
    with pytest.raises(InvalidContent):
        fields_payload({field: 1}, key=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"input": nested(64)},
        {"metadata": nested(900)},
        {"id": None},
        {"id": "x"},
        {"dataset": None},
        {"dataset": ID},
        {"created_at": None},
        {"input": "a\0b"},
        {"output": {"a": ["\0"]}},
        {"metadata": {"\0": 1}},
    ],
    ids=str,
)
def test_an_item_with_a_wrong_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        row_from(item(**changes), dataset=OTHER_ID)


def dataset(**changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "name": "n",
        "description": None,
        "metadata": None,
        "created_at": FIRST,
        "updated_at": FIRST,
        "deleted": None,
        "created_by": None,
        "team": 1,
        **changes,
    }


@pytest.mark.parametrize(
    ("metadata", "slug", "rest"),
    [
        (None, None, None),
        ({}, None, None),
        ({"skillsync": {"slug": "s"}}, "s", None),
        ({"skillsync": {"slug": "s"}, "a": 1}, "s", {"a": 1}),
        ({"skillsync": "s", "a": 1}, None, {"a": 1}),
        ({"skillsync": {"slug": 5}}, None, None),
        ([1], None, [1]),
        ("x", None, "x"),
    ],
)
def test_our_entry_never_shows_in_a_datasets_metadata(
    metadata: Json, slug: str | None, rest: Json
) -> None:
    found = dataset_from(dataset(metadata=metadata))
    assert (found.own_slug, found.info.metadata) == (slug, rest)
    assert found.raw_metadata == metadata
    assert found.info.description == ""
    assert not found.deleted


@pytest.mark.parametrize(
    "changes",
    [
        {"id": OTHER_ID},
        {"metadata": nested(64)},
        {"name": None},
        {"description": 5},
        {"created_at": ""},
    ],
    ids=str,
)
def test_a_dataset_with_a_wrong_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        dataset_from(dataset(**changes), dataset_id=ID)


def test_only_what_differs_is_sent_and_our_entry_stays() -> None:
    remote = dataset_from(dataset(metadata={"skillsync": {"slug": "s"}, "a": 1}))
    assert dataset_changes(remote, DatasetInfo("n", "", {"a": 1.0})) == {}
    assert dataset_changes(remote, DatasetInfo("m", "d", {"a": 2})) == {
        "name": "m",
        "description": "d",
        "metadata": {"skillsync": {"slug": "s"}, "a": 2},
    }
    assert dataset_changes(remote, DatasetInfo("n")) == {"metadata": {"skillsync": {"slug": "s"}}}


def test_true_is_not_one() -> None:
    remote = dataset_from(dataset(metadata={"a": 1}))
    assert dataset_changes(remote, DatasetInfo("n", "", {"a": True})) == {"metadata": {"a": True}}


def test_metadata_that_is_no_mapping_is_kept_on_the_server() -> None:
    remote = dataset_from(dataset(metadata=[1]))
    assert dataset_changes(remote, DatasetInfo("n", "", {"a": 1})) == {}


@given(st.dictionaries(texts, values, max_size=4))
def test_a_dataset_reads_back_as_it_was_created(metadata: dict[str, Json]) -> None:
    metadata.pop("skillsync", None)
    info = DatasetInfo("n", "d", metadata or None)
    found = dataset_from(dataset(**dataset_payload(info, slug="s")))
    assert (found.info, found.own_slug) == (info, "s")
    assert dataset_changes(found, info) == {}
