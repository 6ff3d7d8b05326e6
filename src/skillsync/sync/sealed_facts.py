"""What each object is when a push is planned, as facts that a sealed plan can be held against."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.core.sealed import (
    Fact,
)
from skillsync.formats.canonical import info_digest
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView
from skillsync.sync.row_views import RowView
from skillsync.sync.skill_view import SkillSurvey, SkillView

if TYPE_CHECKING:
    from skillsync.model import RemoteRow


def facts_of(skills: SkillSurvey, datasets: DatasetSurvey) -> Iterator[Fact]:
    """Yield what each object is now, as far as a push depends on it: what only the remote has does not matter."""
    for _, view in sorted(skills.views.items()):
        if view.local is not None or view.base is not None:
            yield _skill_fact(view)
    for problem in skills.problems + datasets.problems:
        yield Fact("problem", problem.subject or problem.path, problem.code, "", "", "", "error")
    for dataset in datasets.views:
        yield from _dataset_facts(dataset)


def _skill_fact(view: SkillView) -> Fact:
    local, version, base = view.local, view.version, view.base
    trouble = view.error or view.problem
    return Fact(
        "skill",
        view.name,
        "",
        f"{local.digest or 'invalid'} {local.files} {local.dir}" if local else "absent",
        f"v{version.number} {version.id} first={version.first}" if version else "absent",
        f"v{base.number} {base.id}" if base else "",
        f"error {trouble.code}" if trouble else str(view.verdict.push),
    )


def _dataset_facts(view: DatasetView) -> Iterator[Fact]:
    local, remote = view.local, view.remote
    trouble = view.error or (local.problem if local else None) or view.problem
    yield Fact(
        "dataset",
        view.slug,
        "",
        f"{local.files} {local.dir}" if local else "absent",
        f"{remote.id} {info_digest(remote.info)} {_all_rows(view)}" if remote else "absent",
        f"{view.line.dataset} {view.line.meta} {view.line.digest}" if view.line else "",
        f"error {trouble.code}" if trouble else str(view.verdict.push),
    )
    if trouble is None:
        for row in sorted(view.rows.open, key=lambda row: row.key):
            if _matters(row):
                yield _row_fact(view, row)


def _matters(row: RowView) -> bool:
    return bool(row.losers) or row.facts.local != row.facts.remote


def _row_fact(view: DatasetView, row: RowView) -> Fact:
    return Fact(
        "row",
        view.slug,
        str(row.key),
        str(row.facts.local or "absent"),
        _remote_row(row.remote) if row.remote else "absent",
        row.base or "",
        str(row.verdict.push),
    )


def _remote_row(item: RemoteRow) -> str:
    """Name an item's state: its version; where there is none, a change and a change back move its time."""
    return f"{item.id} {item.version_id or item.updated_at}"


def _all_rows(view: DatasetView) -> str:
    lines = sorted(_remote_row(item) for item in view.remote_rows or ())
    return f"{len(lines)} rows {sha256(chr(10).join(lines).encode()).hexdigest()}"
