"""What the key may do, and under which of the two prefixes a server answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from skillsync.api.detect import Capabilities, KeyInfo, Project, key_info
from skillsync.api.skills import SkillsApi
from skillsync.errors import BadAnswer, ConfigError, NotAuthenticated, NotFound
from skillsync.server import accounts
from tests.api.clients import client
from tests.api.conftest import World
from tests.api.raw_server import Request, answer, serving
from tests.api.samples import page

NO_ENDPOINT = {"type": "invalid_request", "code": "not_found", "detail": "Endpoint not found."}


def test_the_key_describes_itself(world: World) -> None:
    made = accounts.create_key(user="Bo", scopes=["dataset:read", "llm_skill:write"], project=1)
    found = key_info(world.transport(made.value))
    assert found is not None
    assert found.user_id == made.user_id
    assert found.scopes == ("dataset:read", "llm_skill:write")
    assert found.teams == (1,)
    assert made.value not in repr(found)


def test_an_unknown_key_is_not_authenticated(world: World) -> None:
    with pytest.raises(NotAuthenticated):
        key_info(world.transport("phx_nobody_knows_this_key"))


def test_a_server_without_the_call_says_nothing() -> None:
    with serving(answer(NO_ENDPOINT, status=404)) as server, client(server.url) as transport:
        assert key_info(transport) is None


@pytest.mark.parametrize("value", [[], "x", 5])
def test_a_description_that_is_no_object_is_refused(value: Any) -> None:
    with (
        serving(answer(value)) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer),
    ):
        key_info(transport)


def test_odd_fields_of_a_description_are_ignored() -> None:
    odd = {
        "user_id": "7",
        "label": 5,
        "scopes": [1, "*"],
        "scoped_teams": None,
        "mask_value": "a\x1bb",
    }
    with serving(answer(odd)) as server, client(server.url) as transport:
        assert key_info(transport) == KeyInfo(None, "", ("*",), None, "a b")


@pytest.mark.parametrize(
    ("scopes", "scope", "may"),
    [
        (("dataset:read",), "dataset:read", True),
        (("dataset:read",), "dataset:write", False),
        (("dataset:write",), "dataset:read", True),
        (("*",), "llm_skill:write", True),
        (("llm_skill:write",), "dataset:read", False),
    ],
)
def test_write_implies_read_and_a_star_everything(
    scopes: tuple[str, ...], scope: str, may: bool
) -> None:
    assert KeyInfo(1, "", scopes, None, "").may(scope) is may


def test_a_key_may_be_limited_to_projects() -> None:
    assert KeyInfo(1, "", (), None, "").reaches(5)
    assert KeyInfo(1, "", (), (5,), "").reaches(5)
    assert not KeyInfo(1, "", (), (6,), "").reaches(5)


# ---------------------------------------------------------------- prefixes


def only(prefix: str) -> Callable[[Request], Iterable[bytes]]:
    def respond(request: Request) -> Iterable[bytes]:
        is_there = request.path.startswith(f"/api/{prefix}/")
        yield answer(page()) if is_there else answer(NO_ENDPOINT, status=404)

    return respond


@pytest.mark.parametrize(
    ("prefix", "requests"), [("environments", ["environments"] * 3), ("projects", ["environments"] + ["projects"] * 3)]
)  # fmt: skip
def test_the_prefix_that_answers_is_remembered(prefix: str, requests: list[str]) -> None:
    with serving(only(prefix)) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        for _ in range(3):
            assert skills.list().complete
    assert [request.path.split("/")[2] for request in server.requests] == requests


def test_a_write_tries_the_other_prefix_too_as_it_was_not_processed() -> None:
    with serving(only("projects")) as server, client(server.url) as transport:
        Project(transport, 1).request("POST", "llm_skills/name/x/archive")
    assert [request.method for request in server.requests] == ["POST", "POST"]


def test_a_feature_missing_under_both_prefixes_is_named_so() -> None:
    with (
        serving(answer(NO_ENDPOINT, status=404)) as server,
        client(server.url) as transport,
        pytest.raises(NotFound) as caught,
    ):
        SkillsApi(transport, 1).list()
    assert caught.value.reason == "endpoint"
    assert len(server.requests) == 2


def test_once_a_prefix_has_answered_a_missing_feature_is_final() -> None:
    def respond(request: Request) -> Iterable[bytes]:
        is_list = request.path.endswith("/llm_skills")
        yield answer(page()) if is_list else answer(NO_ENDPOINT, status=404)

    with serving(respond) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        skills.list()
        with pytest.raises(NotFound):
            skills.head("x")
    assert len(server.requests) == 2


def test_a_missing_object_does_not_make_the_other_prefix_be_tried() -> None:
    gone = answer({"detail": "Skill with name 'x' not found."}, status=404)
    with serving(gone) as server, client(server.url) as transport, pytest.raises(NotFound):
        SkillsApi(transport, 1).head("x")
    assert len(server.requests) == 1


def test_rooms_share_what_was_learned() -> None:
    known = Capabilities(prefixes={"llm_skills": "projects"})
    with serving(only("projects")) as server, client(server.url) as transport:
        SkillsApi(transport, 1, known).list()
    assert len(server.requests) == 1


@pytest.mark.parametrize("project", ["@current", "", "1/../2", "٣", "-1", "1 "])
def test_a_project_is_a_number(project: str) -> None:
    with (
        serving(answer(page())) as server,
        client(server.url) as transport,
        pytest.raises(ConfigError),
    ):
        Project(transport, project)
    assert server.requests == []
