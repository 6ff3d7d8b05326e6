"""Takes the remote's edits into the working tree: survey, apply, report (design.md 3, sync.md 9.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.repo.lock import locked
from skillsync.repo.rescue import Rescue
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.holding import Hold, hold_back_from_pull
from skillsync.sync.local import LocalTree, read_lean_tree
from skillsync.sync.merged_pointers import settle_pointers
from skillsync.sync.named import require_known, surveyed, unknown_names
from skillsync.sync.narrow import Changes, narrowed
from skillsync.sync.pull_datasets import DatasetPuller
from skillsync.sync.pull_skills import SkillPull
from skillsync.sync.rename_here import rename_here, renamed_to
from skillsync.sync.report import Kind, Report, failed
from skillsync.sync.settle import settle_parked
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.so_far import says_what_was_done
from skillsync.sync.stopping import refuse_backwards
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.errors import SkillsyncError


@dataclass(frozen=True)
class PullRequest:
    """What the user asked for.

    ``prune`` moves folders of confirmed archived objects to a rescue copy; ``max_removals`` is the exact count of
    skills, or of lines of one dataset, that may go above the ceiling. Unattended: ``hold`` keeps objects back,
    ``park`` leaves the files of a conflict without markers, and ``command`` is who holds the lock. ``changes`` is what
    is not as it was when a pull had looked at everything, HEAD being the same: where that can be, the others are left
    alone, and the report's ``looked_at`` says so.
    """

    names: Sequence[str] = ()
    prune: bool = False
    max_removals: int | None = None
    hold: Hold | None = None
    park: bool = False
    command: str = "pull"
    changes: Changes | None = None
    clock: Clock = field(default_factory=SystemClock)


def pull(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: PullRequest,
    *,
    writer: Writer | None = None,
) -> Report:
    """Merge the remote into the working tree; each object alone, nothing overwritten without a rescue copy.

    Raises RefusedForSafety when the remote seems to be emptied, RemoteError when the run cannot go on.
    """
    writer = writer or Writer(workspace, clock=request.clock)
    report = Report("pull", target.name)
    with locked(workspace.repo.state_dir, command=request.command):
        for subject in writer.recover():
            report.note(f"finished what an interrupted command had begun: {subject}")
        with says_what_was_done(writer), connect(target) as remote:
            settle_pointers(workspace, writer, report)
            settle_parked(workspace, target, writer, report)
            listing, narrow = None, None
            if request.changes is not None:
                listing = remote.skills.list()
                narrow = narrowed(workspace, target, listing, request.changes)
            if narrow is None:
                tree = read_lean_tree(workspace)
            else:
                listing, report.looked_at = narrow.listing, narrow.skills
                tree = read_lean_tree(workspace, only=narrow.skills.dirs, look=narrow.look)
            try:
                skills = survey_skills(
                    workspace,
                    target,
                    tree,
                    remote=remote,
                    names=request.names,
                    confirm=request.clock,
                    listing=listing,
                    max_removals=request.max_removals,
                )
                refuse_backwards(skills)
                names = list(request.names)
                # Again, because one that was renamed may have made room for another; the last look says what could not.
                while rename_here(workspace, target, writer, tree, skills, report):
                    tree = read_lean_tree(workspace)
                    names += renamed_to(skills) if names else ()
                    skills = survey_skills(
                        workspace,
                        target,
                        tree,
                        remote=remote,
                        names=names,
                        confirm=request.clock,
                        max_removals=request.max_removals,
                    )
                report.problems.extend(skills.problems)
                if unknown_names(workspace, request.names, surveyed(workspace, skills)):
                    # They may be datasets; if not, nothing is written at all.
                    datasets = survey_datasets(
                        workspace, target, tree, remote=remote, names=request.names
                    )
                    require_known(workspace, request.names, surveyed(workspace, skills, datasets))
                with writer.batched() as late:
                    SkillPull(
                        workspace,
                        target,
                        remote,
                        writer,
                        report,
                        prune=request.prune,
                        hold=request.hold,
                        park=request.park,
                        max_removals=request.max_removals,
                    ).run(skills)
                _correct(report, Kind.SKILL, late)
                if narrow is None:
                    _pull_datasets(workspace, target, remote, tree, request, writer, report)
            finally:
                writer.stage()
        Rescue(workspace.repo).expire(request.clock.now())
    return report


def _pull_datasets(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    tree: LocalTree,
    request: PullRequest,
    writer: Writer,
    report: Report,
) -> None:
    datasets = survey_datasets(
        workspace,
        target,
        tree,
        remote=remote,
        names=request.names,
        confirm=request.clock,
        max_removals=request.max_removals,
    )
    if request.hold is not None:
        hold_back_from_pull(datasets, request.hold, report)
    with writer.batched() as late:
        DatasetPuller(
            workspace,
            target,
            remote,
            writer,
            report,
            prune=request.prune,
            max_removals=request.max_removals,
        ).run(datasets)
    _correct(report, Kind.DATASET, late)


def _correct(report: Report, kind: Kind, late: Mapping[str, SkillsyncError]) -> None:
    """Replace what was reported as done by the failure that showed when the batch was written."""
    for at, outcome in enumerate(report.outcomes):
        error = late.get(outcome.subject)
        if outcome.kind is kind and outcome.changed and error is not None:
            report.outcomes[at] = failed(kind, outcome.subject, error, row=outcome.row)
