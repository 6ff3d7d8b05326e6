"""A private PostgreSQL for the tests of one process: in a folder of its own, behind a socket, never as root."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = "apt-get install -y postgresql"
REQUIRED = "TEST_POSTGRESQL_REQUIRED"
"""Set by CI: without PostgreSQL the tests fail then instead of being skipped."""

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "''",
    "max_connections": "150",
    "synchronous_commit": "off",
}
_numbers = itertools.count(1)


class Cluster:
    """A running server; makes databases, each a copy of one that is migrated already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template: str | None = None
        self._shared: str | None = None

    def url(self, name: str) -> str:
        return f"postgresql://skillsync@{quote(os.fspath(self._folder), safe='')}/{name}"

    def new_database(self, *, migrated: bool = True) -> str:
        """The URL of a new database."""
        template = self._migrated() if migrated else "template0"
        return self.url(self._create(template))

    def empty_database(self) -> str:
        """The URL of a migrated database without rows, the same each time: emptying takes milliseconds."""
        if self._shared is None:
            self._shared = self.new_database()
        else:
            self._empty(self._shared)
        return self._shared

    def _empty(self, url: str) -> None:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            tables = connection.execute(
                "SELECT tablename FROM pg_tables "
                "WHERE schemaname = 'public' AND tablename <> 'django_migrations'"
            ).fetchall()
            sequences = connection.execute("SELECT sequencename FROM pg_sequences").fetchall()
            connection.execute("SET session_replication_role = replica")  # in any order
            for (table,) in tables:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  its own catalogue's names
            for (sequence,) in sequences:
                connection.execute(f"ALTER SEQUENCE {sequence} RESTART")

    def _migrated(self) -> str:
        if self._template is None:
            from skillsync.server.database import Database, bound_elsewhere, migrate

            name = self._create("template0")
            with bound_elsewhere():
                database = Database(self.url(name))
                database.bind()
                migrate(database)
                database.close()
            self._template = name
        return self._template

    def _create(self, template: str) -> str:
        name = f"test{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Skips the test when PostgreSQL is not installed, unless it is required."""
    programs = _programs()
    if programs is None:
        text = f"PostgreSQL is not installed: {INSTALL}"
        if os.environ.get(REQUIRED):
            pytest.fail(text)
        pytest.skip(text)
    user = pwd.getpwnam(_user())
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has to be short
    folder.chmod(0o700)
    os.chown(folder, user.pw_uid, user.pw_gid)
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    command = ["sh", "-c", _SCRIPT, "cluster", f"{programs}", f"{folder}", f"{options} -k {folder}"]
    with subprocess.Popen(
        command, user=user.pw_uid, group=user.pw_gid, cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": os.fspath(folder)},
    ) as keeper:  # fmt: skip
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            assert keeper.stdout.readline() == "ready\n", (folder / "log").read_text()
            yield Cluster(folder)
        finally:
            keeper.stdin.close()
            keeper.wait()
            shutil.rmtree(folder, ignore_errors=True)


_SCRIPT = """
cd "$2"
"$1/initdb" -D data -U skillsync -A trust -E UTF8 --no-sync --locale=C.UTF-8 >>log 2>&1 &&
"$1/pg_ctl" start -w -D data -l log -o "$3" >>log 2>&1 && echo ready
read -r _
"$1/pg_ctl" stop -m immediate -D data >>log 2>&1
cd / && rm -rf "$2/data" "$2/log"
"""
"""Ends PostgreSQL as soon as its standard input is closed, also when the tests were killed."""


def _user() -> str:
    """Root may not run PostgreSQL; anybody else runs it as themselves."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _programs() -> Path | None:
    """The folder of ``initdb``: Debian keeps it out of the PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    at = shutil.which("initdb")
    return None if at is None else Path(at).parent
