"""A deadline for a whole exchange: httpx limits each wait, this limits their sum."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore


class Deadline:
    """The moment at which the exchange of the current thread has to be over."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._here = threading.local()

    def start(self, seconds: float) -> None:
        """Give the exchange that starts now ``seconds``."""
        self._here.at = self._clock() + seconds

    @property
    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return self._remaining() <= 0

    def cut(self, timeout: float | None) -> float:
        """Return ``timeout`` or what is left, whichever is shorter; ReadTimeout when nothing is left."""
        remaining = self._remaining()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the exchange took too long as a whole")
        return remaining if timeout is None else min(timeout, remaining)

    def _remaining(self) -> float:
        at: float = getattr(self._here, "at", float("inf"))
        return at - self._clock()


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections whose every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, in what is left of the time."""
        stream = self._inner.connect_tcp(
            host, port, self._deadline.cut(timeout), local_address, socket_options
        )
        return _DeadlineStream(stream, self._deadline)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
