"""Fixtures of the daemon's tests: those of the engine's."""

from __future__ import annotations

from tests.sync.conftest import live, solo, team

__all__ = ["live", "solo", "team"]
