"""Keeps the guards against old buffers: which of them still mean something after a look, a step of ours, a start (R12)."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import replace

from skillsync.watch.settle import Watched
from skillsync.watch.stale import guards_after
from skillsync.watch.state import Guard, State
from skillsync.watch.values import Looked, Moment, Options, Recalled


def guards_now(
    before: State, objects: Mapping[str, Watched], fact: Looked, asked: Collection[str], now: Moment
) -> tuple[Guard, ...]:
    """Keep the guards that still mean something: until they expire, or git moved the file, alone or with its pointer."""
    moves = fact.git.place != before.git.place
    kept = []
    for guard in before.guards:
        directory = guard.taken.dir
        one = objects.get(directory)
        if one is None or (now.mono >= guard.until and not one.seen.undone):
            continue
        if (moves and directory in before.by_git) or (
            (moves or before.git_moved) and directory in changed_dirs(before, objects, [directory])
        ):
            continue
        if directory in asked:
            if guard.pointers is None:
                guard = replace(guard, pointers=one.seen.pointers)
            elif guard.pointers != one.seen.pointers:
                continue
        kept.append(guard)
    return tuple(kept)


def changed_by_git(
    before: State, objects: Mapping[str, Watched], fact: Looked, asked: Collection[str]
) -> frozenset[str]:
    """Return the folders whose files changed while git was at work: its doing, if HEAD then turns out to be another."""
    is_busy = bool(before.is_busy or fact.git.operations)
    if fact.git.place != before.git.place or (fact.dirs is None and not is_busy):
        return frozenset()
    return before.by_git | (changed_dirs(before, objects, asked) if is_busy else frozenset())


def changed_dirs(
    before: State, objects: Mapping[str, Watched], asked: Iterable[str]
) -> frozenset[str]:
    """Return which of these folders hold other files than before."""
    return frozenset(
        at
        for at in asked
        if (one := objects.get(at)) is not None
        and (known := before.objects.get(at)) is not None
        and known.seen.files != one.seen.files
    )


def freed(objects: dict[str, Watched], before: Iterable[Guard], kept: Collection[Guard]) -> bool:
    """Take back what guards that mean nothing any more said in this look; returns whether another one is needed."""
    held = {(guard.taken.dir, guard.taken.path) for guard in kept}
    ended = {guard.taken.dir for guard in before if (guard.taken.dir, guard.taken.path) not in held}
    undone = [one for at in ended if (one := objects.get(at)) is not None and one.seen.undone]
    for one in undone:
        objects[one.seen.dir] = replace(one, seen=replace(one.seen, undone=""))
    return bool(undone)


def beside_our_pointers(guards: Iterable[Guard], dirs: Container[str]) -> list[Guard]:
    """Return the guards, of which those of folders whose pointer we wrote are not ended by that."""
    return [replace(guard, pointers=None) if guard.taken.dir in dirs else guard for guard in guards]


def recalled(state: State, options: Options, now: Moment, fact: Recalled) -> State:
    """Guard against buffers that are older than pulls we did not make, and look whether one was saved already."""
    known = {(guard.taken.dir, guard.taken.path) for guard in state.guards}
    new = [
        guard
        for guard in guards_after(fact.pulls, options, now)
        if (guard.taken.dir, guard.taken.path) not in known
    ]
    return replace(
        state,
        wants_recall=False,
        guards=(*state.guards, *new),
        look_all=state.look_all or bool(new),
    )
