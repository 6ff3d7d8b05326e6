"""Listens to the file system through watchdog: an event only says "look". Says so when there are no events to be had."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillsync.watch.values import Changed

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

Put = Callable[[Changed], None]

GIT_NAMES = frozenset(
    {
        *("HEAD", "index", "index.lock", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"),
        *("BISECT_LOG", "rebase-merge", "rebase-apply", "ORIG_HEAD", "packed-refs"),
    }
)
"""What of git's own folder is listened to."""

SILENT = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2"),
        *("vboxsf", "vmhgfs", "drvfs", "virtiofs", "prl_fs", "fuse.sshfs", "fuse.vmhgfs-fuse"),
        *("fuse.osxfs", "fuse.grpcfuse", "fakeowner"),
    }
)
"""File systems that do not tell what another machine, or the host, changed in them."""


class NoEvents(Exception):
    """There are no events to be had here; looking at regular intervals does instead."""


def is_silent(mounts: str, path: str) -> bool:
    """Tell from the text of ``/proc/self/mounts`` whether a path lies on a file system without events."""
    best, kind = "", ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        at = words[1].replace("\\040", " ").replace("\\011", "\t")
        inside = path == at or path.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best):
            best, kind = at, words[2]
    return kind in SILENT


@dataclass
class Events:
    """The listening of one daemon. ``put`` gets what happened, from watchdog's threads.

    ``make`` makes watchdog's observer.
    """

    root: Path
    git_dir: Path
    put: Put
    make: Callable[[], BaseObserver] | None = None
    _observer: BaseObserver | None = field(default=None, repr=False)
    _listened: Mapping[Path, tuple[int, int] | None] = field(default_factory=dict, repr=False)
    _log: _Complaints | None = field(default=None, repr=False)

    def start(self, roots: Iterable[str]) -> None:
        """Listen below ``roots``, at the repository's top and at git's folder.

        Raises NoEvents when the system has no watches left, or the file system gives no events.
        """
        self._refuse_silent()
        from watchdog.observers import Observer

        roots = tuple(roots)
        self._listened = {at: _identity(at) for at in (self.root / one for one in roots)}
        observer = (self.make or Observer)()
        observer.daemon = True
        self._log = _Complaints(lambda: self.put(Changed(None)))
        logging.getLogger("watchdog").addHandler(self._log)
        try:
            observer.start()
            self._observer = observer
            for folder, recursive in self._folders(roots):
                observer.schedule(
                    _handler(self), str(folder), recursive=recursive, event_filter=_event_filter()
                )
        except OSError as error:
            self.stop()
            raise NoEvents(f"{error.strerror or error}") from error

    def stop(self) -> None:
        """Stop listening."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer.ident is not None:
                observer.join(2.0)
        if self._log is not None:
            logging.getLogger("watchdog").removeHandler(self._log)
            self._log = None

    @property
    def is_alive(self) -> bool:
        """Whether every thread that listens still does."""
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
        )

    @property
    def is_current(self) -> bool:
        """Whether the roots are the folders that are listened to: one that is new, or was made anew, is not heard."""
        return all(_identity(at) == known for at, known in self._listened.items())

    def _refuse_silent(self) -> None:
        try:
            mounts = Path("/proc/self/mounts").read_text(errors="replace")
        except OSError:
            return
        if is_silent(mounts, os.fspath(self.root)):
            raise NoEvents("this file system tells of no changes")

    def _folders(self, roots: Iterable[str]) -> Iterable[tuple[Path, bool]]:
        wanted = [self.root / one for one in roots]
        found = [
            (one, True) for one in dict.fromkeys(wanted) if one.is_dir() and not one.is_symlink()
        ]
        if (self.root, True) not in found:
            found.append((self.root, False))
        if self.git_dir.is_dir():
            found.append((self.git_dir, False))
        return found

    def hear(self, event: FileSystemEvent) -> None:
        """Pass on where something happened. What is below git's folder counts only by name."""
        root, git = os.fspath(self.root) + os.sep, os.fspath(self.git_dir) + os.sep
        paths, in_git = set(), False
        for given in (event.src_path, event.dest_path):
            path = os.fsdecode(given) if given else ""
            if path.startswith(git):
                in_git |= path[len(git) :] in GIT_NAMES
            elif path.startswith(root):
                paths.add(path[len(root) :].replace(os.sep, "/"))
        if paths or in_git:
            self.put(Changed(frozenset(paths), git=in_git))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        info = folder.lstat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _handler(events: Events) -> Any:
    from watchdog.events import FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def dispatch(self, event: FileSystemEvent) -> None:
            events.hear(event)

    return Handler()


def _event_filter() -> list[type[FileSystemEvent]]:
    """Name the events that are asked for: with watchdog's default set, opens and reads would be events as well.

    Large trees then live in an endless round of overflow and rescan.
    """
    from watchdog import events

    return [
        events.FileCreatedEvent,
        events.FileModifiedEvent,
        events.FileMovedEvent,
        events.FileDeletedEvent,
        events.DirCreatedEvent,
        events.DirMovedEvent,
        events.DirDeletedEvent,
        *([events.FileClosedEvent] if sys.platform.startswith("linux") else []),
    ]


class _Complaints(logging.Handler):
    """Hears when watchdog complains, of an overflow for example: then everything is looked at."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._look = look

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002  # whatever it says
        self._look()
