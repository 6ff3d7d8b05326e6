"""Seals the plan of a push, and carries a sealed one out exactly as it was printed or not at all (P24)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync import __version__
from skillsync.core.plan import Plan
from skillsync.core.reconcile_skill import PushStep
from skillsync.core.safety import Removals, check_removals
from skillsync.core.sealed import (
    CANON,
    MAX_BYTES,
    SealedPlan,
    parse_sealed,
    render_sealed,
)
from skillsync.errors import (
    InvalidContent,
    PlanUnreadable,
    RefusedForSafety,
    StalePlan,
)
from skillsync.repo.files import write_all_atomic
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import DatasetSurvey
from skillsync.sync.local import read_lean_tree
from skillsync.sync.merged_pointers import as_settled
from skillsync.sync.named import archived_words, require_known, surveyed
from skillsync.sync.plan import push_plan
from skillsync.sync.push import PushRequest, push, survey_for_push
from skillsync.sync.push_datasets import DatasetPusher
from skillsync.sync.push_skills import PushOptions
from skillsync.sync.report import Report
from skillsync.sync.sealed_facts import facts_of
from skillsync.sync.sealed_guard import AGAIN, NOTHING, Guard, refuse_applied
from skillsync.sync.settle import as_decided, waiting_for_a_person
from skillsync.sync.skill_view import SkillSurvey
from skillsync.sync.stopping import check_target, refuse_backwards
from skillsync.sync.watched import watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target

# ---------------------------------------------------------------- making one


def seal(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: PushRequest,
    *,
    note: Callable[[str], None] = lambda _: None,
) -> tuple[SealedPlan, Plan]:
    """Plan a push as push itself would, and seal it with everything that it depends on; writes nothing.

    ``note`` is told of names to archive whose removal there is nothing to do for.

    Raises RefusedForSafety for what push would refuse as a whole, InvalidContent for rows without a key (which the
    plan could not name), RemoteError.
    """
    _refuse_open_conflicts(workspace, target)
    head = workspace.history.head
    tree = read_lean_tree(workspace, commit=head if workspace.is_team else None)
    tree = as_decided(workspace, target, as_settled(workspace, tree))
    skills, datasets = survey_for_push(workspace, target, remote, tree, request)
    refuse_backwards(skills)
    require_known(workspace, request.names, surveyed(workspace, skills, datasets))
    check_target(skills.views.values(), step=lambda view: view.verdict.push is PushStep.STOP_TARGET)
    _refuse_keyless(datasets)
    archive = archived_words(workspace, request.archive, skills, datasets, note=note)
    request = replace(request, archive=tuple(sorted(archive)))
    _check_ceilings(workspace, target, remote, request, skills, datasets)
    waiting = [one.name for one in waiting_for_a_person(workspace, target.place)]
    plan = push_plan(skills, datasets, archive=request.archive, waiting=waiting)
    sealed = SealedPlan(
        id=secrets.token_hex(16),
        tool=__version__,
        canon=CANON,
        head=head,
        mode="team" if workspace.is_team else "solo",
        target=target.name,
        place=target.place,
        names=_own_names(request, skills, datasets),
        archive=tuple(request.archive),
        max_removals=request.max_removals,
        facts=tuple(facts_of(skills, datasets)),
        actions=plan.actions,
    )
    return sealed, plan


def _own_names(
    request: PushRequest, skills: SkillSurvey, datasets: DatasetSurvey
) -> tuple[str, ...]:
    """Names instead of the paths that were given: the plan may be applied from another folder."""
    if not request.names:
        return ()
    return tuple(sorted({*skills.views, *(view.slug for view in datasets.views)}))


def _refuse_open_conflicts(workspace: Workspace, target: Target) -> None:
    parked = waiting_for_a_person(workspace, target.place)
    waiting = sorted(one.name for one in parked if one.pointer.place == target.place)
    if waiting:
        raise RefusedForSafety(
            f"conflicts are not settled yet: {', '.join(waiting)}",
            unchanged="No plan was written.",
            hint="skillsync conflicts, then skillsync resolve NAME",
        )


def _refuse_keyless(datasets: DatasetSurvey) -> None:
    """A push gives such lines random keys, which no plan could have printed."""
    for view in datasets.views:
        local = view.local
        if local is not None and local.problem is None and local.items.keyless:
            raise InvalidContent(
                f"{view.slug} has lines without an id, which a plan cannot name",
                subject=view.slug,
                path=f"{local.dir}/items.jsonl",
                line=local.items.keyless[0].number,
                unchanged="No plan was written.",
                hint=f"skillsync fmt {view.slug}",
            )


def _check_ceilings(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: PushRequest,
    skills: SkillSurvey,
    datasets: DatasetSurvey,
) -> None:
    """Refuse what push would refuse: a plan that cannot be applied is none."""
    before = {view.slug for view in datasets.views if view.error is not None}
    doomed = [
        view
        for view in skills.views.values()
        if view.verdict.push is PushStep.PENDING_REMOVAL and view.name in request.archive
    ]
    check_removals(Removals(skills=len(doomed)), max_removals=request.max_removals)
    options = PushOptions(
        writes_pointer=False, archive=request.archive, max_removals=request.max_removals
    )
    writer = Writer(workspace, clock=request.clock)
    DatasetPusher(
        workspace, target, remote, writer, options, Report("plan", ""), new_key=request.new_key
    ).check(datasets)
    for dataset in datasets.views:
        if dataset.error is not None and dataset.slug not in before:
            raise dataset.error


def write_plan(path: Path, plan: SealedPlan) -> None:
    """Write a plan's file, whole or not at all. Raises PlanUnreadable for texts that no file could hold."""
    try:
        data = render_sealed(plan)
    except UnicodeEncodeError as error:
        raise PlanUnreadable(
            "a name holds bytes that are no text, so the plan cannot be written",
            subject=str(path),
            unchanged="No plan was written.",
        ) from error
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise PlanUnreadable(f"{path} is there and no file", subject=str(path))
    write_all_atomic(path.parent, {path.name: data})


