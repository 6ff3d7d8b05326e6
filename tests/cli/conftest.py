"""Fixtures of the command line's tests: one server for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.cli_world import Repo, World, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("cli")) as opened:
        yield opened


@pytest.fixture
def repo(world: World) -> Repo:
    """A repository of its own with an empty project."""
    return world.repository()
