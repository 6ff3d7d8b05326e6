"""The hosts that the user accepted for keys: one small file in the user's own configuration, never in a tree."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from skillsync.errors import ConfigError
from skillsync.origin import NotAnOrigin, parse_origin

TRUST_FILE = "trusted.toml"
_HEAD = "# Servers that keys from the environment may be sent to. Written by `skillsync trust`.\n"


def config_folder() -> Path:
    """Return the folder of the user's own configuration for skillsync.

    Raises ConfigError when the environment makes it relative: what it means would then depend on the tree
    that one stands in, and a branch could accept a host for the user.
    """
    from platformdirs import user_config_path

    folder = user_config_path("skillsync", appauthor=False)
    if not folder.is_absolute():
        raise ConfigError(
            f"the user's configuration folder {folder} is not absolute: see XDG_CONFIG_HOME"
        )
    return folder


def trusted_hosts(*, folder: Path | None = None) -> tuple[str, ...]:
    """Return the accepted origins, sorted.

    Raises ConfigError for a file that cannot be read: nobody is trusted by mistake.
    """
    path = (folder or config_folder()) / TRUST_FILE
    try:
        hosts = tomllib.loads(path.read_text("utf-8")).get("hosts", [])
        if not isinstance(hosts, list):
            raise ConfigError(f"{path}: hosts must be a list", subject=str(path))
        return tuple(
            sorted({parse_origin(host if isinstance(host, str) else "") for host in hosts})
        )
    except FileNotFoundError:
        return ()
    except NotAnOrigin as error:
        raise ConfigError(f"{path}: a host {error}", subject=str(path)) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}",
            subject=str(path),
            hint="correct the file, or delete it and accept the hosts again with `skillsync trust`",
        ) from error


def trust_host(origin: str, *, folder: Path | None = None) -> bool:
    """Accept ``origin`` (any spelling parse_origin takes); return False if it was accepted before."""
    return _change(folder, lambda hosts: hosts | {parse_origin(origin)})


def distrust_host(origin: str, *, folder: Path | None = None) -> bool:
    """Take ``origin`` back; return False if it was not accepted."""
    return _change(folder, lambda hosts: hosts - {parse_origin(origin)})


def _change(folder: Path | None, edit: Callable[[frozenset[str]], frozenset[str]]) -> bool:
    folder = folder or config_folder()
    before = frozenset(trusted_hosts(folder=folder))
    after = edit(before)
    if after == before:
        return False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = "".join(f'    "{host}",\n' for host in sorted(after))
    _write_private(folder / TRUST_FILE, f"{_HEAD}hosts = [\n{lines}]\n")
    return True


def _write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only (mkstemp makes it mode 600)."""
    number, name = tempfile.mkstemp(prefix=".trusted-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as aside:
            aside.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
