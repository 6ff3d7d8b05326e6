"""Decides what push and pull do with a dataset as a whole before its rows are looked at (sync.md 7.3, D1–D6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.skill_states import Absence

if TYPE_CHECKING:
    from skillsync.model import Digest


class FolderState(StrEnum):
    """What the dataset's folder is, compared with its base."""

    MISSING = "missing"
    CLEAN = "clean"
    CHANGED = "changed"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live dataset of exactly the folder's name; ``ours``: our account made it, or it has our slug (5.5)."""

    id: str
    ours: bool


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """All that the decision about one dataset depends on.

    ``linked``: a pointer names its id; then ``absence`` is that id's. Without a pointer, ``candidates`` are the
    live datasets of its name, and ``is_listing_complete`` tells whether more could exist. ``is_compatible``: after
    pairing (D3) the rows of one side are equal to, or a pure superset of, the other's; None when not compared.
    The three ``info`` digests are of name, description and metadata (D6). ``superseded``: a commit later than HEAD
    linked this folder, or on the publish branch removed it, so that HEAD's copy is not created again (B8).
    """

    slug: str
    folder: FolderState
    linked: bool = False
    absence: Absence = Absence.NEVER
    candidates: tuple[Candidate, ...] = ()
    is_listing_complete: bool = True
    is_compatible: bool | None = None
    info_base: Digest | None = None
    info_local: Digest | None = None
    info_remote: Digest | None = None
    superseded: bool = False


class DatasetPush(StrEnum):
    """What push does with the dataset itself; ROWS and SEND_INFO and LINK go on with its rows."""

    NOTHING = "nothing"
    CREATE = "create"
    LINK = "link"
    ROWS = "rows"
    SEND_INFO = "send info"
    BLOCK_INFO = "block info"
    PENDING_REMOVAL = "pending removal"
    DROP_POINTER = "drop pointer"
    REFUSE = "refuse"
    CONFLICT = "conflict"
    ERROR = "error"
    STOP_TARGET = "stop target"


class DatasetPull(StrEnum):
    """What pull does with the dataset itself; ROWS, TAKE_INFO, MERGE_INFO and LINK go on with its rows."""

    NOTHING = "nothing"
    WRITE = "write"
    LINK = "link"
    ROWS = "rows"
    TAKE_INFO = "take info"
    MERGE_INFO = "merge info"
    MARK_ARCHIVED = "mark archived"
    DROP_POINTER = "drop pointer"
    REFUSE = "refuse"
    CONFLICT = "conflict"
    ERROR = "error"
    STOP_TARGET = "stop target"


@dataclass(frozen=True, slots=True)
class DatasetVerdict:
    """One row D1–D6 for one dataset; exits, ``code`` and ``fix`` as in skill_states.Verdict.

    ``id`` is the dataset to use when the folder was not linked (D3), "" otherwise. A BLOCK_INFO is this
    dataset's exit 3 but does not stop its rows.
    """

    row: str
    push: DatasetPush
    pull: DatasetPull
    push_exit: int = 0
    pull_exit: int = 0
    code: str = ""
    fix: str = ""
    id: str = ""


def decide_dataset(facts: DatasetFacts) -> DatasetVerdict:
    """Return the row D1–D6 that ``facts`` are in; row "" means: nothing to say, look at the rows. Total and pure."""
    verdict = _decide(facts)
    return replace(verdict, fix=verdict.fix.replace("{name}", facts.slug))


def _decide(facts: DatasetFacts) -> DatasetVerdict:
    push, pull = DatasetPush, DatasetPull
    if facts.absence is Absence.UNREACHABLE:
        later = "run the command again later"
        return DatasetVerdict(
            "S25", push.STOP_TARGET, pull.STOP_TARGET, 75, 75, "E-UNREACHABLE", later
        )
    if facts.absence is Absence.UNCONFIRMED or (facts.linked and facts.absence is Absence.NEVER):
        return _failed("S25", "E-ABSENCE-UNCONFIRMED", "skillsync status -v")
    if facts.folder is FolderState.INVALID:
        return _failed("I20", "E-INVALID", "skillsync lint {name}")
    return _decide_linked(facts) if facts.linked else _decide_unlinked(facts)


