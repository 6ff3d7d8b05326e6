"""Brings the datasets of both sides together: by id, by name, by history; and says which are gone (D2–D5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import Absence
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAllowed,
    NotFound,
    RefusedForSafety,
    Unreachable,
)
from skillsync.formats.dataset_md import dataset_slug
from skillsync.model import Folder, RemoteDataset
from skillsync.repo.pointer import POINTER
from skillsync.sync.clock import Clock
from skillsync.sync.dataset_bases import other_generation
from skillsync.sync.dataset_history import HISTORY_LIMIT
from skillsync.sync.dataset_local import take_from_history
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalDataset, last_part
from skillsync.sync.predecessors import DatasetPredecessors, put_words_aside
from skillsync.sync.pull_lines import is_occupied
from skillsync.sync.skill_survey import CONFIRM_AFTER
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target

_PLAIN_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""What a folder's name must be before git is asked about it: a remote said it."""


def link_views(
    workspace: Workspace,
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    remote: Remote,
    *,
    complete: bool,
    everything: Sequence[DatasetView],
) -> None:
    """Find the remote dataset of each folder: by the id that a pointer names, else those of its name (5.5, D3).

    ``everything`` are all folders of the target, also those that are not asked about: they claim theirs.
    """
    by_id = {dataset.id: dataset for dataset in listed}
    if complete:
        put_words_aside(everything, alive=by_id)
    _part_copies(everything, by_id)
    linked = {view.linked_id for view in everything}
    before = DatasetPredecessors(workspace, remote, alive=by_id)
    for view in views:
        view.complete = complete
        same_name: list[RemoteDataset] = []
        if view.line is None and view.local is not None:
            same_name = _free_of_name(view, listed, linked)
            if not view.ignored:
                # The pointer files may be lost; while the dataset lives, history says what was taken in (5.3 Rebuild).
                take_from_history(workspace, view, only={dataset.id for dataset in same_name})
            if not same_name and view.problem is None:
                before.find(view, linked=linked)
            linked.add(view.linked_id)
        if view.line is not None and not _speaks_as_before(view, remote):
            view.error = other_generation(view)
            continue
        if view.linked_id is not None:
            view.remote = by_id.get(view.linked_id)
            view.absence = Absence.PRESENT
            if view.remote is None:
                view.absence = _absence(view, remote, complete=complete)
        elif view.local is not None:
            view.candidates = tuple(same_name)
            view.ours = frozenset(
                dataset.id
                for dataset in same_name
                if dataset.own_slug == view.slug or remote.is_own(dataset.author)
            )
            if len(same_name) == 1:
                view.remote = same_name[0]


def _free_of_name(
    view: DatasetView, listed: Sequence[RemoteDataset], linked: Collection[str | None]
) -> list[RemoteDataset]:
    """Return the live datasets of the folder's name that no folder is linked to."""
    return [one for one in listed if one.info.name == view.name and one.id not in linked]


def _speaks_as_before(view: DatasetView, remote: Remote) -> bool:
    """Whether the server keeps revisions exactly if the pointer names one (datasets-api.md 0.1)."""
    assert view.line is not None
    return remote.datasets.guarantees.history is (view.line.revision is not None)


def _part_copies(views: Sequence[DatasetView], by_id: Mapping[str, RemoteDataset]) -> None:
    """Let a copied folder be a dataset of its own, as S23 has it for skills.

    Of several folders with one pointer, the one of the remote's name keeps it and the others are new; where more
    than one has that name, none is synced.
    """
    by_link: dict[str, list[DatasetView]] = {}
    for view in views:
        if view.local is not None and view.linked_id is not None:
            by_link.setdefault(view.linked_id, []).append(view)
    for number, copies in by_link.items():
        if len(copies) < 2:
            continue
        known = by_id.get(number)
        owners = [view for view in copies if known and view.name == known.info.name]
        for view in copies:
            if len(owners) == 1 and view is not owners[0]:
                view.line, view.base_rows, view.is_committed = None, {}, False
            elif len(owners) != 1:
                others = ", ".join(one.dir or "" for one in copies if one is not view)
                view.error = InvalidContent(
                    f"this folder and {others} are linked to one and the same dataset",
                    subject=view.slug,
                    path=view.dir or "",
                    unchanged="Neither is synced.",
                    hint="give the copy another name in its DATASET.md, or remove it",
                )


def _absence(view: DatasetView, remote: Remote, *, complete: bool) -> Absence:
    """A dataset that is not listed is gone only if a point read says so too (D5, R7)."""
    try:
        view.remote = remote.datasets.read(view.linked_id or "")
    except NotFound:
        return Absence.CONFIRMED if complete else Absence.UNCONFIRMED
    except (NotAllowed, BadAnswer) as error:
        view.error = error
        return Absence.UNCONFIRMED
    except Unreachable:
        return Absence.UNREACHABLE
    return Absence.PRESENT


def confirm_absences(
    views: Iterable[DatasetView],
    everything: Iterable[DatasetView],
    remote: Remote,
    *,
    clock: Clock,
    started: float,
) -> None:
    """D5: gone only if a second list, at least 5 s after the first, says so too, and can be believed (7.1).

    It can where it shows another linked dataset, or where the key may read datasets and fewer than two are linked.
    A folder that is gone as well needs no proof: nothing is done.
    """
    missing = [
        view
        for view in views
        if view.absence is Absence.CONFIRMED and view.local is not None and view.error is None
    ]
    if not missing:
        return
    clock.sleep(max(0.0, started + CONFIRM_AFTER - clock.monotonic()))
    again = remote.datasets.list()
    listed = {dataset.id: dataset for dataset in again.items}
    linked = [view.linked_id for view in everything if view.linked_id]
    is_believed = again.complete and not again.problems and _can_tell(remote, linked, listed)
    for view in missing:
        view.remote = listed.get(view.linked_id or "")
        if view.remote is not None:
            view.absence = Absence.PRESENT
        elif not is_believed:
            view.absence = Absence.UNCONFIRMED


