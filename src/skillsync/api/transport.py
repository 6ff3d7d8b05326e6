"""Sends one request and returns its answer or raises its error: the only module that imports httpx."""

from __future__ import annotations

import contextlib
import functools
import json as json_text
import logging
import re
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from secrets import randbelow
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx
import tenacity

from skillsync import __version__
from skillsync.api.answers import Answer, Asked, Method, Raw, clean, read_answer
from skillsync.api.budget import Outlook
from skillsync.api.deadline import Deadline, DeadlineBackend
from skillsync.api.pacing import Pace, PaceSetting, pause_before_retry, rules_for
from skillsync.api.secret import Secret
from skillsync.api.spent import Spent
from skillsync.api.telling import Telling, Untold
from skillsync.errors import (
    BadAnswer,
    ConfigError,
    InvalidContent,
    RemoteError,
    Throttled,
    Unreachable,
)
from skillsync.model import Json
from skillsync.origin import NotAnOrigin, is_loopback, parse_origin

__all__ = ["Answer", "Counters", "Secret", "Timeouts", "Transport"]

MEBIBYTE = 1 << 20
DEFAULT_CAP = 32 * MEBIBYTE
"""Bytes of one decompressed answer; a page of a thousand summaries or a body of 1,000,000 characters fits."""

LARGEST_REQUEST = 20 * MEBIBYTE
"""Bytes of one request body that the platform takes (platform.md 8)."""

# httpcore's debug log prints whole headers, the server's echoes of ours included.
logging.getLogger("httpcore").setLevel(logging.INFO)

_ERRNO = re.compile(r"\[Errno -?\d+\] ")
"""How the system's own words begin: a number that nobody can look up."""

