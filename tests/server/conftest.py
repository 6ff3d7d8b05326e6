"""A fresh database per test, and clients that reach the application without a socket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.database import start_django
from skillsync.server.quotas import Quota
from tests.server.cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skillsync.server.app import Application

start_django()  # so that test modules may import models while they are collected

BASE = "http://server.test/api/projects/1/"


ON_POSTGRESQL = os.environ.get("TEST_SERVER_DATABASE") == "postgresql"
"""Whether every test that does not ask for a file runs on PostgreSQL."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this process's own."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgresql(cluster: Cluster) -> str:
    """The URL of a migrated, empty database on PostgreSQL."""
    return cluster.empty_database()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated, empty database."""
    if ON_POSTGRESQL:
        url: str = request.getfixturevalue("postgresql")
        return url
    return new_database(tmp_path / "server.sqlite3")


@pytest.fixture
def app(database: str) -> Iterator[Application]:
    """The application over it, with project 1 and its first key."""
    app = create_app(database)
    accounts.first_start(key="phx_first_key")
    yield app
    app.close()


class Clients:
    """Makes clients with other keys, prefixes and projects."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(
        self, *, key: str | None = "phx_first_key", base: str = BASE, **options: Any
    ) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        transport = httpx.WSGITransport(app=self.app)
        return httpx.Client(transport=transport, base_url=base, headers=headers, **options)

    def scoped(self, *scopes: str, user: str = "scoped") -> httpx.Client:
        """A client of somebody whose key has these scopes."""
        return self(key=accounts.create_key(user=user, scopes=scopes).value)


@pytest.fixture
def clients(app: Application) -> Clients:
    return Clients(app)


@pytest.fixture
def client(clients: Clients) -> httpx.Client:
    """A client with every scope, at project 1."""
    return clients()


@pytest.fixture
def current_app(database: str) -> Iterator[Application]:
    """The application in the current dialect, with project 1 and its first key."""
    app = create_app(database, dialect="current")
    accounts.first_start(key="phx_first_key")
    yield app
    app.close()


@pytest.fixture
def small(database: str) -> Iterator[httpx.Client]:
    """A client of a server in the current dialect that holds very little."""
    quota = Quota(datasets=2, items=2, versions=4, bytes=200)
    app = create_app(database, dialect="current", quota=quota)
    accounts.first_start(key="phx_first_key")
    yield Clients(app)()
    app.close()


@pytest.fixture
def current_clients(current_app: Application) -> Clients:
    return Clients(current_app)


@pytest.fixture
def current(current_clients: Clients) -> httpx.Client:
    """A client with every scope, at project 1 of a server that speaks the current dialect."""
    return current_clients()
