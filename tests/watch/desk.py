"""A clone whose daemon and commands are processes of their own, at a server on a real port."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skillsync.server.serve import Listener
from skillsync.watch.record import read_record
from tests.sync.harness import CONFIG, HOST, Clone, Live

ROOT = Path(__file__).parents[2]
QUICK = ("--poll", "0.5", "--quiet-period", "0.5", "--eager", "--per-day", "0", "--no-notify")
SKILL = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


class Desk:
    """A clone whose daemon and commands are processes, at a server on a real port."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self.env = {**os.environ, "SKILLSYNC_API_KEY": clone.live.keys["me"]}
        self.state_dir = clone.path / ".git/skillsync"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "skillsync", "-C", str(self.clone.path), *words],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        with self.start(*words) as process:
            out, _ = process.communicate(timeout=120)
        return process.returncode, out

    def git(self, *words: str) -> None:
        """Run git as a person beside a daemon does: again, when the daemon was just staging something."""
        end = time.monotonic() + 60
        while True:
            done = subprocess.run(
                ["git", *words], cwd=self.clone.path, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return
            assert "index.lock" in done.stderr, done.stderr
            assert time.monotonic() < end, done.stderr

    @contextmanager
    def watching(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run a daemon that has written its record; it is ended in any case."""
        with self.start("watch", *QUICK, *words) as process:
            try:
                self.until(lambda: read_record(self.state_dir).get("pid") == process.pid)
                yield process
            finally:
                process.kill()

    def until(self, done: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Wait until something outside of this process is so."""
        end = time.monotonic() + seconds
        tick = threading.Event()
        while not done():
            assert time.monotonic() < end, read_record(self.state_dir)
            tick.wait(0.05)


@contextmanager
def desk_at(live: Live, clone: Clone) -> Iterator[Desk]:
    """Serve on a real port, publish the skill ``alpha``, and yield the clone's desk."""
    listener = Listener(live.app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    try:
        clone.write("skillsync.toml", CONFIG.format(team="").replace(HOST, listener.url))
        clone.skill("alpha", BODY)
        clone.commit("settings of this port")
        assert clone.push().exit == 0
        clone.commit("pointers")
        yield Desk(clone)
    finally:
        listener.stop()
        thread.join()
