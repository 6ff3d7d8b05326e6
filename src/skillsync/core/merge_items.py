"""Merges three states of an items.jsonl row by row and field by field, where git would merge lines (sync.md 8)."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from skillsync.core.merge_rows import merge_row
from skillsync.core.merge_units import Take, choose
from skillsync.formats.canonical import canonical_json, row_digest
from skillsync.formats.jsonl import replace_row
from skillsync.formats.row_keys import fold_id
from skillsync.formats.row_lines import (
    USUAL_LIMITS,
    ItemsFile,
    KeyMode,
    Limits,
    Line,
    LineReader,
    parse_items,
)
from skillsync.formats.row_names import RowNames
from skillsync.model import Conflict, Key, Row, UnitKind

if TYPE_CHECKING:
    from skillsync.model import Digest

T = TypeVar("T")

Id: TypeAlias = "bytes | str | tuple[Digest | None, int]"
"""Which line a line is, on all sides: one that was not read by its bytes, a row by its key, any other one by its
content (None: it is blank) and how often that came before."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class MergedItems:
    """The merged file (a conflicting field keeps the local value, a line of a row stays whole) and its conflicts."""

    data: bytes
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """One file: its lines by what they are, in order; ``used`` are the names that its fields have.

    A line that is the same in all three files was not read, so ``row`` is None there.
    """

    raw: Mapping[Id, bytes]
    lines: Mapping[Id, Line]
    used: Mapping[str, str]
    ends: bool
    """Whether the last line has a line end."""


@dataclass
class _Merge:
    """The three sides while they are merged."""

    base: _Side
    local: _Side
    remote: _Side
    names: RowNames
    subject: str
    path: str
    conflicts: list[Conflict] = field(default_factory=list)


def merge_items(
    base: bytes,
    local: bytes,
    remote: bytes,
    *,
    path: str,
    subject: str = "",
    mapping: Mapping[str, str] | None = None,
    keys: KeyMode = "id",
    limits: Limits = USUAL_LIMITS,
) -> MergedItems:
    """Merge by rows: what one side added, removed or changed is so in the result, fields by the groups of sync.md 8.

    Both sides changed one field differently, or one removed what the other changed: a conflict, and the line of
    the local side stays (the changed one, where the other is removed). Lines keep the bytes and the order of the
    side that changed them. ``mapping``, ``keys`` and ``limits`` as for ``parse_items``. Raises InvalidContent when a line that
    is not the same on all sides cannot be read.
    """
    if local == remote or remote == base:
        return MergedItems(local)
    if local == base:
        return MergedItems(remote)
    names = RowNames.from_mapping(mapping)
    files = base, local, remote
    same = _same_lines(files)
    sides = [_read(data, same, path, names, mapping, keys, limits) for data in files]
    merge = _Merge(sides[0], sides[1], sides[2], names, subject, path)
    kept: dict[Id, bytes] = {}
    for one in dict.fromkeys((*merge.local.raw, *merge.remote.raw)):
        raw = _decide(merge, one)
        if raw is not None:
            kept[one] = raw
    _refuse_twice_changed(merge)
    lines = [kept[one] for one in _ordered(merge, kept)]
    ends = choose(*(side.ends for side in sides)) is not Take.REMOTE
    has_end = merge.local.ends if ends else merge.remote.ends
    return MergedItems(_joined(lines, has_end=has_end), tuple(merge.conflicts))


# ---------------------------------------------------------------- reading


def _lines(data: bytes) -> list[bytes]:
    """Split at LF only, line ends kept."""
    return list(io.BytesIO(data))


def _content(raw: bytes) -> bytes:
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def _same_lines(files: Iterable[bytes]) -> frozenset[bytes]:
    """Return the lines that each file has exactly once: they are themselves, whatever they say."""
    once = [
        {line for line, count in Counter(map(_content, _lines(data))).items() if count == 1}
        for data in files
    ]
    return frozenset(line for line in set.intersection(*once) if line.strip(b" \t\r"))


def _read(
    data: bytes,
    same: frozenset[bytes],
    path: str,
    names: RowNames,
    mapping: Mapping[str, str] | None,
    keys: KeyMode,
    limits: Limits,
) -> _Side:
    reader = LineReader(path, names, limits)
    if data.startswith(_BOM):
        reader.refuse_mark()
    read: Iterable[tuple[bytes, Line | None]]
    if keys == "content":
        file = parse_items(data, path=path, mapping=mapping, keys=keys, limits=limits)
        read, used = [(line.raw, line) for line in file.lines], dict(file.used)
    else:
        read = [
            (raw, None if _content(raw) in same else reader.read_line(raw, number))
            for number, raw in enumerate(_lines(data), start=1)
        ]
        used = reader.used
    raw_of: dict[Id, bytes] = {}
    line_of: dict[Id, Line] = {}
    counts: defaultdict[Digest | None, Iterator[int]] = defaultdict(count)
    for raw, line in read:
        one = _identity(raw, line, counts)
        raw_of[one] = raw
        if line is not None:
            line_of[one] = line
    return _Side(raw_of, line_of, used, ends=not data or data.endswith(b"\n"))


