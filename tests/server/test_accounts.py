"""Projects, people and keys made from outside the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.models import ApiKey, Project, User

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def empty(database: str) -> Iterator[None]:
    """An empty database, without a first start."""
    app = create_app(database)
    yield
    app.close()


def test_the_first_start_makes_project_1_and_a_key_shown_once() -> None:
    first = accounts.first_start(key=None)
    assert first.project == 1
    assert first.key is not None
    assert first.key.startswith("phx_")
    assert first.key not in repr(first)
    again = accounts.first_start(key=None)
    assert (again.project, again.key) == (1, None)
    assert (Project.objects.count(), User.objects.count(), ApiKey.objects.count()) == (1, 1, 1)


def test_a_given_key_is_made_valid_also_later_and_once() -> None:
    assert accounts.first_start(key="phx_first_one").key == "phx_first_one"
    assert accounts.first_start(key="phx_second_one").key == "phx_second_one"
    assert accounts.first_start(key="phx_second_one").key == "phx_second_one"
    assert (User.objects.count(), ApiKey.objects.count()) == (1, 2)


def test_one_name_is_one_person() -> None:
    first = accounts.create_key(user="Ada Muster")
    second = accounts.create_key(user=" ada muster ")
    third = accounts.create_key(user="ada@example.com")
    assert first.user_id == second.user_id != third.user_id
    assert third.user_email == "ada@example.com"
    assert first.value != second.value


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scopes": ["skills"]}, "no scope"),
        ({"scopes": ["a:read", "a:delete"]}, "no scope"),
        ({"scopes": []}, "at least one scope"),
        ({"project": 7}, "no project 7"),
        ({"projects_allowed": [7]}, "no project 7"),
        ({"value": "short"}, "8 to 200 characters"),
        ({"value": "phx_with a space"}, "8 to 200 characters"),
        ({"user": " "}, "needs a name"),
        ({"user": "!!"}, "no name for a user"),
    ],
)
def test_what_cannot_be_is_refused_and_makes_nothing(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        accounts.create_key(**{"user": "ada", **options})  # type: ignore[arg-type]  # wrong on purpose
    assert (User.objects.count(), ApiKey.objects.count()) == (0, 0)


def test_a_key_exists_once() -> None:
    accounts.create_key(user="ada", value="phx_the_same_key")
    with pytest.raises(ValueError, match="exists already"):
        accounts.create_key(user="bea", value="phx_the_same_key")


def test_projects_are_numbered_from_1() -> None:
    assert [accounts.create_project(name).pk for name in ("one", "two")] == [1, 2]
    assert len(set(Project.objects.values_list("organization", flat=True))) == 1
