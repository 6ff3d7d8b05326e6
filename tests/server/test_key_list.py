"""Keys are listed without their values and revoked for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skillsync.server import accounts, key_list
from tests.server.facts import error, refused

if TYPE_CHECKING:
    from tests.server.conftest import Clients

HOST = "http://server.test"
INVALID = refused(
    "authentication_failed", "Personal API key found in request Authorization header is invalid."
)


def test_a_list_shows_everything_but_the_value(clients: Clients) -> None:
    made = accounts.create_key(user="ada", scopes=["dataset:read"], project=1)
    clients(key=made.value).get("datasets")
    first, second = key_list.list_keys()
    assert first["user_email"] == "admin@localhost"
    assert (second["id"], second["user_email"]) == (made.id, "ada@localhost")
    assert (second["scopes"], second["scoped_teams"]) == (["dataset:read"], [1])
    assert second["mask_value"] == f"phx_...{made.value[-4:]}"
    assert second["last_used_at"].endswith("Z")
    assert second["revoked_at"] is None
    assert made.value not in str(second)


@pytest.mark.parametrize("by_value", [False, True])
def test_a_revoked_key_is_invalid_at_once_and_for_good(clients: Clients, by_value: bool) -> None:
    made = accounts.create_key(user="ada")
    client = clients(key=made.value)
    assert client.get("llm_skills").status_code == 200
    assert key_list.revoke_key(made.value if by_value else made.id) == made.id
    assert error(client.get("llm_skills"), 401) == INVALID
    revoked_at = key_list.list_keys()[1]["revoked_at"]
    assert revoked_at is not None
    key_list.revoke_key(made.id)
    assert key_list.list_keys()[1]["revoked_at"] == revoked_at
    with pytest.raises(ValueError, match="was revoked"):
        accounts.first_start(key=made.value)
    with pytest.raises(ValueError, match="exists already"):
        accounts.create_key(user="ada", value=made.value)
    assert clients().get("llm_skills").status_code == 200, "other keys stay valid"


def test_an_unknown_key_cannot_be_revoked(clients: Clients) -> None:
    with pytest.raises(ValueError, match="no such key"):
        key_list.revoke_key("nothing")


def test_a_key_of_one_organisation_does_not_reach_the_projects_of_another(
    clients: Clients,
) -> None:
    other = accounts.create_organization(" Other ")
    theirs = accounts.create_project("theirs", organization="Other").pk
    for wanted in ("Other", str(other.pk)):
        client = clients(key=accounts.create_key(user="ada", organization=wanted).value)
        assert client.get(f"{HOST}/api/projects/{theirs}/llm_skills").status_code == 200
        shown = client.get(f"{HOST}/api/personal_api_keys/@current").json()
        assert shown["scoped_organizations"] == [str(other.pk)]
        first = accounts.find_organization("skillsync").pk
        assert error(client.get("llm_skills"), 403) == refused(
            "permission_denied",
            f"API key does not have access to the requested organization: ID {first}.",
        )
    me = clients().get(f"{HOST}/api/users/@me").json()
    assert me["organization"]["name"] == "skillsync"
    assert [entry["name"] for entry in me["organizations"]] == ["skillsync", "Other"]


def test_an_organisation_has_to_be_known_and_its_name_is_taken_once(clients: Clients) -> None:
    with pytest.raises(ValueError, match="no organisation"):
        accounts.create_key(user="ada", organization="None")
    with pytest.raises(ValueError, match="no organisation"):
        accounts.create_project("p", organization="None")
    with pytest.raises(ValueError, match="already"):
        accounts.create_organization("skillsync")
    for name in (" ", "n" * 65):
        with pytest.raises(ValueError, match="1 to 64"):
            accounts.create_organization(name)
    with pytest.raises(ValueError, match="1 to 200"):
        accounts.create_project(" ")
