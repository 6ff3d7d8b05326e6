"""Prints how a running daemon is, for people and as JSON, and ends one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillsync.cli.render import visible

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run

SCHEMA = "skillsync.watch-status/1"


def show_status(run: Run, state_dir: Path) -> int:
    """Say whether a daemon runs, since when, what it did, what waits and why, and when it asks next; 1: none runs."""
    from skillsync.watch.control import ask

    record = ask(state_dir)
    if record is None:
        run.out.data("not running")
        run.out.note("next: skillsync watch")
        run.out.emit_json(SCHEMA, {"running": False})
        return 1
    for line in status_lines(record, time.time()):
        run.out.data(visible(line))
    shown = {name: value for name, value in record.items() if name != "published"}
    run.out.emit_json(SCHEMA, {"running": True, **shown})
    return 0


def stop_daemon(run: Run, state_dir: Path) -> int:
    """End the daemon and say so; it is no failure when none was running."""
    from skillsync.watch.control import stop

    pid = stop(state_dir)
    run.out.data("not running" if pid is None else f"stopped (process {pid})")
    run.out.emit_json("skillsync.watch-stop/1", {"stopped": pid})
    return 0


def status_lines(record: Mapping[str, Any], wall: float) -> list[str]:
    """Return the lines that tell a person how a daemon is; times are seconds since 1970."""
    counts = _mapping(record.get("counts"))
    mode = "publishing what is saved" if record.get("mode") == "publish" else "pull and report"
    since = _ago(wall - _number(record.get("started")))
    poll = _ago(max(0.0, _number(record.get("next_poll")) - wall))
    numbers = ", ".join(
        f"{counts.get(name, 0)} {word}"
        for name, word in (
            ("taken_in", "taken in"),
            ("published", "published"),
            ("polls", "polls"),
            ("failures", "failures"),
        )
    )
    return [
        f"running (process {record.get('pid')}) for {since}: {mode}, target {record.get('target')}",
        f"  now: {record.get('doing')}; {_objects(record)}, {record.get('events')}",
        f"  next poll in {poll}",
        f"  so far: {numbers}",
        *(
            f"  waits: {one.get('subject')}: {one.get('reason')}"
            for one in map(_mapping, _list(record.get("waiting")))
        ),
        *(line for one in _list(record.get("needs_you")) for line in _needs(_mapping(one))),
        *_lately(record),
    ]


def _needs(one: Mapping[str, Any]) -> list[str]:
    lines = [f"  needs you: {one.get('subject')}: {one.get('reason')}"]
    return [*lines, f"    next: {one['next']}"] if one.get("next") else lines


def _lately(record: Mapping[str, Any]) -> list[str]:
    shown = [_mapping(one) for one in _list(record.get("recent"))[-5:]]
    lines = [
        f"    {one['subject']}: {one.get('message')}"
        if one.get("subject")
        else f"    {one.get('message')}"
        for one in shown
    ]
    return ["  lately:", *lines] if lines else []


def _objects(record: Mapping[str, Any]) -> str:
    count = record.get("objects")
    return "1 object" if count == 1 else f"{count} objects"


def _ago(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
