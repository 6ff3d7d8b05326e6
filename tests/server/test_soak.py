"""Long races and many crashes: nothing acknowledged is lost, no version is skipped or made twice."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server.app import create_app
from skillsync.server.models import Skill
from tests.server.facts import create, error
from tests.server.test_serve import KEY, at, process, together

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.soak

SKILL = "llm_skills/name/greet"
WRITERS = 16
PUBLISHES = 100


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that two processes may use."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/server.sqlite3"
    url: str = request.getfixturevalue("postgresql")
    return url


def publish_until_accepted(client: httpx.Client, writer: int, wins: list[tuple[int, str]]) -> None:
    """One publish, tried again on every conflict with the version that the conflict names."""
    base = client.get(SKILL).json()["version"]
    while True:
        body = f"{writer} on {base}"
        answer = client.patch(SKILL, json={"base_version": base, "body": body})
        if answer.status_code == 200:
            wins.append((answer.json()["version"], body))
            return
        base = error(answer, 409)["current_version"]


def test_16_writers_of_100_publishes_each_lose_none(shared: str) -> None:
    """Two processes over one database: versions are contiguous and each accepted publish is one of them."""
    wins: list[tuple[int, str]] = []
    with ExitStack() as stack:
        urls = [stack.enter_context(process(shared, "--key", KEY))[1]["url"] for _ in range(2)]
        with at(urls[0]) as client:
            create(client)

        def write(number: int) -> None:
            with at(urls[number % 2]) as client:
                for _ in range(PUBLISHES):
                    publish_until_accepted(client, number, wins)

        together(*(lambda number=number: write(number) for number in range(WRITERS)))
        total = WRITERS * PUBLISHES
        assert sorted(version for version, _ in wins) == list(range(2, total + 2))
    app = create_app(shared)
    stored = dict(Skill.objects.filter(name="greet", version__gt=1).values_list("version", "body"))
    assert stored == dict(wins)
    assert Skill.objects.get(name="greet", is_latest=True).version == total + 1
    app.close()


def test_the_2001st_publish_is_refused(tmp_path: Path) -> None:
    with (
        process(f"sqlite:///{tmp_path}/s.sqlite3", "--key", KEY) as (_, ready),
        at(ready["url"]) as client,
    ):
        create(client)
        for base in range(1, 2000):
            assert client.patch(SKILL, json={"base_version": base}).status_code == 200
        assert error(client.patch(SKILL, json={"base_version": 2000}), 400) == {
            "detail": "Skill has reached the maximum of 2000 versions. Archive and recreate the "
            "skill to continue publishing."
        }


def test_killed_50_times_under_load_it_has_every_acknowledged_write(shared: str) -> None:
    acknowledged: dict[str, int] = {}
    names = [f"s{number}" for number in range(4)]
    for turn in range(50):
        with process(shared, "--key", KEY) as (server, ready):
            with at(ready["url"]) as client:
                for name in names:
                    if turn == 0:
                        create(client, name)
                    latest: dict[str, Any] = client.get(f"llm_skills/name/{name}").json()
                    known = acknowledged.get(name, 1)
                    assert latest["version"] in (known, known + 1), name
                    assert latest["version"] == 1 or latest["body"] == f"body {latest['version']}"
                    acknowledged[name] = latest["version"]
            killer = threading.Timer(0.02 + 0.01 * (turn % 20), server.kill)

            def load(name: str, url: str = ready["url"]) -> None:
                with at(url) as client:
                    try:
                        while True:
                            version = acknowledged[name]
                            changes = {"base_version": version, "body": f"body {version + 1}"}
                            answer = client.patch(f"llm_skills/name/{name}", json=changes)
                            assert answer.status_code == 200, answer.text
                            acknowledged[name] = version + 1
                    except httpx.TransportError:
                        pass

            killer.start()
            together(*(lambda name=name: load(name) for name in names))
            killer.join()
    assert sum(acknowledged.values()) > len(names), "something was written in between"
