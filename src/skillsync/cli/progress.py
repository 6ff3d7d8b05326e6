"""How far a long step is: silent by default, a changing line on a terminal, a heartbeat in CI."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

QUIET_SECONDS = 0.5
REDRAW_SECONDS = 0.1
HEARTBEAT_SECONDS = 20.0
_MIN_FOR_ETA = 3


class Progress(Protocol):
    """What a long step tells: use it as a context manager, and tell it from any thread."""

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""

    def expect(self, count: int) -> None:
        """Say that ``count`` more are to come."""

    def waiting(self, seconds: float) -> None:
        """Say that the rate limit makes us wait that long."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Silent:
    """Tells nobody: the default, so that the engine knows no terminal."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def expect(self, count: int) -> None:
        """Do nothing."""

    def waiting(self, seconds: float) -> None:
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


class _Counting:
    """Counts, and decides when it is time to say so. A wait of ``worth_telling`` seconds is said at once."""

    worth_telling = QUIET_SECONDS

    def __init__(
        self, stream: TextIO, *, label: str, total: int | None, clock: Callable[[], float]
    ) -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._clock = clock
        self._started = clock()
        self._done = 0
        self._waits = False
        self._pause = 0.0
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """Count, and show it if it is time."""
        with self._lock:
            self._done += count
            self._pause = 0.0
            self._show()

    def expect(self, count: int) -> None:
        """Raise the total, so that it covers ``count`` more than were done."""
        with self._lock:
            self._total = max(self._total or 0, self._done + count)

    def waiting(self, seconds: float) -> None:
        """Show that we wait because of the rate limit, and how long."""
        with self._lock:
            self._waits = self._waits or seconds > 0
            self._pause = seconds
            self._show(now=seconds >= self.worth_telling)

    def __enter__(self) -> Self:
        return self

    def _show(self, *, now: bool = False) -> None:
        raise NotImplementedError

    def _text(self, elapsed: float) -> str:
        left = (self._total or 0) - self._done
        text = f"{self._label} {self._done}" + (
            f"/{self._total}" if left >= 0 < (self._total or 0) else ""
        )
        if self._waits and left > 0 and self._done >= _MIN_FOR_ETA:
            text += f", the rate limit binds: about {_spoken(left * elapsed / self._done)} left"
        elif self._pause >= 1:
            text += f", the rate limit binds: going on in {_spoken(self._pause)}"
        return text


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
    ) -> None:
        super().__init__(stream, label=label, total=total, clock=clock)
        self._width = width
        self._drawn = 0.0
        self._visible = False

    def _show(self, *, now: bool = False) -> None:
        at = self._clock()
        elapsed = at - self._started
        is_soon = elapsed < QUIET_SECONDS or (self._visible and at - self._drawn < REDRAW_SECONDS)
        if is_soon and not now:
            return
        self._drawn, self._visible = at, True
        self._stream.write("\r\x1b[K" + self._text(elapsed)[: max(1, self._width - 1)])
        self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._visible:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


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
    ) -> None:
        super().__init__(stream, label=label, total=total, clock=clock)
        self._last = self._started

    def _show(self, *, now: bool = False) -> None:
        at = self._clock()
        if now or at - self._last >= HEARTBEAT_SECONDS:
            self._last = at
            elapsed = at - self._started
            self._stream.write(f"{self._text(elapsed)} after {_spoken(elapsed)}\n")
            self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


def choose_progress(
    stream: TextIO, *, label: str, total: int | None, terminal: bool, ci: bool, width: int = 80
) -> Progress:
    """Return the progress that suits where stderr goes."""
    if terminal:
        return Line(stream, label=label, total=total, width=width)
    if ci:
        return Heartbeat(stream, label=label, total=total)
    return Silent()


def _spoken(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{round(whole / 60)} min"
