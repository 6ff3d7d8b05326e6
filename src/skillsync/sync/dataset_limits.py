"""Holds what a push would do to datasets against what the server allows, before the first write (datasets-api.md 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush
from skillsync.errors import LimitReached
from skillsync.sync.push_dataset_words import GOES_ON

if TYPE_CHECKING:
    from skillsync.api.dataset_port import Limits
    from skillsync.model import RemoteRow
    from skillsync.sync.dataset_view import DatasetView
    from skillsync.sync.workspace import Remote

FEW = 0.2
"""A row with a smaller part of its versions left is named by `status`."""


def check_limits(views: Sequence[DatasetView], remote: Remote) -> None:
    """Refuse each dataset that would hold too much; the others go on. Says what would be over, and by how much."""
    going = [view for view in views if view.error is None and view.verdict.push in GOES_ON]
    if not any(rows_to_create(view) or _is_new(view) for view in going):
        return
    limits = remote.datasets.limits
    if limits is None:
        return
    _check_datasets([view for view in going if _is_new(view)], limits, remote)
    for view in going:
        if view.error is None:
            _check_rows(view, limits, remote)


def _is_new(view: DatasetView) -> bool:
    return view.verdict.push is DatasetPush.CREATE


def rows_to_create(view: DatasetView) -> int:
    """How many rows a push creates."""
    if view.local is not None and view.remote_rows is None and _is_new(view):
        return len(view.local.rows) + len(view.local.items.keyless)
    return sum(row.verdict.push is RowPush.CREATE for row in view.rows.open)


def _check_datasets(new: Sequence[DatasetView], limits: Limits, remote: Remote) -> None:
    if not new:
        return
    there = len(remote.datasets.list()) + remote.datasets.count_archived()
    room = max(limits.datasets - there, 0)
    for view in new[room:]:
        over = there + len(new) - limits.datasets
        view.error = LimitReached(
            f"the project has {there} datasets, archived ones included, and {len(new)} would be created: "
            f"{over} more than the {limits.datasets} that it may have",
            resource="datasets",
            count=there,
            limit=limits.datasets,
            status=None,
            subject=view.slug,
            unchanged="Nothing of this dataset was sent.",
            hint="archived datasets cannot be deleted: ask the operator of the server for more",
        )


def _check_rows(view: DatasetView, limits: Limits, remote: Remote) -> None:
    new = rows_to_create(view)
    if not new:
        return
    archived = 0 if view.remote is None else remote.datasets.count_archived(view.remote.id)
    there = len(view.remote_rows or ()) + archived
    over = there + new - limits.items
    if over <= 0:
        return
    kept = f", {archived} of them archived" if archived else ""
    view.error = LimitReached(
        f"the dataset has {there:,} rows{kept}, and {new:,} would be created: {over:,} more than the "
        f"{limits.items:,} that it may have",
        resource="dataset_items",
        count=there,
        limit=limits.items,
        status=None,
        subject=view.slug,
        unchanged="Nothing of this dataset was sent.",
        hint="archived rows cannot be deleted: put the rest into another dataset",
    )


def refuse_full_row(row: RemoteRow, limits: Limits | None, *, archiving: bool = False) -> None:
    """Raise LimitReached for a row that has had all its versions; the last one is kept for restoring it."""
    if limits is None or not row.version:
        return
    most = limits.versions - 1 if archiving else limits.versions
    if row.version < most:
        return
    kept = ", and the last one is kept for restoring it" if archiving else ""
    raise LimitReached(
        f"the row has {row.version} versions of the {limits.versions} that it may have{kept}",
        resource="dataset_item_versions",
        count=row.version,
        limit=limits.versions,
        status=None,
        unchanged="The row was not sent.",
        hint="give the line another id: it is then a new row, and the old one can stay or be archived",
    )


def full_rows(views: Sequence[DatasetView], remote: Remote) -> list[str]:
    """Name the rows that would be changed and have had all their versions; each would fail alone."""
    ahead = [
        (view, row) for view in views for row in view.rows.open if row.verdict.push is RowPush.PATCH
    ]
    limits = remote.datasets.limits if ahead else None
    return [
        f"{view.slug}:{row.key} ({row.remote.version} versions of {limits.versions})"
        for view, row in ahead
        if limits is not None and row.remote is not None and row.remote.version >= limits.versions
    ]


def nearly_full(view: DatasetView, limits: Limits | None) -> list[tuple[RemoteRow, int]]:
    """Return the rows with few versions left, and how many, fewest first."""
    if limits is None:
        return []
    found = [
        (row.remote, limits.versions - row.remote.version)
        for row in view.rows
        if row.remote is not None and row.remote.version
    ]
    few = [(row, left) for row, left in found if left < limits.versions * FEW]
    return sorted(few, key=lambda pair: (pair[1], pair[0].row.key))
