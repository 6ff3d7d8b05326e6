"""Seals the plan of a push, and carries a sealed one out exactly as it was printed or not at all (P24)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync import __version__
from skillsync.api.rows import FOREIGN
from skillsync.core.plan import Action, Effect, Plan, What
from skillsync.core.reconcile_skill import PushStep
from skillsync.core.safety import Removals, check_removals
from skillsync.core.sealed import (
    CANON,
    MAX_BYTES,
    Fact,
    SealedPlan,
    differences,
    parse_sealed,
    render_sealed,
)
from skillsync.errors import (
    InvalidContent,
    PlanUnreadable,
    RefusedForSafety,
    StalePlan,
)
from skillsync.formats.canonical import info_digest
from skillsync.repo.files import write_all_atomic
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView
from skillsync.sync.dataset_view import RowView
from skillsync.sync.local import read_tree
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.parked import parked_skills
from skillsync.sync.plan import push_plan
from skillsync.sync.push import PushRequest, push, survey_for_push
from skillsync.sync.push_datasets import DatasetPusher
from skillsync.sync.push_skills import PushOptions, check_target, refuse_backwards
from skillsync.sync.report import Report
from skillsync.sync.skill_survey import SkillSurvey, SkillView
from skillsync.sync.watched import Write, WriteKind, watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.api.payload import Published
    from skillsync.config import Target
    from skillsync.model import RemoteDataset, RemoteRow, RemoteSkill, Version

APPLIED = "applied-plans"
_NOTHING = "Nothing was published."
_AGAIN = "skillsync plan -o FILE makes a new one"


# ---------------------------------------------------------------- making one


def seal(
    workspace: Workspace, target: Target, remote: Remote, request: PushRequest
) -> tuple[SealedPlan, Plan]:
    """Plan a push as push itself would, and seal it with everything that it depends on; writes nothing.

    Raises RefusedForSafety for what push would refuse as a whole, InvalidContent for rows without a key (which the
    plan could not name), RemoteError.
    """
    _refuse_open_conflicts(workspace, target)
    head = workspace.history.head
    tree = read_tree(workspace, commit=head if workspace.is_team else None)
    skills, datasets = survey_for_push(workspace, target, remote, tree, request)
    refuse_backwards(skills)
    require_known(workspace, request.names, surveyed(workspace, skills, datasets))
    check_target(skills.views.values(), step=lambda view: view.verdict.push is PushStep.STOP_TARGET)
    _refuse_keyless(datasets)
    _check_ceilings(workspace, target, remote, request, skills, datasets)
    plan = push_plan(workspace, skills, datasets, archive=request.archive)
    sealed = SealedPlan(
        id=secrets.token_hex(16),
        tool=__version__,
        canon=CANON,
        head=head,
        mode="team" if workspace.is_team else "solo",
        target=target.name,
        place=target.place,
        names=_own_names(request, skills, datasets),
        archive=tuple(sorted(set(request.archive))),
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
    waiting = [one.name for one in parked_skills(workspace) if one.pointer.place == target.place]
    if waiting and not workspace.is_team:
        raise RefusedForSafety(
            f"conflicts are not settled yet: {', '.join(sorted(waiting))}",
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
            f"there is no file {path}", subject=str(path), unchanged=_NOTHING, hint=_AGAIN
        )
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse_sealed(data, path=str(path))


# ---------------------------------------------------------------- facts


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
        for row in sorted(view.rows, key=lambda row: row.key):
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
    """Name an item's state. Rows of this generation have no version; a change and a change back move its time."""
    return f"{item.id} {item.updated_at}"


def _all_rows(view: DatasetView) -> str:
    lines = sorted(_remote_row(item) for item in view.remote_rows or ())
    return f"{len(lines)} rows {sha256(chr(10).join(lines).encode()).hexdigest()}"


# ---------------------------------------------------------------- applying one


