"""What a key may learn about itself (platform.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.server import accounts

if TYPE_CHECKING:
    from tests.server.conftest import Clients

ME = "http://server.test/api/users/@me"
CURRENT = "http://server.test/api/personal_api_keys/@current"


def test_me_tells_person_project_and_organisations(clients: Clients) -> None:
    key = accounts.create_key(user="Ada Muster", scopes=["user:read"]).value
    for url in (ME, f"{ME}/"):
        me = clients(key=key).get(url).json()
        assert me["email"] == "ada.muster@localhost"
        assert (me["first_name"], me["last_name"], me["is_staff"]) == ("Ada", "Muster", False)
        assert {"uuid", "distinct_id"} <= set(me)
        assert set(me["team"]) == {
            "id", "uuid", "name", "organization", "project_id", "api_token", "timezone",
        }  # fmt: skip
        assert me["team"]["id"] == me["team"]["project_id"] == 1
        assert me["organizations"] == [me["organization"]]
        assert me["team"]["organization"] == me["organization"]["id"]


def test_any_key_may_read_itself_and_only_itself(clients: Clients) -> None:
    made = accounts.create_key(user="ada", scopes=["dataset:read", "llm_skill:write"], project=1)
    for url in (CURRENT, f"{CURRENT}/"):
        shown = clients(key=made.value).get(url).json()
        assert shown["id"] == made.id
        assert shown["user_id"] == made.user_id
        assert shown["scopes"] == ["dataset:read", "llm_skill:write"]
        assert (shown["scoped_teams"], shown["scoped_organizations"]) == ([1], [])
        assert shown["mask_value"] == f"phx_...{made.value[-4:]}"
        assert shown["created_at"].endswith("Z")
        assert shown["last_used_at"] is not None
        assert made.value not in str(shown)
    assert clients(key=None).get(CURRENT).status_code == 401


def test_a_full_key_shows_the_star(clients: Clients) -> None:
    assert clients().get(CURRENT).json()["scopes"] == ["*"]
