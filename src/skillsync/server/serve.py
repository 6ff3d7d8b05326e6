"""Runs the application behind a port: until a signal, or for the length of a ``with`` block."""

from __future__ import annotations

import logging
import select
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import waitress
from waitress import wasyncore

from skillsync.server.app import create_app
from skillsync.server.refusals import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skillsync.server.app import Application
    from skillsync.server.faults import Dial
    from skillsync.server.faulty import Faulty

_LARGEST_BODY = 64 * 1024 * 1024
"""Above the API's own limit, whose answer is kinder: this one only protects the disk (bytes)."""

_USE_POLL = hasattr(select, "poll")  # select() alone ends at 1024 descriptors


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers at ``url`` (no trailing slash) while its ``with`` block lasts."""

    url: str


class Listener:
    """A bound port and the threads behind it. ``run`` in one thread; ``stop`` from any, or a signal handler."""

    def __init__(self, app: Application | Faulty, *, host: str, port: int, threads: int) -> None:
        """Binds at once; OSError when the port is taken."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._app = app
        self._end_waits: Callable[[], None] | None = getattr(app, "end_waits", None)
        self._stopping = threading.Event()
        self._closing = threading.RLock()  # a signal may come in the very thread that holds it
        self._is_closed = False
        self._sockets: dict[int, Any] = {}
        listening = _listen(host, port)
        self.url = _url(host, listening.getsockname()[1])
        self._server: Any = waitress.create_server(
            app,
            map=self._sockets,
            sockets=[listening],
            threads=threads,
            ident=None,
            max_request_body_size=_LARGEST_BODY,
            # X-Forwarded-Proto shapes paging links (platform.md 11); nothing is granted by it.
            clear_untrusted_proxy_headers=False,
        )
        self._server.channel_class = Channel

    def run(self) -> None:
        """Answer requests until ``stop``; then finish those under way and close everything."""
        try:
            while not self._stopping.is_set():
                wasyncore.loop(timeout=1.0, use_poll=_USE_POLL, map=self._sockets, count=1)
        finally:
            with self._closing:
                self._is_closed = True
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._sockets, ignore_all=True)
            self._app.close()

    def stop(self) -> None:
        """Make ``run`` return soon."""
        self._stopping.set()
        if self._end_waits:
            self._end_waits()
        with self._closing:
            if not self._is_closed:
                self._server.pull_trigger()


def serve(
    app: Application | Faulty,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    threads: int = 8,
) -> None:
    """Serve ``app`` until SIGTERM or SIGINT; blocking, in the main thread.

    ``port`` 0 takes a free one; ``on_ready`` is called with the real URL once connections are accepted.
    OSError when the port is taken.
    """
    listener = Listener(app, host=host, port=port, threads=threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: listener.stop())
    on_ready(listener.url)
    listener.run()


@contextmanager
def running(
    database: str,
    *,
    port: int = 0,
    threads: int = 8,
    dialect: str = "seed",
    dial: Dial | None = None,
    rival: str = "",
) -> Iterator[RunningServer]:
    """A server on a loopback port in a background thread of this process, for tests and benchmarks.

    ``dial`` puts requests in trouble; ``rival`` is the key of whoever slips in between in its races.
    """
    app = create_app(database, dialect=dialect)
    listener = Listener(
        app if dial is None else _in_trouble(app, dial, rival),
        host="127.0.0.1",
        port=port,
        threads=threads,
    )
    thread = threading.Thread(target=listener.run, name="skillsync-server", daemon=True)
    thread.start()
    try:
        yield RunningServer(url=listener.url)
    finally:
        listener.stop()
        thread.join()


def _in_trouble(app: Application, dial: Dial, rival: str) -> Faulty:
    from skillsync.server.faulty import Faulty

    return Faulty(app, dial, rival=rival)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket: bound here, so that a taken port is an error before anything starts."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def _url(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
