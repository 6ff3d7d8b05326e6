"""How fast requests may go and when one may be repeated: sliding windows and pauses, decided by pure functions."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

from skillsync.api.budget import Outlook, Window, outlook, wait_needed
from skillsync.errors import BadAnswer, ConfigError, RemoteError, Throttled, Unreachable
from skillsync.origin import is_loopback

PaceSetting = Literal["auto", "off"] | float
"""``auto`` (design.md 2), ``off``, or requests per minute."""

LONGEST_PAUSE = 3_600.0
"""Seconds. A longer ``Retry-After`` is cut to this (sync.md 10.4)."""

UNKNOWN_PAUSE = 60.0
"""Seconds to wait after a 429 without ``Retry-After`` (platform.md 5)."""

ATTEMPTS = 4
"""How often a read is tried when the server or the connection fails."""

OUR_SHARE = 0.6
"""The part of the documented windows that is ours on PostHog's own hosts: the budget is the team's."""

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0
_HOPELESS = frozenset({"deadline", "tls"})


DOCUMENTED = (Window(480, 60.0), Window(4_800, 3_600.0))
"""PostHog's burst and sustained throttles (platform.md 6)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The windows that hold ``now``, and those that hold once the server has refused with 429."""

    now: tuple[Window, ...] = ()
    after_refusal: tuple[Window, ...] = ()


def rules_for(origin: str, setting: PaceSetting) -> Rules:
    """Choose the windows for a server by design.md 2; against this machine only a number that somebody chose.

    ``origin`` is what ``parse_origin`` returned. ConfigError for a number that is not positive.
    """
    if setting == "off" or (setting == "auto" and is_loopback(origin)):
        return Rules()
    if setting == "auto":
        host = urlsplit(origin).hostname or ""
        if host == "posthog.com" or host.endswith(".posthog.com"):
            ours = tuple(
                Window(int(window.limit * OUR_SHARE), window.seconds) for window in DOCUMENTED
            )
            return Rules(ours, ours)
        return Rules((), DOCUMENTED)
    if setting < 1:
        raise ConfigError(f'pace must be "auto", "off" or requests per minute, not {setting!r}')
    chosen = (Window(int(setting), 60.0),)
    return Rules(chosen, chosen)


def retry_after_seconds(value: str | None, *, now: float) -> float | None:
    """Read a ``Retry-After`` header: seconds or an HTTP date against ``now`` (Unix time); None if unreadable.

    Never negative and at most an hour.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_PAUSE)
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(then - now, 0.0), LONGEST_PAUSE)


def pause_before_retry(error: RemoteError, *, attempt: int, is_write: bool) -> float | None:
    """Seconds to wait before the identical request may go again; None when it must not (platform.md 5).

    A 429 was not processed, so anything may be repeated. Otherwise only reads are, and only for trouble that
    passes: a write that broke is the caller's to look into (sync.md 9.2). ``attempt`` counts from 1.
    """
    if isinstance(error, Throttled):
        wait = UNKNOWN_PAUSE if error.retry_after is None else error.retry_after
        return min(max(wait, 0.0), LONGEST_PAUSE)
    if is_write or attempt >= ATTEMPTS or error.reason in _HOPELESS:
        return None
    backoff = min(_FIRST_BACKOFF * 2.0 ** (attempt - 1), _LONGEST_BACKOFF)
    if isinstance(error, Unreachable):
        return max(backoff, error.retry_after or 0.0)
    if isinstance(error, BadAnswer) and error.reason == "truncated":
        return backoff
    return None


class Pace:
    """Let requests through as the rules say. One for all threads of a target; it sleeps unlocked.

    ``spent``: how many seconds ago each request of earlier runs was sent, the oldest first.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        on_wait: Callable[[float], None] | None = None,
        spent: Sequence[float] = (),
    ) -> None:
        self._rules = rules
        self._windows = rules.now
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._not_before = 0.0
        longest = max((window.limit for window in (*rules.now, *rules.after_refusal)), default=0)
        now = clock()
        self._sent: deque[float] = deque((now - age for age in spent), maxlen=longest)
        self._own = 0

    def take(self, is_over: Callable[[], bool] = bool) -> None:
        """Return when one more request may go, and count it; or, uncounted, once ``is_over`` says so."""
        while not is_over() and (wait := self._try()) > 0:
            if self._on_wait:
                self._on_wait(wait)
            self._sleep(wait)

    def refused(self, pause: float) -> None:
        """Note a 429: nobody sends for ``pause`` seconds, and the stricter rules hold from now on."""
        with self._lock:
            self._windows = self._rules.after_refusal
            self._not_before = max(self._not_before, self._clock() + pause)

    def outlook(self, count: int) -> Outlook:
        """Say how long ``count`` more requests take by the windows that hold now, and how many are left in them."""
        with self._lock:
            sent, windows, not_before = list(self._sent), self._windows, self._not_before
        return outlook(count, windows, sent=sent, now=self._clock(), not_before=not_before)

    def ages(self) -> list[float]:
        """Return how many seconds ago each request of this run was sent, those that fill no window left out."""
        with self._lock:
            now, own = self._clock(), min(self._own, len(self._sent))
            return [now - time for time in list(self._sent)[len(self._sent) - own :]]

    def _try(self) -> float:
        with self._lock:
            now = self._clock()
            wait = max(self._not_before - now, wait_needed(self._sent, self._windows, now))
            if wait <= 0:
                self._sent.append(now)
                self._own += 1
            return wait
