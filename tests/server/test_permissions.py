"""Who may do what: scopes, projects, membership (platform.md 2 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.server import accounts
from skillsync.server.models import User
from tests.server.facts import create

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

HOST = "http://server.test"


def test_a_refused_write_changes_nothing(clients: Clients, client: httpx.Client) -> None:
    create(client, files=[{"path": "a", "content": "x"}])
    reader = clients.scoped("llm_skill:read")
    assert reader.head("llm_skills/name/greet/files/a").status_code == 200
    assert reader.delete("llm_skills/name/greet/files/a").status_code == 403
    assert client.get("llm_skills/name/greet").json()["version"] == 1


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
