"""Links what exists on both sides and was never linked: merged two ways, or one side by a person's word (S5, D3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import NotFound, UsageError
from skillsync.formats.skill_folder import write_skill
from skillsync.model import FileChange
from skillsync.repo.lock import locked
from skillsync.sync.adopt_dataset import DatasetAdopter, Way
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.local import read_lean_tree
from skillsync.sync.named import in_tree, name_of
from skillsync.sync.parked import parked_skills
from skillsync.sync.pull_skills import SkillPull
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.settle import refuse_unmerged
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target

__all__ = ["Adopter", "Way", "adopt"]

UNLINKED = {
    SkillState.SAME_UNLINKED,
    SkillState.UNRELATED,
    SkillState.RECREATED_EQUAL,
    SkillState.RECREATED_DIFFERENT,
}


@dataclass
class Adopter:
    """One `adopt` of one object."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    report: Report
    clock: Clock

    def skill(self, view: SkillView, way: Way | None) -> Outcome:
        """Link one skill; without ``way`` only an equal one is linked."""
        self._refuse_open(view)
        content = read_version(self.workspace, self.remote, view)
        view.content, view.version = content, content.version
        local = view.local
        if local is None:
            return self._take_up(view, way)
        equal = local.digest == view.digest_of(content)
        if way is None and not equal:
            raise UsageError(
                f"{view.name} differs on the two sides and was never linked",
                unchanged="Nothing was changed.",
                hint=f"skillsync adopt {view.name} --merge, --local or --remote "
                f"(skillsync diff {view.name} shows how they differ)",
            )
        if way is Way.MERGE and not equal:
            return self._pull().merge_with(view, (), content)
        changes: tuple[FileChange, ...] = ()
        if way is Way.REMOTE and not equal:
            changes = write_skill(local.reading, content.content, edges=content.edges)
        line = skill_line(
            self.target.place,
            content.version,
            view.digest_of(content),
            stamp_for(self.workspace, folder_after(local.folder, changes)),
        )
        change = pointer_change(
            local.folder, line, place=self.target.place, places=self.workspace.settings.places
        )
        self.writer.write(view.name, local.folder, changes, [change], reason=f"adopt {way or ''}")
        words = f"linked to v{content.version.number}"
        if way is Way.LOCAL and not equal:
            words += "; your text will replace it with the next push"
        return Outcome(Kind.SKILL, view.name, words, row="S5", state="adopted", changed=True)

    def _take_up(self, view: SkillView, way: Way | None) -> Outcome:
        """A folder that was removed here, while the skill was made again there: the remote's, or nothing (S19)."""
        if way is Way.REMOTE:
            return self._pull().write_new(view)
        raise UsageError(
            f"{view.name} is not here; there is nothing to link",
            unchanged="Nothing was changed.",
            hint=f"skillsync adopt {view.name} --remote writes it here",
        )

    def _pull(self) -> SkillPull:
        return SkillPull(self.workspace, self.target, self.remote, self.writer, self.report)

    def _refuse_open(self, view: SkillView) -> None:
        """Raise when the folder is in the middle of a conflict: linking it would settle that unseen."""
        if any(parked.name == view.name for parked in parked_skills(self.workspace)):
            raise UsageError(
                f"{view.name} is in conflict; settle that first",
                unchanged="Nothing was changed.",
                hint=f"skillsync conflicts {view.name}",
            )
        refuse_unmerged(self.workspace.repo.index.unmerged(), view.dir or "", view.name)


def adopt(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    *,
    name: str,
    way: Way | None = None,
    dataset_id: str | None = None,
    clock: Clock | None = None,
) -> Report:
    """Link one object, given by name or folder. Raises UsageError when it is linked already, or when a way has to be chosen."""
    clock = clock or SystemClock()
    report = Report("adopt", target.name)
    writer = Writer(workspace, clock=clock)
    with locked(workspace.repo.state_dir, command="adopt"), connect(target) as remote:
        writer.recover()
        adopter = Adopter(workspace, target, remote, writer, report, clock)
        try:
            tree = read_lean_tree(workspace)
            name = name_of(workspace, name, in_tree(tree))
            is_skill = any(skill.name == name for skill in (*tree.skills, *tree.gone_skills))
            if not is_skill or dataset_id:
                report.add(
                    DatasetAdopter(workspace, target, remote, writer).run(
                        tree, name, dataset_id, way
                    )
                )
                return report
            survey = survey_skills(workspace, target, tree, remote=remote, names=[name])
            view = survey.views.get(name)
            if view is None or view.version is None:
                raise NotFound(
                    f"{name} is not on the server (or not in this target's scope)",
                    subject=name,
                    unchanged="Nothing was changed.",
                    hint=f"skillsync push {name}",
                )
            if view.verdict.state not in UNLINKED and view.base is not None and way is None:
                raise UsageError(
                    f"{name} is linked already ({view.verdict.state})",
                    unchanged="Nothing was changed.",
                    hint="skillsync status",
                )
            report.add(adopter.skill(view, way))
        finally:
            writer.stage()
    return report
