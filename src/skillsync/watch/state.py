"""What the daemon knows between two steps, as one frozen value, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skillsync.watch.settle import Watched
from skillsync.watch.values import GitSeen, TakenIn

NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Guard:
    """One file that a pull changed, while a save may still undo it; ``pointers`` is None until the first look after."""

    taken: TakenIn
    until: float
    pointers: tuple[object, ...] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One folder that a pull left alone, why, and when it is looked at again."""

    reason: str
    look_at: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done since the start."""

    polls: int = 0
    pulls: int = 0
    written: int = 0
    published: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """The daemon between two steps; times are ``Moment.mono``.

    ``dirty`` are folders of which an event spoke, with when it did last. ``dealt`` is what both sides were when
    nothing was left to take in: remote lists, local files, git. ``said`` remembers what was told, by what it is about.
    """

    objects: Mapping[str, Watched] = field(default_factory=dict)
    git: GitSeen = field(default_factory=GitSeen)
    settings: object = None
    started: bool = False
    stopping: bool = False
    dirty: Mapping[str, float] = field(default_factory=dict)
    look_all: bool = True
    look_git: bool = False
    looked: float = NEVER
    looked_all: float = NEVER
    last_wall: float = 0.0
    last_mono: float = 0.0
    next_poll: float = NEVER
    poll_failures: int = 0
    polled: str | None = None
    dealt: tuple[object, ...] | None = None
    wants_pull: bool = False
    pull_after: float = NEVER
    pull_failures: int = 0
    held: Mapping[str, Held] = field(default_factory=dict)
    head_since: float | None = None
    publish_after: float = NEVER
    publish_failures: int = 0
    guards: tuple[Guard, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    remembered: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    """Publishes of an earlier daemon by folder, as ``Watched.published``: the budget of a day outlives a restart."""

    @property
    def local(self) -> tuple[object, ...]:
        """Stands for the local side: a pull that found nothing to do finds nothing again while this is the same."""
        return (
            self.git.place,
            tuple(
                (directory, one.seen.files, one.seen.pointers)
                for directory, one in sorted(self.objects.items())
            ),
        )

    @property
    def is_busy(self) -> bool:
        """Git is in the middle of something (sync.md 11.6)."""
        return bool(self.git.operations)
