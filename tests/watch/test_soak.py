"""The daemon for long: a thousand saves in every style, a compressed day with everybody at work, a month of its machine."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from skillsync.watch.record import read_record
from skillsync.watch.values import Options
from tests.sync.harness import Live
from tests.watch.daemon import STYLES
from tests.watch.desk import BODY, Desk
from tests.watch.simulated import Text, World

SETTLE = ("--publish", "--per-day", "0")
ENDS = "end of save"


@dataclass
class Writer:
    """Somebody who saves ``skills`` skills in turn, in every style, so that every text says where it ends."""

    desk: Desk
    live: Live
    skills: int
    saved: dict[str, int] = field(default_factory=dict)

    def prepare(self) -> None:
        for number in range(self.skills):
            self.desk.clone.skill(f"skill-{number:02}", BODY + f"\n{ENDS} 0\n")
        assert self.desk.run("push")[0] == 0
        self.desk.clone.commit("all")

    def save(self, number: int) -> None:
        name = f"skill-{number % self.skills:02}"
        path = self.desk.clone.path / f"skills/{name}/SKILL.md"
        style = [*STYLES.values()][number % len(STYLES)]
        text = f"{path.read_text()}\nsave {number}: {'words ' * 200}\n{ENDS} {number}\n"
        style(path, text)
        self.saved[name] = self.saved.get(name, 0) + 1

    def check(self, *, quiet: float) -> None:
        """Nothing lost, nothing half-written, no more than one version a quiet period, none without a save."""
        for name, count in self.saved.items():
            with self.live.api() as client:
                latest = client.get(f"llm_skills/name/{name}").json()
                bodies = [
                    client.get(
                        f"llm_skills/name/{name}",
                        params={"version": number, "body_length": 1_000_000},
                    ).json()
                    for number in range(1, latest["version"] + 1)
                ]
            local = self.desk.clone.read(f"skills/{name}/SKILL.md")
            assert all(one["body"].rpartition("\n")[2].startswith(ENDS) for one in bodies), name
            assert bodies[-1]["body"].strip() == local.split("---\n", 2)[2].strip(), name
            assert bodies[-1]["body"].count("\nsave ") == count, name
            assert len(bodies) - 1 <= count
            times = [_seconds(one["created_at"]) for one in bodies]
            assert all(
                later - earlier >= quiet - 0.3 for earlier, later in itertools.pairwise(times[1:])
            ), (name, times)


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def _saves(desk: Desk, live: Live, *, saves: int, pause: float, quiet: float, skills: int) -> None:
    writer = Writer(desk, live, skills)
    writer.prepare()
    tick = threading.Event()
    words = (*SETTLE, "--eager", "--quiet-period", str(quiet), "--poll", "5")
    with desk.watching(*words):
        for number in range(saves):
            writer.save(number)
            tick.wait(pause)
        last = {
            name: desk.clone.read(f"skills/{name}/SKILL.md").rstrip().rpartition("\n")[2]
            for name in writer.saved
        }
        desk.until(
            lambda: all(_body(live, name).endswith(end) for name, end in last.items()), seconds=120
        )
    writer.check(quiet=quiet)


def _body(live: Live, name: str) -> str:
    with live.api() as client:
        found = client.get(f"llm_skills/name/{name}", params={"body_length": 1_000_000})
        return str(found.json()["body"])


@pytest.mark.slow
def test_saves_in_every_style_are_published_whole_and_once_a_quiet_period(
    desk: Desk, live: Live
) -> None:
    _saves(desk, live, saves=36, pause=0.1, quiet=1.0, skills=6)


@pytest.mark.soak
def test_a_thousand_saves_in_ten_minutes_are_published_whole(desk: Desk, live: Live) -> None:
    _saves(desk, live, saves=1_000, pause=0.6, quiet=5.0, skills=20)


@pytest.mark.soak
def test_a_compressed_day_with_everybody_at_work_loses_nothing_and_does_not_grow(
    desk: Desk, live: Live
) -> None:
    """A day at a rate of 144: polls and quiet periods shrink with it. Saves, web edits, pushes and a second daemon."""
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    writer = Writer(desk, live, 10)
    writer.prepare()
    tick, memory = threading.Event(), list[float]()
    web = 0
    with desk.watching(*SETTLE, "--eager") as daemon:
        end = time.monotonic() + 600
        number = 0
        while time.monotonic() < end:
            match chance.randrange(12):
                case 0:
                    web += 1
                    name = f"skill-{chance.randrange(10):02}"
                    _edit(live, name, f"Edited in the web page, {web}.")
                case 1:
                    assert desk.run("push")[0] in {0, 1, 3, 5}
                case 2:
                    assert desk.run("watch")[0] == 75
                case _:
                    writer.save(number)
                    number += 1
            memory.append(_memory(daemon.pid))
            tick.wait(chance.uniform(0.1, 2.0))
        time.sleep(70)  # what was touched lately is taken in after a minute
        desk.until(lambda: not read_record(desk.state_dir).get("waiting"), seconds=120)
        assert daemon.poll() is None
    assert desk.run("pull")[0] == 0, seed
    assert desk.run("push")[0] == 0, seed
    for name, count in writer.saved.items():
        assert _body(live, name).count("\nsave ") == count, (name, seed)
    warm = memory[len(memory) // 3]
    assert memory[-1] <= warm + 15, (warm, memory[-1])


def _edit(live: Live, name: str, description: str) -> None:
    """Edit in the web page, again when a publish came in between."""
    with live.api() as client:
        for _ in range(20):
            base = client.get(f"llm_skills/name/{name}").json()["version"]
            changes = {"base_version": base, "description": description}
            answer = client.patch(f"llm_skills/name/{name}", json=changes)
            if answer.status_code != 409:
                break
    assert answer.status_code == 200, answer.text


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.mark.soak
def test_a_month_of_the_machine_ends_with_both_sides_equal() -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    options = Options(publish=True, poll=60.0)
    world = World(options)
    names = [f"skills/{number}" for number in range(20)]
    number = 0
    while world.mono < 30 * 86_400:
        number += 1
        name = chance.choice(names)
        local = world.objects[name].text if name in world.objects else Text()
        if chance.random() < 0.7:
            world.save(name, replace(local, lines=local.lines | {f"local {number}"}))
        elif world.remote.get(name):
            there = world.latest(name)[1]
            world.edit(name, replace(there, lines=there.lines | {f"remote {number}"}))
        world.run_until(world.mono + chance.expovariate(1 / 600))
    world.run_until(world.mono + 86_400)
    for name, one in world.objects.items():
        version, text = world.latest(name)
        assert (one.base, one.text) == (version, text), (name, seed)
    size = len(repr(world.state))
    world.run_until(world.mono + 7 * 86_400)
    assert len(repr(world.state)) <= size
