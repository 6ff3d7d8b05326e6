"""Finds out, for every dataset in scope and every row, what base, local and remote are, and asks core."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import Absence
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAllowed,
    NotFound,
    Refused,
    RefusedForSafety,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import rows_digest
from skillsync.formats.dataset_md import dataset_slug
from skillsync.formats.jsonl import row_problem
from skillsync.model import DatasetPointer, Digest, Folder, Key, Problem, RemoteDataset
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer
from skillsync.sync.dataset_history import base_info
from skillsync.sync.dataset_rows import decide_rows, read_rows
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetSurvey, DatasetView, RowView
from skillsync.sync.evidence import Lines
from skillsync.sync.local import (
    LocalDataset,
    LocalTree,
    join,
    pointer_line,
    row_base,
    unread_pointer,
)
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target

__all__ = [
    "UNKNOWN_INFO",
    "DatasetSurvey",
    "DatasetView",
    "RowView",
    "base_info",
    "decide_rows",
    "refuse_problem",
    "survey_datasets",
]


def survey_datasets(
    workspace: Workspace,
    target: Target,
    tree: LocalTree,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
    confirm: bool = False,
    for_push: bool = False,
    max_removals: int | None = None,
) -> DatasetSurvey:
    """Look at every dataset in scope, and at all rows of those that are linked or can be.

    ``remote`` None is offline. ``confirm``: a row missing from the listing is looked for again before it counts
    as gone. ``for_push``: datasets that only the remote has are left out, and a file that cannot be sent is
    refused before any request. Raises RemoteError when the list itself fails, RefusedForSafety when everything
    seems to be gone; ``max_removals`` is the exact count that a user named for one that is.
    """
    everything = _local_views(workspace, target, tree)
    views = [view for view in everything if _is_chosen(workspace, view, names)]
    problems = [view.problem for view in views if view.problem is not None]
    if remote is None:
        return DatasetSurvey(views, problems)
    if for_push:
        for view in views:
            view.error = _unsendable(view)
        if not any(view.gone or (view.is_usable and not view.error) for view in views):
            return DatasetSurvey(views, problems)
    elif not views and names and not _may_be_remote_dataset(workspace, names):
        return DatasetSurvey(views, problems)
    listing = remote.datasets.list()
    problems.extend(listing.problems)
    complete = listing.complete and not listing.problems
    _link(views, listing.items, remote, complete=complete, everything=everything)
    _refuse_mass_absence(views, listing.items)
    if not for_push:
        views += _remote_only(workspace, target, everything, listing.items, names)
    for view in views:
        if view.error is not None or view.problem is not None:
            continue
        try:
            read_rows(workspace, view, remote, confirm=confirm, max_removals=max_removals)
        except (
            NotAllowed,
            BadAnswer,
            NotFound,
            Refused,
            InvalidContent,
            RefusedForSafety,
        ) as error:
            view.error = error
    return DatasetSurvey(views, problems)


def refuse_problem(view: DatasetView) -> None:
    """Raise InvalidContent when the dataset's pointer files cannot be believed: nothing is decided without them."""
    if view.problem is not None:
        raise InvalidContent(
            view.problem.message,
            subject=view.slug,
            path=view.problem.path,
            line=view.problem.line,
            hint=view.problem.fix,
        )


def _is_chosen(workspace: Workspace, view: DatasetView, names: Collection[str]) -> bool:
    return chosen(
        names,
        name=view.slug,
        directory=view.dir or "",
        root=workspace.repo.root,
        start=workspace.start,
    )


def _unsendable(view: DatasetView) -> SkillsyncError | None:
    """Return what keeps a whole file from being sent, known without a request (I19, I20, skill-format.md 14.3)."""
    local = view.local
    if local is None or local.problem is not None:
        return local.problem if local else None
    for row in local.rows.values():
        problem = row_problem(row, generation="seed")
        if problem:
            return InvalidContent(
                f"row {row.key}: {problem}",
                subject=view.slug,
                path=local.items.path,
                line=local.items.by_key[row.key].number,
                unchanged="Nothing of this dataset was sent.",
            )
    return None


def _may_be_remote_dataset(workspace: Workspace, names: Collection[str]) -> bool:
    """Names that are no local skill may be datasets that only the remote has."""
    skills = set(workspace.settings.skills)
    return not all(any(name.startswith(f"{root}/") for root in skills) for name in names)


# ---------------------------------------------------------------- linking


def _local_views(workspace: Workspace, target: Target, tree: LocalTree) -> list[DatasetView]:
    """Look at every dataset folder of the target, and at those whose folder is gone; a moved folder is one."""
    old_homes = _old_homes(target.place, tree) if tree.commit is None else {}
    moved = set(old_homes.values())
    views = [
        _local_view(workspace, target, dataset, tree, home=old_homes.get(dataset.dir, dataset.dir))
        for dataset in tree.datasets
        if target.takes_dataset(dataset.name, dataset.slug)
    ]
    views += [
        _local_view(workspace, target, dataset, tree, home=dataset.dir, gone=True)
        for dataset in tree.gone_datasets
        if dataset.dir not in moved and target.takes_dataset(dataset.name, dataset.slug)
    ]
    return views


