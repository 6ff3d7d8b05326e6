"""Where the API key comes from, and whether it may go to a target's origin: decided before any request."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillsync.api.secret import Secret
from skillsync.api.trust import trusted_hosts
from skillsync.errors import ConfigError, HostNotTrusted, NotAuthenticated
from skillsync.origin import US, NotAnOrigin, is_loopback, is_region, parse_origin

if TYPE_CHECKING:
    from skillsync.config import Target

SERVICE = "skillsync"
"""The name under which the system keyring holds keys; the user name there is the origin."""
MAX_KEY_FILE = 10_000

_KEY_FILE = "--api-key-file names a text file that holds one key"
_OTHER_KINDS = {
    "phc_": "a project token, which only sends events",
    "phs_": "a project secret key, which this API does not accept",
    "phr_": "a refresh token",
}


@dataclass(frozen=True, slots=True)
class FoundKey:
    """The key that won. ``source`` is for people; ``origin`` is the one it is stored for, None if for none."""

    secret: Secret
    source: str
    origin: str | None = None

    @property
    def described(self) -> str:
        """Where the key came from and its mask, for ``status -v``."""
        return f"{self.source} ({self.secret.masked})"


Keyring = Callable[[str], "str | None"]
"""Takes an origin, returns the key the system keyring holds for it."""


def find_key(
    target: Target,
    *,
    api_key_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    trusted: Collection[str] | None = None,
    keyring: Keyring | None = None,
) -> FoundKey:
    """Return the key for ``target``, from the first place that has one (design.md 2, Keys).

    The order: ``api_key_file``, ``SKILLSYNC_<TARGET>_API_KEY``, ``SKILLSYNC_API_KEY``, the system keyring,
    posthog-cli's variables, its ``credentials.json``. Arguments left out are this process's own environment,
    home, accepted hosts and keyring. Asks no server.

    A variable that is set to nothing is not set, as CI systems set those of secrets that do not exist; when there
    is no other key, the error names it.

    Raises NotAuthenticated when there is none, HostNotTrusted when there is one that must not go to the
    target's origin, ConfigError when what is there cannot be a key.
    """
    environ = os.environ if environ is None else environ
    reader = _Reader(
        target=target,
        api_key_file=api_key_file,
        environ=environ,
        home=Path.home() if home is None else home,
        keyring=read_keyring if keyring is None else keyring,
    )
    elsewhere: list[FoundKey] = []
    for found in reader.found():
        if found.origin is None:
            if _is_accepted(target.origin, named=_named_host(environ), trusted=trusted):
                return found
            raise _not_trusted(target, found)
        if found.origin == target.origin:
            return found
        elsewhere.append(found)
    raise _belongs_elsewhere(target, elsewhere) if elsewhere else _no_key(target, environ)


def may_send(origin: str, *, named: str | None, trusted: Collection[str]) -> bool:
    """Tell whether a key that is stored for no host may go to ``origin``.

    To PostHog's regions, this machine, the origin in SKILLSYNC_HOST (``named``), and those the user accepted.
    """
    return is_region(origin) or is_loopback(origin) or origin == named or origin in trusted


def _is_accepted(origin: str, *, named: str | None, trusted: Collection[str] | None) -> bool:
    """Ask may_send, and look into the user's list only where it decides."""
    if may_send(origin, named=named, trusted=()):
        return True
    accepted = trusted_hosts() if trusted is None else trusted
    return may_send(origin, named=named, trusted=accepted)


