"""What a step's outcome makes of the daemon's state, and what is said about it: the other half of the machine."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from skillsync.watch.editors import is_passing
from skillsync.watch.pace import next_poll, pause_after
from skillsync.watch.settle import (
    QUARANTINE,
    WARN_AT,
    Watched,
    first_seen,
    in_hand,
    in_hand_until,
    is_settled,
    seen_again,
    with_publish,
)
from skillsync.watch.stale import guards_after
from skillsync.watch.state import Guard, Held, Sides, State
from skillsync.watch.values import (
    Changed,
    Fact,
    Level,
    Looked,
    Moment,
    Notice,
    ObjectSeen,
    Options,
    Polled,
    Published,
    Pulled,
    Recalled,
    Reported,
    Said,
    StopAsked,
    Trouble,
    Woken,
)

JUMP = 10.0
"""Seconds by which the two clocks must disagree before we believe that the machine slept or its clock was set."""
HELD_LOOK = 10.0
"""Seconds after which a folder that an editor has open is looked at again."""
WHOLE = 600.0
"""Seconds after which a pull that looked at a few objects is followed by one that looks at everything."""
REFUSED_PAUSE = 60.0
"""Seconds after which it is looked again whether this branch may be published."""


@dataclass(slots=True)
class _Telling:
    """What was said before and what is said now: nothing twice, unless the words changed."""

    said: dict[str, str]
    notices: list[Notice] = field(default_factory=list)

    def tell(self, key: str, words: str, notice: Notice) -> None:
        if self.said.get(key) != words:
            self.said[key] = words
            self.notices.append(notice)

    def forget(self, key: str) -> bool:
        return self.said.pop(key, None) is not None

    def report(
        self, prefix: str, lines: Iterable[Said], *, complete: Collection[str] | None = None
    ) -> None:
        """Tell an engine's report, which is about all objects (None) or about those of ``complete``.

        What was said of them and is not in it any more may be told again.
        """
        kept = set()
        for line in lines:
            key = f"{prefix}:{line.key}"
            level = Level.PERSON if line.person else Level.INFO
            kept.add(key)
            notice = Notice(level, prefix, line.key, line.words, line.code, line.fix)
            if line.changed:
                self.notices.append(notice)  # each deed is told
            else:
                self.tell(key, f"{line.words} {line.code}", notice)
        about = None if complete is None else {f"{prefix}:{subject}" for subject in complete}
        for key in [*self.said]:
            if key.startswith(f"{prefix}:") and key not in kept and (about is None or key in about):
                del self.said[key]


def absorb(
    state: State, options: Options, now: Moment, fact: Fact, *, chance: float = 0.0
) -> tuple[State, tuple[Notice, ...]]:
    """Return the state after ``fact``, and what is to be said. ``chance`` in [0, 1) spreads polls."""
    telling = _Telling(dict(state.said))
    state = _after_jump(state, now, telling)
    match fact:
        case Changed():
            state = _changed(state, fact, now)
        case Looked():
            state = _looked(state, options, now, fact, telling)
        case Recalled():
            state = _recalled(state, options, now, fact)
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


def _after_jump(state: State, now: Moment, telling: _Telling) -> State:
    """A machine that slept, or whose clock was set, only makes a poll late: look at everything, and ask."""
    slept = (now.wall - state.last_wall) - (now.mono - state.last_mono)
    seen = replace(state, last_wall=now.wall, last_mono=now.mono)
    if not state.started or abs(slept) <= JUMP:
        return seen
    telling.notices.append(
        Notice(
            Level.INFO,
            "clock",
            "",
            "the clock jumped, or this machine slept: looking at everything",
        )
    )
    return replace(seen, look_all=True, next_poll=now.mono, poll_failures=0)


# ---------------------------------------------------------------- looking


def _changed(state: State, fact: Changed, now: Moment) -> State:
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


def _looked(state: State, options: Options, now: Moment, fact: Looked, telling: _Telling) -> State:
    asked = set(state.objects) | set(fact.objects) if fact.dirs is None else fact.dirs
    objects, recalls = dict(state.objects), state.wants_recall
    for directory in asked:
        seen, known = fact.objects.get(directory), objects.get(directory)
        changed_at = state.dirty.get(directory, now.mono)
        if seen is not None and known is not None:
            recalls = recalls or seen.pointers != known.seen.pointers
            objects[directory] = seen_again(known, seen, changed_at=changed_at, now=now)
        elif seen is not None:
            published = state.remembered.get(directory, ())
            objects[directory] = replace(first_seen(seen, now), published=published)
        elif known is not None:
            _gone(objects, known, options, now)
    guards = _guards(state, objects, fact, asked, now)
    freed = _freed(objects, state.guards, guards)
    _tell_undone(objects, asked, telling)
    _tell_loops(objects, asked, telling)
    looked_all = now.mono if fact.dirs is None else state.looked_all
    after = replace(
        state,
        objects=objects,
        started=True,
        dirty={}
        if fact.dirs is None
        else {directory: at for directory, at in state.dirty.items() if directory not in fact.dirs},
        look_all=freed or (state.look_all and fact.dirs is not None),
        look_git=False,
        git_moved=state.git_moved and fact.dirs is not None,
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


def _guards(
    before: State, objects: Mapping[str, Watched], fact: Looked, asked: Iterable[str], now: Moment
) -> tuple[Guard, ...]:
    """Keep the guards that still mean something: until they expire, or git moved the file, alone or with its pointer."""
    looked, git = set(asked), fact.git
    has_moved = before.git_moved or git.place != before.git.place
    is_git_moving = bool(has_moved or before.is_busy or git.operations)
    kept = []
    for guard in before.guards:
        directory = guard.taken.dir
        one, known = objects.get(directory), before.objects.get(directory)
        if one is None or (now.mono >= guard.until and not one.seen.undone):
            continue
        if is_git_moving and known is not None and known.seen.files != one.seen.files:
            continue
        if directory in looked:
            if guard.pointers is None:
                guard = replace(guard, pointers=one.seen.pointers)
            elif guard.pointers != one.seen.pointers:
                continue
        kept.append(guard)
    return tuple(kept)


def _freed(objects: dict[str, Watched], before: Iterable[Guard], kept: Collection[Guard]) -> bool:
    """Take back what guards that mean nothing any more said in this look; returns whether another one is needed."""
    held = {(guard.taken.dir, guard.taken.path) for guard in kept}
    freed = {guard.taken.dir for guard in before if (guard.taken.dir, guard.taken.path) not in held}
    undone = [one for at in freed if (one := objects.get(at)) is not None and one.seen.undone]
    for one in undone:
        objects[one.seen.dir] = replace(one, seen=replace(one.seen, undone=""))
    return bool(undone)


def _beside_our_pointers(guards: Iterable[Guard], dirs: Container[str]) -> list[Guard]:
    """Return the guards, of which those of folders whose pointer we wrote are not ended by that."""
    return [replace(guard, pointers=None) if guard.taken.dir in dirs else guard for guard in guards]


def _tell_undone(objects: Mapping[str, Watched], asked: Iterable[str], telling: _Telling) -> None:
    for directory in asked:
        one = objects.get(directory)
        key = f"undone:{directory}"
        if one is None or not one.seen.undone:
            telling.forget(key)
            continue
        words = f"this save undoes {one.seen.undone}: not published, both texts are kept"
        fix = f"skillsync diff {directory}; skillsync push {directory} publishes it all the same"
        telling.tell(
            key, words, Notice(Level.PERSON, "stale", directory, words, "W-UNDOES-PULL", fix)
        )


def _tell_loops(objects: Mapping[str, Watched], asked: Iterable[str], telling: _Telling) -> None:
    for directory in asked:
        one = objects.get(directory)
        if one is not None and one.loops:
            words = (
                f"{one.loops}: left alone until it has been quiet for {QUARANTINE / 60:.0f} minutes"
            )
            notice = Notice(
                Level.PERSON,
                "loop",
                directory,
                words,
                "W-LOOP",
                "is another program writing this file?",
            )
            telling.tell(f"loop:{directory}", words, notice)


def _held_again(state: State, options: Options, now: Moment, asked: Iterable[str]) -> State:
    """Let go of folders that nobody has in hand any more; the pull that passed them by is made up for."""
    looked, held, freed = set(asked), dict(state.held), set[str]()
    for directory in looked & held.keys():
        one = state.objects.get(directory)
        reason = in_hand(one.seen, options, now.wall) if one is not None else ""
        if reason or (one is not None and not is_settled(one, options)):
            held[directory] = _held(one, reason or held[directory].reason, options, now)
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


def _held(one: Watched | None, reason: str, options: Options, now: Moment) -> Held:
    at = now.mono + HELD_LOOK
    if one is not None and not one.seen.open_in:
        until = now.mono + in_hand_until(one.seen, options) - now.wall
        if until > now.mono:
            at = min(at, until + 0.02) if until - now.mono < HELD_LOOK else at
    return Held(reason, at)


def _settings(state: State, before: State, fact: Looked, telling: _Telling) -> State:
    if before.started and before.settings != fact.settings:
        telling.notices.append(
            Notice(Level.INFO, "settings", "", "skillsync.toml changed: it is read again")
        )
        return replace(
            state,
            settings=fact.settings,
            dealt=None,
            wants_pull=True,
            look_all=fact.dirs is not None,
        )
    return replace(state, settings=fact.settings)


def _git(state: State, before: State, fact: Looked, now: Moment, telling: _Telling) -> State:
    git = fact.git
    if git.operations:
        words = f"git is in the middle of something ({', '.join(git.operations)}): waiting"
        telling.tell("git", words, Notice(Level.INFO, "git", "", words))
    elif telling.forget("git"):
        telling.notices.append(Notice(Level.INFO, "git", "", "git is done: going on"))
    state = replace(state, git=git)
    if not before.started:
        return replace(state, head_since=now.mono)
    if git.place == before.git.place:
        return state
    where = git.branch or "a detached HEAD"
    words = f"HEAD is now {(git.head or 'unborn')[:10]} on {where}"
    telling.notices.append(Notice(Level.INFO, "git", "", words))
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


# ---------------------------------------------------------------- the steps


def _recalled(state: State, options: Options, now: Moment, fact: Recalled) -> State:
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


def _polled(
    state: State, options: Options, now: Moment, fact: Polled, telling: _Telling, *, chance: float
) -> State:
    if telling.forget("trouble:poll"):
        telling.notices.append(Notice(Level.INFO, "remote", "", "the server answers again"))
    pause = next_poll(options, failures=0, least=fact.least, chance=chance)
    state = replace(state, polled=fact.lists)
    return replace(
        state,
        next_poll=now.mono + pause,
        poll_failures=0,
        wants_pull=state.wants_pull or state.dealt != state.sides,
        counts=replace(state.counts, polls=state.counts.polls + 1),
    )


def _pulled(state: State, options: Options, now: Moment, fact: Pulled, telling: _Telling) -> State:
    telling.forget("trouble:pull")
    looked_at = fact.looked_at
    telling.report("pull", fact.said, complete=looked_at.names if looked_at else None)
    written = sum(line.changed for line in fact.said)
    held = {
        directory: held
        for directory, held in state.held.items()
        if looked_at is not None and directory not in looked_at.dirs
    } | {
        directory: _held(state.objects.get(directory), reason, options, now)
        for directory, reason in fact.held.items()
    }
    fresh = {(taken.dir, taken.path) for taken in fact.taken_in}
    kept = [guard for guard in state.guards if (guard.taken.dir, guard.taken.path) not in fresh]
    guards = _beside_our_pointers(kept, {taken.dir for taken in fact.taken_in})
    guards += [Guard(taken, now.mono + options.stale) for taken in fact.taken_in]
    failures = state.pull_failures + 1 if fact.retry else 0
    pulled_all = now.mono if looked_at is None else state.pulled_all
    # What hurried is done; now and then the rest is looked at as well, though nothing says that it changed.
    again = fact.retry or now.mono >= pulled_all + WHOLE
    return replace(
        state,
        wants_pull=again,
        pulled_all=pulled_all,
        pull_failures=failures,
        pull_after=now.mono + pause_after(failures, options) if fact.retry else state.pull_after,
        dealt=None if again else state.sides,
        held=held,
        guards=tuple(guards),
        look_all=state.look_all or bool(written),
        counts=replace(
            state.counts, pulls=state.counts.pulls + 1, written=state.counts.written + written
        ),
    )


def _published(
    state: State, options: Options, now: Moment, fact: Published, telling: _Telling
) -> State:
    telling.forget("trouble:publish")
    telling.report("push", fact.said, complete=())
    objects = dict(state.objects)
    if not fact.retry:
        done = set(objects if fact.ready is None else fact.ready) - fact.held.keys()
        objects = _not_pending(objects, done)
    for directory, sent in fact.sent.items():
        if directory in objects:
            objects[directory] = with_publish(objects[directory], sent.digest, now.mono, options)
        _warn_of_versions(sent.subject, sent.number + 1, telling)
    _tell_loops(objects, fact.sent, telling)
    waits = fact.retry or (options.team and bool(fact.held))
    failures = state.publish_failures + 1 if waits else 0
    # What was not as it had settled is looked at again.
    again = {} if options.team else dict.fromkeys(fact.held, now.mono)
    return replace(
        state,
        objects=objects,
        guards=tuple(_beside_our_pointers(state.guards, fact.sent)),
        dirty={**state.dirty, **{one: at for one, at in again.items() if one in objects}},
        publish_failures=failures,
        publish_after=now.mono + pause_after(failures, options) if waits else state.publish_after,
        head_since=state.head_since if waits else None,
        wants_pull=state.wants_pull or fact.blocked,
        dealt=None if fact.blocked else state.dealt,
        counts=replace(state.counts, published=state.counts.published + len(fact.sent)),
    )


def _warn_of_versions(subject: str, number: int, telling: _Telling) -> None:
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
        telling.tell(f"versions:{subject}", "near the limit", notice)


def _not_pending(objects: Mapping[str, Watched], done: Iterable[str]) -> dict[str, Watched]:
    found = dict(objects)
    for directory in done:
        if directory in found and found[directory].pending:
            found[directory] = replace(found[directory], pending=False)
    return found


def _trouble(
    state: State, options: Options, now: Moment, fact: Trouble, telling: _Telling, *, chance: float
) -> State:
    if not fact.brief:
        level = Level.WARNING if fact.waits else Level.PERSON
        notice = Notice(level, "trouble", fact.step, fact.message, fact.code, fact.fix)
        telling.tell(f"trouble:{fact.step}", f"{fact.code}", notice)
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
