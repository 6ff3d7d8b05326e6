"""A daemon in this process: the real engine, a real tree, real events, and a step at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from skillsync.watch.engine import Engine
from skillsync.watch.events import Events
from skillsync.watch.machine import decide
from skillsync.watch.service import Service
from skillsync.watch.values import Level, Notice, Options, Publish, Pull, Wait
from tests.sync.harness import Clone

QUICK = Options(publish=True, quiet=0.3, poll=0.5, gap=0.0, daily=None, untouched=0.0, settle=0.3)


@dataclass
class Daemon:
    """One daemon at one clone. ``told`` is its log; ``deeds`` the names of what it did."""

    clone: Clone
    options: Options = QUICK
    listens: bool = True
    told: list[Notice] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        workspace = self.clone.workspace
        connect = self.clone.connect
        git = workspace.repo.state_dir.parent
        self.service = Service(
            Engine(self.clone.path, None, connect, self.options, clock=self.clone.clock),
            self.options,
            state_dir=workspace.repo.state_dir,
            root=workspace.repo.root,
            roots=("skills", "datasets"),
            target="local",
            tell=self.told.append,
            make_events=(lambda put: Events(workspace.repo.root, git, put))
            if self.listens
            else None,
        )
        self.service._listen()

    def close(self) -> None:
        if self.service._events is not None:
            self.service._events.stop()

    def until(self, done: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Let the daemon live until something is so; it wakes by events and by its own timers only."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, (self.deeds[-20:], self.told, self.service.state)
            self.step()

    def step(self) -> None:
        service = self.service
        action = decide(service.state, service.options, service.now)
        if isinstance(action, Pull | Publish):
            self.deeds.append(type(action).__name__)
        service.take(service.perform(action))

    def rest(self) -> None:
        """Let it live until nothing is left to do but to wait for the next poll."""

        def is_at_rest() -> bool:
            state, service = self.service.state, self.service
            action = decide(state, service.options, service.now)
            pending = any(one.pending for one in state.objects.values())
            is_idle = not (pending or state.dirty or state.wants_pull or state.look_all)
            return state.counts.polls > 0 and is_idle and isinstance(action, Wait)

        self.until(is_at_rest)

    @property
    def needing(self) -> list[Notice]:
        """What was said to a person."""
        return [one for one in self.told if one.level is Level.PERSON]


@contextmanager
def watching(clone: Clone, options: Options = QUICK, *, listens: bool = True) -> Iterator[Daemon]:
    """Run a daemon at a clone; other times than QUICK's with ``quick(…)``."""
    daemon = Daemon(clone, options, listens)
    try:
        yield daemon
    finally:
        daemon.close()


def quick(**changes: object) -> Options:
    """Return QUICK with some options changed."""
    return replace(QUICK, **changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------- how editors save


def in_place(path: Path, text: str) -> None:
    with path.open("r+") as file:
        file.write(text)
        file.truncate()


def by_rename(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text)
    aside.replace(path)


def by_backup(path: Path, text: str) -> None:
    backup = path.with_name(f"{path.name}~")
    path.replace(backup)
    path.write_text(text)
    backup.unlink()


def deleted_and_created(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def appended(path: Path, text: str) -> None:
    old = path.read_text()
    assert text.startswith(old)
    with path.open("a") as file:
        file.write(text[len(old) :])


def truncated_first(path: Path, text: str) -> None:
    half = len(text) // 2
    with path.open("w") as file:
        file.flush()
        file.write(text[:half])
        file.flush()
        file.write(text[half:])


STYLES: dict[str, Callable[[Path, str], None]] = {
    "in-place": in_place,
    "rename": by_rename,
    "backup": by_backup,
    "recreate": deleted_and_created,
    "append": appended,
    "truncate": truncated_first,
}
