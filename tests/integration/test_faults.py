"""Every fault of the server's dial over a real port: no edit is lost, the key goes nowhere, every run ends (P1, P15, P16)."""

from __future__ import annotations

import re
import resource
import shutil
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from skillsync.api.secret import Secret
from skillsync.api.transport import Timeouts, Transport
from skillsync.config import Target
from skillsync.errors import SkillsyncError
from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.faults import ALWAYS, Dial, Fault
from skillsync.server.faulty import Faulty
from skillsync.server.serve import Listener
from skillsync.sync.report import Report
from skillsync.sync.status import Status
from skillsync.sync.workspace import Connect, Remote, Workspace
from tests.api.raw_server import RawServer, answer, serving
from tests.sync.harness import HOST, Clone, Live, new_clone

KEY = "phx_canary_of_the_faults_0123456789"
SECONDS = 20.0
"""No run may take longer, whatever the server does; nothing here waits for more than a fraction of it."""

MEBIBYTES = 256


@dataclass
class PortClone(Clone):
    """A clone whose client goes over the wire. Pauses are skipped unless ``timeouts`` ask for real ones."""

    timeouts: Timeouts | None = None
    said: list[str] = field(default_factory=list)

    def connect_in(self, workspace: Workspace | None) -> Connect:
        clock = time.monotonic if self.timeouts else self.clock.monotonic

        @contextmanager
        def connect(target: Target) -> Iterator[Remote]:
            with Transport(
                host=target.host,
                key=Secret(KEY),
                timeouts=self.timeouts or Timeouts(connect=5, read=10, total=10_000),
                clock=clock,
                sleep=self.clock.sleep,
            ) as transport:
                yield Remote(target, transport, (workspace or self.workspace).repo)

        return connect

    def run(self, verb: str, **options: Any) -> int:
        """Push, pull or status; the exit code, with all that was said kept for the search for the key."""
        started = time.monotonic()
        code = 0
        try:
            report: Report | Status = getattr(self, verb)(**options)
        except SkillsyncError as error:
            self.said.append("".join(traceback.format_exception(error)))
            self.said.append(f"{error!r} {error.message} {error.hint} {error.subject}")
            code = error.exit_code
        else:
            self.said.append(repr(report))
            if isinstance(report, Report):
                code = report.exit
        assert time.monotonic() - started < SECONDS
        return code


@dataclass
class World:
    """A server behind a dial; a clone that published alpha and two rows, and has unpublished edits of both."""

    url: str
    dial: Dial
    clone: PortClone
    elsewhere: RawServer

    def web(self) -> httpx.Client:
        """Somebody else, who meets no faults: only for while the dial is off."""
        headers = {"Authorization": f"Bearer {self.clone.live.keys['web']}"}
        return httpx.Client(base_url=f"{self.url}/api/projects/1/", headers=headers, timeout=10)

    def skill(self) -> dict[str, Any]:
        with self.web() as web:
            found: dict[str, Any] = web.get("llm_skills/name/alpha").json()
        return found

    def rows(self) -> list[dict[str, Any]]:
        with self.web() as web:
            found: list[dict[str, Any]] = web.get("dataset_items/?limit=1000").json()["results"]
        return found

    def history(self) -> list[str]:
        """The bodies of every version."""
        with self.web() as web:
            latest = web.get("llm_skills/name/alpha").json()["version"]
            return [
                web.get(f"llm_skills/name/alpha?version={version}").json()["body"]
                for version in range(1, latest + 1)
            ]


