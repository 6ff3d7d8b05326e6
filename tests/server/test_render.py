"""Times as the API prints them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from skillsync.server.render import render_time, render_user

_moments = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30))),
)


@given(_moments)
def test_a_time_is_utc_with_six_digits_or_none(moment: datetime) -> None:
    shown = render_time(moment)
    assert shown is not None
    assert shown.endswith("Z")
    assert "+" not in shown
    _, dot, fraction = shown[:-1].partition(".")
    assert (len(fraction), bool(dot)) == ((6, True) if moment.microsecond else (0, False))
    assert datetime.fromisoformat(shown) == moment


def test_nobody_and_never_are_null() -> None:
    assert render_time(None) is None
    assert render_user(None) is None
