"""One daemon for each clone, and nobody else's process is taken for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skillsync.errors import AlreadyWatched
from skillsync.watch.alone import LOCK, daemon_pid, is_watched, only_daemon
from skillsync.watch.control import ask, stop
from skillsync.watch.record import RECORD

SLEEPER = "import sys; print('ready', flush=True); sys.stdin.read()"


@contextmanager
def sleeping(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that does nothing, with these words on its command line."""
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def no_time(seconds: float) -> None:
    """Wait for nobody."""


def record(folder: Path, pid: int) -> None:
    (folder / RECORD).write_text(json.dumps({"pid": pid}))


def test_a_second_one_is_refused_with_the_pid_of_the_first_and_a_third_may_start_after_it(
    tmp_path: Path,
) -> None:
    assert not is_watched(tmp_path)
    with sleeping("watch") as other, only_daemon(tmp_path):
        record(tmp_path, other.pid)
        assert is_watched(tmp_path)
        with (
            pytest.raises(AlreadyWatched, match=f"by process {other.pid}$"),
            only_daemon(tmp_path, wait=no_time),
        ):
            raise AssertionError("two daemons")
    assert not is_watched(tmp_path)
    with only_daemon(tmp_path):
        assert is_watched(tmp_path)


def test_who_asks_at_the_same_time_is_no_daemon_and_keeps_none_from_starting(
    tmp_path: Path,
) -> None:
    import fcntl

    with only_daemon(tmp_path):
        pass
    with (tmp_path / LOCK).open("rb") as asking:
        fcntl.flock(asking.fileno(), fcntl.LOCK_SH)
        assert not is_watched(tmp_path)
        with only_daemon(tmp_path, wait=lambda _: fcntl.flock(asking.fileno(), fcntl.LOCK_UN)):
            assert is_watched(tmp_path)


def test_a_process_that_bears_a_dead_daemons_number_gets_no_signal(tmp_path: Path) -> None:
    with sleeping() as stranger:
        record(tmp_path, stranger.pid)
        assert stop(tmp_path, wait=no_time) is None
        assert ask(tmp_path, wait=no_time) is None
        with only_daemon(tmp_path):
            assert daemon_pid(tmp_path, wait=no_time) is None
            assert ask(tmp_path, wait=no_time) == {"pid": stranger.pid}
        assert stranger.poll() is None
