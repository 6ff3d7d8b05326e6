"""Fixtures of the tests that run the whole engine: a fresh server, a solo and a team clone."""

from __future__ import annotations

from tests.sync.conftest import live, solo, team

__all__ = ["live", "solo", "team"]
