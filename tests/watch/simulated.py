"""A world in memory for the daemon's machine: files with times, a remote with versions, git, editors, faults, a clock.

It holds what the real engine promises (compare-and-set, merges by unit, nothing written over a file in hand), and
watches over what the machine promises: no half-written text is published, budgets are kept, idle means idle.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from skillsync.repo.worktree import StatEntry
from skillsync.sync.narrow import Changes
from skillsync.watch.absorb import absorb
from skillsync.watch.machine import decide
from skillsync.watch.record import About, remembered_publishes, render_record
from skillsync.watch.settle import in_hand, versions_left
from skillsync.watch.stale import is_undone, taken_in
from skillsync.watch.state import State
from skillsync.watch.values import (
    Action,
    Changed,
    Fact,
    GitSeen,
    Kept,
    Lists,
    Look,
    Looked,
    Moment,
    Notice,
    ObjectSeen,
    Options,
    PastPull,
    Poll,
    Polled,
    Publish,
    Published,
    Pull,
    Pulled,
    Recall,
    Recalled,
    Report,
    Reported,
    Said,
    Sent,
    Stop,
    TakenIn,
    Trouble,
    Wait,
    Woken,
)

FILE = "SKILL.md"
NS = 1_000_000_000


@dataclass(frozen=True)
class Text:
    """A file's text as units that merge: a title that two sides may change differently, and lines that only grow."""

    title: str = "title"
    lines: frozenset[str] = frozenset()
    half: bool = False

    @property
    def data(self) -> bytes:
        return "\n".join([self.title, *sorted(self.lines)]).encode() if not self.half else b""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def merged(base: Text, local: Text, remote: Text) -> Text | None:
    """Merge three ways; None is a conflict."""
    titles = {local.title, remote.title} - {base.title}
    if len(titles) > 1:
        return None
    lines = (local.lines | remote.lines) - (base.lines - local.lines) - (base.lines - remote.lines)
    return Text(titles.pop() if titles else base.title, lines)


@dataclass(frozen=True)
class Local:
    """One folder on disk. ``base`` is what its pointer says was taken in, by version (0: nothing)."""

    text: Text
    base: int
    entry: StatEntry
    pointer: StatEntry


