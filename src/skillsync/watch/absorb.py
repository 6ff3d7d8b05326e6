"""What a step's outcome makes of the daemon's state, and what is said about it: the other half of the machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from skillsync.watch.guarding import beside_our_pointers, recalled
from skillsync.watch.pace import next_poll, pause_after
from skillsync.watch.seeing import changed, held_until, looked, tell_loops
from skillsync.watch.settle import (
    WARN_AT,
    Watched,
    with_publish,
)
from skillsync.watch.state import Guard, State
from skillsync.watch.telling import Telling
from skillsync.watch.values import (
    Changed,
    Fact,
    Level,
    Looked,
    Moment,
    Notice,
    Options,
    Polled,
    Published,
    Pulled,
    Recalled,
    Reported,
    StopAsked,
    Trouble,
    Woken,
)

JUMP = 10.0
"""Seconds by which the two clocks must disagree before we believe that the machine slept or its clock was set."""
WHOLE = 600.0
"""Seconds after which a pull that looked at a few objects is followed by one that looks at everything.

Where a pull left something open, everything is looked at again as often.
"""
REFUSED_PAUSE = 60.0
"""Seconds after which it is looked again whether this branch may be published."""


def absorb(
    state: State, options: Options, now: Moment, fact: Fact, *, chance: float = 0.0
) -> tuple[State, tuple[Notice, ...]]:
    """Return the state after ``fact``, and what is to be said. ``chance`` in [0, 1) spreads polls."""
    telling = Telling(dict(state.said))
    state = _after_jump(state, now, telling)
    match fact:
        case Changed():
            state = changed(state, fact, now)
        case Looked():
            state = looked(state, options, now, fact, telling)
        case Recalled():
            state = recalled(state, options, now, fact)
        case Polled():
            state = _polled(state, options, now, fact, telling, chance=chance)
        case Pulled():
            state = _pulled(state, options, now, fact, telling)
        case Published():
            state = _published(state, options, now, fact, telling)
        case Reported():
            telling.report("local", fact.said)
            state = replace(state, objects=_not_pending(state.objects, fact.ready))
        case Trouble():
            state = _trouble(state, options, now, fact, telling, chance=chance)
        case StopAsked():
            state = replace(state, stopping=True)
        case Woken():
            pass
        case _:
            assert_never(fact)
    return replace(state, said=telling.said), tuple(telling.notices)


def _after_jump(state: State, now: Moment, telling: Telling) -> State:
    """A machine that slept, or whose clock was set, only makes a poll late: look at everything, and ask."""
    slept = (now.wall - state.last_wall) - (now.mono - state.last_mono)
    seen = replace(state, last_wall=now.wall, last_mono=now.mono)
    if not state.started or abs(slept) <= JUMP:
        return seen
    telling.say(
        Level.INFO, "clock", "the clock jumped, or this machine slept: looking at everything"
    )
    return replace(seen, look_all=True, next_poll=now.mono, poll_failures=0)


# ---------------------------------------------------------------- the steps


def _polled(
    state: State, options: Options, now: Moment, fact: Polled, telling: Telling, *, chance: float
) -> State:
    if telling.forget("trouble:poll"):
        telling.say(Level.INFO, "remote", "the server answers again")
    pause = next_poll(options, failures=0, least=fact.least, chance=chance)
    state = replace(state, polled=fact.lists)
    # What a pull could not do may be possible since, though neither list nor files say so.
    is_due = state.left_open and now.mono >= state.pulled_all + WHOLE
    return replace(
        state,
        next_poll=now.mono + pause,
        poll_failures=0,
        wants_pull=state.wants_pull or is_due or state.dealt != state.sides,
        dealt=None if is_due else state.dealt,
        counts=replace(state.counts, polls=state.counts.polls + 1),
    )


def _pulled(state: State, options: Options, now: Moment, fact: Pulled, telling: Telling) -> State:
    telling.forget("trouble:pull")
    looked_at = fact.looked_at
    telling.report(
        "pull", fact.said, covers=lambda name: looked_at is None or name in looked_at.names
    )
    written = sum(line.changed for line in fact.said)
    held = {
        directory: held
        for directory, held in state.held.items()
        if looked_at is not None and directory not in looked_at.dirs
    } | {
        directory: held_until(state.objects.get(directory), reason, options, now)
        for directory, reason in fact.held.items()
    }
    fresh = {(taken.dir, taken.path) for taken in fact.taken_in}
    kept = [guard for guard in state.guards if (guard.taken.dir, guard.taken.path) not in fresh]
    guards = beside_our_pointers(kept, {taken.dir for taken in fact.taken_in})
    guards += [Guard(taken, now.mono + options.stale) for taken in fact.taken_in]
    failures = state.pull_failures + 1 if fact.retry else 0
    pulled_all = now.mono if looked_at is None else state.pulled_all
    # Where it may have written is looked at; a skill that is new lies nobody knows where.
    all_here = looked_at is not None and len(looked_at.names) == len(looked_at.dirs)
    changed_dirs = looked_at.dirs & state.objects.keys() if looked_at and all_here else frozenset()
    # What hurried is done; now and then the rest is looked at as well, though nothing says that it changed.
    again = fact.retry or now.mono >= pulled_all + WHOLE
    return replace(
        state,
        wants_pull=again,
        pulled_all=pulled_all,
        left_open=bool(fact.exit) or (looked_at is not None and state.left_open),
        pull_failures=failures,
        pull_after=now.mono + pause_after(failures, options) if fact.retry else state.pull_after,
        dealt=None if again else state.sides,
        held=held,
        guards=tuple(guards),
        look_all=state.look_all or (bool(written) and not changed_dirs),
        dirty={**state.dirty, **dict.fromkeys(changed_dirs, now.mono)} if written else state.dirty,
        counts=replace(
            state.counts, pulls=state.counts.pulls + 1, written=state.counts.written + written
        ),
    )


def _published(
    state: State, options: Options, now: Moment, fact: Published, telling: Telling
) -> State:
    telling.forget("trouble:publish")
    telling.report("push", fact.said, covers=lambda name: name not in fact.passed_by)
    objects = dict(state.objects)
    kept = {directory: one.after for directory, one in fact.held.items() if directory in objects}
    if not fact.retry:
        done = set(objects if fact.ready is None else fact.ready)
        done -= {directory for directory, after in kept.items() if after < math.inf}
        objects = _not_pending(objects, done)
    for directory, after in kept.items():
        if 0.0 < after < math.inf:
            objects[directory] = replace(objects[directory], not_before=now.mono + after)
    for directory, sent in fact.sent.items():
        if directory in objects:
            objects[directory] = with_publish(objects[directory], sent.digest, now.mono, options)
        _warn_of_versions(sent.subject, sent.number + 1, telling)
    tell_loops(objects, fact.sent, telling)
    waits = fact.retry or (options.team and bool(fact.held))
    failures = state.publish_failures + 1 if waits else 0
    # What was not as it had settled is looked at again.
    moved = {directory for directory, after in kept.items() if not (after or options.team)}
    return replace(
        state,
        objects=objects,
        guards=tuple(beside_our_pointers(state.guards, fact.sent)),
        dirty={**state.dirty, **dict.fromkeys(moved, now.mono)},
        publish_failures=failures,
        publish_after=now.mono + pause_after(failures, options) if waits else state.publish_after,
        head_since=state.head_since if waits else None,
        wants_pull=state.wants_pull or fact.blocked,
        dealt=None if fact.blocked else state.dealt,
        counts=replace(state.counts, published=state.counts.published + len(fact.sent)),
    )


def _warn_of_versions(subject: str, number: int, telling: Telling) -> None:
    if number >= WARN_AT:
        words = f"it has {number:,} of 2,000 versions; unattended publishing stops at 1,900"
        notice = Notice(
            Level.WARNING,
            "budget",
            subject,
            words,
            "W-VERSION-BUDGET",
            "skillsync explain W-VERSION-BUDGET",
        )
        telling.tell(f"versions:{subject}", notice, words="near the limit")


def _not_pending(objects: Mapping[str, Watched], done: Iterable[str]) -> dict[str, Watched]:
    found = dict(objects)
    for directory in done:
        if directory in found and found[directory].pending:
            found[directory] = replace(found[directory], pending=False)
    return found


def _trouble(
    state: State, options: Options, now: Moment, fact: Trouble, telling: Telling, *, chance: float
) -> State:
    if not fact.brief:
        level = Level.WARNING if fact.waits else Level.PERSON
        notice = Notice(level, "trouble", fact.step, fact.message, fact.code, fact.fix)
        telling.tell(f"trouble:{fact.step}", notice, words=fact.code)
    state = replace(state, counts=replace(state.counts, failures=state.counts.failures + 1))
    match fact.step:
        case "poll":
            failures = state.poll_failures + 1
            pause = next_poll(options, failures=failures, least=0.0, chance=chance)
            return replace(
                state, poll_failures=failures, next_poll=now.mono + max(pause, fact.retry_after)
            )
        case "pull":
            failures = state.pull_failures + 1
            pause = _pause(fact, failures, options)
            return replace(
                state, wants_pull=True, pull_failures=failures, pull_after=now.mono + pause
            )
        case "publish":
            failures = state.publish_failures + 1
            pause = REFUSED_PAUSE if fact.code == "E-REFUSED" else _pause(fact, failures, options)
            return replace(state, publish_failures=failures, publish_after=now.mono + pause)
        case "report":
            return replace(state, objects=_not_pending(state.objects, state.objects))
        case "recall":
            return replace(state, wants_recall=False)
        case _:  # a look: what could not be looked at is looked at again
            return replace(state, looked=now.mono, looked_all=now.mono, look_all=False)


def _pause(fact: Trouble, failures: int, options: Options) -> float:
    return 1.0 if fact.brief else max(pause_after(failures, options), fact.retry_after)
