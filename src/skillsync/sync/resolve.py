"""Settles conflicts by a person's word: the file as it is, or one side, or both, or everything undone (sync.md 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.merge_sides import Side, take_text_side
from skillsync.core.reconcile_skill import PullStep, SkillState
from skillsync.errors import InvalidContent, UsageError
from skillsync.formats.skill_folder import write_skill
from skillsync.model import FileChange, Folder, SkillPointer, UnitKind
from skillsync.repo.conflicts import ConflictStore
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import refuse_problem, survey_datasets
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import join, read_lean_tree
from skillsync.sync.parked import Parked, has_markers, parked_skills
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.resolve_dataset import DatasetResolver, Edit
from skillsync.sync.settle import (
    forget_abandoned,
    give_up,
    mark_given_up,
    settle,
    settle_paths,
)
from skillsync.sync.skill_conflict import SKILL_MD
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView
from skillsync.sync.unmarked import unmarked_conflicts
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from pathlib import Path

    from skillsync.config import Target


class Choice(StrEnum):
    """How a conflict is settled."""

    AS_IS = "as it is"
    LOCAL = "local"
    REMOTE = "remote"
    UNION = "union"
    ABORT = "abort"
    EDIT = "edit"


@dataclass
class Resolver:
    """One `resolve` of one object; ``unit`` is a path of a skill or a key of a dataset, "" for all of it.

    ``edit`` lets a person write a row (Choice.EDIT).
    """

    workspace: Workspace
    target: Target
    connect: Connect
    name: str
    unit: str
    choice: Choice
    clock: Clock
    edit: Edit | None = None

    def run(self) -> Report:
        """Settle it. Raises UsageError when there is nothing of that name to settle."""
        report = Report("resolve", self.target.name)
        writer = Writer(self.workspace, clock=self.clock)
        with locked(self.workspace.repo.state_dir, command="resolve"):
            writer.recover()
            for name in forget_abandoned(self.workspace):
                report.note(f"{name}: its conflict was thrown away with git; pull shows it again")
            parked = self._find()
            if parked is None and self.name in unmarked_conflicts(self.workspace):
                if self._show(report, writer):
                    writer.stage()
                    return report
                parked = self._find()
            try:
                if parked is not None:
                    report.add(self._parked(parked, writer))
                else:
                    self._remote(report, writer)
            finally:
                writer.stage()
        return report

    def _find(self) -> Parked | None:
        return next((one for one in parked_skills(self.workspace) if one.name == self.name), None)

    def _show(self, report: Report, writer: Writer) -> bool:
        """Show in its files a conflict that was found unattended, as it is now; returns whether that ended it.

        Raises UsageError without a side: the file holds only what was here, and taking it as it is would pass over the
        remote's edits that nobody has seen.
        """
        if self.choice is Choice.ABORT:
            ConflictStore(self.workspace.repo).delete(self.name)
            report.add(
                _done(
                    self.name,
                    "forgotten: the files were never changed; the next pull finds it again",
                )
            )
            return True
        if self.choice in {Choice.AS_IS, Choice.EDIT}:
            raise UsageError(
                f"{self.name}: this conflict was found by watch, and it does not show in your files yet",
                unchanged="The conflict stays open.",
                hint=f"skillsync pull {self.name} shows it in the files; or add --local, --remote or --union",
            )
        from skillsync.sync.pull_skills import SkillPull

        shown = Report("pull", self.target.name)
        with self.connect(self.target) as remote:
            survey = survey_skills(
                self.workspace,
                self.target,
                read_lean_tree(self.workspace),
                remote=remote,
                names=[self.name],
                confirm=self.clock,
            )
            SkillPull(self.workspace, self.target, remote, writer, shown).run(survey)
        if self._find() is not None:
            return False
        for outcome in shown.outcomes:
            report.add(outcome)  # it merged after all, or is something else by now
        return True

    # -------------------------------------------------------------- a marked skill

    def _parked(self, parked: Parked, writer: Writer) -> Outcome:
        if self.choice is Choice.ABORT:
            return self._abort(parked, writer)
        if self.choice is Choice.EDIT:
            raise self._not_edited(parked)
        changes, settled = [], {}
        for path in self._paths(parked):
            now, after = self._settled_file(parked, path)
            settled[path] = after
            if after != now:
                changes.append(FileChange(path, now, after))
        folder = Folder(parked.dir, ())
        writer.write(self.name, folder, changes, (), reason=f"resolve {self.choice}")
        settle_paths(self.workspace, parked, settled)
        again = next((one for one in parked_skills(self.workspace) if one.name == self.name), None)
        if again is not None and again.is_settled:
            settle(self.workspace, again, writer)
            did = f"resolved ({self.choice}): v{parked.pointer.number} is taken in"
            return _done(self.name, did)
        left = ", ".join(again.unsettled) if again else ""
        return _done(f"{self.name}:{self.unit}", f"resolved ({self.choice}); still open: {left}")

    def _paths(self, parked: Parked) -> list[str]:
        """Return the files that are meant: the one that was named, else those that nobody decided about yet."""
        undecided = [path.removeprefix(join(parked.dir, "")) for path in parked.unsettled]
        if not self.unit:
            return undecided or [*parked.in_conflict]
        if self.unit in {*undecided, *parked.in_conflict}:
            return [self.unit]
        raise UsageError(
            f"{self.name} has no conflict in {self.unit!r} (there: {', '.join(parked.in_conflict)})",
            unchanged="Nothing was changed.",
            hint=f"skillsync conflicts {self.name}",
        )

    def _not_edited(self, parked: Parked) -> UsageError:
        """The error for --edit where it was not carried out before: a skill's files are opened where they lie."""
        meant = self._paths(parked)
        named = f"{self.name}:{self.unit}" if self.unit else self.name
        waiting = [path for path in meant if join(parked.dir, path) in parked.unsettled]
        does = f"edit {', '.join(join(parked.dir, path) for path in meant)}, then skillsync resolve"
        return UsageError(
            f"{named}: its files are not edited here, but where they lie"
            if waiting
            else f"{named}: nothing is left to edit: {', '.join(meant)} was settled already",
            unchanged="Nothing was changed.",
            hint=f"{does} {named}" if waiting else f"skillsync conflicts {self.name}",
        )

    def _settled_file(self, parked: Parked, path: str) -> tuple[bytes | None, bytes | None]:
        """Return one file as it is and as the choice makes it. Raises InvalidContent while markers would stay in it."""
        now = _content(self.workspace.repo.root / parked.dir / path)
        is_marked = join(parked.dir, path) in parked.marked
        as_it_is = self.choice is Choice.AS_IS
        after = now if as_it_is else self._chosen(parked, path, now, is_marked=is_marked)
        if after is not None and (has_markers(after) or (is_marked and as_it_is)):
            raise InvalidContent(
                "conflict markers are still in the file",
                subject=self.name,
                path=join(parked.dir, path),
                unchanged="The conflict stays open.",
                hint=f"edit it, or skillsync resolve {self.name} --local, --remote or --union",
            )
        return now, after

    def _chosen(
        self, parked: Parked, path: str, now: bytes | None, *, is_marked: bool
    ) -> bytes | None:
        """Return a file as one side has it, or both; edits outside the markers stay."""
        if self.choice is Choice.UNION and (now is None or _has_keys(parked, path)):
            raise UsageError(
                f"--union is for texts: {path} has a conflict of values, of which one has to be chosen",
                subject=self.name,
                unchanged="The conflict stays open.",
                hint=f"edit {join(parked.dir, path)}, or skillsync resolve {self.name} --local or --remote",
            )
        if now is not None and is_marked:
            side = Side(str(self.choice))
            return take_text_side(now.decode("utf-8"), side).encode()
        if self.choice is Choice.UNION:
            return now
        blob = (parked.sides(path) or {}).get(str(self.choice))
        return self._blob(blob) if blob is not None else None

    def _blob(self, blob: str) -> bytes:
        return self.workspace.repo.read_blobs([blob])[blob]

    def _abort(self, parked: Parked, writer: Writer) -> Outcome:
        """Bring back every file as it was before the pull; the pointer never moved.

        The record says so first: stages that ended while it was being carried out are never taken for a decision.
        """
        changes = []
        for one in parked.changes:
            path, blob, mode = str(one.get("path")), one.get("blob"), one.get("executable")
            now = _content(self.workspace.repo.root / parked.dir / path)
            old = self._blob(str(blob)) if blob is not None else None
            if now != old or (old is not None and mode is not None):
                is_executable = mode if isinstance(mode, bool) and old is not None else None
                changes.append(FileChange(path, now, old, executable=is_executable))
        mark_given_up(self.workspace, parked)
        writer.write(self.name, Folder(parked.dir, ()), changes, (), reason="resolve --abort")
        give_up(self.workspace, parked)
        return _done(self.name, "aborted: the files are as they were before the pull")

    # -------------------------------------------------------------- what needs the remote

    def _remote(self, report: Report, writer: Writer) -> None:
        tree = read_lean_tree(self.workspace)
        with self.connect(self.target) as remote:
            skills = survey_skills(
                self.workspace,
                self.target,
                tree,
                remote=remote,
                names=[self.name],
                confirm=self.clock,
            )
            view = skills.views.get(self.name)
            if view is not None and view.error is not None:
                raise view.error
            if view is not None and view.verdict.state in {
                SkillState.DELETED_BUT_EDITED,
                SkillState.ARCHIVED,
                SkillState.EDITED_BUT_ARCHIVED,
            }:
                report.add(self._skill(view, remote, writer))
                return
            if view is not None and view.verdict.pull in {PullStep.CONFLICT, PullStep.REFUSE}:
                # `conflicts` lists it, too, and says what helps.
                raise UsageError(
                    f"{self.name} is {view.verdict.state}, which a side alone does not settle",
                    subject=self.name,
                    unchanged="Nothing was changed.",
                    hint=view.verdict.fix,
                )
            datasets = survey_datasets(
                self.workspace,
                self.target,
                tree,
                remote=remote,
                names=[self.name],
                confirm=self.clock,
            )
            dataset = next((one for one in datasets.views if one.slug == self.name), None)
            if dataset is None or dataset.local is None:
                raise UsageError(
                    f"there is no conflict in {self.name!r}",
                    unchanged="Nothing was changed.",
                    hint="skillsync conflicts",
                )
            if dataset.error is not None:
                raise dataset.error
            if dataset.local.problem is not None:
                raise dataset.local.problem
            refuse_problem(dataset)
            report.add(self._dataset(dataset, writer))

    def _skill(self, view: SkillView, remote: Remote, writer: Writer) -> Outcome:
        """S14 to S16: a deletion, mostly against an edit, which has no file to put markers into."""
        if self.choice not in {Choice.LOCAL, Choice.REMOTE}:
            raise UsageError(
                f"{self.name}: say which side counts",
                unchanged="Nothing was changed.",
                hint=view.verdict.fix,
            )
        if view.verdict.state in {SkillState.ARCHIVED, SkillState.EDITED_BUT_ARCHIVED}:
            return self._archived_skill(view, writer)
        content = read_version(self.workspace, remote, view)
        directory = view.dir or f"{self.workspace.settings.skills[0]}/{view.name}"
        if self.choice is Choice.REMOTE:
            folder = Folder(directory, (), self.workspace.head_pointers.get(directory))
            changes = write_skill(None, content.content, edges=content.edges)
            did = f"restored at v{content.version.number}"
        else:
            folder, changes = Folder(directory, (), None), ()
            did = f"v{content.version.number} is taken in; its removal is pending"
        path = self.workspace.repo.root / directory / ".skillsync"
        folder = replace(folder, pointer=path.read_bytes() if path.is_file() else None)
        line = skill_line(
            self.target.place,
            content.version,
            view.digest_of(content),
            stamp_for(self.workspace, folder_after(folder, changes)),
        )
        change = pointer_change(
            folder, line, place=self.target.place, places=self.workspace.settings.places
        )
        writer.write(view.name, folder, changes, [change], reason=f"resolve {self.choice}")
        return _done(view.name, did)

    def _archived_skill(self, view: SkillView, writer: Writer) -> Outcome:
        assert view.local is not None
        folder, base = view.local.folder, view.base
        if self.choice is Choice.LOCAL:
            assert base is not None  # else nothing would say that it was there
            line = SkillPointer(
                self.target.place,
                base.number,
                base.id,
                base.first,
                base.digest,
                stamp_for(self.workspace, folder),
                gone=True,
            )
            change = pointer_change(
                folder, line, place=self.target.place, places=self.workspace.settings.places
            )
            writer.write(view.name, folder, (), [change], reason="resolve local")
            when = "once its .skillsync is committed, " if self.workspace.is_team else ""
            return _done(view.name, f"{when}the next push creates it again, as a new skill")
        changes = [
            FileChange(entry.path, entry.data, None)
            for entry in folder.entries
            if entry.kind == "file" and entry.data is not None
        ]
        drop = pointer_change(folder, None, place=self.target.place)
        writer.write(view.name, folder, changes, [drop], reason="resolve remote")
        return _done(view.name, "removed locally, as it was remotely (a rescue copy is kept)")

    # -------------------------------------------------------------- datasets

    def _dataset(self, view: DatasetView, writer: Writer) -> Outcome:
        if self.choice in {Choice.UNION, Choice.ABORT}:
            raise UsageError(
                f"--{self.choice} is for texts; a row is taken as one side has it, or as the file has it",
                unchanged="Nothing was changed.",
                hint=f"skillsync resolve {self.name} --local or --remote",
            )
        if self.choice is Choice.EDIT and not self.unit:
            raise UsageError(
                f"--edit is for one row of a dataset: {self.name}:KEY",
                unchanged="Nothing was changed.",
                hint=f"skillsync conflicts {self.name}",
            )
        if self.choice is Choice.EDIT:
            edit = self.edit
            return DatasetResolver(self.workspace, self.target, writer, self.unit, None, edit).run(
                view
            )
        side = None if self.choice is Choice.AS_IS else str(self.choice)
        return DatasetResolver(self.workspace, self.target, writer, self.unit, side).run(view)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _has_keys(parked: Parked, path: str) -> bool:
    """Tell whether a file's conflict is about frontmatter values, which cannot stand one after the other."""
    listed = parked.record.get("conflicts")
    kinds = (
        {one.get("kind") for one in listed if isinstance(one, dict)}
        if isinstance(listed, list)
        else set()
    )
    return path == SKILL_MD and bool(kinds & {UnitKind.FRONTMATTER, UnitKind.EXTRA})


def _done(subject: str, did: str) -> Outcome:
    return Outcome(Kind.SKILL, subject, did, state="resolved", changed=True)


def resolve(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    *,
    name: str,
    choice: Choice,
    clock: Clock | None = None,
    edit: Edit | None = None,
) -> Report:
    """Settle the conflict in ``NAME``, ``NAME:PATH`` or ``NAME:KEY``; ``edit`` lets a person write a row.

    Raises UsageError when there is none, InvalidContent while our markers are in the file.
    """
    subject, _, unit = name.partition(":")
    clock = clock or SystemClock()
    return Resolver(workspace, target, connect, subject, unit, choice, clock, edit).run()
