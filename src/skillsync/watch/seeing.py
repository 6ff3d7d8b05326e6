"""What events and looks make of the daemon's state: which folders changed, which are settled, where git stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from skillsync.watch.editors import is_passing
from skillsync.watch.guarding import changed_by_git, freed, guards_now
from skillsync.watch.settle import (
    QUARANTINE,
    Watched,
    first_seen,
    in_hand,
    in_hand_until,
    is_settled,
    seen_again,
)
from skillsync.watch.state import Held, Sides, State
from skillsync.watch.telling import Telling
from skillsync.watch.values import (
    INDEX_LOCK,
    Changed,
    GitSeen,
    Level,
    Looked,
    Moment,
    Notice,
    ObjectSeen,
    Options,
)

LEFT_LOCK = 600.0
"""Seconds after which somebody is asked about git's lock."""
HELD_LOOK = 10.0
"""Seconds after which a folder that an editor has open is looked at again."""


def changed(state: State, fact: Changed, now: Moment) -> State:
    """Note which folders an event was about; where none is known, everything is looked at."""
    if fact.paths is None:
        return replace(state, look_all=True)
    dirty, look_all = dict(state.dirty), state.look_all
    for path in fact.paths:
        if is_passing(path):
            continue
        directory = _object_of(path, state.objects)
        if directory is None:
            look_all = True
        else:
            dirty[directory] = now.mono
    return replace(state, dirty=dirty, look_all=look_all, look_git=state.look_git or fact.git)


def _object_of(path: str, objects: Mapping[str, Watched]) -> str | None:
    """Return the known folder that a path lies in, the nearest one; None: no object is known there."""
    while path:
        if path in objects:
            return path
        path = path.rpartition("/")[0]
    return "" if "" in objects else None


def looked(state: State, options: Options, now: Moment, fact: Looked, telling: Telling) -> State:
    """Take a look in: what is new, what changed and since when, what is gone, and what git did meanwhile."""
    asked = set(state.objects) | set(fact.objects) if fact.dirs is None else fact.dirs
    objects, recalls = dict(state.objects), state.wants_recall
    for directory in asked:
        seen, known = fact.objects.get(directory), objects.get(directory)
        changed_at = state.dirty.get(directory, now.mono)
        if seen is not None and known is not None:
            # A pointer that moves beside files that we published is our own doing.
            is_moved = seen.pointers != known.seen.pointers and seen.files != known.sent
            recalls = recalls or is_moved
            objects[directory] = seen_again(known, seen, changed_at=changed_at, now=now)
        elif seen is not None:
            published = state.remembered.get(directory, ())
            objects[directory] = replace(first_seen(seen, now), published=published)
        elif known is not None:
            _gone(objects, known, options, now)
    guards = guards_now(state, objects, fact, asked, now)
    is_freed = freed(objects, state.guards, guards)
    _tell_undone(objects, asked, telling)
    tell_loops(objects, asked, telling)
    looked_all = now.mono if fact.dirs is None else state.looked_all
    after = replace(
        state,
        objects=objects,
        started=True,
        dirty={}
        if fact.dirs is None
        else {directory: at for directory, at in state.dirty.items() if directory not in fact.dirs},
        look_all=is_freed or (state.look_all and fact.dirs is not None),
        look_git=False,
        git_moved=state.git_moved and fact.dirs is not None,
        by_git=changed_by_git(state, objects, fact, asked),
        looked=now.mono,
        looked_all=looked_all,
        guards=guards,
        wants_recall=recalls,
    )
    after = _held_again(after, options, now, asked)
    after = _settings(after, state, fact, telling)
    return _git(after, state, fact, now, telling)


def _gone(objects: dict[str, Watched], known: Watched, options: Options, now: Moment) -> None:
    """A folder that vanished counts as gone after a while and another look (11.4): saves may delete and create."""
    directory = known.seen.dir
    empty = ObjectSeen(directory, ())
    if known.seen.files or known.seen.pointers:
        objects[directory] = replace(
            known, seen=empty, since=now.mono, confirmed=now.mono, vanished=True, pending=True
        )
    elif not known.pending and is_settled(known, options):
        del objects[directory]
    else:
        objects[directory] = replace(known, confirmed=now.mono)


