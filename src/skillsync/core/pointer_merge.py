"""Decides what the result of a git merge, rebase or cherry-pick has taken in, where both sides changed that (sync.md B6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from skillsync.core.base import after_git_merge
from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import rows_digest
from skillsync.model import DatasetPointer, Digest, SkillPointer

if TYPE_CHECKING:
    from skillsync.model import Key, Pointer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """What one side has taken in for one place: its line, and of a dataset the bases of rows that belong to it."""

    line: Pointer | None = None
    rows: Mapping[Key, str] = field(default_factory=dict)


def merge_taken(ancestor: Taken, here: Taken, other: Taken) -> Taken:
    """Return what the result has taken in; ``here`` is the side that is merged into (git's stage 2).

    A version or revision that counts upwards: the newer one, if ``here`` is not older than the ancestor (B6). The
    first generation of datasets counts nothing, so each row's base is merged by itself: what ``here`` has, unless
    that is the ancestor's. To claim less than was taken in costs a needless merge later, to claim more an edit.
    A line that was dropped here stays dropped; one that is of something else stands as it is here.
    """
    old, ours, new = ancestor.line, here.line, other.line
    if ours is None:
        return other if old is None else here
    if new is None:
        return here
    if isinstance(ours, SkillPointer) and isinstance(new, SkillPointer):
        start = old if isinstance(old, SkillPointer) else None
        return other if after_git_merge(start, ours, new) is new and new != ours else here
    if isinstance(ours, DatasetPointer) and isinstance(new, DatasetPointer):
        return _merge_dataset(ancestor, here, other, ours, new)
    return here


def _merge_dataset(
    ancestor: Taken, here: Taken, other: Taken, ours: DatasetPointer, new: DatasetPointer
) -> Taken:
    if ours.dataset != new.dataset or (ours.revision is None) != (new.revision is None):
        return here
    old = ancestor.line
    if not isinstance(old, DatasetPointer) or old.dataset != ours.dataset:
        old, ancestor = None, Taken()
    if ours.revision is not None and new.revision is not None:
        start = old.revision if old is not None else 0
        is_older = start is None or ours.revision < start
        return other if new.revision > ours.revision and not is_older else here
    return _merge_rows(ancestor, here, other, ours, new, old.meta if old is not None else None)


def _merge_rows(
    ancestor: Taken,
    here: Taken,
    other: Taken,
    ours: DatasetPointer,
    new: DatasetPointer,
    meta: Digest | None,
) -> Taken:
    keys = {*ancestor.rows, *here.rows, *other.rows}
    merged = {
        key: _unless_changed(ancestor.rows.get(key), here.rows.get(key), other.rows.get(key))
        for key in sorted(keys)
    }
    rows = {key: base for key, base in merged.items() if base is not None}
    line = DatasetPointer(
        ours.place,
        ours.dataset,
        None,
        new.meta if ours.meta == meta else ours.meta,
        sum(base != ABSENT for base in rows.values()),
        rows_digest((key, Digest(base)) for key, base in rows.items()),
        gone=ours.gone and new.gone,
    )
    for side, own in ((here, ours), (other, new)):
        # The stamp of a side stays true of what that side wrote; what is of both was written by neither.
        if replace(own, stamp=None) == line:
            return side
    return Taken(line, rows)


def _unless_changed(old: T, here: T, other: T) -> T:
    """Return what is here, or the other side's where nothing was changed here."""
    return other if here == old else here