_IDLE_SECONDS = 15.0
_JITTER_STEPS = 1_000
_NAP = 0.2
"""Seconds after which a thread that waits looks whether everything shall end."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect; for one wait; for one exchange as a whole; for one request with all its repetitions.

    ``patience`` is what a throttled request may wait in sum before it ends as Throttled.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    patience: float = 3_900.0


@dataclass(frozen=True, slots=True)
class Counters:
    """How many exchanges were started, repetitions included."""

    reads: int = 0
    writes: int = 0


_DEFAULT_TIMEOUTS = Timeouts()
_UNTOLD = Untold()


class Transport:
    """One server and one key. Safe to share between threads; each exchange has a connection to itself.

    ``host`` is an origin; ConfigError if it is not one that a key may be sent to (plain http only to this
    machine). ``transport`` replaces the network, for an application in this process. ``pace`` is the target's
    setting. ``telling`` hears of every wait for a rate limit, of every exchange that is over, and of what is about to
    be asked for; from any thread. ``spent`` remembers from run to run when requests were sent, where there are windows
    from the start. ``translate`` puts another API's refusals into the words of ours before they are
    read; it gets the answer and the Unix time.
    """

    def __init__(
        self,
        *,
        host: str,
        key: Secret,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        transport: httpx.BaseTransport | None = None,
        pace: PaceSetting = "auto",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        user_agent: str = f"skillsync/{__version__}",
        telling: Telling = _UNTOLD,
        spent: Spent | None = None,
        translate: Callable[[Raw, float], Raw] | None = None,
    ) -> None:
        try:
            self.origin = parse_origin(host)
        except NotAnOrigin as error:
            raise ConfigError(f"the host {error}") from error
        self._key = key
        self._timeouts = timeouts
        self._given = transport
        self._clock = clock
        self._sleep = sleep = sleep or self._nap
        self._user_agent = user_agent
        self.telling = telling
        self._translate = translate
        rules = rules_for(self.origin, pace)
        self._spent = spent if rules.now else None
        self._pace = Pace(
            rules,
            clock=clock,
            sleep=sleep,
            on_wait=telling.waiting,
            spent=self._spent.ages() if self._spent else (),
        )
        self._deadline = Deadline(clock)
        self._lock = threading.Lock()
        self._idle: list[httpx.BaseTransport] = []
        self._counters = Counters()
        self._fastest: float | None = None
        self._is_stopped = False
        telling.opened(self.outlook)

    def __repr__(self) -> str:
        return f"Transport({self.origin!r}, key={self._key})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._spent:
            self._spent.add(self._pace.ages())
        self.close()

    @property
    def requests(self) -> Counters:
        """How many exchanges were started so far."""
        return self._counters

    @property
    def latency(self) -> float | None:
        """Seconds of the fastest answer so far; None before the first."""
        return self._fastest

    @property
    def is_local(self) -> bool:
        """Tell whether the server is this machine."""
        return is_loopback(self.origin)

    def outlook(self, count: int) -> Outlook:
        """Say how long ``count`` more requests take by the windows that hold now."""
        return self._pace.outlook(count)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing is sent any more."""
        return self._is_stopped

    def stop(self) -> None:
        """Send nothing from now on: who waits for the rate limit, and who asks, gets Unreachable.

        May be called from a signal's handler: it takes no lock.
        """
        self._is_stopped = True

    def close(self) -> None:
        """Close the idle connections. The transport may still be used afterwards."""
        with self._lock:
            idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()

    def request(
        self,
        method: Method,
        path: str,
        *,
        query: Sequence[tuple[str, str | int]] = (),
        json: Json = None,
        cap: int = DEFAULT_CAP,
        subject: str = "",
        tag: str = "",
    ) -> Answer:
        """Send one request and return its 2xx answer.

        ``path`` starts with ``/`` and is percent-encoded by the caller; ``json`` None sends no body; ``cap`` is
        in bytes of the decompressed answer. With ``tag``, an ETag, the answer may also be a 304 without JSON. Reads are repeated when platform.md 5 allows it, writes only after
        a 429. Raises a RemoteError; InvalidContent when the body cannot be sent.
        """
        asked = Asked(method, path, subject, tag)
        content = None if json is None else _encode(json, subject)
        target = f"{self.origin}{path}" + (f"?{urlencode(query)}" if query else "")
        give_up_at = self._clock() + self._timeouts.patience

        def pause(state: tenacity.RetryCallState) -> float | None:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, RemoteError):
                return None
            return pause_before_retry(error, attempt=state.attempt_number, is_write=asked.is_write)

        def is_over(state: tenacity.RetryCallState) -> bool:
            wait = pause(state)
            return wait is None or self._clock() + wait > give_up_at

        def wait_with_jitter(state: tenacity.RetryCallState) -> float:
            wait = pause(state) or 0.0
            return wait + min(1.0, max(0.1, wait / 10)) * randbelow(_JITTER_STEPS) / _JITTER_STEPS

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RemoteError),
            stop=is_over,
            wait=wait_with_jitter,
            sleep=self._sleep,
            before_sleep=self._tell_wait,
            reraise=True,
        )
        try:
            return retrying(self._attempt, asked, target, content, cap)
        finally:
            self.telling.answered()

    def _tell_wait(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.next_action and isinstance(error, Throttled):
            self.telling.waiting(state.next_action.sleep)

    def _nap(self, seconds: float) -> None:
        """Sleep, but not on when everything shall end."""
        end = time.monotonic() + seconds
        while not self._is_stopped and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))

    def _attempt(self, asked: Asked, target: str, content: bytes | None, cap: int) -> Answer:
        self._pace.take(lambda: self._is_stopped)
        if self._is_stopped:
            raise Unreachable(f"{asked} was not sent: interrupted", subject=asked.subject)
        self._count(asked)
        with self._wire() as wire:
            raw = self._exchange(wire, asked, target, content, cap)
        now = time.time()
        if self._translate is not None:
            raw = self._translate(raw, now)
        try:
            return read_answer(asked, raw, hide=self._hide, now=now)
        except Throttled as error:
            self._pace.refused(pause_before_retry(error, attempt=1, is_write=True) or 0.0)
            raise

    def _exchange(
        self, wire: httpx.BaseTransport, asked: Asked, target: str, content: bytes | None, cap: int
    ) -> Raw:
        self._deadline.start(self._timeouts.total)
        started = self._clock()
        response: httpx.Response | None = None
        trouble: RemoteError
        try:
            response = wire.handle_request(self._request(asked, target, content))
            self._note_latency(self._clock() - started)
            return Raw(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                self._body(response, asked, cap),
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            trouble = self._trouble(asked, error, has_headers=response is not None)
            # What went wrong, but not the stack below: its variables hold the Authorization header.
            cause = type(error)(self._hide(str(error)))
        finally:
            if response is not None:
                with contextlib.suppress(httpx.TransportError):
                    response.close()
        raise trouble from cause

    def _request(self, asked: Asked, target: str, content: bytes | None) -> httpx.Request:
        headers = {
            "Authorization": f"Bearer {self._key.reveal()}",
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        if content is not None:
            headers["Content-Type"] = "application/json"
        if asked.tag:
            headers["If-None-Match"] = asked.tag
        limits = {
            "connect": self._timeouts.connect,
            "read": self._timeouts.read,
            "write": self._timeouts.read,
            "pool": self._timeouts.connect,
        }
        return httpx.Request(
            asked.method, target, headers=headers, content=content, extensions={"timeout": limits}
        )

    def _body(self, response: httpx.Response, asked: Asked, cap: int) -> bytes:
        """Read the body: never more than ``cap`` bytes, neither compressed nor decompressed."""
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > cap:
            raise _too_large(asked, response.status_code, cap)
        unpack = _unpacker(response, asked)
        parts: list[bytes] = []
        size = 0
        received = 0
        for chunk in response.iter_raw():
            received += len(chunk)
            part = unpack(chunk, cap + 1 - size)
            size += len(part)
            parts.append(part)
            if size > cap or received > cap:
                raise _too_large(asked, response.status_code, cap)
            if self._deadline.is_over:
                raise httpx.ReadTimeout("the exchange took too long as a whole")
        unpack(b"", 0)
        return b"".join(parts)

    def _trouble(self, asked: Asked, error: Exception, *, has_headers: bool) -> RemoteError:
        """Name what broke below HTTP; a write that may have arrived is indeterminate (sync.md 9.2)."""
        said = _ERRNO.sub("", clean(self._hide(str(error)))) or type(error).__name__
        if self._deadline.is_over:
            return Unreachable(
                f"{asked} had no complete answer within {self._timeouts.total:g} s",
                subject=asked.subject,
                reason="deadline",
                indeterminate=asked.is_write,
            )
        if has_headers and not isinstance(error, httpx.TimeoutException):
            return BadAnswer(
                f"{asked} was answered, but the body is truncated: {said}",
                subject=asked.subject,
                reason="truncated",
                indeterminate=asked.is_write,
            )
        never_sent = isinstance(
            error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError | httpx.InvalidURL
        )
        is_tls = _is_certificate_trouble(error)
        return Unreachable(
            f"{asked} got no answer from {self.origin}: {said}",
            subject=asked.subject,
            reason="tls" if is_tls else "",
            hint="check this machine's clock, and SSL_CERT_FILE if the server's certificate is private"
            if is_tls
            else "",
            indeterminate=asked.is_write and not never_sent,
        )

    def _hide(self, text: str) -> str:
        return text.replace(self._key.reveal(), self._key.masked)

    def _count(self, asked: Asked) -> None:
        with self._lock:
            self._counters = Counters(
                self._counters.reads + (not asked.is_write), self._counters.writes + asked.is_write
            )

    def _note_latency(self, seconds: float) -> None:
        with self._lock:
            self._fastest = seconds if self._fastest is None else min(self._fastest, seconds)

    @contextlib.contextmanager
    def _wire(self) -> Iterator[httpx.BaseTransport]:
        """Lend a connection: the one used last, so that few stay open."""
        if self._given is not None:
            yield self._given
            return
        with self._lock:
            wire = self._idle.pop() if self._idle else None
        wire = wire or _open_wire(self.origin, self._deadline)
        try:
            yield wire
        finally:
            with self._lock:
                self._idle.append(wire)


def _encode(value: Json, subject: str) -> bytes:
    try:
        content = json_text.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode("utf-8")
    except ValueError as error:
        raise InvalidContent(
            "this cannot be written as JSON: a number that is not finite, or half a surrogate pair",
            subject=subject,
        ) from error
    if len(content) > LARGEST_REQUEST:
        raise InvalidContent(
            f"this needs a request of {len(content):,} bytes; the server takes {LARGEST_REQUEST:,}",
            subject=subject,
        )
    return content


def _open_wire(origin: str, deadline: Deadline) -> httpx.BaseTransport:
    """One connection, reused; the system's proxy for https, never one for this machine."""
    is_secure = origin.startswith("https:")
    wire = httpx.HTTPTransport(
        verify=_tls() if is_secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        limits=httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS
        ),
        proxy=_proxy_for(origin) if is_secure else None,
        trust_env=False,
    )
    # httpx has no public door for the network backend of its pool; a test with a dripping server fails when
    # this one is no longer it.
    pool: Any = wire._pool
    pool._network_backend = DeadlineBackend(pool._network_backend, deadline)
    return wire


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _proxy_for(origin: str) -> str | None:
    host = urlsplit(origin).hostname or ""
    if urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get("https")


def _unpacker(response: httpx.Response, asked: Asked) -> Callable[[bytes, int], bytes]:
    """Return what turns raw chunks into at most so many bytes; called with b"" at the end."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    status = response.status_code
    if encoding in {"", "identity"}:
        return lambda chunk, room: chunk[: max(room, 0)]
    if encoding != "gzip":
        raise _bad_encoding(asked, status, "is compressed in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=31)

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            if chunk:
                return inflate.decompress(chunk, max(room, 1))
        except zlib.error as error:
            raise _bad_encoding(asked, status, "is not the gzip that it says") from error
        if not inflate.eof or inflate.unused_data:
            raise _bad_encoding(asked, status, "is truncated or mixed gzip")
        return b""

    return unpack


def _bad_encoding(asked: Asked, status: int, what: str) -> BadAnswer:
    return BadAnswer(
        f"{asked} was answered with {status}, but the body {what}",
        status=status,
        subject=asked.subject,
        reason="encoding",
        indeterminate=asked.is_write,
    )


def _too_large(asked: Asked, status: int, cap: int) -> BadAnswer:
    return BadAnswer(
        f"{asked} was answered with {status} and more than {cap:,} bytes, too large to read",
        status=status,
        subject=asked.subject,
        reason="too-large",
        indeterminate=asked.is_write,
    )


def _is_certificate_trouble(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
