"""The daemon as a pure state machine: what to do next, and what a step's outcome makes of the state (sync.md 11).

``decide`` looks at the state and the time and names one action; the shell carries it out and hands what happened to
``absorb``. Neither touches a disk, a network or a clock.
"""

from __future__ import annotations

from skillsync.watch.settle import Watched, is_settled, publishable_at, settled_at, withheld
from skillsync.watch.state import State
from skillsync.watch.values import (
    Action,
    Look,
    Moment,
    Options,
    Poll,
    Publish,
    Pull,
    Recall,
    Report,
    Stop,
    Wait,
)

COALESCE = 0.1
"""Seconds that events are collected before a look; as much lies between two looks."""
BUSY_LOOK = 1.0
LONG_BUSY_LOOK = 5.0
LONG_BUSY = 60.0
"""Seconds between two looks at git while it is busy, and when it has been for long; its events are heard as well."""
REST = 1.0
"""Seconds between two looks at everything, whatever events say."""


def decide(state: State, options: Options, now: Moment) -> Action:
    """Return the next action. Looking comes first: nothing is decided about files that may have changed since."""
    if state.stopping:
        return Stop()
    if (look := _look(state, options, now)) is not None:
        return look
    if state.wants_recall:
        return Recall()
    if now.mono >= state.next_poll:
        return Poll()
    if not (state.is_busy or state.look_all):
        if state.wants_pull and now.mono >= state.pull_after:
            return Pull(unsettled(state, options), state.git, state.changes)
        if (send := _send(state, options, now)) is not None:
            return send
    return Wait(max(_wake(state, options), now.mono + 0.01))


def unsettled(state: State, options: Options) -> frozenset[str]:
    """Return the folders that are being saved: a pull leaves them alone."""
    changing = {
        directory for directory, one in state.objects.items() if not is_settled(one, options)
    }
    return frozenset({*changing, *state.dirty})


# ---------------------------------------------------------------- looking


def _look(state: State, options: Options, now: Moment) -> Look | None:
    is_due = state.look_all or now.mono >= state.looked_all + options.scan
    if is_due and now.mono >= state.looked_all + REST:
        return _look_at(state, None)
    if now.mono < state.looked + COALESCE:
        return None
    due = {directory for directory, at in state.dirty.items() if now.mono >= at + COALESCE}
    due |= {
        directory
        for directory, one in state.objects.items()
        if one.pending and one.confirmed < settled_at(one, options) <= now.mono
    }
    due |= {directory for directory, held in state.held.items() if now.mono >= held.look_at}
    is_git_due = state.look_git or (state.is_busy and now.mono >= state.looked + _busy_look(state))
    if due or is_git_due:
        return _look_at(state, frozenset(due))
    return None


def _busy_look(state: State) -> float:
    is_long = state.busy_since is not None and state.looked - state.busy_since >= LONG_BUSY
    return LONG_BUSY_LOOK if is_long else BUSY_LOOK


def _look_at(state: State, dirs: frozenset[str] | None) -> Look:
    known = {
        directory: one.seen
        for directory, one in state.objects.items()
        if dirs is None or directory in dirs
    }
    guarded = tuple(
        guard.taken for guard in state.guards if dirs is None or guard.taken.dir in dirs
    )
    return Look(dirs, known, guarded)


# ---------------------------------------------------------------- sending


def _send(state: State, options: Options, now: Moment) -> Publish | Report | None:
    if not options.publish:
        ready = frozenset(
            directory
            for directory, one in state.objects.items()
            if one.pending and is_settled(one, options) and directory not in state.dirty
        )
        return Report(ready) if ready else None
    if now.mono < state.publish_after:
        return None
    if options.team:
        since = state.head_since
        is_due = since is not None and now.mono >= since + options.settles
        return Publish(None, not_now(state, options, now), state.git) if is_due else None
    why = not_now(state, options, now)
    objects = {
        directory: one.seen
        for directory, one in state.objects.items()
        if one.pending and is_settled(one, options) and directory not in {*why, *state.dirty}
    }
    return Publish(objects, why, state.git) if objects else None


def not_now(state: State, options: Options, now: Moment) -> dict[str, str]:
    """Return why objects that changed are not published now: budgets, loops, saves that undo a pull."""
    found = {}
    for directory, one in state.objects.items():
        if reason := withheld(one, now.mono):
            found[directory] = reason
        elif (one.pending or options.team) and (
            wait := publishable_at(one, options) - now.mono
        ) > 0:
            found[directory] = _budget_words(wait, is_settled(one, options))
    return found


def _budget_words(wait: float, settled: bool) -> str:
    if not settled:
        return "it was changed a moment ago"
    minutes = wait / 60
    return f"its next version may be made in {f'{minutes:.0f} min' if minutes >= 1 else f'{wait:.0f} s'}"


# ---------------------------------------------------------------- waiting


def _wake(state: State, options: Options) -> float:
    """Return when there may be something to do, if nothing happens before."""
    times = [state.looked_all + options.scan, state.next_poll]
    if state.look_all:
        times.append(state.looked_all + REST)
    after = state.looked + COALESCE
    times += [max(at + COALESCE, after) for at in state.dirty.values()]
    if state.look_git:
        times.append(after)
    if state.is_busy:
        times.append(state.looked + _busy_look(state))
        return min(times)
    times += [max(held.look_at, after) for held in state.held.values()]
    if state.wants_pull:
        times.append(state.pull_after)
    times += [
        max(at, after)
        for one in state.objects.values()
        if one.pending and (at := _due(one, state, options)) is not None
    ]
    if options.team and options.publish and state.head_since is not None:
        times.append(max(state.head_since + options.settles, state.publish_after))
    return min(times)


def _due(one: Watched, state: State, options: Options) -> float | None:
    """Return when an object that changed is looked at or sent; None: not before it changes again."""
    if not is_settled(one, options):
        return settled_at(one, options)
    if not options.publish:
        return 0.0
    if options.team or one.seen.undone:
        return None
    at = max(publishable_at(one, options), state.publish_after)
    return max(at, one.loops_until) if one.loops else at
