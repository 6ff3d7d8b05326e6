"""Speaks to a running daemon from another process: asks how it is, asks it to end, installs what starts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skillsync.errors import InvalidContent
from skillsync.repo.files import write_atomic
from skillsync.watch.alone import daemon_pid, is_watched
from skillsync.watch.record import read_record
from skillsync.watch.units import Unit

ANSWER_SECONDS = 2.0
STOP_SECONDS = 10.0
STEP = 0.05


def ask(state_dir: Path, *, wait: Callable[[float], None] = time.sleep) -> dict[str, Any] | None:
    """Return a running daemon's record as of now (of lately, if it is too busy to answer); None: none is running."""
    if not is_watched(state_dir):
        return None
    before = read_record(state_dir)
    pid = daemon_pid(state_dir, wait=wait)
    if pid is None or not _send(pid, signal.SIGUSR1):
        return before
    for _ in range(int(ANSWER_SECONDS / STEP)):
        record = read_record(state_dir)
        if record and record.get("written") != before.get("written"):
            return record
        wait(STEP)
    return read_record(state_dir)


def stop(state_dir: Path, *, wait: Callable[[float], None] = time.sleep) -> int | None:
    """Ask the daemon to end and wait until it has; its process id, None when none was running.

    Raises InvalidContent when it does not say which process it is, or goes on all the same.
    """
    if not is_watched(state_dir):
        return None
    pid = daemon_pid(state_dir, wait=wait)
    if pid is not None and _send(pid, signal.SIGTERM):
        for _ in range(int(STOP_SECONDS / STEP)):
            if not is_watched(state_dir):
                return pid
            wait(STEP)
    raise InvalidContent(
        f"the daemon did not end (process {pid or 'unknown'})",
        unchanged="It may still be running.",
        hint=f"kill {pid}" if pid else "ps ax | grep 'skillsync.*watch'",
    )


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def install(unit: Unit) -> str:
    """Write a unit's file; what its platform's checker complains about, "" when it does not or is not there."""
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(unit.path, unit.text)
    return verify(unit)


def verify(unit: Unit) -> str:
    """Let the platform check an installed unit; return its complaints, "" for none.

    It gets a runtime folder of its own: without a login session there is none, and systemd would refuse for that alone.
    """
    program = shutil.which(unit.verify[0]) if unit.verify else None
    if program is None:
        return ""
    try:
        with tempfile.TemporaryDirectory(prefix="skillsync-verify-") as folder:
            done = subprocess.run(
                [program, *unit.verify[1:]],
                env={**os.environ, "XDG_RUNTIME_DIR": folder},
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                stdin=subprocess.DEVNULL,
            )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()


def uninstall(unit: Unit) -> bool:
    """Remove a unit's file; returns whether it was there."""
    try:
        unit.path.unlink()
    except FileNotFoundError:
        return False
    return True
