"""Which database a thread talks to: URLs, SQLite's durable settings, migrations, fresh copies for tests."""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, Error, connections
from django.db.backends.signals import connection_created
from django.db.utils import ConnectionHandler, load_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

BUSY_SECONDS = 60
"""How long a writer waits for the one before it."""

_SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": BUSY_SECONDS,
    # A writer takes the lock at BEGIN: two publishes can never both have read the same latest version.
    "transaction_mode": "IMMEDIATE",
    # FULL syncs the WAL at every commit, so an acknowledged write survives kill -9 and power loss.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}

_start = threading.Lock()
_pointed_at: Database | None = None
_template: Path | None = None


class DatabaseUnusable(ValueError):
    """The database is not there, is not one, or needs a driver that is not installed."""


class Database:
    """One database and the connections that threads opened to it."""

    def __init__(self, url: str) -> None:
        """``url`` as ``dj-database-url`` reads it; ValueError when it is none, or SQLite in memory."""
        start_django()
        self.config = _config_from_url(url)
        self._opened: weakref.WeakSet[BaseDatabaseWrapper] = weakref.WeakSet()

    def bind(self) -> None:
        """Make this database the ``default`` one of the calling thread."""
        handler = connections["default"]
        if handler.settings_dict is self.config:
            return
        handler.close()
        wrapper = load_backend(self.config["ENGINE"]).DatabaseWrapper(self.config, "default")
        wrapper.inc_thread_sharing()  # so that ``close`` may be called from another thread
        connections["default"] = wrapper
        self._opened.add(wrapper)

    def close(self) -> None:
        """Close the connections of every thread. A thread that asks again gets a new one."""
        for wrapper in list(self._opened):
            wrapper.close()


def start_django(*, admin: bool = False) -> None:
    """Set Django up with our settings, once per process; the first call decides about the admin page."""
    with _start:
        if not settings.configured:
            # Set, not defaulted: the variable may belong to another Django project of the user.
            module = "settings_admin" if admin else "settings"
            os.environ["DJANGO_SETTINGS_MODULE"] = f"skillsync.server.{module}"
        django.setup(set_prefix=False)
        # No access log: Django would name every 4xx answer, and print a traceback for a bad Host.
        logging.getLogger("django.request").setLevel(logging.ERROR)
        logging.getLogger("django.security").setLevel(logging.CRITICAL)


def point_at(url: str) -> Database:
    """Make ``url`` what ``pointed_at`` gives from now on, in every thread, migrated and bound here.

    ValueError (also as DatabaseUnusable) or OSError when there is no database to be had.
    """
    global _pointed_at
    try:
        database = Database(url)
        _require_driver(database.config)
        database.bind()
        migrate(database)
    except (DatabaseError, ImproperlyConfigured) as error:
        raise DatabaseUnusable(f"the database cannot be used: {error}") from error
    _pointed_at = database
    return database


def pointed_at() -> Database:
    """The database of the last ``point_at``, bound to this thread; RuntimeError before the first."""
    if _pointed_at is None:
        raise RuntimeError("no database yet: call create_app(database) first")
    _pointed_at.bind()
    return _pointed_at


def migrate(database: Database) -> None:
    """Bring the schema up to date. Two processes may do it at once: the later one finds it done."""
    from django.db.migrations.executor import MigrationExecutor

    _create_private_file(database.config)
    for attempts_left in (4, 3, 2, 1, 0):
        try:
            if _is_up_to_date():
                return
            with alone("migrate"):
                executor = MigrationExecutor(connections["default"])
                targets = executor.loader.graph.leaf_nodes()
                if executor.migration_plan(targets):
                    executor.migrate(targets)
        except DatabaseError:
            connections["default"].close()
            if not attempts_left:
                raise
        else:
            return


def _is_up_to_date() -> bool:
    """Whether the newest migrations were applied: one look, where planning them reads every file again."""
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder(connections["default"]).applied_migrations()
    return _newest_migrations() <= applied.keys()


@functools.cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    from django.db.migrations.loader import MigrationLoader

    return frozenset(MigrationLoader(None).graph.leaf_nodes())


@contextlib.contextmanager
def alone(what: str) -> Iterator[None]:
    """No other process does ``what`` meanwhile, on PostgreSQL; SQLite has its one write lock for that."""
    connection = connections["default"]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"skillsync {what}"])
        try:
            yield
        finally:
            with contextlib.suppress(Error):  # a connection that broke has let go of the lock
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [f"skillsync {what}"])


def new_database(path: Path, *, like: Path | None = None) -> str:
    """Make a migrated SQLite database at ``path`` and return its URL.

    The first call of a process migrates a template; later calls copy it, which takes milliseconds. ``like`` is a
    closed database to copy instead.
    """
    shutil.copyfile(like or _migrated_template(), path)
    path.chmod(0o600)
    return sqlite_url(path)


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file."""
    return f"sqlite:///{quote(str(path.absolute()))}"


def _migrated_template() -> Path:
    global _template
    if _template is None:
        folder = Path(tempfile.mkdtemp(prefix="skillsync-template-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = folder / "template.sqlite3"
        with bound_elsewhere():
            database = Database(sqlite_url(path))
            database.bind()
            migrate(database)
            database.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _template = path
    return _template


@contextlib.contextmanager
def bound_elsewhere() -> Iterator[None]:
    """Give the thread its own database back afterwards."""
    start_django()
    before = connections["default"]
    try:
        yield
    finally:
        connections["default"] = before


def _config_from_url(url: str) -> dict[str, Any]:
    import dj_database_url

    config: dict[str, Any] = dict(
        # A connection stays; whether it still answers is asked before each request that follows a failure.
        dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)
    )
    if config["ENGINE"].endswith("sqlite3"):
        if config["NAME"] in {"", ":memory:"}:
            raise ValueError("the server needs a database file: sqlite:///PATH")
        config["NAME"] = str(Path(config["NAME"]).absolute())
        config["OPTIONS"] = {**config.get("OPTIONS", {}), **_SQLITE_OPTIONS}
    filled: dict[str, Any] = ConnectionHandler({"default": config}).settings["default"]
    return filled


def _require_driver(config: dict[str, Any]) -> None:
    if config["ENGINE"].endswith("postgresql"):
        try:
            import psycopg  # noqa: F401  # what Django will use
        except ImportError as error:
            raise DatabaseUnusable(
                "PostgreSQL needs a driver: pip install 'skillsync[server,postgresql]'"
            ) from error


def _create_private_file(config: dict[str, Any]) -> None:
    """Create the SQLite file readable by its owner only, before SQLite does it with the umask's mode."""
    if config["ENGINE"].endswith("sqlite3"):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(config["NAME"], os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _register_functions(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Give SQLite the one function that PostgreSQL has and it lacks."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(
            "skillsync_contains", 2, _contains, deterministic=True
        )


def _contains(text: str | None, part: str) -> bool | None:
    return None if text is None else _upper(part) in _upper(text)


def _upper(text: str) -> str:
    """Upper case as PostgreSQL makes it: a character becomes one character or stays (``ß`` does)."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    return "".join(big if len(big := char.upper()) == 1 else char for char in text)


connection_created.connect(_register_functions, dispatch_uid="skillsync.server.database")