def _old_homes(place: str, tree: LocalTree) -> dict[str, str]:
    """Return new folder → old folder, where a folder was moved with its pointer and that is not committed."""
    gone = {}
    for dataset in tree.gone_datasets:
        line = pointer_line(dataset.folder, place)
        if isinstance(line, DatasetPointer):
            gone[line.dataset] = dataset.dir
    homes: dict[str, str] = {}
    for dataset in tree.datasets:
        line = pointer_line(dataset.folder, place)
        if isinstance(line, DatasetPointer) and line.dataset in gone:
            homes[dataset.dir] = gone.pop(line.dataset)
    return homes


def _local_view(
    workspace: Workspace,
    target: Target,
    dataset: LocalDataset,
    tree: LocalTree,
    *,
    home: str,
    gone: bool = False,
) -> DatasetView:
    found: list[Problem] = []
    line = pointer_line(dataset.folder, target.place, found)
    found = [one for one in found if one.subject in {"", target.place}]
    found += unread_pointer(tree, dataset.dir)
    view = DatasetView(
        dataset.slug,
        dataset.dir,
        home=home,
        place=target.place,
        local=None if gone else dataset,
        gone=dataset if gone else None,
        problem=found[0] if found else None,
    )
    head_line = line
    if tree.commit is None:
        data = workspace.head_pointers.get(home)
        at_head = parse_pointer(data, path=join(home, POINTER)) if data else None
        head_line = at_head.lines.get(target.place) if at_head else None
    counted, view.ignored = workspace.history.tree_line(
        Lines(line, head_line), home, "" if gone else dataset.files
    )
    if isinstance(counted, DatasetPointer):
        view.line = counted
        view.is_committed = counted == head_line
        _take_bases(workspace, view, dataset.folder)
    return view


def _take_bases(workspace: Workspace, view: DatasetView, folder: Folder) -> None:
    """Read the row bases that belong to the line that counts: those beside it, else HEAD's (sync.md 7.3)."""
    line, head = view.line, workspace.history.head
    assert line is not None
    bases, trouble = row_base(folder, view.place)
    if not trouble and _belongs(bases, line):
        view.base_rows = bases
        return
    at_head = workspace.folder_at(head, view.home) if head else None
    if at_head is not None:
        bases, broken = row_base(at_head, view.place)
        if not broken and _belongs(bases, line) and not trouble:
            view.base_rows = bases
            return
    path = join(folder.dir, ROWS)
    view.problem = (
        trouble[0]
        if trouble
        else Problem(
            "E-POINTER",
            f"{path} and {POINTER} beside it do not belong together, so what was taken in is not known",
            subject=view.slug,
            path=path,
            fix=f"restore both from one commit, or skillsync adopt {view.slug} --id {line.dataset}",
        )
    )


def _belongs(bases: Mapping[Key, str], line: DatasetPointer) -> bool:
    return rows_digest((key, Digest(digest)) for key, digest in bases.items()) == line.digest


def _link(
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    remote: Remote,
    *,
    complete: bool,
    everything: Sequence[DatasetView],
) -> None:
    by_id = {dataset.id: dataset for dataset in listed}
    _part_copies(everything, by_id)
    linked = {view.linked_id for view in everything}
    for view in views:
        view.complete = complete
        if view.linked_id is not None:
            view.remote = by_id.get(view.linked_id)
            view.absence = Absence.PRESENT
            if view.remote is None:
                view.absence = _absence(view, remote, complete=complete)
        elif view.local is not None:
            same_name = [
                dataset
                for dataset in listed
                if dataset.info.name == view.local.name and dataset.id not in linked
            ]
            view.candidates = tuple(same_name)
            view.ours = frozenset(
                dataset.id
                for dataset in same_name
                if dataset.own_slug == view.slug or remote.is_own(dataset.author)
            )
            if len(same_name) == 1:
                view.remote = same_name[0]


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


def _refuse_mass_absence(views: Iterable[DatasetView], listed: Sequence[RemoteDataset]) -> None:
    linked = [view for view in views if view.linked_id]
    missing = [view for view in linked if view.remote is None]
    if len(missing) >= 2 and len(missing) == len(linked) and not listed:
        raise RefusedForSafety(
            f"the server lists no dataset at all, and {len(missing)} are linked here; that is more likely a "
            "wrong project, a key without access or a server that was replaced than a removal",
            unchanged="Nothing was changed on either side.",
            hint="skillsync status -v (is this the right host, project and key?)",
        )


def _remote_only(
    workspace: Workspace,
    target: Target,
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    names: Collection[str],
) -> list[DatasetView]:
    """D2: datasets that no folder here is linked to or named after."""
    names_here = {view.local.name for view in views if view.local and not view.linked_id}
    known = {view.linked_id for view in views}
    known |= {candidate.id for view in views for candidate in view.candidates}
    taken = {view.slug for view in views}
    root = workspace.settings.datasets[0] if workspace.settings.datasets else "datasets"
    found = []
    for dataset in sorted(listed, key=lambda item: (item.created_at, item.id)):
        if dataset.id in known or dataset.info.name in names_here:
            continue
        slug = dataset_slug(dataset.own_slug or dataset.info.name, id=dataset.id, taken=taken)
        directory = f"{root}/{slug}"
        if not target.takes_dataset(dataset.info.name, slug):
            continue
        if (
            not chosen(
                names,
                name=slug,
                directory=directory,
                root=workspace.repo.root,
                start=workspace.start,
            )
            and dataset.info.name not in names
        ):
            continue
        taken.add(slug)
        view = DatasetView(slug, None, place=target.place, remote=dataset, candidates=(dataset,))
        found.append(view)
    return found
