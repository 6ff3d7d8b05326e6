"""Runs calls side by side, never more than a few, and yields each result or error as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TypeVar

from skillsync.api.telling import Step, told
from skillsync.api.transport import Transport
from skillsync.errors import NotAuthenticated, RemoteError, Throttled, Unreachable

A = TypeVar("A")
R = TypeVar("R")

MOST_WORKERS = 8
PATIENCE = 2.0
"""Seconds that an interrupted run waits for answers that are under way."""
NEAR = 0.005
"""Seconds: a server that answers faster is on this machine or next to it; one connection is then the fastest."""


def workers_for(transport: Transport, *, wanted: int | None = None) -> int:
    """Choose how many connections pay, by the latency seen so far (performance.md)."""
    if wanted is not None:
        return max(1, min(wanted, MOST_WORKERS))
    latency = transport.latency
    return 1 if transport.is_local or (latency is not None and latency < NEAR) else MOST_WORKERS


def each(
    wanted: Sequence[A],
    call: Callable[[A], R],
    *,
    transport: Transport,
    workers: int | None = None,
    step: Step | None = None,
) -> Iterator[tuple[A, R | RemoteError]]:
    """Call ``call`` for every one of ``wanted`` and yield ``(one, result or its error)`` as they finish.

    The first one goes alone, so that its latency decides how many go at a time. Trouble that would hit every
    other call alike is raised instead and ends the run: the key is not accepted, the server throttles beyond
    our patience, or there is no answer at all. A write that may have happened all the same is yielded as its error.
    ``step`` is what whoever shows how far we are is told about them.
    """
    telling = transport.telling
    telling.expect(len(wanted))
    if step is None:
        yield from _each(wanted, call, transport=transport, workers=workers)
        return
    with told(telling, replace(step, total=len(wanted))):
        for one, result in _each(wanted, call, transport=transport, workers=workers):
            telling.done()
            yield one, result


def _each(
    wanted: Sequence[A], call: Callable[[A], R], *, transport: Transport, workers: int | None
) -> Iterator[tuple[A, R | RemoteError]]:
    pending = iter(wanted)
    for one in pending:
        yield one, _result(call, one)
        if workers_for(transport, wanted=workers) > 1:
            break
    rest = list(pending)
    if not rest:
        return
    count = workers_for(transport, wanted=workers)
    yield from _side_by_side(rest, call, transport=transport, workers=count)


def _side_by_side(
    wanted: Sequence[A], call: Callable[[A], R], *, transport: Transport, workers: int
) -> Iterator[tuple[A, R | RemoteError]]:
    queue = iter(wanted)
    running: dict[Future[R | RemoteError], A] = {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="skillsync-api")
    try:
        while True:
            # No more than twice the workers are under way, so that a slow consumer bounds the memory.
            while len(running) < workers * 2 and (one := next(queue, None)) is not None:
                running[pool.submit(_result, call, one)] = one
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                one = running.pop(future)
                yield one, future.result()
    finally:
        if transport.is_stopped:
            # Interrupted: an answer that is still to come is not waited for any longer.
            wait([one for one in running if not one.cancel()], timeout=PATIENCE)
        pool.shutdown(wait=not transport.is_stopped, cancel_futures=True)


def _result(call: Callable[[A], R], one: A) -> R | RemoteError:
    try:
        return call(one)
    except (NotAuthenticated, Throttled):
        raise
    except RemoteError as error:
        if isinstance(error, Unreachable) and error.status is None and not error.indeterminate:
            raise
        return error
