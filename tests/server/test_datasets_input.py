"""Every validation rule of datasets-api.md 2.2 and 2.3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.facts import JSON, error, invalid

if TYPE_CHECKING:
    import httpx

UNKNOWN = "00000000-0000-7000-8000-000000000000"
REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
NOT_JSON = "Value must be valid JSON."
NOT_A_TIME = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)


@pytest.fixture
def parent(client: httpx.Client) -> str:
    made: str = client.post("datasets", json={"name": "d"}).json()["id"]
    return made


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        ({}, "required", "name", REQUIRED),
        ({"name": None}, "null", "name", NULL),
        ({"name": " \n"}, "blank", "name", BLANK),
        ({"name": "n" * 401}, "max_length", "name", "Ensure this field has no more than 400 characters."),
        ({"name": True}, "invalid_input", "name", "Not a valid string."),
        ({"name": ["n"]}, "invalid_input", "name", "Not a valid string."),
        ({"name": "a\0"}, "null_characters_not_allowed", "name", "Null characters are not allowed."),
        ({"name": "a\ud800"}, "surrogate_characters_not_allowed", "name", "Surrogate characters are not allowed: U+D800."),
        ({"name": "n", "description": "\0"}, "null_characters_not_allowed", "description", "Null characters are not allowed."),
        ({"name": "n", "description": []}, "invalid_input", "description", "Not a valid string."),
        ({"name": "n", "metadata": "\ud800"}, "invalid_input", "metadata", NOT_JSON),
        ({"name": "n", "deleted": "maybe"}, "invalid_input", "deleted", "Must be a valid boolean."),
        ({"name": "n", "metadata": {"a": "\0"}}, "invalid_input", "metadata", NOT_JSON),
        ([], "invalid_input", None, "Invalid data. Expected a dictionary, but got list."),
    ],
)  # fmt: skip
def test_a_bad_dataset_is_refused(
    client: httpx.Client, parent: str, body: Any, code: str, attr: str | None, detail: str
) -> None:
    content = json.dumps(body)
    assert error(client.post("datasets", content=content, headers=JSON), 400) == invalid(
        code, attr, detail
    )
    if body != {}:  # for PATCH nothing is missing
        changed = client.patch(f"datasets/{parent}", content=content, headers=JSON)
        assert error(changed, 400) == invalid(code, attr, detail)


def test_a_number_becomes_a_name(client: httpx.Client) -> None:
    assert client.post("datasets", json={"name": 5}).json()["name"] == "5"


@pytest.mark.parametrize(
    ("value", "expected"), [("t", True), ("OFF", False), (1, True), ("0", False), ("null", None)]
)
def test_any_spelling_of_a_boolean_will_do(
    client: httpx.Client, value: object, expected: bool | None
) -> None:
    answer = client.post("datasets", json={"name": "n", "deleted": value})
    assert answer.json()["deleted"] is expected


@pytest.mark.parametrize(
    ("fields", "code", "attr", "detail"),
    [
        ({"dataset": ...}, "required", "dataset", REQUIRED),
        ({"dataset": None}, "null", "dataset", NULL),
        ({"dataset": UNKNOWN}, "does_not_exist", "dataset", f'Invalid pk "{UNKNOWN}" - object does not exist.'),
        ({"dataset": "bad"}, "invalid_input", "dataset", "“bad” is not a valid UUID."),
        ({"dataset": True}, "incorrect_type", "dataset", "Incorrect type. Expected pk value, received bool."),
        ({"input": float("nan")}, "invalid_input", "input", NOT_JSON),
        ({"output": [float("inf")]}, "invalid_input", "output", NOT_JSON),
        ({"metadata": {"a": float("-inf")}}, "invalid_input", "metadata", NOT_JSON),
        ({"input": {"\0": 1}}, "invalid_input", "input", NOT_JSON),
        ({"input": "\udfff"}, "invalid_input", "input", NOT_JSON),
        ({"ref_trace_id": "r" * 256}, "max_length", "ref_trace_id", "Ensure this field has no more than 255 characters."),
        ({"ref_source_id": "r" * 256}, "max_length", "ref_source_id", "Ensure this field has no more than 255 characters."),
        ({"dataset": []}, "invalid_input", "dataset", "“[]” is not a valid UUID."),
        ({"ref_trace_id": "a\0"}, "null_characters_not_allowed", "ref_trace_id", "Null characters are not allowed."),
        ({"ref_timestamp": 5}, "invalid_input", "ref_timestamp", NOT_A_TIME),
        ({"ref_timestamp": "2024-02-30"}, "invalid_input", "ref_timestamp", NOT_A_TIME),
        ({"ref_timestamp": "0001-01-01T00:00+14:00"}, "overflow", "ref_timestamp", "Datetime value out of range."),
        ({"ref_timestamp": ""}, "invalid_input", "ref_timestamp", NOT_A_TIME),
        ({"ref_timestamp": "yesterday"}, "invalid_input", "ref_timestamp", NOT_A_TIME),
        ({"deleted": []}, "invalid_input", "deleted", "Must be a valid boolean."),
    ],
)  # fmt: skip
def test_a_bad_item_is_refused(
    client: httpx.Client, parent: str, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    body = {key: value for key, value in {"dataset": parent, **fields}.items() if value is not ...}
    answer = client.post("dataset_items", content=json.dumps(body), headers=JSON)
    assert error(answer, 400) == invalid(code, attr, detail)
    assert client.get("dataset_items").json()["count"] == 0
    item = client.post("dataset_items", json={"dataset": parent}).json()["id"]
    if ... not in fields.values():
        changed = client.patch(f"dataset_items/{item}", content=json.dumps(fields), headers=JSON)
        assert error(changed, 400) == invalid(code, attr, detail)


def test_a_number_that_overflows_is_refused(client: httpx.Client, parent: str) -> None:
    content = f'{{"dataset":"{parent}","input":1e400}}'
    answer = client.post("dataset_items", content=content, headers=JSON)
    assert error(answer, 400) == invalid("invalid_input", "input", NOT_JSON)


def test_json_nested_beyond_the_limit_is_a_400(client: httpx.Client, parent: str) -> None:
    def nested(depth: int) -> httpx.Response:
        content = f'{{"dataset":"{parent}","input":{"[" * depth + "]" * depth}}}'
        return client.post("dataset_items", content=content, headers=JSON)

    assert nested(400).status_code == 201
    assert error(nested(500), 400) == invalid("invalid_input", "input", NOT_JSON)
    assert error(nested(100_000), 400)["code"] == "parse_error"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09.120Z", "2024-05-06T07:08:09.120000Z"),
        ("2024-05-06T07:08:09.123456789Z", "2024-05-06T07:08:09.123456Z"),
        ("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z"),
        ("2024-05-06T07:08", "2024-05-06T07:08:00Z"),
        ("2024-05-06", "2024-05-06T00:00:00Z"),
        (None, None),
    ],
)
def test_a_timestamp_is_kept_in_utc(
    client: httpx.Client, parent: str, sent: str | None, kept: str | None
) -> None:
    made = client.post("dataset_items", json={"dataset": parent, "ref_timestamp": sent}).json()
    assert made["ref_timestamp"] == kept
    assert client.get(f"dataset_items/{made['id']}").json() == made


@pytest.mark.parametrize("field", ["ref_trace_id", "ref_source_id"])
def test_null_and_empty_references_are_kept_apart(
    client: httpx.Client, parent: str, field: str
) -> None:
    for value in ("", None, "r" * 255):
        made = client.post("dataset_items", json={"dataset": parent, field: value}).json()
        assert client.get(f"dataset_items/{made['id']}").json()[field] == value


def test_an_item_of_a_deleted_dataset_is_accepted(client: httpx.Client, parent: str) -> None:
    client.patch(f"datasets/{parent}", json={"deleted": True})
    assert client.post("dataset_items", json={"dataset": parent}).status_code == 201