def _tell_undone(objects: Mapping[str, Watched], asked: Iterable[str], telling: Telling) -> None:
    for directory in asked:
        one = objects.get(directory)
        key = f"undone:{directory}"
        if one is None or not one.seen.undone:
            telling.forget(key)
            continue
        words = f"this save undoes {one.seen.undone}: not published, both texts are kept"
        fix = f"skillsync diff {directory}; skillsync push {directory} publishes it all the same"
        telling.tell(key, Notice(Level.PERSON, "stale", directory, words, "W-UNDOES-PULL", fix))


def tell_loops(objects: Mapping[str, Watched], asked: Iterable[str], telling: Telling) -> None:
    """Say which of these folders are left alone because they go back and forth (11.3)."""
    for directory in asked:
        one = objects.get(directory)
        key = f"loop:{directory}"
        if one is None or not one.loops:
            telling.forget(key)
            continue
        words = f"{one.loops}: left alone until it has been quiet for {QUARANTINE / 60:.0f} minutes"
        fix = "is another program writing this file?"
        telling.tell(key, Notice(Level.PERSON, "loop", directory, words, "W-LOOP", fix))


def _held_again(state: State, options: Options, now: Moment, asked: Iterable[str]) -> State:
    """Let go of folders that nobody has in hand any more; the pull that passed them by is made up for."""
    looked, held, freed = set(asked), dict(state.held), set[str]()
    for directory in looked & held.keys():
        one = state.objects.get(directory)
        reason = in_hand(one.seen, options, now.wall) if one is not None else ""
        if reason or (one is not None and not is_settled(one, options)):
            held[directory] = held_until(one, reason or held[directory].reason, options, now)
        else:
            del held[directory]
            freed.add(directory)
    if not freed:
        return replace(state, held=held)
    return replace(state, held=held, wants_pull=True, dealt=_without(state, freed))


def _without(state: State, dirs: set[str]) -> Sides | None:
    """Return what was dealt with but for some folders; None when one is not there yet, and may be anything."""
    if state.dealt is None or not dirs <= state.objects.keys():
        return None
    kept = {at: one for at, one in state.dealt.folders.items() if at not in dirs}
    return replace(state.dealt, folders=kept)


def held_until(one: Watched | None, reason: str, options: Options, now: Moment) -> Held:
    """Return a folder that a pull left alone, to be looked at again soon, or right when its minute has passed."""
    at = now.mono + HELD_LOOK
    if one is not None and not one.seen.open_in:
        until = now.mono + in_hand_until(one.seen, options) - now.wall
        if until > now.mono:
            at = min(at, until + 0.02) if until - now.mono < HELD_LOOK else at
    return Held(reason, at)


def _settings(state: State, before: State, fact: Looked, telling: Telling) -> State:
    if before.started and before.settings != fact.settings:
        telling.say(Level.INFO, "settings", "skillsync.toml changed: it is read again")
        return replace(
            state,
            settings=fact.settings,
            dealt=None,
            wants_pull=True,
            look_all=True,  # what told of it looked where the settings before say
        )
    return replace(state, settings=fact.settings)


def _git(state: State, before: State, fact: Looked, now: Moment, telling: Telling) -> State:
    git = fact.git
    since = None
    if git.operations:
        since = now.mono if state.busy_since is None else state.busy_since
        telling.tell("git", _busy_words(git, now.mono - since))
    elif telling.forget("git"):
        telling.say(Level.INFO, "git", "git is done: going on")
    state = replace(state, git=git, busy_since=since)
    if not before.started:
        return replace(state, head_since=now.mono)
    if git.place == before.git.place:
        return state
    where = git.branch or "a detached HEAD"
    words = f"HEAD is now {(git.head or 'unborn')[:10]} on {where}"
    telling.say(Level.INFO, "git", words)
    # Whatever was planned is void: look at everything, compare again, and publish only what settles from here on.
    return replace(
        state,
        look_all=fact.dirs is not None or state.look_all,
        git_moved=fact.dirs is not None,
        wants_pull=True,
        dealt=None,
        head_since=now.mono,
        publish_after=now.mono + 1.0,
        publish_failures=0,
    )


def _busy_words(git: GitSeen, seconds: float) -> Notice:
    """Say what is waited for, and what to do about a lock that a command which died left behind."""
    words = f"git is in the middle of something ({', '.join(git.operations)}): waiting"
    if git.operations != (INDEX_LOCK,) or seconds < LEFT_LOCK:
        return Notice(Level.INFO, "git", "", words)
    words = f".git/{INDEX_LOCK} has been there for more than {LEFT_LOCK / 60:.0f} minutes, and is waited for"
    return Notice(Level.PERSON, "git", "git", words, "", f"rm .git/{INDEX_LOCK}, if no git runs")