def read_keyring(origin: str) -> str | None:
    """Return what the system keyring holds for ``origin``; None without the optional package or a keyring."""
    from importlib import import_module

    try:
        keyring: Any = import_module("keyring")
        troubles: tuple[type[Exception], ...] = (keyring.errors.KeyringError, OSError, RuntimeError)
    except ImportError:
        return None
    try:
        stored = keyring.get_password(SERVICE, origin)
    except troubles:
        return None
    return stored if isinstance(stored, str) else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the places one after the other, and a later one only if no earlier one had a key."""

    target: Target
    api_key_file: Path | None
    environ: Mapping[str, str]
    home: Path
    keyring: Keyring

    def found(self) -> Iterator[FoundKey]:
        """Yield the keys that are there, in order."""
        if self.api_key_file is not None:
            yield _found(_read_key_file(self.api_key_file), f"the file {self.api_key_file}")
        for name in _own_variables(self.target):
            if self.environ.get(name, "").strip():
                yield _found(self.environ[name], f"the variable {name}")
        stored = self.keyring(self.target.origin)
        if stored is not None:
            yield _found(stored, "the system keyring", origin=self.target.origin)
        yield from self._posthog_variables()
        yield from self._posthog_file()

    def _posthog_variables(self) -> Iterator[FoundKey]:
        """posthog-cli's set: key and project or nothing, and the host only with them (platform.md 10)."""
        name, key = self._first("POSTHOG_CLI_API_KEY", "POSTHOG_CLI_TOKEN")
        _, project = self._first("POSTHOG_CLI_PROJECT_ID", "POSTHOG_CLI_ENV_ID")
        origin = _origin_or_none(self.environ.get("POSTHOG_CLI_HOST") or US)
        if key and project and origin:
            yield _found(key, f"the variable {name}", origin=origin)

    def _posthog_file(self) -> Iterator[FoundKey]:
        """The file that ``posthog-cli login`` writes; one that cannot be read is none."""
        folder = self.environ.get("POSTHOG_HOME")
        path = (Path(folder) if folder else self.home / ".posthog") / "credentials.json"
        try:
            if not path.is_absolute() or path.stat().st_size > MAX_KEY_FILE:
                return
            stored = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return
        if not isinstance(stored, dict):
            return
        token, project, host = (stored.get(name) for name in ("token", "env_id", "host"))
        origin = _origin_or_none(host or US) if isinstance(host, str | None) else None
        if token and isinstance(token, str) and project and isinstance(project, str) and origin:
            yield _found(token, f"the file {path}", origin=origin)

    def _first(self, *names: str) -> tuple[str, str]:
        """Return the first variable that is set, and its value."""
        return next(
            ((name, self.environ[name]) for name in names if self.environ.get(name)), ("", "")
        )


def _found(value: str, source: str, *, origin: str | None = None) -> FoundKey:
    """Check what a place held. Spaces and line ends around a key are dropped (platform.md 3)."""
    secret = Secret(value.strip(), source=source)
    kind = _OTHER_KINDS.get(secret.reveal()[:4])
    if kind:
        raise ConfigError(
            f"{source} holds {kind}: a personal API key is needed, it begins with phx_",
            subject=source,
            unchanged="nothing was sent",
            hint="make a personal API key with the scopes llm_skill:write and dataset:write",
        )
    return FoundKey(secret, source, origin)


def _read_key_file(path: Path) -> str:
    if not path.exists():
        raise ConfigError(f"there is no key file {path}", subject=str(path), hint=_KEY_FILE)
    try:
        if not path.is_file() or path.stat().st_size > MAX_KEY_FILE:
            raise ConfigError(
                f"the key file {path} is not a small file", subject=str(path), hint=_KEY_FILE
            )
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            f"the key file {path} is not text", subject=str(path), hint=_KEY_FILE
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the key file {path} cannot be read: {error.strerror}",
            subject=str(path),
            hint=_KEY_FILE,
        ) from error


def _named_host(environ: Mapping[str, str]) -> str | None:
    host = environ.get("SKILLSYNC_HOST")
    if not host:
        return None
    try:
        return parse_origin(host)
    except NotAnOrigin as error:
        raise ConfigError(
            f"SKILLSYNC_HOST {error}",
            subject="SKILLSYNC_HOST",
            hint=f"set it to the server's origin, such as {US}, or unset it",
        ) from error


def _origin_or_none(host: str) -> str | None:
    try:
        return parse_origin(host)
    except NotAnOrigin:
        return None


def _not_trusted(target: Target, found: FoundKey) -> HostNotTrusted:
    return HostNotTrusted(
        f"the key from {found.source} was not sent to {target.origin}: you have not accepted that host",
        subject=target.name,
        unchanged="nothing was sent, nothing was changed",
        hint=f"if the host is yours: skillsync trust {target.origin} "
        f"(in CI: set SKILLSYNC_HOST={target.origin} beside the key)",
    )


def _belongs_elsewhere(target: Target, found: list[FoundKey]) -> HostNotTrusted:
    places = " and ".join(f"the one from {key.source} belongs to {key.origin}" for key in found)
    return HostNotTrusted(
        f"there is no key for {target.origin}: {places}, and a stored key goes only to its own host",
        subject=target.name,
        unchanged="nothing was sent, nothing was changed",
        hint=f"put a key for {target.origin} into {target.key_variable}",
    )


def _own_variables(target: Target) -> tuple[str, str]:
    return target.key_variable, "SKILLSYNC_API_KEY"


def _no_key(target: Target, environ: Mapping[str, str]) -> NotAuthenticated:
    empty = [name for name in _own_variables(target) if name in environ]
    verb = "is" if len(empty) == 1 else "are"
    said = f" ({' and '.join(empty)} {verb} set, but empty)" if empty else ""
    return NotAuthenticated(
        f"there is no API key for {target.origin}{said}",
        subject=target.name,
        unchanged="nothing was sent, nothing was changed",
        hint=f"put a personal API key into {target.key_variable} or SKILLSYNC_API_KEY, "
        "or name a file with --api-key-file",
    )
