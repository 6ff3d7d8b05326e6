"""Real processes, a real port, real ``kill -9``: the next run finishes what the killed one had begun (P1, P3, P4)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from skillsync.server.serve import Listener
from tests.sync.crash import check_silent, copied
from tests.sync.crash_stage import contents
from tests.sync.harness import CONFIG, HOST, Clone, Live

ROOT = Path(__file__).parents[2]
SKILL = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


@dataclass
class Gate:
    """Stands in front of the server. While it is armed, it kills the client that sends the chosen request.

    With ``applied`` the server carries the request out first; the answer reaches nobody.
    """

    live: Live
    deadly: str = ""
    applied: bool = False
    seen: list[str] = field(default_factory=list)
    _victim: int = 0
    _known: threading.Event = field(default_factory=threading.Event)

    def arm(self, deadly: str, *, applied: bool) -> None:
        """Choose the request: the first whose method and path hold this text."""
        self.deadly, self.applied = deadly, applied
        self._known.clear()

    def aim(self, process: int) -> None:
        """Say which process the client is."""
        self._victim = process
        self._known.set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.seen.append(request)
        if not self.deadly or self.deadly not in request:
            return self.live.app(environ, start_response)
        self.deadly = ""
        answer: Iterable[bytes] = ()
        if self.applied:
            answer = list(self.live.app(environ, start_response))
        else:
            start_response("500 Killed", [])
        assert self._known.wait(60)
        os.kill(self._victim, signal.SIGKILL)
        return answer

    def close(self) -> None:
        """Nothing of its own to close."""


@dataclass
class Desk:
    """A clone whose commands are processes of their own."""

    clone: Clone
    gate: Gate

    def start(
        self, *words: str, module: str = "skillsync", env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        env = {**os.environ, "SKILLSYNC_API_KEY": self.clone.live.keys["me"], **(env or {})}
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, verb: str, *words: str) -> None:
        """Run a command to its end, which is a good one."""
        with self.start("-C", str(self.clone.path), verb, *words) as process:
            out, err = process.communicate()
        assert process.returncode == 0, (verb, out, err)

    def killed_by_request(self, verb: str, deadly: str, *, applied: bool) -> None:
        """Run a command that is killed while that request is under way."""
        self.gate.arm(deadly, applied=applied)
        with self.start("-C", str(self.clone.path), verb) as process:
            self.gate.aim(process.pid)
            out, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, (out, err)

    def killed_on_disk(self, verb: str, deadly: str, *, surely: bool = True) -> None:
        """Run a command that is killed right after that effect on the disk, if it has it."""
        words = (deadly, "-C", str(self.clone.path), verb)
        with self.start(*words, module="tests.killed") as process:
            out, err = process.communicate()
        ends = {-signal.SIGKILL} if surely else {-signal.SIGKILL, 0}
        assert process.returncode in ends, (out, err)


@pytest.fixture
def desk(live: Live, solo: Clone) -> Iterator[Desk]:
    gate = Gate(live)
    with _listening(gate) as url:
        settings = CONFIG.format(team="").replace(HOST, url)
        solo.write("skillsync.toml", settings)
        solo.commit("settings of this port")
        yield Desk(solo, gate)


@contextmanager
def _listening(gate: Gate) -> Iterator[str]:
    listener = Listener(gate, host="127.0.0.1", port=0, threads=4)  # type: ignore[arg-type]
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    try:
        yield listener.url
    finally:
        listener.stop()
        thread.join()


def row(key: str, text: str) -> str:
    return json.dumps({"id": key, "input": text})


# ---------------------------------------------------------------- push


def prepare_push(desk: Desk) -> dict[str, Any]:
    """Publish a first state, edit everything, and return what the server has to hold in the end."""
    clone = desk.clone
    clone.skill("alpha", BODY)
    clone.write("skills/alpha/a.md", "a\n")
    path = clone.dataset("cases", [row("k1", "first"), row("k2", "second")])
    assert clone.push().exit == 0
    clone.commit()
    clone.replace(SKILL, "two", "two, edited")
    clone.write("skills/alpha/b.md", "b\n")
    clone.skill("beta", "another\n")
    clone.replace(path, "first", "first, edited")
    clone.write(path, clone.read(path) + row("k3", "third") + "\n")
    return {
        "alpha": (2, "one\n\ntwo, edited\n\nthree", {"a.md": "a\n", "b.md": "b\n"}),
        "beta": (1, "another", {}),
        "rows": ["first, edited", "second", "third"],
    }


def published(live: Live) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("alpha", "beta"):
        detail = live.skill(name)
        files = {path: text + "\n" for path, text in detail["contents"].items()}
        found[name] = (detail["version"], detail["body"], files)
    (dataset,) = live.datasets()
    return {**found, "rows": sorted(item["input"] for item in live.rows(dataset["id"]))}


PUSH_POINTS = [
    ("POST /api/environments/1/llm_skills", True),
    ("PATCH /api/environments/1/llm_skills/name/alpha", False),
    ("POST /api/environments/1/dataset_items", True),
    ("PATCH /api/environments/1/dataset_items", True),
]


@pytest.mark.parametrize(
    ("request_", "applied"),
    [
        pytest.param("PATCH /api/environments/1/llm_skills/name/alpha", True),
        *(pytest.param(*point, marks=pytest.mark.slow) for point in PUSH_POINTS),
    ],
)
def test_a_push_killed_in_the_middle_of_a_request_is_finished_by_the_next(
    desk: Desk, request_: str, applied: bool
) -> None:
    wanted = prepare_push(desk)
    desk.killed_by_request("push", request_, applied=applied)
    desk.run("push")
    assert published(desk.clone.live) == wanted
    check_silent(desk.clone, Clone.push, Clone.pull)


# ---------------------------------------------------------------- pull


def prepare_pull(desk: Desk) -> dict[str, bytes]:
    """Publish a state, edit it on both sides, and return the files that a pull has to lead to."""
    clone, live = desk.clone, desk.clone.live
    clone.skill("alpha", BODY)
    for name in ("a", "b"):
        clone.write(f"skills/alpha/{name}.md", f"{name}\n")
    path = clone.dataset("cases", [row("k1", "first"), row("k2", "second")])
    assert clone.push().exit == 0
    clone.commit()
    live.edit("alpha", body=BODY.replace("three", "three from the web").strip(),
              files=[{"path": "a.md", "content": "a from the web\n"},
                     {"path": "c.md", "content": "c\n"}])  # fmt: skip
    live.create("beta")
    live.patch_row(live.row(live.datasets()[0]["id"], "k1")["id"], input="first from the web")
    clone.replace(SKILL, "one", "one from the file")
    clone.replace(path, "second", "second from the file")
    undisturbed = copied(clone, clone.path.with_name("undisturbed"))
    assert undisturbed.pull().exit == 0
    assert undisturbed.files() != clone.files()
    return undisturbed.files()


PULL_POINTS = ["write_temp", "create c.md", "unlink b.md", "replace .skillsync", "replace items"]


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param("replace SKILL.md"),
        *(pytest.param(point, marks=pytest.mark.slow) for point in PULL_POINTS),
    ],
)
def test_a_pull_killed_after_an_effect_on_the_disk_is_finished_by_the_next(
    desk: Desk, effect: str
) -> None:
    wanted = prepare_pull(desk)
    desk.killed_on_disk("pull", effect)
    desk.run("pull")
    assert desk.clone.files() == wanted
    assert b"one from the file" in wanted[SKILL]
    assert b"three from the web" in wanted[SKILL]
    assert desk.clone.push().exit == 0
    check_silent(desk.clone, Clone.push, Clone.pull)


@pytest.mark.slow
def test_a_pull_killed_between_skills_and_datasets_is_finished_by_the_next(desk: Desk) -> None:
    """The skills are written by then, and their pointers are not staged yet."""
    wanted = prepare_pull(desk)
    desk.killed_by_request("pull", "GET /api/environments/1/datasets", applied=False)
    assert desk.clone.read("skills/alpha/a.md") == "a from the web\n"
    desk.run("pull")
    assert desk.clone.files() == wanted
    assert desk.clone.git("diff", "--name-only", "--", "skills/alpha/.skillsync") == ""
    assert contents(desk.clone.live)["alpha"]["version"] == 2


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_many_rows_ends_at_once_and_the_next_run_goes_on(
    desk: Desk,
) -> None:
    """The rate limit makes the push wait for most of a minute when Ctrl-C comes; what was sent is not sent again."""
    clone = desk.clone
    rows = [row(f"k{number:02}", f"input {number}") for number in range(40)]
    clone.dataset("cases", rows)
    settings = clone.read("skillsync.toml")
    clone.write("skillsync.toml", settings.replace("project = 1", "project = 1\npace = 20"))
    clone.commit("rows")
    env = {"CI": "1"}
    with desk.start("-C", str(clone.path), "push", env=env) as process:
        assert process.stderr is not None
        assert "40 rows: about 40 requests" in process.stderr.readline().decode()
        for line in process.stderr:
            if b"the rate limit binds" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert b"what was already done is done" in err
    (dataset,) = clone.live.datasets()
    sent = {item["input"] for item in clone.live.rows(dataset["id"])}
    assert 0 < len(sent) < len(rows)
    clone.write("skillsync.toml", settings)
    before = len(desk.gate.seen)
    desk.run("push")
    posted = [one for one in desk.gate.seen[before:] if one.startswith("POST")]
    assert len(posted) == len(rows) - len(sent), "what is there is not sent again"
    keys = [item["metadata"]["skillsync_id"] for item in clone.live.rows(dataset["id"])]
    assert sorted(keys) == [f"k{number:02}" for number in range(40)]
    check_silent(clone, Clone.push, Clone.pull)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(1, 51))
def test_a_push_killed_at_any_time_is_finished_by_the_next(desk: Desk, number: int) -> None:
    wanted = prepare_push(desk)
    desk.killed_on_disk("push", f"#{number}", surely=False)
    desk.run("push")
    assert published(desk.clone.live) == wanted
    check_silent(desk.clone, Clone.push, Clone.pull)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(1, 51))
def test_a_pull_killed_at_any_time_is_finished_by_the_next(desk: Desk, number: int) -> None:
    wanted = prepare_pull(desk)
    desk.killed_on_disk("pull", f"#{number}", surely=False)
    desk.run("pull")
    assert desk.clone.files() == wanted
    assert desk.clone.push().exit == 0
    check_silent(desk.clone, Clone.push, Clone.pull)
