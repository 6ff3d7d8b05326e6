"""Lists what a person has to decide about: marked skills, deletions against edits, and rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.core.merge import merge_info
from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_skill import PullStep
from skillsync.sync.dataset_history import base_info
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.describe import DATASET_STATES, INFO_CHANGED
from skillsync.sync.local import read_lean_tree
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.parked import Parked, parked_skills
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.resolve_dataset import is_info_open, is_open, remember
from skillsync.sync.row_conflict import row_differences
from skillsync.sync.row_views import RowView
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.unmarked import as_outcome, recorded_conflict, unmarked_conflicts
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target


def list_conflicts(
    workspace: Workspace, target: Target, remote: Remote, *, names: Collection[str] = ()
) -> list[Outcome]:
    """Return one outcome per object or row in conflict, with its units.

    What is shown of rows is remembered (a cache), so that `resolve` can tell when the remote moved since.
    Raises UsageError for a name that nothing bears.
    """
    found = []
    parked = {one.name: one for one in parked_skills(workspace)}
    for name in sorted(parked):
        one = parked[name]
        if not one.is_settled and chosen(
            names, name=name, directory=one.dir, root=workspace.repo.root, start=workspace.start
        ):
            found.append(_parked(one))
    tree = read_lean_tree(workspace)
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    unmarked = unmarked_conflicts(workspace)
    for name in sorted(skills.views):
        view = skills.views[name]
        if name in unmarked and name not in parked and view.verdict.pull is PullStep.MERGE:
            found.append(as_outcome(name, unmarked[name]))
        if (
            name in parked
            or view.error
            or view.verdict.pull not in {PullStep.CONFLICT, PullStep.REFUSE}
        ):
            continue
        verdict = view.verdict
        found.append(
            Outcome(
                Kind.SKILL,
                name,
                str(verdict.state),
                row=verdict.row,
                state=str(verdict.state),
                exit=4,
                code=verdict.code,
                fix=verdict.fix,
            )
        )
    datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    known = [(one.name, one.dir) for one in parked.values()]
    require_known(workspace, names, [*known, *surveyed(workspace, skills, datasets)])
    for dataset in datasets.views:
        if dataset.is_usable and not dataset.error and not dataset.problem:
            found += _dataset(workspace, dataset)
    return found


def _parked(one: Parked) -> Outcome:
    listed = one.record.get("conflicts")
    conflicts = tuple(
        recorded_conflict(one.name, record)
        for record in (listed if isinstance(listed, list) else [])
    )
    places = ", ".join(one.unsettled)
    return Outcome(
        Kind.SKILL,
        one.name,
        f"conflict with v{one.pointer.number} in {places}",
        row="S10",
        state="conflict",
        exit=4,
        code="E-CONFLICT",
        fix=f"edit the files, then skillsync resolve {one.name} (or --local, --remote, --union, --abort)",
        conflicts=conflicts,
    )


def _dataset(workspace: Workspace, view: DatasetView) -> list[Outcome]:
    if view.verdict.pull is DatasetPull.CONFLICT:
        verdict = view.verdict
        what = "edited locally, gone remotely"
        return [_said(Kind.DATASET, view.slug, what, verdict.row, verdict.code, verdict.fix)]
    if view.verdict.pull is DatasetPull.REFUSE:
        verdict, what = view.verdict, DATASET_STATES["E-UNRELATED"]
        return [_said(Kind.DATASET, view.slug, what, verdict.row, verdict.code, verdict.fix)]
    found = [_row(view, row) for row in view.rows.open if is_open(row)]
    found += [
        _doubled(view, row) for row in view.rows.open if row.facts.duplicates and not is_open(row)
    ]
    merged = None
    if is_info_open(view) and view.local and view.remote:
        merged = merge_info(
            base_info(workspace, view),
            view.local.document.info,
            view.remote.info,
            subject=view.slug,
        )
    if merged is not None and merged.conflicts:
        fix = f"skillsync resolve {view.slug} --local or --remote"
        one = _said(Kind.DATASET, view.slug, INFO_CHANGED, "D6", "E-CONFLICT", fix)
        found.append(replace(one, conflicts=merged.conflicts))
    remember(
        workspace,
        view,
        [row for row in view.rows.open if is_open(row)],
        info=bool(merged and merged.conflicts),
    )
    return found


def _row(view: DatasetView, row: RowView) -> Outcome:
    verdict = row.verdict
    name = f"{view.slug}:{row.key}"
    code = verdict.code or "E-CONFLICT"
    fix = f"skillsync resolve {name} --local or --remote"
    one = _said(Kind.ROW, name, str(verdict.state), verdict.row, code, fix)
    return replace(one, state=str(verdict.state), conflicts=row_differences(view.slug, row))


def _doubled(view: DatasetView, row: RowView) -> Outcome:
    verdict = row.verdict
    fix = verdict.fix.replace("{name}", view.slug)
    return _said(
        Kind.ROW, f"{view.slug}:{row.key}", str(verdict.state), verdict.row, verdict.code, fix
    )


def _said(kind: Kind, subject: str, did: str, row: str, code: str, fix: str) -> Outcome:
    return Outcome(kind, subject, did, row=row, state="conflict", exit=4, code=code, fix=fix)
