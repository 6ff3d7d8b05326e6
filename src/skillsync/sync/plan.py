"""Makes the plan of a push and of a pull without carrying anything out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from skillsync.core.plan import Action, Effect, Plan, Side, What
from skillsync.core.reconcile_dataset import DatasetPull, DatasetPush
from skillsync.core.reconcile_row import RowPull, RowPush
from skillsync.core.reconcile_skill import PullStep, PushStep
from skillsync.model import Conflict, Problem, Severity, UnitKind
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView, survey_datasets
from skillsync.sync.describe import DATASET_STATES, INFO_CHANGED, SKILL_STATES
from skillsync.sync.local import read_lean_tree
from skillsync.sync.merged_pointers import as_settled
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.push_dataset_words import GOES_ON, blocked_by_content, sends_info, would_write
from skillsync.sync.row_conflict import row_conflicts
from skillsync.sync.row_views import RowView
from skillsync.sync.settle import as_decided, waiting_for_a_person
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target

_PUSH = {
    PushStep.CREATE: Effect.CREATE,
    PushStep.PUBLISH: Effect.UPDATE,
    PushStep.MARK: Effect.LINK,
    PushStep.RENAME: Effect.UPDATE,
}
_PULL = {
    PullStep.WRITE: Effect.CREATE,
    PullStep.FAST_FORWARD: Effect.UPDATE,
    PullStep.MERGE: Effect.MERGE,
    PullStep.LINK: Effect.LINK,
    PullStep.RENAME: Effect.UPDATE,
}
_ROW_PUSH = {RowPush.CREATE: Effect.CREATE, RowPush.PATCH: Effect.UPDATE}
_ROW_PULL = {
    RowPull.APPEND: Effect.CREATE,
    RowPull.REWRITE: Effect.UPDATE,
    RowPull.MERGE: Effect.MERGE,
    RowPull.REMOVE: Effect.REMOVE,
}


def make_plan(
    workspace: Workspace, target: Target, remote: Remote, *, names: Sequence[str] = ()
) -> tuple[Plan, Plan]:
    """Return what `push` and what `pull` would do now; writes nothing (P19).

    Raises RefusedForSafety when the remote seems to be emptied, RemoteError when it cannot be asked.
    """
    pull_tree = as_decided(workspace, target, as_settled(workspace, read_lean_tree(workspace)))
    push_tree = (
        read_lean_tree(workspace, commit=workspace.history.head)
        if workspace.is_team and workspace.history.head
        else pull_tree
    )
    skills = survey_skills(workspace, target, pull_tree, remote=remote, names=names)
    datasets = survey_datasets(workspace, target, pull_tree, remote=remote, names=names)
    require_known(workspace, names, surveyed(workspace, skills, datasets))
    pull = pull_plan(skills, datasets)
    if push_tree is not pull_tree:
        skills = survey_skills(workspace, target, push_tree, remote=remote, names=names)
        datasets = survey_datasets(workspace, target, push_tree, remote=remote, names=names)
    waiting = [one.name for one in waiting_for_a_person(workspace, target.place)]
    return push_plan(skills, datasets, waiting=waiting, solo=not workspace.is_team), pull


def push_plan(
    skills: SkillSurvey,
    datasets: DatasetSurvey,
    *,
    archive: Collection[str] = (),
    waiting: Collection[str] = (),
    solo: bool = True,
) -> Plan:
    """Return the writes to the remote that a push makes of these surveys, and what it leaves alone and why.

    ``archive`` are the names whose removal the user asked for (``NAME``, ``NAME:KEY``); other removals are pending.
    ``waiting`` are the names of the skills whose conflict is open. ``solo``: lines without an id get one (I22).
    """
    actions: list[Action] = []
    pending: list[Action] = []
    problems = [one for one in skills.problems if one.severity is Severity.ERROR]
    for view in skills.views.values():
        problems += _skill_problems(view, exit_code=view.verdict.push_exit)
        if view.error or view.problem:
            continue
        if view.name in waiting and view.local is not None:
            problems.append(_open_conflict(view.name))
            continue
        effect = _PUSH.get(view.verdict.push)
        if effect is not None:
            actions.append(_skill_action(effect, Side.REMOTE, view))
        elif view.verdict.push is PushStep.PENDING_REMOVAL:
            removal = _skill_action(Effect.REMOVE, Side.REMOTE, view)
            (actions if view.name in archive else pending).append(removal)
    problems += [one for one in datasets.problems if one.severity is Severity.ERROR]
    for dataset in datasets.views:
        found = _dataset_problems(dataset)
        if not found and not solo:
            found = _without_id(dataset)
        problems += found
        if not found:
            problems += _blocked_rows(dataset)
            _plan_dataset_push(dataset, actions, pending, problems, archive)
    return Plan.of(actions, problems=problems, pending=pending)


def _open_conflict(name: str) -> Problem:
    fix = f"skillsync conflicts {name}"
    return Problem("E-CONFLICT", "its conflict is still open", name, fix=fix)


def _plan_dataset_push(
    view: DatasetView,
    actions: list[Action],
    pending: list[Action],
    problems: list[Problem],
    archive: Collection[str],
) -> None:
    push = view.verdict.push
    names = {view.slug, view.name}
    if push is DatasetPush.PENDING_REMOVAL:
        rows = len(view.remote_rows or ())
        removal = Action(
            Effect.REMOVE,
            Side.REMOTE,
            What.DATASET,
            view.slug,
            precondition=view.remote.id if view.remote else "",
            detail=f"{rows} rows",
        )
        (actions if names & set(archive) else pending).append(removal)
    problems += _left_alone(view, exit_code=view.verdict.push_exit)
    if push not in GOES_ON or view.local is None:
        return
    if view.ignored and would_write(view):
        fix = f"skillsync pull {view.slug}"
        message = "its pointer was written beside other files than these"
        problems.append(Problem("E-REMOTE-AHEAD", message, view.slug, view.dir or "", fix=fix))
        return
    if view.rekeyed:
        said = blocked_by_content(view)
        problems.append(Problem(said.code, said.did, view.slug, view.dir or "", fix=said.fix))
        return
    if push is DatasetPush.CREATE:
        rows = len(view.local.rows) + len(view.local.items.keyless)
        actions.append(
            Action(
                Effect.CREATE,
                Side.REMOTE,
                What.DATASET,
                view.slug,
                precondition="absent",
                detail=f"{rows} rows",
            )
        )
    elif sends_info(view, push):
        actions.append(
            Action(Effect.UPDATE, Side.REMOTE, What.DATASET, view.slug, detail="DATASET.md")
        )
    if push is not DatasetPush.CREATE:
        actions += _new_lines(view)
    for row in view.rows.open:
        _plan_row_push(view, row, actions, pending, archive)


def _without_id(view: DatasetView) -> list[Problem]:
    """Team mode: a file with lines that have no id is not sent (I22)."""
    keyless = view.local.items.keyless if view.local else ()
    if not keyless:
        return []
    count = f"{len(keyless)} {'line has' if len(keyless) == 1 else 'lines have'} no id"
    path = view.local.items.path if view.local else ""
    return [
        Problem(
            "E-NO-KEY",
            count,
            view.slug,
            path,
            keyless[0].number,
            fix=f"skillsync fmt {view.slug}, and commit the result",
        )
    ]


def _new_lines(view: DatasetView) -> list[Action]:
    """Lines without an id that are no row that is known: each gets one, and is created (I22)."""
    keyless = len(view.local.items.keyless) if view.local else 0
    fresh = keyless - sum(row.is_paired for row in view.rows.open)
    return [
        Action(
            Effect.CREATE,
            Side.REMOTE,
            What.ROW,
            view.slug,
            precondition="absent",
            detail=f"a line without an id, {number} of {fresh}",
        )
        for number in range(1, fresh + 1)
    ]


def _plan_row_push(
    view: DatasetView,
    row: RowView,
    actions: list[Action],
    pending: list[Action],
    archive: Collection[str],
) -> None:
    actions += [
        Action(
            Effect.REMOVE,
            Side.REMOTE,
            What.ROW,
            view.slug,
            str(row.key),
            precondition=loser.id,
            detail="an equal second copy of our own making",
        )
        for loser in row.losers
    ]
    effect = _ROW_PUSH.get(row.verdict.push)
    before = row.facts.remote or "absent"
    if effect is not None:
        actions.append(
            Action(effect, Side.REMOTE, What.ROW, view.slug, str(row.key), precondition=before)
        )
    elif row.verdict.push is RowPush.PENDING_REMOVAL:
        removal = Action(
            Effect.REMOVE, Side.REMOTE, What.ROW, view.slug, str(row.key), precondition=before
        )
        named = {view.slug, view.name, f"{view.slug}:{row.key}", f"{view.name}:{row.key}"}
        (actions if named & set(archive) else pending).append(removal)


def _blocked_rows(view: DatasetView) -> list[Problem]:
    """Rows that push would leave alone because of what the remote has."""
    return [
        Problem(
            row.verdict.code,
            str(row.verdict.state),
            f"{view.slug}:{row.key}",
            view.local.items.path if view.local else view.dir or "",
            fix=row.verdict.fix.replace("{name}", view.slug) or f"skillsync pull {view.slug}",
        )
        for row in view.rows.open
        if row.verdict.push_exit
    ]


def pull_plan(skills: SkillSurvey, datasets: DatasetSurvey) -> Plan:
    """Return what a pull would write here of these surveys, and what it leaves to a person."""
    actions: list[Action] = []
    conflicts: list[Conflict] = []
    problems = [one for one in skills.problems if one.severity is Severity.ERROR]
    for view in skills.views.values():
        problems += _skill_problems(view, exit_code=view.verdict.pull_exit)
        if view.error or view.problem:
            continue
        effect = _PULL.get(view.verdict.pull)
        if effect is not None:
            actions.append(_skill_action(effect, Side.LOCAL, view))
        elif view.verdict.pull in {PullStep.CONFLICT, PullStep.REFUSE}:
            state = SKILL_STATES.get(view.verdict.state, str(view.verdict.state))
            conflicts.append(_whole(view.name, "the whole skill", state))
    for dataset in datasets.views:
        found = _dataset_problems(dataset)
        problems += found
        if found:
            continue
        problems += _left_alone(dataset, exit_code=dataset.verdict.pull_exit)
        pull = dataset.verdict.pull
        if pull is DatasetPull.CONFLICT:
            conflicts.append(_whole(dataset.slug, "the whole dataset", _words(dataset)))
        if pull is DatasetPull.WRITE:
            count = len(dataset.remote_rows or ())
            actions.append(
                Action(
                    Effect.CREATE, Side.LOCAL, What.DATASET, dataset.slug, detail=f"{count} rows"
                )
            )
            continue
        if pull in {DatasetPull.TAKE_INFO, DatasetPull.MERGE_INFO}:
            actions.append(
                Action(Effect.UPDATE, Side.LOCAL, What.DATASET, dataset.slug, detail="DATASET.md")
            )
        for row in dataset.rows.open:
            effect = _ROW_PULL.get(row.verdict.pull)
            if effect is not None:
                actions.append(Action(effect, Side.LOCAL, What.ROW, dataset.slug, str(row.key)))
            elif row.verdict.pull is RowPull.CONFLICT:
                conflicts += row_conflicts(dataset.slug, row)
        linked = sum(row.verdict.pull is RowPull.LINK for row in dataset.rows.open)
        if linked:
            rows = f"{linked} {'row' if linked == 1 else 'rows'}"
            actions.append(Action(Effect.LINK, Side.LOCAL, What.DATASET, dataset.slug, detail=rows))
    return Plan.of(actions, problems=problems, conflicts=conflicts)


def _whole(name: str, unit: str, reason: str) -> Conflict:
    return Conflict(name, UnitKind.FILE, unit, None, None, None, reason)


def _left_alone(view: DatasetView, *, exit_code: int) -> list[Problem]:
    """Say of a dataset as a whole what push or pull leaves to a person; its rows may go on all the same (D6)."""
    verdict = view.verdict
    if not exit_code or (verdict.code == "E-ABSENCE-UNCONFIRMED" and view.local is None):
        return []
    return [Problem(verdict.code, _words(view), view.slug, view.dir or "", fix=verdict.fix)]


def _words(view: DatasetView) -> str:
    return DATASET_STATES.get(view.verdict.code, INFO_CHANGED)


def _skill_action(effect: Effect, side: Side, view: SkillView) -> Action:
    version = view.version
    precondition = f"v{version.number} {version.id}" if version else "absent"
    if side is Side.LOCAL:
        precondition = view.local.digest or "" if view.local else "absent"
    base = view.base.words if view.base else ""
    if view.renamed is not None and version:
        names = (version.name, view.name) if side is Side.REMOTE else (view.name, version.name)
        detail = f"renamed from {names[0]} to {names[1]}"
    elif effect is Effect.UPDATE and side is Side.REMOTE and version:
        detail = f"v{version.number} → v{version.number + 1}"
    elif effect is Effect.CREATE and side is Side.REMOTE:
        detail = "v1"
    elif effect is Effect.LINK and side is Side.REMOTE and version:
        detail = (
            f"v{version.number} → v{version.number + 1}, the same content with its publish marker"
        )
    elif version is not None:
        detail = f"{base} → v{version.number} by {version.author.label}".removeprefix(" → ")
    else:
        detail = ""
    return Action(effect, side, What.SKILL, view.name, precondition=precondition, detail=detail)


def _skill_problems(view: SkillView, *, exit_code: int) -> list[Problem]:
    if view.problem is not None:
        return [view.problem]
    if view.error is not None:
        return [
            Problem(
                view.error.code, view.error.message, view.name, view.dir or "", fix=view.error.hint
            )
        ]
    errors = [
        one for one in (view.local.problems if view.local else ()) if one.severity is Severity.ERROR
    ]
    if errors:
        return errors
    verdict = view.verdict
    if verdict.code == "E-ABSENCE-UNCONFIRMED" and view.local is None:
        return []  # gone on both sides, as far as one look can tell: there is nothing to do or to lose
    if exit_code:
        return [
            Problem(
                verdict.code,
                SKILL_STATES.get(verdict.state, str(verdict.state)),
                view.name,
                view.dir or "",
                fix=verdict.fix,
            )
        ]
    return []


def _dataset_problems(view: DatasetView) -> list[Problem]:
    error = view.error or (view.local.problem if view.local else None)
    if error is not None:
        return [
            Problem(
                error.code,
                error.message,
                view.slug,
                getattr(error, "path", "") or view.dir or "",
                getattr(error, "line", None),
                fix=error.hint,
                column=getattr(error, "column", None),
            )
        ]
    return [view.problem] if view.problem else []
