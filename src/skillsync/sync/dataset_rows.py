"""Reads the rows of one dataset, pairs the sides by key, and asks core about each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from skillsync.core.merge import changed_row_groups
from skillsync.core.reconcile_row import RowFacts, RowGroups, removable_duplicates, winner
from skillsync.core.reconcile_skill import Absence
from skillsync.core.safety import check_dataset_listing
from skillsync.errors import BadAnswer, NotFound
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.model import Key, RemoteRow, Row
from skillsync.sync.dataset_history import DatasetPast
from skillsync.sync.dataset_view import DatasetView, RowView
from skillsync.sync.workspace import Remote, Workspace


def read_rows(
    workspace: Workspace,
    view: DatasetView,
    remote: Remote,
    *,
    confirm: bool,
    max_removals: int | None = None,
) -> None:
    """Read all live rows of a linked dataset, or of one that can be linked, and decide each.

    Raises BadAnswer when the listing is not complete or holds a row that cannot be read, RefusedForSafety when
    rows that were there are suddenly all gone.
    """
    if view.remote is None or view.absence in {Absence.UNCONFIRMED, Absence.UNREACHABLE}:
        return
    if view.local is not None and view.local.problem is not None:
        return
    listing = remote.datasets.list_rows(view.remote.id)
    if not listing.complete:
        raise BadAnswer(
            "the listing of rows is not complete: its count and its rows disagree",
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
            hint="run the command again",
        )
    if listing.problems:
        # A row that cannot be read is not a row that is gone.
        raise BadAnswer(
            listing.problems[0].message,
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
        )
    live = [row for row in listing.items if not row.deleted]
    view.remote_rows = tuple(live)
    check_dataset_listing(
        view.slug,
        base_rows=len(view.base_rows),
        remote_rows=len(live),
        max_removals=max_removals,
    )
    if view.linked_id is None and view.local is not None:
        view.compatible = _fits(view, live)
    there = {item.row.key for item in live}
    missing = set(view.base_rows) - there if view.local or view.gone else set()
    gone = _confirm_rows(view, remote, missing) if missing and confirm else missing
    view.gone_keys = frozenset(gone)
    decide_rows(workspace, view, remote)


def decide_rows(workspace: Workspace, view: DatasetView, remote: Remote) -> None:
    """Decide every row of a dataset from what was read; again after id-less lines were given their keys."""
    past = DatasetPast(workspace, view)
    if view.info_differs and view.remote is not None:
        view.info_known = past.has_published_info(info_digest(view.remote.info))
    view.rows = _row_views(view, remote, set(view.gone_keys), past)


def _confirm_rows(view: DatasetView, remote: Remote, missing: set[Key]) -> set[Key]:
    """Return the keys that a point read (where the id is known) and a second listing do not have either."""
    confirmed = set()
    for key in missing:
        if key.startswith("srv:"):
            try:
                found = remote.datasets.read_row(key.removeprefix("srv:"))
            except NotFound:
                confirmed.add(key)
            else:
                if found.deleted:
                    confirmed.add(key)
    others = {key for key in missing if not key.startswith("srv:")}
    if others and view.remote is not None:
        again = remote.datasets.list_rows(view.remote.id)
        seen = {item.row.key for item in again.items if not item.deleted}
        if again.complete and not again.problems:
            confirmed |= others - seen
    return confirmed


def _fits(view: DatasetView, live: Sequence[RemoteRow]) -> bool:
    """D3: rows of one side are equal to, or a pure superset of, the other's.

    Rows pair by key, and lines without id by equal content. A line whose own id differs from that of an equal
    remote row cannot be paired without changing one of the two, so that is for a person to say.
    """
    local = view.local
    if local is None:
        return False
    there = {item.row.key: short(row_digest(item.row)) for item in live}
    here = local.row_digests
    if any(there.get(key, digest) != digest for key, digest in here.items()):
        return False
    loose = Counter(
        short(row_digest(Row(Key(""), line.fields))) for line in local.items.keyless if line.fields
    )
    others = Counter(digest for key, digest in there.items() if key not in here)
    here_only = Counter(digest for key, digest in here.items() if key not in there) + (
        loose - others
    )
    there_only = others - loose
    return not here_only or not there_only


def _row_views(
    view: DatasetView, remote: Remote, gone: set[Key], past: DatasetPast
) -> list[RowView]:
    by_key: dict[Key, list[RemoteRow]] = {}
    for item in view.remote_rows or ():
        by_key.setdefault(item.row.key, []).append(item)
    local = dict(view.local.rows) if view.local else {}
    paired = pair_keyless(view, by_key)
    local.update(paired)
    created = sorted(
        (key for key in by_key if key not in local), key=lambda key: _age(winner(by_key[key]))
    )
    order = [
        *local,
        *(key for key in view.base_rows if key not in local and key not in by_key),
        *created,
    ]
    rows = [
        _row_view(view, remote, key, local.get(key), by_key.get(key, []), gone, past)
        for key in order
    ]
    for row in rows:
        row.is_paired = row.key in paired
    return rows


def pair_keyless(view: DatasetView, by_key: Mapping[Key, Sequence[RemoteRow]]) -> dict[Key, Row]:
    """Return the rows that id-less lines are by their content: base rows first, then remote ones (sync.md 10.1)."""
    if view.local is None or not view.local.items.keyless:
        return {}
    waiting: dict[str, list[Key]] = {}
    known = [(key, digest) for key, digest in view.base_rows.items()]
    known += [(key, short(row_digest(winner(items).row))) for key, items in by_key.items()]
    for key, digest in known:
        keys = waiting.setdefault(digest, [])
        if key not in view.local.rows and key not in keys:
            keys.append(key)
    paired: dict[Key, Row] = {}
    for line in view.local.items.keyless:
        row = Row(Key(""), line.fields or {})
        keys = [key for key in waiting.get(short(row_digest(row)), []) if key not in paired]
        if keys:
            paired[keys[0]] = Row(keys[0], row.fields)
    return paired


def _age(item: RemoteRow) -> tuple[str, str]:
    return item.created_at.removesuffix("Z"), item.id


def _row_view(
    view: DatasetView,
    remote: Remote,
    key: Key,
    local: Row | None,
    items: Sequence[RemoteRow],
    gone: set[Key],
    past: DatasetPast,
) -> RowView:
    base = view.base_rows.get(key)
    chosen_item = winner(items) if items else None
    digest = row_digest(chosen_item.row) if chosen_item else None
    local_digest = row_digest(local) if local else None
    absence = Absence.PRESENT if chosen_item else Absence.NEVER
    if chosen_item is None and base is not None:
        absence = Absence.CONFIRMED if key in gone else Absence.UNCONFIRMED
    losers: tuple[RemoteRow, ...] | None = ()
    if len(items) > 1:
        own = {
            item.author.id
            for item in items
            if remote.is_own(item.author) and item.author.id is not None
        }
        losers = removable_duplicates([(item, row_digest(item.row)) for item in items], own_ids=own)
    groups = None
    base_row = None
    taken_in = False
    if digest and digest != local_digest and short(digest) != base:
        taken_in = past.has_published(key, short(digest))
    if local is not None and chosen_item is not None and base is not None:
        is_old = base in {short(row_digest(local)), short(row_digest(chosen_item.row))}
        if not is_old and local_digest != digest:
            base_row = past.row(key, base)
            if base_row is not None:
                groups = RowGroups(*changed_row_groups(base_row, local, chosen_item.row))
    return RowView(
        key,
        base,
        local,
        chosen_item,
        RowFacts(
            key,
            base=base,
            local=local_digest,
            remote=digest,
            was_in_base=base is not None,
            absence=absence,
            groups=groups,
            duplicates=losers is None,
            taken_in=taken_in,
        ),
        base_row=base_row,
        losers=losers or (),
        copies=len(items),
    )
