"""A key that cannot be printed, pickled or written as JSON by accident."""

from __future__ import annotations

import re
from typing import NoReturn, final

from skillsync.errors import ConfigError

_SHOWN_START = 4
_SHOWN_END = 4
_LONG_ENOUGH = 16
_QUOTES = "\"'`“”‘’"
_seen: set[str] = set()
"""Every key held in this process, so that redact() knows those without a telling prefix."""


@final
class Secret:
    """Hold one key. Every way of turning it into text gives a mask; only :meth:`reveal` gives the value.

    Raises ConfigError, without the value, for a key that is empty or holds a line end, whitespace, quotes,
    control characters or anything else that is not printable ASCII: such a key can only be a paste mistake
    (sync.md 14.6 #143), and it could not travel in a header (platform.md 1.1).
    """

    __slots__ = ("__value",)

    def __init__(self, value: str, *, source: str = "the key") -> None:
        problem = _problem(value)
        if problem:
            raise ConfigError(f"{source} {problem}", hint="paste the key again, and only the key")
        self.__value = value
        if len(value) >= _LONG_ENOUGH:
            _seen.add(value)

    def reveal(self) -> str:
        """Return the key itself, for the one place that sends it."""
        return self.__value

    @property
    def masked(self) -> str:
        """``phx_…abcd``: enough for a person to tell two keys apart."""
        if len(self.__value) < _LONG_ENOUGH:
            return "…"
        return f"{self.__value[:_SHOWN_START]}…{self.__value[-_SHOWN_END:]}"

    def __repr__(self) -> str:
        """Return the mask."""
        return f"Secret({self.masked})"

    def __str__(self) -> str:
        """Return the mask."""
        return self.masked

    def __format__(self, spec: str) -> str:
        """Return the mask, whatever the format asks for."""
        return format(self.masked, spec)

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same key."""
        return isinstance(other, Secret) and other.reveal() == self.__value

    def __hash__(self) -> int:
        """Hash by the key."""
        return hash((Secret, self.__value))

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into a file."""
        raise TypeError("a secret cannot be pickled")


def _problem(value: str) -> str:
    """Say why ``value`` cannot be a key, without quoting it; "" when it can."""
    if not value.strip():
        return "is empty"
    if "\r" in value or "\n" in value:
        return "holds a line end"
    if any(character.isspace() for character in value):
        return "holds whitespace"
    if any(character in _QUOTES for character in value):
        return "holds quotes"
    if not (value.isascii() and value.isprintable()):
        return "holds characters that no key has"
    return ""


# ---------------------------------------------------------------- keeping keys out of texts

_LOOKS_LIKE_KEY = re.compile(r"\b(ph[xasr]_)[A-Za-z0-9_-]{3,}")
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s\"',;]+")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"']+@")


def redact(text: str) -> str:
    """Return ``text`` without keys: those of this process, and whatever looks like one.

    The last line of defence, for messages and failure reports; nothing should have put a key there.
    """
    for value in _seen:
        text = text.replace(value, "***")
    text = _LOOKS_LIKE_KEY.sub(r"\1***", text)
    return _USERINFO.sub(r"\1***@", _BEARER.sub(r"\1***", text))
