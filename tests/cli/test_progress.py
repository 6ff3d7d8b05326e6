"""Progress: silent by default, late on a terminal, a heartbeat in CI."""

from __future__ import annotations

import io

import pytest

from skillsync.api.budget import Outlook, Window
from skillsync.api.telling import Step
from skillsync.cli.progress import Heartbeat, Line, Silent, choose_progress
from skillsync.cli.progress_text import Stepped, ahead_text, step_text


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_suits_where_stderr_goes() -> None:
    stream = io.StringIO()
    assert isinstance(choose_progress(stream, label="x", total=1, terminal=True, ci=True), Line)
    assert isinstance(
        choose_progress(stream, label="x", total=1, terminal=False, ci=True), Heartbeat
    )
    assert isinstance(choose_progress(stream, label="x", total=1, terminal=False, ci=False), Silent)


def test_silent_says_nothing() -> None:
    with Silent() as progress:
        progress.advance()
        progress.waiting(3)


def test_the_line_appears_after_half_a_second_and_is_wiped() -> None:
    stream, clock = io.StringIO(), Clock()
    with Line(stream, label="reading", total=10, clock=clock) as progress:
        clock.now += 0.4
        progress.advance()
        assert stream.getvalue() == ""
        clock.now += 0.2
        progress.advance()
        assert stream.getvalue() == "\r\x1b[Kreading 2/10"
        progress.advance()
        assert "3/10" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_quick_step_shows_nothing_at_all() -> None:
    stream, clock = io.StringIO(), Clock()
    with Line(stream, label="reading", total=2, clock=clock) as progress:
        progress.advance(2)
    assert stream.getvalue() == ""


def test_the_line_never_wraps() -> None:
    stream, clock = io.StringIO(), Clock()
    with Line(stream, label="x" * 100, total=2, width=20, clock=clock) as progress:
        clock.now += 1
        progress.advance()
        assert len(stream.getvalue().removeprefix("\r\x1b[K")) == 19


def test_the_time_left_is_told_only_when_the_rate_limit_binds() -> None:
    stream, clock = io.StringIO(), Clock()
    with Line(stream, label="sending", total=100, clock=clock) as progress:
        clock.now += 10
        progress.advance(10)
        assert "left" not in stream.getvalue()
        clock.now += 1
        progress.waiting(5)
        assert "sending 10/100, the rate limit binds: about 99 s left" in stream.getvalue()


def test_what_is_expected_makes_the_total_and_more_than_that_makes_it_unknown() -> None:
    stream, clock = io.StringIO(), Clock()
    with Line(stream, label="pull: request", total=None, clock=clock) as progress:
        clock.now += 1
        progress.advance()
        progress.expect(3)
        clock.now += 1
        progress.advance()
        for _ in range(3):
            clock.now += 1
            progress.advance()
    shown = stream.getvalue().split("\r\x1b[K")
    assert shown[1:-1] == [f"pull: request {text}" for text in ("1", "2/4", "3/4", "4/4", "5")]


def test_a_wait_for_the_rate_limit_is_said_before_it_begins() -> None:
    for kind in (Line, Heartbeat):
        stream = io.StringIO()
        with kind(stream, label="pull: request", total=None, clock=Clock()) as progress:
            progress.waiting(60)
            assert "pull: request 0, the rate limit binds: going on in 60 s" in stream.getvalue()


def test_ci_gets_a_line_every_twenty_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    with Heartbeat(stream, label="sending", total=None, clock=clock) as progress:
        clock.now += 19
        progress.advance()
        assert stream.getvalue() == ""
        clock.now += 2
        progress.advance()
        progress.advance()
        clock.now += 200
        progress.advance()
    assert stream.getvalue() == "sending 2 after 21 s\nsending 4 after 4 min\n"


# ---------------------------------------------------------------- steps, and what is ahead

