"""Settles conflicts by a person's word: the file as it is, or one side, or both, or everything undone (sync.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.merge_sides import Side, take_text_side
from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import InvalidContent, UsageError
from skillsync.formats.skill_folder import write_skill
from skillsync.model import FileChange, Folder, UnitKind
from skillsync.repo.conflicts import ConflictStore
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import refuse_problem, survey_datasets
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import join, read_tree
from skillsync.sync.parked import (
    Parked,
    forget_abandoned,
    has_markers,
    parked_skills,
    settle,
    settle_paths,
)
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.resolve_dataset import DatasetResolver
from skillsync.sync.skill_conflict import SKILL_MD
from skillsync.sync.skill_survey import SkillView, survey_skills
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target


class Choice(StrEnum):
    """How a conflict is settled."""

    AS_IS = "as it is"
    LOCAL = "local"
    REMOTE = "remote"
    UNION = "union"
    ABORT = "abort"


@dataclass
class Resolver:
    """One `resolve` of one object; ``unit`` is a path of a skill or a key of a dataset, "" for all of it."""

    workspace: Workspace
    target: Target
    connect: Connect
    name: str
    unit: str
    choice: Choice
    clock: Clock

    def run(self) -> Report:
        """Settle it. Raises UsageError when there is nothing of that name to settle."""
        report = Report("resolve", self.target.name)
        writer = Writer(self.workspace, clock=self.clock)
        with locked(self.workspace.repo.state_dir, command="resolve"):
            writer.recover()
            for name in forget_abandoned(self.workspace):
                report.note(f"{name}: its conflict was thrown away with git; pull shows it again")
            parked = next(
                (one for one in parked_skills(self.workspace) if one.name == self.name), None
            )
            try:
                if parked is not None:
                    report.add(self._parked(parked, writer))
                else:
                    self._remote(report, writer)
            finally:
                writer.stage()
        return report

    # -------------------------------------------------------------- a marked skill

    def _parked(self, parked: Parked, writer: Writer) -> Outcome:
        if self.choice is Choice.ABORT:
            return self._abort(parked, writer)
        sides = parked.record.get("sides")
        assert isinstance(sides, dict)
        paths = [path for path in sides if self.unit in {"", path}]
        if not paths:
            raise UsageError(
                f"{self.name} has no conflict in {self.unit!r} (there: {', '.join(sides)})",
                unchanged="Nothing was changed.",
                hint=f"skillsync conflicts {self.name}",
            )
        changes = []
        for path in paths:
            blobs = sides[path]
            assert isinstance(blobs, dict)
            changes += self._settled_file(parked, path, blobs)
        folder = Folder(parked.dir, ())
        writer.write(self.name, folder, changes, (), reason=f"resolve {self.choice}")
        settle_paths(self.workspace, parked, paths)
        again = next((one for one in parked_skills(self.workspace) if one.name == self.name), None)
        if again is not None and again.is_settled:
            settle(self.workspace, again, writer)
            did = f"resolved ({self.choice}): v{parked.pointer.number} is taken in"
            return _done(self.name, did)
        left = ", ".join(again.unsettled) if again else ""
        return _done(f"{self.name}:{self.unit}", f"resolved ({self.choice}); still open: {left}")

    def _settled_file(
        self, parked: Parked, path: str, blobs: Mapping[str, object]
    ) -> list[FileChange]:
        """Return what the choice makes of one file. Raises InvalidContent while our markers would stay in it."""
        full = self.workspace.repo.root / parked.dir / path
        now = full.read_bytes() if full.is_file() else None
        after = now if self.choice is Choice.AS_IS else self._chosen(parked, path, blobs, now)
        if after is not None and has_markers(after):
            raise InvalidContent(
                "our conflict markers are still in the file",
                subject=self.name,
                path=join(parked.dir, path),
                unchanged="The conflict stays open.",
                hint=f"edit it, or skillsync resolve {self.name} --local, --remote or --union",
            )
        return [FileChange(path, now, after)] if after != now else []

    def _chosen(
        self, parked: Parked, path: str, blobs: Mapping[str, object], now: bytes | None
    ) -> bytes | None:
        """Return a file as one side has it, or both; edits outside the markers stay."""
        if self.choice is Choice.UNION and (now is None or _has_keys(parked, path)):
            raise UsageError(
                f"--union is for texts: {path} has a conflict of values, of which one has to be chosen",
                subject=self.name,
                unchanged="The conflict stays open.",
                hint=f"edit {join(parked.dir, path)}, or skillsync resolve {self.name} --local or --remote",
            )
        if now is not None and has_markers(now):
            side = Side(str(self.choice))
            return take_text_side(now.decode("utf-8"), side).encode()
        if self.choice is Choice.UNION:
            return now
        blob = blobs.get(str(self.choice))
        return self.workspace.repo.read_blobs([str(blob)])[str(blob)] if blob is not None else None

    def _abort(self, parked: Parked, writer: Writer) -> Outcome:
        """Bring back every file as it was before the pull; the pointer never moved."""
        before = parked.record.get("before")
        changes = []
        for one in before if isinstance(before, list) else []:
            assert isinstance(one, dict)
            path, blob = str(one.get("path")), one.get("blob")
            full = self.workspace.repo.root / parked.dir / path
            now = full.read_bytes() if full.is_file() else None
            old = self.workspace.repo.read_blobs([str(blob)])[str(blob)] if blob else None
            if now != old:
                changes.append(FileChange(path, now, old))
        writer.write(self.name, Folder(parked.dir, ()), changes, (), reason="resolve --abort")
        self.workspace.repo.clear_conflict(parked.open)
        ConflictStore(self.workspace.repo).delete(self.name)
        return _done(self.name, "aborted: the files are as they were before the pull")

    # -------------------------------------------------------------- what needs the remote

    def _remote(self, report: Report, writer: Writer) -> None:
        tree = read_tree(self.workspace)
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
            if view is not None and view.verdict.state in {
                SkillState.DELETED_BUT_EDITED,
                SkillState.EDITED_BUT_ARCHIVED,
            }:
                report.add(self._skill(view, remote, writer))
                return
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
        """S14 and S16: a deletion against an edit, which has no file to put markers into."""
        if self.choice not in {Choice.LOCAL, Choice.REMOTE}:
            raise UsageError(
                f"{self.name}: say which side counts",
                unchanged="Nothing was changed.",
                hint=view.verdict.fix,
            )
        if view.verdict.state is SkillState.EDITED_BUT_ARCHIVED:
            return self._archived_skill(view, writer)
        content = remote.skills.read(view.name)
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
        change = pointer_change(folder, line, place=self.target.place)
        writer.write(view.name, folder, changes, [change], reason=f"resolve {self.choice}")
        return _done(view.name, did)

    def _archived_skill(self, view: SkillView, writer: Writer) -> Outcome:
        assert view.local is not None
        folder = view.local.folder
        if self.choice is Choice.LOCAL:
            change = pointer_change(folder, None, place=self.target.place)
            writer.write(view.name, folder, (), [change], reason="resolve local")
            return _done(view.name, "the next push creates it again, as a new skill")
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
        side = None if self.choice is Choice.AS_IS else str(self.choice)
        return DatasetResolver(self.workspace, self.target, writer, self.unit, side).run(view)


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
) -> Report:
    """Settle the conflict in ``NAME``, ``NAME:PATH`` or ``NAME:KEY``.

    Raises UsageError when there is none, InvalidContent while our markers are in the file.
    """
    subject, _, unit = name.partition(":")
    return Resolver(workspace, target, connect, subject, unit, choice, clock or SystemClock()).run()