class _Keys:
    """What the harness needs of a live server: the people's keys."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys


class Stage:
    """One server for all tests of the module, and the state that each of them starts from."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / "server.sqlite3"
        self._app = create_app(new_database(self._database))
        accounts.first_start(key=None)
        accounts.create_key(user="me", value=KEY)
        web = accounts.create_key(user="web").value
        self.keys = _Keys(me=KEY, web=web)
        self.dial = Dial()
        faulty = Faulty(self._app, self.dial, rival=web)
        self.listener = Listener(faulty, host="127.0.0.1", port=0, threads=8)
        self._thread = threading.Thread(target=self.listener.run, daemon=True)
        self._thread.start()
        self._saved = folder / "saved"
        live = cast("Live", self.keys)
        clone = PortClone(live, new_clone(live, self._saved / "clone").path)
        settings = clone.read("skillsync.toml").replace(HOST, self.listener.url)
        clone.write("skillsync.toml", settings)
        clone.skill("alpha")
        clone.dataset("one", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}'])
        assert clone.push().exit == 0
        clone.commit()
        clone.replace("skills/alpha/SKILL.md", "Step one", "Step ONE")
        clone.replace("datasets/one/items.jsonl", '"input": 2', '"input": 22')
        self._app.close()
        shutil.copy(self._database, self._saved / "server.sqlite3")

    def begin(self, folder: Path) -> PortClone:
        """The saved state again, the clone in this folder."""
        self.dial.turn_to()
        self._app.close()
        for left in self._database.parent.glob("server.sqlite3-*"):
            left.unlink()
        shutil.copy(self._saved / "server.sqlite3", self._database)
        shutil.copytree(self._saved / "clone", folder, symlinks=True)
        return PortClone(cast("Live", self.keys), folder)

    def close(self) -> None:
        self.listener.stop()
        self._thread.join()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("faults"))
    yield stage
    stage.close()


@pytest.fixture
def world(stage: Stage, tmp_path: Path) -> Iterator[World]:
    with serving(answer({})) as elsewhere:
        yield World(stage.listener.url, stage.dial, stage.begin(tmp_path / "clone"), elsewhere)


def settle(world: World) -> None:
    """With the trouble over: take in what is there, publish, and find nothing more to do (P3, P4)."""
    world.dial.turn_to()
    for _ in range(3):
        codes = [world.clone.run("pull"), world.clone.run("push")]
        world.clone.commit()
        if codes == [0, 0]:
            break
    assert codes == [0, 0], world.clone.said[-4:]
    before = world.skill()["id"], [row["updated_at"] for row in world.rows()]
    assert world.clone.run("push") == 0
    assert (world.skill()["id"], [row["updated_at"] for row in world.rows()]) == before


def assert_nothing_is_lost(world: World, *edits: str) -> None:
    """P1, P13, P15: both sides' edits are in the latest version, each row once, the key nowhere."""
    body = world.skill()["body"]
    for edit in ("Step ONE", *edits):
        assert body.count(edit) == 1, body
    assert world.clone.read("skills/alpha/SKILL.md").count("Step ONE") == 1
    inputs = sorted(str(row["input"]) for row in world.rows())
    assert inputs == ["1", "22"], "each row once, with the edit"
    assert world.history().count(body) == 1, "no version was made twice"
    assert not [text for text in world.clone.said if KEY in text]
    for path, content in world.clone.files().items():
        assert KEY.encode() not in content, path
    for kept in (world.clone.path / ".git" / "skillsync").rglob("*"):
        assert not kept.is_file() or KEY.encode() not in kept.read_bytes(), kept
    assert world.elsewhere.requests == []


SKILL = "llm_skills/name/alpha"
ITEMS = "dataset_items*"


def name_of(fault: Fault) -> str:
    about = re.sub(r"[*/]+", "-", f"{fault.kind} {fault.method} {fault.path}")
    return f"{about} {fault.when} {fault.status or ''} {fault.retry_after}".strip()


TROUBLES: list[dict[str, Any]] = [
    {"kind": "delay", "seconds": 0.02},
    {"kind": "slow", "seconds": 0.001, "bytes": 200},
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 502, "when": "before"},
    {"kind": "status", "status": 502, "when": "after"},
    {"kind": "status", "status": 503, "when": "before", "retry_after": "1"},
    {"kind": "status", "status": 503, "when": "after"},
    {"kind": "status", "status": 504, "when": "before"},
    {"kind": "status", "status": 504, "when": "after"},
    {"kind": "status", "status": 429, "retry_after": "7"},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "during"},
    {"kind": "reset", "when": "after"},
    {"kind": "truncate", "bytes": 10},
    {"kind": "content_type", "body": "<html>Log in</html>"},
    {"kind": "gzip_bomb", "megabytes": 64},
]
_ALIKE: list[dict[str, Any]] = [
    {"status": 500, "when": "before"},
    {"status": 502},
    {"status": 503, "when": "after"},
    {"status": 504},
    {"kind": "delay"},
]
"""What the client treats as it treats another one."""

