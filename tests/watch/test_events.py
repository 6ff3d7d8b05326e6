"""Events of a real file system: every save style is heard, large trees come to rest, and no events are said to be none."""

from __future__ import annotations

import errno
import math
import queue
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers import Observer

from skillsync.watch.events import Events, NoEvents
from skillsync.watch.machine import decide
from skillsync.watch.service import SCAN_LEAST
from skillsync.watch.values import Changed, Look, Wait
from tests.sync.harness import Clone, Live
from tests.watch.daemon import STYLES, Daemon, quick

Queue = queue.SimpleQueue[Changed]


@contextmanager
def listening(root: Path) -> Iterator[Queue]:
    heard: Queue = queue.SimpleQueue()
    events = Events(root, root / ".git", heard.put)
    events.start(["skills"])
    assert events.is_alive
    try:
        yield heard
    finally:
        events.stop()
        assert not events.is_alive


def hear(heard: queue.SimpleQueue[Any], path: str, *, everywhere: bool = True) -> None:
    """Wait until something is said of a path, or of everything."""
    end = time.monotonic() + 20
    while True:
        fact = heard.get(timeout=max(0.01, end - time.monotonic()))
        if everywhere if fact.paths is None else path in fact.paths:
            return


def test_every_save_style_new_folders_and_git_are_heard(tmp_path: Path) -> None:
    path = tmp_path / "skills/alpha/SKILL.md"
    path.parent.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    path.write_text("one\n")
    with listening(tmp_path) as heard:
        for save in STYLES.values():
            save(path, path.read_text() + "more\n")
            hear(heard, "skills/alpha/SKILL.md")
        new = tmp_path / "skills/beta"
        new.mkdir()
        hear(heard, "skills/beta")
        (new / "SKILL.md").write_text("new\n")
        hear(heard, "skills/beta/SKILL.md")
        (tmp_path / "skillsync.toml").write_text("")
        hear(heard, "skillsync.toml")
        (tmp_path / ".git/COMMIT_EDITMSG").write_text("")
        (tmp_path / ".git/HEAD").write_text("")
        end = time.monotonic() + 20
        while not heard.get(timeout=max(0.01, end - time.monotonic())).git:
            pass


def test_a_root_that_is_new_or_was_made_anew_is_listened_to_from_the_next_full_look_on(
    solo: Clone,
) -> None:
    solo.skill("alpha", "one\n")
    daemon = Daemon(solo)

    def is_current() -> bool:
        return daemon.service._events is not None and daemon.service._events.is_current

    try:
        assert is_current()
        shutil.rmtree(solo.path / "skills")
        solo.skill("alpha", "one\n")
        assert not is_current()
        daemon.service.perform(Look(None))
        assert is_current()
        solo.write("datasets/cases/items.jsonl", "")
        assert not is_current()
        daemon.service.perform(Look(None))
        heard = daemon.service.facts
        solo.replace("skills/alpha/SKILL.md", "one", "two")
        hear(heard, "skills/alpha/SKILL.md", everywhere=False)
        solo.write("datasets/cases/items.jsonl", '{"id": "k", "input": "x"}')
        hear(heard, "datasets/cases/items.jsonl", everywhere=False)
    finally:
        daemon.close()


@pytest.mark.slow
def test_a_burst_in_five_thousand_folders_comes_to_rest(tmp_path: Path) -> None:
    """With watchdog's default events this never ends: overflow, rescan, overflow."""
    folders = [tmp_path / f"skills/s{number}" for number in range(5_000)]
    for folder in folders:
        folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    with listening(tmp_path) as heard:
        for _ in range(3):
            for folder in folders:
                (folder / "SKILL.md").write_text("text\n")
        seen, everywhere = set[str](), False
        end = time.monotonic() + 60
        while True:
            assert time.monotonic() < end, "it never comes to rest"
            try:
                fact = heard.get(timeout=2.0)
            except queue.Empty:
                break
            everywhere |= fact.paths is None
            seen |= fact.paths or frozenset()
    assert everywhere or len({path for path in seen if path.endswith("SKILL.md")}) == 5_000


class _NoWatches(Observer):  # type: ignore[valid-type, misc]
    """What a machine without watches left does."""

    def schedule(self, *_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")


def fall_back(daemon: Daemon) -> None:
    """Let the daemon listen on a machine that has no watches left."""
    root = daemon.clone.path
    daemon.service.make_events = lambda put: Events(root, root / ".git", put, make=_NoWatches)
    daemon.service._listen()


def test_a_system_without_watches_left_is_looked_at_by_intervals(solo: Clone) -> None:
    daemon = Daemon(solo, listens=False)
    with pytest.raises(NoEvents, match="watch limit"):
        Events(solo.path, solo.path / ".git", lambda _: None, make=_NoWatches).start(["skills"])
    fall_back(daemon)
    service = daemon.service
    assert "looking at intervals (inotify watch limit reached)" in service._about.events
    assert service.options.scan == SCAN_LEAST
    service.take(service.perform(Look(None)))
    waited = decide(
        replace(service.state, wants_recall=False, next_poll=math.inf), service.options, service.now
    )
    assert isinstance(waited, Wait)
    assert waited.until <= service.state.looked_all + service.options.scan


@pytest.mark.slow
def test_looks_at_intervals_find_what_is_saved(solo: Clone, live: Live) -> None:
    solo.skill("alpha", "one\n")
    daemon = Daemon(solo, quick(), listens=False)
    fall_back(daemon)
    daemon.rest()
    assert live.version("alpha") == 1
    solo.replace("skills/alpha/SKILL.md", "one", "two")
    daemon.until(lambda: live.version("alpha") == 2)
