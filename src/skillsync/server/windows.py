"""How many requests a key may make: sliding windows, off unless asked for (platform.md 6)."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float


DEFAULT_RATES = (Rate(480, 60), Rate(4800, 3600))
SEARCH_RATES = (Rate(60, 60), Rate(600, 3600))
"""Of searching skills, in place of the default (skills-api.md 9)."""
EXPORT_RATES = (Rate(10, 86_400),)
"""Of exports of datasets (datasets-api.md 3.7)."""

Rates = tuple[Rate, ...]


class Throttle(Protocol):
    """Counts requests, in this process (``Windows``) or for all of them (``shared_windows``)."""

    def wait(self, who: str, rates: Rates) -> float | None:
        """None when the request may pass, and is counted; else the seconds to wait: the largest of the windows."""


class Windows:
    """The requests that were let through lately, of every key; may be used by any thread.

    Each process counts for itself: enough for SQLite, which one process serves.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._logs: dict[tuple[str, Rates], deque[float]] = {}

    def wait(self, who: str, rates: Rates) -> float | None:
        """None when the request may pass, and is counted; else the seconds to wait: the largest of the windows."""
        with self._lock:
            now = self._clock()
            log = self._logs.setdefault((who, rates), deque())
            longest = max(rate.seconds for rate in rates)
            while log and log[0] <= now - longest:
                log.popleft()
            waits = [
                log[-rate.requests] + rate.seconds - now
                for rate in rates
                if len(log) >= rate.requests
            ]
            if max(waits, default=0) > 0:
                return max(waits)
            log.append(now)
            return None
