"""Runs the daemon: carries out what the machine decides, hears events and signals, and ends within five seconds."""

from __future__ import annotations

import ctypes
import gc
import os
import queue
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom
from types import FrameType
from typing import TYPE_CHECKING, assert_never

from skillsync.core.plan import exit_code
from skillsync.errors import (
    HostNotTrusted,
    NotAllowed,
    NotAuthenticated,
    SkillsyncError,
    UsageError,
)
from skillsync.watch.absorb import absorb
from skillsync.watch.alone import only_daemon
from skillsync.watch.events import Events, NoEvents
from skillsync.watch.machine import decide
from skillsync.watch.record import (
    About,
    read_record,
    remembered_publishes,
    render_record,
    waiting,
    write_record,
)
from skillsync.watch.state import State
from skillsync.watch.values import (
    Action,
    Changed,
    Fact,
    Level,
    Look,
    Looked,
    Moment,
    Notice,
    Options,
    Poll,
    Publish,
    Published,
    Pull,
    Pulled,
    Recall,
    Report,
    Stop,
    StopAsked,
    Trouble,
    Wait,
    Woken,
)

if TYPE_CHECKING:
    from skillsync.watch.engine import Engine

GRACE = 2.5
LAST_CALL = 1.5
"""Seconds that a step may go on after a signal, and what then follows before the process ends all the same."""
SCAN_LEAST = 2.0
SCAN_SHARE = 20.0
"""Without events: seconds between two looks at everything, at least, and in units of what one look takes."""
RECENT = 20
INTERRUPTED = 130


class Abandoned(BaseException):
    """A signal came and the step did not end in time: it is given up, as by a crash, and finished by the next run."""


