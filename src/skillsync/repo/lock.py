"""One writing command at a time in a working tree: a file lock that the kernel lets go of on any death."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skillsync.errors import Locked

DAEMON = "watch"
CYCLE = 30.0
"""Seconds that a command waits for a cycle of the daemon."""
SIGNATURE = 0.5
"""Seconds that the holder has to say who it is, before a command goes by what it reads."""


@contextmanager
def locked(state_dir: Path, *, command: str, timeout: float = 0) -> Iterator[None]:
    """Hold the lock of this working tree while the plan is made and applied (sync.md 9.3).

    Waits up to ``timeout`` seconds, then raises Locked naming the process and the command that hold it. ``watch`` holds
    it for one cycle only, so that one is waited for a little longer; and since a holder takes the lock before it can
    say who it is, what is written there counts only after a moment.
    """
    from filelock import FileLock, Timeout

    state_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state_dir / "lock", timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        patience = CYCLE if _is_daemon(state_dir) and command != DAEMON else SIGNATURE
        if timeout < patience:
            with locked(state_dir, command=command, timeout=patience):
                yield
            return
        raise Locked(
            f"another command is working on this clone: {_holder(state_dir)}",
            unchanged="Nothing was changed.",
            hint="wait until it is done, then run the command again",
        ) from None
    try:
        _sign(state_dir, command)
        yield
    finally:
        lock.release()


def _sign(state_dir: Path, command: str) -> None:
    """Say who holds the lock. A hint for people: nothing is decided by it."""
    signature = state_dir / "lock.signature"
    signature.write_text(json.dumps({"pid": os.getpid(), "command": command}))
    signature.replace(state_dir / "lock.holder")


def _is_daemon(state_dir: Path) -> bool:
    try:
        holder = json.loads((state_dir / "lock.holder").read_text())
        return bool(holder["command"] == DAEMON)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _holder(state_dir: Path) -> str:
    try:
        holder = json.loads((state_dir / "lock.holder").read_text())
        return f"`{str(holder['command'])[:200]}` (process {int(holder['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that did not say its name"