HOUR = Window(2_880, 3_600.0)
LONG = (
    "10,000 rows: about 10,000 requests, of which 2,880 an hour may be made and 2,871 are left this hour: it takes "
    "about 3 h 4 min. It may be interrupted at any time, and goes on when it is run again."
)


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (Stepped(Step("creating", "qa", total=9_000)), "qa: creating rows 0/9,000"),
        (
            Stepped(Step("creating", "qa", total=9_000), 170, 2.0),
            "qa: creating rows 170/9,000, 85/s, about 104 s left",
        ),
        (
            Stepped(Step("creating", "qa", total=9_000), 288, 60.0, True, Outlook(8_712, 10_860.0, 2_592, HOUR)),
            "qa: creating rows 288/9,000, 4.8/s, about 3 h 1 min left, 2,592 requests left this hour",
        ),
        # The windows make it longer than it looks, though nobody has waited yet.
        (
            Stepped(Step("creating", "qa", total=3_000), 100, 1.0, False, Outlook(2_900, 3_600.0, 2_780, HOUR)),
            "qa: creating rows 100/3,000, 100/s, about 60 min left, 2,780 requests left this hour",
        ),
        # Waiting for a server that said how long, and no window of ours: the rate so far counts.
        (
            Stepped(Step("creating", "qa", total=30), 10, 100.0, True, Outlook(20, 5.0)),
            "qa: creating rows 10/30, 6/min, about 3 min left",
        ),
        (Stepped(Step("reading", ""), 4, 2.0), "reading rows 4, 2.0/s"),
        (Stepped(Step("reading", "", total=3), 4, 2.0), "reading rows 4, 2.0/s"),
        (Stepped(Step("updating", "qa", total=3), 3, 2.0), "qa: updating rows 3/3, 1.5/s"),
    ],
)  # fmt: skip
def test_a_step_tells_rows_rate_time_left_and_requests_left(seen: Stepped, text: str) -> None:
    assert step_text(seen) == text


@pytest.mark.parametrize(
    ("outlook", "text"),
    [
        (Outlook(10, 0.0), ""),
        (Outlook(10, 59.0, 10, HOUR), ""),
        (
            Outlook(10_000, 11_040.0, 2_871, HOUR),
            LONG,
        ),
    ],
)
def test_what_takes_long_is_said_before_it_begins(outlook: Outlook, text: str) -> None:
    assert ahead_text(outlook, "10,000 rows") == text
    said: list[str] = []
    for terminal, ci in ((True, False), (False, True), (False, False)):
        stream = io.StringIO()
        progress = choose_progress(
            stream, label="push", total=None, terminal=terminal, ci=ci, say=said.append
        )
        with progress:
            progress.opened(lambda _: outlook)
            progress.ahead(outlook.requests, "10,000 rows")
        assert stream.getvalue() == ""
    assert said == [text] * 3 if text else not said


def test_a_line_shows_the_step_and_then_the_requests_again() -> None:
    stream, clock = io.StringIO(), Clock()
    asked: list[int] = []

    def budget(requests: int) -> Outlook:
        asked.append(requests)
        return Outlook(requests, 0.0, 40 - len(asked), Window(40, 3_600.0))

    with Line(stream, label="push: request", total=None, width=200, clock=clock) as progress:
        progress.opened(budget)
        progress.begin(Step("updating", "qa", total=4, cost=3))
        for _ in range(4):
            clock.now += 0.6
            progress.answered()
            progress.done()
        progress.end()
        clock.now += 1
        progress.answered()
    assert stream.getvalue().split("\r\x1b[K")[1:-1] == [
        "qa: updating rows 1/4, 39 requests left this hour",
        "qa: updating rows 2/4, 39 requests left this hour",
        "qa: updating rows 3/4, 1.7/s, about 1 s left, 38 requests left this hour",
        "qa: updating rows 4/4, 1.7/s, 38 requests left this hour",
        "push: request 5",
    ]
    assert asked == [9, 3], "the time left is worked out once a second"
