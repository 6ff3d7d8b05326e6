"""Transports for tests: no real waiting, and short limits."""

from __future__ import annotations

from skillsync.api.pacing import PaceSetting
from skillsync.api.secret import Secret
from skillsync.api.transport import Timeouts, Transport

KEY = "phx_canary_0123456789abcdef_Canary"


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(
    url: str,
    *,
    clock: Clock | None = None,
    timeouts: Timeouts | None = None,
    pace: PaceSetting = "auto",
) -> Transport:
    clock = clock or Clock()
    return Transport(
        host=url,
        key=Secret(KEY),
        clock=clock,
        sleep=clock.sleep,
        timeouts=timeouts or Timeouts(connect=5, read=5, total=20),
        pace=pace,
    )
