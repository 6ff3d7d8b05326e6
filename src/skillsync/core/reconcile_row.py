"""Decides what push and pull do with one dataset row, from what base, local and remote are (sync.md 7.3, I1–I24)."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.row_states import (
    ROW_TABLE,
    RowFacts,
    RowGroups,
    RowPull,
    RowPush,
    RowState,
    RowVerdict,
)
from skillsync.core.skill_states import Absence
from skillsync.formats.canonical import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from skillsync.model import Digest, Key, RemoteRow

__all__ = [
    "FileStep",
    "FileVerdict",
    "RowFacts",
    "RowGroups",
    "RowPull",
    "RowPush",
    "RowState",
    "RowVerdict",
    "decide_file",
    "decide_row",
    "find_rekeyed",
    "pair_by_content",
    "removable_duplicates",
    "winner",
]


def decide_row(facts: RowFacts) -> RowVerdict:
    """Return the row of sync.md 7.3 that ``facts`` are in, and what push and pull do.

    Total and pure. A row that was ever in the base is never created again by itself (10.2, P12).
    """
    state = _state(facts)
    verdict = ROW_TABLE[state]
    if state is RowState.UNREACHABLE and facts.absence is not Absence.UNREACHABLE:
        verdict = replace(
            verdict,
            push=RowPush.ERROR,
            pull=RowPull.ERROR,
            push_exit=1,
            pull_exit=1,
            code="E-ABSENCE-UNCONFIRMED",
        )
    if facts.moved_back and state is RowState.AHEAD:
        # Equal content never counts as taken in: somebody had a reason to take a change back (B5).
        verdict = replace(
            verdict,
            push=RowPush.BLOCK,
            pull=RowPull.LINK,
            push_exit=3,
            code="E-REMOTE-AHEAD",
            fix="skillsync pull {name}",
        )
    if facts.superseded:
        if verdict.push is not RowPush.NOTHING:
            none = RowPush.NOTHING
            verdict = replace(verdict, push=none, push_exit=0, code="N-SUPERSEDED", fix="")
    elif facts.duplicates and facts.remote is not None:
        verdict = replace(
            verdict,
            row="I21",
            state=RowState.DUPLICATED,
            push=RowPush.CONFLICT,
            push_exit=4,
            code="E-DUPLICATE-KEY",
            fix="remove one of the items with the key {key} in the web page, then skillsync pull {name}",
        )
    if "{key}" in verdict.fix:
        return replace(verdict, fix=verdict.fix.replace("{key}", facts.key))
    return verdict


def _state(facts: RowFacts) -> RowState:
    if facts.absence in {Absence.UNREACHABLE, Absence.UNCONFIRMED}:
        return RowState.UNREACHABLE
    base = _base(facts)
    if facts.remote is None:
        return _state_without_remote(facts, base)
    local, remote = facts.local, facts.remote
    if base is None:
        if local is None:
            return RowState.DELETED_BUT_EDITED if facts.was_in_base else RowState.REMOTE_ONLY
        return RowState.SAME_UNLINKED if local == remote else RowState.UNRELATED
    if short(remote) == base:
        if local is None:
            return RowState.DELETED_LOCALLY
        return RowState.IN_SYNC if short(local) == base else RowState.AHEAD
    if local is None:
        return RowState.DELETED_BUT_EDITED
    if short(local) == base:
        return RowState.DIVERGED if facts.in_doubt else RowState.BEHIND
    if local == remote:
        return RowState.BOTH_EQUAL
    is_clean = facts.groups is not None and facts.groups.are_disjoint
    return RowState.MERGEABLE if is_clean else RowState.DIVERGED


def _state_without_remote(facts: RowFacts, base: str | None) -> RowState:
    """Classify a row whose absence is proven (CONFIRMED), or whose key was never seen (NEVER)."""
    if base is None and not facts.was_in_base:
        return RowState.NOTHING if facts.local is None else RowState.LOCAL_ONLY
    if facts.hard_deleted:
        return RowState.HARD_DELETED
    if base is not None and facts.absence is Absence.NEVER:
        # Offset paging can skip a row (R7): not being in a listing proves nothing about a row that was there.
        return RowState.UNREACHABLE
    if facts.local is None:
        return RowState.BOTH_GONE
    return RowState.ARCHIVED if short(facts.local) == base else RowState.EDITED_BUT_ARCHIVED


def _base(facts: RowFacts) -> str | None:
    """Return the short digest that counts as taken in: the remote's own where that is our own publish (5.5)."""
    return short(facts.remote) if facts.taken_in and facts.remote is not None else facts.base


