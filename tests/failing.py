"""Effects that are counted, and a process that dies at the k-th one: before it, after it, or half way through."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from typing import Any, Literal

from skillsync.repo.disk import REAL, Disk, RealDisk


class Crash(BaseException):
    """The process died here. No cleaning up runs after it: every later effect dies as well."""


When = Literal["before", "after", "torn"]

DISK_EFFECTS = (
    *("mkdir", "write_temp", "create", "replace", "chmod", "unlink", "rmdir", "fsync_dir", "sync"),
)
_REAL = {name: getattr(RealDisk, name) for name in DISK_EFFECTS}
"""The real effects, also while somebody watches ``RealDisk`` (tests/sync/crash.py)."""


class Faults:
    """Counts effects of any kind and strikes at number ``k``. ``log`` names those that were begun, in order.

    With ``error`` an OSError with that number is raised instead, once, and the process lives on.
    """

    def __init__(
        self, k: int | None = None, *, when: When = "before", error: int | None = None
    ) -> None:
        self.log: list[str] = []
        self._k = k
        self._when = when
        self._error = error
        self._dead = False
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many effects were begun."""
        return len(self.log)

    @property
    def is_dead(self) -> bool:
        """Whether the process died: nothing it still tries has an effect."""
        return self._dead

    def begin(self, what: str) -> int:
        """Count an effect and return its number; dies when it is to be struck before."""
        with self._lock:
            if self._dead:
                raise Crash(what)
            self.log.append(what)
            number = len(self.log)
        if number == self._k and self._error is not None:
            raise OSError(self._error, os.strerror(self._error), what)
        if self._strikes(number, "before"):
            self.die(what)
        return number

    def is_torn(self, number: int) -> bool:
        """Tell whether this effect is to happen by half."""
        return self._strikes(number, "torn")

    def end(self, number: int) -> None:
        """Die when the effect is to be struck after it, or by half."""
        if self._strikes(number, "after") or self._strikes(number, "torn"):
            self.die(self.log[number - 1])

    def die(self, what: str) -> None:
        """Let this effect and every later one fail."""
        self._dead = True
        raise Crash(what)

    def _strikes(self, number: int, when: When) -> bool:
        return number == self._k and self._when == when and self._error is None


class FailingDisk(Faults):
    """The real disk, its effects counted. It flushes nothing: a process that dies loses no written byte."""

    def mkdir(self, name: str, *, at: int) -> None:
        self._whole("mkdir", name, at=at)

    def write_temp(
        self,
        name: str,
        data: bytes | Iterable[bytes],
        *,
        at: int,
        mode: int | None,
        sync: bool,  # noqa: ARG002
    ) -> None:
        data = data if isinstance(data, bytes) else b"".join(data)
        half = data[: len(data) // 2]
        try:
            number = self.begin(f"write_temp {name}")
        except OSError:
            self._really("write_temp", name, half, at=at, mode=mode, sync=False)
            raise
        written = half if self.is_torn(number) else data
        self._really("write_temp", name, written, at=at, mode=mode, sync=False)
        self.end(number)

    def create(self, temp: str, name: str, *, at: int) -> None:
        number = self.begin(f"create {name}")
        if self.is_torn(number):
            os.link(temp, name, src_dir_fd=at, dst_dir_fd=at)
        else:
            self._really("create", temp, name, at=at)
        self.end(number)

    def replace(self, temp: str, name: str, *, at: int) -> None:
        number = self.begin(f"replace {name}")
        if not self.is_torn(number):
            self._really("replace", temp, name, at=at)
        self.end(number)

    def chmod(self, name: str, mode: int, *, at: int) -> None:
        self._whole("chmod", name, mode, at=at)

    def unlink(self, name: str, *, at: int) -> None:
        self._whole("unlink", name, at=at)

    def rmdir(self, name: str, *, at: int) -> None:
        self._whole("rmdir", name, at=at)

    def fsync_dir(self, *, at: int) -> None:  # noqa: ARG002
        self.end(self.begin("fsync_dir"))

    def sync(self) -> None:
        self.end(self.begin("sync"))

    def _whole(self, what: str, name: str, *words: object, at: int) -> None:
        """An effect that happens or not; when it is to be torn, it does not."""
        number = self.begin(f"{what} {name}")
        try:
            if not self.is_torn(number):
                self._really(what, name, *words, at=at)
        finally:
            self.end(number)

    def _really(self, what: str, *words: Any, **named: Any) -> None:
        _REAL[what](REAL, *words, **named)


DISK_FULL = errno.ENOSPC


def as_disk(disk: FailingDisk) -> Disk:
    """Let the type checker see that it is a disk."""
    return disk
