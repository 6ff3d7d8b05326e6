"""Sorts more lines than memory should hold: runs of them go to nameless files, and come back merged."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from skillsync.repo.spool import nameless_file

MOST = 48_000_000
"""Bytes of memory that lines may take before a run of them is written out."""

_OBJECT = 48
"""Bytes that a short ``bytes`` takes besides its content, with its place in a list."""


class SortedLines:
    """Takes lines, each with its LF, in any order and gives them back sorted as bytes. Use it in ``with``.

    ``folder`` is where what does not fit is written; nothing is left there, whatever happens.
    """

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        self._folder = folder
        self._most = most
        self._lines: list[bytes] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> SortedLines:
        return self

    def __exit__(self, *_: object) -> None:
        for run in self._runs:
            run.close()

    def add(self, line: bytes) -> None:
        """Take a line."""
        self._lines.append(line)
        self._size += len(line) + _OBJECT
        if self._size > self._most:
            self._spill()

    def _spill(self) -> None:
        run = nameless_file(self._folder)
        self._runs.append(run)
        self._lines.sort()
        run.writelines(self._lines)
        self._lines.clear()
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines taken so far, sorted; more than once, if need be."""
        self._lines.sort()
        for run in self._runs:
            run.seek(0)
        return heapq.merge(*self._runs, self._lines) if self._runs else iter(self._lines)