@dataclass
class World:
    """Everything around the machine. ``mono`` and ``wall`` are the clocks."""

    options: Options
    mono: float = 1_000.0
    wall: float = 1_700_000_000.0
    objects: dict[str, Local] = field(default_factory=dict)
    remote: dict[str, list[Text]] = field(default_factory=dict)
    head: int = 0
    branch: str = "main"
    busy: bool = False
    work: str = "rebase"
    down: bool = False
    locked: bool = False
    editors: set[str] = field(default_factory=set)
    snapshots: dict[str, dict[str, Local]] = field(default_factory=dict)
    pending: list[Fact] = field(default_factory=list)
    saved_at: dict[str, float] = field(default_factory=dict)
    publishes: dict[str, list[float]] = field(default_factory=dict)
    writes: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    tried: Counter[tuple[str, StatEntry, int, int]] = field(default_factory=Counter)
    pulls: list[Changes | None] = field(default_factory=list)
    conflicts: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)
    state: State = field(default_factory=State)
    hear: bool = True
    settings: int = 0
    """What stands for skillsync.toml."""
    elsewhere: set[str] = field(default_factory=set)
    """Folders that are found once a look has told of other settings: that look was by those before."""
    pulled: dict[str, tuple[TakenIn, float, StatEntry]] = field(default_factory=dict)
    """By folder: what the last pull overwrote, when, and the pointer it wrote: what rescue copies say."""
    _inode: itertools.count[int] = field(default_factory=lambda: itertools.count(10))

    # ---------------------------------------------------------------- the world's own doings

    @property
    def now(self) -> Moment:
        return Moment(self.mono, self.wall)

    def _entry(self, text: bytes, name: str = FILE) -> StatEntry:
        at = int(self.wall * NS)
        return StatEntry(name, at, at, len(text), next(self._inode), 0o100644)

    def _event(self, directory: str, *, git: bool = False) -> None:
        if self.hear:
            self.pending.append(Changed(frozenset({f"{directory}/{FILE}"}), git=git))

    def save(self, directory: str, text: Text) -> None:
        """Somebody saves a file."""
        known = self.objects.get(directory)
        base = known.base if known else 0
        pointer = known.pointer if known else self._entry(b"", ".skillsync")
        self.objects[directory] = Local(text, base, self._entry(text.data), pointer)
        self.saved_at[directory] = self.mono
        self._event(directory)

    def edit(self, directory: str, text: Text) -> None:
        """Somebody edits in the web page."""
        self.remote.setdefault(directory, []).append(text)

    def latest(self, directory: str) -> tuple[int, Text]:
        """The remote's latest version."""
        versions = self.remote.get(directory, [])
        return len(versions), versions[-1] if versions else Text("")

    def switch(self, branch: str) -> None:
        """Check out another branch: files and pointers are another commit's."""
        self.snapshots[self.branch] = dict(self.objects)
        self.branch, self.head = branch, self.head + 1
        self.pulled.clear()  # what a branch holds is nobody's old buffer
        there = self.snapshots.get(branch, self.objects)
        self.objects = {
            directory: replace(
                one,
                entry=self._entry(one.text.data),
                pointer=self._entry(b"", ".skillsync"),
            )
            if one != self.objects.get(directory)
            else one
            for directory, one in there.items()
        }
        for directory in self.objects:
            self._event(directory, git=True)

    # ---------------------------------------------------------------- the daemon's steps

    @property
    def git(self) -> GitSeen:
        return GitSeen(str(self.head), self.branch, (self.work,) if self.busy else ())

    def seen(self, directory: str, guarded: tuple[TakenIn, ...] = ()) -> ObjectSeen | None:
        one = self.objects.get(directory)
        if one is None:
            return None
        undone = [each for each in guarded if each.dir == directory]
        return ObjectSeen(
            directory,
            (one.entry,),
            (one.pointer,),
            {FILE: one.text.digest},
            (f".{FILE}.swp",) if directory in self.editors else (),
            next((each.words for each in undone if is_undone(each, one.text.data)), ""),
        )

    def perform(self, action: Action) -> Fact:
        self.actions[type(action).__name__] += 1
        match action:
            case Look(dirs, _, guarded):
                wanted = set(self.objects if dirs is None else dirs) - self.elsewhere
                found = {at: seen for at in sorted(wanted) if (seen := self.seen(at, guarded))}
                if self.settings != self.state.settings:
                    self.elsewhere.clear()
                return Looked(dirs, found, self.git, self.settings)
            case Recall():
                return Recalled(tuple(self._past()))
            case Poll():
                if self.down:
                    return Trouble("poll", "no answer", "E-UNREACHABLE", waits=True)
                return Polled(Lists({at: str(len(all_)) for at, all_ in self.remote.items()}))
            case Pull():
                return self._pull(action)
            case Publish():
                return self._publish(action)
            case Report(ready):
                return Reported(ready)
        return Woken()

    def _past(self) -> Iterator[PastPull]:
        for directory, (taken, at, pointer) in self.pulled.items():
            one = self.objects.get(directory)
            if one is not None and one.pointer == pointer:
                yield PastPull(taken, at, one.entry.mtime_ns / NS)

    def _trouble(self, step: str) -> Trouble | None:
        if self.down:
            return Trouble(step, "no answer", "E-UNREACHABLE", waits=True)
        if self.locked:
            return Trouble(step, "locked", "E-LOCKED", waits=True, brief=True)
        return None

    def _pull(self, action: Pull) -> Fact:
        self.pulls.append(action.changes)
        if trouble := self._trouble("pull"):
            return trouble
        held: dict[str, str] = {}
        said, taken = [], []
        looked_at = self._looked_at(action)
        for directory in list(self.remote):
            number, text = self.latest(directory)
            one = self.objects.get(directory)
            if one is not None and one.base == number:
                continue
            if looked_at is not None and directory not in looked_at.dirs:
                # What a narrow pull passes by was dealt with, or is news that the next poll brings.
                polled = self.state.polled.skills if self.state.polled else {}
                is_known = directory in self.conflicts or directory in self.state.held
                assert is_known or polled.get(directory) != str(number), directory
                continue
            reason = self._in_hand(directory, action)
            if reason:
                held[directory] = reason
                continue
            base = self.remote[directory][one.base - 1] if one and one.base else Text("")
            new = text if one is None else merged(base, one.text, text)
            if new is None:
                self.conflicts.add(directory)
                said.append(Said(directory, "conflict", "E-CONFLICT", person=True))
                continue
            self.conflicts.discard(directory)
            said.append(Said(directory, f"taken in v{number}", changed=True))
            if one is not None and one.text != new:
                taken.append(
                    taken_in(directory, FILE, f"v{number}", before=one.text.data, after=new.data)
                )
            self._write(directory, new, number)
            if one is not None and one.text != new:
                self.pulled[directory] = taken[-1], self.wall, self.objects[directory].pointer
        return Pulled(tuple(said), held, tuple(taken), looked_at)

    def _looked_at(self, action: Pull) -> Changes | None:
        """Here every folder is a skill named by its path; a change of one that was never published is no case for less."""
        changes = action.changes
        if changes is None or not changes.dirs <= self.remote.keys():
            return None
        dirs = changes.names | changes.dirs
        return Changes(dirs, dirs)

    def _in_hand(self, directory: str, action: Pull) -> str:
        if directory in action.unsettled or self.busy:
            return "it is being saved"
        seen = self.seen(directory)
        return in_hand(seen, self.options, self.wall) if seen else ""

    def _write(self, directory: str, text: Text, number: int) -> None:
        """A pull writes: never over a file in hand, never while git is at work."""
        one = self.objects.get(directory)
        if one is not None:
            assert abs(self.wall - one.entry.mtime_ns / NS) >= self.options.untouched - 0.01
            assert directory not in self.editors
        assert not self.busy
        self.writes += 1
        entry = one.entry if one is not None and one.text == text else self._entry(text.data)
        self.objects[directory] = Local(text, number, entry, self._entry(b"", ".skillsync"))
        self._event(directory)

    def _publish(self, action: Publish) -> Fact:
        if trouble := self._trouble("publish"):
            return trouble
        assert action.ready is not None
        sent: dict[str, Sent] = {}
        held: dict[str, Kept] = {}
        blocked = False
        for directory, one in list(self.objects.items()):
            number, text = self.latest(directory)
            if directory in action.ready:
                tried = (directory, one.entry, one.base, number)
                self.tried[tried] += 1
                assert self.tried[tried] < 6, f"{tried} is tried again and again"
            if one.text == (text if one.base == number else None):
                continue
            if one.base != number:
                blocked |= directory in action.ready
                continue
            if reason := versions_left(number):
                held[directory] = Kept(reason, math.inf)
                continue
            settled, seen = action.ready.get(directory), self.seen(directory)
            if (
                settled is None
                or seen is None
                or not seen.is_same(settled)
                or self.git != action.git
            ):
                held[directory] = Kept("it is being saved")
                continue
            self._send(directory, one)
            sent[directory] = Sent(directory, one.text.digest, number)
        mattering = {at: why for at, why in held.items() if at in action.ready}
        return Published(
            frozenset(action.ready), sent, mattering, passed_by=frozenset(held), blocked=blocked
        )

    def _send(self, directory: str, one: Local) -> None:
        """A publish is accepted: whole, settled, within its budgets, from a quiet git (P2, P18, P23)."""
        assert not one.text.half, "a half-written file was published"
        assert not self.busy
        quiet = self.mono - self.saved_at.get(directory, float("-inf"))
        assert quiet >= self.options.settles - 0.2, f"published {quiet} s after a save"
        times = self.publishes.setdefault(directory, [])
        if times:
            assert self.mono - times[-1] >= self.options.gap - 0.01
        times.append(self.mono)
        if self.options.daily is not None:
            assert sum(at > self.mono - 86_400 for at in times) <= self.options.daily
        if directory in self.pulled:
            taken, at, _ = self.pulled[directory]
            is_old = self.wall - at < self.options.stale and is_undone(taken, one.text.data)
            assert not is_old, "published a buffer that is older than what was pulled (R12)"
        foreign = {line for line in self.latest(directory)[1].lines if line.startswith("remote ")}
        assert one.text.lines >= foreign, "lost what the remote had"
        self.remote.setdefault(directory, []).append(one.text)
        self.objects[directory] = replace(
            one, base=len(self.remote[directory]), pointer=self._entry(b"", ".skillsync")
        )
        self._event(directory)

    # ---------------------------------------------------------------- time

    def step(self) -> Action:
        """Let the machine do one thing; waiting is left to ``run_until``."""
        while self.pending:
            self.take(self.pending.pop(0))
        action = decide(self.state, self.options, self.now)
        if not isinstance(action, Wait | Stop):
            self.take(self.perform(action))
        return action

    def take(self, fact: Fact) -> None:
        self.state, notices = absorb(self.state, self.options, self.now, fact)
        self.notices += notices

    def run_until(self, mono: float) -> None:
        """Let the daemon live until then."""
        for _ in range(100_000):
            action = self.step()
            if isinstance(action, Stop):
                return
            if isinstance(action, Wait):
                if action.until >= mono:
                    self.pass_time(max(0.0, mono - self.mono))
                    return
                self.pass_time(action.until - self.mono)
                self.actions["Wait"] += 1
                self.take(Woken())
        raise AssertionError("the daemon never rests")

    def pass_time(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += seconds

    def restart(self) -> None:
        """kill -9 and a start: only the world remains, with its rescue copies and the record of today's publishes."""
        record = render_record(
            About("local", 0.0), self.state, self.options, self.now, doing="", recent=[]
        )
        remembered = remembered_publishes(json.loads(json.dumps(record)), self.now)
        self.state, self.pending = State(remembered=remembered), []

    def told(self, kind: str) -> list[Notice]:
        return [one for one in self.notices if one.kind == kind]


def known(directory: str, objects: Mapping[str, Local]) -> Text:
    """Return a folder's text."""
    return objects[directory].text
