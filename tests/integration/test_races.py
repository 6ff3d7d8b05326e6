"""Many clones push one skill at once over a real port: nothing is lost, nothing doubled (sync.md 14.5, C1 and C2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Semaphore
from typing import Any

import httpx
import pytest

from skillsync.errors import SkillsyncError
from skillsync.server.serve import Listener
from tests.sync.harness import CONFIG, HOST, Clone, Live, Requests, outcome

PATHS = "skills/{}/SKILL.md"
MOST_TRIES = 500
TRY_AGAIN = 75
"""The exit code of a server that gave no answer: its pusher tries again."""
FEW_AT_ONCE, MANY_AT_ONCE = 2, 4
"""How many race at one moment, each until it has won: one that waited in between would only come back outdated."""


@contextmanager
def listening(live: Live) -> Iterator[str]:
    listener = Listener(live.app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    try:
        yield listener.url
    finally:
        listener.stop()
        thread.join()


class Wire(Requests):
    """Requests over the real port."""

    def __init__(self) -> None:
        super().__init__(httpx.HTTPTransport())

    def close(self) -> None:
        self.inner.close()


class Lossy(Wire):
    """One publish in ten gets no answer; half of those were applied."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = Random(seed)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fails = request.method == "PATCH" and self.chance.random() < 0.1
        if not fails:
            return super().handle_request(request)
        if self.chance.random() < 0.5:
            answer = super().handle_request(request)
            answer.read()
            answer.close()
        raise httpx.ReadTimeout("no answer came", request=request)


def push_on(
    clone: Clone, number: int, edits: int, skills: list[str], turn: Semaphore
) -> dict[str, list[str]]:
    """Add lines one by one, each to the next skill; each is pushed until the server has acknowledged it."""
    acknowledged: dict[str, list[str]] = {name: [] for name in skills}
    for count in range(edits):
        name = skills[(number + count) % len(skills)]
        line = f"line {number}-{count} of this pusher"
        clone.replace(PATHS.format(name), f"section {number}\n", f"section {number}\n{line}\n")
        with turn:
            assert any(is_published(clone, name) for _ in range(MOST_TRIES)), line
        acknowledged[name].append(line)
    return acknowledged


def is_published(clone: Clone, name: str) -> bool:
    """Push once; on a block pull, which merges, so that the next try may pass."""
    try:
        report = clone.push(name)
        if report.exit == 0:
            return True
        assert report.exit in {1, 3, 5, TRY_AGAIN}, report
        pulled = clone.pull(name)
        assert pulled.exit in {0, 1, 5, TRY_AGAIN}, pulled
    except SkillsyncError as error:
        if error.exit_code != TRY_AGAIN:
            raise
    return False


def race(
    live: Live,
    solo: Clone,
    folder: Path,
    *,
    pushers: int,
    edits: int,
    skills: int,
    lossy: bool,
    at_once: int,
) -> None:
    gap = "".join(f"between {number}\n\n" for number in range(3))
    names = [f"skill-{number}" for number in range(skills)]
    for name in names:
        solo.skill(name, "".join(f"section {number}\n\n{gap}" for number in range(pushers)))
    assert solo.push().exit == 0
    solo.commit("published")
    with listening(live) as url:
        solo.write("skillsync.toml", CONFIG.format(team="").replace(HOST, url))
        solo.commit("settings of this port")
        clones = [solo.clone(folder / f"pusher-{number}") for number in range(pushers)]
        for number, clone in enumerate(clones):
            clone.requests = Lossy(number) if lossy else Wire()
        with ThreadPoolExecutor(pushers) as pool:
            work = partial(push_on, edits=edits, skills=names, turn=Semaphore(at_once))
            done = list(pool.map(work, clones, range(pushers)))
        for clone in clones:
            assert clone.requests is not None
            clone.requests.close()
    for name in names:
        check(name, [line for one in done for line in one[name]])
    assert sum(len(lines) for one in done for lines in one.values()) == pushers * edits


def check(name: str, acknowledged: list[str]) -> None:
    from skillsync.server.models import Skill  # needs Django to be set up, which Live does

    rows = list(Skill.objects.filter(name=name, deleted=False).order_by("version"))
    lines = rows[-1].body.splitlines()
    assert {line: lines.count(line) for line in acknowledged} == dict.fromkeys(acknowledged, 1)
    assert [row.version for row in rows] == list(range(1, len(rows) + 1)), "contiguous"
    for before, after in pairwise(rows):
        lost = set(before.body.splitlines()) - set(after.body.splitlines())
        assert lost == set(), f"v{after.version} has not what v{before.version} had"


RUNS = [
    pytest.param(16, 1, False, id="C1"),
    pytest.param(32, 20, True, id="C2"),
]
"""Pushers, skills, and whether answers get lost."""


@pytest.mark.slow
@pytest.mark.parametrize(("pushers", "skills", "lossy"), RUNS)
def test_a_race_of_clones_loses_nothing(
    live: Live, solo: Clone, tmp_path: Path, pushers: int, skills: int, lossy: bool
) -> None:
    """A tenth of the edits of the long race, by as many at once."""
    load: dict[str, Any] = {"pushers": pushers, "skills": skills, "lossy": lossy}
    race(live, solo, tmp_path, **load, edits=10, at_once=FEW_AT_ONCE)
    assert outcome_is_quiet(solo)


@pytest.mark.soak
@pytest.mark.parametrize(("pushers", "skills", "lossy"), RUNS)
def test_a_long_race_of_clones_loses_nothing(
    live: Live, solo: Clone, tmp_path: Path, pushers: int, skills: int, lossy: bool
) -> None:
    load: dict[str, Any] = {"pushers": pushers, "skills": skills, "lossy": lossy}
    race(live, solo, tmp_path, **load, edits=100, at_once=MANY_AT_ONCE)


def outcome_is_quiet(solo: Clone) -> bool:
    """The one who only watched is fast-forwarded to all of it."""
    solo.write("skillsync.toml", CONFIG.format(team=""))
    pulled = solo.pull()
    return "fast-forwarded" in outcome(pulled, "skill-0").did and solo.push().exit == 0
