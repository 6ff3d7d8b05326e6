"""A disk that counts effects and dies at the k-th one: before it, after it, or half way through a write."""

from __future__ import annotations

import errno
import os
from typing import Literal

from skillsync.repo.disk import REAL, Disk


class Crash(BaseException):
    """The process died here. No cleaning up runs after it: every later effect dies as well."""


When = Literal["before", "after", "torn"]


class FailingDisk:
    """Wraps the real disk. ``count`` is how many effects were begun; at number ``k`` it crashes.

    With ``error`` an OSError with that number is raised instead, once, and the process lives on.
    """

    def __init__(
        self, k: int | None = None, *, when: When = "before", error: int | None = None
    ) -> None:
        self.count = 0
        self.log: list[str] = []
        self._k = k
        self._when = when
        self._error = error
        self._dead = False

    @property
    def is_dead(self) -> bool:
        """Whether the process died: nothing it still tries has an effect."""
        return self._dead

    def die(self) -> None:
        """Let every later effect fail: the process died of something else."""
        self._dead = True

    def mkdir(self, name: str, *, at: int) -> None:
        if self._begins(f"mkdir {name}"):
            REAL.mkdir(name, at=at)
            self._ended()

    def write_temp(self, name: str, data: bytes, *, at: int, mode: int | None, sync: bool) -> None:
        torn = self._when == "torn" and self.count + 1 == self._k
        if torn or (self._error is not None and self.count + 1 == self._k):
            REAL.write_temp(name, data[: len(data) // 2], at=at, mode=mode, sync=sync)
        if self._begins(f"write_temp {name}"):
            REAL.write_temp(name, data, at=at, mode=mode, sync=sync)
            self._ended()

    def create(self, temp: str, name: str, *, at: int) -> None:
        if self._when == "torn" and self.count + 1 == self._k:
            os.link(temp, name, src_dir_fd=at, dst_dir_fd=at)
        if self._begins(f"create {name}"):
            REAL.create(temp, name, at=at)
            self._ended()

    def replace(self, temp: str, name: str, *, at: int) -> None:
        if self._begins(f"replace {name}"):
            REAL.replace(temp, name, at=at)
            self._ended()

    def chmod(self, name: str, mode: int, *, at: int) -> None:
        if self._begins(f"chmod {name}"):
            REAL.chmod(name, mode, at=at)
            self._ended()

    def unlink(self, name: str, *, at: int) -> None:
        if self._begins(f"unlink {name}"):
            REAL.unlink(name, at=at)
            self._ended()

    def rmdir(self, name: str, *, at: int) -> None:
        if self._begins(f"rmdir {name}"):
            try:
                REAL.rmdir(name, at=at)
            finally:
                self._ended()

    def fsync_dir(self, *, at: int) -> None:  # noqa: ARG002  # as in Disk
        if self._begins("fsync_dir"):
            self._ended()

    def sync(self) -> None:
        if self._begins("sync"):
            self._ended()

    def _begins(self, what: str) -> bool:
        if self._dead:
            raise Crash(what)
        self.count += 1
        self.log.append(what)
        if self.count == self._k and self._error is not None:
            raise OSError(self._error, os.strerror(self._error), what)
        if self.count == self._k and self._when != "after":
            self._dead = True
            raise Crash(what)
        return True

    def _ended(self) -> None:
        if self.count == self._k and self._when == "after" and self._error is None:
            self._dead = True
            raise Crash("after the effect")


DISK_FULL = errno.ENOSPC


def as_disk(disk: FailingDisk) -> Disk:
    """Let the type checker see that it is a disk."""
    return disk
