"""Datasets and items of the newest generation, G2c: versions, revisions, archiving, idempotent creates (datasets-api.md 3).

A project holds 20 datasets, archived ones included, and none is ever deleted: these cases make about a dozen, so
that a run takes a fresh scratch project.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.conftest import Office
from tests.contract.facts import (
    BLANK,
    CURRENT,
    NO_KEY_ACCESS,
    NOT_A_BOOLEAN,
    NOT_A_UUID,
    NOT_AN_INTEGER,
    NOT_SUPPORTED,
    NULL,
    REQUIRED,
    UNKNOWN_ID,
    at_least,
    at_most,
    case,
    denied,
    invalid,
    missing,
)
from tests.contract.wire import JSON, Api, sent

pytestmark = pytest.mark.dialect(CURRENT)

DATASET = [
    "id", "name", "description", "metadata", "archived", "current_revision", "current_revision_id",
    "created_at", "updated_at", "created_by", "team_id", "user_access_level",
]  # fmt: skip
ITEM = [
    "id", "dataset", "client_item_id", "version", "version_id", "dataset_revision",
    "dataset_revision_id", "archived", "input", "expected_output", "source_output", "metadata",
    "source_trace_id", "source_event_id", "source_timestamp", "created_at", "updated_at",
    "created_by", "version_created_at", "version_created_by", "team_id",
]  # fmt: skip
NOT_AN_OBJECT = "Enter a JSON object."
STALE = "This dataset item changed after it was loaded. Reload it and try again."


def path(row: dict[str, Any], more: str = "") -> str:
    kind = "datasets" if "current_revision" in row else "dataset_items"
    return f"{kind}/{row['id']}/{more}"


def new(api: Api, dataset: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return api.item(dataset, **{"input": 1, **fields})


def conflict(code: str, detail: str, item: dict[str, Any] | None = None) -> dict[str, Any]:
    """409: neither type nor attr; with an item also its version and id."""
    about = {"current_version": item["version"], "current_item_id": item["id"]} if item else {}
    return {"code": code, "detail": detail, **about}


# ---------------------------------------------------------------- datasets (3.2)


def test_3_1_a_dataset_has_these_fields(api: Api) -> None:
    made = api.dataset(f" {api.fresh('d')} ")
    assert set(made) == set(DATASET)
    assert made["name"] == made["name"].strip()
    assert (made["description"], made["metadata"], made["archived"]) == ("", {}, False)
    assert (made["current_revision"], made["current_revision_id"]) == (None, None)
    assert api.get(path(made)).ok() == made


REFUSED = [
    case("3.2", "empty name", {"name": " "}, "blank", "name", BLANK),
    case("3.2", "null name", {"name": None}, "null", "name", NULL),
    case("3.2", "401 characters", {"name": "n" * 401}, "max_length", "name", at_most(400)),
    case("3.2", "null description", {"description": None}, "null", "description", NULL),
    case("3.2", "10,001 characters", {"description": "d" * 10_001}, "max_length", "description", at_most(10_000)),
    case("3.2", "metadata that is a list", {"metadata": []}, "not_object", "metadata", NOT_AN_OBJECT),
    case("3.2", "metadata that is a text", {"metadata": "x"}, "not_object", "metadata", NOT_AN_OBJECT),
    case("3.6", "null metadata", {"metadata": None}, "null", "metadata", NULL),
    case("0.1", "deleted", {"deleted": False}, "invalid_input", "deleted", NOT_SUPPORTED),
    case("3.6", "the alphabetically first unknown one", {"z": 1, "b": 1, "name": None}, "invalid_input", "b", NOT_SUPPORTED),
    case("3.6", "team", {"team": 1}, "invalid_input", "team", NOT_SUPPORTED),
]  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("fields", "code", "attr", "detail"), REFUSED)
def test_a_dataset_that_is_refused(
    api: Api,
    parent: dict[str, Any],
    method: str,
    fields: dict[str, Any],
    code: str,
    attr: str,
    detail: str,
) -> None:
    where = "datasets/" if method == "POST" else path(parent)
    body = fields if method == "PATCH" else {"name": api.fresh(), **fields}
    assert api.call(method, where, body).refused(400) == invalid(code, attr, detail)


def test_3_2_names_are_unique_also_among_archived_ones(api: Api, parent: dict[str, Any]) -> None:
    first, second = parent, api.dataset()
    api.post(path(second, "archive/"))
    taken = conflict("dataset_name_conflict", "A dataset with this name already exists.")
    for name in (first["name"], f" {second['name']} "):
        assert api.post("datasets/", {"name": name}).refused(409) == taken
    assert api.patch(path(first), {"name": second["name"]}).refused(409) == taken
    assert api.patch(path(first), {"name": first["name"]}).status == 200


def test_3_2_archived_and_restored(api: Api) -> None:
    made = api.dataset()
    item = new(api, made)
    for _ in range(2):
        assert api.post(path(made, "archive/")).ok()["archived"] is True
    assert api.get(path(made)).ok()["archived"] is True
    for method, where, body, detail in (
        ("PATCH", path(made), {"name": "x"}, "updating it"),
        ("POST", "dataset_items/", {"dataset": made["id"], "input": 1}, "adding items"),
        ("PATCH", path(item), {"base_version": 1, "input": 2}, "updating its items"),
        ("POST", path(item, "archive/"), {"base_version": 1}, "archiving its items"),
        ("POST", path(item, "restore/"), {"base_version": 1}, "restoring its items"),
    ):
        expected = conflict("dataset_archived", f"Restore this dataset before {detail}.")
        assert api.call(method, where, body).refused(409) == expected
    assert api.get(path(item)).ok() == item, "items keep their own state"
    for _ in range(2):
        assert api.post(path(made, "restore/")).ok()["archived"] is False


def test_3_2_the_list(api: Api) -> None:
    token = api.fresh("set")
    a, b, c = (api.dataset(f"{token} {letter}") for letter in "abc")
    api.post(path(b, "archive/"))
    for query, expected in (
        ("", "ca"), ("archived=true", "b"), ("archived=false", "ca"), ("order_by=created_at", "ac"),
        ("order_by=-updated_at", "ca"), ("limit=1", "c"), ("limit=1000", "ca"),
        (f"id__in={a['id']}&id__in={c['id']}", "ca"), (f"id__in={a['id']},{b['id']}", "a"),
    ):  # fmt: skip
        page = api.get(f"datasets/?search={token}&{query}").ok()
        assert "".join(row["name"][-1] for row in page["results"]) == expected, query
    assert "limit=100&" in (api.get("datasets/?limit=1000").ok()["next"] or "limit=100&")


BAD_LISTS = [
    case("3.6", "archived=banana", "archived=banana", "invalid_input", "archived", NOT_A_BOOLEAN),
    case("3.6", "two orders", "order_by=created_at,name", "invalid_choice", "order_by", '"created_at,name" is not a valid choice.'),
    case("3.2", "a blank search", "search=%20", "blank", "search", BLANK),
    case("3.2", "a bad id", f"id__in={UNKNOWN_ID},x", "invalid_input", "id__in__1", NOT_A_UUID),
    case("3.2", "a space after the comma", f"id__in={UNKNOWN_ID},%20{UNKNOWN_ID}x", "invalid_input", "id__in__1", NOT_A_UUID),
    case("3.2", "a comma at the end", f"id__in={UNKNOWN_ID},", "invalid_input", "id__in__1", NOT_A_UUID),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code", "attr", "detail"), BAD_LISTS)
def test_a_list_that_is_refused(api: Api, query: str, code: str, attr: str, detail: str) -> None:
    assert api.get(f"datasets/?{query}").refused(400) == invalid(code, attr, detail)


def test_3_2_of_101_ids_none_is_looked_for(api: Api) -> None:
    answer = api.get(f"datasets/?id__in={','.join([UNKNOWN_ID] * 101)}")
    assert answer.refused(400)["code"] == "max_length"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_3_10_methods_that_keys_may_not_use(api: Api, parent: dict[str, Any], method: str) -> None:
    expected = denied("permission_denied", NO_KEY_ACCESS)
    for where in (path(parent), f"dataset_items/{UNKNOWN_ID}/"):
        assert api.call(method, where, {}).refused(403) == expected


# ---------------------------------------------------------------- items (3.3)


def test_3_1_an_item_has_these_fields(api: Api, parent: dict[str, Any]) -> None:
    before = api.get(path(parent)).ok()
    key = api.fresh("key")
    made = new(api, parent, client_item_id=f" {key} ", metadata={"a": 1})
    assert set(made) == set(ITEM)
    assert (made["version"], made["archived"]) == (1, False)
    assert made["dataset_revision"] == (before["current_revision"] or 0) + 1
    assert (made["client_item_id"], made["expected_output"], made["source_output"]) == (key, None, None)  # fmt: skip
    assert api.get(path(made)).ok() == made
    now = api.get(path(parent)).ok()
    assert now["current_revision"] == made["dataset_revision"]
    assert now["current_revision_id"] == made["dataset_revision_id"]
    assert now["updated_at"] > before["updated_at"]


ITEMS_REFUSED = [
    case("3.3", "no dataset", {"dataset": ...}, "required", "dataset", REQUIRED),
    case("3.3", "malformed dataset", {"dataset": "x"}, "invalid_input", "dataset", NOT_A_UUID),
    case("3.3", "no input", {"input": ...}, "required", "input", REQUIRED),
    case("3.3", "null input", {"input": None}, "null", "input", NULL),
    case("3.6", "null metadata", {"metadata": None}, "null", "metadata", NULL),
    case("3.6", "a list as metadata", {"metadata": []}, "not_object", "metadata", NOT_AN_OBJECT),
    case("0.1", "output", {"output": 1}, "invalid_input", "output", NOT_SUPPORTED),
    case("0.1", "ref_trace_id", {"ref_trace_id": "x"}, "invalid_input", "ref_trace_id", NOT_SUPPORTED),
    case("3.3", "long client id", {"client_item_id": "k" * 256}, "max_length", "client_item_id", at_most(255)),
    case("3.3", "empty client id", {"client_item_id": " "}, "blank", "client_item_id", BLANK),
    case("3.3", "too big", {"input": "x" * 40_000}, "max_size", "item", "This field must be 40000 bytes or fewer."),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code", "attr", "detail"), ITEMS_REFUSED)
def test_an_item_that_is_refused(
    api: Api, parent: dict[str, Any], fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    body = sent({"dataset": parent["id"], "input": 1, **fields})
    told = api.post("dataset_items/", body).refused(400)
    if code == "max_size":  # the notes give no code for it
        code = told["code"]
    assert told == invalid(code, attr, detail)


def test_3_3_a_trace_comes_with_its_time(api: Api, parent: dict[str, Any]) -> None:
    for fields, attr in (
        ({"source_trace_id": "t"}, "source_timestamp"),
        ({"source_timestamp": "2024-01-01T00:00:00Z"}, "source_trace_id"),
        ({"source_event_id": "e"}, "source_trace_id"),
    ):
        body = {"dataset": parent["id"], "input": 1, **fields}
        assert api.post("dataset_items/", body).refused(400)["attr"] == attr
    made = new(api, parent, source_trace_id="t", source_timestamp="2024-01-01T00:00:00Z", source_event_id="e")  # fmt: skip
    assert made["source_timestamp"] == "2024-01-01T00:00:00Z"


def test_3_3_an_unknown_dataset_is_a_404(api: Api) -> None:
    body = {"dataset": UNKNOWN_ID, "input": 1}
    assert api.post("dataset_items/", body).refused(404) == missing()
    assert api.get("dataset_items/", dataset=UNKNOWN_ID).refused(404) == missing()
    assert api.get("dataset_items/").refused(400) == invalid("required", "dataset", REQUIRED)


VALUES = [False, 0, "", [], {}, 1.0, {"a": [None]}]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"3.3: {value!r}")
def test_any_json_but_null_is_an_input(api: Api, parent: dict[str, Any], value: Any) -> None:
    made = new(api, parent, input=value, expected_output=value, source_output=value)
    read = api.get(path(made)).ok()
    for field in ("input", "expected_output", "source_output"):
        assert (type(read[field]), read[field]) == (type(value), value)


def test_3_3_a_create_is_idempotent_by_its_client_id(api: Api, parent: dict[str, Any]) -> None:
    key = api.fresh("key")
    body = {"dataset": parent["id"], "client_item_id": key, "input": {"b": 1, "a": [1, True]}}
    made = api.post("dataset_items/", body).ok(201)
    again = api.post("dataset_items/", {**body, "input": {"a": [1, True], "b": 1}}).ok(200)
    assert again == made
    current = api.get(path(parent)).ok()["current_revision"]
    assert current == made["dataset_revision"], "no new revision"
    other = "An item with this client item ID already exists with different content."
    for value in ({"b": 1.0, "a": [1, True]}, {"b": 1, "a": [1, 1]}, 5):
        answer = api.post("dataset_items/", {**body, "input": value})
        assert answer.refused(409) == conflict("client_item_id_conflict", other, made)
    archived = api.post(path(made, "archive/"), {"base_version": 1}).ok()
    text = "An archived item already uses this client item ID. Unarchive that item to use it again."
    answer = api.post("dataset_items/", body)
    assert answer.refused(409) == conflict("client_item_id_conflict", text, archived)
    assert api.post("dataset_items/", {**body, "client_item_id": key.upper()}).status == 201


def test_3_3_a_change_is_a_version_and_a_revision(api: Api, parent: dict[str, Any]) -> None:
    first = new(api, parent, expected_output=1, metadata={"a": 1})
    second = api.patch(path(first), {"base_version": 1, "expected_output": None, "metadata": {}}).ok()  # fmt: skip
    assert second["version"] == 2
    assert second["dataset_revision"] == first["dataset_revision"] + 1
    assert (second["expected_output"], second["metadata"], second["input"]) == (None, {}, 1)
    assert second["version_id"] != first["version_id"]
    same = api.patch(path(first), {"base_version": "2", "input": 1}).ok()
    assert same == second, "nothing changed: no version"
    history = api.get(path(first, "versions/")).ok()
    assert [row["version"] for row in history["results"]] == [2, 1]
    assert history["results"][1]["expected_output"] == 1
    revisions = api.get(path(parent, "revisions/")).ok()["results"]
    newest = second["dataset_revision"]
    assert [row["revision"] for row in revisions[:2]] == [newest, newest - 1]
    assert set(revisions[0]) == {"id", "dataset_id", "revision", "created_at", "created_by", "team_id"}  # fmt: skip


def test_3_4_the_order_of_checks(api: Api, parent: dict[str, Any]) -> None:
    first = new(api, parent)
    second = api.patch(path(first), {"base_version": 1, "input": 2}).ok()
    stale = conflict("stale_version", STALE, second)
    assert api.patch(path(first), {"base_version": 1, "input": 2}).refused(409) == stale, "a no-op"
    archived = api.post(path(first, "archive/"), {"base_version": 2}).ok()
    assert (archived["version"], archived["archived"]) == (3, True)
    stale = conflict("stale_version", STALE, archived)
    for more, body in (("", {"input": 5}), ("archive/", {}), ("restore/", {})):
        method = "POST" if more else "PATCH"
        answer = api.call(method, path(first, more), {"base_version": 2, **body})
        assert answer.refused(409) == stale, "before archived"
    told = api.patch(path(first), {"base_version": 3, "input": 5}).refused(409)
    assert (told["code"], told["detail"]) == ("dataset_item_archived", "Restore this dataset item before updating it.")  # fmt: skip
    told = api.post(path(first, "archive/"), {"base_version": 3}).refused(409)
    assert (told["code"], told["detail"]) == ("dataset_item_archived", "This dataset item is already archived.")  # fmt: skip
    restored = api.post(path(first, "restore/"), {"base_version": 3, "source_version": 1}).ok()
    assert (restored["version"], restored["input"], restored["archived"]) == (4, 1, False)
    told = api.post(path(first, "restore/"), {"base_version": 4}).refused(409)
    assert (told["code"], told["detail"]) == ("dataset_item_active", "This dataset item is already active.")  # fmt: skip
    big = api.patch(path(first), {"base_version": 3, "input": "x" * 40_000})
    assert big.refused(409)["code"] == "stale_version", "before the size"


CHANGES = [
    case("3.3", "no base", {"input": 1}, "required", "base_version", REQUIRED),
    case("3.3", "base true", {"base_version": True, "input": 1}, "invalid_input", "base_version", NOT_AN_INTEGER),
    case("3.3", "base 0", {"base_version": 0}, "min_value", "base_version", at_least(1)),
    case("3.3", "null input", {"base_version": 1, "input": None}, "null", "input", NULL),
    case("3.3", "source_output is fixed", {"base_version": 1, "source_output": 1}, "invalid_input", "source_output", NOT_SUPPORTED),
    case("3.3", "the dataset is fixed", {"base_version": 1, "dataset": UNKNOWN_ID}, "invalid_input", "dataset", NOT_SUPPORTED),
    case("3.3", "the client id is fixed", {"base_version": 1, "client_item_id": "x"}, "invalid_input", "client_item_id", NOT_SUPPORTED),
    case("0.1", "deleted", {"base_version": 1, "deleted": True}, "invalid_input", "deleted", NOT_SUPPORTED),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "attr", "detail"), CHANGES)
def test_a_change_that_is_refused(
    api: Api, parent: dict[str, Any], body: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    made = new(api, parent)
    assert api.patch(path(made), body).refused(400) == invalid(code, attr, detail)
    assert api.patch(f"dataset_items/{UNKNOWN_ID}/", {"base_version": 1}).refused(404) == missing()


def test_3_3_a_snapshot_is_of_its_revision(api: Api) -> None:
    dataset = api.dataset()
    a, b = new(api, dataset, input="a"), new(api, dataset, input="b")
    api.patch(path(a), {"base_version": 1, "input": "a2"})
    api.post(path(b, "archive/"), {"base_version": 1})

    def inputs(**query: Any) -> list[Any]:
        page = api.get("dataset_items/", dataset=dataset["id"], **query).ok()
        return [row["input"] for row in page["results"]]

    assert inputs() == ["a2"]
    assert inputs(archived="true") == ["b"]
    assert [inputs(revision=number) for number in (1, 2, 3, 4)] == [["a"], ["b", "a"], ["b", "a2"], ["a2"]]  # fmt: skip
    assert api.get(path(a), revision=2).ok()["input"] == "a"
    assert api.get(path(b), revision=1).refused(404) == missing(), "not there yet"
    assert api.get(path(a), revision=9).refused(404) == missing()
    answer = api.get("dataset_items/", dataset=dataset["id"], revision=9)
    assert answer.refused(404) == missing()
    answer = api.get("dataset_items/", dataset=dataset["id"], revision=0)
    assert answer.refused(400) == invalid("min_value", "revision", at_least(1))


def test_3_3_pages_have_10_items_and_25_at_most(api: Api) -> None:
    dataset = api.dataset()
    for number in range(27):
        new(api, dataset, input=number)
    query = f"dataset_items/?dataset={dataset['id']}"
    first = api.get(query).ok()
    assert (first["count"], len(first["results"])) == (27, 10)
    assert [row["input"] for row in first["results"]] == list(range(26, 16, -1))
    most = api.get(f"{query}&limit=1000").ok()
    assert len(most["results"]) == 25
    assert "limit=25" in most["next"]
    assert len(api.get(most["next"].removeprefix(api.url)).ok()["results"]) == 2


# ---------------------------------------------------------------- exports (3.7)


def test_3_7_an_export_is_json_lines(api: Api) -> None:
    dataset = api.dataset()
    empty = api.post(path(dataset, "exports/"), {})
    assert empty.refused(409)["detail"] == "Add an item before exporting this dataset."
    a = new(api, dataset, input="é", client_item_id="k")
    b = new(api, dataset, input={"x": 1})
    new(api, dataset, input="later")
    unknown = api.post(path(dataset, "exports/"), {"revision": 9})
    assert unknown.refused(409)["detail"] == "This dataset revision does not exist."
    strict = api.post(path(dataset, "exports/"), {"x": 1})
    assert strict.refused(400) == invalid("invalid_input", "x", NOT_SUPPORTED)
    made = api.post(path(dataset, "exports/"), {"revision": 2}).ok(201)
    assert set(made) == {"id", "status", "dataset_revision", "filename", "created_at", "expires_after", "exception"}  # fmt: skip
    where = path(dataset, f"exports/{made['id']}/")
    assert api.get(where).ok()["dataset_revision"] == 2
    if made["status"] == "complete":
        rows = [json.loads(line) for line in api.get(f"{where}content/").body.splitlines()]
        assert [row["item_id"] for row in rows] == [a["id"], b["id"]]
        assert list(rows[0]) == [
            "dataset_id", "dataset_revision", "item_id", "client_item_id", "version", "input",
            "expected_output", "source_output", "metadata", "source_trace_id", "source_event_id",
            "source_timestamp",
        ]  # fmt: skip
        assert (rows[0]["input"], rows[0]["client_item_id"]) == ("é", "k")
    assert api.get(path(dataset, "exports/999999999/")).refused(404) == missing()


# ---------------------------------------------------------------- access controls (3.2)


def test_3_2_a_grant_limits_one_member_of_one_dataset(api: Api) -> None:
    dataset = api.dataset()
    assert dataset["user_access_level"] == "editor"
    controls = path(dataset, "access_controls/")
    assert api.get(controls).status == 200
    strict = api.call("PUT", controls, {"access_level": "viewer", "x": 1})
    assert strict.refused(400) == invalid("invalid_input", "x", NOT_SUPPORTED)
    assert api.get("datasets/00000000-0000-7000-8000-000000000000/access_controls/").status == 404


@pytest.mark.own_server  # a second member, whose membership has the person's uuid here
def test_3_3_without_access_it_is_a_403_and_lists_leave_it_out(api: Api, office: Office) -> None:
    dataset, other = api.dataset(), office.scoped("*")
    item = new(api, dataset)
    member = other.get("/api/users/@me/").ok()["uuid"]
    for level, reads, lacked in (("viewer", 200, "editor"), ("none", 403, "viewer")):
        body = {"access_level": level, "organization_member": member}
        assert api.call("PUT", path(dataset, "access_controls/"), body).status == 200
        assert other.get("dataset_items/", dataset=dataset["id"]).status == reads
        answer = other.get(path(dataset))
        assert answer.status == reads
        listed = [row["id"] for row in other.get("datasets/", limit=100).ok()["results"]]
        assert (dataset["id"] in listed) is (reads == 200)
        if reads == 200:
            assert answer.ok()["user_access_level"] == level
            answer = other.patch(path(item), {"base_version": 1, "input": 2})
        text = f"You do not have {lacked} access to this resource."
        assert answer.refused(403) == denied("permission_denied", text)
    assert api.get(path(item)).ok()["version"] == 1


def test_2_4_what_json_survives(api: Api, parent: dict[str, Any]) -> None:
    data = f'{{"dataset":"{parent["id"]}","input":{{"b":1e22,"aa":-0.0,"a":1.0}}}}'.encode()
    made = api.call("POST", "dataset_items/", data=data, headers=JSON).ok(201)
    stored = json.dumps(api.get(path(made)).ok()["input"])
    assert stored == '{"a": 1.0, "b": 10000000000000000000000, "aa": 0.0}'
