"""The versions of a dataset: its revisions on the server, and the rows at one of them (datasets-api.md 3.1, 3.3).

Every write of a row makes a revision, so a revision is what a version is of a skill. Only rows belong to one: name,
description and metadata of a dataset are not versioned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import BadAnswer, NotFound, UsageError
from skillsync.model import DatasetRevision, Key, RemoteDataset, Row
from skillsync.sync.dataset_link import link_views, unclaimed
from skillsync.sync.dataset_local import local_views
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalDataset, LocalTree
from skillsync.sync.row_snapshots import recall_rows
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target

_TRIES = 3


@dataclass(frozen=True, slots=True)
class RowsAt:
    """The rows of a dataset at a revision, by key, in the order in which they were made."""

    name: str
    revision: DatasetRevision
    rows: Mapping[Key, Row]


def look_up(
    workspace: Workspace, target: Target, remote: Remote, tree: LocalTree, dataset: LocalDataset
) -> DatasetView:
    """Find the remote dataset that a folder is, by its pointer or else by its name; ``remote`` of the view is None
    where there is none. Asks for the list of datasets, and for no row. Raises RemoteError, and what is wrong with the
    pointer.
    """
    everything = local_views(workspace, target, tree)
    views = [view for view in everything if dataset.dir in {view.dir, view.home}]
    if not views:
        return DatasetView(dataset.slug, dataset.dir, place=target.place)
    listing = remote.datasets.list()
    link_views(
        workspace, views, listing.items, remote, complete=listing.complete, everything=everything
    )
    if views[0].error is not None:
        raise views[0].error
    return views[0]


def look_up_remote(
    workspace: Workspace, target: Target, remote: Remote, tree: LocalTree, name: str
) -> DatasetView | None:
    """Find a dataset that only the server has, by the name of the folder that it would get; None: there is none."""
    everything = local_views(workspace, target, tree)
    listing = remote.datasets.list()
    found = unclaimed(workspace, target, everything, listing.items, [name])
    return found[0] if len(found) == 1 else None


def keeps_versions(remote: Remote) -> bool:
    """Tell whether the server keeps revisions of datasets."""
    return remote.datasets.guarantees.history


def no_versions(slug: str, directory: str | None) -> UsageError:
    """The error for a version of a dataset on a server that keeps only what its rows are now."""
    return UsageError(
        f"{slug} is a dataset, and this server keeps no versions of a dataset or its rows: only git has them",
        subject=slug,
        unchanged="Nothing was changed.",
        hint=f"skillsync log {slug} names the commits; git show COMMIT:{directory}/items.jsonl"
        if directory
        else f"skillsync pull {slug} writes its rows as they are now",
    )


def rows_at(workspace: Workspace, remote: Remote, view: DatasetView, number: int | None) -> RowsAt:
    """Read the rows at a revision (None: the newest).

    Raises UsageError where the server keeps no revisions, NotFound naming the newest one, BadAnswer when the rows
    cannot be read whole, RemoteError.
    """
    if not keeps_versions(remote):
        raise no_versions(view.slug, view.dir)
    dataset = _living(view)
    revision = _revision(remote, view, dataset, number)
    return RowsAt(view.slug, revision, _rows(workspace, remote, view, dataset, revision))


def _living(view: DatasetView) -> RemoteDataset:
    if view.remote is None:
        raise NotFound(
            f"the server has no dataset {view.name!r}"
            + (", or it was archived there" if view.line is not None else ""),
            subject=view.slug,
            unchanged="Nothing was changed.",
            hint=f"git log -- {view.dir}" if view.dir else "skillsync status",
        )
    return view.remote


def _revision(
    remote: Remote, view: DatasetView, dataset: RemoteDataset, number: int | None
) -> DatasetRevision:
    """Find one revision by its place in the list, which a row that is written meanwhile moves."""
    newest = dataset.revision or 0
    wanted = newest if number is None else number
    if not 0 < wanted <= newest:
        raise _no_revision(view, wanted, newest)
    skip = newest - wanted
    for _ in range(_TRIES):
        found = remote.datasets.revisions(dataset.id, newest=1, skip=skip)
        if not found or found[0].number < wanted:
            break
        if found[0].number == wanted:
            return found[0]
        skip += found[0].number - wanted
    raise _no_revision(view, wanted, newest)


def _no_revision(view: DatasetView, number: int, newest: int) -> NotFound:
    what = f"its latest is v{newest}" if newest else "it never had a row"
    said = f"no version {number}" if number else "no version"
    return NotFound(
        f"{view.slug} has {said} on the server; {what}",
        subject=view.slug,
        unchanged="Nothing was changed.",
        hint=f"skillsync log {view.slug}",
    )


def _rows(
    workspace: Workspace,
    remote: Remote,
    view: DatasetView,
    dataset: RemoteDataset,
    revision: DatasetRevision,
) -> Mapping[Key, Row]:
    is_newest = revision.id == dataset.revision_id
    known = recall_rows(workspace, dataset) if is_newest else None
    if known is None:
        listing = remote.datasets.list_rows(dataset.id, revision=revision.number)
        if not listing.complete or listing.problems:
            said = listing.problems[0].message if listing.problems else "the list is not complete"
            raise BadAnswer(
                f"the rows of {view.slug} at v{revision.number} were not read whole: {said}",
                subject=view.slug,
                unchanged="Nothing was changed.",
            )
        known = listing.items
    ordered = sorted(known, key=lambda row: (row.created_at, row.id))
    return {row.row.key: row.row for row in ordered if not row.deleted}
