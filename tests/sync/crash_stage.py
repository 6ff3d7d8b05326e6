"""A stage for crashes: one scene, one command, and what it leads to when nothing disturbs it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillsync.errors import UsageError
from tests.failing import When
from tests.sync.crash import (
    POINTERS,
    Process,
    Run,
    check_atomic,
    check_no_leftovers,
    check_pointers_true,
    check_rescued,
    check_silent,
    check_staged,
    copied,
    every,
    one_each,
    reborn,
)
from tests.sync.harness import Clone, Live

_PASSING = {"GET", "fsync_dir", "sync"}
MOST_RUNS = 3
"""How many runs may be needed after a crash (P4)."""


def contents(live: Live) -> dict[str, Any]:
    """What the server holds, without ids and times: skills with versions and files, rows by key and how often."""
    with live.api() as client:
        names = [one["name"] for one in client.get("llm_skills").json()["results"]]
    found: dict[str, Any] = {}
    for name in names:
        detail = live.skill(name)
        found[name] = {key: detail[key] for key in ("version", "body", "description", "contents")}
    for one in live.datasets():
        found.setdefault("datasets", Counter())[one["name"], one["description"]] += 1
        found[f"rows of {one['name']}"] = Counter(
            json.dumps([item["metadata"], item["input"], item["output"], item["ref_trace_id"]])
            for item in live.rows(one["id"])
        )
    return found


@dataclass(frozen=True)
class Scene:
    """``prepare`` makes both sides; ``verb`` is the command that dies. ``kept`` are texts that must survive it.

    ``moves_files`` says that the command brings the remote into the files; else it publishes.
    """

    name: str
    prepare: Callable[[Clone, Live], None]
    verb: Run
    kept: tuple[str, ...]
    moves_files: bool = True
    again: tuple[Run, ...] | None = None
    moved: tuple[str, str] = ("", "")
    """A folder that is moved, and where to: what lies in the one counts as if it lay in the other (design.md 2)."""

    @property
    def silent(self) -> tuple[Run, ...]:
        """What is run once all is finished, and must write nothing."""
        if self.again is not None:
            return self.again
        return (Clone.pull,) if self.moves_files else (Clone.push, Clone.pull)


@dataclass
class Stage:
    """A clone before a command, and what an undisturbed run of it makes of both sides."""

    scene: Scene
    before: Clone
    folder: Path
    done: Clone = field(init=False)
    copy: Clone = field(init=False)
    log: list[str] = field(init=False)
    wanted: object = field(init=False)
    lines: list[tuple[str, str]] = field(init=False)
    proven: set[str] = field(default_factory=set)
    """What deaths left behind that was recovered from already: from the same state the same follows."""
    own_copies: set[str] = field(init=False)
    """Pointers that somebody copied and git does not know: nobody adds these but their owner."""

    def __post_init__(self) -> None:
        self.live = self.before.live
        self.server = self.folder / "saved.sqlite3"
        self.scene.prepare(self.before, self.live)
        self.live.save(self.server)
        self.files_before = self.before.files()
        self.own_copies = {
            path
            for path in self.files_before.keys() - set(self.before.git("ls-files").splitlines())
            if path.endswith(POINTERS)
        }
        self.done = copied(self.before, self.folder / "done")
        process = Process()
        assert not process.run(self.done, self.scene.verb)
        self.log = process.log
        self.files_after = self.done.files()
        self.wanted, self.lines = self.state(self.done), _lines(self.done)
        self._check_kept()

    def state(self, clone: Clone) -> object:
        """Return what both sides are like; a publish makes version ids, so its pointers are left out."""
        files = {
            path: data
            for path, data in _as_moved(clone.files(), self.scene.moved).items()
            if self.scene.moves_files or path.rpartition("/")[2] not in POINTERS
        }
        return files, clone.git("ls-files", "-u"), contents(self.live)

    def _check_kept(self) -> None:
        """P1 of the undisturbed run: every text is in the files or on the server, so also after a recovery."""
        held = repr(contents(self.live)) + repr(list(self.done.files().values()))
        for text in self.scene.kept:
            assert text in held, text

    def strike(self, k: int, when: When) -> None:
        """Die, look at what is left, recover in at most three runs, and be quiet."""
        try:
            self._strike(k, when)
        except AssertionError as error:
            error.add_note(f"{self.scene.name}: {when} effect {k}, {self.log[k - 1]}")
            raise

    def _strike(self, k: int, when: When) -> None:
        self.live.load(self.server)
        self.copy = clone = copied(self.before, self.folder / "copy")
        process = Process(k, when=when)
        died = process.run(clone, self.scene.verb)
        lives = when == "torn" and is_write(self.log[k - 1])
        assert died != lives
        if self.scene.moves_files:
            states = clone.files(), self.files_before, self.files_after
            check_atomic(*(_as_moved(files, self.scene.moved) for files in states))
        elif died:
            check_pointers_true(reborn(clone), self.files_before)
        left = None if any(map(is_write, process.log)) else left_behind(clone)
        if left is None or left not in self.proven:
            self._recover(clone)
        if left is not None:
            self.proven.add(left)

    def _recover(self, clone: Clone) -> None:
        for _ in range(MOST_RUNS):
            with suppress(UsageError):  # `resolve` finds that it is done
                self.scene.verb(reborn(clone))
            if (now := self.state(clone)) == self.wanted:
                break
        assert now == self.wanted
        assert _lines(clone) == self.lines
        check_no_leftovers(clone)
        files = clone.files()
        untouched = {path for path in self.own_copies if files.get(path) == self.files_before[path]}
        check_staged(clone, {path for path in files if path.endswith(POINTERS)} - untouched)
        check_rescued(clone, self.files_before, clone.files())
        check_silent(clone, *self.scene.silent)

    def strike_some(self, count: int) -> None:
        """Play the last effects but those that only flush or read, each at one of its moments; of reads one."""
        points = one_each(self.log)
        lasting = [one for one in points if self.log[one[0] - 1].split()[0] not in _PASSING]
        for k, when in lasting[-count:] or points[len(points) // 2 :][:1]:
            self.strike(k, when)

    def strike_each(self) -> None:
        """Play every effect at one of its moments; which one goes round."""
        for k, when in one_each(self.log):
            self.strike(k, when)

    def strike_everywhere(self) -> None:
        """Play every effect, before it, after it and by half."""
        for k, when in every(self.log):
            self.strike(k, when)


def is_write(effect: str) -> bool:
    """Tell whether an effect is a request that may change something."""
    return effect.startswith(("POST ", "PATCH ", "DELETE "))


def left_behind(clone: Clone) -> str:
    """Return a digest of all that a later run can see of a clone: files, modes, index, refs and our own state.

    Times and what they are remembered in (the index's and our stat data) are left out: a copy has others anyway.
    """
    seen = hashlib.sha256(f"{clone.head()} {clone.git('ls-files', '-s')}".encode())
    seen.update(clone.git("for-each-ref", "--format=%(refname) %(objectname)").encode())
    for path in sorted(clone.path.rglob("*")):
        inner = path.relative_to(clone.path).parts
        if inner[0] == ".git" and inner[1:2] != ("skillsync",):
            continue
        if path.is_file() and not path.name.startswith("cache"):
            seen.update(f"{path.relative_to(clone.path)} {path.stat().st_mode}\n".encode())
            seen.update(path.read_bytes())
    return seen.hexdigest()


def _as_moved(files: Mapping[str, bytes], moved: tuple[str, str]) -> dict[str, bytes]:
    old, new = moved
    return {
        f"{new}/{path.removeprefix(f'{old}/')}"
        if old and path.startswith(f"{old}/")
        else path: data
        for path, data in files.items()
    }


def _lines(clone: Clone) -> list[tuple[str, str]]:
    return [(line.subject, line.state) for line in reborn(clone).status().lines]
