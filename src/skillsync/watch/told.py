"""The daemon's log: a line for people or a JSON object for programs, and a desktop notification where somebody is needed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TextIO

from skillsync.model import Json
from skillsync.watch.values import Level, Notice

LogFormat = Literal["text", "json"]
NOTIFY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Log:
    """Prints notices. ``clean`` makes foreign text safe to print and takes out what looks like a key."""

    stream: TextIO
    form: LogFormat
    clean: Callable[[str], str]

    def tell(self, notice: Notice, wall: float) -> None:
        """Print one notice; a reader that is gone is no reason to stop."""
        line = json_line(notice, wall) if self.form == "json" else text_line(notice, wall)
        try:
            self.stream.write(self.clean(line) + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            pass


def text_line(notice: Notice, wall: float) -> str:
    """Return ``2026-08-01 12:00:00Z  triage: published v13``, with the next command where there is one."""
    at = datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    mark = {Level.INFO: "", Level.WARNING: "warning: ", Level.PERSON: "needs you: "}[notice.level]
    subject = f"{notice.subject}: " if notice.subject else ""
    code = f"  [{notice.code}]" if notice.code else ""
    fix = f"  next: {notice.fix}" if notice.fix and notice.level is not Level.INFO else ""
    return f"{at}  {mark}{subject}{notice.message}{code}{fix}"


def as_json(notice: Notice) -> dict[str, Json]:
    """Return a notice as what ``--json`` and the log print of it."""
    return {
        "level": str(notice.level),
        "kind": notice.kind,
        "subject": notice.subject,
        "message": notice.message,
        "code": notice.code,
        "next": notice.fix,
    }


def json_line(notice: Notice, wall: float) -> str:
    """Return the notice as one line of JSON, plain ASCII."""
    at = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": at.replace("+00:00", "Z"), **as_json(notice)})


def notify_command(
    notice: Notice, *, platform: str, environ: Mapping[str, str], which: Callable[[str], str | None]
) -> Sequence[str] | None:
    """Return the platform's own command that shows a notice on the desktop, None where there is no desktop.

    Texts are whole arguments, never part of a script.
    """
    title = f"skillsync: {notice.subject}" if notice.subject else "skillsync"
    if platform == "darwin":
        osascript = which("osascript")
        script = "display notification (item 2 of argv) with title (item 1 of argv)"
        words = ("-e", "on run argv", "-e", script, "-e", "end run", title, notice.message)
        return (osascript, *words) if osascript and not environ.get("SSH_CONNECTION") else None
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return None
    send = which("notify-send")
    return (send, "--app-name=skillsync", "--", title, notice.message) if send else None


def notify(notice: Notice, environ: Mapping[str, str]) -> None:
    """Show a notice on the desktop if there is one; whatever goes wrong is nobody's loss."""
    command = notify_command(notice, platform=sys.platform, environ=environ, which=shutil.which)
    if command is None:
        return
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        subprocess.run(
            command,
            timeout=NOTIFY_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
