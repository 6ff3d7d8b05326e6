"""What the decision about one dataset row starts from and ends with, and sync.md 7.3 as a table of values.

The table holds for both generations of the API; what differs (a compare-and-set, how an absence is confirmed)
is in the facts. ``hard_deleted`` is the one fact that only the newer generation can state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from skillsync.core.skill_states import Absence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.model import Digest, Key


ABSENT = "0" * 16
"""A row base that says: what was taken in is that there is no such row, so the line may be created again (I14)."""


@dataclass(frozen=True, slots=True)
class RowGroups:
    """The groups that each side changed since the base; one that both changed alike is in neither."""

    local: frozenset[str] = frozenset()
    remote: frozenset[str] = frozenset()

    @property
    def are_disjoint(self) -> bool:
        """Tell whether no group was changed on both sides."""
        return not self.local & self.remote


@dataclass(frozen=True, slots=True)
class RowFacts:
    """All that the decision about one row depends on.

    ``base`` is the short digest (16 hex) of the row that was taken in; ``local`` and ``remote`` are digests,
    None when there is no such line or live item. ``was_in_base``: some earlier base, or on a server where nothing
    else tells an earlier commit that may have been published, had this key (10.2).
    ``groups`` None: the base content is unknown, the whole row is the unit. ``duplicates``: other live items
    have this key, and they are not all equal copies of our own making (I21). ``taken_in``: the remote row equals
    this row in an ancestor commit that is not older than the pointer's last change (5.5). ``superseded``: a later
    commit of the publish branch has another line, or none, so that this one is not for HEAD to decide (B8).
    ``moved_back``: somebody changed the remote row since the base and changed it back, which nobody here took in (B5).
    ``in_doubt``: the same as ``taken_in``, of a commit that may be older than a pointer's line that is not committed:
    then the base may be the remote row as well as ``base`` (B4).
    """

    key: Key
    base: str | None = None
    local: Digest | None = None
    remote: Digest | None = None
    was_in_base: bool = False
    absence: Absence = Absence.NEVER
    groups: RowGroups | None = None
    duplicates: bool = False
    taken_in: bool = False
    hard_deleted: bool = False
    superseded: bool = False
    moved_back: bool = False
    in_doubt: bool = False

    def __post_init__(self) -> None:
        if (self.absence is Absence.PRESENT) != (self.remote is not None):
            raise ValueError("a row is present exactly if it has remote content")


class RowState(StrEnum):
    """How base, local and remote of a row stand to each other; one per row of sync.md 7.3."""

    NOTHING = "nothing"
    LOCAL_ONLY = "local only"
    REMOTE_ONLY = "remote only"
    SAME_UNLINKED = "same on both sides, never linked"
    UNRELATED = "same key, different content"
    IN_SYNC = "in sync"
    AHEAD = "ahead"
    BEHIND = "behind"
    BOTH_EQUAL = "both changed, equal"
    MERGEABLE = "both changed, different groups"
    DIVERGED = "both changed the same group"
    DELETED_LOCALLY = "deleted locally"
    DELETED_BUT_EDITED = "deleted locally, edited remotely"
    ARCHIVED = "deleted remotely"
    EDITED_BUT_ARCHIVED = "edited locally, deleted remotely"
    BOTH_GONE = "deleted on both sides"
    HARD_DELETED = "erased remotely"
    DUPLICATED = "two live items with one key"
    UNREACHABLE = "unreachable"


class RowPush(StrEnum):
    """What push does with a row; only CREATE and PATCH write to the remote by themselves."""

    NOTHING = "nothing"
    CREATE = "create"
    PATCH = "patch"
    PENDING_REMOVAL = "pending removal"
    BLOCK = "block"
    CONFLICT = "conflict"
    ERROR = "error"
    STOP_TARGET = "stop target"


class RowPull(StrEnum):
    """What pull does with a row; APPEND, REWRITE, MERGE and REMOVE change one line, LINK only the base."""

    NOTHING = "nothing"
    LINK = "link"
    APPEND = "append"
    REWRITE = "rewrite"
    MERGE = "merge"
    REMOVE = "remove"
    CONFLICT = "conflict"
    ERROR = "error"
    STOP_TARGET = "stop target"


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row of sync.md 7.3 for one dataset row; exits, ``code`` and ``fix`` as in skill_states.Verdict.

    ``fix`` has ``{name}`` for the dataset, which a row does not know.
    """

    row: str
    state: RowState
    push: RowPush
    pull: RowPull
    push_exit: int = 0
    pull_exit: int = 0
    code: str = ""
    fix: str = ""


