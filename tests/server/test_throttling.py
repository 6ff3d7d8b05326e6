"""Sliding windows per key (platform.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.authentication import key_digest
from skillsync.server.database import point_at
from skillsync.server.models import LetThrough
from skillsync.server.shared_windows import SharedWindows
from skillsync.server.windows import (
    DEFAULT_RATES,
    EXPORT_RATES,
    SEARCH_RATES,
    Rate,
    Throttle,
    Windows,
)
from tests.server.conftest import Clients
from tests.server.facts import error
from tests.server.test_serve import together

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

HOST = "http://server.test"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def windows(clock: Clock) -> Windows:
    return Windows(clock)


@pytest.fixture
def throttled(database: str, windows: Windows) -> Iterator[Clients]:
    app = create_app(database, dialect="current", throttle=windows)
    accounts.first_start(key="phx_first_key")
    yield Clients(app)
    app.close()


@pytest.fixture(params=["of the process", "of the database"])
def either(clock: Clock, request: pytest.FixtureRequest) -> Throttle:
    """Both ways of counting, which answer alike."""
    if request.param == "of the process":
        return Windows(clock)
    point_at(request.getfixturevalue("started"))
    return SharedWindows(clock)


def spend(windows: Windows, requests: int) -> None:
    """Let so many requests of the first key pass, without the requests."""
    for _ in range(requests):
        assert windows.wait(key_digest("phx_first_key"), DEFAULT_RATES) is None


def test_the_rates_are_those_of_the_platform() -> None:
    assert (Rate(480, 60), Rate(4800, 3600)) == DEFAULT_RATES
    assert (Rate(10, 86_400),) == EXPORT_RATES


def test_one_request_passes_for_each_that_leaves_the_window(either: Throttle, clock: Clock) -> None:
    rates = (Rate(3, 60),)
    for _ in range(3):
        assert either.wait("a", rates) is None
        clock.now += 10
    assert either.wait("a", rates) == 30
    assert either.wait("a", rates) == 30, "what was refused is not counted"
    assert either.wait("b", rates) is None, "per key"
    clock.now += 30
    assert either.wait("a", rates) is None
    assert either.wait("a", rates) == 10


def test_the_larger_wait_is_told(either: Throttle, clock: Clock) -> None:
    rates = (Rate(2, 60), Rate(3, 3600))
    assert either.wait("a", rates) is None
    assert either.wait("a", rates) is None
    assert either.wait("a", rates) == 60
    clock.now += 60
    assert either.wait("a", rates) is None
    assert either.wait("a", rates) == 3540


def test_processes_that_share_a_database_share_its_windows(started: str) -> None:
    """However they meet, exactly as many pass as may, and each is counted."""
    point_at(started)
    passed: list[float | None] = []

    def ask() -> None:
        database = point_at(started)
        passed.extend(SharedWindows().wait("a", (Rate(7, 60),)) for _ in range(3))
        database.close()

    together(*[ask] * 4)
    waits = [wait for wait in passed if wait is not None]
    assert len(passed) - len(waits) == 7
    assert all(0 < wait <= 60 for wait in waits)
    assert LetThrough.objects.count() == 7


def test_what_no_window_counts_any_more_is_forgotten(started: str, clock: Clock) -> None:
    point_at(started)
    windows = SharedWindows(clock)
    for _ in range(3):
        windows.wait("a", (Rate(5, 60),))
        clock.now += 30
    assert LetThrough.objects.count() == 2


def test_the_481st_request_of_a_minute_is_a_429(
    throttled: Clients, windows: Windows, clock: Clock
) -> None:
    client = throttled()
    spend(windows, 479)
    assert client.get("llm_skills/name/nobody").status_code == 404, "404 is counted"
    clock.now += 18.5
    answer = client.get("llm_skills")
    assert error(answer, 429) == {
        "type": "throttled_error",
        "code": "throttled",
        "detail": "Request was throttled. Expected available in 42 seconds.",
        "attr": None,
    }
    assert answer.headers["Retry-After"] == "42"
    clock.now += 41
    assert "available in 1 second." in error(client.get("llm_skills"), 429)["detail"]
    assert client.get(f"{HOST}/api/users/@me").status_code == 200, "free"
    assert client.get(f"{HOST}/api/personal_api_keys/@current").status_code == 429
    other = accounts.create_key(user="admin").value
    assert throttled(key=other).get("llm_skills").status_code == 200, "another key, another budget"
    clock.now += 1
    assert client.get("llm_skills").status_code == 200


def test_401_and_403_cost_nothing(throttled: Clients, windows: Windows) -> None:
    client = throttled()
    spend(windows, 479)
    for _ in range(3):
        assert client.put("datasets").status_code == 403
        assert throttled(key="phx_nobody").get("datasets").status_code == 401
    assert client.get("datasets").status_code == 200
    assert client.get("datasets").status_code == 429


def test_exports_have_their_own_budget(throttled: Clients, clock: Clock) -> None:
    client = throttled()
    dataset = client.post("datasets", json={"name": "d"}).json()["id"]
    client.post("dataset_items", json={"dataset": dataset, "input": 1})
    made = [client.post(f"datasets/{dataset}/exports", json={}) for _ in range(10)]
    assert {answer.status_code for answer in made} == {201}
    clock.now += 3600
    assert client.post(f"datasets/{dataset}/exports", json={}).headers["Retry-After"] == "82800"
    assert client.get("datasets").status_code == 200


def test_searches_have_their_own_budget(throttled: Clients, windows: Windows) -> None:
    client = throttled()
    for _ in range(60):
        assert windows.wait(key_digest("phx_first_key"), SEARCH_RATES) is None
    assert client.get("llm_skills/search?query=x").headers["Retry-After"] == "60"
    assert client.get("llm_skills").status_code == 200


def test_nothing_is_throttled_unless_asked_for(current: httpx.Client) -> None:
    dataset = current.post("datasets", json={"name": "d"}).json()["id"]
    current.post("dataset_items", json={"dataset": dataset, "input": 1})
    made = [current.post(f"datasets/{dataset}/exports", json={}) for _ in range(11)]
    assert {answer.status_code for answer in made} == {201}
