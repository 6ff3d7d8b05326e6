"""What a daemon says about itself in `.git/skillsync/watch.json`: written when something happened or somebody asks.

A cache for people and for a day's budget, never evidence: deleting it changes no decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillsync.repo.files import write_atomic
from skillsync.watch.machine import not_now
from skillsync.watch.settle import DAY, is_settled

if TYPE_CHECKING:
    from skillsync.model import Json
    from skillsync.watch.state import State
    from skillsync.watch.values import Moment, Notice, Options

RECORD = "watch.json"
SHOWN = 50
"""Waiting objects that are listed, at most."""


def read_record(state_dir: Path) -> dict[str, Any]:
    """Return the record, empty when there is none or it cannot be read."""
    try:
        found = json.loads((state_dir / RECORD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_record(state_dir: Path, record: Mapping[str, Json]) -> None:
    """Replace the record."""
    write_atomic(state_dir / RECORD, json.dumps(record, indent=1).encode())


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while a daemon runs; ``events`` says how it hears of changes."""

    target: str
    started: float
    events: str = "file system events"


def render_record(
    about: About,
    state: State,
    options: Options,
    now: Moment,
    *,
    doing: str,
    recent: Sequence[Notice],
) -> dict[str, Json]:
    """Return the record as JSON; times in seconds since 1970."""
    counts = state.counts
    return {
        "pid": os.getpid(),
        "target": about.target,
        "mode": "publish" if options.publish else "pull",
        "started": about.started,
        "written": now.wall,
        "events": about.events,
        "doing": doing,
        "objects": len(state.objects),
        "head": state.git.head,
        "branch": state.git.branch,
        "git": list(state.git.operations),
        "next_poll": now.wall + state.next_poll - now.mono if state.started else now.wall,
        "counts": {
            "polls": counts.polls,
            "pulls": counts.pulls,
            "taken_in": counts.written,
            "published": counts.published,
            "failures": counts.failures,
        },
        "waiting": [
            {"subject": subject, "reason": reason}
            for subject, reason in sorted(waiting(state, options, now).items())[:SHOWN]
        ],
        "needs_you": [
            {
                "subject": one.subject,
                "reason": one.message,
                "code": one.code,
                "next": one.fix,
            }
            for one in needs_person(state)
        ],
        "recent": [
            {"kind": one.kind, "subject": one.subject, "message": one.message, "code": one.code}
            for one in recent
        ],
        "published": {
            directory: [[at - now.mono + now.wall, digest] for at, digest in one.published]
            for directory, one in state.objects.items()
            if one.published
        },
    }


def waiting(state: State, options: Options, now: Moment) -> dict[str, str]:
    """Return what waits and why, by folder."""
    found = {directory: held.reason for directory, held in state.held.items()}
    if state.is_busy:
        found["git"] = f"it is in the middle of something ({', '.join(state.git.operations)})"
    for key, told in state.said.items():
        if key.startswith("trouble:") and not told.needs_person:
            found[key.partition(":")[2]] = f"failed ({told.words}), tried again"
    if options.publish:
        reasons = not_now(state, options, now)
        for directory, one in state.objects.items():
            if directory in reasons and one.pending:
                found[directory] = reasons[directory]
            elif one.pending and not is_settled(one, options):
                found[directory] = "it was changed a moment ago"
    return found


def needs_person(state: State) -> list[Notice]:
    """Return what somebody was told to do something about and has not yet, each thing once."""
    found = {
        (told.notice.subject, told.words): told.notice
        for told in state.said.values()
        if told.needs_person
    }
    return [found[at] for at in sorted(found)]


def remembered_publishes(
    record: Mapping[str, Any], now: Moment
) -> dict[str, tuple[tuple[float, str], ...]]:
    """Return the publishes of the last day that an earlier daemon recorded, as ``Watched.published``."""
    found: dict[str, tuple[tuple[float, str], ...]] = {}
    listed = record.get("published")
    for directory, times in listed.items() if isinstance(listed, dict) else ():
        kept = []
        for one in times if isinstance(times, list) else ():
            match one:
                case [int() | float() as at, str() as digest] if 0 <= now.wall - at < DAY:
                    kept.append((now.mono - (now.wall - at), digest))
        if kept:
            found[str(directory)] = tuple(sorted(kept))
    return found
