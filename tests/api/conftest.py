"""A project on our own server in this process, and clients that reach it without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from skillsync.api.datasets import DatasetsApi
from skillsync.api.secret import Secret
from skillsync.api.skills import SkillsApi
from skillsync.api.transport import Transport
from skillsync.server import accounts
from skillsync.server.app import Application, create_app, new_database

KEY = "phx_canary_0123456789abcdef_Canary"


@dataclass(frozen=True)
class World:
    """The application with project 1, and whoever talks to it."""

    app: Application

    def transport(self, key: str = KEY) -> Transport:
        return Transport(
            host="http://127.0.0.1:1",
            key=Secret(key),
            transport=httpx.WSGITransport(app=self.app),
        )

    def scoped(self, *scopes: str) -> Transport:
        """Somebody whose key has these scopes only."""
        return self.transport(accounts.create_key(user="scoped", scopes=scopes).value)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    app = create_app(new_database(tmp_path / "server.sqlite3"))
    accounts.first_start(key=KEY)
    yield World(app)
    app.close()


@pytest.fixture
def skills(world: World) -> SkillsApi:
    return SkillsApi(world.transport(), 1)


@pytest.fixture
def datasets(world: World) -> DatasetsApi:
    return DatasetsApi(world.transport(), 1)
