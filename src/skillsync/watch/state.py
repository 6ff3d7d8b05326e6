"""What the daemon knows between two steps, as one frozen value, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from skillsync.repo.worktree import StatEntry
from skillsync.sync.narrow import Changes
from skillsync.watch.settle import Watched
from skillsync.watch.values import GitSeen, Level, Lists, Notice, TakenIn

NEVER = float("-inf")
FEW = 50
"""So many objects may have changed for a pull to look at these alone."""


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
class Told:
    """What was said of one thing; the same ``words`` are not said again."""

    words: str
    notice: Notice

    @property
    def needs_person(self) -> bool:
        """Somebody has to do something about it."""
        return self.notice.level is Level.PERSON


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done since the start."""

    polls: int = 0
    pulls: int = 0
    written: int = 0
    published: int = 0
    failures: int = 0


Place: TypeAlias = tuple[str | None, str | None]
Stamps: TypeAlias = tuple[tuple[StatEntry, ...], tuple[StatEntry, ...]]


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides were at one moment: the remote's lists, git's place, and every folder by its stat data.

    A pull that left nothing to take in leaves nothing again while they are the same.
    """

    lists: Lists
    place: Place
    folders: Mapping[str, Stamps]

    def changes_since(self, before: Sides) -> Changes | None:
        """Return what is not as it was; None: so much, or such a thing, that everything has to be looked at."""
        is_less = (
            before.lists.skills.keys() - self.lists.skills.keys()
            or before.folders.keys() - self.folders.keys()
        )
        if is_less or self.place != before.place or self.lists.rest != before.lists.rest:
            return None
        then, now = before.lists.skills, self.lists.skills
        names = frozenset(name for name, text in now.items() if then.get(name) != text)
        dirs = frozenset(at for at, one in self.folders.items() if before.folders.get(at) != one)
        return Changes(names, dirs) if len(names) + len(dirs) <= FEW else None


@dataclass(frozen=True, slots=True)
class State:
    """The daemon between two steps; times are ``Moment.mono``.

    ``dirty`` are folders of which an event spoke, with when it did last. ``git_moved``: HEAD is another since the last
    look at everything; ``by_git`` are folders that changed while git was busy. ``dealt`` is what both sides were when
    nothing was left to take in, ``pulled_all`` when a pull last looked at everything, ``left_open``: it could not do
    all, and ``wants_recall``: somebody may have pulled of whom we do not know. ``said`` remembers what was told, by
    what it is about.
    """

    objects: Mapping[str, Watched] = field(default_factory=dict)
    git: GitSeen = field(default_factory=GitSeen)
    settings: object = None
    started: bool = False
    stopping: bool = False
    dirty: Mapping[str, float] = field(default_factory=dict)
    look_all: bool = True
    look_git: bool = False
    busy_since: float | None = None
    git_moved: bool = False
    by_git: frozenset[str] = frozenset()
    looked: float = NEVER
    looked_all: float = NEVER
    last_wall: float = 0.0
    last_mono: float = 0.0
    next_poll: float = NEVER
    poll_failures: int = 0
    polled: Lists | None = None
    dealt: Sides | None = None
    pulled_all: float = NEVER
    left_open: bool = False
    wants_pull: bool = False
    pull_after: float = NEVER
    pull_failures: int = 0
    held: Mapping[str, Held] = field(default_factory=dict)
    head_since: float | None = None
    publish_after: float = NEVER
    publish_failures: int = 0
    guards: tuple[Guard, ...] = ()
    wants_recall: bool = True
    said: Mapping[str, Told] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    remembered: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    """Publishes of an earlier daemon by folder, as ``Watched.published``: the budget of a day outlives a restart."""

    @property
    def sides(self) -> Sides | None:
        """What both sides are now, as far as it was seen; None before the first poll."""
        if self.polled is None:
            return None
        folders = {
            directory: (one.seen.files, one.seen.pointers)
            for directory, one in self.objects.items()
        }
        return Sides(self.polled, self.git.place, folders)

    @property
    def changes(self) -> Changes | None:
        """What a pull has to look at, None: everything."""
        sides = self.sides
        return sides.changes_since(self.dealt) if sides and self.dealt else None

    @property
    def is_busy(self) -> bool:
        """Git is in the middle of something (sync.md 11.6)."""
        return bool(self.git.operations)
