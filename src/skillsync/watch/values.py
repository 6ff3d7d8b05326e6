"""What the daemon's decisions are made of: the time, what a look saw, what a step did, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from skillsync.errors import SkillsyncError
from skillsync.repo.worktree import StatEntry
from skillsync.sync.narrow import Changes


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant. ``mono``: seconds that never go back, for pauses; ``wall``: since 1970, for files' times alone."""

    mono: float
    wall: float


@dataclass(frozen=True, slots=True)
class Options:
    """How the daemon behaves; times in seconds (sync.md 11).

    ``team``: what is published is HEAD's tree, not the files. ``gap`` and ``daily`` bound the versions of one object.
    """

    publish: bool = False
    team: bool = False
    quiet: float = 5.0
    poll: float = 60.0
    gap: float = 300.0
    daily: int | None = 50
    settle: float = 0.5
    vanish: float = 2.0
    scan: float = 60.0
    untouched: float = 60.0
    stale: float = 900.0
    jitter: float = 0.1
    longest_pause: float = 600.0

    @property
    def settles(self) -> float:
        """Seconds without a change after which an object counts as saved."""
        return max(self.quiet, self.settle)


# ---------------------------------------------------------------- what a look saw


@dataclass(frozen=True, slots=True)
class ObjectSeen:
    """One folder at one look, by stat data. ``files`` are its contents, ``pointers`` our own files beside them.

    ``digests`` are of the files whose stat data changed since the look before; ``open_in`` are editors' swap and lock
    files beside them; ``stray`` those that would be published as if they were content.
    """

    dir: str
    files: tuple[StatEntry, ...]
    pointers: tuple[StatEntry, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    open_in: tuple[str, ...] = ()
    undone: str = ""

    @property
    def changed_at(self) -> float:
        """When one of its files was last changed, in seconds since 1970; the file system's word, not ours."""
        times = [max(entry.mtime_ns, entry.ctime_ns) for entry in self.files]
        return max(times, default=0) / 1_000_000_000

    @property
    def paths(self) -> frozenset[str]:
        """The paths of its files."""
        return frozenset(entry.path for entry in self.files)

    def is_same(self, other: ObjectSeen) -> bool:
        """Tell whether nothing changed between two looks, pointers included."""
        return self.files == other.files and self.pointers == other.pointers


INDEX_LOCK = "index.lock"
"""What is there in git's folder while a command changes the index, or after one that died."""


@dataclass(frozen=True, slots=True)
class GitSeen:
    """Where git stands: HEAD's commit, the branch, and what is under way (``index.lock`` included)."""

    head: str | None = None
    branch: str | None = None
    operations: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str | None, str | None]:
        """What changes with a commit and with a checkout."""
        return self.head, self.branch


# ---------------------------------------------------------------- what happened


@dataclass(frozen=True, slots=True)
class Changed:
    """Something happened to these paths of the repository, or (None) anywhere: look. An event says nothing else.

    ``git``: something happened in git's own folder.
    """

    paths: frozenset[str] | None = frozenset()
    git: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """A look is done. ``dirs`` None: at everything; ``objects`` are those that were found of what was looked at."""

    dirs: frozenset[str] | None
    objects: Mapping[str, ObjectSeen]
    git: GitSeen
    settings: object = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A step could not be done. ``waits``: it may go by itself (no network); ``brief``: in a moment (the lock is held)."""

    step: str
    message: str
    code: str = ""
    fix: str = ""
    waits: bool = False
    brief: bool = False
    retry_after: float = 0.0
    error: SkillsyncError | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Lists:
    """What stands for the remote's lists: a text for each skill by name, and one for all of the ``rest``."""

    skills: Mapping[str, str]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """The remote's lists were read; ``requests`` is what it cost."""

    lists: Lists
    requests: int = 2
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Said:
    """One line of an engine's report. ``key`` is what it is about; it is told again only when ``words`` change.

    ``person``: somebody has to do something.
    """

    key: str
    words: str
    code: str = ""
    fix: str = ""
    person: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a pull changed in one file, so that a save that undoes exactly this can be told (R12).

    ``removed`` and ``added`` are lines, each with how often it stood in the file before the pull.
    """

    dir: str
    path: str
    words: str
    removed: tuple[tuple[str, int], ...]
    added: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PastPull:
    """What an earlier pull did to one file, when (``at``), and when the file was changed last; seconds since 1970."""

    taken: TakenIn
    at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """What pulls, anybody's, did to files whose pointers are still as they wrote them."""

    pulls: tuple[PastPull, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulled:
    """A pull is done. ``held`` are folders that were left alone for now, with the reason.

    ``looked_at`` None: everything was looked at.
    """

    said: tuple[Said, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    taken_in: tuple[TakenIn, ...] = ()
    looked_at: Changes | None = None
    retry: bool = False
    exit: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """One object that was published: its name, the digest of its files then, and the version that it replaced."""

    subject: str
    digest: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Why an object was not sent, and the seconds after which it may be tried again.

    0: as soon as a look finds it at rest, for it was not as it had settled; infinity: not before it changes.
    """

    reason: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Published:
    """A push is done. ``sent`` by folder; ``held`` are folders that were ready and were kept back all the same.

    ``passed_by`` are the subjects of all objects that were not sent for now, ``blocked``: the remote has edits that
    were not taken in.
    """

    ready: frozenset[str] | None
    sent: Mapping[str, Sent] = field(default_factory=dict)
    held: Mapping[str, Kept] = field(default_factory=dict)
    said: tuple[Said, ...] = ()
    passed_by: frozenset[str] = frozenset()
    blocked: bool = False
    retry: bool = False
    exit: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """What settled objects are, compared with what was taken in; nothing was sent."""

    ready: frozenset[str]
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Woken:
    """Time passed and nothing else."""


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody wants the daemon to end."""


Fact: TypeAlias = (
    Changed
    | Looked
    | Trouble
    | Recalled
    | Polled
    | Pulled
    | Published
    | Reported
    | Woken
    | StopAsked
)

# ---------------------------------------------------------------- what to do next


@dataclass(frozen=True, slots=True)
class Look:
    """Look at these folders, or (None) at everything; no folder at all: at git alone.

    ``known`` is what was seen of them before, ``guarded`` what recent pulls did to their files.
    """

    dirs: frozenset[str] | None
    known: Mapping[str, ObjectSeen] = field(default_factory=dict)
    guarded: tuple[TakenIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Recall:
    """Read what pulls overwrote lately: those of a daemon that is gone, or that somebody made by hand."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Read the remote's lists."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Take the remote's edits in, but leave ``unsettled`` folders alone.

    ``changes``: all else is as it was when a pull had looked at everything; None: that is not known.
    """

    unsettled: frozenset[str]
    git: GitSeen
    changes: Changes | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish what is ready and still as it settled. ``ready`` None: HEAD's tree, whatever it holds."""

    ready: Mapping[str, ObjectSeen] | None
    withheld: Mapping[str, str]
    git: GitSeen


@dataclass(frozen=True, slots=True)
class Report:
    """Say how these folders differ from what was taken in."""

    ready: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for an event, at most until this time (``Moment.mono``)."""

    until: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End."""


Action: TypeAlias = Look | Recall | Poll | Pull | Publish | Report | Wait | Stop

# ---------------------------------------------------------------- what is said


class Level(StrEnum):
    """How much a notice matters; ``person``: somebody has to do something."""

    INFO = "info"
    WARNING = "warning"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the log: what happened to which object, and the next command."""

    level: Level
    kind: str
    subject: str
    message: str
    code: str = ""
    fix: str = ""
