"""Decides whether an old version of a skill may come back, and what that changes; reads only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import BadAnswer, RefusedForSafety, UsageError
from skillsync.formats.canonical import skill_digest
from skillsync.formats.skill_folder import write_skill
from skillsync.model import FileChange, Folder, RemoteSkill
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.describe import changed_units
from skillsync.sync.local import LocalSkill, read_tree
from skillsync.sync.parked import parked_skills
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.revision import find_skill, read_version
from skillsync.sync.settle import refuse_unmerged, still_open
from skillsync.sync.skill_outcomes import blocked, invalid, invalid_pointer
from skillsync.sync.skill_view import SkillView
from skillsync.sync.stopping import stop_target
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import folder_after

if TYPE_CHECKING:
    from skillsync.config import Target


@dataclass(frozen=True)
class RestoreRequest:
    """What the user asked for.

    ``files_only`` writes the content here and publishes nothing; ``from_branch`` publishes in team mode, too;
    ``discard_edits`` lets it replace edits of the files that were never published.
    """

    name: str
    number: int
    dry_run: bool = False
    files_only: bool = False
    from_branch: bool = False
    discard_edits: bool = False
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True)
class Restoration:
    """What is going to be done: the version's content, and the folder before and after.

    ``publishes``: the latest version says something else; ``units`` are what then changes there.
    """

    view: SkillView
    content: RemoteSkill
    before: Folder
    changes: tuple[FileChange, ...]
    after: LocalSkill
    publishes: bool
    units: tuple[str, ...]
    loses_edits: bool

    @property
    def number(self) -> int:
        """The version that is restored."""
        return self.content.version.number


def prepare(
    workspace: Workspace, target: Target, remote: Remote, request: RestoreRequest
) -> Restoration | Outcome:
    """Look at all sides and decide: a restoration, or the outcome that says why there is none."""
    tree = read_tree(workspace)
    view = find_skill(workspace, target, remote, request.name, tree=tree)
    if view.verdict.state is SkillState.BACKWARDS:
        raise stop_target(view)
    for parked in parked_skills(workspace):
        if parked.name == view.name:
            return still_open(parked)
    if view.problem is not None:
        return invalid_pointer(view)
    local = view.local
    if local is None:
        raise UsageError(
            f"{view.name} is not in the working tree",
            subject=view.name,
            unchanged="Nothing was changed.",
            hint=f"skillsync pull {view.name}"
            if view.base is None
            else f"git checkout -- {view.dir}",
        )
    refuse_unmerged(workspace.repo.index.unmerged(), local.dir, view.name)
    if not local.is_valid:
        return invalid(view)
    if not view.facts.is_latest_taken_in:
        return _not_taken_in(workspace, remote, request, view)
    if workspace.is_team:
        _require_committed(workspace, local)
    return _restoration(workspace, remote, view, local, request)


def _restoration(
    workspace: Workspace,
    remote: Remote,
    view: SkillView,
    local: LocalSkill,
    request: RestoreRequest,
) -> Restoration | Outcome:
    assert view.base is not None
    content = read_version(workspace, remote, view, request.number)
    changes = write_skill(local.reading, content.content, edges=content.edges)
    after = LocalSkill(folder_after(local.folder, changes), local.carry)
    if not after.is_valid:
        return replace(invalid(replace(view, local=after)), did="not restored: it is invalid today")
    skill = after.reading.skill
    wanted = skill_digest(content.content, stand_in=skill.extra if skill else None)
    if after.digest != wanted:
        raise BadAnswer(
            f"v{content.version.number} would read back different from what it is",
            subject=view.name,
            unchanged="Nothing was changed.",
            hint=f"skillsync diff {view.name}@{content.version.number}",
        )
    loses = local.digest not in {view.base.digest, wanted}
    if loses and not request.discard_edits:
        raise RefusedForSafety(
            f"{view.name} has edits here that were never published, and restoring would replace them",
            subject=view.name,
            unchanged="Nothing was published and no file was written.",
            hint=f"skillsync push {view.name} first, or --discard-edits (a rescue copy is kept)",
        )
    same = wanted == view.base.digest
    if same and not changes:
        return Outcome(
            Kind.SKILL,
            view.name,
            f"v{view.base.number} holds the content of v{content.version.number} already",
            row=view.verdict.row,
            state=str(view.verdict.state),
        )
    units: list[str] = []
    if not same:
        latest = local.reading.skill if local.digest == view.base.digest else None
        latest = latest or read_version(workspace, remote, view, None).content
        units = changed_units(latest, content.content)
    return Restoration(view, content, local.folder, changes, after, not same, tuple(units), loses)


def _not_taken_in(
    workspace: Workspace,
    remote: Remote,
    request: RestoreRequest,
    view: SkillView,
) -> Outcome:
    """The remote has something that this tree never had in front of it: as push, say who changed what."""
    if view.base is None:
        return Outcome(
            Kind.SKILL,
            view.name,
            "not restored: it was never linked",
            row=view.verdict.row,
            state=str(view.verdict.state),
            exit=view.verdict.push_exit or 3,
            code=view.verdict.code or "E-REMOTE-AHEAD",
            fix=view.verdict.fix,
        )
    outcome = blocked(workspace, remote, view, now=request.clock.now())
    code = outcome.code if outcome.code.startswith("E-") else "E-REMOTE-AHEAD"
    return replace(outcome, code=code)


def _require_committed(workspace: Workspace, local: LocalSkill) -> None:
    """Team mode starts from HEAD: what is edited and not committed was in front of nobody else."""
    if not workspace.repo.index.changed_paths((local.dir,)):
        return
    raise RefusedForSafety(
        f"{local.name} has changes that are not committed",
        subject=local.name,
        unchanged="Nothing was published and no file was written.",
        hint="commit or stash them first",
    )
