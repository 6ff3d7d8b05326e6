"""Finds out, for every dataset in scope and every row, what base, local and remote are, and asks core."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAllowed,
    NotFound,
    Refused,
    RefusedForSafety,
    SkillsyncError,
)
from skillsync.formats.jsonl import reference_problem, row_problem
from skillsync.formats.row_lines import problem_column
from skillsync.formats.row_names import Spelling
from skillsync.model import Key, RemoteDataset
from skillsync.sync.clock import Clock
from skillsync.sync.dataset_bases import read_bases, went_back
from skillsync.sync.dataset_history import base_info
from skillsync.sync.dataset_later import DatasetLater
from skillsync.sync.dataset_link import (
    confirm_absences,
    link_views,
    refuse_mass_absence,
    unclaimed,
)
from skillsync.sync.dataset_local import local_views
from skillsync.sync.dataset_reading import (
    confirm_gone,
    has_rows_to_read,
    list_rows,
    missing_rows,
    refuse_emptied,
)
from skillsync.sync.dataset_rows import decide_rows
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetSurvey, DatasetView
from skillsync.sync.local import LocalTree
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.row_snapshots import remembered_ids
from skillsync.sync.row_views import RowView
from skillsync.sync.skill_survey import CONFIRM_AFTER
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.api.listing import Listing
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
    confirm: Clock | None = None,
    for_push: bool = False,
    archive: Collection[str] = (),
    max_removals: int | None = None,
) -> DatasetSurvey:
    """Look at every dataset in scope, and at all rows of those that are linked or can be.

    ``remote`` None is offline. ``confirm``: a dataset or row missing from its listing is looked for again, at least
    5 s later, before it counts as gone. ``for_push``: datasets that only the remote has are left out, and a file
    that cannot be sent is refused before any request; a missing row is then looked for at once, as push removes
    nothing for it. ``archive`` are the names whose removal may have been committed. Raises RemoteError when the list itself fails, RefusedForSafety when everything seems to be
    gone; ``max_removals`` is the exact count that a user named for one that is.
    """
    everything = local_views(workspace, target, tree)
    views = [view for view in everything if _is_chosen(workspace, view, names)]
    problems = [view.problem for view in views if view.problem is not None]
    if remote is None or target.datasets == ():
        return DatasetSurvey(views, problems)
    if for_push:
        for view in views:
            view.error = _unsendable(view, _spelling_of(view))
        is_here = any(view.gone or (view.is_usable and not view.error) for view in views)
        # With no folder at all, one that went with a commit is still a removal; a broken one needs no request.
        is_gone = not views and workspace.were_here(workspace.settings.datasets)
        if not is_here and not archive and not is_gone:
            return DatasetSurvey(views, problems)
    elif not views and names and not _may_be_remote_dataset(workspace, names):
        return DatasetSurvey(views, problems)
    started = confirm.monotonic() if confirm else 0.0
    listing = _list(remote, target)
    problems.extend(listing.problems)
    complete = listing.complete and not listing.problems
    link_views(workspace, views, listing.items, remote, complete=complete, everything=everything)
    refuse_mass_absence(views, listing.items)
    if for_push:
        _refuse_unsendable(views, remote)
    others = unclaimed(workspace, target, everything, listing.items, names)
    views += [view for view in others if view.gone or not for_push]
    if confirm is not None:
        confirm_absences(views, everything, remote, clock=confirm, started=started)
    _read_rows(
        workspace,
        views,
        remote,
        clock=confirm,
        for_push=for_push,
        max_removals=max_removals,
    )
    return DatasetSurvey(views, problems)


def _list(remote: Remote, target: Target) -> Listing[RemoteDataset]:
    """List the datasets. A key that may not: where the repository has none of them, it can do without."""
    try:
        return remote.datasets.list()
    except NotAllowed as error:
        error.hint += f" (where no datasets are meant: datasets = [] below [targets.{target.name}])"
        raise


def _read_rows(
    workspace: Workspace,
    views: Sequence[DatasetView],
    remote: Remote,
    *,
    clock: Clock | None,
    for_push: bool,
    max_removals: int | None,
) -> None:
    """List the rows of every dataset, look again for the missing ones, and decide; each dataset fails alone."""
    missing: dict[int, frozenset[Key]] = {}

    def read(view: DatasetView) -> None:
        if has_rows_to_read(view):
            _refuse_other_history(view, remote)
            list_rows(workspace, view, remote)
            if clock is not None and not view.guarantees.history and view.remote is not None:
                assert view.remote_rows is not None  # list_rows sets it
                view.known_ids = remembered_ids(
                    workspace, view.remote, view.remote_rows, kept=view.base_rows
                )
            if view.unread:
                read_bases(workspace, view, remote)
            missing[id(view)] = missing_rows(workspace, view, remote)

    def decide(view: DatasetView) -> None:
        if view.remote_rows is None:
            view.superseded = view.verdict.push is DatasetPush.CREATE and _is_settled_later(
                workspace, view
            )
            return
        keys = missing[id(view)]
        tells_itself = clock is not None or view.guarantees.history
        view.gone_keys = confirm_gone(view, remote, keys) if keys and tells_itself else keys
        decide_rows(workspace, view, remote)
        refuse_emptied(view, for_push=for_push, max_removals=max_removals)

    for view in views:
        _attempt(view, read)
    if clock is not None and not for_push and any(missing.values()):
        clock.sleep(CONFIRM_AFTER)
    for view in views:
        _attempt(view, decide)


def _refuse_other_history(view: DatasetView, remote: Remote) -> None:
    """Stop where the pointer cannot be about what the server is now (datasets-api.md 0.1, sync.md S24).

    Raises RefusedForSafety.
    """
    view.guarantees, view.spelling = remote.datasets.guarantees, remote.datasets.spelling
    now = view.remote.revision if view.remote else None
    if view.line is None or now is None:
        return
    if view.line_revision > now:
        raise went_back(view)


def _attempt(view: DatasetView, step: Callable[[DatasetView], None]) -> None:
    """Take one step; what goes wrong with one dataset is its own error, and the others go on (P17)."""
    if view.error is not None or view.problem is not None:
        return
    try:
        step(view)
    except (
        NotAllowed,
        BadAnswer,
        NotFound,
        Refused,
        InvalidContent,
        RefusedForSafety,
    ) as error:
        view.error = error


def _is_settled_later(workspace: Workspace, view: DatasetView) -> bool:
    """Tell whether a commit later than HEAD linked this folder, or removed it from the publish branch (B8)."""
    later = DatasetLater(workspace, view)
    return later.is_removed or later.is_linked


def each_dataset(
    survey: DatasetSurvey,
    report: Report,
    carry_out: Callable[[DatasetView], Iterable[Outcome]],
    *,
    ending: tuple[type[SkillsyncError], ...],
) -> None:
    """Report what is done with each dataset in scope, independent of the others; ``ending`` errors end the run."""
    report.problems.extend(survey.problems)
    for view in survey.views:
        try:
            outcomes = list(carry_out(view))
        except ending:
            raise
        except SkillsyncError as error:
            outcomes = [failed(Kind.DATASET, view.slug, error)]
        report.passed += not outcomes
        for outcome in outcomes:
            report.add(outcome)


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


def _spelling_of(view: DatasetView) -> Spelling | None:
    """Which generation the pointer says the server is of; None for a dataset that was never linked."""
    if view.line is None:
        return None
    return "seed" if view.line.revision is None else "current"


def _refuse_unsendable(views: Sequence[DatasetView], remote: Remote) -> None:
    """Refuse files that this server cannot store, now that it has shown what it is, before any write."""
    waiting = [view for view in views if view.error is None and view.local is not None]
    if not waiting:
        return
    spelling, limits = remote.datasets.spelling, remote.datasets.limits
    for view in waiting:
        if _spelling_of(view) != "seed":
            view.error = _unsendable(view, spelling, most_bytes=limits.bytes if limits else None)


def _unsendable(
    view: DatasetView, spelling: Spelling | None, *, most_bytes: int | None = None
) -> SkillsyncError | None:
    """Return what keeps a whole file from being sent (I19, I20, skill-format.md 14.3).

    ``spelling`` None: only what no server takes.
    """
    local = view.local
    if local is None or local.problem is not None:
        return local.problem if local else None
    for row in local.rows.values():
        problem = (
            row_problem(row, generation=spelling, most_bytes=most_bytes)
            if spelling
            else reference_problem(row)
        )
        if problem:
            line = local.items.by_key[row.key]
            return InvalidContent(
                f"row {row.key}: {problem}",
                subject=view.slug,
                path=local.items.path,
                line=line.number,
                column=problem_column(local.items.names, line, problem),
                unchanged="Nothing of this dataset was sent.",
            )
    return None


def _may_be_remote_dataset(workspace: Workspace, names: Collection[str]) -> bool:
    """Names that are no local skill may be datasets that only the remote has."""
    skills = set(workspace.settings.skills)
    return not all(any(name.startswith(f"{root}/") for root in skills) for name in names)
