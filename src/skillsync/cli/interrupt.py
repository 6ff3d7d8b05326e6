"""Lets Ctrl-C end a command at once, whatever its threads wait for: they stop sending before anything else happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

THREADS = "skillsync-api"
"""How the names of the threads begin that send requests side by side (api/parallel.py)."""


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on Ctrl-C, then let KeyboardInterrupt be raised; who has a handler of their own keeps it.

    ``stop`` runs between any two steps of the main thread, so it may take no lock.
    """
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not is_ours:
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        stop()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_if_abandoned(code: int) -> None:
    """End the process now if threads of ours are left that wait for an answer nobody wants; else return."""
    if any(thread.name.startswith(THREADS) for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
