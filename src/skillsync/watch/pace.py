"""Decides when the remote is asked again: with jitter, backing off while it cannot be reached (sync.md 11.7)."""

from __future__ import annotations

from skillsync.watch.values import Options

REMOTE_LEAST = 30.0
"""Seconds between two polls of a server that is not on this machine, at least."""
HOURLY = 4_800
SHARE = 0.1
"""The documented budget of requests an hour, and how much of it polls may use (sync.md 10.4)."""
FIRST_PAUSE = 5.0


def least_interval(requests: int, *, is_local: bool) -> float:
    """Return the seconds between polls that keep to a tenth of the rate budget."""
    return 0.0 if is_local else max(REMOTE_LEAST, requests * 3600.0 / (HOURLY * SHARE))


def next_poll(options: Options, *, failures: int, least: float, chance: float) -> float:
    """Return the seconds until the next poll. ``chance`` in [0, 1) spreads the polls of many daemons.

    Without failures that is the interval, never longer by chance; each failure in a row doubles the pause, up to
    ten minutes.
    """
    if failures:
        pause = min(options.longest_pause, FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
        return pause * (1.0 - options.jitter * chance)
    interval = max(options.poll, least)
    return interval * (1.0 - options.jitter * chance) if interval > least else interval


def pause_after(failures: int, options: Options) -> float:
    """Return the seconds before a step that failed is tried again."""
    return min(options.longest_pause, FIRST_PAUSE * 2.0 ** min(max(failures, 1) - 1, 20))
