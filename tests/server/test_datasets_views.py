"""Datasets and items of generation G1 as the API shows them (datasets-api.md 2)."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server import accounts
from skillsync.server.models import Dataset, DatasetItem
from tests.server.facts import JSON, error, invalid, missing

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

UNKNOWN = "00000000-0000-7000-8000-000000000000"
DATASET = [
    "id", "name", "description", "metadata", "created_at", "updated_at", "deleted", "created_by",
    "team",
]  # fmt: skip
ITEM = [
    "id", "dataset", "input", "output", "metadata", "ref_trace_id", "ref_timestamp",
    "ref_source_id", "deleted", "created_at", "updated_at", "created_by", "team",
]  # fmt: skip


def dataset(client: httpx.Client, name: str = "d", **fields: Any) -> dict[str, Any]:
    answer = client.post("datasets", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def item(client: httpx.Client, of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = client.post("dataset_items", json={"dataset": of["id"], **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["results"]]


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["results"]]


# -- shapes, create, retrieve


def test_a_dataset_has_the_documented_shape(client: httpx.Client) -> None:
    made = dataset(client)
    assert list(made) == DATASET
    assert (made["description"], made["metadata"], made["deleted"]) == (None, None, False)
    assert made["team"] == 1
    assert made["created_by"]["email"] == "admin@localhost"
    assert made["updated_at"] > made["created_at"]
    assert client.get(f"datasets/{made['id']}").json() == made
    assert client.get("datasets/").json()["results"] == [made]


def test_an_item_has_the_documented_shape_and_may_be_empty(client: httpx.Client) -> None:
    parent = dataset(client)
    made = item(client, parent)
    assert list(made) == ITEM
    assert made["dataset"] == parent["id"]
    assert {made[field] for field in ITEM[2:8]} == {None}
    assert made["deleted"] is False
    assert client.get(f"dataset_items/{made['id']}").json() == made
    assert client.get("dataset_items").json()["results"] == [made]
    assert client.get(f"datasets/{parent['id']}").json() == parent, "items do not move updated_at"


def test_names_are_trimmed_and_not_unique(client: httpx.Client) -> None:
    first, second = dataset(client, " same\n"), dataset(client, "same")
    assert first["name"] == second["name"] == "same"
    assert first["id"] != second["id"]


def test_null_and_empty_descriptions_are_kept_apart(client: httpx.Client) -> None:
    assert dataset(client, description="")["description"] == ""
    assert dataset(client, description=None)["description"] is None
    assert dataset(client, description="x" * 20_000)["description"] == "x" * 20_000


@pytest.mark.parametrize(
    "value", [{"a": 1}, [1, "x", None], "text", 1.5, 0, True, False, None, {}, ""]
)
def test_json_fields_take_any_json(client: httpx.Client, value: object) -> None:
    parent = dataset(client, metadata=value)
    assert client.get(f"datasets/{parent['id']}").json()["metadata"] == value
    made = item(client, parent, input=value, output=value, metadata=value)
    read = client.get(f"dataset_items/{made['id']}").json()
    for field in ("input", "output", "metadata"):
        assert (type(read[field]), read[field]) == (type(value), value)


def test_the_create_echoes_json_and_a_later_get_shows_what_is_stored(client: httpx.Client) -> None:
    """datasets-api.md 2.4."""
    parent = dataset(client)
    sent = '{"b":1e16,"aa":-0.0,"a":{"z":12345678901234567890123,"y":[1.0,1]}}'
    content = f'{{"dataset":"{parent["id"]}","input":{sent}}}'
    made = client.post("dataset_items", content=content, headers=JSON).json()
    assert json.dumps(made["input"]) == (
        '{"b": 1e+16, "aa": -0.0, "a": {"z": 12345678901234567890123, "y": [1.0, 1]}}'
    )
    stored = client.get(f"dataset_items/{made['id']}").json()["input"]
    assert json.dumps(stored) == (
        '{"a": {"y": [1.0, 1], "z": 12345678901234567890123}, "b": 10000000000000000, "aa": 0.0}'
    )


def test_created_deleted_is_invisible_at_once(client: httpx.Client) -> None:
    made = dataset(client, deleted="yes")
    assert made["deleted"] is True
    assert names(client.get("datasets")) == []
    assert error(client.get(f"datasets/{made['id']}"), 404) == missing()


def test_deleted_null_counts_as_not_deleted(client: httpx.Client) -> None:
    made = dataset(client, deleted=None)
    assert made["deleted"] is None
    assert names(client.get("datasets")) == ["d"]
    assert client.get(f"datasets/{made['id']}").status_code == 200


def test_read_only_and_unknown_fields_are_ignored(client: httpx.Client) -> None:
    made = dataset(
        client, id=UNKNOWN, team=9, created_at="x", updated_at="x", created_by=7, archived=True
    )
    assert made["id"] != UNKNOWN
    assert made["team"] == 1


@pytest.mark.parametrize("path", ["datasets", "dataset_items"])
@pytest.mark.parametrize("row_id", [UNKNOWN, "bad", "1"])
def test_an_unknown_or_malformed_id_is_not_found(
    client: httpx.Client, path: str, row_id: str
) -> None:
    url = f"{path}/{row_id}"
    assert error(client.get(url), 404) == missing()
    assert error(client.patch(url, json={}), 404) == missing()
    assert error(client.put(url, json={}), 404) == missing()


# -- update


def test_patch_replaces_what_is_sent_and_moves_updated_at(client: httpx.Client) -> None:
    made = dataset(client, description="x", metadata={"a": {"b": 1}, "c": 2})
    url = f"datasets/{made['id']}"
    first = client.patch(url, json={"metadata": {"a": {"d": 1}}}).json()
    assert first == {**made, "metadata": {"a": {"d": 1}}, "updated_at": first["updated_at"]}
    second = client.patch(url, json={}).json()
    assert second == {**first, "updated_at": second["updated_at"]}
    assert made["updated_at"] < first["updated_at"] < second["updated_at"]
    assert client.get(url).json() == second


def test_updated_at_grows_even_when_the_clock_does_not(client: httpx.Client) -> None:
    from datetime import UTC, datetime

    made = dataset(client)
    ahead = datetime(2999, 1, 1, tzinfo=UTC)
    Dataset.objects.update(updated_at=ahead)
    url = f"datasets/{made['id']}"
    assert client.get(url).json()["updated_at"] == "2999-01-01T00:00:00Z"
    assert client.patch(url, json={}).json()["updated_at"] == "2999-01-01T00:00:00.000001Z"


def test_put_needs_the_name_and_keeps_what_is_absent(client: httpx.Client) -> None:
    made = dataset(client, description="x", metadata={"a": 1})
    url = f"datasets/{made['id']}"
    assert error(client.put(url, json={"description": "y"}), 400) == invalid(
        "required", "name", "This field is required."
    )
    changed = client.put(url, json={"name": "e"}).json()
    assert changed == {**made, "name": "e", "updated_at": changed["updated_at"]}


def test_put_of_an_item_needs_the_dataset(client: httpx.Client) -> None:
    parent = dataset(client)
    made = item(client, parent, input=1, output=2)
    url = f"dataset_items/{made['id']}"
    assert error(client.put(url, json={"input": 3}), 400)["attr"] == "dataset"
    changed = client.put(url, json={"dataset": parent["id"], "input": None}).json()
    assert (changed["input"], changed["output"]) == (None, 2)


def test_a_deleted_row_is_edited_and_undeleted_by_patch(client: httpx.Client) -> None:
    parent = dataset(client)
    for url in (
        f"datasets/{parent['id']}",
        f"dataset_items/{item(client, parent)['id']}",
    ):
        assert client.patch(url, json={"deleted": True}).json()["deleted"] is True
        assert error(client.get(url), 404) == missing()
        edited = client.patch(url, json={"metadata": 7})
        assert (edited.status_code, edited.json()["deleted"]) == (200, True)
        assert client.patch(url, json={"deleted": False}).status_code == 200
        assert client.get(url).json()["metadata"] == 7


def test_undeleted_by_null_a_row_is_there_again(client: httpx.Client) -> None:
    url = f"datasets/{dataset(client, deleted=True)['id']}"
    assert client.patch(url, json={"deleted": None}).json()["deleted"] is None
    assert client.get(url).status_code == 200


def test_an_item_moves_to_another_dataset(client: httpx.Client) -> None:
    here, there = dataset(client, "here"), dataset(client, "there")
    made = item(client, here)
    moved = client.patch(f"dataset_items/{made['id']}", json={"dataset": there["id"]})
    assert moved.json()["dataset"] == there["id"]
    assert ids(client.get(f"dataset_items?dataset={here['id']}")) == []
    assert ids(client.get(f"dataset_items?dataset={there['id']}")) == [made["id"]]


@pytest.mark.parametrize("path", ["datasets", "dataset_items"])
@pytest.mark.parametrize("row_id", [UNKNOWN, "bad"])
def test_delete_is_405_with_an_empty_body(client: httpx.Client, path: str, row_id: str) -> None:
    answer = client.delete(f"{path}/{row_id}/")
    assert (answer.status_code, answer.content) == (405, b"")
    assert "DELETE" in answer.headers["Allow"]


def test_another_405_has_the_envelope(client: httpx.Client) -> None:
    for method, path in (
        ("DELETE", "datasets"),
        ("POST", f"datasets/{UNKNOWN}"),
        ("PUT", "datasets"),
    ):
        assert error(client.request(method, path), 405) == {
            "type": "invalid_request",
            "code": "method_not_allowed",
            "detail": f'Method "{method}" not allowed.',
            "attr": None,
        }


# -- lists


def test_lists_are_newest_first_then_by_id(client: httpx.Client) -> None:
    parent = dataset(client)
    made = [item(client, parent)["id"] for _ in range(4)]
    assert ids(client.get("dataset_items")) == made[::-1]
    moment = DatasetItem.objects.get(pk=made[0]).created_at
    DatasetItem.objects.update(created_at=moment)
    assert ids(client.get("dataset_items")) == sorted(made)


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("", "cba"),
        ("created_at", "abc"),
        ("-created_at", "cba"),
        ("updated_at", "bca"),
        ("-updated_at", "acb"),
        ("created_at,-updated_at", "abc"),
        ("-updated_at&order_by=created_at", "abc"),
    ],
)
def test_datasets_are_ordered_as_asked(client: httpx.Client, order_by: str, expected: str) -> None:
    made = [dataset(client, name) for name in "abc"]
    client.patch(f"datasets/{made[0]['id']}", json={})
    assert "".join(names(client.get(f"datasets?order_by={order_by}"))) == expected


@pytest.mark.parametrize("order_by", ["name", "-id", "created_at,name", "created_at&order_by=x"])
def test_an_unknown_order_is_refused(client: httpx.Client, order_by: str) -> None:
    wrong = order_by.rpartition("=")[2].rpartition(",")[2]
    assert error(client.get(f"datasets?order_by={order_by}"), 400) == invalid(
        "invalid_choice",
        "order_by",
        f"Select a valid choice. {wrong} is not one of the available choices.",
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ALPHA", ["alpha"]),
        (" alpha ", ["alpha"]),
        ("étÉ", ["alpha"]),
        ("100%", ["beta"]),
        ("%", ["beta"]),
        ("_", ["beta"]),
        ("topic", ["beta"]),
        ("grüße", ["beta"]),
        ('"topic": "grüße"', ["beta"]),
        ("{", ["beta"]),
        ('say \\"hi\\"', ["beta"]),
        ('say "hi"', []),
        ("", ["alpha", "beta", "gamma"]),
        ("  ", ["alpha", "beta", "gamma"]),
        ("nothing", []),
    ],
)
def test_search_looks_at_name_description_and_metadata_as_json_text(
    client: httpx.Client, search: str, found: list[str]
) -> None:
    dataset(client, "alpha", description="un été")
    dataset(client, "beta_100%", metadata={"topic": "grüße", "q": 'say "hi"'})
    dataset(client, "gamma")
    answer = client.get("datasets", params={"search": search, "order_by": "created_at"})
    assert [name.partition("_")[0] for name in names(answer)] == found


def test_a_search_for_nul_is_refused(client: httpx.Client) -> None:
    assert error(client.get("datasets?search=%00"), 400) == invalid(
        "null_characters_not_allowed", "search", "Null characters are not allowed."
    )


def test_id_in_is_one_comma_list(client: httpx.Client) -> None:
    a, b, c = (dataset(client, name)["id"] for name in "abc")
    for query, expected in [
        (f"{a},{c}", "ca"),
        (f"{a}, {c},", "ca"),
        (f"{a},{UNKNOWN}", "a"),
        (UNKNOWN, ""),
        ("", "cba"),
        (f"{a}&id__in={b}", "b"),
    ]:
        assert "".join(names(client.get(f"datasets?id__in={query}"))) == expected
    for query in ("bad", f"{a},bad"):
        assert error(client.get(f"datasets?id__in={query}"), 400) == invalid(
            "invalid_input", "id__in", "Enter a valid UUID."
        )


def test_unknown_list_parameters_are_ignored(client: httpx.Client) -> None:
    made = dataset(client)
    dataset(client, "gone", deleted=True)
    first = item(client, made)["id"]
    assert names(client.get("datasets?deleted=true&name=x")) == ["d"]
    assert ids(client.get("dataset_items?order_by=x&search=x&id__in=bad&deleted=true")) == [first]


def test_items_are_filtered_by_dataset(client: httpx.Client) -> None:
    one, two = dataset(client, "one"), dataset(client, "two")
    a, b = item(client, one)["id"], item(client, two)["id"]
    assert ids(client.get("dataset_items")) == [b, a]
    assert ids(client.get("dataset_items?dataset=")) == [b, a]
    assert ids(client.get(f"dataset_items?dataset={one['id']}")) == [a]
    assert ids(client.get(f"dataset_items?dataset={one['id']}&dataset={two['id']}")) == [b]
    client.patch(f"datasets/{one['id']}", json={"deleted": True})
    assert ids(client.get(f"dataset_items?dataset={one['id']}")) == [a], "still listed"


@pytest.mark.parametrize(
    ("value", "code", "detail"),
    [
        (
            UNKNOWN,
            "invalid_choice",
            "Select a valid choice. That choice is not one of the available choices.",
        ),
        ("x", "invalid_input", "“x” is not a valid UUID."),
        (f"{UNKNOWN},x", "invalid_input", f"“{UNKNOWN},x” is not a valid UUID."),
    ],
)
def test_a_dataset_filter_that_matches_no_dataset_is_refused(
    client: httpx.Client, value: str, code: str, detail: str
) -> None:
    answer = client.get(f"dataset_items?dataset={value}")
    assert error(answer, 400) == invalid(code, "dataset", detail)


# -- other projects


def test_rows_of_another_project_do_not_exist_here(clients: Clients, client: httpx.Client) -> None:
    other = clients(
        base=f"http://server.test/api/environments/{accounts.create_project('two').pk}/"
    )
    theirs = dataset(other, "theirs")
    row = item(other, theirs)
    mine = item(client, dataset(client, "mine"))
    assert theirs["team"] == row["team"] == 2
    assert names(client.get("datasets")) == ["mine"]
    assert ids(client.get("dataset_items")) == [mine["id"]]
    assert ids(client.get(f"dataset_items?dataset={theirs['id']}")) == []
    for url in (f"datasets/{theirs['id']}", f"dataset_items/{row['id']}"):
        assert error(client.get(url), 404) == missing()
        assert error(client.patch(url, json={}), 404) == missing()
    foreign = invalid(
        "does_not_exist", "dataset", f'Invalid pk "{theirs["id"]}" - object does not exist.'
    )
    assert error(client.post("dataset_items", json={"dataset": theirs["id"]}), 400) == foreign
    move = client.patch(f"dataset_items/{mine['id']}", json={"dataset": theirs["id"]})
    assert error(move, 400) == foreign


def test_ids_are_time_ordered_uuids(client: httpx.Client) -> None:
    assert uuid.UUID(dataset(client)["id"]).version == 7
