"""What the decision about one skill starts from and ends with, and sync.md 7.1 as a table of values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from skillsync.core.claims import Renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.model import Digest

VERSION_LIMIT = 2_000
"""The server refuses to store more versions of one skill (sync.md A13)."""

VERSION_WARNING = 1_900
"""From this many versions on, push warns (S27)."""


class Absence(StrEnum):
    """What is known about a remote object that may not be there ("gone, confirmed": sync.md 7.1)."""

    PRESENT = "present"
    CONFIRMED = "confirmed"
    """It was there and is proven to be gone."""
    UNCONFIRMED = "unconfirmed"
    """403, or a 404 that nothing else confirms: only this object fails."""
    UNREACHABLE = "unreachable"
    """No answer or 5xx: the target is stopped."""
    NEVER = "never"
    """A complete listing does not have it and nothing is linked."""


@dataclass(frozen=True, slots=True)
class LocalFact:
    """The folder's content. ``digest`` None: it cannot be read as a skill at all (then ``valid`` is False)."""

    digest: Digest | None
    valid: bool = True


@dataclass(frozen=True, slots=True)
class BaseFact:
    """The newest version that the tree has taken in (core/base.py), and what the two sides have in common.

    ``number`` 0: none, but a later version was published from commits that share some with HEAD. ``digest`` is that of
    the version or, where commits are common ancestors beside or instead of it, what all ancestors have alike, "" where
    they differ (B4): what equals the version alone may be an edit of what stands in such a commit, and no proof that
    nothing was edited.
    """

    number: int
    id: str
    first: str
    digest: Digest

    @property
    def words(self) -> str:
        """Return ``v12``, "" where it is no version."""
        return f"v{self.number}" if self.number else ""


@dataclass(frozen=True, slots=True)
class RemoteFact:
    """The latest remote version. ``digest`` None: its content was not read.

    ``own`` tells that its author is our own account or one of the target's publishers (sync.md 5.5).
    """

    number: int
    id: str
    first: str
    digest: Digest | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class SkillFacts:
    """All that the decision about one skill depends on.

    ``superseded``: HEAD is older than the commit that the latest version was made from (B8). ``unmarked``: the
    latest is our own version 1, equal, and the marker that makes it an edge is still missing (B9). ``known_ids`` are the
    ids of the live skill's versions, if they were read (S24). ``renamed``: the skill has another name on the two sides.
    """

    name: str
    base: BaseFact | None = None
    local: LocalFact | None = None
    remote: RemoteFact | None = None
    absence: Absence = Absence.NEVER
    superseded: bool = False
    unmarked: bool = False
    known_ids: frozenset[str] | None = None
    renamed: Renamed | None = None

    def __post_init__(self) -> None:
        if self.absence is Absence.PRESENT and self.remote is None:
            raise ValueError("a present skill has a remote version")
        if self.absence in {Absence.CONFIRMED, Absence.NEVER} and self.remote is not None:
            raise ValueError("an absent skill has no remote version")

    @property
    def is_latest_taken_in(self) -> bool:
        """Tell whether every remote version is taken in ("F"): same version id, same incarnation."""
        base, remote = self.base, self.remote
        return (
            base is not None
            and remote is not None
            and (base.id, base.first) == (remote.id, remote.first)
        )


class SkillState(StrEnum):
    """How base, local and remote of a skill stand to each other; one per row of sync.md 7.1."""

    NOTHING = "nothing"
    LOCAL_ONLY = "local only"
    REMOTE_ONLY = "remote only"
    SAME_UNLINKED = "same on both sides, never linked"
    UNRELATED = "unrelated"
    IN_SYNC = "in sync"
    BEHIND = "behind"
    AHEAD = "ahead"
    BOTH_EQUAL = "both changed, equal"
    DIVERGED = "diverged"
    NET_ZERO = "changed remotely and changed back"
    SUPERSEDED = "superseded"
    DELETED_LOCALLY = "deleted locally"
    DELETED_BUT_EDITED = "deleted locally, edited remotely"
    ARCHIVED = "archived remotely"
    EDITED_BUT_ARCHIVED = "edited locally, archived remotely"
    BOTH_GONE = "deleted on both sides"
    RECREATED_EQUAL = "created again remotely, equal"
    RECREATED_DIFFERENT = "created again remotely, different"
    BACKWARDS = "remote went backwards"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    EXHAUSTED = "out of versions"
    RENAMED_THERE = "renamed remotely"
    RENAMED_HERE = "renamed locally"
    RENAMED_BOTH = "renamed on both sides"


class PushStep(StrEnum):
    """What push does with a skill; only CREATE, PUBLISH, MARK and RENAME write to the remote by themselves.

    MARK makes a version of the same content that carries the marker which a creation cannot (B9).
    """

    NOTHING = "nothing"
    CREATE = "create"
    PUBLISH = "publish"
    LINK = "link"
    MARK = "mark"
    RENAME = "rename"
    BLOCK = "block"
    REFUSE = "refuse"
    CONFLICT = "conflict"
    ERROR = "error"
    PENDING_REMOVAL = "pending removal"
    DROP_POINTER = "drop pointer"
    STOP_TARGET = "stop target"
    WAIT = "wait"


