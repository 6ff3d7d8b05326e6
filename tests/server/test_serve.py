"""Behind a real port: racing writers, and a server that is killed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.serve import running
from tests.server.facts import a_file, a_skill, create, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "phx_first_key"
_PROGRAM = "from skillsync.cli.cmd_serve import serve; serve()"


def at(url: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{url}/api/projects/1/", headers={"Authorization": f"Bearer {KEY}"}, timeout=60
    )


@pytest.fixture
def url(database: str) -> Iterator[str]:
    create_app(database)
    accounts.first_start(key=KEY)
    with running(database) as server:
        yield server.url


def together(*work: Callable[[], None]) -> None:
    """Run each in its own thread, starting at the same moment; a failure of one is a failure here."""
    barrier = threading.Barrier(len(work))
    failures: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            barrier.wait()
            one()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_of_two_publishes_of_one_base_exactly_one_is_made(url: str) -> None:
    """No lost update: whoever comes second gets the 409 and its version (skills-api.md 9)."""
    with at(url) as client:
        create(client)
    won: list[tuple[int, str]] = []
    lost: list[dict[str, Any]] = []
    rounds = 15
    meeting = threading.Barrier(2, timeout=20)  # a writer that failed does not come

    def writer(name: str) -> Callable[[], None]:
        def write() -> None:
            with at(url) as client:
                for base in range(1, rounds + 1):
                    meeting.wait()
                    changes = {"base_version": base, "body": f"{name} on {base}"}
                    answer = client.patch("llm_skills/name/greet", json=changes)
                    if answer.status_code == 200:
                        won.append((answer.json()["version"], answer.json()["body"]))
                    else:
                        assert answer.status_code == 409, answer.text
                        lost.append(answer.json())
                    meeting.wait()

        return write

    together(writer("a"), writer("b"))
    assert sorted(version for version, _ in won) == list(range(2, rounds + 2))
    assert sorted(body["current_version"] for body in lost) == list(range(2, rounds + 2))
    with at(url) as client:
        for version, body in won:
            stored = client.get(f"llm_skills/name/greet?version={version}").json()
            assert stored["body"] == body


def test_parallel_writes_without_a_base_all_count(url: str) -> None:
    with at(url) as client:
        create(client)

    def adder(name: str) -> Callable[[], None]:
        def add() -> None:
            with at(url) as client:
                for number in range(5):
                    file = a_file(f"{name}{number}")
                    answer = client.post("llm_skills/name/greet/files", json=file)
                    assert answer.status_code == 201, answer.text

        return add

    together(*(adder(name) for name in "abcd"))
    with at(url) as client:
        detail = client.get("llm_skills/name/greet").json()
    assert detail["version"] == 21
    assert len(detail["files"]) == 20


def test_of_two_creates_of_one_name_exactly_one_is_made(url: str) -> None:
    statuses: list[int] = []

    def make() -> None:
        with at(url) as client:
            statuses.append(client.post("llm_skills", json=a_skill()).status_code)

    together(make, make, make)
    assert sorted(statuses) == [201, 400, 400]


def test_a_publish_and_an_archive_at_once_leave_no_half(url: str) -> None:
    """The archive takes the new version along, or the publish finds nothing (skills-api.md 9)."""
    for _ in range(6):
        with at(url) as client:
            create(client)
        seen: dict[str, int] = {}

        def send(method: str, path: str, body: Any, to: dict[str, int] = seen) -> None:
            with at(url) as client:
                to[method] = client.request(method, path, json=body).status_code

        together(
            lambda: send("PATCH", "llm_skills/name/greet", {"base_version": 1}),
            lambda: send("POST", "llm_skills/name/greet/archive", None),
        )
        assert (seen["POST"], seen["PATCH"]) in {(204, 200), (204, 404)}
        with at(url) as client:
            assert client.get("llm_skills/name/greet?version=1").status_code == 404
            assert client.get("llm_skills/name/greet?version=2").status_code == 404


def test_parallel_patches_of_different_fields_of_a_row_both_stay(url: str) -> None:
    """Better than PostHog, where one of them may be lost (datasets-api.md 2.5, 5)."""
    with at(url) as client:
        row = client.post("datasets", json={"name": "d"}).json()

    def patcher(field: str) -> Callable[[], None]:
        def patch() -> None:
            with at(url) as client:
                for number in range(10):
                    changes = {field: f"{field} {number}"}
                    client.patch(f"datasets/{row['id']}", json=changes).raise_for_status()

        return patch

    together(patcher("name"), patcher("description"))
    with at(url) as client:
        stored = client.get(f"datasets/{row['id']}").json()
    assert (stored["name"], stored["description"]) == ("name 9", "description 9")


def test_of_two_changes_of_one_base_of_an_item_exactly_one_is_made(database: str) -> None:
    create_app(database, dialect="current")
    accounts.first_start(key=KEY)
    with running(database, dialect="current") as server:
        with at(server.url) as client:
            dataset = client.post("datasets", json={"name": "d"}).json()["id"]
        statuses: list[int] = []
        meeting = threading.Barrier(3, timeout=60)

        def make() -> None:
            body = {"dataset": dataset, "input": 1, "client_item_id": "one"}
            with at(server.url) as client:
                answer = client.post("dataset_items", json=body)
                statuses.append(answer.status_code)
                meeting.wait()
                item = answer.json()["id"]
                for base in range(1, 6):
                    changes = {"base_version": base, "input": f"{threading.get_ident()} {base}"}
                    answer = client.patch(f"dataset_items/{item}", json=changes)
                    statuses.append(answer.status_code)

        together(make, make, make)
        with at(server.url) as client:
            rows = client.get(f"dataset_items?dataset={dataset}").json()["results"]
            revisions = client.get(f"datasets/{dataset}/revisions").json()["count"]
    assert sorted(statuses) == sorted([201, 200, 200, *[200] * 5, *[409] * 10])
    assert [row["version"] for row in rows] == [6]
    assert revisions == 6


def test_over_a_port_heads_paths_and_empty_answers_keep_the_connection_usable(url: str) -> None:
    with at(url) as client:
        create(client, files=[a_file("é/a%41 b?.md")])
        path = "llm_skills/name/greet/files/%C3%A9/a%2541%20b%3F.md"
        got = client.get(path)
        assert got.json()["path"] == "é/a%41 b?.md"
        assert client.head(path).headers["Content-Length"] == str(len(got.content))
        assert client.delete("datasets/x").content == b""
        assert client.post("llm_skills/name/greet/archive").status_code == 204
        assert client.get("llm_skills").json()["count"] == 0


@pytest.mark.parametrize(
    ("head", "status", "body"),
    [
        (
            f"Content-Length: {65 * 1024 * 1024}",
            "413 Request Entity Too Large",
            {
                "type": "invalid_request",
                "code": "request_too_large",
                "detail": "Request body exceeds the limit of 20971520 bytes.",
                "attr": None,
            },
        ),
        (
            "Content-Length: many",
            "400 Bad Request",
            {"type": "invalid_request", "code": "error", "detail": "Bad request.", "attr": None},
        ),
    ],
)
def test_what_never_reaches_the_application_is_refused_in_the_envelope(
    url: str, head: str, status: str, body: dict[str, object]
) -> None:
    """platform.md 5: not even the largest body meets a plain text."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST /api/projects/1/llm_skills HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nx".encode()
        )
        with connection.makefile("rb") as answer:
            headers, _, sent = answer.read().partition(b"\r\n\r\n")
    assert headers.decode().startswith(f"HTTP/1.1 {status}\r\n")
    assert b"Content-Type: application/json" in headers
    assert json.loads(sent) == body


