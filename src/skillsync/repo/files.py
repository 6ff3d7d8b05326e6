"""Writes, replaces and deletes the user's files: each atomically, checked right before, never through a link.

Per file: the new content is written aside in the same folder and flushed; the current content is compared with
what the plan saw; the rename follows at once; at the end the folders are flushed (sync.md 9.1 step 5, P5, P14). Deletions
come last, unless a file stands where a folder is needed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from skillsync.errors import InvalidContent, LocalChanged, SkillsyncError
from skillsync.model import Content, FileChange
from skillsync.repo.disk import REAL, TEMP_PREFIX, Disk, temp_name
from skillsync.repo.git_formats import blob_hash
from skillsync.repo.handles import (
    FolderHandles,
    NotRegular,
    is_folder,
    is_there,
    open_file,
    opened_folder,
    opened_root,
    read_file,
    split_path,
)

__all__ = [
    "REAL",
    "Disk",
    "apply_all",
    "apply_changes",
    "clean_leftovers",
    "read_current",
    "write_all_atomic",
    "write_atomic",
]

_PIECE = 1 << 18

_SYNC_EACH_UP_TO = 32
"""Files written at once beyond which one flush of everything replaces a flush per file."""


def apply_changes(
    root: Path, folder: str, changes: Sequence[FileChange], *, disk: Disk = REAL
) -> None:
    """Make the changes below ``folder``, relative to ``root``.

    A file that already is as wanted is left alone, inode and times included. Raises LocalChanged, before
    anything is written, when a file is neither as planned nor as wanted, or is a link; if that happens only
    while writing, that file and those after it are left alone. Raises InvalidContent for a path that would
    leave the folder, OSError when the disk refuses (nothing half-written stays).
    """
    if not changes:
        return
    with opened_root(root) as handle:
        _Work(
            handle, split_path(folder), tuple(changes), disk, len(changes) <= _SYNC_EACH_UP_TO
        ).run()


def apply_all(
    root: Path, objects: Mapping[str, Sequence[FileChange]], *, disk: Disk = REAL
) -> dict[str, SkillsyncError]:
    """Make the changes of many objects, folder to changes, with one flush before the first rename.

    One object's trouble does not stop the others (P17); it is returned by folder. Pointers belong into a call
    of their own after this one: when it returns, everything before them has reached the disk.
    """
    many = sum(len(changes) for changes in objects.values()) > _SYNC_EACH_UP_TO
    failed: dict[str, SkillsyncError] = {}
    with opened_root(root) as handle:
        works: list[tuple[str, _Work]] = []
        try:
            for folder, changes in objects.items():
                with _collected(folder, failed):
                    work = _Work(handle, split_path(folder), tuple(changes), disk, not many)
                    works.append((folder, work))
                    work.prepare()
            if many:
                disk.sync()
            for folder, work in works:
                if folder not in failed:
                    with _collected(folder, failed):
                        work.carry_out()
            if many:
                disk.sync()
        finally:
            for _, work in works:
                work.discard()
    return failed


@contextmanager
def _collected(folder: str, failed: dict[str, SkillsyncError]) -> Iterator[None]:
    try:
        yield
    except SkillsyncError as error:
        failed[folder] = error


@dataclass
class _Work:
    """The changes of one object under way.

    ``prepared`` maps a path to its temporary file; ``touched`` are the folders whose names changed.
    """

    root: int
    folder: tuple[str, ...]
    changes: tuple[FileChange, ...]
    disk: Disk
    sync_each: bool
    prepared: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    touched: set[tuple[str, ...]] = field(default_factory=set)
    folders: FolderHandles = field(init=False)

    def __post_init__(self) -> None:
        self.folders = FolderHandles(self.root)

    def run(self) -> None:
        try:
            self.prepare()
            self.carry_out()
        finally:
            self.discard()

    def prepare(self) -> None:
        """Check every file, then write the new contents aside."""
        for change in self.changes:
            self._check_path(change.path)
        with self.folders:
            pending = [change for change in self.changes if not self._is_done(change)]
            in_the_way = self._in_the_way(pending)
            for change in in_the_way:
                self._delete(change)
            for change in pending:
                if change.after is not None and not same_content(change.after, change.before):
                    self._write_aside(change)
        self.changes = tuple(change for change in pending if change not in in_the_way)

    def carry_out(self) -> None:
        """Rename, set modes, and delete last."""
        with self.folders:
            for change in self.changes:
                if change.after is not None:
                    self._put(change)
            for change in self.changes:
                if change.after is None:
                    self._delete(change)
            if self.sync_each:
                self._flush_folders()

    def _flush_folders(self) -> None:
        """Make the names last, once per folder: before the caller goes on to the pointer."""
        for parts in sorted(self.touched):
            # A folder may be gone by now, or a file may stand there, as planned.
            with suppress(FileNotFoundError, LocalChanged):
                self.disk.fsync_dir(at=self.folders.at(parts))
        self.touched.clear()

    def discard(self) -> None:
        """Remove temporary files that were not used, whatever stopped us."""
        with self.folders:
            for parts, temp in self.prepared.values():
                with suppress(OSError, SkillsyncError):
                    self.disk.unlink(temp, at=self.folders.at(parts))
        self.prepared.clear()

    # ------------------------------------------------------------ one file

    def _parts(self, path: str) -> tuple[tuple[str, ...], str]:
        *parents, name = split_path(path)
        return (*self.folder, *parents), name

    def _check_path(self, path: str) -> None:
        if not split_path(path):
            raise InvalidContent("a file needs a name", path=path)

    def _is_done(self, change: FileChange) -> bool:
        """Tell whether the file is as wanted; raises LocalChanged unless it is that or as planned."""
        parts, name = self._parts(change.path)
        try:
            current, mode = _look(self.folders.at(parts), name, change)
        except FileNotFoundError:
            current, mode = None, 0
        except LocalChanged:
            # A file that this plan deletes may stand where it needs a folder.
            if change.before is not None or not self._blocked_by_deletion(change.path):
                raise
            current, mode = None, 0
        if same_content(current, change.after):
            wants = change.executable
            return wants is None or current is None or _with_executable(mode, wants) == mode
        if not same_content(current, change.before) and not self._folder_goes(change):
            raise _changed(change.path)
        return False

    def _blocked_by_deletion(self, path: str) -> bool:
        gone = {change.path for change in self.changes if change.after is None}
        return any(path.startswith(f"{other}/") for other in gone)

    def _folder_goes(self, change: FileChange) -> bool:
        """Tell whether a file is to stand where now is a folder whose files this plan deletes."""
        return change.before is None and any(
            other.after is None and other.path.startswith(f"{change.path}/")
            for other in self.changes
        )

    def _in_the_way(self, pending: Sequence[FileChange]) -> list[FileChange]:
        """Name the deletions that have to come before a write: a file as a folder, or the reverse."""
        written = [change.path for change in pending if change.after is not None]
        return [
            change
            for change in pending
            if change.after is None
            and any(
                path.startswith(f"{change.path}/") or change.path.startswith(f"{path}/")
                for path in written
            )
        ]

    def _write_aside(self, change: FileChange) -> None:
        assert change.after is not None
        parts, name = self._parts(change.path)
        at = self._make_folder(parts)
        mode = _mode(at, name)
        if mode is not None and change.executable is not None:
            mode = _with_executable(mode, change.executable)
        temp = temp_name()
        self.prepared[change.path] = (parts, temp)
        with _pieces(change.after) as data:
            self.disk.write_temp(temp, data, at=at, mode=mode, sync=self.sync_each)
        if mode is None and change.executable:
            born = os.stat(temp, dir_fd=at, follow_symlinks=False).st_mode
            self.disk.chmod(temp, _with_executable(stat.S_IMODE(born), True), at=at)

    def _put(self, change: FileChange) -> None:
        parts, name = self._parts(change.path)
        at = self.folders.at(parts)
        current, mode = _look(at, name, change)
        if not same_content(current, change.before):
            raise _changed(change.path)
        if change.path not in self.prepared:
            if change.executable is not None:
                self.disk.chmod(name, _with_executable(mode, change.executable), at=at)
            return
        _, temp = self.prepared[change.path]
        if change.before is None:
            try:
                self.disk.create(temp, name, at=at)
            except FileExistsError as error:
                raise _changed(change.path) from error
        else:
            self.disk.replace(temp, name, at=at)
        del self.prepared[change.path]
        self.touched.add(parts)

    def _delete(self, change: FileChange) -> None:
        parts, name = self._parts(change.path)
        try:
            at = self.folders.at(parts)
            current, _ = _look(at, name, change)
            if current is None:
                return
            if not same_content(current, change.before):
                raise _changed(change.path)
            self.disk.unlink(name, at=at)
        except FileNotFoundError:
            return
        self.touched.add(parts)
        self._remove_empty(parts)

    def _remove_empty(self, parts: tuple[str, ...]) -> None:
        """Remove folders that became empty, up to the object's own, but never the root."""
        while len(parts) >= max(1, len(self.folder)):
            with suppress(FileNotFoundError):
                try:
                    self.disk.rmdir(parts[-1], at=self.folders.at(parts[:-1]))
                except OSError:
                    return
                self.folders.forget(parts)
            parts = parts[:-1]

    def _make_folder(self, parts: tuple[str, ...]) -> int:
        """Return a folder's handle, making what is missing of it."""
        for count in range(0 if parts in self.folders else len(parts)):
            at = self.folders.at(parts[:count])
            if not is_there(at, parts[count]):
                with suppress(FileExistsError):
                    self.disk.mkdir(parts[count], at=at)
                self.touched.add(parts[:count])
        return self.folders.at(parts)


