"""The newer items: versions, revisions, conflicts, quotas (datasets-api.md 3.3 to 3.5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server import accounts
from tests.server.facts import JSON, error, invalid, missing
from tests.server.test_versioned_datasets import UNKNOWN, dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.server.conftest import Clients

ITEM = [
    "id", "dataset", "client_item_id", "version", "version_id", "dataset_revision",
    "dataset_revision_id", "archived", "input", "expected_output", "source_output", "metadata",
    "source_trace_id", "source_event_id", "source_timestamp", "created_at", "updated_at",
    "created_by", "version_created_at", "version_created_by", "team_id",
]  # fmt: skip
STALE = "This dataset item changed after it was loaded. Reload it and try again."
NO_FIELD = "This field is not supported."
REQUIRED = "This field is required."


@pytest.fixture
def parent(current: httpx.Client) -> str:
    number: str = dataset(current)["id"]
    return number


Untouched = tuple["httpx.Client", dict[str, Any]]


@pytest.fixture(scope="module")
def untouched(kept_world: Callable[..., httpx.Client]) -> Untouched:
    """A client, and the only item of its server: requests about it are refused."""
    client = kept_world("current")
    return client, item(client, dataset(client)["id"])


def item(client: httpx.Client, of: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("dataset_items/", json={"dataset": of, "input": 1, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def change(client: httpx.Client, made: dict[str, Any], base: int, **fields: Any) -> dict[str, Any]:
    answer = client.patch(f"dataset_items/{made['id']}", json={"base_version": base, **fields})
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def act(client: httpx.Client, made: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    return client.post(f"dataset_items/{made['id']}/{verb}/", json=body)


def revision_of(client: httpx.Client, number: str) -> int | None:
    revision: int | None = client.get(f"datasets/{number}").json()["current_revision"]
    return revision


# -- create


def test_an_item_has_the_documented_shape(current: httpx.Client, parent: str) -> None:
    made = item(
        current,
        parent,
        input={"q": 1},
        expected_output=[1],
        source_output="s",
        metadata={"m": 1},
        client_item_id=" key ",
        source_trace_id="t",
        source_event_id="e",
        source_timestamp="2024-01-02T03:04:05+02:00",
    )
    assert list(made) == ITEM
    assert (made["client_item_id"], made["version"], made["dataset_revision"]) == ("key", 1, 1)
    assert (made["archived"], made["team_id"]) == (False, 1)
    assert made["source_timestamp"] == "2024-01-02T01:04:05Z"
    assert made["created_at"] == made["updated_at"] == made["version_created_at"]
    assert current.get(f"dataset_items/{made['id']}/").json() == made
    assert current.get(f"dataset_items?dataset={parent}").json()["results"] == [made]
    bare = item(current, parent, input=False)
    assert (bare["input"], bare["expected_output"], bare["metadata"]) == (False, None, {})
    assert (bare["client_item_id"], bare["dataset_revision"]) == (None, 2)


@pytest.mark.parametrize("value", [False, 0, "", [], {}, "x", 1.5, [None]])
def test_any_input_but_null_is_fine(current: httpx.Client, parent: str, value: object) -> None:
    made = item(current, parent, input=value)
    read = current.get(f"dataset_items/{made['id']}").json()["input"]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("fields", "code", "attr", "detail"),
    [
        ({"output": 1, "zz": 1}, "invalid_input", "output", NO_FIELD),
        ({"deleted": False}, "invalid_input", "deleted", NO_FIELD),
        ({"ref_trace_id": "x"}, "invalid_input", "ref_trace_id", NO_FIELD),
        ({"dataset": ...}, "required", "dataset", REQUIRED),
        ({"dataset": "bad"}, "invalid_input", "dataset", "Must be a valid UUID."),
        ({"input": ...}, "required", "input", REQUIRED),
        ({"input": None}, "null", "input", "This field may not be null."),
        ({"input": float("nan")}, "invalid_input", "input", "Value must be valid JSON."),
        ({"input": "\ud800"}, "invalid_input", "input", "Enter a valid JSON value."),
        ({"expected_output": {"\0": 1}}, "invalid_input", "expected_output", "Enter a valid JSON value."),
        ({"metadata": "x"}, "not_object", "metadata", "Enter a JSON object."),
        ({"metadata": None}, "null", "metadata", "This field may not be null."),
        ({"client_item_id": ""}, "blank", "client_item_id", "This field may not be blank."),
        ({"client_item_id": "c" * 256}, "max_length", "client_item_id", "Ensure this field has no more than 255 characters."),
        ({"source_timestamp": "x", "source_trace_id": "t"}, "invalid_input", "source_timestamp", "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."),
        ({"input": "x" * 40_000}, "max_size", "item", "This field must be 40000 bytes or fewer."),
    ],
)  # fmt: skip
def test_a_bad_item_is_refused(
    untouched: Untouched, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    client, made = untouched
    body = {"dataset": made["dataset"], "input": 1, **fields}
    body = {name: value for name, value in body.items() if value is not ...}
    answer = client.post("dataset_items", content=json.dumps(body), headers=JSON)
    assert error(answer, 400) == invalid(code, attr, detail)
    assert revision_of(client, made["dataset"]) == 1


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"source_trace_id": "t"}, "source_timestamp"),
        ({"source_trace_id": "t", "source_event_id": "e"}, "source_timestamp"),
        ({"source_timestamp": "2024-01-01T00:00:00Z"}, "source_trace_id"),
        ({"source_event_id": "e"}, "source_trace_id"),
    ],
)
def test_provenance_is_told_whole(
    current: httpx.Client, parent: str, fields: dict[str, str], attr: str
) -> None:
    answer = current.post("dataset_items", json={"dataset": parent, "input": 1, **fields})
    assert error(answer, 400)["attr"] == attr


def test_the_size_is_that_of_the_four_members_together(small: httpx.Client) -> None:
    """UTF-8 bytes of compact JSON, names of the members included (datasets-api.md 3.3)."""
    number = dataset(small)["id"]
    empty = '{"expected_output":null,"input":"","metadata":{},"source_output":null}'
    room = 200 - len(empty)
    fits = {"dataset": number, "input": "é" * (room // 2) + "x" * (room % 2)}
    made = small.post("dataset_items", json=fits)
    assert made.status_code == 201
    over = {**fits, "input": fits["input"] + "x"}
    expected = invalid("max_size", "item", "This field must be 200 bytes or fewer.")
    assert error(small.post("dataset_items", json=over), 400) == expected
    url = f"dataset_items/{made.json()['id']}"
    assert error(small.patch(url, json={"base_version": 1, "metadata": {"a": 1}}), 400) == expected


def test_the_dataset_has_to_exist_and_to_be_active(
    current_clients: Clients, current: httpx.Client, parent: str
) -> None:
    two = accounts.create_project("two").pk
    other = current_clients(base=f"http://server.test/api/projects/{two}/")
    for number in (UNKNOWN, dataset(other)["id"]):
        answer = current.post("dataset_items", json={"dataset": number, "input": 1})
        assert error(answer, 404) == missing()
        assert error(current.get(f"dataset_items?dataset={number}"), 404) == missing()
    current.post(f"datasets/{parent}/archive")
    answer = current.post("dataset_items", json={"dataset": parent, "input": 1})
    assert error(answer, 409) == {
        "code": "dataset_archived",
        "detail": "Restore this dataset before adding items.",
    }


def test_a_create_with_a_client_id_may_be_repeated(current: httpx.Client, parent: str) -> None:
    body = {
        "dataset": parent, "input": {"a": [1, True]}, "client_item_id": "key", "source_trace_id": "t",
        "source_timestamp": "2024-01-01T00:00:00Z",
    }  # fmt: skip
    first = current.post("dataset_items", json=body)
    again = current.post("dataset_items", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert revision_of(current, parent) == 1
    taken = {
        "code": "client_item_id_conflict",
        "detail": "An item with this client item ID already exists with different content.",
        "current_version": 1,
        "current_item_id": first.json()["id"],
    }
    for other in (
        {"input": {"a": [1, 1]}},
        {"input": {"a": [1.0, True]}},
        {"metadata": {"x": 1}},
        {"source_output": 0},
        {"source_trace_id": "other"},
    ):
        assert error(current.post("dataset_items", json={**body, **other}), 409) == taken
    assert current.post("dataset_items", json={**body, "client_item_id": "Key"}).status_code == 201
    act(current, first.json(), "archive", base_version=1)
    assert error(current.post("dataset_items", json=body), 409) == {
        "code": "client_item_id_conflict",
        "detail": "An archived item already uses this client item ID. Unarchive that item to use it "
        "again.",
        "current_version": 2,
        "current_item_id": first.json()["id"],
    }


def test_a_retry_with_a_number_that_storing_changes_looks_different(
    current: httpx.Client, parent: str
) -> None:
    """datasets-api.md 3.3: the stored side went through the database."""
    body = f'{{"dataset":"{parent}","client_item_id":"k","input":1e22}}'
    assert current.post("dataset_items", content=body, headers=JSON).status_code == 201
    answer = current.post("dataset_items", content=body, headers=JSON)
    assert error(answer, 409)["code"] == "client_item_id_conflict"


# -- update


def test_each_effective_write_is_one_version_and_one_revision(
    current: httpx.Client, parent: str
) -> None:
    first = item(current, parent, input=1, expected_output=2, metadata={"a": 1}, source_output=3)
    second = change(current, first, 1, expected_output=None)
    assert (second["version"], second["dataset_revision"]) == (2, 2)
    assert (second["input"], second["expected_output"], second["source_output"]) == (1, None, 3)
    assert (second["id"], second["created_at"]) == (first["id"], first["created_at"])
    assert second["version_id"] != first["version_id"]
    assert second["updated_at"] == second["version_created_at"] > first["updated_at"]
    third = change(current, first, 2, metadata={"b": 2}, input=[1])
    assert (third["metadata"], third["version"]) == ({"b": 2}, 3)
    for same in ({}, {"input": [1]}, {"metadata": {"b": 2}}, {"expected_output": None}):
        assert change(current, first, 3, **same) == third
    assert revision_of(current, parent) == 3
    assert change(current, first, 3, input=[1.0])["version"] == 4, "1 and 1.0 differ"
    assert change(current, first, 4, input=[True])["version"] == 5


@pytest.mark.parametrize("base", [1, "1", 1.0, " 1 "])
def test_a_base_is_read_leniently(current: httpx.Client, parent: str, base: object) -> None:
    made = item(current, parent)
    body = {"base_version": base, "input": 2}
    assert current.patch(f"dataset_items/{made['id']}", json=body).json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        ({"input": 2}, "required", "base_version", REQUIRED),
        ({"base_version": 0}, "min_value", "base_version", "Ensure this value is greater than or equal to 1."),
        ({"base_version": True}, "invalid_input", "base_version", "A valid integer is required."),
        ({"base_version": None}, "null", "base_version", "This field may not be null."),
        ({"base_version": 1, "input": None}, "null", "input", "This field may not be null."),
        ({"base_version": 1, "metadata": None}, "null", "metadata", "This field may not be null."),
        ({"base_version": 1, "source_output": 1}, "invalid_input", "source_output", NO_FIELD),
        ({"base_version": 1, "client_item_id": "x"}, "invalid_input", "client_item_id", NO_FIELD),
        ({"base_version": 1, "dataset": UNKNOWN}, "invalid_input", "dataset", NO_FIELD),
        ({"base_version": 1, "source_trace_id": "x"}, "invalid_input", "source_trace_id", NO_FIELD),
        ({"base_version": 1, "input": "x" * 40_000}, "max_size", "item", "This field must be 40000 bytes or fewer."),
    ],
)  # fmt: skip
def test_a_bad_change_is_refused(
    untouched: Untouched, body: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    client, made = untouched
    answer = client.patch(f"dataset_items/{made['id']}", json=body)
    assert error(answer, 400) == invalid(code, attr, detail)
    assert client.get(f"dataset_items/{made['id']}").json() == made


def test_a_stale_base_is_told_before_archived_size_and_no_change(
    current: httpx.Client, parent: str
) -> None:
    made = item(current, parent)
    act(current, made, "archive", base_version=1)
    stale = {
        "code": "stale_version",
        "detail": STALE,
        "current_version": 2,
        "current_item_id": made["id"],
    }
    url = f"dataset_items/{made['id']}"
    for body in ({}, {"input": 1}, {"input": "x" * 50_000}):
        assert error(current.patch(url, json={"base_version": 1, **body}), 409) == stale
    assert error(act(current, made, "archive", base_version=1), 409) == stale
    assert error(act(current, made, "restore", base_version=3), 409) == stale


def test_an_archived_dataset_is_told_before_a_stale_base(
    current: httpx.Client, parent: str
) -> None:
    made = item(current, parent)
    current.post(f"datasets/{parent}/archive")
    url = f"dataset_items/{made['id']}"
    for answer, what in (
        (current.patch(url, json={"base_version": 9}), "updating its items"),
        (act(current, made, "archive", base_version=9), "archiving its items"),
        (act(current, made, "restore", base_version=9), "restoring its items"),
    ):
        assert error(answer, 409) == {
            "code": "dataset_archived",
            "detail": f"Restore this dataset before {what}.",
        }
    assert current.get(url).status_code == 200


@pytest.mark.parametrize("number", [UNKNOWN, "bad"])
def test_an_unknown_item_is_not_found_after_its_body_was_read(
    current: httpx.Client, number: str
) -> None:
    url = f"dataset_items/{number}"
    assert error(current.get(url), 404) == missing()
    assert error(current.get(f"{url}/versions"), 404) == missing()
    for method, path in (("PATCH", url), ("POST", f"{url}/archive"), ("POST", f"{url}/restore")):
        assert error(current.request(method, path, json={}), 400)["attr"] == "base_version"
        assert error(current.request(method, path, json={"base_version": 1}), 404) == missing()


# -- archive, restore, history


def test_archive_and_restore_are_versions(current: httpx.Client, parent: str) -> None:
    first = item(
        current, parent, input=1, source_output="s", source_trace_id="t",
        source_timestamp="2024-01-01T00:00:00Z",
    )  # fmt: skip
    change(current, first, 1, input=2)
    archived = act(current, first, "archive", base_version=2).json()
    assert (archived["version"], archived["archived"], archived["input"]) == (3, True, 2)
    assert current.get(f"dataset_items/{first['id']}").json() == archived
    assert error(act(current, first, "archive", base_version=3), 409) == {
        "code": "dataset_item_archived",
        "detail": "This dataset item is already archived.",
    }
    update = current.patch(f"dataset_items/{first['id']}", json={"base_version": 3, "input": 9})
    assert error(update, 409) == {
        "code": "dataset_item_archived",
        "detail": "Restore this dataset item before updating it.",
    }
    unknown = act(current, first, "restore", base_version=3, source_version=9)
    assert error(unknown, 404) == missing()
    restored = act(current, first, "restore", base_version=3, source_version=1).json()
    assert (restored["version"], restored["archived"], restored["input"]) == (4, False, 1)
    assert (restored["source_output"], restored["source_trace_id"]) == ("s", "t")
    assert error(act(current, first, "restore", base_version=4), 409) == {
        "code": "dataset_item_active",
        "detail": "This dataset item is already active.",
    }
    history = current.get(f"dataset_items/{first['id']}/versions/").json()["results"]
    assert [(row["version"], row["input"], row["archived"]) for row in history] == [
        (4, 1, False),
        (3, 2, True),
        (2, 2, False),
        (1, 1, False),
    ]
    assert history[3] == {**first, "updated_at": restored["updated_at"]}
    assert revision_of(current, parent) == 4


def test_restored_without_a_source_it_is_what_it_was(current: httpx.Client, parent: str) -> None:
    made = item(current, parent, input={"a": 1}, expected_output=2, metadata={"m": 1})
    act(current, made, "archive", base_version=1)
    restored = act(current, made, "restore", base_version=2).json()
    for field in ("input", "expected_output", "metadata"):
        assert restored[field] == made[field]


def test_a_list_shows_the_dataset_at_a_revision(current: httpx.Client, parent: str) -> None:
    a = item(current, parent, input="a")  # 1
    b = item(current, parent, input="b")  # 2
    change(current, a, 1, input="A")  # 3
    act(current, b, "archive", base_version=1)  # 4
    item(current, parent, input="c")  # 5

    def shown(query: str) -> str:
        answer = current.get(f"dataset_items?dataset={parent}&{query}")
        assert answer.status_code == 200, answer.text
        return "".join(row["input"] for row in answer.json()["results"])

    assert [shown(f"revision={n}") for n in range(1, 6)] == ["a", "ba", "bA", "A", "cA"]
    assert [shown(f"archived=true&revision={n}") for n in range(1, 6)] == ["", "", "", "b", "b"]
    assert (shown(""), shown("archived=true"), shown("revision=")) == ("cA", "b", "cA")
    assert error(current.get(f"dataset_items?dataset={parent}&revision=6"), 404) == missing()
    assert error(current.get(f"dataset_items?dataset={parent}&revision=0"), 400) == invalid(
        "min_value", "revision", "Ensure this value is greater than or equal to 1."
    )
    one = f"dataset_items/{b['id']}"
    assert error(current.get(f"{one}?revision=1"), 404) == missing(), "not there yet"
    assert error(current.get(f"{one}?revision=6"), 404) == missing()
    assert current.get(f"{one}?revision=3").json()["archived"] is False
    assert current.get(f"{one}?revision=5").json()["archived"] is True


def test_pages_have_10_items_and_at_most_25_newest_first(
    current: httpx.Client, parent: str
) -> None:
    for number in range(27):
        item(current, parent, input=number)
    for query, rows in (("", 10), ("limit=3", 3), ("limit=-1", 10), ("limit=1000", 25)):
        page = current.get(f"dataset_items?dataset={parent}&{query}").json()
        assert (page["count"], len(page["results"])) == (27, rows)
    assert page["next"].endswith("limit=25&offset=25")
    rest = current.get(page["next"]).json()
    inputs = [row["input"] for row in page["results"] + rest["results"]]
    assert inputs == list(range(26, -1, -1))


@pytest.mark.parametrize(
    ("query", "code", "attr", "detail"),
    [
        ("", "required", "dataset", REQUIRED),
        ("dataset=x", "invalid_input", "dataset", "Must be a valid UUID."),
        (f"dataset={UNKNOWN}&archived=x", "invalid_input", "archived", "Must be a valid boolean."),
    ],
)
def test_a_list_of_items_needs_its_dataset(
    current: httpx.Client, query: str, code: str, attr: str, detail: str
) -> None:
    assert error(current.get(f"dataset_items?{query}"), 400) == invalid(code, attr, detail)


# -- quotas


def test_a_dataset_holds_so_many_items_archived_ones_too(small: httpx.Client) -> None:
    number = dataset(small)["id"]
    first = item(small, number, client_item_id="k")
    item(small, number)
    act(small, first, "archive", base_version=1)
    assert error(small.post("dataset_items", json={"dataset": number, "input": 1}), 409) == {
        "code": "limit_reached",
        "detail": "No more items can be added to this dataset. The limit is 2. "
        "Contact support if you need more.",
        "resource": "dataset_items",
        "current_count": 2,
        "limit": 2,
    }
    repeated = {"dataset": number, "input": 1, "client_item_id": "k"}
    taken = error(small.post("dataset_items", json=repeated), 409)
    assert taken["code"] == "client_item_id_conflict", "told before the quota"


def test_the_last_version_is_kept_for_restoring(small: httpx.Client) -> None:
    made = item(small, dataset(small)["id"])
    change(small, made, 1, input=2)
    change(small, made, 2, input=3)
    limit = {"code": "limit_reached", "resource": "dataset_item_versions", "limit": 4}
    assert error(act(small, made, "archive", base_version=3), 409) == {
        **limit,
        "detail": "This dataset item cannot be archived because the last version slot is reserved "
        "for restoring it. The limit is 4. Create a new item to continue.",
        "current_count": 3,
    }
    change(small, made, 3, input=4)
    full = {
        **limit,
        "detail": "No more versions can be added to this dataset item. The limit is 4. "
        "Create a new item to continue.",
        "current_count": 4,
    }
    url = f"dataset_items/{made['id']}"
    assert error(small.patch(url, json={"base_version": 4, "input": 5}), 409) == full
    assert change(small, made, 4, input=4)["version"] == 4, "no change needs no room"


def test_archived_at_the_last_moment_it_can_be_restored(small: httpx.Client) -> None:
    made = item(small, dataset(small)["id"])
    change(small, made, 1, input=2)
    assert act(small, made, "archive", base_version=2).json()["version"] == 3
    assert act(small, made, "restore", base_version=3).json()["version"] == 4


# -- exports (3.7)


def test_an_export_is_a_line_for_each_active_item_oldest_first(
    current_clients: Clients, current: httpx.Client, parent: str
) -> None:
    a = item(
        current, parent, input={"é": 1}, client_item_id="k", source_trace_id="t",
        source_timestamp="2024-01-01T00:00:00Z",
    )  # fmt: skip
    b = item(current, parent, input="b")
    act(current, b, "archive", base_version=1)
    item(current, parent, input="c")
    current.post(f"datasets/{parent}/archive")
    reader = current_clients.scoped("dataset:read", user="reader")
    answer = reader.post(f"datasets/{parent}/exports/", json={})
    assert answer.status_code == 201
    export = answer.json()
    assert list(export) == [
        "id", "status", "dataset_revision", "filename", "created_at", "expires_after", "exception",
    ]  # fmt: skip
    assert (export["status"], export["dataset_revision"], export["exception"]) == (
        "complete",
        4,
        None,
    )
    url = f"datasets/{parent}/exports/{export['id']}"
    assert reader.get(f"{url}/").json() == export
    content = reader.get(f"{url}/content/")
    assert content.headers["Content-Disposition"] == f'attachment; filename="{export["filename"]}"'
    lines = content.text.splitlines()
    assert [json.loads(line)["input"] for line in lines] == [{"é": 1}, "c"]
    assert lines[0] == (
        f'{{"dataset_id":"{parent}","dataset_revision":4,"item_id":"{a["id"]}",'
        '"client_item_id":"k","version":1,"input":{"é":1},"expected_output":null,'
        '"source_output":null,"metadata":{},"source_trace_id":"t","source_event_id":null,'
        '"source_timestamp":"2024-01-01T00:00:00+00:00"}'
    )
    for other in (url, f"{url}/content", f"datasets/{parent}/exports/x"):
        assert error(current.get(other), 404) == missing(), "only who made it sees it"
    old = reader.post(f"datasets/{parent}/exports", json={"revision": 2}).json()
    text = reader.get(f"datasets/{parent}/exports/{old['id']}/content").text
    assert [json.loads(line)["input"] for line in text.splitlines()] == [{"é": 1}, "b"]


def test_an_export_that_cannot_be_is_refused(current: httpx.Client, parent: str) -> None:
    url = f"datasets/{parent}/exports"
    assert error(current.post(url, json={}), 409) == {
        "detail": "Add an item before exporting this dataset."
    }
    item(current, parent)
    assert error(current.post(url, json={"revision": 2}), 409) == {
        "detail": "This dataset revision does not exist."
    }
    assert error(current.post(url, json={"format": "csv"}), 400) == invalid(
        "invalid_input", "format", NO_FIELD
    )
    assert error(current.post(url, json={"revision": 0}), 400)["attr"] == "revision"
