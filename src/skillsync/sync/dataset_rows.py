"""Pairs the rows of the two sides by key and asks core about each, with what git knows of it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from skillsync.core.merge import changed_row_groups
from skillsync.core.reconcile_row import (
    RowFacts,
    RowGroups,
    RowPush,
    removable_duplicates,
)
from skillsync.core.row_bases import Replaced
from skillsync.errors import NotFound
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.kept_remote import KeptRows
from skillsync.model import Author, Digest, Key, RemoteRow, Row
from skillsync.sync.dataset_history import DatasetPast
from skillsync.sync.dataset_later import DatasetLater
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.row_views import RowView, RowViews, Sides, created_there, winning_number
from skillsync.sync.workspace import Remote, Workspace


def decide_rows(workspace: Workspace, view: DatasetView, remote: Remote) -> None:
    """Decide every row of a dataset from what was read; again after id-less lines were given their keys."""
    evidence = _Evidence(DatasetPast(workspace, view), DatasetLater(workspace, view), remote)
    if view.info_differs and view.remote is not None:
        assert view.local is not None
        local = view.local.info_digest
        remote_info = info_digest(view.remote.info)
        view.info_known = evidence.past.has_published_info(
            remote_info
        ) and not evidence.later.went_back_to_info(remote_info)
        view.info_older = evidence.later.has_other_info(local) or local in evidence.later.infos
    view.rows = _row_views(view, remote, evidence)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What git knows of the dataset before and after HEAD, each asked only when needed."""

    past: DatasetPast
    later: DatasetLater
    remote: Remote

    def is_own(self, author: Author) -> bool:
        """Whether our own account wrote a version."""
        return self.remote.is_own(author)

    def revision_of(self, item: RemoteRow, digest: str) -> int:
        """Return the newest revision at which a row had this content, 0 where it never had."""
        return max(
            (one.revision for one in self._versions(item) if short(row_digest(one.row)) == digest),
            default=0,
        )

    def was_replaced(self, view: DatasetView, row: RowView, digest: str) -> bool:
        """Tell whether the server had this content of a row after its base, and has another one now."""
        item = row.remote
        if item is None or not view.guarantees.history or row.base is None:
            return False
        since = view.base_revision(row.key)
        return item.revision > since and self.revision_of(item, digest) > since

    def was_thrown_away(self, view: DatasetView, key: Key, digest: Digest) -> bool:
        """Tell whether a row went back to its committed base by an own publish: without revisions nothing else says so."""
        is_silent = view.is_committed and not view.guarantees.history
        return is_silent and self.later.went_back_to(key, short(digest))

    def since(self, view: DatasetView, item: RemoteRow, base: str) -> str | None:
        """Return the base of a row that is as its base here: another one if HEAD took back to it what was published since.

        Such a row looks untouched, and has an edit all the same. Without versions on the server, what HEAD's history has
        in between may have been published, or not: then no base is known (None).
        """
        key = item.row.key
        between = self.past.others(key, base)
        if not between:
            return base
        if not view.guarantees.history:
            return None
        begun = view.base_revision(key)
        later = [one for one in self._versions(item) if one.revision > begun]
        known = {short(row_digest(one.row)): one.revision for one in later}
        found = next((digest for digest in between if digest in known), base)
        if found != base:
            view.base_revisions = {**view.base_revisions, key: known[found]}
        return found

    def _versions(self, item: RemoteRow) -> Sequence[RemoteRow]:
        return [one for one in self.remote.datasets.versions(item.id) if not one.deleted]

    def base_row(self, view: DatasetView, item: RemoteRow, digest: str) -> Row | None:
        """Return what was taken in of a row: from git, else from the server where that keeps versions."""
        found = self.past.row(item.row.key, digest)
        if found is not None or not view.guarantees.history:
            return found
        try:
            then = self.remote.datasets.read_row(
                item.id, revision=view.base_revision(item.row.key) or None
            )
        except NotFound:
            return None
        return then.row if short(row_digest(then.row)) == digest else None


def _row_views(view: DatasetView, remote: Remote, evidence: _Evidence) -> RowViews:
    """Decide the rows one after the other: those of the file, those that only the base knows, those that are new."""
    there = view.remote_rows
    assert there is not None
    local = _local_rows(view)
    paired = pair_keyless(view, there)
    local = Replaced(local, paired) if paired else local
    sides = Sides.of(view, local)
    rows = RowViews(sides, created_there(there, local))
    for key in rows.in_order():
        if key not in paired and sides.are_in_sync(key):
            continue
        plain = sides.row(key)
        row = _row_view(view, remote, sides, plain, evidence)
        row.is_paired = key in paired
        rows.decided(row, plain)
    return rows


def _local_rows(view: DatasetView) -> Mapping[Key, Row]:
    """Return the rows of the file by the keys that they have on the server."""
    if view.local is None:
        return {}
    if not view.rekeyed:
        return view.local.rows
    return {
        new: Row(new, row.fields)
        for key, row in view.local.rows.items()
        for new in [view.rekeyed.get(key, key)]
    }


