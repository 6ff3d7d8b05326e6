"""Events of a real file system: every save style is heard, large trees come to rest, and no events are said to be none."""

from __future__ import annotations

import errno
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers import Observer

from skillsync.watch.events import Events, NoEvents
from skillsync.watch.values import Changed
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


def hear(heard: Queue, path: str) -> None:
    """Wait until something is said of a path, or of everything."""
    end = time.monotonic() + 20
    while True:
        fact = heard.get(timeout=max(0.01, end - time.monotonic()))
        if fact.paths is None or path in fact.paths:
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


def test_a_system_without_watches_left_is_looked_at_by_intervals(solo: Clone, live: Live) -> None:
    solo.skill("alpha", "one\n")
    daemon = Daemon(solo, quick(), listens=False)
    root = solo.path
    git = root / ".git"
    with pytest.raises(NoEvents, match="watch limit"):
        Events(root, git, lambda _: None, make=_NoWatches).start(["skills"])
    daemon.service.make_events = lambda put: Events(root, git, put, make=_NoWatches)
    daemon.service._listen()
    assert "looking at intervals (inotify watch limit reached)" in daemon.service._about.events
    daemon.rest()
    assert live.version("alpha") == 1
    solo.replace("skills/alpha/SKILL.md", "one", "two")
    daemon.until(lambda: live.version("alpha") == 2)
