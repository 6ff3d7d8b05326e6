"""Decides when an object counts as saved, whether it may be published now, and whether somebody has it in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from skillsync.core.skill_states import VERSION_LIMIT
from skillsync.repo.worktree import StatEntry
from skillsync.watch.values import Moment, ObjectSeen, Options

DAY = 86_400.0
LOOP_WINDOW = 60.0
LOOP_SWITCHES = 3
REPEAT_WINDOW = 600.0
REPEATS = 3
QUARANTINE = 600.0
WARN_AT = VERSION_LIMIT * 80 // 100
STOP_AT = VERSION_LIMIT * 95 // 100


@dataclass(frozen=True, slots=True)
class Watched:
    """One object as the daemon knows it; times are ``Moment.mono``.

    ``since``: its last change. ``confirmed``: when a look last found it unchanged. ``pending``: it changed since it
    was last published or reported. ``sent``: its files when the daemon published it last. ``published``: times and file digests of the daemon's own publishes of a day.
    ``not_before``: it was kept back, and may be sent again from then on.
    ``switches``: the digests that each file went through in the last minute. ``loops``: why it is left alone.
    """

    seen: ObjectSeen
    since: float
    confirmed: float
    vanished: bool = False
    pending: bool = True
    sent: tuple[StatEntry, ...] | None = None
    published: tuple[tuple[float, str], ...] = ()
    switches: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    loops: str = ""
    loops_until: float = 0.0
    not_before: float = 0.0


def first_seen(seen: ObjectSeen, now: Moment) -> Watched:
    """Return an object that was not known before: its age is what its files say, so that old files are settled."""
    age = max(0.0, now.wall - seen.changed_at)
    return Watched(seen, since=now.mono - age, confirmed=now.mono)


def seen_again(known: Watched, seen: ObjectSeen, *, changed_at: float, now: Moment) -> Watched:
    """Return an object after another look; ``changed_at`` is when an event last spoke of it."""
    if known.loops and now.mono >= known.loops_until:
        known = replace(known, loops="")
    if seen.is_same(known.seen):
        # What an event said, and no trace of it: the object is as it was, and what stands for it is kept once.
        same = replace(seen, files=known.seen.files, pointers=known.seen.pointers)
        return replace(known, seen=same, confirmed=now.mono)
    switches = _switches(known, seen, now.mono)
    loops, until = known.loops, known.loops_until
    if (alternating := _alternating(switches, now.mono)) and not loops:
        loops = f"{alternating} changes back and forth between two contents"
    if loops:
        until = now.mono + QUARANTINE
    return replace(
        known,
        seen=seen,
        since=max(known.since, min(changed_at, now.mono)),
        not_before=0.0,
        confirmed=now.mono,
        vanished=bool(known.seen.paths - seen.paths),
        # A pointer that moves beside files that were just published is our own doing.
        pending=known.pending or seen.files != known.sent,
        switches=switches,
        loops=loops,
        loops_until=until,
    )


def _switches(
    known: Watched, seen: ObjectSeen, now: float
) -> Mapping[str, tuple[tuple[float, str], ...]]:
    found = dict(known.switches)
    for path, digest in seen.digests.items():
        before = tuple(one for one in found.get(path, ()) if one[0] > now - LOOP_WINDOW)
        if not before or before[-1][1] != digest:
            found[path] = (*before, (now, digest))
    return {path: times for path, times in found.items() if times[-1][0] > now - LOOP_WINDOW}


def _alternating(switches: Mapping[str, tuple[tuple[float, str], ...]], now: float) -> str:
    """Return a file that went between the same two contents three times within a minute, "" for none (11.3)."""
    for path, times in switches.items():
        recent = [digest for at, digest in times if at > now - LOOP_WINDOW][-(LOOP_SWITCHES + 1) :]
        is_full = len(recent) == LOOP_SWITCHES + 1
        if is_full and len(set(recent)) == 2 and recent[0] == recent[2]:
            return path
    return ""


def settled_at(one: Watched, options: Options) -> float:
    """Return when it counts as saved, unless it changes again (sync.md 11.4)."""
    return one.since + max(options.settles, options.vanish if one.vanished else 0.0)


def is_settled(one: Watched, options: Options) -> bool:
    """Tell whether a look found it unchanged for long enough."""
    return one.confirmed >= settled_at(one, options)


def publishable_at(one: Watched, options: Options) -> float:
    """Return when its next version may be made: after the quiet period, the gap, and within the day's number."""
    at = max(settled_at(one, options), one.not_before)
    times = [time for time, _ in one.published]
    if times:
        at = max(at, times[-1] + options.gap)
    if options.daily is not None:
        today = [time for time in times if time > at - DAY]
        if len(today) >= options.daily:
            at = max(at, today[-options.daily] + DAY)
    return at


def with_publish(one: Watched, digest: str, now: float, options: Options) -> Watched:
    """Return an object that was just published; three times the same within ten minutes is a loop (11.3)."""
    kept = tuple(each for each in one.published if each[0] > now - DAY)
    published = (*kept[-(options.daily or 200) :], (now, digest))
    recent = [each for each in published if each[0] > now - REPEAT_WINDOW][-REPEATS:]
    repeats = len(recent) == REPEATS and len({each[1] for each in recent}) == 1
    return replace(
        one,
        pending=False,
        sent=one.seen.files,
        published=published,
        loops=one.loops
        or ("it was published three times with the same content" if repeats else ""),
        loops_until=now + QUARANTINE if repeats else one.loops_until,
    )


def withheld(one: Watched, now: float) -> str:
    """Return why an object that changed is not published now, "" when it may be (apart from settling)."""
    if one.seen.undone:
        return f"this save undoes {one.seen.undone}"
    if one.loops and now < one.loops_until:
        return one.loops
    return ""


def in_hand(seen: ObjectSeen, options: Options, wall: float) -> str:
    """Return why a pull must not write into an object's files now, "" when it may (sync.md 11.5).

    A time far in the future counts as old: clocks jump.
    """
    if seen.open_in:
        return f"an editor has it open ({seen.open_in[0]})"
    if abs(wall - seen.changed_at) < options.untouched:
        return "it was changed less than a minute ago"
    return ""


def in_hand_until(seen: ObjectSeen, options: Options) -> float:
    """Return when, in seconds since 1970, its files will have been untouched for long enough."""
    return seen.changed_at + options.untouched


def versions_left(number: int) -> str:
    """Return why an unattended publish over this version must not be made, "" when it may (A13)."""
    if number >= STOP_AT:
        return f"it has {number:,} of {VERSION_LIMIT:,} versions: the rest is for publishes by hand"
    return ""
