"""The server on PostgreSQL: what differs from SQLite, and several processes over one database."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.authentication import key_digest
from skillsync.server.database import DatabaseUnusable
from skillsync.server.jsonb import JsonbEncoder, jsonb_form
from skillsync.server.models import LetThrough
from skillsync.server.windows import DEFAULT_RATES
from tests.server.conftest import Clients
from tests.server.facts import JSON, a_file, a_skill, create, error, publish
from tests.server.test_serve import KEY, at, process, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skillsync.server.app import Application
    from tests.server.cluster import Cluster

pytestmark = pytest.mark.slow  # a cluster, and processes of its own

SKILL = "llm_skills/name/greet"


@pytest.fixture
def app(postgresql: str) -> Iterator[Application]:
    app = create_app(postgresql)
    accounts.first_start(key="phx_first_key")
    yield app
    app.close()


@pytest.fixture
def current(postgresql: str) -> Iterator[httpx.Client]:
    app = create_app(postgresql, dialect="current")
    accounts.first_start(key="phx_first_key")
    yield Clients(app)()
    app.close()


@pytest.mark.parametrize(
    "sent",
    [
        '{"b":1,"aa":2,"a":3,"é":4,"zz":{"y":1,"xx":[]}}', '{"b":1,"b":3}', "1e5", "1e15", "1e16",
        "1e22", "1.5e300", "-1e16", "12345678901234567.0", "1e-7", "5e-324", "-0.0", "0.0", "1.0",
        "1", "12345678901234567890123", "123456789.123456789123", '"é \\u2028 \\\\ \\" /"', "[]",
    ],
)  # fmt: skip
def test_json_comes_back_as_sqlite_gives_it(client: httpx.Client, sent: str) -> None:
    """datasets-api.md 2.4: our form for SQLite is the one that jsonb really has."""
    content = f'{{"name":"d","metadata":{sent}}}'
    made = client.post("datasets", content=content, headers=JSON).json()["id"]
    stored = client.get(f"datasets/{made}").json()["metadata"]
    expected = jsonb_form(json.loads(sent))
    assert json.dumps(stored, cls=JsonbEncoder) == json.dumps(expected, cls=JsonbEncoder)


def test_search_folds_case_as_sqlite_does(client: httpx.Client) -> None:
    create(client, description="un ÉTÉ, straße, 100%")
    for text, count in (("été", 1), ("STRAßE", 1), ("STRASSE", 0), ("%", 1), ("_", 0)):
        page = client.get("llm_skills", params={"search": text}).json()
        assert page["count"] == count, text
    client.post("datasets", json={"name": "d", "metadata": {"topic": 'say "hi"'}})
    for text, count in (("TOPIC", 1), ('say \\"hi\\"', 1), ('"topic": "say', 1), ('say "hi"', 0)):
        assert client.get("datasets", params={"search": text}).json()["count"] == count, text


def test_what_no_column_can_hold_is_not_found(client: httpx.Client, current: httpx.Client) -> None:
    create(client, files=[a_file("a")])
    for at_dialect in (client, current):
        for path in (
            "llm_skills/name/%00", "llm_skills/resolve/name/%00", f"{SKILL}/files/%00",
            "llm_skills/name/%00/files/a",
        ):  # fmt: skip
            assert at_dialect.get(path).status_code == 404, path
        assert at_dialect.post("llm_skills/name/%00/archive").status_code == 404
        assert at_dialect.delete(f"{SKILL}/files/%00").status_code == 404
        assert at_dialect.get("llm_skills?search=%00").json()["count"] == 0
    assert current.get("llm_skills?tags=%00").json()["count"] == 0


def test_a_connection_that_was_cut_is_opened_again(
    cluster: Cluster, postgresql: str, client: httpx.Client
) -> None:
    create(client)
    name = postgresql.rpartition("/")[2]
    others = "pid <> pg_backend_pid() AND datname ="
    cluster.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others} '{name}'"  # noqa: S608  named by this cluster
    )
    assert client.get(SKILL).status_code == 200
    assert publish(client, base=1)["version"] == 2


def test_a_database_that_is_not_there_is_a_clear_error(cluster: Cluster) -> None:
    with pytest.raises(DatabaseUnusable, match=r"cannot be used.*nowhere"):
        create_app(cluster.url("nowhere"))


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseUnusable, match=r"pip install 'skillsync\[server,postgresql\]'"):
        create_app("postgresql://localhost/x")


# -- two processes


def test_two_processes_start_at_once_and_share_one_project(cluster: Cluster) -> None:
    database = cluster.new_database(migrated=False)
    seen: list[dict[str, Any]] = []

    def start() -> None:
        with process(database) as (_, ready):
            seen.append(ready)

    together(start, start)
    assert [ready["project"] for ready in seen] == [1, 1]
    assert sorted("key" in ready for ready in seen) == [False, True], "one of them was first"
    cluster.drop(database)


def test_of_two_publishes_through_two_processes_exactly_one_is_made(postgresql: str) -> None:
    rounds = 10
    with (
        process(postgresql, "--key", KEY) as (_, one),
        process(postgresql, "--key", KEY) as (_, two),
    ):
        with at(one["url"]) as client:
            create(client)
        outcomes: list[tuple[int, int]] = []
        meeting = threading.Barrier(4, timeout=60)

        def write(url: str) -> None:
            with at(url) as client:
                for base in range(1, rounds + 1):
                    meeting.wait()
                    answer = client.patch(SKILL, json={"base_version": base, "body": url})
                    body = answer.json()
                    outcomes.append(
                        (answer.status_code, body.get("version") or body["current_version"])
                    )
                    meeting.wait()

        urls = [one["url"], two["url"]]
        together(*(lambda url=url: write(url) for url in urls * 2))
        won = sorted(version for status, version in outcomes if status == 200)
        lost = sorted(version for status, version in outcomes if status == 409)
        assert won == list(range(2, rounds + 2))
        assert lost == sorted(won * 3)
        with at(two["url"]) as client:
            history = client.get(f"llm_skills/resolve/name/greet?limit={rounds + 2}").json()
        assert [entry["version"] for entry in history["versions"]] == list(range(rounds + 1, 0, -1))


def test_a_key_that_is_spread_over_two_processes_has_one_budget(postgresql: str) -> None:
    rate = DEFAULT_RATES[0]
    budget = " ".join(f"{rate.requests}/{rate.seconds}" for rate in DEFAULT_RATES)
    with (
        process(postgresql, "--throttle", "--key", KEY) as (_, one),
        process(postgresql, "--throttle") as (_, two),
    ):
        create_app(postgresql).close()
        now = time.time()
        LetThrough.objects.bulk_create(
            LetThrough(who=key_digest(KEY), budget=budget, at=now) for _ in range(rate.requests - 2)
        )
        statuses = []
        for ready in (one, two, one, two):
            with at(ready["url"]) as client:
                statuses.append(client.get("llm_skills").status_code)
    assert statuses == [200, 200, 429, 429]


def test_of_two_creates_through_two_processes_exactly_one_is_made(postgresql: str) -> None:
    statuses: list[int] = []
    with (
        process(postgresql, "--dialect", "current", "--key", KEY) as (_, one),
        process(postgresql, "--dialect", "current", "--key", KEY) as (_, two),
    ):

        def make(url: str) -> None:
            with at(url) as client:
                statuses.append(client.post("llm_skills", json=a_skill()).status_code)
                answer = client.post("datasets", json={"name": "d"})
                statuses.append(answer.status_code)

        urls = [one["url"], two["url"]]
        together(*(lambda url=url: make(url) for url in urls * 2))
    assert sorted(statuses) == [201, 201, 400, 400, 400, 409, 409, 409]


def test_an_acknowledged_write_survives_kill_9_of_the_server(postgresql: str) -> None:
    with process(postgresql, "--key", KEY) as (server, ready), at(ready["url"]) as client:
        create(client)
        for base in range(1, 6):
            publish(client, base=base, body=f"body {base + 1}")
        server.send_signal(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
    with process(postgresql) as (_, ready), at(ready["url"]) as client:
        detail = client.get(SKILL).json()
    assert (detail["version"], detail["body"]) == (6, "body 6")


def test_a_write_by_one_blocks_no_reader(postgresql: str, client: httpx.Client) -> None:
    """A row lock is held only by writers of the same project."""
    import psycopg

    create(client)
    with psycopg.connect(postgresql) as other:
        other.execute("SELECT 1 FROM skillsync_server_project WHERE id = 1 FOR UPDATE")
        assert client.get(SKILL).status_code == 200
        assert client.get("llm_skills").json()["count"] == 1
        other.rollback()
    assert error(client.patch(SKILL, json={"base_version": 9}), 409)["current_version"] == 1
