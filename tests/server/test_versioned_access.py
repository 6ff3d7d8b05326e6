"""Grants for one dataset: who sees it, who reads it, who edits it (datasets-api.md 3.2, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.models import User
from tests.server.facts import error, invalid, missing, refused
from tests.server.test_versioned_datasets import UNKNOWN, dataset, names

if TYPE_CHECKING:
    from tests.server.conftest import Clients


def no_access(level: str) -> dict[str, Any]:
    text = f"You do not have {level} access to this resource."
    return refused("permission_denied", text)


@pytest.fixture
def bea(current_clients: Clients) -> httpx.Client:
    """Somebody else of the project."""
    return current_clients.scoped("*", user="bea")


def uuid_of(name: str) -> str:
    return str(User.objects.get(first_name=name).uuid)


def grant(client: httpx.Client, row: dict[str, Any], level: str, member: str) -> httpx.Response:
    body = {"access_level": level, "organization_member": member}
    return client.put(f"datasets/{row['id']}/access_controls/", json=body)


def requests_about(row: dict[str, Any], item: dict[str, Any]) -> dict[str, list[Any]]:
    """Reads and writes, the latter of a kind that would succeed."""
    one, held = f"datasets/{row['id']}", f"dataset_items/{item['id']}"
    return {
        "viewer": [
            ("GET", one, None), ("GET", f"{one}/revisions", None),
            ("GET", f"{one}/access_controls", None), ("POST", f"{one}/exports", {}),
            ("GET", f"dataset_items?dataset={row['id']}", None), ("GET", held, None),
            ("GET", f"{held}/versions", None),
        ],
        "editor": [
            ("PATCH", one, {"description": "x"}), ("POST", f"{one}/archive", None),
            ("POST", f"{one}/restore", None),
            ("POST", "dataset_items", {"dataset": row["id"], "input": 2}),
            ("PATCH", held, {"base_version": 1, "input": 3}),
            ("POST", f"{held}/archive", {"base_version": 1}),
            ("POST", f"{held}/restore", {"base_version": 1}),
        ],
    }  # fmt: skip


def test_without_a_grant_everybody_of_the_project_edits(
    current: httpx.Client, bea: httpx.Client
) -> None:
    made = dataset(current)
    assert made["user_access_level"] == "editor"
    assert bea.get(f"datasets/{made['id']}").json() == made
    assert current.get(f"datasets/{made['id']}/access_controls/").json() == {
        "access_controls": [],
        "available_access_levels": ["none", "viewer", "editor"],
        "default_access_level": "editor",
        "user_access_level": "editor",
    }


def test_a_grant_is_told_changed_and_kept(current: httpx.Client, bea: httpx.Client) -> None:
    made, member = dataset(current), uuid_of("bea")
    first = grant(current, made, "viewer", member)
    assert first.status_code == 200, first.text
    told = first.json()
    assert (told["access_level"], told["organization_member"]) == ("viewer", member)
    assert told["created_by"]["first_name"] == "admin"
    again = grant(current, made, "none", member).json()
    assert again["created_at"] == told["created_at"] < again["updated_at"]
    listed = current.get(f"datasets/{made['id']}/access_controls").json()
    assert listed["access_controls"] == [again]
    assert grant(current, made, "editor", member).json()["access_level"] == "editor"
    assert bea.patch(f"datasets/{made['id']}", json={"description": "x"}).status_code == 200


@pytest.mark.parametrize("level", ["none", "viewer"])
def test_less_than_editing_is_refused_where_more_is_needed(
    current: httpx.Client, bea: httpx.Client, level: str
) -> None:
    made = dataset(current)
    item = current.post("dataset_items", json={"dataset": made["id"], "input": 1}).json()
    grant(current, made, level, uuid_of("bea"))
    asked = requests_about(made, item)
    for method, path, body in asked["viewer"]:
        answer = bea.request(method, path, json=body)
        if level == "none":
            assert error(answer, 403) == no_access("viewer"), path
        else:
            assert answer.status_code in {200, 201}, path
    for method, path, body in asked["editor"]:
        assert error(bea.request(method, path, json=body), 403) == no_access("editor"), path
    assert error(grant(bea, made, "editor", uuid_of("bea")), 403) == no_access("editor")
    after = current.get(f"dataset_items/{item['id']}").json()
    assert after == item
    assert current.get(f"datasets/{made['id']}").json()["current_revision"] == 1


def test_a_list_leaves_out_what_may_not_be_seen_and_tells_the_level(
    current: httpx.Client, bea: httpx.Client
) -> None:
    for name, level in (("hidden", "none"), ("read", "viewer"), ("free", None)):
        made = dataset(current, name)
        if level:
            grant(current, made, level, uuid_of("bea"))
    page = bea.get("datasets?order_by=created_at")
    assert names(page) == ["read", "free"]
    assert page.json()["count"] == 2
    assert [row["user_access_level"] for row in page.json()["results"]] == ["viewer", "editor"]
    assert bea.get(f"datasets/{page.json()['results'][0]['id']}").json()["user_access_level"] == "viewer"  # fmt: skip
    assert len(names(current.get("datasets"))) == 3
    assert error(bea.post("datasets", json={"name": "hidden"}), 409)["code"] == "dataset_name_conflict"  # fmt: skip


def test_whoever_made_a_dataset_edits_it_whatever_is_granted(
    current: httpx.Client, bea: httpx.Client
) -> None:
    made = dataset(current)
    assert grant(bea, made, "none", uuid_of("admin")).status_code == 200
    assert current.get(f"datasets/{made['id']}").json()["user_access_level"] == "editor"
    assert current.patch(f"datasets/{made['id']}", json={"description": "x"}).status_code == 200


def test_the_body_is_checked_before_the_dataset_is_looked_for(
    current: httpx.Client, bea: httpx.Client
) -> None:
    made, member = dataset(current), uuid_of("bea")
    grant(current, made, "none", member)
    for body, code, attr, detail in (
        ({}, "required", "access_level", "This field is required."),
        ({"access_level": "owner", "organization_member": member}, "invalid_choice", "access_level", '"owner" is not a valid choice.'),
        ({"access_level": "viewer", "organization_member": "x"}, "invalid_input", "organization_member", "Must be a valid UUID."),
        ({"access_level": "viewer", "role": 1}, "invalid_input", "role", "This field is not supported."),
    ):  # fmt: skip
        for client, number in ((bea, made["id"]), (current, UNKNOWN)):
            answer = client.put(f"datasets/{number}/access_controls", json=body)
            assert error(answer, 400) == invalid(code, attr, detail)
    good = {"access_level": "viewer", "organization_member": member}
    assert error(current.put(f"datasets/{UNKNOWN}/access_controls", json=good), 404) == missing()


def test_a_grant_goes_to_members_and_takes_the_write_scope(
    current: httpx.Client, current_clients: Clients
) -> None:
    made = dataset(current)
    two = accounts.create_project("two").pk
    accounts.create_key(user="eve", projects_allowed=[two])
    for somebody in (UNKNOWN, uuid_of("eve")):
        detail = f'Invalid pk "{somebody}" - object does not exist.'
        answer = grant(current, made, "viewer", somebody)
        assert error(answer, 400) == invalid("does_not_exist", "organization_member", detail)
    reader = current_clients.scoped("dataset:read", user="admin")
    assert reader.get(f"datasets/{made['id']}/access_controls").status_code == 200
    assert error(grant(reader, made, "viewer", uuid_of("admin")), 403)["detail"] == (
        "API key missing required scope 'dataset:write'"
    )