# ---------------------------------------------------------------- the file as a whole (I19, I20, I22)


class FileStep(StrEnum):
    """What to do with an items.jsonl as a whole before its rows are looked at."""

    GO_ON = "go on"
    ASSIGN_KEYS = "assign keys"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """One of I19, I20, I22 for a whole file; ``row`` is "" when there is nothing to object to."""

    row: str
    push: FileStep
    pull: FileStep
    push_exit: int = 0
    pull_exit: int = 0
    code: str = ""
    fix: str = ""


def decide_file(
    *, readable: bool, has_duplicate_keys: bool, keyless: int, solo: bool
) -> FileVerdict:
    """Return what to do with an items.jsonl before its rows are decided (I19, I20, I22).

    ``keyless`` counts lines without a key; ``solo``: no publish branch, push may write the working tree.
    """
    refuse = FileStep.REFUSE
    if not readable:
        return FileVerdict("I20", refuse, refuse, 1, 1, "E-INVALID", "skillsync lint {name}")
    if has_duplicate_keys:
        return FileVerdict("I19", refuse, refuse, 1, 1, "E-DUPLICATE-KEY", "skillsync lint {name}")
    if not keyless:
        return FileVerdict("", FileStep.GO_ON, FileStep.GO_ON)
    if solo:
        return FileVerdict("I22", FileStep.ASSIGN_KEYS, FileStep.GO_ON)
    return FileVerdict("I22", refuse, FileStep.GO_ON, 5, 0, "E-NO-KEY", "skillsync fmt {name}")


# ---------------------------------------------------------------- several items with one key (I21), a new key (I18)


def winner(duplicates: Iterable[RemoteRow]) -> RemoteRow:
    """Return the item that stands for its key: the smallest (created_at, id), so that all cleaners agree.

    Raises ValueError when there is none.
    """
    return min(duplicates, key=lambda item: (_moment(item.created_at), item.id))


def removable_duplicates(
    duplicates: Sequence[tuple[RemoteRow, Digest]], *, own_ids: Collection[int]
) -> tuple[RemoteRow, ...] | None:
    """Return the losers that push removes without a flag, or None if one of them has to be looked at (I21).

    A loser may go if its content equals the winner's and one of our own accounts (``own_ids``) created it.
    """
    if not duplicates:
        return ()
    chosen = winner(item for item, _ in duplicates)
    digests = {item.id: digest for item, digest in duplicates}
    losers = [item for item, _ in duplicates if item.id != chosen.id]
    for item in losers:
        if digests[item.id] != digests[chosen.id] or item.author.id not in own_ids:
            return None
    return tuple(sorted(losers, key=lambda item: (_moment(item.created_at), item.id)))


def find_rekeyed(
    removed: Mapping[Key, Digest], created: Mapping[Key, Digest]
) -> tuple[tuple[Key, Key], ...]:
    """Return (old key, new key) where exactly one removed and one created row have equal content (I18).

    Only the plan's wording depends on it: the actions stay one removal and one creation.
    """
    sides: defaultdict[Digest, tuple[list[Key], list[Key]]] = defaultdict(lambda: ([], []))
    for key, digest in removed.items():
        sides[digest][0].append(key)
    for key, digest in created.items():
        sides[digest][1].append(key)
    return tuple(
        sorted((old[0], new[0]) for old, new in sides.values() if len(old) == 1 and len(new) == 1)
    )


def pair_by_content(local: Mapping[Key, str], remote: Mapping[Key, str]) -> dict[Key, Key]:
    """Return local key → remote key of rows of equal content whose key the other side has not, one to one (D3).

    The values are digests. Equal rows pair in the order in which they are given.
    """
    waiting: defaultdict[str, deque[Key]] = defaultdict(deque)
    for key, digest in remote.items():
        if key not in local:
            waiting[digest].append(key)
    return {
        key: waiting[digest].popleft()
        for key, digest in local.items()
        if key not in remote and waiting[digest]
    }


def _moment(created_at: str) -> str:
    """Return a UTC time as text that sorts: the server leaves the fraction out when it is 0 (datasets-api.md 2.1)."""
    return created_at.removesuffix("Z")
