"""Quotas as they are written on the command line."""

from __future__ import annotations

import pytest

from skillsync.server.quotas import Quota, parse_quota


def test_what_is_not_named_keeps_its_default() -> None:
    assert parse_quota(()) == Quota(datasets=20, items=5000, versions=40, bytes=40_000)
    assert parse_quota(("items=7", "bytes=100", "items=8")) == Quota(items=8, bytes=100)


@pytest.mark.parametrize(
    "setting", ["items", "items=", "items=0", "items=-1", "items=x", "rows=1", "", "items=1e3"]
)
def test_what_is_no_quota_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="is no quota"):
        parse_quota((setting,))
