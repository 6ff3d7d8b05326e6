"""Timestamps that only grow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from skillsync.server.writes import now_after


def test_now_is_after_a_moment_in_the_past_and_in_the_future() -> None:
    ahead = datetime(2999, 1, 1, tzinfo=UTC)
    assert now_after(ahead) == ahead + timedelta(microseconds=1)
    before = datetime.now(UTC)
    assert before <= now_after(None) <= datetime.now(UTC)
    assert now_after(before - timedelta(days=1)) >= before
