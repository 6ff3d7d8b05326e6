"""Lists what a person has to decide about: marked skills, deletions against edits, and rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from skillsync.core.merge import merge_info
from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.core.reconcile_skill import PullStep
from skillsync.formats.canonical import row_digest, short
from skillsync.model import Conflict, Json, UnitKind
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.dataset_survey import DatasetView, base_info, survey_datasets
from skillsync.sync.local import read_tree
from skillsync.sync.parked import Parked, parked_skills
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.row_conflict import row_conflicts
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target


def list_conflicts(
    workspace: Workspace, target: Target, remote: Remote, *, names: Collection[str] = ()
) -> list[Outcome]:
    """Return one outcome per object or row in conflict, with its units.

    What is shown of rows is remembered (a cache), so that `resolve` can tell when the remote moved since.
    """
    found = []
    parked = {one.name: one for one in parked_skills(workspace)}
    for name in sorted(parked):
        one = parked[name]
        if not one.is_settled and chosen(
            names, name=name, directory=one.dir, root=workspace.repo.root, start=workspace.start
        ):
            found.append(_parked(one))
    tree = read_tree(workspace)
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    for name in sorted(skills.views):
        view = skills.views[name]
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
    for dataset in survey_datasets(workspace, target, tree, remote=remote, names=names).views:
        if dataset.local is not None and dataset.local.problem is None and not dataset.error:
            found += _rows(workspace, dataset)
    return found


def _parked(one: Parked) -> Outcome:
    listed = one.record.get("conflicts")
    conflicts = tuple(
        _conflict(one.name, record) for record in (listed if isinstance(listed, list) else [])
    )
    places = ", ".join(dict.fromkeys((*one.open, *one.marked)))
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


def _conflict(name: str, record: Json) -> Conflict:
    values = record if isinstance(record, dict) else {}

    def text(key: str) -> str | None:
        value = values.get(key)
        return value if isinstance(value, str) else None

    return Conflict(
        name,
        UnitKind(str(values.get("kind", "file"))),
        text("unit") or "",
        text("base"),
        text("local"),
        text("remote"),
        text("reason") or "",
    )


def _rows(workspace: Workspace, view: DatasetView) -> list[Outcome]:
    found = []
    shown: dict[str, Json] = {}
    for row in view.rows:
        if row.verdict.pull is not RowPull.CONFLICT:
            continue
        shown[str(row.key)] = short(row_digest(row.remote.row)) if row.remote else ""
        verdict = row.verdict
        found.append(
            Outcome(
                Kind.ROW,
                f"{view.slug}:{row.key}",
                str(verdict.state),
                row=verdict.row,
                state=str(verdict.state),
                exit=4,
                code=verdict.code or "E-CONFLICT",
                fix=f"skillsync resolve {view.slug}:{row.key} --local or --remote",
                conflicts=row_conflicts(view.slug, row),
            )
        )
    if view.verdict.pull is DatasetPull.MERGE_INFO and view.local and view.remote:
        merged = merge_info(
            base_info(workspace, view),
            view.local.document.info,
            view.remote.info,
            subject=view.slug,
        )
        if merged.conflicts:
            found.append(
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    "its name, description or metadata changed on both sides",
                    row="D6",
                    state="conflict",
                    exit=4,
                    code="E-CONFLICT",
                    fix=f"skillsync resolve {view.slug} --local or --remote",
                    conflicts=merged.conflicts,
                )
            )
    if shown:
        ConflictStore(workspace.repo).write(
            f"dataset-{view.slug}", {"kind": "dataset", "name": view.slug, "rows": shown}
        )
    return found