WRITES = [
    *(
        pytest.param(
            Fault(method="PATCH", path=SKILL, **trouble),
            marks=[pytest.mark.slow]
            if any(each.items() <= trouble.items() for each in _ALIKE)
            else [],
        )
        for trouble in TROUBLES
    ),
    *(
        pytest.param(Fault(method="PATCH", path=ITEMS, **trouble), marks=pytest.mark.slow)
        for trouble in TROUBLES
    ),
]


@pytest.mark.parametrize("fault", WRITES, ids=name_of)
def test_a_push_in_trouble_loses_nothing(world: World, fault: Fault) -> None:
    """14.6 #117: also where the server had applied what it then failed to answer."""
    world.dial.turn_to(fault)
    world.clone.run("push")
    assert [each.fault for each in world.dial.met] == [fault]
    settle(world)
    assert_nothing_is_lost(world)


def test_a_push_that_is_redirected_sends_the_key_nowhere_else(world: World) -> None:
    location = f"{world.elsewhere.url}/api/projects/1/llm_skills/name/alpha"
    for status, method in ((302, "GET"), (308, "GET"), (303, "PATCH"), (307, "PATCH")):
        world.dial.turn_to(
            Fault(kind="redirect", status=status, method=method, location=location, times=9)
        )
        assert world.clone.run("push") != 0
        assert world.dial.met
    settle(world)
    assert_nothing_is_lost(world)


@pytest.mark.parametrize("kind", ["race", "lost_race"])
def test_a_rival_who_slips_in_is_merged_and_not_overwritten(world: World, kind: str) -> None:
    world.dial.turn_to(Fault(kind=kind, method="PATCH", path=SKILL))
    assert world.clone.run("push") == 3, "nothing is published over what was not taken in"
    assert world.dial.met
    assert "Step ONE" not in world.skill()["body"]
    settle(world)
    assert_nothing_is_lost(world, "The rival was here")


@pytest.mark.slow
def test_a_rival_in_a_row_is_merged(world: World) -> None:
    world.dial.turn_to(Fault(kind="race", method="PATCH", path=ITEMS))
    world.clone.run("push")
    assert world.dial.met
    settle(world)
    assert_nothing_is_lost(world)
    assert sorted("rival" in (row["metadata"] or {}) for row in world.rows()) == [False, True]


def test_a_rival_who_takes_the_name_first_stays(world: World) -> None:
    world.clone.skill("beta", body="Ours.\n")
    world.dial.turn_to(Fault(kind="race", method="POST", path="llm_skills"))
    assert world.clone.run("push") != 0
    with world.web() as web:
        beta = web.get("llm_skills/name/beta").json()
    assert (beta["version"], beta["created_by"]["first_name"]) == (1, "web")


READS = [
    *(Fault(kind="status", status=status, method="GET") for status in (500, 502, 503, 504)),
    *(
        Fault(kind="status", status=429, retry_after=said, method="GET")
        for said in ("0", "3600", "-1", "soon", "", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 30)
    ),
    *(Fault(kind="reset", when=when, method="GET") for when in ("before", "during", "after")),
    Fault(kind="truncate", method="GET", bytes=5),
    Fault(kind="slow", method="GET", seconds=0.001, bytes=300),
    Fault(kind="delay", method="GET", seconds=0.02),
]
"""Trouble that passes: a read is repeated until it works."""


def test_a_read_in_passing_trouble_is_repeated(world: World) -> None:
    for fault in READS:
        world.dial.turn_to(fault)
        assert world.clone.run("status") == 0, fault
        assert [each.fault for each in world.dial.met] == [fault]
    world.dial.turn_to(*(Fault(kind="status", status=503, method="GET", skip=n) for n in (0, 2, 5)))
    assert world.clone.run("push") == 0
    assert len(world.dial.met) == 3
    settle(world)
    assert_nothing_is_lost(world)


LASTING = [
    Fault(kind="status", status=500, method="GET", times=ALWAYS),
    Fault(kind="reset", method="GET", times=ALWAYS),
    Fault(kind="truncate", method="GET", times=ALWAYS),
    Fault(kind="content_type", method="GET", times=ALWAYS),
    Fault(kind="content_type", method="GET", body="<html>Log in</html>", times=ALWAYS),
    Fault(kind="status", status=429, retry_after="3600", method="GET", times=ALWAYS),
]