def _failed(row: str, code: str, fix: str) -> DatasetVerdict:
    return DatasetVerdict(row, DatasetPush.ERROR, DatasetPull.ERROR, 1, 1, code, fix)


def _decide_linked(facts: DatasetFacts) -> DatasetVerdict:
    push, pull = DatasetPush, DatasetPull
    if facts.absence is Absence.CONFIRMED:
        if facts.folder is FolderState.MISSING:
            return DatasetVerdict("D5", push.DROP_POINTER, pull.DROP_POINTER)
        if facts.folder is FolderState.CLEAN:
            prune = "skillsync pull --prune {name}, or skillsync resolve {name} --local (create it again)"
            return DatasetVerdict("D5", push.NOTHING, pull.MARK_ARCHIVED, 0, 0, "N-ARCHIVED", prune)
        resolve = "skillsync resolve {name} --local (create it again) or --remote"
        return DatasetVerdict(
            "D5", push.CONFLICT, pull.CONFLICT, 4, 4, "E-EDITED-BUT-ARCHIVED", resolve
        )
    if facts.folder is FolderState.MISSING:
        archive = "skillsync push --archive {name}"
        return DatasetVerdict(
            "D4", push.PENDING_REMOVAL, pull.NOTHING, 0, 0, "N-PENDING-REMOVAL", archive
        )
    return _decide_info(facts)


def _decide_info(facts: DatasetFacts) -> DatasetVerdict:
    """D6: name, description and metadata by their digests; merging them by key is merge.merge_info."""
    push, pull = DatasetPush, DatasetPull
    base, local, remote = facts.info_base, facts.info_local, facts.info_remote
    if local == remote:
        return DatasetVerdict("", push.ROWS, pull.ROWS)
    if remote == base:
        return DatasetVerdict("D6", push.SEND_INFO, pull.ROWS)
    if local == base:
        fix = "skillsync pull {name}"
        return DatasetVerdict("D6", push.ROWS, pull.TAKE_INFO, 0, 0, "N-BEHIND", fix)
    fix = "skillsync pull {name}"
    return DatasetVerdict("D6", push.BLOCK_INFO, pull.MERGE_INFO, 3, 0, "E-REMOTE-AHEAD", fix)


def _decide_unlinked(facts: DatasetFacts) -> DatasetVerdict:
    push, pull = DatasetPush, DatasetPull
    if facts.folder is FolderState.MISSING:
        if facts.candidates:
            return DatasetVerdict("D2", push.NOTHING, pull.WRITE, fix="skillsync pull {name}")
        return DatasetVerdict("", push.NOTHING, pull.NOTHING)
    if not facts.candidates:
        if facts.superseded:
            return DatasetVerdict("D1", push.NOTHING, pull.NOTHING, code="N-SUPERSEDED")
        if facts.is_listing_complete:
            return DatasetVerdict("D1", push.CREATE, pull.NOTHING)
        return _failed("D1", "E-ABSENCE-UNCONFIRMED", "run the command again later")
    return _decide_same_name(facts)


def _decide_same_name(facts: DatasetFacts) -> DatasetVerdict:
    """D3: push uses the only one if it is ours, pull the only one if its rows fit; else a person names the id."""
    push, pull = DatasetPush, DatasetPull
    only = facts.candidates[0] if len(facts.candidates) == 1 and facts.is_listing_complete else None
    ids = ", ".join(sorted(candidate.id for candidate in facts.candidates))
    can_push = only is not None and only.ours
    can_pull = only is not None and facts.is_compatible is True
    return DatasetVerdict(
        "D3",
        push.LINK if can_push else push.REFUSE,
        pull.LINK if can_pull else pull.REFUSE,
        0 if can_push else 4,
        0 if can_pull else 4,
        "" if can_push and can_pull else "E-UNRELATED",
        "" if can_push and can_pull else "skillsync adopt {name} --id UUID (one of " + ids + ")",
        only.id if only else "",
    )
