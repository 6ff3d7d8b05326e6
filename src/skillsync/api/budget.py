"""How long a number of requests will take, and how many may still be made: from the windows and what was sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` requests in any ``seconds``."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What ``requests`` more requests mean.

    ``seconds`` until the last of them may be sent, by the windows alone: 0 when all of them may go at once. ``left``:
    how many may be made now before the longest ``window`` is full; None for both where there is no window.
    """

    requests: int
    seconds: float = 0.0
    left: int | None = None
    window: Window | None = None


def wait_needed(sent: Sequence[float], windows: Sequence[Window], now: float) -> float:
    """Seconds until one more request fits into every window; 0 when it fits now.

    ``sent`` holds the times of earlier requests, oldest first, on the clock of ``now``.
    """
    return max(
        (
            sent[-window.limit] + window.seconds - now
            for window in windows
            if len(sent) >= window.limit
        ),
        default=0.0,
    )


def left_in(window: Window, sent: Sequence[float], now: float) -> int:
    """How many requests fit into the window now."""
    used = sum(now - time < window.seconds for time in sent)
    return max(window.limit - used, 0)


def seconds_until_sent(
    count: int,
    windows: Sequence[Window],
    *,
    sent: Sequence[float] = (),
    now: float = 0.0,
    not_before: float = 0.0,
) -> float:
    """Seconds until the last of ``count`` more requests may go, each as early as the windows let it.

    ``not_before``: the time before which nobody sends. With idle windows of 480 a minute and 4,800 an hour, 4,801
    requests take an hour and 10,000 two (datasets-api.md 4).
    """
    if count <= 0 or not windows:
        return max(not_before - now, 0.0) if count > 0 else 0.0
    slowest = max(windows, key=lambda window: window.seconds / window.limit)
    # Once as many as it holds are sent in its time, everything repeats: what follows need not be played out.
    rounds = max((count - 1) // slowest.limit - 2, 0)
    times = [*sent]
    at = max(now, not_before)
    for _ in range(count - rounds * slowest.limit):
        at += max(wait_needed(times, windows, at), 0.0)
        times.append(at)
    return at - now + rounds * slowest.seconds


def outlook(
    count: int,
    windows: Sequence[Window],
    *,
    sent: Sequence[float] = (),
    now: float = 0.0,
    not_before: float = 0.0,
) -> Outlook:
    """Say what ``count`` more requests mean, with these windows and these times of earlier ones."""
    seconds = seconds_until_sent(count, windows, sent=sent, now=now, not_before=not_before)
    if not windows:
        return Outlook(count, seconds)
    longest = max(windows, key=lambda window: window.seconds)
    return Outlook(count, seconds, left_in(longest, sent, now), longest)