def test_lasting_trouble_ends_the_run_and_nothing_is_written(world: World) -> None:
    before = world.clone.files()
    for fault in LASTING:
        for verb in ("push", "pull"):
            world.dial.turn_to(fault)
            assert world.clone.run(verb) != 0
            assert not [each for each in world.dial.met if each.method != "GET"]
            assert world.clone.files() == before
    world.dial.turn_to()
    assert len(world.history()) == 1
    settle(world)
    assert_nothing_is_lost(world)


def test_a_bomb_is_not_unpacked(world: World) -> None:
    body = "Step one.\n\nStep two.\n\nFrom the web."
    with world.web() as web:
        assert web.patch(SKILL, json={"base_version": 1, "body": body}).status_code == 200
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path, verb in (("llm_skills", "push"), (SKILL, "pull"), ("dataset_items", "pull")):
        world.dial.turn_to(Fault(kind="gzip_bomb", method="GET", path=path, times=ALWAYS))
        assert world.clone.run(verb) != 0
        assert world.dial.met
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MEBIBYTES
    settle(world)
    assert_nothing_is_lost(world, "From the web.")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [
    Fault(kind="delay", method="PATCH", path=SKILL, seconds=0.6),
    pytest.param(
        Fault(kind="slow", method="PATCH", path=SKILL, seconds=0.01, bytes=1), marks=pytest.mark.slow
    ),
    Fault(kind="slow", method="GET", path="llm_skills", seconds=0.01, bytes=1, times=ALWAYS),
], ids=name_of)  # fmt: skip
def test_a_server_that_takes_too_long_is_left(world: World, fault: Fault) -> None:
    world.clone.timeouts = Timeouts(connect=5, read=0.3, total=0.5)
    world.dial.turn_to(fault)
    world.clone.run("push")
    assert world.dial.met
    world.clone.timeouts = None
    settle(world)
    assert_nothing_is_lost(world)


@pytest.mark.parametrize(
    "path",
    [
        "*",
        *(
            pytest.param(path, marks=pytest.mark.slow)
            for path in ("llm_skills", SKILL, "dataset_items")
        ),
    ],
)
def test_stale_reads_publish_nothing_twice_and_nothing_over(world: World, path: str) -> None:
    """What was read before a write is read again after it."""
    world.dial.turn_to(Fault(kind="stale", path=path, seconds=3600, times=ALWAYS))
    for verb in ("pull", "push", "push", "pull", "push"):
        world.clone.run(verb)
    world.dial.turn_to()
    with world.web() as web:
        latest = world.skill()
        body = f"{latest['body']}\n\nFrom the web."
        web.patch(SKILL, json={"base_version": latest["version"], "body": body})
    world.dial.turn_to(Fault(kind="stale", path=path, seconds=3600, times=ALWAYS))
    world.clone.replace("skills/alpha/SKILL.md", "Step ONE", "Step ONE again")
    for verb in ("push", "pull", "push"):
        world.clone.run(verb)
    settle(world)
    assert_nothing_is_lost(world, "From the web.", "Step ONE again")


@pytest.mark.parametrize(
    "seed", [11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5))]
)
def test_many_troubles_in_a_row_by_luck(world: World, seed: int) -> None:
    """A seeded storm: runs go wrong anywhere; afterwards everything is there once."""
    world.dial.seed = seed
    storm = [
        Fault(kind="status", status=503, when="after", chance=0.1, times=ALWAYS),
        Fault(kind="reset", when="after", chance=0.1, times=ALWAYS),
        Fault(kind="truncate", chance=0.1, times=ALWAYS),
        Fault(kind="race", method="PATCH", path=SKILL, chance=0.3, times=ALWAYS),
    ]
    world.dial.turn_to(*storm)
    for _ in range(6):
        world.clone.run("push")
        world.clone.run("pull")
    assert {each.fault.kind for each in world.dial.met} >= {"status", "reset", "truncate"}
    settle(world)
    assert_nothing_is_lost(world)