def test_the_server_listens_on_loopback_and_leaves_its_port(database: str) -> None:
    create_app(database).close()
    with running(database) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        assert host == "127.0.0.1"
        assert httpx.get(f"{server.url}/api/users/@me").status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    with running(database, port=int(port)) as again:
        assert again.url == server.url


def test_a_taken_port_is_an_error_before_anything_starts(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running(database, port=port):
            pass


# -- the process


@contextmanager
def process(database: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """``skillsync serve`` as a process of its own, and what it printed when it was ready."""
    started = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "--port", "0", "--json", "--database", database, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stderr is not None
    try:
        line = started.stdout.readline()
        assert line, started.stderr.read()
        yield started, json.loads(line)
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
        started.stderr.close()


@pytest.mark.slow
def test_an_acknowledged_write_survives_kill_9(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    acknowledged = 0
    for _ in range(2):
        with process(database, "--key", KEY) as (server, ready), at(ready["url"]) as client:
            if not acknowledged:
                create(client, files=[a_file()])
                acknowledged = 1
            detail = client.get("llm_skills/name/greet").json()
            assert (detail["version"], detail["body"]) == (
                acknowledged,
                "# Greet" if acknowledged == 1 else f"body {acknowledged}",
            )
            for _ in range(5):
                acknowledged += 1
                publish(client, base=acknowledged - 1, body=f"body {acknowledged}")
            server.send_signal(signal.SIGKILL)
            assert server.wait() == -signal.SIGKILL
    with process(database) as (_, ready), at(ready["url"]) as client:
        history = client.get("llm_skills/resolve/name/greet").json()["versions"]
        assert [entry["version"] for entry in history] == list(range(acknowledged, 0, -1))
        assert client.get("llm_skills/name/greet/files/a.md").status_code == 200


@pytest.mark.slow
def test_killed_in_the_middle_of_publishing_it_kept_all_or_nothing(tmp_path: Path) -> None:
    """Every acknowledged version is there; the one under way is there whole, or not at all."""
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    acknowledged = 0
    for turn in range(4):
        with process(database, "--key", KEY) as (server, ready), at(ready["url"]) as client:
            if not acknowledged:
                create(client, files=[a_file(f"f{n}", "1") for n in range(20)])
                acknowledged = 1
            latest = client.get("llm_skills/name/greet").json()["version"]
            assert latest in (acknowledged, acknowledged + 1)
            acknowledged = latest
            files = [
                client.get(f"llm_skills/name/greet/files/f{n}").json()["content"] for n in range(20)
            ]
            assert files == [str(latest)] * 20
            killer = threading.Timer(0.05 * (turn + 1), server.kill)
            killer.start()
            try:
                while True:
                    changed = [a_file(f"f{n}", str(acknowledged + 1)) for n in range(20)]
                    publish(client, base=acknowledged, files=changed)
                    acknowledged += 1
            except httpx.TransportError:
                pass
            killer.join()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    with process(database) as (server, ready):
        with at(ready["url"]) as client:
            assert client.get("llm_skills").status_code == 401
            server.send_signal(number)
            assert server.wait(timeout=20) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["server.sqlite3"], "no -wal is left"