@dataclass
class Guard:
    """Lets a push go on only while everything is as the plan says, and send only what the plan printed.

    The set of writes is made from the views that were compared with the plan, so that it names what the actions
    mean: a version's base, an item's id.
    """

    workspace: Workspace
    plan: SealedPlan
    allowed: set[Write] = field(default_factory=set)
    created: dict[str, set[str]] = field(default_factory=dict)
    _new_ids: dict[str, str] = field(default_factory=dict)

    def check(self, skills: SkillSurvey, datasets: DatasetSurvey) -> None:
        """Refuse the push (StalePlan) before its first write unless every fact and action is as planned."""
        words = differences(self.plan.facts, list(facts_of(skills, datasets)))
        if words:
            more = f" and {len(words) - 10} more" if len(words) > 10 else ""
            raise self._stale(f"{'; '.join(words[:10])}{more}")
        now = push_plan(self.workspace, skills, datasets, archive=self.plan.archive)
        if now.actions != self.plan.actions:
            raise self._stale("what push would do is not what the plan says")
        self._allow(now.actions, skills, datasets)
        _mark_applied(self.workspace, self.plan)

    def _stale(self, why: str) -> StalePlan:
        return StalePlan(
            f"the plan was made from another state: {why}", unchanged=_NOTHING, hint=_AGAIN
        )

    def _allow(
        self, actions: Sequence[Action], skills: SkillSurvey, datasets: DatasetSurvey
    ) -> None:
        by_slug = {view.slug: view for view in datasets.views}
        for action in actions:
            if action.what is What.SKILL:
                self.allowed.add(_skill_write(action, skills.views[action.name]))
            else:
                self._allow_dataset(action, by_slug[action.name])

    def _allow_dataset(self, action: Action, view: DatasetView) -> None:
        remote = view.remote
        if action.what is What.DATASET:
            if action.effect is Effect.CREATE:
                self.allowed.add(Write(WriteKind.CREATE_DATASET, view.slug))
                assert view.local is not None
                self.created[view.slug] = {str(key) for key in view.local.rows}
            elif remote is not None and action.effect is Effect.REMOVE:
                self.allowed.add(Write(WriteKind.DELETE_DATASET, id=remote.id))
            elif remote is not None:
                self.allowed.add(Write(WriteKind.PATCH_DATASET, remote.info.name, remote.id))
            return
        row = next(one for one in view.rows if one.key == action.key)
        self.allowed.update(_row_writes(action, view, row))

    # ------------------------------------------------------------ as one who looks on

    def seen_skill(self, skill: RemoteSkill | Version) -> None:
        """Reads are free."""

    def seen_row(self, row: RemoteRow) -> None:
        """Reads are free."""

    def before(self, write: Write, remote: Remote) -> None:  # noqa: ARG002
        """Refuse a write that the plan did not print."""
        slug = self._new_ids.get(write.id)
        is_new_row = write.kind is WriteKind.CREATE_ROW and slug is not None
        if is_new_row and write.key in self.created[slug or ""]:
            return
        known = {Write(write.kind, write.name, write.id, write.key, write.base)}
        known.add(Write(write.kind, write.name, write.id, "", write.base))
        if not known & self.allowed:
            raise StalePlan(
                f"a write that the plan does not name was about to be sent: {write.kind} "
                f"{write.name or write.id}",
                unchanged="It was not sent; what the plan names may have been.",
                hint="skillsync status",
            )

    def after(self, write: Write, answer: Published | RemoteDataset | RemoteRow | None) -> None:
        """Remember which id a new dataset was given."""
        number = getattr(answer, "id", None)
        if write.kind is WriteKind.CREATE_DATASET and isinstance(number, str):
            self._new_ids[number] = write.name


def _skill_write(action: Action, view: SkillView) -> Write:
    if action.effect is Effect.CREATE:
        return Write(WriteKind.CREATE_SKILL, view.name)
    if action.effect is Effect.REMOVE:
        return Write(WriteKind.ARCHIVE, view.name)
    return Write(WriteKind.PUBLISH, view.name, base=view.version.number if view.version else 0)


def _row_writes(action: Action, view: DatasetView, row: RowView) -> Iterator[Write]:
    key = str(row.key)
    if action.effect is Effect.CREATE:
        if view.remote is not None:
            yield Write(WriteKind.CREATE_ROW, id=view.remote.id, key=key)
        if key.startswith(FOREIGN):  # born on this server: it is brought back, not made again
            number = key.removeprefix(FOREIGN)
            yield Write(WriteKind.PATCH_ROW, id=number)
            yield Write(WriteKind.UNDELETE_ROW, id=number)
    elif action.effect is Effect.UPDATE and row.remote is not None:
        yield Write(WriteKind.PATCH_ROW, id=row.remote.id)
    elif action.precondition in {loser.id for loser in row.losers}:
        yield Write(WriteKind.DELETE_ROW, id=action.precondition)
    elif row.remote is not None:
        yield Write(WriteKind.DELETE_ROW, id=row.remote.id)


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
    _refuse_applied(workspace, plan)
    guard = Guard(workspace, plan)
    request = PushRequest(
        names=plan.names,
        archive=plan.archive,
        max_removals=plan.max_removals,
        verify=verify,
        check=guard.check,
        clock=clock or SystemClock(),
    )
    return push(workspace, target, watched(connect, guard), request, writer=writer)


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
                unchanged=_NOTHING,
                hint=_AGAIN,
            )
    if plan.head != head:
        raise StalePlan("the plan was made for another commit", unchanged=_NOTHING, hint=_AGAIN)


def _refuse_applied(workspace: Workspace, plan: SealedPlan) -> None:
    path = workspace.repo.state_dir / APPLIED
    known = path.read_text(errors="replace").splitlines() if path.is_file() else []
    if plan.seal in known:
        raise StalePlan(
            "the plan was applied already, or was begun and interrupted",
            unchanged=_NOTHING,
            hint=f"skillsync status shows what is left; {_AGAIN}",
        )


def _mark_applied(workspace: Workspace, plan: SealedPlan) -> None:
    """Note that it is being applied. Without the note a second run is refused all the same: what it wrote is a
    difference; the note says it in better words."""
    path = workspace.repo.state_dir / APPLIED
    with path.open("a") as file:
        file.write(f"{plan.seal}\n")
