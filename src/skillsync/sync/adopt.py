"""Links what exists on both sides and was never linked: merged two ways, or one side by a person's word (S5, D3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import NotFound, UsageError
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.skill_folder import write_skill
from skillsync.model import FileChange
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_pointer import dataset_line, pointer_changes
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import UNKNOWN_INFO
from skillsync.sync.local import LocalTree, read_tree
from skillsync.sync.named import in_tree, name_of
from skillsync.sync.parked import parked_skills
from skillsync.sync.pull_skills import SkillPull
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.settle import refuse_unmerged
from skillsync.sync.skill_survey import SkillView, read_version, survey_skills
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target

UNLINKED = {
    SkillState.SAME_UNLINKED,
    SkillState.UNRELATED,
    SkillState.RECREATED_EQUAL,
    SkillState.RECREATED_DIFFERENT,
}


class Way(StrEnum):
    """How two unrelated contents become one."""

    MERGE = "merge"
    LOCAL = "local"
    REMOTE = "remote"


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
            raise UsageError(
                f"{view.name} is not here; there is nothing to link",
                unchanged="Nothing was changed.",
                hint=f"skillsync pull {view.name}",
            )
        equal = local.digest == view.digest_of(content)
        if way is None and not equal:
            raise UsageError(
                f"{view.name} differs on the two sides and was never linked",
                unchanged="Nothing was changed.",
                hint=f"skillsync adopt {view.name} --merge, --local or --remote "
                f"(skillsync diff {view.name} shows how they differ)",
            )
        if way is Way.MERGE and not equal:
            pull = SkillPull(self.workspace, self.target, self.remote, self.writer, self.report)
            return pull.merge_with(view, None, content)
        changes: tuple[FileChange, ...] = ()
        if way is Way.REMOTE and not equal:
            changes = write_skill(local.reading, content.content, edges=content.edges)
        line = skill_line(
            self.target.place,
            content.version,
            view.digest_of(content),
            stamp_for(self.workspace, folder_after(local.folder, changes)),
        )
        change = pointer_change(local.folder, line, place=self.target.place)
        self.writer.write(view.name, local.folder, changes, [change], reason=f"adopt {way or ''}")
        words = f"linked to v{content.version.number}"
        if way is Way.LOCAL and not equal:
            words += "; your text will replace it with the next push"
        return Outcome(Kind.SKILL, view.name, words, row="S5", state="adopted", changed=True)

    def _refuse_open(self, view: SkillView) -> None:
        """Raise when the folder is in the middle of a conflict: linking it would settle that unseen."""
        if any(parked.name == view.name for parked in parked_skills(self.workspace)):
            raise UsageError(
                f"{view.name} is in conflict; settle that first",
                unchanged="Nothing was changed.",
                hint=f"skillsync conflicts {view.name}",
            )
        refuse_unmerged(self.workspace.repo.unmerged(), view.dir or "", view.name)

    def dataset(self, tree: LocalTree, name: str, dataset_id: str | None) -> Outcome:
        """Link one dataset folder to the remote dataset of that id; rows are compared by the next pull."""
        survey = survey_datasets(
            self.workspace, self.target, tree, remote=self.remote, names=[name]
        )
        view = next((one for one in survey.views if one.slug == name and one.local), None)
        if view is None or view.local is None:
            raise UsageError(
                f"there is no skill and no dataset named {name!r} here",
                unchanged="Nothing was changed.",
                hint="skillsync status",
            )
        if view.local.problem is not None:
            raise view.local.problem
        ids = [candidate.id for candidate in view.candidates]
        chosen = dataset_id or (ids[0] if len(ids) == 1 else None)
        if chosen is None:
            raise UsageError(
                f"say which dataset {name!r} is" + (f": {', '.join(ids)}" if ids else ""),
                unchanged="Nothing was changed.",
                hint=f"skillsync adopt {name} --id UUID",
            )
        remote = self.remote.datasets.read(chosen)
        base = {}
        for item in self.remote.datasets.list_rows(remote.id).items:
            digest = short(row_digest(item.row))
            if view.local.row_digests.get(item.row.key) == digest:
                base[item.row.key] = digest
        same_info = info_digest(remote.info) == view.local.info_digest
        # No base is known for what differs: a digest that neither side has makes it a conflict, not a take-over.
        meta = info_digest(remote.info) if same_info else UNKNOWN_INFO
        line = dataset_line(self.target.place, dataset=remote.id, info=meta, base=base)
        folder = view.local.folder
        pointers = pointer_changes(self.workspace, self.target, folder, folder, line, base)
        self.writer.write(name, folder, (), pointers, reason="adopt")
        return Outcome(
            Kind.DATASET,
            name,
            f"linked to {remote.id}; {len(base)} rows are equal, the rest is compared by pull",
            row="D3",
            state="adopted",
            changed=True,
        )


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
            tree = read_tree(workspace)
            name = name_of(workspace, name, in_tree(tree))
            is_skill = any(skill.name == name for skill in tree.skills)
            if not is_skill or dataset_id:
                report.add(adopter.dataset(tree, name, dataset_id))
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
