"""Keys: how they are sent, and what a wrong one gets (platform.md 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from skillsync.server import accounts
from skillsync.server.authentication import key_digest, mask, new_key_value
from skillsync.server.models import ApiKey, User
from tests.server.facts import error, refused

if TYPE_CHECKING:
    from tests.server.conftest import Clients

INVALID = refused(
    "authentication_failed", "Personal API key found in request Authorization header is invalid."
)


def test_keys_in_the_query_or_body_are_ignored(clients: Clients) -> None:
    anonymous = clients(key=None)
    for name in ("personal_api_key", "api_key", "token"):
        assert anonymous.get(f"llm_skills?{name}=phx_first_key").status_code == 401
    body = {"name": "d", "personal_api_key": "phx_first_key"}
    assert anonymous.post("datasets", json=body).status_code == 401
    assert clients().get("llm_skills?token=phc_nobody").status_code == 200


def test_a_deactivated_user_has_no_valid_key(clients: Clients) -> None:
    User.objects.update(is_active=False)
    assert error(clients().get("llm_skills"), 401) == INVALID


def test_the_value_of_a_key_is_not_in_the_database(clients: Clients) -> None:
    made = accounts.create_key(user="ada")
    stored = ApiKey.objects.get(pk=made.id)
    assert stored.digest == key_digest(made.value)
    assert made.value not in str(vars(stored))
    assert made.value not in repr(made)
    assert stored.mask_value == mask(made.value) == f"phx_...{made.value[-4:]}"


def test_new_keys_are_long_and_differ() -> None:
    keys = {new_key_value() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("phx_") and len(key) == 47 for key in keys)


def test_the_last_use_is_noted_at_most_hourly(clients: Clients) -> None:
    clients().get("llm_skills")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    clients().get("llm_skills")
    assert ApiKey.objects.get().last_used_at == first
    long_ago = first - timedelta(hours=2)
    ApiKey.objects.update(last_used_at=long_ago)
    clients().get("llm_skills")
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    assert noted >= first