def pair_keyless(view: DatasetView, there: KeptRows) -> dict[Key, Row]:
    """Return the rows that id-less lines are by their content: base rows first, then remote ones (sync.md 10.1)."""
    if view.local is None or not view.local.items.keyless:
        return {}
    waiting: defaultdict[str, deque[Key]] = defaultdict(deque)
    remote = ((key, there.short(winning_number(there, key))) for key in there.digests)
    claimed = {view.rekeyed.get(key, key) for key in view.local.rows}
    seen: set[tuple[Key, str]] = set()
    for key, digest in chain(view.base_rows.items(), remote):
        if key not in claimed and (key, digest) not in seen:
            seen.add((key, digest))
            waiting[digest].append(key)
    paired: dict[Key, Row] = {}
    for line in view.local.items.keyless:
        keys = waiting[short(row_digest(Row(Key(""), line.fields or {})))]
        while keys and keys[0] in paired:
            keys.popleft()
        if keys:
            key = keys.popleft()
            paired[key] = Row(key, line.fields or {})
    return paired


def _row_view(
    view: DatasetView, remote: Remote, sides: Sides, plain: RowView, evidence: _Evidence
) -> RowView:
    items = sides.there.with_key(plain.key) if plain.copies > 1 else ()
    losers = _losers(remote, items)
    facts = _facts(view, plain, evidence, is_doubled=losers is None)
    base_row = None
    if plain.local is not None and plain.remote is not None and facts.base is not None:
        assert facts.local is not None
        assert facts.remote is not None
        known = {short(facts.local), short(facts.remote)}
        if facts.local != facts.remote and facts.base not in known and not facts.taken_in:
            base_row = evidence.base_row(view, plain.remote, facts.base)
        if base_row is not None:
            groups = RowGroups(*changed_row_groups(base_row, plain.local, plain.remote.row))
            facts = replace(facts, groups=groups)
    row = replace(plain, base=facts.base, facts=facts, base_row=base_row, losers=losers or ())
    return _held_back(view, row, evidence)


def _facts(view: DatasetView, plain: RowView, evidence: _Evidence, *, is_doubled: bool) -> RowFacts:
    """Add to what the sides say of a row what git and the server know of it."""
    key, item, facts = plain.key, plain.remote, plain.facts
    base, digest, was_in_base = facts.base, facts.remote, facts.was_in_base
    taken_in, moved_back, in_doubt = False, False, False
    if digest and digest != facts.local and item is not None:
        is_other = short(digest) != base
        is_behind = facts.local is not None and is_other and short(facts.local) == base
        went_back = False
        has_moved = is_other or (base is not None and item.revision > view.base_revision(key))
        if has_moved and (item.editor is None or evidence.is_own(item.editor)):
            seen = evidence.past.has_published if is_other else evidence.past.came_back
            went_back = evidence.later.went_back_to(key, short(digest))
            taken_in = seen(key, short(digest)) and not went_back
            if is_behind and not taken_in and not went_back:
                in_doubt = evidence.past.may_have_published(key, short(digest))
        if is_behind and base is not None and not (taken_in or went_back or in_doubt):
            base = evidence.since(view, item, base)
        moved_back = (
            not is_other
            and not taken_in
            and (has_moved or evidence.was_thrown_away(view, key, digest))
        )
    if (
        item is not None
        and item.own_key
        and plain.local is None
        and not was_in_base
        and not taken_in
    ):
        base = evidence.past.held(key)
        was_in_base = base is not None
        if base is not None and view.guarantees.history:
            view.base_revisions = {**view.base_revisions, key: evidence.revision_of(item, base)}
    return replace(
        facts,
        base=base,
        was_in_base=was_in_base,
        duplicates=is_doubled,
        taken_in=taken_in,
        moved_back=moved_back,
        in_doubt=in_doubt,
    )


def _losers(remote: Remote, items: Sequence[RemoteRow]) -> tuple[RemoteRow, ...] | None:
    """Return the equal copies of our own making, None when some copy has to be looked at (I21)."""
    if len(items) < 2:
        return ()
    own = {
        item.author.id
        for item in items
        if remote.is_own(item.author) and item.author.id is not None
    }
    return removable_duplicates([(item, row_digest(item.row)) for item in items], own_ids=own)


def _held_back(view: DatasetView, row: RowView, evidence: _Evidence) -> RowView:
    """Keep a row from being sent where a commit later than HEAD has decided about it (B8).

    Where the server keeps versions, a line that is one which was replaced since the base is as old (P1). A base that
    was taken in here and is not committed yet is newer than what those commits recorded, unless that was it as well.
    """
    later = evidence.later
    facts = row.facts
    if row.verdict.push is RowPush.NOTHING:
        return row
    if later.has_other_row(row.key, row.local):
        return replace(row, facts=replace(facts, superseded=True))
    if facts.local is None or facts.remote is None or facts.duplicates:
        return row
    local, there = short(facts.local), short(facts.remote)
    bases = later.bases(row.key)
    is_newest_here = not view.is_committed and there == row.base and there not in bases
    is_recorded = local in bases and not is_newest_here
    if not is_recorded and not evidence.was_replaced(view, row, local):
        return row
    older = replace(
        facts, base=local, was_in_base=True, taken_in=False, moved_back=False, groups=None
    )
    return replace(row, base=local, facts=older, is_older=True)
