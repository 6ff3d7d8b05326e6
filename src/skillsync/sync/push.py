"""Publishes what may be published: survey, safety, apply, report (design.md 3, sync.md 9.2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.effort import Effort
from skillsync.core.reconcile_skill import PushStep
from skillsync.errors import RefusedForSafety
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_limits import full_rows
from skillsync.sync.dataset_rows import decide_rows
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import DatasetSurvey, DatasetView
from skillsync.sync.holding import Hold, hold_back_from_push
from skillsync.sync.local import LocalTree, read_lean_tree
from skillsync.sync.merged_pointers import settle_pointers
from skillsync.sync.named import archived_words, republished_words, require_known, surveyed
from skillsync.sync.push_dataset_words import is_blocked
from skillsync.sync.push_datasets import DatasetPusher
from skillsync.sync.push_record import Recorder
from skillsync.sync.push_skills import PushOptions, SkillPush
from skillsync.sync.report import Report
from skillsync.sync.settle import settle_parked
from skillsync.sync.skill_survey import problems_in_scope, survey_skills
from skillsync.sync.skill_view import SkillSurvey
from skillsync.sync.so_far import says_what_was_done
from skillsync.sync.stopping import refuse_backwards
from skillsync.sync.watched import watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target


_PUBLISHING = {PushStep.CREATE, PushStep.PUBLISH, PushStep.MARK, PushStep.RENAME}


@dataclass(frozen=True)
class PushRequest:
    """What the user asked for, as the command line says it."""

    names: Sequence[str] = ()
    archive: Sequence[str] = ()
    max_removals: int | None = None
    republish: Sequence[str] = ()
    from_branch: bool = False
    verify: bool = False
    all_or_nothing: bool = False
    check: Callable[[SkillSurvey, DatasetSurvey], None] | None = None
    """Looks at what was found right before the first write, and may refuse the run by raising."""
    hold: Hold | None = None
    """Keeps objects back for now: unattended publishing."""
    command: str = "push"
    """Who holds the lock."""
    new_key: Callable[[], str] = field(default=lambda: secrets.token_hex(16))
    clock: Clock = field(default_factory=SystemClock)


def push(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: PushRequest,
    *,
    writer: Writer | None = None,
) -> Report:
    """Publish skills and datasets of the working tree (solo) or of HEAD (team).

    Raises RefusedForSafety when the plan as a whole is refused, RemoteError when the run cannot go on.
    """
    writer = writer or Writer(workspace, clock=request.clock)
    with locked(workspace.repo.state_dir, command=request.command):
        if not request.from_branch:
            workspace.check_publish_branch()
        finished = writer.recover()
        recorder = Recorder(workspace, target, request.clock)
        ending = says_what_was_done(writer, lambda: recorder.accepted)
        with ending, watched(connect, recorder)(target) as remote:
            report = Report("push", target.name)
            for subject in finished:
                report.note(f"finished what an interrupted command had begun: {subject}")
            if not workspace.is_team:
                settle_pointers(workspace, writer, report)
            settle_parked(workspace, target, writer, report)
            try:
                _push(workspace, target, remote, request, writer, report)
            finally:
                recorder.flush()
                writer.stage()
    return report


def _push(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: PushRequest,
    writer: Writer,
    report: Report,
) -> None:
    commit = workspace.history.head if workspace.is_team else None
    if workspace.is_team and commit is None:
        report.note("there is no commit yet, and in team mode only commits are published")
        return
    tree = read_lean_tree(workspace, commit=commit)
    if commit is not None:
        _name_left_out(workspace, report)
    skills, datasets = survey_for_push(workspace, target, remote, tree, request)
    report.problems.extend(skills.problems)
    refuse_backwards(skills)
    where = "in HEAD, which is what is published," if commit is not None else "here"
    known = surveyed(workspace, skills, datasets)
    require_known(workspace, request.names, known, where=where)
    if request.check is not None:
        request.check(skills, datasets)
    options = PushOptions(
        writes_pointer=not workspace.is_team or request.from_branch,
        archive=archived_words(workspace, request.archive, skills, datasets, note=report.note),
        max_removals=request.max_removals,
        republish=republished_words(workspace, request.republish, skills, datasets),
        verify=request.verify,
        all_or_nothing=request.all_or_nothing,
        hold=request.hold,
    )
    if request.hold is not None:
        hold_back_from_push(datasets, request.hold, report)
    pusher = DatasetPusher(
        workspace, target, remote, writer, options, report, new_key=request.new_key
    )
    _give_keys(workspace, remote, pusher, datasets)
    pusher.check(datasets)
    if request.all_or_nothing:
        _check_all(skills, datasets, remote)
    _tell_effort(remote, skills, pusher.effort(datasets))
    SkillPush(workspace, target, remote, writer, options, report).run(skills)
    pusher.run(datasets)


def _tell_effort(remote: Remote, skills: SkillSurvey, rows: Effort) -> None:
    """Say how many requests are ahead, before the first of them (sync.md 10.4)."""
    views = [view for view in skills.views.values() if not (view.error or view.problem)]
    effort = replace(rows, skills=sum(view.verdict.push in _PUBLISHING for view in views))
    if effort != Effort():
        is_guarded = bool(rows.rows) and remote.datasets.guarantees.guarded
        remote.transport.telling.ahead(effort.requests(guarded=is_guarded), effort.words)


def survey_for_push(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    tree: LocalTree,
    request: PushRequest,
) -> tuple[SkillSurvey, DatasetSurvey]:
    """Look at both sides as push needs it: objects that only the remote has do not matter."""
    names = tuple(request.names)
    scope = names
    if names:  # what an option names is looked at as well
        scope += tuple(part for word in request.archive for part in (word, word.partition(":")[0]))
        scope += tuple(request.republish)
    are_here = bool(tree.skills or tree.gone_skills)
    skills = SkillSurvey({}, problems_in_scope(workspace, tree, names), listed=False)
    if are_here or workspace.were_here(workspace.settings.skills):
        skills = survey_skills(
            workspace,
            target,
            tree,
            remote=remote,
            names=scope,
            confirm=request.clock,
            max_removals=request.max_removals,
        )
    datasets = survey_datasets(
        workspace,
        target,
        tree,
        remote=remote,
        names=scope,
        confirm=request.clock,
        for_push=True,
        archive=request.archive,
        max_removals=request.max_removals,
    )
    return skills, datasets


def _give_keys(
    workspace: Workspace, remote: Remote, pusher: DatasetPusher, datasets: DatasetSurvey
) -> None:
    waiting = [
        view
        for view in datasets.views
        if view.local and view.local.problem is None and view.local.items.keyless
    ]
    pusher.assign_keys(datasets.views, solo=not workspace.is_team)
    again = {view.dir: view for view in waiting if view.error is None}
    if not again:
        return
    fresh = {
        dataset.dir: dataset for dataset in read_lean_tree(workspace, only=_dirs(again)).datasets
    }
    for directory, view in again.items():
        view.local = fresh.get(directory or "", view.local)
        if view.remote_rows is not None:
            decide_rows(workspace, view, remote)


def _dirs(views: dict[str | None, DatasetView]) -> Collection[str]:
    return {directory for directory in views if directory is not None}


def _check_all(skills: SkillSurvey, datasets: DatasetSurvey, remote: Remote) -> None:
    """--all-or-nothing: refuse the whole run when any object could not be published."""
    reasons = [
        f"{view.name} ({view.error.message if view.error else view.verdict.state})"
        for view in skills.views.values()
        if view.error or view.problem or view.verdict.push_exit
    ]
    reasons += [f"{view.slug}" for view in datasets.views if is_blocked(view)]
    reasons += full_rows(datasets.views, remote)
    if reasons:
        raise RefusedForSafety(
            f"{len(reasons)} objects cannot be published: {', '.join(reasons[:10])}",
            unchanged="Nothing was published (--all-or-nothing).",
            hint="skillsync status",
        )


def _name_left_out(workspace: Workspace, report: Report) -> None:
    changed = workspace.repo.index.changed_paths(
        (*workspace.settings.skills, *workspace.settings.datasets)
    )
    if changed:
        shown = ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
        report.note(f"uncommitted changes are left out, HEAD is what is published: {shown}")