def read_plan(path: Path) -> SealedPlan:
    """Read a plan's file. Raises PlanUnreadable when it is missing or cannot be used."""
    if not path.is_file():
        raise PlanUnreadable(
            f"there is no file {path}", subject=str(path), unchanged=NOTHING, hint=AGAIN
        )
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse_sealed(data, path=str(path))


# ---------------------------------------------------------------- applying one


def push_sealed(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    plan: SealedPlan,
    *,
    clock: Clock | None = None,
    verify: bool = False,
    writer: Writer | None = None,
) -> Report:
    """Carry a sealed plan out. Raises StalePlan (exit 6) when anything is not as it says, or it was applied before."""
    _check_place(workspace, target, plan)
    refuse_applied(workspace, plan)
    guard = Guard(workspace, plan)
    request = PushRequest(
        names=plan.names,
        archive=plan.archive,
        max_removals=plan.max_removals,
        verify=verify,
        check=guard.check,
        clock=clock or SystemClock(),
    )
    return push(workspace, target, watched(connect, guard.writes), request, writer=writer)


def _check_place(workspace: Workspace, target: Target, plan: SealedPlan) -> None:
    mode = "team" if workspace.is_team else "solo"
    head = workspace.history.head
    for what, planned, now in (
        ("target", f"{plan.target} at {plan.place}", f"{target.name} at {target.place}"),
        ("commit", (plan.head or "none")[:12], (head or "none")[:12]),
        ("skillsync", plan.tool, __version__),
        ("canonical form", plan.canon, CANON),
        ("mode", plan.mode, mode),
    ):
        if planned != now:
            raise StalePlan(
                f"the plan was made for another {what}: {planned[:120]}, and now it is {now}",
                unchanged=NOTHING,
                hint=AGAIN,
            )
    if plan.head != head:
        raise StalePlan("the plan was made for another commit", unchanged=NOTHING, hint=AGAIN)
