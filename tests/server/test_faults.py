"""The fault dial's file, its selection of requests, and each trouble as plain HTTP sees it."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.faults import ALWAYS, Dial, Fault, FaultsInvalid, dial_from, read_faults
from skillsync.server.faulty import Faulty, path_below_project
from skillsync.server.serve import running
from tests.server.facts import create, error, publish

if TYPE_CHECKING:
    from skillsync.server.app import Application

KEY = "phx_first_key"


# ---------------------------------------------------------------- the file


def test_a_toml_and_a_json_file_say_the_same(tmp_path: Path) -> None:
    toml = tmp_path / "faults.toml"
    toml.write_text(
        'seed = 7\n[[fault]]\nkind = "status"\nstatus = 503\nwhen = "after"\npath = "datasets*"\n'
        '[[fault]]\nkind = "delay"\nseconds = 0.5\nmethod = "GET"\ntimes = 0\n'
    )
    document = tmp_path / "faults.json"
    faults: list[dict[str, Any]] = [
        {"kind": "status", "status": 503, "when": "after", "path": "datasets*"},
        {"kind": "delay", "seconds": 0.5, "method": "GET", "times": 0},
    ]
    document.write_text(json.dumps({"seed": 7, "fault": faults}))
    for path in (toml, document):
        dial = read_faults(path)
        assert dial.seed == 7
        assert dial.faults == tuple(Fault(**fault) for fault in faults)


MISTAKES: list[tuple[Any, str]] = [
    ([], "must hold a table"),
    ({"faults": []}, "unknown key 'faults'"),
    ({"seed": "x"}, "`seed` must be a whole number"),
    ({"fault": {"kind": "delay"}}, r"write \[\[fault\]\]"),
    ({"fault": [{}]}, "fault 1: `kind` must be one of delay, slow, race"),
    ({"fault": [{"kind": "dlay"}]}, "not 'dlay'"),
    ({"fault": [{"kind": ["delay"]}]}, "`kind` must be one of"),
    ({"fault": [{"kind": "delay"}]}, "fault 1: delay needs `seconds`"),
    ({"fault": [{"kind": "delay", "secs": 1}]}, "delay takes no 'secs'; it takes chance, method, path"),
    ({"fault": [{"kind": "race", "status": 500}]}, "race takes no 'status'"),
    ({"fault": [{"kind": "delay", "seconds": "1"}]}, "`seconds` cannot be '1'"),
    ({"fault": [{"kind": "delay", "seconds": True}]}, "`seconds` cannot be True"),
    ({"fault": [{"kind": "delay", "seconds": -1}]}, "`seconds` must be from 0"),
    ({"fault": [{"kind": "race", "method": "get"}]}, "`method` must be one of"),
    ({"fault": [{"kind": "race", "times": -1}]}, "must not be negative"),
    ({"fault": [{"kind": "race", "chance": 0}]}, "`chance` must be more than 0"),
    ({"fault": [{"kind": "race"}, {"kind": "status", "status": 200}]}, "fault 2: `status` must be an error"),
    ({"fault": [{"kind": "status", "status": 500, "when": "during"}]}, "`when` must be before or after"),
    ({"fault": [{"kind": "status", "status": 429, "retry_after": "1\r\nX: y"}]}, "no line ends"),
    ({"fault": [{"kind": "reset", "when": "soon"}]}, "before or during or after"),
    ({"fault": [{"kind": "redirect"}]}, "redirect needs `location`"),
    ({"fault": [{"kind": "redirect", "location": "x", "status": 200}]}, "301, 302"),
    ({"fault": [{"kind": "gzip_bomb", "megabytes": 9999}]}, "`megabytes` must be"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "said"), MISTAKES)
def test_a_mistake_in_the_file_is_named(document: Any, said: str) -> None:
    with pytest.raises(FaultsInvalid, match=said):
        dial_from(document)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(FaultsInvalid) as caught:
        dial_from({"x": 1, "fault": [{"kind": "delay"}, {"kind": "no"}]})
    assert str(caught.value).count(";") == 2
    path = tmp_path / "broken.toml"
    path.write_text("[[fault]\n")
    with pytest.raises(FaultsInvalid, match=r"broken\.toml: "):
        read_faults(path)


# ---------------------------------------------------------------- the selection


def met(dial: Dial, *paths: str, method: str = "GET") -> list[bool]:
    return [dial.pick(method, path) is not None for path in paths]


def test_some_pass_then_some_are_met_then_all_pass() -> None:
    dial = Dial([Fault(kind="race", skip=1, times=2, path="a")])
    assert met(dial, "a", "b", "a", "a", "a") == [False, False, True, True, False]
    assert [str(each) for each in dial.met] == ["GET a: race"] * 2
    dial.turn_to(Fault(kind="race", times=ALWAYS, path="llm_skills/*", method="PATCH"))
    assert met(dial, "llm_skills/name/a", method="PATCH") == [True]
    assert met(dial, "llm_skills/name/a", "llm_skills", method="GET") == [False, False]
    dial.turn_to()
    assert met(dial, "a") == [False]


def test_the_first_fault_with_a_turn_left_is_met() -> None:
    dial = Dial([Fault(kind="race", path="a"), Fault(kind="lost_race", times=2)])
    picked = [dial.pick("GET", "a") for _ in range(4)]
    assert [each and each.kind for each in picked] == ["race", "lost_race", "lost_race", None]


def test_luck_is_that_of_the_seed_and_of_each_fault_alone() -> None:
    def luck(seed: int, *others: str) -> list[bool]:
        fault = Fault(kind="race", times=ALWAYS, chance=0.5, path="a")
        other = Fault(kind="delay", times=ALWAYS, chance=0.5, path="b")
        dial = Dial([fault, other], seed=seed)
        found = []
        for _ in range(40):
            found += met(dial, "a")
            met(dial, *others)
        return found

    assert luck(1) == luck(1, "b", "b")
    assert luck(1) != luck(2)
    assert 5 < sum(luck(1)) < 35


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/api/projects/1/llm_skills/name/a/", "llm_skills/name/a"),
        ("/api/environments/@current/datasets/", "datasets"),
        ("/api/users/@me/", "users/@me"),
        ("/", ""),
    ],
)
def test_patterns_are_held_against_the_path_below_the_project(path: str, below: str) -> None:
    assert path_below_project(path) == below


# ---------------------------------------------------------------- the troubles, without a port

Start = Callable[..., httpx.Client]


@pytest.fixture
def dial() -> Dial:
    return Dial()


@pytest.fixture
def faulty(app: Application, dial: Dial) -> httpx.Client:
    """A client of the application behind the dial, and one skill there."""
    rival = accounts.create_key(user="rival").value
    client = httpx.Client(
        transport=httpx.WSGITransport(app=Faulty(app, dial, rival=rival)),
        base_url="http://server.test/api/projects/1/",
        headers={"Authorization": f"Bearer {KEY}"},
    )
    create(client)
    return client


def test_without_a_fault_nothing_is_different(faulty: httpx.Client, client: httpx.Client) -> None:
    for path in ("llm_skills", "llm_skills/name/greet", "datasets", "nowhere"):
        ours, plain = faulty.get(path), client.get(path)
        assert (ours.status_code, ours.content) == (plain.status_code, plain.content)


def test_in_a_race_the_rival_publishes_first(faulty: httpx.Client, dial: Dial) -> None:
    dial.turn_to(Fault(kind="race", method="PATCH"))
    body = {"base_version": 1, "body": "ours"}
    lost = faulty.patch("llm_skills/name/greet", json=body)
    assert error(lost, 409)["current_version"] == 2
    latest = faulty.get("llm_skills/name/greet").json()
    assert latest["body"] == "# Greet\n\nThe rival was here: 1."
    assert latest["created_by"]["email"] == "rival@localhost"
    assert publish(faulty, base=2)["version"] == 3


def test_the_loser_of_a_race_may_hear_404(faulty: httpx.Client, dial: Dial) -> None:
    dial.turn_to(Fault(kind="lost_race", method="PATCH"))
    lost = faulty.patch("llm_skills/name/greet", json={"base_version": 1, "body": "ours"})
    assert error(lost, 404) == {"detail": "Skill with name 'greet' not found."}
    assert faulty.get("llm_skills/name/greet").json()["version"] == 2


def test_a_race_to_create_is_lost_to_the_name(faulty: httpx.Client, dial: Dial) -> None:
    dial.turn_to(Fault(kind="race", method="POST", path="llm_skills"))
    body = {"name": "new-one", "description": "d", "body": "b"}
    assert error(faulty.post("llm_skills", json=body), 400)["code"] == "unique"


def test_a_race_for_a_row(faulty: httpx.Client, dial: Dial) -> None:
    parent = faulty.post("datasets", json={"name": "d"}).json()["id"]
    row = faulty.post("dataset_items", json={"dataset": parent, "metadata": {"a": 1}}).json()
    dial.turn_to(Fault(kind="race", path="dataset_items/*"))
    answer = faulty.patch(f"dataset_items/{row['id']}/", json={"output": 1}).json()
    assert (answer["output"], answer["metadata"]) == (1, {"a": 1, "rival": 1})


@pytest.mark.parametrize(("when", "versions"), [("before", 1), ("after", 2)])
def test_an_error_before_or_after_it_is_carried_out(
    faulty: httpx.Client, dial: Dial, when: str, versions: int
) -> None:
    for status in (500, 502, 503, 504):
        dial.turn_to(Fault(kind="status", status=status, when=when, method="PATCH"))
        before = faulty.get("llm_skills/name/greet").json()["version"]
        answer = faulty.patch("llm_skills/name/greet", json={"base_version": before})
        assert answer.status_code == status
        assert ("html" in answer.headers["content-type"]) is (status in (502, 504))
        assert faulty.get("llm_skills/name/greet").json()["version"] == before + versions - 1


def test_a_429_says_when_or_nonsense(faulty: httpx.Client, dial: Dial) -> None:
    for retry_after in ("7", "soon", ""):
        dial.turn_to(Fault(kind="status", status=429, retry_after=retry_after))
        answer = faulty.get("llm_skills")
        assert error(answer, 429)["code"] == "throttled"
        assert answer.headers.get("Retry-After", "") == retry_after


def test_another_type_another_body_and_a_redirect(faulty: httpx.Client, dial: Dial) -> None:
    dial.turn_to(
        Fault(kind="content_type", content_type="text/plain"),
        Fault(kind="content_type", body="<html>Log in</html>"),
        Fault(kind="redirect", location="http://elsewhere.test/x", status=307),
    )
    labelled, page, moved = (faulty.get("llm_skills") for _ in range(3))
    assert (labelled.headers["content-type"], labelled.json()["count"]) == ("text/plain", 1)
    assert (page.headers["content-type"], page.text) == ("text/html", "<html>Log in</html>")
    assert (moved.status_code, moved.headers["location"]) == (307, "http://elsewhere.test/x")


def test_reads_are_stale_for_a_while_after_a_write(app: Application, dial: Dial) -> None:
    now = [100.0]
    client = httpx.Client(
        transport=httpx.WSGITransport(app=Faulty(app, dial, clock=lambda: now[0])),
        base_url="http://server.test/api/projects/1/",
        headers={"Authorization": f"Bearer {KEY}"},
    )
    create(client)
    dial.turn_to(Fault(kind="stale", seconds=5, times=ALWAYS, path="llm_skills/name/*"))

    def version() -> int:
        return int(client.get("llm_skills/name/greet").json()["version"])

    assert version() == 1
    publish(client, base=1)
    assert version() == 1
    assert client.get("llm_skills").json()["results"][0]["version"] == 2, "not of this pattern"
    now[0] += 4.9
    assert version() == 1
    now[0] += 0.2
    assert version() == 2
    publish(client, base=2)
    assert version() == 2
    assert [str(each) for each in dial.met] == ["GET llm_skills/name/greet: stale"] * 3


def test_without_a_port_a_reset_is_an_error_of_its_own(faulty: httpx.Client, dial: Dial) -> None:
    dial.turn_to(Fault(kind="reset"))
    with pytest.raises(ConnectionResetError, match="without a port"):
        faulty.get("llm_skills")


# ---------------------------------------------------------------- the troubles that take a port


@pytest.fixture
def port(database: str, dial: Dial) -> Iterator[str]:
    """The address of a server behind the dial, and one skill there."""
    create_app(database)
    accounts.first_start(key=KEY)
    rival = accounts.create_key(user="rival").value
    with running(database, dial=dial, rival=rival) as server:
        with at(server.url) as client:
            create(client)
        yield server.url


def at(url: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.Client(base_url=f"{url}/api/projects/1/", headers=headers, timeout=20)


@pytest.mark.parametrize(("when", "version"), [("before", 1), ("during", 2), ("after", 2)])
def test_a_reset(port: str, dial: Dial, when: str, version: int) -> None:
    dial.turn_to(Fault(kind="reset", when=when, method="PATCH"))
    with at(port) as client:
        with pytest.raises(httpx.TransportError) as caught:
            client.patch("llm_skills/name/greet", json={"base_version": 1})
        assert "reset" in str(caught.value) or when == "during"
        assert client.get("llm_skills/name/greet").json()["version"] == version


def test_a_truncated_answer(port: str, dial: Dial) -> None:
    dial.turn_to(Fault(kind="truncate"), Fault(kind="truncate", bytes=3))
    for _ in range(2):
        with at(port) as client, pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
            client.get("llm_skills")


def test_a_slow_body_and_a_delay_arrive_whole(port: str, dial: Dial) -> None:
    with at(port) as client:
        plain = client.get("llm_skills/name/greet").content
        dial.turn_to(
            Fault(kind="slow", seconds=0.001, bytes=100), Fault(kind="delay", seconds=0.01)
        )
        for _ in range(2):
            assert client.get("llm_skills/name/greet").content == plain
    assert len(dial.met) == 2


def test_the_end_of_the_server_ends_every_wait(database: str, dial: Dial) -> None:
    create_app(database)
    accounts.first_start(key=KEY)
    dial.turn_to(Fault(kind="delay", seconds=3600))
    with running(database, dial=dial) as server:
        parts = urlsplit(server.url)
        waiting = http.client.HTTPConnection(parts.netloc, timeout=20)
        waiting.request("GET", "/api/projects/1/llm_skills")
        while not dial.met:  # it is in the server's hands
            assert httpx.get(f"{server.url}/api/projects/1/datasets").status_code == 401
    waiting.close()


def test_a_bomb_is_small_on_the_wire_and_true_gzip(port: str, dial: Dial) -> None:
    dial.turn_to(Fault(kind="gzip_bomb", megabytes=3), Fault(kind="gzip_bomb", megabytes=64))
    with at(port) as client:
        with client.stream("GET", "llm_skills") as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(raw)) == "a" * (3 << 20)
        with client.stream("GET", "llm_skills") as answer:
            raw = b"".join(answer.iter_raw())
        assert len(raw) < 1 << 18
        assert len(zlib.decompressobj(wbits=31).decompress(raw, 1 << 20)) == 1 << 20
