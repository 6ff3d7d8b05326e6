"""Fixtures of the daemon's tests: those of the engine's, and a desk with processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sync.conftest import live, solo, team
from tests.sync.harness import Clone, Live
from tests.watch.desk import Desk, desk_at

__all__ = ["desk", "live", "solo", "team"]


@pytest.fixture
def desk(live: Live, solo: Clone) -> Iterator[Desk]:  # the fixtures from above
    with desk_at(live, solo) as found:
        yield found