@dataclass
class Service:
    """One daemon. ``tell`` gets every notice; ``events`` is None to look at intervals only."""

    engine: Engine
    options: Options
    state_dir: Path
    root: Path
    roots: tuple[str, ...]
    target: str
    tell: Callable[[Notice], None]
    make_events: Callable[[Callable[[Changed], None]], Events] | None = None
    once: bool = False
    mono: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    state: State = field(default_factory=State)
    facts: queue.SimpleQueue[Fact] = field(default_factory=queue.SimpleQueue)
    exits: list[int] = field(default_factory=list)
    _events: Events | None = None
    _about: About = field(init=False)
    _recent: deque[Notice] = field(default_factory=lambda: deque(maxlen=RECENT))
    _doing: str = "starting"
    _signal: int = 0
    _unwritten: bool = True
    _chance: SystemRandom = field(default_factory=SystemRandom)

    def __post_init__(self) -> None:
        self._about = About(self.target, self.wall())

    @property
    def now(self) -> Moment:
        """The two clocks."""
        return Moment(self.mono(), self.wall())

    def run(self) -> int:
        """Watch until somebody says stop; the exit code. Raises AlreadyWatched, and what makes a start pointless."""
        with self._signals(), only_daemon(self.state_dir):
            now = self.now
            remembered = remembered_publishes(read_record(self.state_dir), now)
            self.state = replace(self.state, remembered=remembered)
            self._write_record()
            try:
                self._listen()
                self._loop()
                if self._signal:
                    self._doing = "abandoned"  # what is left to be put away is bounded as well
            except Abandoned:
                pass
            finally:
                if self._events is not None:
                    self._events.stop()
        if self._signal:
            return INTERRUPTED if self._signal == signal.SIGINT else 0
        return exit_code(self.exits, done=len(self.exits))

    # ---------------------------------------------------------------- the loop

    def _loop(self) -> None:
        while True:
            action = decide(self.state, self.options, self.now)
            if self._signal or isinstance(action, Stop):
                self._tell(Notice(Level.INFO, "stop", "", "stopped"))
                return
            if isinstance(action, Wait) and self.once and not self._is_worth_waiting(action):
                self._tell_what_waits()
                return
            self.take(self.perform(action))

    def _is_worth_waiting(self, wait: Wait) -> bool:
        """One cycle waits for looks that are about to be due, not for the next poll or a pause."""
        return wait.until - self.mono() <= 1.0 and not self.state.poll_failures

    def _tell_what_waits(self) -> None:
        """Say what one cycle leaves to the next one."""
        for subject, reason in sorted(waiting(self.state, self.options, self.now).items()):
            self._tell(Notice(Level.INFO, "waiting", subject, f"waits: {reason}"))

    def take(self, fact: Fact) -> None:
        """Let the machine make of a fact what it will, and tell what is to be told."""
        was_started = self.state.started
        self.state, notices = absorb(
            self.state, self.options, self.now, fact, chance=self._chance.random()
        )
        if self.state.started and not was_started and not self.once:
            count = len(self.state.objects)
            objects = "1 object" if count == 1 else f"{count:,} objects"
            words = f"watching {objects} ({self._about.events})"
            self._tell(Notice(Level.INFO, "start", "", words))
        for notice in notices:
            self._tell(notice)
        if self.once:
            self.exits += _exits(fact)
        if isinstance(fact, Published) and fact.sent:
            self._write_record()  # a day's budget outlives any death

    def perform(self, action: Action) -> Fact:
        """Carry one action out and return what came of it."""
        if isinstance(action, Wait):
            return self._wait(action)
        self._doing = type(action).__name__.lower()
        try:
            return self._step(action)
        finally:
            self._doing = "waiting"
            is_large = isinstance(action, Look) and action.dirs is None
            if is_large or isinstance(action, Pull | Publish | Report):
                _give_memory_back()

    def _step(self, action: Action) -> Fact:
        match action:
            case Look():
                return self._look(action)
            case Recall():
                return self.engine.recall()
            case Poll():
                fact = self.engine.poll()
                if isinstance(fact, Trouble) and fact.error and not self.state.counts.polls:
                    _refuse_start(fact.error)
                return fact
            case Pull():
                self._unwritten = True
                return self.engine.pull(action)
            case Publish():
                self._unwritten = True
                return self.engine.publish(action)
            case Report():
                return self.engine.report(action)
            case Stop() | Wait():
                return Woken()
            case _:
                assert_never(action)

    def _look(self, action: Look) -> Fact:
        began = self.mono()
        fact = self.engine.look(action)
        if action.dirs is None:
            self._check_events(self.mono() - began)
        if isinstance(fact, Looked) and self.state.started and fact.settings != self.state.settings:
            self._listen()
        return fact

    def _wait(self, action: Wait) -> Fact:
        if self._unwritten:
            self._write_record()
        try:
            fact = self.facts.get(timeout=max(0.0, action.until - self.mono()))
        except queue.Empty:
            return Woken()
        return self._with_what_else_came(fact)

    def _with_what_else_came(self, first: Fact) -> Fact:
        """Join the events that wait already: a thousand of them are one look."""
        paths: set[str] = set()
        everywhere, git, others = False, False, []
        fact: Fact | None = first
        while fact is not None:
            if isinstance(fact, Changed):
                everywhere |= fact.paths is None
                git |= fact.git
                paths |= fact.paths or frozenset()
            else:
                others.append(fact)
            try:
                fact = self.facts.get_nowait()
            except queue.Empty:
                fact = None
        for other in others:
            self.take(other)
        return Changed(None if everywhere else frozenset(paths), git=git)

    # ---------------------------------------------------------------- events

    def _listen(self) -> None:
        """Listen to the file system, or say why not and look at intervals instead."""
        if self.once or self.make_events is None:
            return
        if self._events is not None:
            self._events.stop()
        self._events = self.make_events(self.facts.put)
        try:
            self._events.start(self.engine.roots() or self.roots)
            self._hears("file system events")
        except NoEvents as reason:
            self._events = None
            self._hears(f"looking at intervals ({reason})")
            self.options = replace(self.options, scan=SCAN_LEAST)

    def _hears(self, words: str) -> None:
        if self._about.events != words and self.state.started:
            self._tell(Notice(Level.INFO, "events", "", words))
        self._about = replace(self._about, events=words)

    def _check_events(self, took: float) -> None:
        """Fall back to looking at intervals when the listening died; without events look as often as it is cheap."""
        if self.once or self.make_events is None:
            return
        if self._events is not None and not (self._events.is_alive and self._events.is_current):
            self._listen()
            self.facts.put(Changed(None))  # what happened meanwhile was not heard
        if self._events is None:
            self.options = replace(self.options, scan=max(SCAN_LEAST, SCAN_SHARE * took))

    # ---------------------------------------------------------------- signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Hear signals while the daemon runs; what was there before is put back."""
        handlers = {
            signal.SIGTERM: self._asked_to_stop,
            signal.SIGINT: self._asked_to_stop,
            signal.SIGALRM: self._out_of_time,
            signal.SIGUSR1: self._asked_for_record,
        }
        before = {number: signal.signal(number, one) for number, one in handlers.items()}
        try:
            yield
        finally:
            for number, one in before.items():
                if not (self._signal and number == signal.SIGALRM):  # the last call still holds
                    signal.signal(number, one)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._signal:
            return
        self._signal = number
        self.facts.put(StopAsked())
        signal.setitimer(signal.ITIMER_REAL, GRACE, LAST_CALL)

    def _out_of_time(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._doing == "abandoned":
            os._exit(INTERRUPTED if self._signal == signal.SIGINT else 0)
        self._doing = "abandoned"
        raise Abandoned

    def _asked_for_record(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._write_record()

    # ---------------------------------------------------------------- telling

    def _tell(self, notice: Notice) -> None:
        self._unwritten = True
        self._recent.append(notice)
        self.tell(notice)

    def _write_record(self) -> None:
        self._unwritten = False
        record = render_record(
            self._about,
            self.state,
            self.options,
            self.now,
            doing=self._doing,
            recent=list(self._recent),
        )
        with suppress(SkillsyncError, OSError):  # nothing depends on it
            write_record(self.state_dir, record)


def _give_memory_back() -> None:
    """Let go of what a step read: thousands of files, of which nothing is needed while the daemon rests."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library keeps what it keeps
            ctypes.CDLL(None).malloc_trim(0)


def _refuse_start(error: SkillsyncError) -> None:
    """End a start that can come to nothing: no key, a key that is refused, wrong settings. Later they are waited out."""
    if isinstance(error, NotAuthenticated | NotAllowed | HostNotTrusted | UsageError):
        raise error


def _exits(fact: Fact) -> list[int]:
    """Return a step's share of the exit code of one cycle."""
    match fact:
        case Pulled() | Published():
            return [fact.exit]
        case Trouble():
            return [fact.error.exit_code if fact.error else 1]
    return []