# ---------------------------------------------------------------- contents


@dataclass(frozen=True, slots=True)
class Seen:
    """The content of a file that was not held: git's id of it."""

    blob: str


def same_content(one: Content | Seen | None, other: Content | None) -> bool:
    """Tell whether two contents are the same; of those that are not held git's ids are compared."""
    if one is None or other is None:
        return one is other
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one == other
    ids = [each.blob for each in (one, other) if not isinstance(each, bytes)]
    return _id_of(one, like=ids[0]) == _id_of(other, like=ids[0])


def _id_of(content: Content | Seen, *, like: str) -> str:
    if isinstance(content, bytes):
        return blob_hash([content], len(content), like=like)
    assert content.blob, "what lies nowhere in git cannot be compared"
    return content.blob


@contextmanager
def _pieces(content: Content) -> Iterator[bytes | Iterator[bytes]]:
    if isinstance(content, bytes):
        yield content
        return
    with content.opened() as stream:
        yield iter(partial(stream.read, _PIECE), b"")


def _look(at: int, name: str, change: FileChange) -> tuple[Content | Seen | None, int]:
    """Read a file as ``_read``; where the change holds neither of its contents, this does not hold it either."""
    like = next(
        (one.blob for one in (change.before, change.after) if not isinstance(one, bytes | None)), ""
    )
    return _read(at, name, change.path, like=like)