def _table() -> Mapping[RowState, RowVerdict]:
    """Return the plain rows I1–I17 of sync.md 7.3 as data; ``{key}`` in a fix is the row's."""
    state, push, pull = RowState, RowPush, RowPull
    take_in = "skillsync pull {name}"
    resolve = "skillsync resolve {name}:{key} --local or --remote"
    later = "run the command again later"
    rows = [
        RowVerdict("", state.NOTHING, push.NOTHING, pull.NOTHING),
        RowVerdict("I1", state.LOCAL_ONLY, push.CREATE, pull.NOTHING),
        RowVerdict("I2", state.REMOTE_ONLY, push.NOTHING, pull.APPEND, fix=take_in),
        RowVerdict("I3", state.SAME_UNLINKED, push.NOTHING, pull.LINK),
        RowVerdict(
            "I4", state.UNRELATED, push.CONFLICT, pull.CONFLICT, 4, 4, "E-UNRELATED", resolve
        ),
        RowVerdict("I5", state.IN_SYNC, push.NOTHING, pull.NOTHING),
        RowVerdict("I6", state.AHEAD, push.PATCH, pull.NOTHING),
        RowVerdict("I7", state.BEHIND, push.NOTHING, pull.REWRITE, 0, 0, "N-BEHIND", take_in),
        RowVerdict("I8", state.BOTH_EQUAL, push.NOTHING, pull.LINK),
        RowVerdict("I9", state.MERGEABLE, push.BLOCK, pull.MERGE, 3, 0, "E-REMOTE-AHEAD", take_in),
        # No pull can take it in before a person has chosen, so neither verb may name the other.
        RowVerdict("I10", state.DIVERGED, push.BLOCK, pull.CONFLICT, 3, 4, "E-CONFLICT", resolve),
        RowVerdict(
            "I11",
            state.DELETED_LOCALLY,
            push.PENDING_REMOVAL,
            pull.NOTHING,
            code="N-PENDING-REMOVAL",
            fix="skillsync push --archive {name}:{key}",
        ),
        RowVerdict(
            "I12",
            state.DELETED_BUT_EDITED,
            push.CONFLICT,
            pull.CONFLICT,
            4,
            4,
            "E-DELETED-BUT-EDITED",
            resolve,
        ),
        RowVerdict("I13", state.ARCHIVED, push.NOTHING, pull.REMOVE, 0, 0, "N-ARCHIVED", take_in),
        RowVerdict(
            "I14",
            state.EDITED_BUT_ARCHIVED,
            push.CONFLICT,
            pull.CONFLICT,
            4,
            4,
            "E-EDITED-BUT-ARCHIVED",
            resolve,
        ),
        RowVerdict("I15", state.BOTH_GONE, push.NOTHING, pull.NOTHING),
        RowVerdict("I17", state.HARD_DELETED, push.ERROR, pull.ERROR, 1, 1, "E-ERASED", resolve),
        RowVerdict(
            "S25",
            state.UNREACHABLE,
            push.STOP_TARGET,
            pull.STOP_TARGET,
            75,
            75,
            "E-UNREACHABLE",
            later,
        ),
    ]
    return MappingProxyType({verdict.state: verdict for verdict in rows})


ROW_TABLE = _table()
"""The plain rows of sync.md 7.3; I21 and the variants of I14 and S25 are derived in ``reconcile_row.decide_row``."""
