"""What is said of how far a run is: counts, rate, time left, requests left. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from skillsync.api.budget import Outlook
from skillsync.api.telling import Step

WORTH_SAYING = 60.0
"""Seconds: what takes longer by the windows alone is said before it begins."""

_MIN_FOR_ETA = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a run: ``done`` of ``total`` requests (None: unknown) after ``elapsed`` seconds.

    ``waits``: the rate limit made somebody wait; ``pause``: seconds that the last such wait takes, 0 when it is over.
    """

    label: str
    done: int = 0
    total: int | None = None
    elapsed: float = 0.0
    waits: bool = False
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Stepped:
    """What is known of the step that goes on: ``done`` things after ``elapsed`` seconds.

    ``outlook`` is that of the requests that are left of it, None where nobody can say.
    """

    step: Step
    done: int = 0
    elapsed: float = 0.0
    waits: bool = False
    outlook: Outlook | None = None

    @property
    def left(self) -> int | None:
        """How many things are left, None when it is not known."""
        total = self.step.total
        return None if total is None or total < self.done else total - self.done

    @property
    def requests_left(self) -> int:
        """About how many requests the rest takes."""
        return round((self.left or 0) * self.step.cost)


def run_text(seen: Seen) -> str:
    """Return ``push: request 12/40, the rate limit binds: about 3 min left``."""
    left = (seen.total or 0) - seen.done
    text = f"{seen.label} {seen.done}" + (f"/{seen.total}" if left >= 0 < (seen.total or 0) else "")
    if seen.waits and left > 0 and seen.done >= _MIN_FOR_ETA:
        return f"{text}, the rate limit binds: about {spoken(left * seen.elapsed / seen.done)} left"
    return text + _pause(seen.pause)


def step_text(seen: Stepped, pause: float = 0.0) -> str:
    """Return ``qa: creating rows 163/9,000, 4.8/s, about 31 min left, 2,100 requests left this hour``."""
    step = seen.step
    name = f"{step.name}: " if step.name else ""
    of = f"/{step.total:,}" if seen.left is not None else ""
    parts = [f"{name}{step.doing} {step.things} {seen.done:,}{of}"]
    if seen.done >= _MIN_FOR_ETA and seen.elapsed > 0:
        parts.append(rate(seen.done / seen.elapsed))
    if seen.left and (seconds := seconds_left(seen)) is not None:
        parts.append(f"about {spoken(seconds)} left")
    if seen.outlook is not None and seen.outlook.left is not None:
        parts.append(f"{seen.outlook.left:,} requests left {_within(seen.outlook)}")
    return ", ".join(parts) + _pause(pause)


def seconds_left(seen: Stepped) -> float | None:
    """How long the rest of a step takes; None while nothing tells.

    Once the rate limit has made somebody wait, the windows alone decide: how fast it went until then says nothing.
    """
    if seen.left is None:
        return None
    limit = seen.outlook.seconds if seen.outlook is not None else 0.0
    if seen.waits and seen.outlook is not None and seen.outlook.window is not None:
        return limit
    if seen.done < _MIN_FOR_ETA or seen.elapsed <= 0:
        return limit or None
    return max(seen.left * seen.elapsed / seen.done, limit)


def ahead_text(outlook: Outlook, what: str) -> str:
    """Say before anything is sent how long it takes at least, "" for what is not worth saying."""
    if outlook.seconds < WORTH_SAYING or outlook.window is None:
        return ""
    window = outlook.window
    every = {60.0: "a minute", 3_600.0: "an hour"}.get(window.seconds, f"in {window.seconds:g} s")
    return (
        f"{what}: about {outlook.requests:,} requests, of which {window.limit:,} {every} may be made and "
        f"{outlook.left:,} are left {_within(outlook)}: it takes about {spoken(outlook.seconds)}. It may be interrupted "
        "at any time, and goes on when it is run again."
    )


def rate(per_second: float) -> str:
    """Return ``85/s``, ``4.8/s`` or ``12/min``."""
    if per_second >= 1:
        return f"{per_second:.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"
    return f"{per_second * 60:.0f}/min"


def spoken(seconds: float) -> str:
    """Return ``42 s``, ``12 min`` or ``3 h 8 min``."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _within(outlook: Outlook) -> str:
    seconds = outlook.window.seconds if outlook.window else 0.0
    return {60.0: "this minute", 3_600.0: "this hour"}.get(seconds, f"in {seconds:g} s")


def _pause(seconds: float) -> str:
    return f", the rate limit binds: going on in {spoken(seconds)}" if seconds >= 1 else ""