class PullStep(StrEnum):
    """What pull does with a skill; WRITE, FAST_FORWARD and MERGE change files, LINK only the pointer."""

    NOTHING = "nothing"
    WRITE = "write"
    LINK = "link"
    FAST_FORWARD = "fast-forward"
    MERGE = "merge"
    RENAME = "rename"
    REFUSE = "refuse"
    CONFLICT = "conflict"
    MARK_ARCHIVED = "mark archived"
    DROP_POINTER = "drop pointer"
    ERROR = "error"
    STOP_TARGET = "stop target"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of sync.md 7.1 for one skill.

    ``push_exit`` and ``pull_exit`` are exit codes of design.md 6 for this skill alone: 1 is "failed" (plan.exit_code
    makes 5 of it where others went well), and a MERGE that ends in conflicts is 4 whatever ``pull_exit`` says.
    ``code`` is stable, "" where there is nothing to say; ``fix`` is the next command; ``warning`` a second code.
    """

    row: str
    state: SkillState
    push: PushStep
    pull: PullStep
    push_exit: int = 0
    pull_exit: int = 0
    code: str = ""
    fix: str = ""
    warning: str = ""


def _table() -> Mapping[SkillState, Verdict]:
    """Return sync.md 7.1 as data; ``{name}`` in a fix is the skill's."""
    state, push, pull = SkillState, PushStep, PullStep
    take_in = "skillsync pull {name}"
    link = "skillsync adopt {name} --merge, --local or --remote"
    rows = [
        Verdict("S1", state.NOTHING, push.NOTHING, pull.NOTHING),
        Verdict("S2", state.LOCAL_ONLY, push.CREATE, pull.NOTHING),
        Verdict("S3", state.REMOTE_ONLY, push.NOTHING, pull.WRITE, fix=take_in),
        Verdict("S4", state.SAME_UNLINKED, push.NOTHING, pull.LINK, fix=take_in),
        Verdict("S5", state.UNRELATED, push.REFUSE, pull.REFUSE, 4, 4, "E-UNRELATED", link),
        Verdict("S6", state.IN_SYNC, push.NOTHING, pull.NOTHING),
        Verdict("S7", state.BEHIND, push.NOTHING, pull.FAST_FORWARD, 0, 0, "N-BEHIND", take_in),
        Verdict("S8", state.AHEAD, push.PUBLISH, pull.NOTHING),
        Verdict("S9", state.BOTH_EQUAL, push.NOTHING, pull.LINK, fix=take_in),
        Verdict("S10", state.DIVERGED, push.BLOCK, pull.MERGE, 3, 0, "E-REMOTE-AHEAD", take_in),
        Verdict("S11", state.NET_ZERO, push.BLOCK, pull.LINK, 3, 0, "E-REMOTE-AHEAD", take_in),
        Verdict(
            "S13",
            state.DELETED_LOCALLY,
            push.PENDING_REMOVAL,
            pull.NOTHING,
            code="N-PENDING-REMOVAL",
            fix="skillsync push --archive {name}",
        ),
        Verdict(
            "S14",
            state.DELETED_BUT_EDITED,
            push.BLOCK,
            pull.CONFLICT,
            4,
            4,
            "E-DELETED-BUT-EDITED",
            "skillsync resolve {name} --remote (restore) or --local (confirm)",
        ),
        Verdict(
            "S15",
            state.ARCHIVED,
            push.NOTHING,
            pull.MARK_ARCHIVED,
            code="N-ARCHIVED",
            fix="skillsync pull --prune {name}, or skillsync resolve {name} --local (create it again)",
        ),
        Verdict(
            "S16",
            state.EDITED_BUT_ARCHIVED,
            push.CONFLICT,
            pull.CONFLICT,
            4,
            4,
            "E-EDITED-BUT-ARCHIVED",
            "skillsync resolve {name} --local (create it again) or --remote",
        ),
        Verdict("S17", state.BOTH_GONE, push.DROP_POINTER, pull.DROP_POINTER),
        Verdict("S18", state.RECREATED_EQUAL, push.NOTHING, pull.LINK, fix=take_in),
        Verdict(
            "S19", state.RECREATED_DIFFERENT, push.REFUSE, pull.REFUSE, 4, 4, "E-RECREATED", link
        ),
        Verdict(
            "S20",
            state.RENAMED_THERE,
            push.BLOCK,
            pull.RENAME,
            3,
            0,
            "E-REMOTE-AHEAD",
            take_in,
        ),
        Verdict("S21", state.RENAMED_HERE, push.RENAME, pull.NOTHING, fix="skillsync push {name}"),
        Verdict(
            "S22",
            state.RENAMED_BOTH,
            push.CONFLICT,
            pull.CONFLICT,
            4,
            4,
            "E-RENAMED",
            "set `name:` in its SKILL.md to the name that it has on the server, or to the old one",
        ),
        Verdict(
            "S24",
            state.BACKWARDS,
            push.STOP_TARGET,
            pull.STOP_TARGET,
            6,
            6,
            "E-REMOTE-BACKWARDS",
            "skillsync status -v (is this the right host and project?)",
        ),
        Verdict(
            "S25",
            state.UNREACHABLE,
            push.STOP_TARGET,
            pull.STOP_TARGET,
            75,
            75,
            "E-UNREACHABLE",
            "run the command again later",
        ),
        Verdict(
            "S26",
            state.INVALID,
            push.ERROR,
            pull.ERROR,
            1,
            1,
            "E-INVALID",
            "skillsync lint {name}",
        ),
    ]
    return MappingProxyType({verdict.state: verdict for verdict in rows})


SKILL_TABLE = _table()
"""The plain rows of sync.md 7.1; S12, S27 and the variants of S4, S25, S26 are derived in ``reconcile_skill.decide_skill``."""
