"""Keeps test worlds from flushing to the disk: a test's process may die, but its machine never does."""

from __future__ import annotations

from typing import Any

from django.db.backends.signals import connection_created

_databases: set[str] = set()


def flush_nothing(database: str) -> str:
    """Let SQLite answer before the disk has it, for one database URL; returns the URL."""
    _databases.add(database)
    return database


def _relax(connection: Any, **_: object) -> None:
    if any(url.endswith(str(connection.settings_dict["NAME"])) for url in _databases):
        connection.connection.execute("PRAGMA synchronous=OFF")


connection_created.connect(_relax, dispatch_uid="tests.unflushed")