def _read(at: int, name: str, path: str, *, like: str = "") -> tuple[bytes | Seen | None, int]:
    """Return a file's content and mode; (None, 0) when nothing or only a folder has the name.

    ``like`` is an id of git's: then the content is not held. Raises LocalChanged for a link or anything else that is
    no regular file (sync.md F21).
    """
    content: bytes | Seen
    try:
        if like:
            with open(open_file(at, name), "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
                info = os.fstat(stream.fileno())
                pieces = iter(partial(stream.read, _PIECE), b"")
                content = Seen(blob_hash(pieces, info.st_size, like=like))
        else:
            content, info = read_file(at, name)
    except FileNotFoundError:
        return None, 0
    except NotRegular as error:
        if is_folder(at, name):
            return None, 0
        raise LocalChanged(
            f"{path!r} is no regular file; it is never written through, replaced or deleted",
            subject=path,
            unchanged="the file was left alone",
        ) from error
    return content, stat.S_IMODE(info.st_mode)


def _mode(at: int, name: str) -> int | None:
    with suppress(FileNotFoundError):
        info = os.stat(name, dir_fd=at, follow_symlinks=False)
        if stat.S_ISREG(info.st_mode):
            return stat.S_IMODE(info.st_mode) & 0o777
    return None


def _with_executable(mode: int, executable: bool) -> int:
    """Set the executable bit wherever the file may be read, as git does, or clear it everywhere."""
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111


def _changed(path: str) -> LocalChanged:
    return LocalChanged(
        f"{path!r} changed while we worked on it", subject=path, unchanged="the file was left alone"
    )


def read_current(root: Path, path: str) -> tuple[bytes | None, int]:
    """Return the content and mode of a file below ``root``; (None, 0) when there is none.

    Raises LocalChanged when it, or a folder on the way, is a link or another kind of thing.
    """
    content, mode = look_at(root, path, like="")
    assert not isinstance(content, Seen)
    return content, mode


def look_at(root: Path, path: str, *, like: str) -> tuple[bytes | Seen | None, int]:
    """As ``read_current``; with ``like``, an id of git's, the content is not held.

    Raises LocalChanged when it, or a folder on the way, is a link or another kind of thing.
    """
    *parents, name = split_path(path)
    with (
        suppress(FileNotFoundError),
        opened_root(root) as handle,
        opened_folder(handle, tuple(parents)) as at,
    ):
        return _read(at, name, path, like=like)
    return None, 0


def write_atomic(path: Path, data: bytes, *, mode: int | None = None, disk: Disk = REAL) -> None:
    """Give ``path`` the content ``data``: whole or not at all, also across a power loss.

    For our own files; the folder is made if missing. ``mode`` None is the old file's, or the umask's.
    """
    write_all_atomic(path.parent, {path.name: data}, mode=mode, disk=disk)


def write_all_atomic(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    mode: int | None = None,
    names_last: bool = True,
    disk: Disk = REAL,
) -> None:
    """Write files of our own (name to content) in one folder, as ``write_atomic`` but with few flushes.

    Without ``names_last`` a power loss may forget a whole file, never a part of one: for what is only of help.
    """
    folder.mkdir(parents=True, exist_ok=True)
    many = len(files) > _SYNC_EACH_UP_TO
    temps: dict[str, str] = {}
    with opened_root(folder) as at:
        try:
            for name, data in files.items():
                wanted = _mode(at, name) if mode is None else mode
                temps[name] = temp_name()
                disk.write_temp(temps[name], data, at=at, mode=wanted, sync=not many)
            if many:
                disk.sync()
            for name in files:
                disk.replace(temps[name], name, at=at)
                del temps[name]
            if names_last:
                disk.fsync_dir(at=at)
        finally:
            for temp in temps.values():
                with suppress(OSError):
                    disk.unlink(temp, at=at)


def clean_leftovers(root: Path, dirs: Collection[str], *, disk: Disk = REAL) -> list[str]:
    """Remove the temporary files that a crash left below the folders ``dirs``, and return their paths.

    Only while holding the lock: another command's files look the same. No link is followed, ``.git`` is left out.
    """
    removed: list[str] = []
    with opened_root(root) as handle:
        for folder in dirs:
            with suppress(FileNotFoundError, LocalChanged):
                removed += _clean(handle, split_path(folder), disk)
    return removed


def _clean(root: int, parts: tuple[str, ...], disk: Disk) -> list[str]:
    removed = []
    with opened_folder(root, parts) as top:
        for folder, folders, names, at in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            folders[:] = [name for name in folders if name != ".git"]
            for name in names:
                if name.startswith(TEMP_PREFIX):
                    disk.unlink(name, at=at)
                    below = "" if folder == "." else folder.removeprefix("./")
                    removed.append("/".join(part for part in (*parts, below, name) if part))
    return removed
