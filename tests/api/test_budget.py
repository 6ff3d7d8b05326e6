"""How long requests take by the windows, and how many are left: what is said is what the pacer then does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.budget import Outlook, Window, left_in, outlook, seconds_until_sent
from skillsync.api.pacing import DOCUMENTED, Pace, Rules, rules_for
from tests.api.clients import Clock

OURS = rules_for("https://us.posthog.com", "auto").now


@pytest.mark.parametrize(
    ("windows", "count", "minutes"),
    [
        (DOCUMENTED, 0, 0),
        (DOCUMENTED, 480, 0),
        (DOCUMENTED, 481, 1),
        (DOCUMENTED, 1_000, 2),
        (DOCUMENTED, 2_500, 5),
        (DOCUMENTED, 4_800, 9),
        (DOCUMENTED, 4_801, 60),
        (DOCUMENTED, 10_000, 120),
        (DOCUMENTED, 25_000, 302),
        (OURS, 288, 0),
        (OURS, 289, 1),
        (OURS, 10_000, 184),
        ((Window(60, 60.0),), 61, 1),
        ((), 10_000, 0),
    ],
)
def test_an_idle_budget_takes_as_long_as_documented(
    windows: tuple[Window, ...], count: int, minutes: int
) -> None:
    """The table of datasets-api.md 4, and that of 60 % of both windows."""
    assert seconds_until_sent(count, windows) == pytest.approx(minutes * 60)


@pytest.mark.parametrize(
    ("sent", "now", "count", "expected"),
    [
        # Half of the hour is used up, a while ago: the minute binds first, then the hour.
        ([0.0] * 50, 600.0, 50, Outlook(50, 240.0, 50, Window(100, 3_600.0))),
        ([0.0] * 50, 600.0, 51, Outlook(51, 3_000.0, 50, Window(100, 3_600.0))),
        # All of the minute is used up right now.
        ([590.0] * 10, 600.0, 1, Outlook(1, 50.0, 90, Window(100, 3_600.0))),
        # What was sent more than an hour ago counts no longer.
        ([0.0] * 100, 3_600.0, 10, Outlook(10, 0.0, 100, Window(100, 3_600.0))),
        ([3_500.0] * 100, 3_600.0, 1, Outlook(1, 3_500.0, 0, Window(100, 3_600.0))),
    ],
)
def test_what_was_sent_before_counts(
    sent: list[float], now: float, count: int, expected: Outlook
) -> None:
    windows = (Window(10, 60.0), Window(100, 3_600.0))
    assert outlook(count, windows, sent=sent, now=now) == expected


def test_a_pause_that_the_server_asked_for_counts_and_without_windows_nothing_is_left_to_say() -> (
    None
):
    assert outlook(5, (), now=10.0, not_before=17.0) == Outlook(5, 7.0)
    assert seconds_until_sent(0, (), now=10.0, not_before=17.0) == 0
    assert seconds_until_sent(2, (Window(1, 60.0),), now=10.0, not_before=17.0) == 67.0
    assert left_in(Window(3, 60.0), [0.0, 50.0], 60.0) == 2


@given(
    limits=st.lists(
        st.tuples(st.integers(1, 7), st.integers(1, 40)), min_size=1, max_size=3, unique=True
    ),
    gaps=st.lists(st.integers(0, 30), max_size=25),
    count=st.integers(1, 90),
)
def test_the_pacer_takes_exactly_that_long(
    limits: list[tuple[int, int]], gaps: list[int], count: int
) -> None:
    windows = tuple(Window(limit, float(seconds)) for limit, seconds in limits)
    clock = Clock()
    pace = Pace(Rules(windows, windows), clock=clock, sleep=clock.sleep)
    for gap in gaps:
        clock.now += gap
        pace.take()
    told = pace.outlook(count)
    started = clock.now
    for _ in range(count):
        pace.take()
    assert clock.now - started == pytest.approx(told.seconds, abs=1e-6)
