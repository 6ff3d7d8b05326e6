"""Crashes a run at any of its effects, on copies of a clone and of the server's database.

Effects are what the world can see: calls of the disk, git commands that write, and requests. They are counted in one
sequence, so that "the k-th effect" means the same in a run that counts and in the runs that die.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.formats.canonical import row_digest, short
from skillsync.model import SkillPointer
from skillsync.repo.disk import TEMP_PREFIX, RealDisk
from skillsync.repo.git import Repository
from skillsync.repo.pointer import parse_pointer, parse_rows
from skillsync.repo.rescue import Rescue
from tests.failing import DISK_EFFECTS, Crash, FailingDisk, When
from tests.sync.harness import Clone, Live, Requests, copy_tree

POINTERS = (".skillsync", ".skillsync.rows")
Run = Callable[[Clone], object]


def copied(clone: Clone, path: Path) -> Clone:
    """Return a new process's clone on a copy of the working tree, git's and our state included."""
    shutil.rmtree(path, ignore_errors=True)
    copy_tree(clone.path, path)
    return Clone(clone.live, path, clone.user)


def reborn(clone: Clone) -> Clone:
    """Return a new process on the same path: what the last one held in memory is gone."""
    return Clone(clone.live, clone.path, clone.user)


# ---------------------------------------------------------------- dying


class Process:
    """A process that dies at its k-th effect. A request that is torn is answered to nobody, and the process lives."""

    def __init__(self, k: int | None = None, *, when: When = "before") -> None:
        self.effects = FailingDisk(k, when=when)

    @property
    def log(self) -> list[str]:
        """The effects that were begun, in order."""
        return self.effects.log

    def run(self, clone: Clone, run: Run) -> bool:
        """Run and return whether the process died."""
        clone.requests = self._requests(clone.live)
        with self._watched():
            try:
                run(clone)
            except Crash:
                return True
            return self.effects.is_dead

    def _requests(self, live: Live) -> Requests:
        numbers: dict[int, int] = {}
        effects = self.effects

        def before(request: httpx.Request) -> None:
            numbers[id(request)] = effects.begin(f"{request.method} {request.url.path}")

        def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
            number = numbers.pop(id(request))
            if effects.is_torn(number):
                raise httpx.ReadError("the connection was reset", request=request)
            effects.end(number)
            return response

        return Requests(httpx.WSGITransport(app=live.app), before=before, after=after)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Count every effect, also of writers and stores that nobody handed a disk."""
        effects, run_git = self.effects, Repository.run

        def run(repo: Repository, arguments: Any, *, reads: bool = True, **how: Any) -> Any:
            if reads:
                return run_git(repo, arguments, **how)
            number = effects.begin(f"git {arguments[0]}")
            done = run_git(repo, arguments, reads=False, **how)
            effects.end(number)
            return done

        with pytest.MonkeyPatch.context() as patch:
            for name in DISK_EFFECTS:
                patch.setattr(RealDisk, name, _through(effects, name))
            patch.setattr(Repository, "run", run)
            yield


def _through(effects: FailingDisk, name: str) -> Callable[..., None]:
    def effect(_: RealDisk, *words: Any, **named: Any) -> None:
        getattr(effects, name)(*words, **named)

    return effect


def moments(effect: str) -> tuple[When, ...]:
    """Name the moments at which an effect can be struck with different results."""
    if effect.startswith("GET "):
        return ("before",)
    if effect.startswith(("write_temp ", "create ", "POST ", "PATCH ", "DELETE ")):
        return ("before", "after", "torn")
    return ("before", "after")


def every(log: Iterable[str]) -> list[tuple[int, When]]:
    """List every way to strike a run with these effects."""
    return [(k, when) for k, effect in enumerate(log, 1) for when in moments(effect)]


def one_each(log: Iterable[str]) -> list[tuple[int, When]]:
    """List one way to strike each effect; which of its moments goes round from effect to effect."""
    return [(k, moments(effect)[k % len(moments(effect))]) for k, effect in enumerate(log, 1)]


def spread(points: list[tuple[int, When]], count: int) -> list[tuple[int, When]]:
    """Choose some of the points, evenly over the run, the first and the last among them."""
    last = len(points) - 1
    return [points[round(number * last / (count - 1))] for number in range(count)]


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


def check_pointers_true(clone: Clone, before: Mapping[str, bytes]) -> None:
    """P6 of a push: a pointer that moved names a version, or a row's digest, that the server really has."""
    for path, data in clone.files().items():
        if data == before.get(path):
            continue
        if path.endswith("/.skillsync"):
            for line in parse_pointer(data, path=path).lines.values():
                if isinstance(line, SkillPointer):
                    name = path.split("/")[1]
                    assert clone.live.skill(name).get("id") == line.id, path
        if path.endswith("/.skillsync.rows"):
            old = parse_rows(before.get(path, b""), path=path)
            with clone.connect(clone.target) as remote:
                held = {
                    item.row.key: short(row_digest(item.row))
                    for dataset in clone.live.datasets()
                    for item in remote.datasets.list_rows(dataset["id"]).items
                }
            for place, base in parse_rows(data, path=path).items():
                for key, digest in base.items():
                    was = old.get(place, {}).get(key)
                    assert digest in (was, held.get(key)), (path, key)


def check_rescued(clone: Clone, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """P10: what was overwritten or deleted can be printed."""
    repo = clone.workspace.repo
    kept = [file for one in Rescue(repo).list() for file in one.files]
    contents = repo.read_blobs({file.blob for file in kept})
    saved = {(file.path, contents[file.blob]) for file in kept}
    for path, data in before.items():
        if after.get(path) != data and path.rpartition("/")[2] not in POINTERS:
            assert (path, data) in saved, path


def check_no_leftovers(clone: Clone) -> None:
    """Nothing of ours is left behind: no temporary file, no journal entry."""
    assert list(clone.path.rglob(f"{TEMP_PREFIX}*")) == []
    assert list((clone.path / ".git/skillsync/journal").glob("*.json")) == []


def check_staged(clone: Clone, paths: Collection[str]) -> None:
    """The pointers that were written are in the index as they are on disk (design.md 3)."""
    differs = clone.git("diff", "--name-only").splitlines()
    assert set(differs).isdisjoint(paths)
    assert set(clone.git("ls-files").splitlines()).issuperset(paths)


def stamps(clone: Clone) -> dict[str, tuple[int, int, bytes]]:
    """Return inode, time of change and bytes of every file."""
    found = {}
    for path, data in clone.files().items():
        info = (clone.path / path).stat()
        found[path] = (info.st_ino, info.st_mtime_ns, data)
    return found


def check_silent(clone: Clone, *runs: Run) -> None:
    """P3: the runs write nothing on either side, and every file keeps inode, time and bytes."""
    before, quiet = stamps(clone), reborn(clone)
    for run in runs:
        run(quiet)
    assert quiet.requests is not None
    assert quiet.requests.writes == []
    assert stamps(quiet) == before
