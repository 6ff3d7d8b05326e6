"""Who may do what: scopes, projects, membership (platform.md 2 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skillsync.server import accounts
from skillsync.server.models import User
from tests.server.facts import a_skill, create, error, missing, refused

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

HOST = "http://server.test"
ROW = "00000000-0000-7000-8000-000000000000"
DENIED = "permission_denied"

READS = [
    ("GET", "llm_skills", "llm_skill"),
    ("HEAD", "llm_skills", "llm_skill"),
    ("OPTIONS", "llm_skills", "llm_skill"),
    ("GET", "llm_skills/name/x", "llm_skill"),
    ("GET", "llm_skills/resolve/name/x", "llm_skill"),
    ("GET", "llm_skills/name/x/files/y", "llm_skill"),
    ("HEAD", "llm_skills/name/x/files/y", "llm_skill"),
    ("GET", "datasets", "dataset"),
    ("GET", f"datasets/{ROW}", "dataset"),
    ("GET", "dataset_items", "dataset"),
    ("GET", f"dataset_items/{ROW}", "dataset"),
]
WRITES = [
    ("POST", "llm_skills", "llm_skill"),
    ("PATCH", "llm_skills/name/x", "llm_skill"),
    ("POST", "llm_skills/name/x/archive", "llm_skill"),
    ("POST", "llm_skills/name/x/duplicate", "llm_skill"),
    ("POST", "llm_skills/name/x/files", "llm_skill"),
    ("DELETE", "llm_skills/name/x/files/y", "llm_skill"),
    ("POST", "llm_skills/name/x/files-rename", "llm_skill"),
    ("POST", "datasets", "dataset"),
    ("PATCH", f"datasets/{ROW}", "dataset"),
    ("PUT", f"datasets/{ROW}", "dataset"),
    ("DELETE", f"datasets/{ROW}", "dataset"),
    ("POST", "dataset_items", "dataset"),
    ("PATCH", f"dataset_items/{ROW}", "dataset"),
    ("PUT", f"dataset_items/{ROW}", "dataset"),
    ("DELETE", f"dataset_items/{ROW}", "dataset"),
]


@pytest.fixture
def by_scope(clients: Clients) -> dict[str, httpx.Client]:
    scopes = [
        "llm_skill:read",
        "llm_skill:write",
        "dataset:read",
        "dataset:write",
        "user:read",
        "*",
    ]
    return {scope: clients.scoped(scope) for scope in scopes}


@pytest.mark.parametrize(("method", "path", "thing"), READS)
def test_reading_needs_the_read_scope_and_write_implies_it(
    by_scope: dict[str, httpx.Client], method: str, path: str, thing: str
) -> None:
    allowed = {f"{thing}:read", f"{thing}:write", "*"}
    for scope, client in by_scope.items():
        answer = client.request(method, path)
        assert (answer.status_code != 403) is (scope in allowed), scope
        if scope not in allowed and method != "HEAD":
            detail = f"API key missing required scope '{thing}:read'"
            assert answer.json() == refused(DENIED, detail)


@pytest.mark.parametrize(("method", "path", "thing"), WRITES)
def test_writing_needs_the_write_scope(
    by_scope: dict[str, httpx.Client], method: str, path: str, thing: str
) -> None:
    allowed = {f"{thing}:write", "*"}
    for scope, client in by_scope.items():
        answer = client.request(
            method, path, json={} if method in {"POST", "PUT", "PATCH"} else None
        )
        assert (answer.status_code != 403) is (scope in allowed), scope
        if scope not in allowed:
            detail = f"API key missing required scope '{thing}:write'"
            assert answer.json() == refused(DENIED, detail)


def test_a_refused_write_changes_nothing(clients: Clients, client: httpx.Client) -> None:
    create(client, files=[{"path": "a", "content": "x"}])
    reader = clients.scoped("llm_skill:read")
    assert reader.head("llm_skills/name/greet/files/a").status_code == 200
    assert reader.delete("llm_skills/name/greet/files/a").status_code == 403
    assert client.get("llm_skills/name/greet").json()["version"] == 1


def test_a_key_may_have_several_scopes(clients: Clients) -> None:
    client = clients.scoped("llm_skill:read", "dataset:write")
    assert client.get("llm_skills").status_code == 200
    assert client.post("llm_skills", json=a_skill()).status_code == 403
    assert client.post("datasets", json={"name": "d"}).status_code == 201


@pytest.mark.parametrize("project", ["2", "abc", "1.0", "-1", "@other", "9" * 40, "١", "%20"])
def test_an_unknown_project_is_not_found(clients: Clients, project: str) -> None:
    answer = clients().get(f"{HOST}/api/projects/{project}/llm_skills")
    assert error(answer, 404) == missing("Project not found.")


def test_the_scope_is_told_before_the_project(clients: Clients) -> None:
    answer = clients.scoped("user:read").get(f"{HOST}/api/projects/77/llm_skills")
    assert answer.status_code == 403


def test_a_key_of_one_project_does_not_reach_another(clients: Clients) -> None:
    two = accounts.create_project("two").pk
    key = accounts.create_key(user="one", project=two).value
    assert clients(key=key).get(f"{HOST}/api/projects/{two}/llm_skills").status_code == 200
    assert error(clients(key=key).get("llm_skills"), 403) == refused(
        DENIED, "API key does not have access to the requested project: ID 1."
    )


def test_somebody_limited_to_a_project_is_no_member_of_another(clients: Clients) -> None:
    two = accounts.create_project("two").pk
    key = accounts.create_key(user="one", projects_allowed=[two]).value
    assert clients(key=key).get(f"{HOST}/api/environments/{two}/llm_skills").status_code == 200
    assert error(clients(key=key).get("llm_skills"), 403) == refused(
        DENIED, "You don't have access to the project."
    )


def test_everybody_else_is_a_member_of_every_project(clients: Clients) -> None:
    two = accounts.create_project("two").pk
    key = accounts.create_key(user="anybody").value
    for number in (1, two):
        url = f"{HOST}/api/projects/{number}/llm_skills"
        assert clients(key=key).get(url).status_code == 200


def test_current_is_the_project_last_opened_else_the_first(clients: Clients) -> None:
    two = accounts.create_project("two").pk
    create(clients(), "in-one")
    create(clients(base=f"{HOST}/api/projects/{two}/"), "in-two")

    def listed(key: str) -> list[str]:
        answer = clients(key=key).get(f"{HOST}/api/projects/@current/llm_skills")
        return [row["name"] for row in answer.json()["results"]]

    everywhere = accounts.create_key(user="ada").value
    assert listed(everywhere) == ["in-one"]
    User.objects.filter(email="ada@localhost").update(current_project=two)
    assert listed(everywhere) == ["in-two"]
    assert listed(accounts.create_key(user="bea", projects_allowed=[two]).value) == ["in-two"]
    assert listed(accounts.create_key(user="cleo", project=two).value) == ["in-two"]
    limited = accounts.create_key(user="ada", project=1).value
    answer = clients(key=limited).get(f"{HOST}/api/projects/@current/llm_skills")
    assert answer.status_code == 403


def test_projects_do_not_share_skills(clients: Clients, client: httpx.Client) -> None:
    two = clients(base=f"{HOST}/api/projects/{accounts.create_project('two').pk}/")
    create(client)
    assert two.get("llm_skills").json()["count"] == 0
    assert two.get("llm_skills/name/greet").status_code == 404
    assert create(two)["version"] == 1
