"""Datasets of the seed's generation, G1 (datasets-api.md 2.1, 2.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.facts import (
    BLANK,
    NOT_A_BOOLEAN,
    NOT_A_STRING,
    NOT_AN_OBJECT,
    NOT_JSON,
    NUL,
    NULL,
    REQUIRED,
    SEED,
    SURROGATE,
    UNKNOWN_ID,
    at_most,
    case,
    invalid,
    missing,
)
from tests.contract.wire import JSON, Api

pytestmark = pytest.mark.dialect(SEED)

FIELDS = [
    "id", "name", "description", "metadata", "created_at", "updated_at", "deleted", "created_by",
    "team",
]  # fmt: skip
PERSON = [
    "id", "uuid", "distinct_id", "first_name", "last_name", "email", "is_email_verified",
    "hedgehog_config", "role_at_organization",
]  # fmt: skip


def path(row: dict[str, Any]) -> str:
    return f"datasets/{row['id']}/"


def test_2_1_a_dataset_has_these_fields(api: Api) -> None:
    made = api.dataset()
    assert set(made) == set(FIELDS)
    assert list(made["created_by"]) == PERSON
    assert (made["description"], made["metadata"], made["deleted"]) == (None, None, False)
    assert type(made["team"]) is int
    assert made["created_at"] < made["updated_at"]
    assert made["created_at"].endswith("Z")
    assert api.get(path(made)).ok() == made
    assert api.get("datasets/", search=made["name"]).ok()["results"] == [made]


# ---------------------------------------------------------------- creating

REFUSED = [
    case("2.2", "null name", {"name": None}, "null", "name", NULL),
    case("2.2", "empty name", {"name": ""}, "blank", "name", BLANK),
    case("2.2", "name of spaces", {"name": " \n"}, "blank", "name", BLANK),
    case("2.2", "401 characters", {"name": "n" * 401}, "max_length", "name", at_most(400)),
    case("2.2", "a bool for a name", {"name": True}, "invalid_input", "name", NOT_A_STRING),
    case("2.2", "a list for a name", {"name": ["n"]}, "invalid_input", "name", NOT_A_STRING),
    case("2.2", "NUL in the name", {"name": "a\0"}, "null_characters_not_allowed", "name", NUL),
    case("2.2", "NUL in the description", {"description": "\0"}, "null_characters_not_allowed", "description", NUL),
    case("2.2", "half a pair", {"name": "a\ud800"}, "surrogate_characters_not_allowed", "name", SURROGATE),
    case("2.2", "an object for a description", {"description": {}}, "invalid_input", "description", NOT_A_STRING),
    case("2.2", "deleted perhaps", {"deleted": "maybe"}, "invalid_input", "deleted", NOT_A_BOOLEAN),
    case("2.2", "deleted 7", {"deleted": 7}, "invalid_input", "deleted", NOT_A_BOOLEAN),
    case("2.2", "deleted as a list", {"deleted": []}, "invalid_input", "deleted", NOT_A_BOOLEAN),
    case("2.3", "NaN", {"metadata": float("nan")}, "invalid_input", "metadata", NOT_JSON),
    case("2.3", "infinity, deep down", {"metadata": {"a": [float("inf")]}}, "invalid_input", "metadata", NOT_JSON),
    case("2.2", "the first error only", {"name": "", "deleted": "maybe"}, "blank", "name", BLANK),
]  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
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
    body = fields if method == "PATCH" else {"name": "n", **fields}
    where = "datasets/" if method == "POST" else path(parent)
    answer = api.call(method, where, data=json.dumps(body).encode(), headers=JSON)
    assert answer.refused(400) == invalid(code, attr, detail)
    assert api.get(path(parent)).ok() == parent


def test_2_2_the_name_is_required(api: Api, parent: dict[str, Any]) -> None:
    for method, where in (("POST", "datasets/"), ("PUT", path(parent))):
        answer = api.call(method, where, {"description": "d"})
        assert answer.refused(400) == invalid("required", "name", REQUIRED)


TAKEN = [
    case("2.2", "400 characters", {"name": "n" * 400}, "name", "n" * 400),
    case("2.2", "spaces around", {"name": " \tn\n"}, "name", "n"),
    case("2.2", "a number for a name", {"name": 5}, "name", "5"),
    case("2.2", "null description", {"description": None}, "description", None),
    case("2.2", "empty description", {"description": ""}, "description", ""),
    case("2.2", "long description", {"description": "x" * 20_000}, "description", "x" * 20_000),
    case("2.2", "null metadata", {"metadata": None}, "metadata", None),
    case("2.2", "empty metadata", {"metadata": {}}, "metadata", {}),
    case("2.2", "a list as metadata", {"metadata": [1, "x", None]}, "metadata", [1, "x", None]),
    case("2.2", "a text as metadata", {"metadata": "x"}, "metadata", "x"),
    case("2.2", "0 as metadata", {"metadata": 0}, "metadata", 0),
    case("2.2", "false as metadata", {"metadata": False}, "metadata", False),
    case("2.2", "not deleted: null", {"deleted": None}, "deleted", None),
    case("2.2", "not deleted: off", {"deleted": "off"}, "deleted", False),
    case("2.2", "not deleted: 0", {"deleted": 0}, "deleted", False),
    case("2.2", "not deleted: n", {"deleted": "n"}, "deleted", False),
    case("2.2", "not deleted: no", {"deleted": "NO"}, "deleted", False),
]


@pytest.mark.parametrize(("fields", "attr", "value"), TAKEN)
def test_a_dataset_that_is_taken(api: Api, fields: dict[str, Any], attr: str, value: Any) -> None:
    made = api.dataset(**fields)
    assert (type(made[attr]), made[attr]) == (type(value), value)
    assert api.get(path(made)).ok() == made


@pytest.mark.parametrize("value", [True, "true", "t", "y", "yes", "on", "1", 1, "T", "ON"],
                         ids=lambda value: f"2.2: {value!r}")  # fmt: skip
def test_created_deleted_it_is_invisible_at_once(api: Api, value: Any) -> None:
    made = api.dataset(deleted=value)
    assert made["deleted"] is True
    assert api.get(path(made)).refused(404) == missing()
    assert api.get("datasets/", search=made["name"]).ok()["count"] == 0


def test_2_2_names_are_not_unique(api: Api) -> None:
    first = api.dataset()
    second = api.dataset(first["name"])
    assert first["id"] != second["id"]
    assert api.get("datasets/", search=first["name"]).ok()["count"] == 2


def test_2_1_read_only_and_unknown_keys_are_ignored(api: Api) -> None:
    made = api.dataset(id=UNKNOWN_ID, team=0, created_at="x", updated_at=7, created_by=[], archived=1)  # fmt: skip
    assert made["id"] != UNKNOWN_ID
    assert made["team"] != 0
    changed = api.patch(path(made), {"id": UNKNOWN_ID, "team": 0, "created_at": "x"}).ok()
    assert changed == {**made, "updated_at": changed["updated_at"]}


def test_2_2_a_list_is_no_body(api: Api, parent: dict[str, Any]) -> None:
    expected = invalid("invalid_input", None, NOT_AN_OBJECT.format("list"))
    for method, where in (("POST", "datasets/"), ("PATCH", path(parent)), ("PUT", path(parent))):
        assert api.call(method, where, []).refused(400) == expected


# ---------------------------------------------------------------- reading and changing

IDS = [UNKNOWN_ID, "bad", "1", "x" * 32, "00000000-0000-7000-8000-00000000000g"]


@pytest.mark.parametrize("row_id", IDS, ids=lambda value: f"2.2: {value}")
@pytest.mark.parametrize("collection", ["datasets", "dataset_items"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT"])
def test_an_id_that_is_not_there(api: Api, method: str, collection: str, row_id: str) -> None:
    body = None if method == "GET" else {"name": ""}
    assert api.call(method, f"{collection}/{row_id}/", body).refused(404) == missing()


def test_2_5_every_patch_moves_updated_at(api: Api) -> None:
    made = api.dataset(description="x", metadata={"a": {"b": 1}, "c": 2})
    first = api.patch(path(made), {"metadata": {"a": {"d": 1}}}).ok()
    assert first == {**made, "metadata": {"a": {"d": 1}}, "updated_at": first["updated_at"]}
    second = api.patch(path(made), {}).ok()
    assert second == {**first, "updated_at": second["updated_at"]}
    assert made["updated_at"] < first["updated_at"] < second["updated_at"]
    assert api.get(path(made)).ok() == second


def test_2_2_put_keeps_what_is_absent(api: Api) -> None:
    made = api.dataset(description="x", metadata={"a": 1})
    name = api.fresh()
    changed = api.call("PUT", path(made), {"name": name}).ok()
    assert changed == {**made, "name": name, "updated_at": changed["updated_at"]}


def test_2_2_a_deleted_dataset_is_edited_and_undeleted(api: Api) -> None:
    made = api.dataset()
    assert api.patch(path(made), {"deleted": True}).ok()["deleted"] is True
    assert api.get(path(made)).refused(404) == missing()
    edited = api.patch(path(made), {"description": "edited"}).ok()
    assert (edited["description"], edited["deleted"]) == ("edited", True)
    assert api.call("PUT", path(made), {"name": made["name"]}).ok()["deleted"] is True
    assert api.patch(path(made), {"deleted": None}).ok()["deleted"] is None
    assert api.get(path(made)).ok()["description"] == "edited"
    assert api.get("datasets/", search=made["name"]).ok()["count"] == 1


@pytest.mark.parametrize("row_id", ["", UNKNOWN_ID, "bad"], ids=["2.2: there", "2.2: not there", "2.2: malformed"])  # fmt: skip
def test_delete_is_a_405_without_a_body(api: Api, parent: dict[str, Any], row_id: str) -> None:
    answer = api.delete(f"datasets/{row_id or parent['id']}/")
    assert (answer.status, answer.body) == (405, b"")
    assert "DELETE" in answer.headers["allow"]
    assert api.get(path(parent)).ok() == parent


# ---------------------------------------------------------------- the list


@pytest.fixture(scope="module")
def trio(api: Api) -> dict[str, Any]:
    """Three datasets made in the order a, b, c; then a is changed. Their token, ids and letters."""
    token = api.fresh("trio")
    made = {
        "a": api.dataset(f"{token} a", description="un ÉTÉ"),
        "b": api.dataset(f"{token} b_100%", metadata={"topic": "grüße", "q": 'say "hi"'}),
        "c": api.dataset(f"{token} c"),
    }
    api.patch(path(made["a"]), {})
    ids = {letter: row["id"] for letter, row in made.items()}
    return {"token": token, **ids, "ids": ",".join(ids.values())}


def letters(trio: dict[str, Any], page: Any) -> str:
    known = {trio[letter]: letter for letter in "abc"}
    return "".join(known[row["id"]] for row in page["results"])


ORDERS = [
    ("", "cba"), ("created_at", "abc"), ("-created_at", "cba"), ("updated_at", "bca"),
    ("-updated_at", "acb"), ("created_at,-updated_at", "abc"),
    ("-updated_at&order_by=created_at", "abc"), ("x&order_by=", "cba"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), ORDERS, ids=lambda value: f"2.2: {value}")
def test_an_order(api: Api, trio: dict[str, Any], order: str, expected: str) -> None:
    page = api.get(f"datasets/?search={trio['token']}&order_by={order}").ok()
    assert letters(trio, page) == expected


@pytest.mark.parametrize("order", ["name", "-id", "created_at,name", "created_at&order_by=x", "CREATED_AT"],
                         ids=lambda value: f"2.2: {value}")  # fmt: skip
def test_an_order_that_is_none(api: Api, order: str) -> None:
    named = order.rpartition("=")[2].rpartition(",")[2]
    detail = f"Select a valid choice. {named} is not one of the available choices."
    answer = api.get(f"datasets/?order_by={order}")
    assert answer.refused(400) == invalid("invalid_choice", "order_by", detail)


SEARCHES = [
    case("2.2", "the name, in capitals", "TRIO", "abc"),
    case("2.2", "spaces around", "  trio ", "abc"),
    case("2.2", "the description", "Un été", "a"),
    case("2.2", "a percent sign is literal", "100%", "b"),
    case("2.2", "and no wildcard", "1%0", ""),
    case("2.2", "an underscore is literal", "b_1", "b"),
    case("2.2", "and no wildcard either", "b_00", ""),
    case("2.2", "a key of metadata", "topic", "b"),
    case("2.2", "a value of metadata", "grüße", "b"),
    case("2.2", "metadata as JSON text", '"topic": "grüße"', "b"),
    case("2.2", "a brace", "{", "b"),
    case("2.2", "an escaped quote", 'say \\"hi\\"', "b"),
    case("2.2", "a bare quote", 'say "hi"', ""),
    case("2.2", "empty", "", "abc"),
    case("2.2", "spaces only", "  ", "abc"),
    case("2.2", "nothing like it", "zzz", ""),
]


@pytest.mark.parametrize(("search", "expected"), SEARCHES)
def test_a_search(api: Api, trio: dict[str, Any], search: str, expected: str) -> None:
    page = api.get("datasets/", id__in=trio["ids"], search=search, order_by="created_at").ok()
    assert letters(trio, page) == expected


def test_2_2_id_in(api: Api, trio: dict[str, Any]) -> None:
    for query, expected in (
        ("{a},{c}", "ca"), ("{a},%20{c},", "ca"), ("{a},{u}", "a"), ("{u}", ""),
        ("{a},{a}", "a"), ("{a}&id__in={b}", "b"),
    ):  # fmt: skip
        page = api.get(f"datasets/?id__in={query.format(u=UNKNOWN_ID, **trio)}").ok()
        assert letters(trio, page) == expected, query
    for query in ("bad", "{a},bad", "1"):
        answer = api.get(f"datasets/?id__in={query.format_map(trio)}")
        assert answer.refused(400) == invalid("invalid_input", "id__in", "Enter a valid UUID.")


def test_2_2_what_the_list_ignores(api: Api, trio: dict[str, Any]) -> None:
    gone = api.dataset(f"{trio['token']} gone", deleted=True)
    page = api.get("datasets/", search=trio["token"], deleted="true", name="x", archived="true")
    assert letters(trio, page.ok()) == "cba"
    assert api.get("datasets/", id__in=gone["id"]).ok()["count"] == 0


PAGES = [
    case("2.2", "one", "limit=1", "c", True, False),
    case("2.2", "the next", "limit=1&offset=1", "b", True, True),
    case("2.2", "the last", "limit=1&offset=2", "a", False, True),
    case("2.2", "past the end", "limit=1&offset=9", "", False, True),
    case("2.2", "limit 0", "limit=0", "cba", False, False),
    case("2.2", "a bad limit", "limit=-5", "cba", False, False),
    case("2.2", "a bad offset", "offset=x", "cba", False, False),
    case("2.2", "no maximum", "limit=1000000", "cba", False, False),
]


@pytest.mark.parametrize(("query", "expected", "has_next", "has_previous"), PAGES)
def test_a_page(
    api: Api, trio: dict[str, Any], query: str, expected: str, has_next: bool, has_previous: bool
) -> None:
    page = api.get(f"datasets/?search={trio['token']}&{query}").ok()
    assert (page["count"], letters(trio, page)) == (3, expected)
    assert (page["next"] is not None, page["previous"] is not None) == (has_next, has_previous)
    if has_next:
        assert page["next"].startswith(f"{api.url}/api/")
