"""Keeps pieces of bytes in a nameless file instead of in memory, and gives each back by its place."""

from __future__ import annotations

import os
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO

_BUFFER = 1 << 16


def nameless_file(folder: Path) -> IO[bytes]:
    """Make a file without a name in ``folder``; where that cannot be written, in the system's folder for such files."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)
    return tempfile.TemporaryFile(buffering=_BUFFER)


class Spool:
    """A file without a name in ``folder``, made when something is first put into it; it goes with this object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._size = 0
        self._flushed = 0

    def put(self, data: bytes) -> int:
        """Keep a piece and return its place."""
        if self._file is None:
            self._file = nameless_file(self._folder)
            weakref.finalize(self, self._file.close)
        self._file.write(data)
        place = self._size
        self._size += len(data)
        return place

    def get(self, place: int, length: int) -> bytes:
        """Return the piece of that length which was kept at that place."""
        assert self._file is not None  # a place was handed out
        if place + length > self._flushed:
            self._file.flush()
            self._flushed = self._size
        return os.pread(self._file.fileno(), length, place)
