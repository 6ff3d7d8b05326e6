"""When requests may go, and when one may be repeated."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.budget import Window, wait_needed
from skillsync.api.pacing import (
    ATTEMPTS,
    DOCUMENTED,
    Pace,
    Rules,
    pause_before_retry,
    retry_after_seconds,
    rules_for,
)
from skillsync.errors import (
    BadAnswer,
    ConfigError,
    NotFound,
    Refused,
    RemoteError,
    Throttled,
    Unreachable,
    VersionConflict,
)
from tests.api.clients import Clock


def test_posthogs_own_hosts_get_sixty_percent_of_both_windows_from_the_start() -> None:
    rules = rules_for("https://us.posthog.com", "auto")
    assert rules.now == rules.after_refusal == (Window(288, 60.0), Window(2_880, 3_600.0))


def test_another_host_runs_free_until_its_first_refusal() -> None:
    assert rules_for("https://ph.example.com", "auto") == Rules((), DOCUMENTED)
    assert rules_for("https://notposthog.com", "auto").now == ()


def test_only_a_number_that_somebody_chose_paces_against_this_machine() -> None:
    for origin in ("http://127.0.0.1:8765", "http://localhost:1", "http://[::1]:2"):
        assert rules_for(origin, "auto") == rules_for(origin, "off") == Rules()
        assert rules_for(origin, 5.0).now == (Window(5, 60.0),)


def test_off_and_numbers_override() -> None:
    assert rules_for("https://us.posthog.com", "off") == Rules()
    assert rules_for("https://us.posthog.com", 30).now == (Window(30, 60.0),)
    with pytest.raises(ConfigError):
        rules_for("https://us.posthog.com", 0)


@given(
    limits=st.lists(st.tuples(st.integers(1, 8), st.floats(0.5, 50)), min_size=1, max_size=3),
    gaps=st.lists(st.floats(0, 30), max_size=60),
)
def test_no_window_ever_holds_more_than_its_limit(
    limits: list[tuple[int, float]], gaps: list[float]
) -> None:
    windows = tuple(Window(limit, seconds) for limit, seconds in limits)
    clock = Clock()
    pace = Pace(Rules(windows, windows), clock=clock, sleep=clock.sleep)
    sent: list[float] = []
    for gap in gaps:
        clock.now += gap
        pace.take()
        sent.append(clock.now)
    for window in windows:
        for index, time in enumerate(sent):
            first = bisect_right(sent, time - window.seconds + 1e-6)
            assert index + 1 - first <= window.limit


@given(st.lists(st.floats(0, 100), max_size=20).map(sorted), st.floats(100, 300))
def test_a_request_fits_after_exactly_the_wait(sent: list[float], now: float) -> None:
    windows = (Window(3, 60.0),)
    wait = max(wait_needed(sent, windows, now), 0.0)
    assert wait_needed(sent, windows, now + wait) <= 1e-6
    if wait > 1e-3:
        assert wait_needed(sent, windows, now + wait - 1e-3) > 0


def test_the_first_refusal_brings_the_documented_windows_for_the_rest_of_the_run() -> None:
    clock = Clock()
    pace = Pace(rules_for("https://ph.example.com", "auto"), clock=clock, sleep=clock.sleep)
    for _ in range(480):
        pace.take()
    assert clock.slept == []
    pace.refused(7.0)
    pace.take()
    assert sum(clock.slept) == pytest.approx(60.0)


def test_a_refusal_holds_everybody_back_for_its_pause() -> None:
    clock = Clock()
    pace = Pace(Rules(), clock=clock, sleep=clock.sleep)
    pace.refused(7.0)
    pace.take()
    assert clock.slept == [7.0]


NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("42", 42.0),
        (" 42 ", 42.0),
        ("999999999999999999999", 3_600.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2020 00:01:00 GMT", 0.0),
        ("Fri, 01 Jan 2038 00:00:00 GMT", 3_600.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٤٢", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_crashes_or_waits_longer_than_an_hour(header: str) -> None:
    seconds = retry_after_seconds(header, now=NOW)
    assert seconds is None or 0 <= seconds <= 3_600


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (Throttled("x", retry_after=5.0), 5.0, 5.0),
        (Throttled("x"), 60.0, 60.0),
        (Throttled("x", retry_after=9e9), 3_600.0, 3_600.0),
        (Unreachable("x", status=503, retry_after=3.0), 3.0, None),
        (Unreachable("x", status=500), 0.5, None),
        (Unreachable("x"), 0.5, None),
        (Unreachable("x", reason="deadline"), None, None),
        (Unreachable("x", reason="tls"), None, None),
        (BadAnswer("x", reason="truncated"), 0.5, None),
        (BadAnswer("x"), None, None),
        (NotFound("x", status=404), None, None),
        (Refused("x", status=400), None, None),
        (VersionConflict("x", current=3), None, None),
    ],
)
def test_what_is_repeated_after_a_first_attempt(
    error: RemoteError, read: float | None, write: float | None
) -> None:
    assert pause_before_retry(error, attempt=1, is_write=False) == read
    assert pause_before_retry(error, attempt=1, is_write=True) == write


def test_a_failing_server_is_asked_only_so_often_and_ever_more_slowly() -> None:
    error = Unreachable("x", status=502)
    pauses = [
        pause_before_retry(error, attempt=number, is_write=False)
        for number in range(1, ATTEMPTS + 1)
    ]
    assert pauses == [0.5, 1.0, 2.0, None]
