"""Settles conflicts by a person's word: the file as it is, or one side, or both, or everything undone (sync.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.merge_sides import Side, take_text_side
from skillsync.core.reconcile_row import RowPull, RowPush
from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import InvalidContent, NotFound, UsageError
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.dataset_md import edit_dataset_md, new_dataset_md
from skillsync.formats.jsonl import append_rows, remove_rows, render_items, replace_row
from skillsync.formats.skill_folder import write_skill
from skillsync.model import DatasetInfo, FileChange, Folder, UnitKind
from skillsync.repo.conflicts import ConflictStore
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_pointer import dataset_line, pointer_changes
from skillsync.sync.dataset_survey import DatasetView, RowView, survey_datasets
from skillsync.sync.local import DATASET_MD, ITEMS, join, read_tree
from skillsync.sync.parked import (
    Parked,
    forget_abandoned,
    has_markers,
    parked_skills,
    settle,
    settle_paths,
)
from skillsync.sync.report import Kind, Outcome, Report
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
                self.workspace, self.target, tree, remote=remote, names=[self.name], confirm=True
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

    # -------------------------------------------------------------- rows

    def _dataset(self, view: DatasetView, writer: Writer) -> Outcome:
        local, remote = view.local, view.remote
        assert local is not None
        if remote is None:
            raise NotFound(
                f"{view.slug} is not there remotely", subject=view.slug, hint="skillsync status"
            )
        rows = [row for row in view.rows if self.unit in {"", str(row.key)} and _is_open(row)]
        info_open = not self.unit and view.verdict.push_exit == 3 and view.verdict.row == "D6"
        if not rows and not info_open:
            raise UsageError(
                f"{view.slug}{':' + self.unit if self.unit else ''} has no conflict",
                unchanged="Nothing was changed.",
                hint=f"skillsync conflicts {view.slug}",
            )
        if self.choice in {Choice.UNION, Choice.ABORT}:
            raise UsageError(
                f"--{self.choice} is for texts; a row is taken as one side has it, or as the file has it",
                unchanged="Nothing was changed.",
                hint=f"skillsync resolve {self.name} --local or --remote",
            )
        self._refuse_unseen(view, rows)
        file, base = local.items, dict(view.base_rows)
        for row in rows:
            if self.choice is Choice.REMOTE:
                if row.remote is None:
                    file = remove_rows(file, [row.key])
                elif row.local is None:
                    file = append_rows(file, [row.remote.row], spelling="seed")
                else:
                    file = replace_row(file, row.remote.row, spelling="seed")
            if row.remote is None:
                base.pop(row.key, None)
            else:
                base[row.key] = short(row_digest(row.remote.row))
        info = local.document.info
        meta = view.line.meta if view.line else info_digest(remote.info)
        if info_open:
            meta = info_digest(remote.info)
            info = remote.info if self.choice is Choice.REMOTE else info
        changes = _dataset_changes(view, render_items(file), info)
        line = dataset_line(self.target.place, dataset=remote.id, info=meta, base=base)
        pointers = pointer_changes(
            self.workspace,
            self.target,
            local.folder,
            folder_after(local.folder, changes),
            line,
            base,
        )
        writer.write(view.slug, local.folder, changes, pointers, reason=f"resolve {self.choice}")
        ConflictStore(self.workspace.repo).delete(f"dataset-{view.slug}")
        count = len(rows) + info_open
        return _done(
            f"{view.slug}:{self.unit}" if self.unit else view.slug,
            f"resolved ({self.choice}): {count} {'conflict' if count == 1 else 'conflicts'}",
        )

    def _refuse_unseen(self, view: DatasetView, rows: list[RowView]) -> None:
        """A remote row that moved since it was shown was not decided about."""
        record = ConflictStore(self.workspace.repo).read(f"dataset-{view.slug}") or {}
        shown = record.get("rows")
        for row in rows:
            seen = shown.get(str(row.key)) if isinstance(shown, dict) else None
            now = short(row_digest(row.remote.row)) if row.remote else ""
            if seen is not None and seen != now:
                raise InvalidContent(
                    f"row {row.key} changed remotely after it was shown",
                    subject=view.slug,
                    unchanged="The conflict stays open.",
                    hint=f"skillsync conflicts {view.slug}, then decide again",
                )


def _has_keys(parked: Parked, path: str) -> bool:
    """Tell whether a file's conflict is about frontmatter values, which cannot stand one after the other."""
    listed = parked.record.get("conflicts")
    kinds = (
        {one.get("kind") for one in listed if isinstance(one, dict)}
        if isinstance(listed, list)
        else set()
    )
    return path == SKILL_MD and bool(kinds & {UnitKind.FRONTMATTER, UnitKind.EXTRA})


def _is_open(row: RowView) -> bool:
    return row.verdict.pull is RowPull.CONFLICT or row.verdict.push == RowPush.CONFLICT


def _dataset_changes(view: DatasetView, items: bytes, info: DatasetInfo) -> tuple[FileChange, ...]:
    assert view.local is not None
    folder, document = view.local.folder, view.local.document
    changes = []
    entry = folder.entry(DATASET_MD)
    if info_digest(info) != info_digest(document.info):
        data = edit_dataset_md(document, to=info) if entry else new_dataset_md(info)
        changes.append(FileChange(DATASET_MD, entry.data if entry else None, data))
    old = folder.entry(ITEMS)
    before = old.data if old else None
    if items != (before or b""):
        changes.append(FileChange(ITEMS, before, items))
    return tuple(changes)


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
