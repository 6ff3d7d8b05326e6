"""How far a long step is: silent by default, a changing line on a terminal, a heartbeat in CI."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

from skillsync.api.telling import Budget, Step, Telling, Untold
from skillsync.cli.progress_text import (
    Seen,
    Stepped,
    ahead_text,
    run_text,
    spoken,
    step_text,
)

QUIET_SECONDS = 0.5
REDRAW_SECONDS = 0.1
HEARTBEAT_SECONDS = 20.0
OUTLOOK_SECONDS = 1.0
"""The time left is worked out anew this often."""

Say = Callable[[str], None]


class Progress(Telling, Protocol):
    """What a long step tells: use it as a context manager, and tell it from any thread."""

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Silent(Untold):
    """Tells nobody how far it is: the default, so that the engine knows no terminal.

    What takes long is said all the same, before it begins, to ``say``.
    """

    def __init__(self, say: Say | None = None) -> None:
        self._say = say
        self._budget: Budget | None = None

    def opened(self, budget: Budget) -> None:
        """Take it for what is ahead."""
        self._budget = budget

    def ahead(self, requests: int, what: str) -> None:
        """Say how long it takes, if the windows make it long."""
        if self._say and self._budget and (text := ahead_text(self._budget(requests), what)):
            self._say(text)

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class _Counting(Silent):
    """Counts, and decides when it is time to say so. A wait of ``worth_telling`` seconds is said at once."""

    worth_telling = QUIET_SECONDS

    def __init__(
        self,
        stream: TextIO,
        *,
        label: str,
        total: int | None,
        clock: Callable[[], float],
        say: Say | None = None,
    ) -> None:
        super().__init__(say)
        self._stream = stream
        self._label = label
        self._total = total
        self._clock = clock
        self._started = clock()
        self._done = 0
        self._waits = False
        self._pause = 0.0
        self._step: Stepped | None = None
        self._step_began = 0.0
        self._outlook_at = 0.0
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """Count, and show it if it is time."""
        with self._lock:
            self._done += count
            self._pause = 0.0
            if self._step is None:
                self._show()

    def answered(self) -> None:
        """Count one more request."""
        self.advance()

    def expect(self, count: int) -> None:
        """Raise the total, so that it covers ``count`` more than were done."""
        with self._lock:
            self._total = max(self._total or 0, self._done + count)

    def waiting(self, seconds: float) -> None:
        """Show that we wait because of the rate limit, and how long."""
        with self._lock:
            self._waits = self._waits or seconds > 0
            self._pause = seconds
            if self._step is not None and seconds > 0:
                self._renew(waits=True)
            self._show(now=seconds >= self.worth_telling)

    def begin(self, step: Step) -> None:
        """Show this step from now on."""
        with self._lock:
            self._step, self._step_began = Stepped(step), self._clock()
            self._outlook_at = float("-inf")

    def done(self, count: int = 1) -> None:
        """Count things of the step, and show it if it is time."""
        with self._lock:
            if self._step is not None:
                self._renew(done=self._step.done + count)
                self._show()

    def end(self) -> None:
        """Show requests again."""
        with self._lock:
            self._step = None

    def _renew(self, *, done: int | None = None, waits: bool = False) -> None:
        """Take in what changed of the step."""
        old = self._step
        assert old is not None
        now = self._clock()
        outlook = old.outlook
        seen = Stepped(
            old.step,
            old.done if done is None else done,
            now - self._step_began,
            old.waits or waits,
            outlook,
        )
        if self._budget is not None and now - self._outlook_at >= OUTLOOK_SECONDS:
            self._outlook_at = now
            outlook = self._budget(seen.requests_left)
            seen = Stepped(seen.step, seen.done, seen.elapsed, seen.waits, outlook)
        self._step = seen

    def _show(self, *, now: bool = False) -> None:
        raise NotImplementedError

    def _text(self, elapsed: float) -> str:
        if self._step is not None:
            return step_text(self._step, self._pause)
        return run_text(
            Seen(self._label, self._done, self._total, elapsed, self._waits, self._pause)
        )


class Line(_Counting):
    """One line that is drawn again, from half a second on, and wiped at the end."""

    def __init__(
        self,
        stream: TextIO,
        *,
        label: str,
        total: int | None,
        width: int = 80,
        clock: Callable[[], float] = time.monotonic,
        say: Say | None = None,
    ) -> None:
        super().__init__(stream, label=label, total=total, clock=clock, say=say)
        self._width = width
        self._drawn = 0.0
        self._visible = False

    def ahead(self, requests: int, what: str) -> None:
        """Say it on a line of its own."""
        with self._lock:
            self._wipe()
        super().ahead(requests, what)

    def _show(self, *, now: bool = False) -> None:
        at = self._clock()
        elapsed = at - self._started
        is_soon = elapsed < QUIET_SECONDS or (self._visible and at - self._drawn < REDRAW_SECONDS)
        if is_soon and not now:
            return
        self._drawn, self._visible = at, True
        self._stream.write("\r\x1b[K" + self._text(elapsed)[: max(1, self._width - 1)])
        self._stream.flush()

    def _wipe(self) -> None:
        if self._visible:
            self._visible = False
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wipe()


class Heartbeat(_Counting):
    """A line every twenty seconds, so that nobody takes a long CI run for a hung one."""

    worth_telling = HEARTBEAT_SECONDS

    def __init__(
        self,
        stream: TextIO,
        *,
        label: str,
        total: int | None,
        clock: Callable[[], float] = time.monotonic,
        say: Say | None = None,
    ) -> None:
        super().__init__(stream, label=label, total=total, clock=clock, say=say)
        self._last = self._started

    def _show(self, *, now: bool = False) -> None:
        at = self._clock()
        if now or at - self._last >= HEARTBEAT_SECONDS:
            self._last = at
            elapsed = at - self._started
            self._stream.write(f"{self._text(elapsed)} after {spoken(elapsed)}\n")
            self._stream.flush()


def choose_progress(
    stream: TextIO,
    *,
    label: str,
    total: int | None,
    terminal: bool,
    ci: bool,
    width: int = 80,
    say: Say | None = None,
) -> Progress:
    """Return the progress that suits where stderr goes."""
    if terminal:
        return Line(stream, label=label, total=total, width=width, say=say)
    if ci:
        return Heartbeat(stream, label=label, total=total, say=say)
    return Silent(say)
