"""Progress: silent by default, late on a terminal, a heartbeat in CI."""

from __future__ import annotations

import io

from skillsync.cli.progress import Heartbeat, Line, Silent, choose_progress


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
