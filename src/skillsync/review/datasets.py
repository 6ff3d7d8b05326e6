"""One dataset of a range: which rows change, how they stand, what rules say, and the operations that come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from skillsync.config import Settings
from skillsync.model import Digest, Folder, Key
from skillsync.review.dataset_changes import (
    SOURCE_FIELDS,
    DatasetContent,
    DatasetParts,
    RowChange,
    compare_dataset,
    open_dataset,
    show_rows,
)
from skillsync.review.document import make_op
from skillsync.review.live import RowSides, Sides
from skillsync.review.redact import Redactor
from skillsync.review.rules.hidden import check_characters
from skillsync.review.rules.model import Hit, Text
from skillsync.review.rules.roundtrip import check_sources
from skillsync.review.rules.secrets import check_secrets
from skillsync.review.sides import Side
from skillsync.review.skill_changes import shown_path
from skillsync.review.skills import drift_rule
from skillsync.review.trees import Pair
from skillsync.review.values import (
    DatasetChange,
    FieldChange,
    Kind,
    Level,
    Op,
    Standing,
    Verb,
    Versions,
)
from skillsync.sync.local import ITEMS, join, last_part

_VERBS = {
    "added": Verb.CREATE,
    "rekeyed": Verb.CREATE,
    "changed": Verb.UPDATE,
    "removed": Verb.ARCHIVE,
}
_DONE = frozenset({Standing.PUBLISHED, Standing.UNCHANGED, Standing.INVALID})


@dataclass(frozen=True, slots=True)
class DatasetWork:
    """What came of one dataset."""

    change: DatasetChange
    ops: tuple[Op, ...]
    hits: tuple[Hit, ...]
    omitted_values: int
    omitted_items: int


def pair_datasets(pairs: Sequence[Pair]) -> list[Pair]:
    """Pair a folder that went with one that came: the same dataset by its pointer, or by the very rows."""
    gone = {_identity(one.before): one for one in pairs if one.after is None and one.before}
    found = []
    taken = set()
    for one in pairs:
        old = gone.get(_identity(one.after)) if one.before is None and one.after else None
        if old is not None:
            taken.add(old.dir)
        found.append(Pair(one.dir, old.before, one.after) if old is not None else one)
    return [one for one in found if one.dir not in taken]


def _identity(folder: Folder | None) -> str:
    """Return what tells a dataset wherever its folder lies; every folder is something of its own without it."""
    if folder is None:
        return ""
    ids = re.findall(rb" dataset=(\S{1,100})", folder.pointer or b"")
    items = folder.entry(ITEMS)
    if ids:
        return b" ".join(sorted(ids)).decode("utf-8", "replace")
    data = items.data if items else None
    return sha256(data).hexdigest() if data and data.strip() else folder.dir


def review_dataset(
    pair: Pair,
    settings: Settings,
    sides: Sides,
    redactor: Redactor,
    *,
    show_values: str,
    scan: bool,
) -> DatasetWork:
    """Review one dataset."""
    options = settings.options_for(last_part(pair.dir))

    def content(folder: Folder | None) -> DatasetContent:
        fields = options.fields or None
        return open_dataset(
            folder,
            mapping=fields,
            content_keys=options.keys == "content",
            limits=options.limits,
        )

    before, after = content(pair.before), content(pair.after)
    parts = compare_dataset(before, after)
    path = join(pair.dir, ITEMS)
    hits = list(_secrets(path, after, parts, redactor)) if scan else []
    side, rows = sides.dataset(pair.dir, before, after, parts)
    shown = show_rows(
        parts.rows, redactor.clean, with_values=show_values != "none", standing=rows.standing
    )
    hits += _hits(
        pair, path, before, after, parts, side, is_team=settings.publish_branch is not None
    )
    base = side.base.version if side.base else None
    status = "new" if pair.before is None else "archived" if pair.after is None else "changed"
    if pair.before and pair.after and pair.before.dir != pair.after.dir and not parts.rows:
        status = "moved"
    change = DatasetChange(
        name=last_part(pair.dir),
        status=status,
        dir=shown_path(pair.dir),
        dir_before=shown_path(pair.before.dir) if pair.before else "",
        op=side.verb,
        standing=side.standing,
        versions=Versions(base, None, None, sides.remote is not None, None),
        readable=after.local is None or after.local.problem is None,
        info=tuple(_clean_info(one, redactor.clean) for one in parts.info),
        added=parts.count("added"),
        changed=parts.count("changed"),
        removed=parts.count("removed"),
        rekeyed=parts.count("rekeyed"),
        unchanged=parts.unchanged,
        keyless=parts.keyless,
        fields=shown.fields,
        items=shown.items,
        live=side.live,
    )
    ops = tuple(_ops(change.name, side, after, parts, rows))
    return DatasetWork(change, ops, tuple(hits), shown.omitted_values, shown.omitted_items)


def _clean_info(one: FieldChange, clean: Callable[[str], str]) -> FieldChange:
    before = None if one.before is None else clean(one.before)
    return FieldChange(one.key, one.status, before, None if one.after is None else clean(one.after))


# ---------------------------------------------------------------- operations


def _ops(
    name: str,
    side: Side,
    after: DatasetContent,
    parts: DatasetParts,
    rows: RowSides,
) -> Iterator[Op]:
    target = after.digest() if after.local is not None else None
    yield make_op(Kind.DATASET, name, side.verb, base=side.base, target=target or "",
                  standing=side.standing)  # fmt: skip
    if side.verb in {Verb.ARCHIVE, Verb.NONE}:
        return
    for row in parts.rows:
        its = rows.standing(row.key)
        if its not in _DONE:
            yield from _row_ops(name, row, its, rows)


def _row_ops(name: str, row: RowChange, its: Standing, rows: RowSides) -> Iterator[Op]:
    base = rows.base(row.key, Digest(row.digest_before)) if row.before is not None else None
    target = row.digest_after
    verb = _VERBS[row.status]
    number = base.version + 1 if base and base.version and verb is Verb.UPDATE else None
    yield make_op(Kind.ROW, name, verb, key=row.key, base=base, target=target,
                  new_version=number, standing=its)  # fmt: skip
    if row.status != "rekeyed":
        return
    old = Key(row.key_before)
    if rows.standing(old) not in _DONE:
        # The same content under another key: what went is archived (I18).
        yield make_op(Kind.ROW, name, Verb.ARCHIVE, key=row.key_before,
                      base=rows.base(old, Digest(target)), standing=rows.standing(old))  # fmt: skip


# ---------------------------------------------------------------- rules


def _secrets(
    path: str, after: DatasetContent, parts: DatasetParts, redactor: Redactor
) -> Iterator[Hit]:
    lines = frozenset(row.line for row in parts.rows if row.line and row.status != "rekeyed")
    if after.items is None or not lines:
        return
    raw = [line.raw.decode("utf-8", "replace").rstrip("\n") for line in after.items.lines]
    text = Text(shown_path(path), "\n".join(raw), lines)
    yield from check_secrets(text, redactor)


def _hits(
    pair: Pair,
    path: str,
    before: DatasetContent,
    after: DatasetContent,
    parts: DatasetParts,
    side: Side,
    *,
    is_team: bool,
) -> Iterator[Hit]:
    shown = shown_path(path)
    if after.local is not None and after.local.problem is not None:
        for error in after.local.errors():
            place = shown_path(error.path or path)
            yield Hit("L-ROWS", place, error.line, error.message, error.message, fix=error.hint)
    if after.items is not None and after.items.keyless:
        first = after.items.keyless[0].number
        count = len(after.items.keyless)
        message = f"{count} {'line has' if count == 1 else 'lines have'} no id"
        level = None if is_team else Level.NOTE
        yield Hit("L-NO-KEY", shown, first, "id", message, level=level,
                  fix=f"skillsync fmt {last_part(pair.dir)}")  # fmt: skip
    if any(not SOURCE_FIELDS.isdisjoint(one.items.used) for one in (before, after) if one.items):
        yield from check_sources(shown, parts.rows)
    yield from _hidden(shown, after, parts)
    if (found := drift_rule(side.standing)) is not None:
        name = last_part(pair.dir)
        yield Hit(
            found[0], shown_path(pair.dir), None, name, found[1], fix=f"skillsync pull {name}"
        )


def _hidden(shown: str, after: DatasetContent, parts: DatasetParts) -> Iterator[Hit]:
    """Yield the characters that cannot be seen in rows that differ."""
    entry = after.local.folder.entry(ITEMS) if after.local is not None else None
    if after.items is None or (entry and entry.data and _is_plain(entry.data)):
        return
    raws = after.items.lines
    for row in parts.rows:
        if row.after is None or row.status == "rekeyed" or not row.line:
            continue
        if _is_plain(raws[row.line - 1].raw):
            continue
        values = json.dumps(row.after.fields, ensure_ascii=False)
        for hit in check_characters(Text(shown, values, frozenset({1}))):
            yield Hit(hit.rule, shown, row.line, hit.matched, hit.message, hit.evidence,
                      level=Level.WARNING)  # fmt: skip


def _is_plain(data: bytes) -> bool:
    """Tell whether lines of JSON can hold no character that check_characters would look at."""
    return data.isascii() and b"\\u" not in data and b"\x7f" not in data
