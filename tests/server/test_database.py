"""Durable, private, migrated: what every SQLite database of the server is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from skillsync.server.app import create_app, new_database
from skillsync.server.database import Database, DatabaseUnusable, pointed_at, sqlite_url

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> str:
    """What is tested here is SQLite's, whatever the other tests run on."""
    return new_database(tmp_path / "server.sqlite3")


def pragma(name: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        value: object = cursor.fetchone()[0]
        return value


def test_a_connection_is_durable_and_waits_its_turn(database: str) -> None:
    app = create_app(database)
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2, "FULL"
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 60_000
    assert getattr(connection, "transaction_mode", None) == "IMMEDIATE"
    app.close()


def test_a_new_file_is_migrated_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "with space & 100%.sqlite3"
    app = create_app(sqlite_url(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    app.close()
    with contextlib.closing(sqlite3.connect(path)) as direct:
        tables = {row[0] for row in direct.execute("SELECT name FROM sqlite_master")}
    assert {"skillsync_server_skill", "skillsync_server_datasetitem"} <= tables


def test_new_database_gives_an_equal_schema_and_no_data(tmp_path: Path) -> None:
    create_app(sqlite_url(tmp_path / "migrated.sqlite3")).close()
    new_database(tmp_path / "copied.sqlite3")

    def schema(name: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as direct:
            rows = direct.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY 1")
            return [row[0] for row in rows]

    assert schema("copied.sqlite3") == schema("migrated.sqlite3")
    assert stat.S_IMODE((tmp_path / "copied.sqlite3").stat().st_mode) == 0o600


def test_the_migrations_say_what_the_models_say(database: str) -> None:
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.state import ProjectState

    app = create_app(database)
    from django.apps import apps

    state = MigrationExecutor(connection).loader.project_state()
    detector = MigrationAutodetector(state, ProjectState.from_apps(apps))
    assert detector.changes(MigrationExecutor(connection).loader.graph) == {}
    app.close()


def test_two_that_start_at_once_on_an_empty_file_both_succeed(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "server.sqlite3")
    failures: list[BaseException] = []

    def start() -> None:
        try:
            create_app(url).close()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("url", ["sqlite://:memory:", "sqlite://", "nonsense", "nonsense://x"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Database(url)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, longer than a header of SQLite: " * 20)
    with pytest.raises(DatabaseUnusable, match="not a database"):
        create_app(sqlite_url(path))
    assert path.read_text().startswith("my notes")


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Database("sqlite:///x.sqlite3").config["NAME"] == os.fspath(tmp_path / "x.sqlite3")


def test_closing_ends_every_connection_and_the_next_use_opens_another(database: str) -> None:
    app = create_app(database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    app.close()
    assert connection.connection is None
    pointed_at()
    assert pragma("journal_mode") == "wal"
    app.close()


def test_a_database_of_the_first_schema_is_brought_forward_with_its_rows(tmp_path: Path) -> None:
    """Files from before have no digest: the contract allows null there (skills-api.md 12)."""
    from django.db.migrations.executor import MigrationExecutor

    from skillsync.server import accounts
    from tests.server.conftest import Clients

    path = tmp_path / "old.sqlite3"
    database = Database(sqlite_url(path))
    database.bind()
    MigrationExecutor(connection).migrate([("skillsync_server", "0001_initial")])
    database.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as direct:
        for table, values in _FIRST_ROWS:
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            direct.execute(
                f"INSERT INTO skillsync_server_{table} ({names}) VALUES ({marks})",  # noqa: S608  names of this module
                list(values.values()),
            )
    for dialect in ("seed", "current"):
        app = create_app(sqlite_url(path), dialect=dialect)
        accounts.first_start(key="phx_first_key")
        client = Clients(app)()
        detail = client.get("llm_skills/name/greet").json()
        assert (detail["body"], detail["version"]) == ("# Greet", 1)
        assert client.get("llm_skills/name/greet/files/a.md").json()["content"] == "x"
        assert client.get("llm_skills").json()["count"] == 1
        app.close()
    assert (detail["files"][0]["sha256"], detail["owners"]) == (None, [])


_ORGANIZATION, _SKILL = "01" * 16, "02" * 16
_TIME = "2024-01-02 03:04:05"
_FIRST_ROWS: list[tuple[str, dict[str, object]]] = [
    ("organization", {"id": _ORGANIZATION, "name": "skillsync"}),
    (
        "project",
        {
            "id": 1,
            "uuid": "03" * 16,
            "organization_id": _ORGANIZATION,
            "name": "p",
            "api_token": "phc_x",
            "created_at": _TIME,
        },
    ),
    (
        "skill",
        {
            "id": _SKILL,
            "project_id": 1,
            "name": "greet",
            "description": "d",
            "body": "# Greet",
            "license": "",
            "compatibility": "",
            "allowed_tools": "[]",
            "metadata": "{}",
            "outline": "[]",
            "version": 1,
            "is_latest": 1,
            "deleted": 0,
            "created_at": _TIME,
            "updated_at": _TIME,
            "first_created_at": _TIME,
        },
    ),
    ("skillfile", {"skill_id": _SKILL, "path": "a.md", "content": "x", "content_type": "text/x"}),
]
