"""Directory handles that never follow a link: how this room reaches any file below the repository.

A path that was checked as text may lead elsewhere a moment later. So every parent is opened one by one with
``O_NOFOLLOW`` relative to the handle before it, and files are opened, replaced and removed relative to the last
handle (sync.md F21 and P14; 14.6 #23 and #25).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skillsync.errors import InvalidContent, LocalChanged

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK = 1 << 20
_MOST_OPEN = 100
"""Handles that are kept: far fewer than a process may have."""


class NotRegular(Exception):
    """The name is there, but it is no regular file (a link, a directory, a pipe, a device)."""


def split_path(path: str) -> tuple[str, ...]:
    """Return the parts of a relative path with ``/``; ``""`` and ``"."`` are no parts at all.

    Raises InvalidContent for whatever could leave the folder or reach git's own files: absolute paths, empty
    parts, ``.``, ``..``, ``.git`` in any case, NUL (skill-format.md 11; sync.md F23). This is the last guard
    before the disk, not the place for good messages about names.
    """
    if path in ("", "."):
        return ()
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or part.lower() == ".git":
            raise InvalidContent(f"the path {path!r} must not be written", path=path)
    return parts


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """Hold a handle of ``root`` itself (the one place where links above it are followed)."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def opened_folder(root: int, parts: tuple[str, ...]) -> Iterator[int]:
    """Hold a handle of the folder ``parts`` below the handle ``root``.

    Raises FileNotFoundError when a part is missing, LocalChanged when one is a link or no folder.
    """
    handle = os.dup(root)
    try:
        for number, part in enumerate(parts, start=1):
            handle = _step(handle, part, shown="/".join(parts[:number]))
        yield handle
    finally:
        os.close(handle)


class FolderHandles:
    """Handles of the folders below one, each opened once as by ``opened_folder``. Use it in ``with``, briefly.

    What is replaced by a link meanwhile is still the folder that was opened, wherever it lies now.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: dict[tuple[str, ...], int] = {}

    def __enter__(self) -> FolderHandles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all handles."""
        while self._open:
            os.close(self._open.popitem()[1])

    def __contains__(self, parts: tuple[str, ...]) -> bool:
        return parts in self._open

    def at(self, parts: tuple[str, ...]) -> int:
        """Return a folder's handle, good until the next call; raises as ``opened_folder``."""
        if not parts:
            return self._root
        if parts not in self._open:
            if len(self._open) >= _MOST_OPEN:
                self.close()
            above = self.at(parts[:-1])
            self._open[parts] = _open_folder(above, parts[-1], shown="/".join(parts))
        return self._open[parts]

    def forget(self, parts: tuple[str, ...]) -> None:
        """Close the handle of a folder that is removed."""
        handle = self._open.pop(parts, None)
        if handle is not None:
            os.close(handle)


def _step(handle: int, part: str, *, shown: str) -> int:
    """Exchange a folder's handle for that of the folder ``part`` in it."""
    deeper = _open_folder(handle, part, shown=shown)
    os.close(handle)
    return deeper


def _open_folder(handle: int, part: str, *, shown: str) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        if is_folder(handle, part):
            raise
        raise LocalChanged(
            f"{shown!r} is a link or a file where a folder is needed; nothing is written through it",
            subject=shown,
            unchanged="the file was left alone",
        ) from error


def is_folder(handle: int, name: str) -> bool:
    """Tell whether ``name`` is a real folder, not a link to one."""
    with suppress(OSError):
        return stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
    return False


def is_there(handle: int, name: str) -> bool:
    """Tell whether anything at all has this name, a dangling link included."""
    try:
        os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def open_file(handle: int, name: str) -> int:
    """Open a regular file for reading and return its descriptor.

    Raises FileNotFoundError, or NotRegular for anything else that has the name. A pipe does not block.
    """
    try:
        descriptor = os.open(name, _FILE, dir_fd=handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        info = os.stat(name, dir_fd=handle, follow_symlinks=False)
        if stat.S_ISREG(info.st_mode):
            raise
        raise NotRegular(name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(name)
    return descriptor


def read_descriptor(descriptor: int, limit: int) -> bytes:
    """Read to the end, at most ``limit`` bytes and one more (so that a longer file can be told)."""
    parts: list[bytes] = []
    left = limit + 1
    while left > 0 and (part := os.read(descriptor, min(_CHUNK, left))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_file(handle: int, name: str) -> tuple[bytes, os.stat_result]:
    """Read a regular file whole, with its stat data. Raises as ``open_file``."""
    descriptor = open_file(handle, name)
    try:
        info = os.fstat(descriptor)
        parts = []
        while part := os.read(descriptor, _CHUNK):
            parts.append(part)
        return b"".join(parts), info
    finally:
        os.close(descriptor)
