"""The sealed world: own home and git configuration, fixed identity and dates, no network but loopback."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.world import make_repository

_FOREIGN_PREFIXES = ("SKILLSYNC_", "POSTHOG_", "GIT_", "GITHUB_", "GITLAB_", "CI_", "XDG_", "LC_")
_FOREIGN = frozenset(
    {
        *("CI", "EDITOR", "VISUAL", "PAGER", "LESS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR"),
        *("CLICOLOR_FORCE", "COLUMNS", "LINES", "LANGUAGE", "LANG", "SSL_CERT_FILE"),
        *("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NETRC", "DJANGO_SETTINGS_MODULE"),
        *("DATABASE_URL", "PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    }
)
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def _stay_in_memory() -> None:
    """Keep temporary files off the disk where memory can be a folder that has room and runs programs."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return
    found = os.statvfs(_MEMORY)
    if not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= _ROOM:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


_stay_in_memory()
_worlds = Path(tempfile.mkdtemp(prefix="skillsync-world-"))
_numbers = itertools.count()
_git_config = _worlds / "gitconfig"
_QUICK_GIT = """\
[core]
fsync = none
[init]
templateDir = ""
[maintenance]
auto = false
"""
"""Git flushes nothing, copies no sample hooks into each repository, and starts nothing to tidy up after a commit."""
_FIXED = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "GIT_CONFIG_GLOBAL": str(_git_config),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "false",
    "GIT_AUTHOR_NAME": "Ada Author",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+0000",
    "GIT_COMMITTER_NAME": "Ada Author",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+0000",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "fast", max_examples=60, derandomize=True, deadline=None, database=None,
    print_blob=True, suppress_health_check=_QUIET,
)  # fmt: skip
settings.register_profile("few", settings.get_profile("fast"), max_examples=15)
settings.register_profile("ci", settings.get_profile("fast"), max_examples=2_000)
settings.register_profile(
    "nightly", settings.get_profile("fast"), max_examples=100_000, derandomize=False
)


def _is_foreign(name: str) -> bool:
    return name.startswith(_FOREIGN_PREFIXES) or name in _FOREIGN or name.lower().endswith("_proxy")


def _seal(home: Path) -> dict[str, str]:
    """Name the variables that make ``home`` the whole world of a test."""
    return {
        **_FIXED,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
    }


def _is_loopback(host: object) -> bool:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    return text in ("", "localhost", "::1", "0.0.0.0", "::") or text.startswith("127.")


def _stay_home(event: str, args: tuple[Any, ...]) -> None:
    """Refuse to look up or connect to anything but this machine."""
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise OSError(101, f"tests reach no network: {address[0]}")
    elif event == "socket.getaddrinfo" and not _is_loopback(args[0]):
        raise socket.gaierror(socket.EAI_NONAME, f"tests look nothing up: {args[0]}")


def _flush_nothing(fd: object = None, /) -> None:
    """Stand in for fsync and sync."""


def pytest_configure(config: pytest.Config) -> None:
    """Seal the process before anything of ours is imported."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
    for name in [name for name in os.environ if _is_foreign(name)]:
        del os.environ[name]
    _git_config.write_text(_QUICK_GIT)
    os.environ.update(_seal(_worlds))
    # Hundreds of processes import the same modules: they are compiled once, whatever the machine prefers.
    sys.dont_write_bytecode = False
    if not os.environ.get(
        "CONTRACT_URL"
    ):  # `make contract` may be told to reach a server elsewhere
        sys.addaudithook(_stay_home)
    # A test's process may die, its machine does not: flushing would only wait for everybody's disk.
    os.fsync = _flush_nothing  # type: ignore[assignment]
    os.sync = _flush_nothing


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the homes held."""
    shutil.rmtree(_worlds, ignore_errors=True)


@pytest.fixture(autouse=True)
def home() -> Iterator[Path]:
    """Give each test a home of its own and undo what it did to the environment, folder and umask."""
    before = dict(os.environ)
    folder = Path.cwd()
    mask = os.umask(0o022)
    new = _worlds / f"home-{next(_numbers)}"
    new.mkdir(mode=0o700)
    os.environ.update(_seal(new))
    try:
        yield new
    finally:
        os.umask(mask)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


MakeRepo = Callable[..., Path]


@pytest.fixture
def make_repo(tmp_path: Path) -> MakeRepo:
    """Return ``make_repo(name="repo", files={…}, object_format=…, commit=True)``, which makes a repository."""

    def make(name: str = "repo", files: dict[str, str | bytes] | None = None, **how: Any) -> Path:
        return make_repository(tmp_path / name, files, **how)

    return make


@pytest.fixture
def repo_dir(make_repo: MakeRepo) -> Path:
    """Return a repository on branch ``main`` with one commit that holds a README."""
    return make_repo(files={"README.md": "A repository for tests.\n"})


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what was collected, thousands of tests, out of every later search for garbage."""
    gc.collect()
    gc.freeze()
