"""Every effect on files goes through here, so that crash tests can count effects and fail the k-th one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Protocol

TEMP_PREFIX = ".skillsync-tmp-"
"""How our temporary files begin; such names are never sent (skill-format.md 11)."""

_numbers: Iterator[int] = itertools.count(1)


def temp_name() -> str:
    """Name a temporary file that no other writer of this process or of another one uses."""
    return f"{TEMP_PREFIX}{os.getpid()}-{next(_numbers)}"


class Disk(Protocol):
    """The effects. ``at`` is always a folder's handle, ``name`` one name in it; links are never followed."""

    def mkdir(self, name: str, *, at: int) -> None:
        """Make a folder."""

    def write_temp(
        self, name: str, data: bytes | Iterable[bytes], *, at: int, mode: int | None, sync: bool
    ) -> None:
        """Make a new file with ``data``, or its pieces; ``mode`` None leaves it to the umask. ``sync`` flushes it."""

    def create(self, temp: str, name: str, *, at: int) -> None:
        """Give the temporary file its name; raises FileExistsError when something has it."""

    def replace(self, temp: str, name: str, *, at: int) -> None:
        """Give the temporary file its name, whatever had it before."""

    def chmod(self, name: str, mode: int, *, at: int) -> None:
        """Set a regular file's mode."""

    def unlink(self, name: str, *, at: int) -> None:
        """Remove a file."""

    def rmdir(self, name: str, *, at: int) -> None:
        """Remove a folder; raises OSError unless it is empty."""

    def fsync_dir(self, *, at: int) -> None:
        """Flush a folder, so that names given and removed in it last."""

    def sync(self) -> None:
        """Flush everything: cheaper than flushing hundreds of files one by one (performance.md)."""


class RealDisk:
    """The effects on the real file system."""

    def mkdir(self, name: str, *, at: int) -> None:
        """Make a folder, its mode by the umask."""
        os.mkdir(name, dir_fd=at)

    def write_temp(
        self, name: str, data: bytes | Iterable[bytes], *, at: int, mode: int | None, sync: bool
    ) -> None:
        """Make a new file; with a ``mode`` nobody else can read it before it has that mode."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o666 if mode is None else 0o600, dir_fd=at)
        try:
            for piece in (data,) if isinstance(data, bytes) else data:
                view = memoryview(piece)
                while view:
                    view = view[os.write(descriptor, view) :]
            if mode is not None:
                os.fchmod(descriptor, mode)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def create(self, temp: str, name: str, *, at: int) -> None:
        """Link the name, which fails if it exists, then drop the temporary one.

        File systems without hard links get a check and a rename instead.
        """
        try:
            os.link(temp, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            if _exists(name, at):
                raise FileExistsError(name) from None
            os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)
        else:
            os.unlink(temp, dir_fd=at)

    def replace(self, temp: str, name: str, *, at: int) -> None:
        """Rename over the old file; a link of that name is itself replaced, not what it points to."""
        os.replace(temp, name, src_dir_fd=at, dst_dir_fd=at)

    def chmod(self, name: str, mode: int, *, at: int) -> None:
        """Set the mode through a descriptor, so that a link put there meanwhile is refused."""
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
        try:
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def unlink(self, name: str, *, at: int) -> None:
        """Remove a file or a link."""
        os.unlink(name, dir_fd=at)

    def rmdir(self, name: str, *, at: int) -> None:
        """Remove an empty folder."""
        os.rmdir(name, dir_fd=at)

    def fsync_dir(self, *, at: int) -> None:
        """Flush a folder."""
        os.fsync(at)

    def sync(self) -> None:
        """Flush all file systems."""
        os.sync()


def _exists(name: str, at: int) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


REAL: Disk = RealDisk()
"""The disk of everyday use."""
