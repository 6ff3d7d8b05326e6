"""Crashes a run at one of its effects, on copies of a clone and of the server's database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx

from skillsync.repo.disk import TEMP_PREFIX
from skillsync.repo.rescue import Rescue
from tests.failing import Crash, FailingDisk, When, as_disk
from tests.sync.harness import Clone, Live, Requests

POINTERS = (".skillsync", ".skillsync.rows")
Moment = Literal["sent", "answered"]


def save_server(live: Live, path: Path) -> None:
    """Copy the server's database as it is now."""
    _copy(live.folder / "server.sqlite3", path)


def load_server(live: Live, path: Path) -> None:
    """Give the server back the database that was saved."""
    _copy(path, live.folder / "server.sqlite3")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def copied(clone: Clone, path: Path) -> Clone:
    """Return a new process's clone on a copy of the working tree, git's and our state included."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(clone.path, path, symlinks=True)
    return Clone(clone.live, path, clone.user)


@dataclass
class Dying:
    """A process that dies at the k-th request, before it arrives or after it was answered."""

    k: int | None = None
    moment: Moment = "sent"
    count: int = 0
    disk: FailingDisk = field(default_factory=FailingDisk)

    def requests(self, live: Live) -> Requests:
        """Return the transport of this process."""
        made = Requests(httpx.WSGITransport(app=live.app))
        made.before, made.after = self._before, self._after
        return made

    def _before(self, request: httpx.Request) -> None:
        if self.disk.is_dead:
            raise Crash(str(request.url))
        self.count += 1
        if self.count == self.k and self.moment == "sent":
            self._die(request)

    def _after(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if self.count == self.k and self.moment == "answered":
            self._die(request)
        return response

    def _die(self, request: httpx.Request) -> None:
        self.disk.die()
        raise Crash(f"{request.method} {request.url}")


def crashed(clone: Clone, run: Callable[[Clone], object], dying: Dying) -> bool:
    """Run in a process that dies; returns whether it did. What the process held in memory is gone."""
    clone.disk = as_disk(dying.disk)
    clone.requests = dying.requests(clone.live)
    try:
        run(clone)
    except Crash:
        return True
    return False


def reborn(clone: Clone) -> Clone:
    """Return a new process on the same path, with the real disk."""
    return Clone(clone.live, clone.path, clone.user)


def disk_death(k: int, when: When) -> Dying:
    """Die at the k-th effect on the disk."""
    return Dying(disk=FailingDisk(k, when=when))


# ---------------------------------------------------------------- what must hold


def is_leftover(path: str) -> bool:
    return path.rpartition("/")[2].startswith(TEMP_PREFIX)


def check_atomic(
    found: Mapping[str, bytes], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> None:
    """P5 and P6: each file is old or new, and a new pointer stands beside new files only."""
    for path in {*before, *after, *found}:
        if not is_leftover(path):
            assert found.get(path) in (before.get(path), after.get(path)), path
    for path in after:
        folder, _, name = path.rpartition("/")
        if name == ".skillsync" and found.get(path) == after[path] != before.get(path):
            beside = {one for one in {*before, *after} if one.startswith(f"{folder}/")}
            for one in beside:
                assert found.get(one) == after.get(one), (path, one)


def check_rescued(clone: Clone, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """P10: what was overwritten or deleted can be printed."""
    rescue = Rescue(clone.workspace.repo)
    saved = {
        (file.path, rescue.show(one.id, file.path)) for one in rescue.list() for file in one.files
    }
    for path, data in before.items():
        if after.get(path) != data and path.rpartition("/")[2] not in POINTERS:
            assert (path, data) in saved, path


def check_no_leftovers(clone: Clone) -> None:
    """Nothing of ours is left behind: no temporary file, no journal entry."""
    assert list(clone.path.rglob(f"{TEMP_PREFIX}*")) == []
    assert list((clone.path / ".git/skillsync/journal").glob("*.json")) == []
