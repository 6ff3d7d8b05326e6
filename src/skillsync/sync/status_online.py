"""Where every object stands when the server is asked: the verdicts of the surveys in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPull, DatasetPush, DatasetVerdict
from skillsync.core.reconcile_row import RowPull, RowPush
from skillsync.core.reconcile_skill import SkillState, Verdict
from skillsync.core.row_states import RowState
from skillsync.errors import SkillsyncError, place_of
from skillsync.model import Problem
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.sync.dataset_limits import nearly_full
from skillsync.sync.dataset_survey import DatasetView, survey_datasets
from skillsync.sync.describe import DATASET_STATES, INFO_CHANGED, MISSING, SKILL_STATES
from skillsync.sync.local import last_part, read_lean_tree
from skillsync.sync.merged_pointers import as_settled
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView
from skillsync.sync.status import IGNORED, Status, invalid

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.workspace import Remote, Workspace


UNCONFIRMED = "E-ABSENCE-UNCONFIRMED"


def look_online(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    names: Collection[str],
    found: Status,
) -> None:
    """Add to ``found`` what the surveys of both sides say. Raises RemoteError when the run cannot go on."""
    tree = as_settled(workspace, read_lean_tree(workspace))
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    found.problems.extend(skills.problems)
    for name in sorted(skills.views):
        _skill_line(skills.views[name], found)
    datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    found.problems.extend(datasets.problems)
    require_known(workspace, names, surveyed(workspace, skills, datasets))
    for view in datasets.views:
        _dataset_lines(view, found)
    _guarantee(skills.views.values(), datasets.views, remote, found)
    _find_uncommitted(workspace, found)


def _skill_line(view: SkillView, found: Status) -> None:
    if view.local is not None:
        found.problems.extend(view.local.problems)
    if view.error is not None:
        found.lines.append(_failed(Kind.SKILL, view.name, view.error, row=view.row))
        return
    if view.ignored:
        found.note(f"{view.name}: {IGNORED}")
    verdict = view.verdict
    if verdict.state in {SkillState.IN_SYNC, SkillState.NOTHING, SkillState.BOTH_GONE}:
        found.in_sync += verdict.state is SkillState.IN_SYNC
        return
    if verdict.state is SkillState.INVALID and view.local is not None:
        found.lines.append(invalid(Kind.SKILL, view.name, verdict.row, view.local.problems))
        return
    if verdict.code == UNCONFIRMED and view.local is None:
        found.note(f"{view.name}: deleted here, and {MISSING}")
        return
    number = view.base.words if view.base else ""
    latest = f"v{view.version.number} by {view.version.author.label}" if view.version else ""
    detail = " → ".join(
        part
        for part in (
            number,
            latest if view.version and (not view.base or view.version.id != view.base.id) else "",
        )
        if part
    )
    found.lines.append(
        Outcome(
            Kind.SKILL,
            view.name,
            SKILL_STATES[verdict.state],
            row=verdict.row,
            state=str(verdict.state),
            code=verdict.code,
            message=detail,
            fix=_next(verdict, view.name),
        )
    )


def _next(verdict: Verdict, name: str) -> str:
    if verdict.code == UNCONFIRMED:  # a status asks once; what writes asks again
        return f"skillsync pull {name}"
    if verdict.fix or verdict.state not in {SkillState.LOCAL_ONLY, SkillState.AHEAD}:
        return verdict.fix
    return f"skillsync push {name}"


def _dataset_lines(view: DatasetView, found: Status) -> None:
    if view.local is not None and (wrong := view.local.problem) is not None:
        problem = Problem(
            wrong.code, wrong.message, view.slug, wrong.path, wrong.line, column=wrong.column
        )
        found.lines.append(invalid(Kind.DATASET, view.slug, "I20", [problem]))
        return
    if view.error is not None:
        found.lines.append(_failed(Kind.DATASET, view.slug, view.error))
        return
    if view.ignored:
        found.note(f"{view.slug}: {IGNORED}")
    verdict = view.verdict
    if verdict.push == DatasetPush.CREATE and view.local is not None:
        rows = len(view.local.rows) + len(view.local.items.keyless)
        found.lines.append(
            _line(
                view.slug,
                f"new here, not published ({rows} rows)",
                "D1",
                f"skillsync push {view.slug}",
            )
        )
        return
    if verdict.pull is DatasetPull.WRITE:
        rows = len(view.remote_rows or ())
        found.lines.append(
            _line(
                view.slug,
                f"new on the server, not here ({rows} rows)",
                "D2",
                f"skillsync pull {view.slug}",
            )
        )
        return
    if verdict.code == UNCONFIRMED and view.local is None:
        found.note(f"{view.slug}: deleted here, and {MISSING}")
        return
    before = len(found.lines)
    if verdict.row and (verdict.code or verdict.push is DatasetPush.SEND_INFO):
        found.lines.append(
            Outcome(
                Kind.DATASET,
                view.slug,
                _dataset_words(verdict),
                row=verdict.row,
                state=str(verdict.push),
                code=verdict.code,
                fix=verdict.fix or f"skillsync push {view.slug}",
            )
        )
    if view.gone is None:
        _row_lines(view, found)
    if view.local is not None and view.local.items.keyless:
        count = len(view.local.items.keyless)
        found.lines.append(
            _line(
                view.slug,
                f"{count} {'line has' if count == 1 else 'lines have'} no id yet",
                "I22",
                f"skillsync push {view.slug}",
            )
        )
    if len(found.lines) == before:
        found.in_sync += 1
        found.rows += len(view.local.rows) if view.local else 0


def _dataset_words(verdict: DatasetVerdict) -> str:
    if words := DATASET_STATES.get(verdict.code):
        return words
    if verdict.pull is DatasetPull.TAKE_INFO:
        return "its name, description or metadata changed on the server"
    if verdict.pull is DatasetPull.MERGE_INFO:
        return INFO_CHANGED
    return "its name, description or metadata changed here"


_ROW_WORDS: Sequence[tuple[str, Collection[RowPush], Collection[RowPull], str]] = (
    ("new here", {RowPush.CREATE}, (), "push"),
    ("changed here", {RowPush.PATCH}, (), "push"),
    ("removed here, still on the server", {RowPush.PENDING_REMOVAL}, (), "push --archive"),
    ("new on the server", (), {RowPull.APPEND}, "pull"),
    ("changed on the server", (), {RowPull.REWRITE}, "pull"),
    ("removed on the server", (), {RowPull.REMOVE}, "pull"),
    ("changed on both sides", (), {RowPull.MERGE}, "pull"),
    ("in conflict", (), {RowPull.CONFLICT}, "conflicts"),
    ("not decidable now", (), {RowPull.ERROR}, "pull"),
    ("equal but not linked", (), {RowPull.LINK}, "pull"),
)


def _row_lines(view: DatasetView, found: Status) -> None:
    erased = [row for row in view.rows.open if row.verdict.state is RowState.HARD_DELETED]
    others = [row for row in view.rows.open if row.verdict.state is not RowState.HARD_DELETED]
    kinds = [
        (
            words,
            [row for row in others if row.verdict.push in pushes or row.verdict.pull in pulls],
            verb,
        )
        for words, pushes, pulls, verb in _ROW_WORDS
    ]
    for words, rows, verb in [*kinds, ("erased on the server", erased, "conflicts")]:
        if not rows:
            continue
        count = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
        keys = ", ".join(str(row.key) for row in rows[:3]) + (" …" if len(rows) > 3 else "")
        command = f"skillsync {verb} {view.slug}"
        found.lines.append(
            Outcome(
                Kind.ROW,
                view.slug,
                f"{count} {words}",
                row=rows[0].verdict.row,
                state=str(rows[0].verdict.state),
                code=rows[0].verdict.code,
                message=keys,
                fix=command,
            )
        )


def _guarantee(
    skills: Collection[SkillView], datasets: Sequence[DatasetView], remote: Remote, found: Status
) -> None:
    """Say what the server is, as far as its answers have shown, and which guarantee holds there (P21)."""
    short = []
    markers = remote.skills.capabilities.version_description
    if skills:
        found.servers["skills"] = _MARKERS[markers]
    if skills and markers is None and not any(view.version for view in skills):
        found.servers["skills"] = "generation not seen yet: no skill here is on the server"
        found.guarantees.append(
            "skills: not known yet; the first push shows whether this server keeps publish markers"
        )
    elif skills and not markers:
        found.guarantees.append(
            "skills: this server keeps no publish markers; what other clones published is recognised by content "
            "and author"
        )
        short.append("publish markers")
    elif skills:
        found.guarantees.append(
            "skills: marked: what other clones published is recognised by the commit that each version names, if that "
            "commit is in this history and holds the same content"
        )
    if datasets and remote.datasets.guarantees.guarded:
        found.servers["datasets"] = "newer generation, with row versions"
        found.guarantees.append(
            "datasets: versioned: a row is only written over the version that was taken in; what other clones pushed "
            "is recognised by content and author"
        )
        _name_nearly_full(datasets, remote, found)
    elif datasets:
        found.servers["datasets"] = "first generation, without row versions"
        found.guarantees.append(
            "datasets: this server has no row versions, so the last writer wins: each row is compared right before it "
            "is written, and an edit in that moment (one round trip) could be overwritten"
        )
        short.append("row versions")
    if short:
        found.in_short = (
            f"this server keeps no {' and no '.join(short)}, so the guarantees are weaker there "
            "(skillsync status -v)"
        )


def _name_nearly_full(datasets: Sequence[DatasetView], remote: Remote, found: Status) -> None:
    """Name the rows that can be changed only a few times more (datasets-api.md 3.5)."""
    limits = remote.datasets.limits
    for view in datasets:
        few = nearly_full(view, limits)
        if few and limits is not None:
            rows = ", ".join(f"{row.row.key} ({left})" for row, left in few[:5])
            more = f" and {len(few) - 5} more" if len(few) > 5 else ""
            found.note(
                f"{view.slug}: rows with few of their {limits.versions} versions left: {rows}{more}; after that a row "
                "needs another id"
            )


_MARKERS = {
    True: "newer generation, with publish markers",
    False: "first generation, without publish markers",
    None: "first generation, as far as was seen: no publish markers so far",
}


def _find_uncommitted(workspace: Workspace, found: Status) -> None:
    roots = (*workspace.settings.skills, *workspace.settings.datasets)
    for path in workspace.repo.index.changed_paths(roots):
        if last_part(path) in {POINTER, ROWS} and (workspace.repo.root / path).exists():
            found.uncommitted.add(path.rpartition("/")[0])


def _line(slug: str, words: str, row: str, fix: str) -> Outcome:
    return Outcome(Kind.DATASET, slug, words, row=row, state=words, fix=fix)


def _failed(kind: Kind, subject: str, error: SkillsyncError, *, row: str = "") -> Outcome:
    place = place_of(error)
    where = f"{place}: " if place else ""
    return Outcome(
        kind,
        subject,
        "error",
        row=row,
        state="error",
        code=error.code,
        message=f"{where}{error.message}",
        fix=error.hint,
    )
