"""The daemon as a process of its own: started, asked, stopped, refused, killed, and beside other commands."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import threading
import time
from typing import Any

import pytest

from skillsync.watch.alone import is_watched
from skillsync.watch.record import read_record
from tests.sync.harness import CONFIG, HOST, Live
from tests.watch.daemon import STYLES
from tests.watch.desk import BODY, QUICK, SKILL, Desk


def test_a_daemon_is_started_asked_refused_a_second_time_and_stopped(
    desk: Desk, live: Live
) -> None:
    assert desk.run("watch", "--status")[0] == 1
    with desk.watching("--publish", "--log-format", "json") as daemon:
        desk.clone.replace(SKILL, "two", "two, saved")
        desk.until(lambda: live.version("alpha") == 2)
        code, out = desk.run("watch")
        assert code == 75
        assert f"by process {daemon.pid}" in out
        code, out = desk.run("watch", "--status", "--json")
        status: dict[str, Any] = json.loads(out)
        assert (code, status["running"], status["pid"]) == (0, True, daemon.pid)
        assert status["counts"]["published"] == 1
        assert status["mode"] == "publish"
        began = time.monotonic()
        code, out = desk.run("watch", "--stop")
        assert (code, out.strip()) == (0, f"stopped (process {daemon.pid})")
        assert time.monotonic() - began < 10
        log, _ = daemon.communicate(timeout=5)
        assert daemon.returncode == 0
        told = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert ("alpha", "published v2") in [(one["subject"], one["message"]) for one in told]
        assert live.keys["me"] not in log
    assert not is_watched(desk.state_dir)
    assert desk.run("watch", "--stop") == (0, "not running\n")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_within_five_seconds_though_the_server_never_answers(
    desk: Desk, live: Live, number: signal.Signals, code: int
) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        desk.clone.write("skillsync.toml", CONFIG.format(team="").replace(HOST, url))
        with desk.watching() as daemon:
            asked, _ = silent.accept()  # it waits for an answer now
            with asked:
                began = time.monotonic()
                daemon.send_signal(number)
                assert daemon.wait(10) == code
                assert time.monotonic() - began < 5
    assert not is_watched(desk.state_dir)


def test_one_cycle_takes_in_publishes_and_ends(desk: Desk, live: Live) -> None:
    desk.clone.replace(SKILL, "two", "two, saved")
    live.create("beta")
    os.utime(desk.clone.path / SKILL)
    settled = time.time() - (desk.clone.path / SKILL).stat().st_ctime
    desk.until(lambda: time.time() - (desk.clone.path / SKILL).stat().st_ctime > settled + 0.6)
    code, out = desk.run("watch", "--once", "--publish", "--quiet-period", "0.5", "--json")
    document = json.loads(out)
    assert (code, document["schema"]) == (0, "skillsync.watch/1")
    assert {one["subject"] for one in document["notices"]} >= {"alpha", "beta"}
    assert live.version("alpha") == 2
    assert (desk.clone.path / "skills/beta/SKILL.md").is_file()
    assert not is_watched(desk.state_dir)


def _storm(desk: Desk, live: Live, *, kills: int, seed: int) -> None:
    """Save and edit while the daemon is killed at random moments and started again; then everything is there."""
    chance = random.Random(seed)
    names = ("alpha", "beta", "gamma")
    for name in names[1:]:
        desk.clone.skill(name, BODY)
    assert desk.run("push")[0] == 0
    desk.clone.commit("all")
    saved: dict[str, list[str]] = {name: [] for name in names}
    tick = threading.Event()
    for number in range(kills):
        with desk.watching("--publish") as daemon:
            end = time.monotonic() + chance.uniform(0.0, 2.0)
            while time.monotonic() < end:
                name = chance.choice(names)
                path = desk.clone.path / f"skills/{name}/SKILL.md"
                text = f"saved {number}.{len(saved[name])}"
                style = chance.choice([*STYLES.values()])
                style(path, f"{path.read_text()}\n{text}\n")
                saved[name].append(text)
                tick.wait(chance.uniform(0.0, 0.4))
            daemon.kill()
            daemon.wait()
    with desk.watching("--publish"):
        desk.until(
            lambda: all(
                saved[name][-1] in live.skill(name)["body"] for name in names if saved[name]
            )
        )
    for name in names:
        local = desk.clone.read(f"skills/{name}/SKILL.md")
        body = live.skill(name)["body"]
        assert all(text in local and text in body for text in saved[name]), (name, seed)
        assert local.rstrip().endswith(body[-20:])
    assert desk.run("push")[0] == 0
    assert desk.clone.git("status", "--porcelain", "--", ".git") == ""


@pytest.mark.slow
def test_a_daemon_killed_at_random_moments_needs_nothing(desk: Desk, live: Live) -> None:
    _storm(desk, live, kills=4, seed=7)


@pytest.mark.soak
def test_a_daemon_killed_at_fifty_random_moments_needs_nothing(desk: Desk, live: Live) -> None:
    _storm(desk, live, kills=50, seed=random.SystemRandom().randrange(10**6))


@pytest.mark.slow
def test_an_old_buffer_saved_while_the_daemon_is_dead_is_not_published(
    desk: Desk, live: Live
) -> None:
    old = desk.clone.read(SKILL)
    live.edit_body("alpha", "two", "two from the web")
    with desk.watching("--publish") as daemon:
        assert desk.run("pull")[0] == 0
        assert "two from the web" in desk.clone.read(SKILL)
        daemon.kill()
        daemon.wait()
    desk.clone.write(SKILL, old.replace("one", "one, typed in an old buffer"))
    with desk.watching("--publish"):
        desk.until(
            lambda: (
                [one["code"] for one in read_record(desk.state_dir)["needs_you"]]
                == ["W-UNDOES-PULL"]
            )
        )
        desk.clone.skill("beta", BODY)  # the others go on
        desk.until(lambda: live.version("beta") == 1)
    assert live.version("alpha") == 2


@pytest.mark.slow
def test_branches_switched_under_load_publish_nothing_that_is_old(desk: Desk, live: Live) -> None:
    """P23: after each checkout the remote's text only ever grows by what was saved."""
    clone = desk.clone
    clone.git("branch", "old")
    with desk.watching("--publish"):
        for number in range(3):
            clone.write(SKILL, clone.read(SKILL) + f"\nsaved {number}\n")
            desk.until(lambda number=number: f"saved {number}" in live.skill("alpha")["body"])  # type: ignore[misc]
            desk.git("add", "-A")
            desk.git("commit", "-q", "-m", f"saved {number}")
            desk.git("checkout", "-q", "-f", "old")
            desk.git("checkout", "-q", "-f", "main")
            desk.git("checkout", "-q", "-f", "old")
            desk.until(lambda: read_record(desk.state_dir).get("branch") == "old")
            assert all(f"saved {n}" in live.skill("alpha")["body"] for n in range(number + 1))
            desk.git("checkout", "-q", "-f", "main")
    bodies = [_body(live, number) for number in range(1, live.version("alpha") + 1)]
    for earlier, later in itertools.pairwise(bodies):
        assert set(earlier.splitlines()) <= set(later.splitlines())


def _body(live: Live, number: int) -> str:
    with live.api() as client:
        return str(client.get("llm_skills/name/alpha", params={"version": number}).json()["body"])


ROUNDS = 4


@pytest.mark.slow
def test_a_daemon_a_second_one_and_pushes_by_hand_lose_nothing(desk: Desk, live: Live) -> None:
    clone = desk.clone
    with desk.watching("--publish") as daemon:
        for number in range(ROUNDS):
            clone.write(SKILL, clone.read(SKILL) + f"\nsaved {number}\n")
            with desk.start("push") as push, desk.start("watch", *QUICK) as second:
                assert push.wait(120) in {0, 1, 3, 5}, push.communicate()
                assert second.wait(120) == 75
        desk.until(lambda: f"saved {ROUNDS - 1}" in live.skill("alpha")["body"])
        assert daemon.poll() is None
    body = live.skill("alpha")["body"]
    assert all(body.count(f"saved {number}") == 1 for number in range(ROUNDS))