def _identity(raw: bytes, line: Line | None, counts: Mapping[Digest | None, Iterator[int]]) -> Id:
    if line is None:
        return _content(raw)
    if line.row is not None:
        return fold_id(line.row.key)
    what = _digest(line)
    return what, next(counts[what])


def _digest(line: Line | None) -> Digest | None:
    if line is None or line.fields is None:
        return None
    return row_digest(Row(Key(""), line.fields))


# ---------------------------------------------------------------- deciding


def _decide(merge: _Merge, one: Id) -> bytes | None:
    """Return the line that stands for ``one`` in the result, None for none."""
    base, local, remote = (side.raw.get(one) for side in (merge.base, merge.local, merge.remote))
    old, ours, new = (side.lines.get(one) for side in (merge.base, merge.local, merge.remote))
    if local is not None and remote is not None:
        if ours is None or new is None or _digest(ours) == _digest(new):
            return remote if local == base else local  # equal by value: whoever spelled it anew
        return _merged_row(merge, old, ours, new)
    mine, line = (local, ours) if local is not None else (remote, new)
    assert mine is not None  # a line comes from one of the two
    if base is None:
        return mine
    if line is None or _digest(line) == _digest(old):
        return None
    _note_removed(merge, old, ours, new)
    return mine


def _merged_row(merge: _Merge, old: Line | None, ours: Line, new: Line) -> bytes:
    assert ours.row is not None  # only rows with a key can differ
    assert new.row is not None
    if _digest(old) == _digest(ours):
        return new.raw
    before = old.row if old is not None else None
    made = merge_row(before, ours.row, new.row, subject=merge.subject)
    merge.conflicts += made.conflicts
    used = {**merge.remote.used, **merge.local.used}
    line = ItemsFile(merge.path, (ours,), merge.names, used)
    return replace_row(line, made.row, spelling="current").lines[0].raw


def _note_removed(merge: _Merge, old: Line | None, ours: Line | None, new: Line | None) -> None:
    known = ours or new
    assert known is not None  # it is on one side
    assert known.row is not None  # a line without key is never changed
    reason = "changed here, removed there" if ours else "removed here, changed there"
    base, local, remote = (
        canonical_json(dict(side.fields)) if side is not None and side.fields is not None else None
        for side in (old, ours, new)
    )
    merge.conflicts.append(
        Conflict(merge.subject, UnitKind.ROW, known.row.key, base, local, remote, reason)
    )


def _refuse_twice_changed(merge: _Merge) -> None:
    """Note lines without id that both sides took away while both put others in: perhaps two edits of one row.

    Both new lines stay; which of them is meant only a person can say.
    """
    base, local, remote = merge.base.raw, merge.local.raw, merge.remote.raw
    gone = [
        line
        for one, line in merge.base.lines.items()
        if line.row is None and line.fields is not None and one not in local and one not in remote
    ]
    added = [
        [one for one in side if one not in base and one not in other]
        for side, other in ((local, remote), (remote, local))
    ]
    if not all(added):
        return
    merge.conflicts += [
        Conflict(
            merge.subject,
            UnitKind.ROW,
            f"line {line.number} before",
            canonical_json(dict(line.fields or {})),
            None,
            None,
            reason="has no id and is gone on both sides: if both changed it, remove one of the two new lines",
        )
        for line in gone
    ]


# ---------------------------------------------------------------- putting the file together


def _ordered(merge: _Merge, kept: Mapping[Id, bytes]) -> list[Id]:
    """Return what is kept, in the order of the side that changed it; what only the other side has follows its neighbour.

    Where both sides added lines at one place, the local ones come first.
    """
    first, second = merge.local, merge.remote
    common = merge.base.raw.keys() & first.raw.keys() & second.raw.keys()
    orders = [[one for one in side.raw if one in common] for side in (merge.base, first, second)]
    if choose(*map(tuple, orders)) is Take.REMOTE:
        first, second = second, first
    after: dict[Id | None, list[Id]] = {}
    place: Id | None = None
    for one in second.raw:
        if one in kept and one in first.raw:
            place = one
        elif one in kept:
            after.setdefault(place, []).append(one)
    result: list[Id] = []
    waiting = after.get(None, [])
    for one in first.raw:
        if one not in kept:
            continue
        if one in second.raw:
            result += waiting
            waiting = after.get(one, [])
        result.append(one)
    return result + waiting


def _joined(lines: Sequence[bytes], *, has_end: bool) -> bytes:
    """Join lines so that no two share one, with a final line end or without."""
    end = b"\r\n" if sum(line.endswith(b"\r\n") for line in lines) * 2 > len(lines) else b"\n"
    whole = [line if line.endswith(b"\n") else line + end for line in lines]
    if whole and not has_end:
        whole[-1] = _content(whole[-1])
    return b"".join(whole)
