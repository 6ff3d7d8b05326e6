"""Trouble on the way: one request of a run gets another answer than the server gave, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import httpx

from tests.sync.harness import Clone


@contextmanager
def one_answer_fails(clone: Clone, number: int, kind: str) -> Iterator[None]:
    """Let the answer to one request, counted from 0, be lost (``kind`` lost) or have another status."""
    seen = count()

    def answered(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if next(seen) != number:
            return response
        if kind == "lost":
            raise httpx.ReadError("the connection was reset", request=request)
        body = httpx.ByteStream(b'{"detail": "no"}')
        return httpx.Response(int(kind), headers={"Content-Type": "application/json"}, stream=body)

    clone.connect(clone.target)
    assert clone.requests
    clone.requests.after = answered
    try:
        yield
    finally:
        clone.requests.after = None
