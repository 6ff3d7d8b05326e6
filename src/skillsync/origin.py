"""What may be the address of a server: scheme, host and port, and nothing that could hide another host."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

US = "https://us.posthog.com"
EU = "https://eu.posthog.com"
REGIONS = frozenset({US, EU})
"""The origins of PostHog's own regions (platform.md 1)."""

_LABELS = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}
_MAX_HOST = 253


class NotAnOrigin(ValueError):
    """The text is no address that a key may be sent to; the message is the rest of a sentence about it.

    The message never repeats user names, passwords or query strings of the address.
    """


def parse_origin(text: str) -> str:
    """Return ``scheme://host[:port]`` in its one spelling: lower case, no default port, no final slash.

    Raises NotAnOrigin for anything else that an address could hold (sync.md 14.6 #143): a path, a query, a
    user name, a host with a final dot or with letters outside ASCII, numbers that only some programs read as an
    address, PostHog's ingestion hosts (platform.md 1), and plain http to anything but this machine.
    """
    parts = _split(text)
    host = _host(parts)
    port = _port(parts)
    if parts.scheme == "http" and not _is_loopback(host):
        raise NotAnOrigin(
            f"must start with https: plain http goes only to this machine, not to {host}"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port == _PORTS[parts.scheme] else f":{port}")


def is_loopback(origin: str) -> bool:
    """Tell whether ``origin`` (as parse_origin returns it) is this machine."""
    return _is_loopback(urlsplit(origin).hostname or "")


def is_region(origin: str) -> bool:
    """Tell whether ``origin`` is one of PostHog's own regions."""
    return origin in REGIONS


def _split(text: str) -> SplitResult:
    if not text:
        raise NotAnOrigin("is empty")
    if any(ord(character) <= 32 or ord(character) == 127 for character in text):
        raise NotAnOrigin("holds whitespace or control characters")
    if "\\" in text:
        raise NotAnOrigin("holds a backslash")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise NotAnOrigin("is not an address") from error
    if parts.scheme not in _PORTS or not text.lower().startswith(f"{parts.scheme}://"):
        raise NotAnOrigin(f"must start with https://, as in {US}")
    if "@" in parts.netloc:
        raise NotAnOrigin("must not hold a user name or a password")
    if parts.path not in {"", "/"}:
        raise NotAnOrigin("must not hold a path")
    if "?" in text or "#" in text:
        raise NotAnOrigin("must not hold a query or a fragment")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if not host:
        raise NotAnOrigin("names no host")
    if not host.isascii():
        raise NotAnOrigin(
            f"has letters outside ASCII; it would really reach {_punycode(host)}: "
            "write that, if it is what you mean"
        )
    if host.endswith("."):
        raise NotAnOrigin("must not end with a dot")
    if "[" in parts.netloc:
        return _address6(host)
    if len(host) > _MAX_HOST or not _LABELS.fullmatch(host):
        raise NotAnOrigin("is not a host name")
    if _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        return _address4(host)
    if host.endswith(".i.posthog.com"):
        region = host.removesuffix(".i.posthog.com")
        raise NotAnOrigin(
            f"is PostHog's ingestion host, which has no skills: use https://{region}.posthog.com"
        )
    return host


def _address4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError as error:
        raise NotAnOrigin("is a number, but not four of them with dots") from error


def _address6(host: str) -> str:
    try:
        return str(IPv6Address(host))
    except AddressValueError as error:
        raise NotAnOrigin("is not an IPv6 address") from error


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise NotAnOrigin("has no valid port") from error
    if port == 0:
        raise NotAnOrigin("has no valid port")
    return port or _PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return (IPv6Address(host) if ":" in host else IPv4Address(host)).is_loopback
    except AddressValueError:
        return False


def _punycode(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")
