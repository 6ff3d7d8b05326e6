"""A fresh database per test, and clients that reach the application without a socket."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.database import start_django
from skillsync.server.quotas import Quota
from tests.server.cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from skillsync.server.app import Application

start_django()  # so that test modules may import models while they are collected

BASE = "http://server.test/api/projects/1/"


ON_POSTGRESQL = os.environ.get("TEST_SERVER_DATABASE") == "postgresql"
"""Whether every test that does not ask for a file runs on PostgreSQL."""


_TOUCHES_A_DATABASE = frozenset({"cluster", "database", "kept_world", "started"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what would be the same again: tests of values, and those that bring their own file."""
    if not ON_POSTGRESQL:
        return
    others = [item for item in items if _TOUCHES_A_DATABASE.isdisjoint(_fixtures_of(item))]
    config.hook.pytest_deselected(items=others)
    left_out = set(others)
    items[:] = [item for item in items if item not in left_out]


def _fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


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


@pytest.fixture(scope="session")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after its first start: a copy of it is cheaper than another start."""
    path = tmp_path_factory.mktemp("started") / "server.sqlite3"
    app = create_app(new_database(path))
    accounts.first_start(key="phx_first_key")
    app.close()
    return path


@pytest.fixture
def started(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with project 1 and its first key ``phx_first_key``, and nothing else."""
    if ON_POSTGRESQL:
        url: str = request.getfixturevalue("postgresql")
        create_app(url).close()
        accounts.first_start(key="phx_first_key")
        return url
    return new_database(tmp_path / "started.sqlite3", like=request.getfixturevalue("_started"))


@pytest.fixture
def app(started: str) -> Iterator[Application]:
    """The application over it."""
    app = create_app(started)
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


@pytest.fixture(scope="module")
def kept_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., httpx.Client]]:
    """Makes clients of servers that stay for a module: for tests that only read, or are refused."""
    with ExitStack() as stack:

        def make(dialect: str = "seed") -> httpx.Client:
            if ON_POSTGRESQL:
                cluster: Cluster = request.getfixturevalue("cluster")
                url = cluster.new_database()
                stack.callback(cluster.drop, url)
            else:
                path = tmp_path_factory.mktemp("kept") / "server.sqlite3"
                url = new_database(path, like=request.getfixturevalue("_started"))
            app = create_app(url, dialect=dialect)
            stack.callback(app.close)
            accounts.first_start(key="phx_first_key")
            return Clients(app)()

        yield make


@pytest.fixture(scope="module")
def refusing(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an empty server that the module's tests leave empty."""
    return kept_world()


@pytest.fixture
def clients(app: Application) -> Clients:
    return Clients(app)


@pytest.fixture
def client(clients: Clients) -> httpx.Client:
    """A client with every scope, at project 1."""
    return clients()


@pytest.fixture
def current_app(started: str) -> Iterator[Application]:
    """The application in the current dialect."""
    app = create_app(started, dialect="current")
    yield app
    app.close()


@pytest.fixture
def small(started: str) -> Iterator[httpx.Client]:
    """A client of a server in the current dialect that holds very little."""
    quota = Quota(datasets=2, items=2, versions=4, bytes=200)
    app = create_app(started, dialect="current", quota=quota)
    yield Clients(app)()
    app.close()


@pytest.fixture
def current_clients(current_app: Application) -> Clients:
    return Clients(current_app)


@pytest.fixture
def current(current_clients: Clients) -> httpx.Client:
    """A client with every scope, at project 1 of a server that speaks the current dialect."""
    return current_clients()
