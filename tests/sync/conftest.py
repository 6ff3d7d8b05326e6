"""Fixtures of the engine's tests: a fresh server and a solo and a team clone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.dialects import dialects_of
from tests.sync.harness import LIVES, Clone, Live, new_clone


@pytest.fixture
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Live]:
    """A fresh server; parametrised indirectly it speaks the dialect that is named."""
    dialect = getattr(request, "param", os.environ.get("LIVE_DIALECT", "seed"))
    server = LIVES[dialect](tmp_path)
    yield server
    server.close()


@pytest.fixture
def solo(live: Live, tmp_path: Path) -> Clone:
    return new_clone(live, tmp_path / "solo")


@pytest.fixture
def team(live: Live, tmp_path: Path) -> Clone:
    return new_clone(live, tmp_path / "team", team="main")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask tests of both dialects where their module says so."""
    if "live" in metafunc.fixturenames:
        dialects = dialects_of(metafunc.module, metafunc.function)
        if dialects:
            metafunc.parametrize("live", dialects, indirect=True)
