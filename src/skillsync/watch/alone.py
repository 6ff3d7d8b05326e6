"""Sees to it that a clone has one daemon: a lock that the kernel lets go of on any death, and whose process that is."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skillsync.errors import AlreadyWatched
from skillsync.watch.record import read_record

LOCK = "watch.lock"
PATIENCE = 0.5
"""Seconds that a start waits for the lock: somebody who only asks whether a daemon runs holds it for a moment."""
SIGNATURE = 2.0
"""Seconds that a daemon which has just begun has to write down which process it is."""
STEP = 0.05

Sleep = Callable[[float], None]


@contextmanager
def only_daemon(state_dir: Path, *, wait: Sleep = time.sleep) -> Iterator[None]:
    """Be the only daemon of this clone. Raises AlreadyWatched with the other one's process id."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / LOCK).open("ab") as file:
        if not _is_taken(file.fileno(), fcntl.LOCK_EX, seconds=PATIENCE, wait=wait):
            pid = daemon_pid(state_dir, wait=wait)
            raise AlreadyWatched(
                f"this clone is watched already, by process {pid or 'unknown'}",
                unchanged="Nothing was started.",
                hint="skillsync watch --status, or skillsync watch --stop",
            )
        yield


def is_watched(state_dir: Path) -> bool:
    """Tell whether a daemon is running here: it holds its lock, whatever a file says.

    Asking shares the lock, so that two who ask at once do not take each other for a daemon.
    """
    try:
        with (state_dir / LOCK).open("rb") as file:
            return not _is_taken(file.fileno(), fcntl.LOCK_SH, seconds=0.0)
    except FileNotFoundError:
        return False


def daemon_pid(state_dir: Path, *, wait: Sleep = time.sleep) -> int | None:
    """Return the running daemon's process id, as it wrote it down; None when no such process says so.

    A record that a killed daemon left may name a process that is somebody else's by now: that one is left alone.
    """
    for _ in range(int(SIGNATURE / STEP)):
        pid = read_record(state_dir).get("pid")
        if isinstance(pid, int) and pid > 1 and _is_daemon(pid):
            return pid
        wait(STEP)
    return None


def _is_taken(descriptor: int, kind: int, *, seconds: float, wait: Sleep = time.sleep) -> bool:
    for left in range(int(seconds / STEP), -1, -1):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                wait(STEP)
        else:
            return True
    return False


def _is_daemon(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
        return _is_alive(pid)
    return b"watch" in words


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