def _can_tell(remote: Remote, linked: Sequence[str], listed: Collection[str]) -> bool:
    if any(number in listed for number in linked):
        return True
    info = remote.key_info
    return (
        info is not None
        and len(linked) < 2
        and bool({"*", "dataset:read", "dataset:write"} & set(info.scopes))
    )


def refuse_mass_absence(views: Iterable[DatasetView], listed: Sequence[RemoteDataset]) -> None:
    """Raise RefusedForSafety when nothing is listed at all though several datasets are linked."""
    # What is gone here too is no loss: it may be what was archived by name a moment ago.
    linked = [view for view in views if view.linked_id and view.local is not None]
    missing = [view for view in linked if view.remote is None]
    if len(missing) >= 2 and len(missing) == len(linked) and not listed:
        raise RefusedForSafety(
            f"the server lists no dataset at all, and {len(missing)} are linked here; that is more likely a "
            "wrong project, a key without access or a server that was replaced than a removal",
            unchanged="Nothing was changed on either side.",
            hint="skillsync status -v (is this the right host, project and key?)",
        )


def unclaimed(
    workspace: Workspace,
    target: Target,
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    names: Collection[str],
) -> list[DatasetView]:
    """Datasets that no folder here is linked to or named after: new remotely (D2), or removed here (D4)."""
    names_here = {view.local.name for view in views if view.local and not view.linked_id}
    known = {view.linked_id for view in views}
    known |= {candidate.id for view in views for candidate in view.candidates}
    taken = {view.slug for view in views} | _occupied(workspace)
    found = []
    for dataset in sorted(listed, key=lambda item: (item.created_at, item.id)):
        if dataset.id in known or dataset.info.name in names_here:
            continue
        view = _removed_here(workspace, target, views, dataset)
        if view is None:
            view = _new_there(target, dataset, taken)
        if not target.takes_dataset(view.name, view.slug):
            continue
        if _is_chosen_remote(workspace, view, dataset, names):
            taken.add(view.slug)
            found.append(view)
    return found


def _occupied(workspace: Workspace) -> set[str]:
    """Return the folder names below the first root of datasets that are something already."""
    roots = workspace.settings.datasets
    folder = workspace.repo.root / (roots[0] if roots else "datasets")
    if not folder.is_dir():
        return set()
    return {entry.name for entry in folder.iterdir() if is_occupied(entry)}


def _new_there(target: Target, dataset: RemoteDataset, taken: Collection[str]) -> DatasetView:
    slug = dataset_slug(dataset.own_slug or dataset.info.name, id=dataset.id, taken=taken)
    return DatasetView(slug, None, place=target.place, remote=dataset, candidates=(dataset,))


def _removed_here(
    workspace: Workspace, target: Target, views: Sequence[DatasetView], dataset: RemoteDataset
) -> DatasetView | None:
    """D4 after the removal was committed: a folder of HEAD's history was this dataset and is there no more.

    It was if it had a pointer to it; where there never was one (team mode), if the dataset carries its name for us.
    """
    here = {view.dir for view in views}
    for line in workspace.history.added_lines:
        home = line.path.removesuffix(f"/{POINTER}")
        if home in here or f" dataset={dataset.id} " not in line.line:
            continue
        found = workspace.history.dataset_line(home, target.place)
        if found is not None and found[0].dataset == dataset.id:
            return _gone_view(workspace, target, home, found[1], dataset)
    if dataset.own_slug is None or not _PLAIN_SLUG.fullmatch(dataset.own_slug):
        return None
    for root in workspace.settings.datasets:
        home = f"{root}/{dataset.own_slug}"
        commit = None if home in here else _last_commit_with(workspace, home)
        if commit is not None:
            return _gone_view(workspace, target, home, commit, dataset)
    return None


def _gone_view(
    workspace: Workspace, target: Target, home: str, commit: str, dataset: RemoteDataset
) -> DatasetView:
    options = workspace.settings.options_for(last_part(home))
    folder = workspace.folder_at(commit, home) or Folder(home, ())
    gone = LocalDataset(
        folder,
        mapping=options.fields or None,
        content_keys=options.keys == "content",
        limits=options.limits,
    )
    view = DatasetView(gone.slug, home, home=home, place=target.place, gone=gone, remote=dataset)
    view.absence = Absence.PRESENT
    take_from_history(workspace, view)
    return view


def _last_commit_with(workspace: Workspace, home: str) -> str | None:
    """Return the newest commit of HEAD's history that has a dataset in this folder."""
    for commit in workspace.history.touching(home, since=None)[:HISTORY_LIMIT]:
        folder = workspace.folder_at(commit, home)
        if folder is not None and folder.entries:
            return commit
    return None


def _is_chosen_remote(
    workspace: Workspace, view: DatasetView, dataset: RemoteDataset, names: Collection[str]
) -> bool:
    root = workspace.settings.datasets[0] if workspace.settings.datasets else "datasets"
    return dataset.info.name in names or chosen(
        names,
        name=view.slug,
        directory=view.dir or f"{root}/{view.slug}",
        root=workspace.repo.root,
        start=workspace.start,
    )
