"""The newer datasets themselves (datasets-api.md 3.1, 3.2, 3.10)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server import accounts
from tests.server.facts import JSON, error, invalid, missing, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.server.conftest import Clients

UNKNOWN = "00000000-0000-7000-8000-000000000000"
DATASET = [
    "id", "name", "description", "metadata", "archived", "current_revision", "current_revision_id",
    "created_at", "updated_at", "created_by", "team_id", "user_access_level",
]  # fmt: skip
NAME_TAKEN = {
    "code": "dataset_name_conflict",
    "detail": "A dataset with this name already exists.",
}


def dataset(client: httpx.Client, name: str = "d", **fields: Any) -> dict[str, Any]:
    answer = client.post("datasets/", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["results"]]


def test_a_dataset_has_the_documented_shape(current: httpx.Client) -> None:
    made = dataset(current, " d ")
    assert list(made) == DATASET
    assert (made["name"], made["description"], made["metadata"]) == ("d", "", {})
    assert (made["archived"], made["current_revision"], made["team_id"]) == (False, None, 1)
    assert made["current_revision_id"] is None
    assert current.get(f"datasets/{made['id']}/").json() == made
    assert current.get("datasets").json()["results"] == [made]


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        ({"name": "n", "deleted": False, "zzz": 1, "archived": True}, "invalid_input", "archived", "This field is not supported."),
        ({"id": UNKNOWN}, "invalid_input", "id", "This field is not supported."),
        ({}, "required", "name", "This field is required."),
        ({"name": None}, "null", "name", "This field may not be null."),
        ({"name": " "}, "blank", "name", "This field may not be blank."),
        ({"name": "n" * 401}, "max_length", "name", "Ensure this field has no more than 400 characters."),
        ({"name": "n", "description": None}, "null", "description", "This field may not be null."),
        ({"name": "n", "description": "d" * 10_001}, "max_length", "description", "Ensure this field has no more than 10000 characters."),
        ({"name": "n", "metadata": []}, "not_object", "metadata", "Enter a JSON object."),
        ({"name": "n", "metadata": None}, "null", "metadata", "This field may not be null."),
        ({"name": "n", "metadata": {"a": "\ud800"}}, "invalid_input", "metadata", "Enter a valid JSON value."),
        ({"name": "n", "metadata": {"a": "\0"}}, "invalid_input", "metadata", "Enter a valid JSON value."),
        ({"name": "n", "metadata": {"a": "é" * 500_000}}, "max_size", "metadata", "This field must be 1000000 bytes or fewer."),
        ([], "invalid_input", None, "Invalid data. Expected a dictionary, but got list."),
    ],
)  # fmt: skip
def test_a_bad_dataset_is_refused(
    current: httpx.Client, body: Any, code: str, attr: str | None, detail: str
) -> None:
    expected = invalid(code, attr, detail)
    assert error(current.post("datasets", content=json.dumps(body), headers=JSON), 400) == expected
    if body != {}:
        url = f"datasets/{dataset(current)['id']}"
        assert error(current.patch(url, content=json.dumps(body), headers=JSON), 400) == expected


def test_a_name_is_taken_once_archived_or_not(current: httpx.Client) -> None:
    first = dataset(current, "one")
    second = dataset(current, "two")
    current.post(f"datasets/{first['id']}/archive/")
    assert error(current.post("datasets", json={"name": " one "}), 409) == NAME_TAKEN
    rename = current.patch(f"datasets/{second['id']}", json={"name": "one"})
    assert error(rename, 409) == NAME_TAKEN
    assert current.patch(f"datasets/{second['id']}", json={"name": "two"}).status_code == 200


def test_a_patch_writes_what_was_sent(current: httpx.Client) -> None:
    made = dataset(current, description="x", metadata={"a": {"b": 1}})
    url = f"datasets/{made['id']}"
    changed = current.patch(url, json={"metadata": {"c": 2}}).json()
    assert changed == {**made, "metadata": {"c": 2}, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    assert current.patch(url, json={"description": ""}).json()["description"] == ""


def test_archive_and_restore_are_idempotent_and_guard_the_dataset(current: httpx.Client) -> None:
    made = dataset(current)
    url = f"datasets/{made['id']}"
    archived = current.post(f"{url}/archive/").json()
    assert archived == {**made, "archived": True, "updated_at": archived["updated_at"]}
    assert current.post(f"{url}/archive").json() == archived
    assert current.get(url).json() == archived, "still readable"
    assert error(current.patch(url, json={"name": "e"}), 409) == {
        "code": "dataset_archived",
        "detail": "Restore this dataset before updating it.",
    }
    restored = current.post(f"{url}/restore/").json()
    assert (restored["archived"], current.post(f"{url}/restore").json()) == (False, restored)
    assert restored["current_revision"] is None, "no revision"


@pytest.mark.parametrize("number", [UNKNOWN, "bad"])
def test_an_unknown_dataset_is_not_found(current: httpx.Client, number: str) -> None:
    url = f"datasets/{number}"
    for method, path in (
        ("GET", url), ("PATCH", url), ("POST", f"{url}/archive"), ("POST", f"{url}/restore"),
        ("GET", f"{url}/revisions"), ("POST", f"{url}/exports"), ("GET", f"{url}/exports/1"),
    ):  # fmt: skip
        answer = current.request(method, path, json={} if method != "GET" else None)
        assert error(answer, 404) == missing()


def test_datasets_of_another_project_do_not_exist_here(
    current_clients: Clients, current: httpx.Client
) -> None:
    two = accounts.create_project("two").pk
    other = current_clients(base=f"http://server.test/api/environments/{two}/")
    theirs = dataset(other)
    assert theirs["team_id"] == two
    assert current.get(f"datasets/{theirs['id']}").status_code == 404
    assert names(current.get("datasets")) == []
    assert dataset(current)["name"] == theirs["name"], "a name is taken per project"


# -- lists


@pytest.fixture(scope="module")
def three(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world("current")
    ids = [
        dataset(client, "a")["id"],
        dataset(client, "b")["id"],
        dataset(client, "c", metadata={"topic": 1})["id"],
    ]
    client.post(f"datasets/{ids[0]}/archive")
    client.patch(f"datasets/{ids[1]}", json={"description": "B"})
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cb"),
        ("archived=false", "cb"),
        ("archived=true", "a"),
        ("archived=1", "a"),
        ("order_by=created_at", "bc"),
        ("order_by=-updated_at", "bc"),
        ("order_by=updated_at", "cb"),
        ("order_by=", "cb"),
        ("order_by=x&order_by=created_at", "bc"),
        ("search=", "cb"),
        ("search=B", "b"),
        ("search=topic", "c"),
        ("search=%7B%22topic", "c"),
        ("unknown=1&deleted=true", "cb"),
    ],
)
def test_a_list_is_filtered_and_ordered(three: httpx.Client, query: str, found: str) -> None:
    assert "".join(names(three.get(f"datasets?{query}"))) == found


@pytest.mark.parametrize(
    ("query", "code", "attr", "detail"),
    [
        ("archived=banana", "invalid_input", "archived", "Must be a valid boolean."),
        ("search=%20", "blank", "search", "This field may not be blank."),
        ("order_by=name", "invalid_choice", "order_by", '"name" is not a valid choice.'),
        ("order_by=a,b", "invalid_choice", "order_by", '"a,b" is not a valid choice.'),
        (f"id__in={UNKNOWN},%20{UNKNOWN}", "invalid_input", "id__in__1", "Must be a valid UUID."),
        (f"id__in={UNKNOWN},", "invalid_input", "id__in__1", "Must be a valid UUID."),
        ("id__in=", "invalid_input", "id__in__0", "Must be a valid UUID."),
        (f"id__in={UNKNOWN}&id__in=x", "invalid_input", "id__in__1", "Must be a valid UUID."),
        ("id__in=" + ",".join([UNKNOWN] * 101), "max_length", "id__in", "Ensure this field has no more than 100 elements."),
    ],
)  # fmt: skip
def test_a_bad_list_parameter_is_refused(
    three: httpx.Client, query: str, code: str, attr: str, detail: str
) -> None:
    assert error(three.get(f"datasets?{query}"), 400) == invalid(code, attr, detail)


def test_id_in_is_a_comma_list_or_repeated(current: httpx.Client) -> None:
    a, b, c = (dataset(current, name)["id"] for name in "abc")
    for query, found in [
        (f"id__in={a},{c}", "ca"),
        (f"id__in={a}&id__in={b},{UNKNOWN}", "ba"),
        ("id__in=" + ",".join([a] * 100), "a"),
    ]:
        assert "".join(names(current.get(f"datasets?{query}"))) == found


def test_pages_have_50_rows_and_at_most_100(small: httpx.Client) -> None:
    """Larger limits are capped, and ``next`` carries the cap (platform.md 7)."""
    from django.utils import timezone

    from skillsync.server.models import VersionedDataset

    now = timezone.now()
    VersionedDataset.objects.bulk_create(
        VersionedDataset(project_id=1, name=f"{number}", created_at=now, updated_at=now)
        for number in range(101)
    )
    for query, rows in (("", 50), ("limit=7", 7), ("limit=0", 50), ("limit=1000", 100)):
        assert len(small.get(f"datasets?{query}").json()["results"]) == rows
    page = small.get("datasets?limit=1000").json()
    assert page["next"].endswith("/datasets?limit=100&offset=100")
    ids = [row["id"] for row in page["results"]]
    assert ids == sorted(ids), "equal times are ordered by id"


# -- revisions, methods, quota


def test_revisions_are_listed_newest_first(current: httpx.Client) -> None:
    made = dataset(current)
    url = f"datasets/{made['id']}/revisions/"
    assert current.get(url).json()["results"] == []
    for number in range(3):
        current.post("dataset_items", json={"dataset": made["id"], "input": number})
    rows = current.get(url).json()["results"]
    assert [row["revision"] for row in rows] == [3, 2, 1]
    assert list(rows[0]) == ["id", "dataset_id", "revision", "created_at", "created_by", "team_id"]
    now = current.get(f"datasets/{made['id']}").json()
    assert (now["current_revision"], now["current_revision_id"]) == (3, rows[0]["id"])
    assert now["updated_at"] == rows[0]["created_at"] > made["updated_at"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"datasets/{UNKNOWN}"),
        ("DELETE", f"datasets/{UNKNOWN}"),
        ("DELETE", "datasets"),
        ("PUT", f"dataset_items/{UNKNOWN}"),
        ("DELETE", f"dataset_items/{UNKNOWN}"),
        ("GET", f"dataset_items/{UNKNOWN}/archive"),
        ("PATCH", f"dataset_items/{UNKNOWN}/restore"),
        ("GET", f"datasets/{UNKNOWN}/exports"),
    ],
)
def test_a_method_that_is_not_mapped_is_refused_to_keys(
    current: httpx.Client, method: str, path: str
) -> None:
    assert error(current.request(method, path), 403) == refused(
        "permission_denied", "This action does not support personal API key access"
    )


def test_a_project_holds_so_many_datasets_archived_ones_too(small: httpx.Client) -> None:
    first = dataset(small, "one")
    dataset(small, "two")
    small.post(f"datasets/{first['id']}/archive")
    assert error(small.post("datasets", json={"name": "three"}), 409) == {
        "code": "limit_reached",
        "detail": "No more datasets can be added to this project. The limit is 2. "
        "Contact support if you need more.",
        "resource": "datasets",
        "current_count": 2,
        "limit": 2,
    }
    assert error(small.post("datasets", json={"name": "two"}), 409) == NAME_TAKEN


def test_the_two_generations_have_their_own_tables(clients: Clients, current: httpx.Client) -> None:
    """datasets-api.md 0: no row is copied."""
    seed = clients()
    made = seed.post("datasets", json={"name": "old"}).json()
    dataset(current, "new")
    assert names(seed.get("datasets")) == ["old"]
    assert names(current.get("datasets")) == ["new"]
    assert current.get(f"datasets/{made['id']}").status_code == 404


def test_the_generations_are_told_apart_by_the_documented_probes(
    clients: Clients, current: httpx.Client
) -> None:
    """datasets-api.md 0.1."""
    assert clients().get("dataset_items/?limit=1").status_code == 200
    assert error(current.get("dataset_items/?limit=1"), 400) == invalid(
        "required", "dataset", "This field is required."
    )
