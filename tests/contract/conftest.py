"""Where the contract is tried: our own server on a free port, or the project that CONTRACT_URL, _KEY and _PROJECT name.

CONTRACT_DIALECT says what the server speaks (default ``seed``). `make contract URL=… KEY=… PROJECT=…` sets all four.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.wire import Api

OWN_KEY = "phx_contract_first_key"
DIALECT = os.environ.get("CONTRACT_DIALECT") or "seed"
FOREIGN_URL = os.environ.get("CONTRACT_URL", "").rstrip("/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases of another dialect, and skip what takes a server of our own where there is none."""
    others = [
        item
        for item in items
        if (spoken := item.get_closest_marker("dialect")) and DIALECT not in spoken.args
    ]
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = set(others)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if FOREIGN_URL and item.get_closest_marker("own_server"):
            item.add_marker(pytest.mark.skip(reason="takes a server of our own"))


@dataclass(frozen=True)
class Place:
    """A server, a project on it, and a key with every scope."""

    url: str
    project: str
    key: str = field(repr=False)
    database: str = ""

    def api(self, key: str | None = None, **options: Any) -> Api:
        return Api(self.url, self.project, key or self.key, **options)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The given project, or project 1 of our own server."""
    if FOREIGN_URL:
        key = os.environ.get("CONTRACT_KEY", "").strip()
        project = os.environ.get("CONTRACT_PROJECT", "").strip()
        if not key or not project:
            pytest.exit("with URL, give KEY and PROJECT of a scratch project as well", 2)
        yield Place(FOREIGN_URL, project, key)
        return
    from skillsync.server import accounts
    from skillsync.server.app import create_app, new_database
    from skillsync.server.serve import running

    database = new_database(tmp_path_factory.mktemp("contract") / "server.sqlite3")
    with running(database, dialect=DIALECT) as server:
        create_app(database, dialect=DIALECT).close()
        accounts.first_start(key=OWN_KEY)
        yield Place(server.url, "1", OWN_KEY, database)


@pytest.fixture(scope="session")
def api(place: Place) -> Iterator[Api]:
    """The project, with every scope; what is made there is removed at the end."""
    api = place.api()
    yield api
    if FOREIGN_URL:
        api.clean_up()
    api.close()


@pytest.fixture(scope="session")
def still(api: Api) -> dict[str, Any]:
    """A skill with files ``a.md`` and ``b.md`` that no case changes: for requests that are refused."""
    files = [{"path": path, "content": "text"} for path in ("a.md", "b.md")]
    return api.skill(files=files)


@pytest.fixture(scope="session")
def parent(api: Api) -> dict[str, Any]:
    """A dataset for items; no case changes it or counts on what it holds."""
    return api.dataset()


class Office:
    """Makes more keys and projects on our own server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: dict[tuple[Any, ...], Api] = {}

    def key(self, *scopes: str, user: str = "scoped", project: int | None = None) -> str:
        """A key with these scopes, perhaps limited to a project."""
        from skillsync.server import accounts

        self._point()
        return accounts.create_key(user=user, scopes=scopes, project=project).value

    def scoped(self, *scopes: str) -> Api:
        """Somebody whose key has these scopes; made once."""
        if scopes not in self._made:
            self._made[scopes] = self._place.api(self.key(*scopes))
        return self._made[scopes]

    def project(self) -> int:
        """Another project of the organisation."""
        from skillsync.server import accounts

        self._point()
        return int(accounts.create_project("another").pk)

    def outsider(self, projects: Sequence[int]) -> str:
        """The key of somebody who is a member of these projects only."""
        from skillsync.server import accounts

        self._point()
        return accounts.create_key(
            user=f"outsider of {projects}", projects_allowed=list(projects)
        ).value

    def _point(self) -> None:
        from skillsync.server.database import point_at

        point_at(self._place.database)

    def close(self) -> None:
        for api in self._made.values():
            api.close()


@pytest.fixture(scope="session")
def office(place: Place) -> Iterator[Office]:
    office = Office(place)
    yield office
    office.close()
