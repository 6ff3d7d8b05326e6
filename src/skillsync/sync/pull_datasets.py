"""Takes remote rows into items.jsonl: new rows appended, changed lines rewritten, conflicts left to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.merge import merge_info, merge_row
from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAuthenticated,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import info_digest, row_digest, rows_digest, short
from skillsync.formats.dataset_md import edit_dataset_md, new_dataset_md
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    assign_keys,
    empty_items,
    remove_rows,
    render_items,
    replace_row,
)
from skillsync.model import (
    Conflict,
    DatasetInfo,
    DatasetPointer,
    Digest,
    FileChange,
    Folder,
    Key,
    Row,
)
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView, RowView, base_info
from skillsync.sync.local import DATASET_MD, ITEMS, join
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, rows_change, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target

TAKEN_IN = {RowPull.LINK, RowPull.APPEND, RowPull.REWRITE, RowPull.MERGE}
"""After these steps the remote row is the row's base."""


def dataset_line(
    place: str,
    *,
    dataset: str,
    info: Digest,
    base: Mapping[Key, str],
) -> DatasetPointer:
    """Return the pointer line of a first-generation dataset whose rows were taken in as ``base`` says."""
    return DatasetPointer(
        place,
        dataset,
        None,
        info,
        len(base),
        rows_digest((key, Digest(digest)) for key, digest in base.items()),
    )


def pointer_changes(
    workspace: Workspace,
    target: Target,
    folder: Folder,
    after: Folder,
    line: DatasetPointer,
    base: Mapping[Key, str],
) -> list[FileChange | None]:
    """Return the changes of both pointer files, the rows first: the pointer comes last.

    A line that says nothing new stays as it is, stamp included, so that a second run writes nothing (P3).
    """
    from skillsync.sync.local import pointer_line

    rows = rows_change(folder, base, place=target.place)
    old = pointer_line(folder, target.place)
    if rows is None and old is not None and replace(old, stamp=None) == line:
        return []
    stamped = replace(line, stamp=stamp_for(workspace, after))
    return [rows, pointer_change(folder, stamped, place=target.place)]


@dataclass
class _Taking:
    """The work on one dataset: its file as it becomes, the bases as they become, and what happened to rows."""

    view: DatasetView
    file: ItemsFile
    base: dict[Key, str]
    added: list[Row] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    rewritten: int = 0
    linked: int = 0
    merged: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    open_rows: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class DatasetPuller:
    """One run's pulling of datasets."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    report: Report
    prune: bool = False

    def run(self, survey: DatasetSurvey) -> None:
        """Decide and write each dataset in scope; each is independent of the others."""
        self.report.problems.extend(survey.problems)
        for view in survey.views:
            try:
                outcomes = self._one(view)
            except NotAuthenticated:
                raise
            except SkillsyncError as error:
                outcomes = [failed(Kind.DATASET, view.slug, error)]
            for outcome in outcomes:
                self.report.add(outcome)

    def _one(self, view: DatasetView) -> list[Outcome]:
        if view.error is not None:
            raise view.error
        if view.problem is not None:
            raise InvalidContent(
                view.problem.message,
                subject=view.slug,
                path=view.problem.path,
                hint=view.problem.fix,
            )
        if view.local is not None and view.local.problem is not None:
            raise view.local.problem
        verdict = view.verdict
        match verdict.pull:
            case DatasetPull.NOTHING:
                return []
            case DatasetPull.WRITE:
                return [self._write_new(view)]
            case (
                DatasetPull.LINK | DatasetPull.ROWS | DatasetPull.TAKE_INFO | DatasetPull.MERGE_INFO
            ):
                return self._rows(view, verdict.pull)
            case DatasetPull.STOP_TARGET:
                raise Unreachable(
                    f"{view.slug}: the server gave no usable answer", subject=view.slug
                )
            case DatasetPull.DROP_POINTER:
                return []
            case DatasetPull.MARK_ARCHIVED:
                did = "is gone remotely; the folder stays"
                if self.prune:
                    return [self._prune(view)]
            case DatasetPull.REFUSE:
                did = "not linked: datasets of that name exist and none is known to be this one"
            case DatasetPull.CONFLICT:
                did = "conflict: changed locally, gone remotely"
            case DatasetPull.ERROR:
                did = "failed: its absence could not be confirmed"
        return [
            Outcome(
                Kind.DATASET,
                view.slug,
                did,
                row=verdict.row,
                state=str(verdict.pull),
                exit=verdict.pull_exit,
                code=verdict.code,
                fix=verdict.fix,
            )
        ]

    def _prune(self, view: DatasetView) -> Outcome:
        if view.local is None:
            raise BadAnswer("there is no local folder", subject=view.slug)
        folder = view.local.folder
        changes = [
            FileChange(entry.path, entry.data, None)
            for entry in folder.entries
            if entry.data is not None
        ]
        drops = [
            FileChange(name, data, None)
            for name, data in ((".skillsync.rows", folder.rows), (".skillsync", folder.pointer))
            if data is not None
        ]
        self.writer.write(view.slug, folder, changes, drops, reason="prune")
        return Outcome(
            Kind.DATASET,
            view.slug,
            "removed locally (a rescue copy is kept)",
            row="D5",
            changed=True,
        )

    # -------------------------------------------------------------- a new folder

    def _write_new(self, view: DatasetView) -> Outcome:
        remote = view.remote
        if remote is None:
            raise BadAnswer("there is no dataset to write", subject=view.slug)
        root = (
            self.workspace.settings.datasets[0] if self.workspace.settings.datasets else "datasets"
        )
        directory = f"{root}/{view.slug}"
        if (self.workspace.repo.root / directory).exists():
            raise InvalidContent(
                f"{directory} is there already",
                subject=view.slug,
                path=directory,
                unchanged="Nothing was written.",
                hint=f"skillsync adopt {view.slug} --id {remote.id}",
            )
        folder = Folder(directory, ())
        rows = [row.remote for row in view.rows if row.remote is not None]
        items = append_rows(
            empty_items(join(directory, ITEMS)), [item.row for item in rows], spelling="seed"
        )
        base = {item.row.key: short(row_digest(item.row)) for item in rows}
        changes = (
            FileChange(DATASET_MD, None, new_dataset_md(remote.info)),
            FileChange(ITEMS, None, render_items(items)),
        )
        line = dataset_line(
            self.target.place, dataset=remote.id, info=info_digest(remote.info), base=base
        )
        pointers = pointer_changes(
            self.workspace, self.target, folder, folder_after(folder, changes), line, base
        )
        self.writer.write(view.slug, folder, changes, pointers, reason="pull")
        return Outcome(
            Kind.DATASET,
            view.slug,
            f"written to {directory}: {len(rows)} rows",
            row="D2",
            state="remote only",
            changed=True,
        )

    # -------------------------------------------------------------- rows

    def _rows(self, view: DatasetView, step: DatasetPull) -> list[Outcome]:
        local, remote = view.local, view.remote
        if local is None or remote is None:
            raise BadAnswer("one side of the dataset is missing", subject=view.slug)
        taking = _Taking(view, self._with_keys(view), dict(view.base_rows))
        for row in view.rows:
            self._row(taking, row)
        taking.file = remove_rows(taking.file, taking.removed)
        taking.file = append_rows(taking.file, taking.added, spelling="seed")
        info, meta, info_conflicts = self._info(view, step)
        changes = self._changes(view, taking.file, info)
        line = dataset_line(self.target.place, dataset=remote.id, info=meta, base=taking.base)
        after = folder_after(local.folder, changes)
        pointers = pointer_changes(
            self.workspace, self.target, local.folder, after, line, taking.base
        )
        self.writer.write(view.slug, local.folder, changes, pointers, reason="pull")
        self._remember_open_rows(view, taking)
        return self._summary(view, taking, info_conflicts, changed=bool(changes or any(pointers)))

    def _with_keys(self, view: DatasetView) -> ItemsFile:
        """Give a key to those id-less lines that must change; the others stay id-less (I22)."""
        assert view.local is not None
        file = view.local.items
        steps = {RowPull.REWRITE, RowPull.MERGE, RowPull.REMOVE}
        known = [
            row.local
            for row in view.rows
            if row.is_paired and row.local and row.verdict.pull in steps
        ]
        if not known:
            return file
        return assign_keys(file, known=known, new_key=None)

    def _row(self, taking: _Taking, row: RowView) -> None:
        verdict = row.verdict
        name = f"{taking.view.slug}:{row.key}"
        remote = row.remote
        match verdict.pull:
            case RowPull.NOTHING:
                if row.remote is None and row.local is None:
                    taking.base.pop(row.key, None)
                return
            case RowPull.LINK:
                taking.linked += 1
            case RowPull.APPEND if remote is not None:
                taking.added.append(remote.row)
            case RowPull.REWRITE if remote is not None:
                taking.file = replace_row(taking.file, remote.row, spelling="seed")
                taking.rewritten += 1
            case RowPull.MERGE if remote is not None and row.local is not None:
                merged = merge_row(row.base_row, row.local, remote.row, subject=taking.view.slug)
                if merged.conflicts:
                    self._conflict(taking, row, name, merged.conflicts)
                    return
                taking.file = replace_row(taking.file, merged.row, spelling="seed")
                taking.merged += 1
            case RowPull.REMOVE:
                taking.removed.append(row.key)
                taking.base.pop(row.key, None)
            case RowPull.STOP_TARGET:
                raise Unreachable("the server gave no usable answer", subject=name)
            case _:
                self._conflict(taking, row, name, row_conflicts(taking.view.slug, row))
                return
        if verdict.pull in TAKEN_IN and remote is not None:
            taking.base[row.key] = short(row_digest(remote.row))

    def _conflict(
        self, taking: _Taking, row: RowView, name: str, conflicts: Iterable[Conflict]
    ) -> None:
        verdict = row.verdict
        taking.open_rows[row.key] = short(row_digest(row.remote.row)) if row.remote else ""
        taking.outcomes.append(
            Outcome(
                Kind.ROW,
                name,
                f"conflict: {verdict.state}"
                if verdict.pull_exit == 4
                else f"failed: {verdict.state}",
                row=verdict.row,
                state=str(verdict.state),
                exit=verdict.pull_exit or 4,
                code=verdict.code or "E-CONFLICT",
                fix=f"skillsync resolve {name} --local or --remote",
                conflicts=tuple(conflicts),
            )
        )

    def _info(
        self, view: DatasetView, step: DatasetPull
    ) -> tuple[DatasetInfo, Digest, tuple[Conflict, ...]]:
        """Return name, description and metadata as they become, their base digest, and what is in conflict (D6)."""
        assert view.local is not None
        assert view.remote is not None
        local, remote = view.local.document.info, view.remote.info
        base = view.line.meta if view.line else info_digest(remote)
        if info_digest(local) == info_digest(remote):
            return local, info_digest(remote), ()
        if step is DatasetPull.TAKE_INFO:
            return remote, info_digest(remote), ()
        if step is DatasetPull.MERGE_INFO:
            merged = merge_info(base_info(self.workspace, view), local, remote, subject=view.slug)
            if merged.conflicts:
                return local, base, merged.conflicts
            return merged.info, info_digest(remote), ()
        return local, base, ()

    def _changes(
        self, view: DatasetView, file: ItemsFile, info: DatasetInfo
    ) -> tuple[FileChange, ...]:
        assert view.local is not None
        folder = view.local.folder
        changes = []
        document = view.local.document
        entry = folder.entry(DATASET_MD)
        if entry is None or info_digest(info) != info_digest(document.info):
            data = edit_dataset_md(document, to=info) if entry else new_dataset_md(info)
            before = entry.data if entry else None
            if data != before:
                changes.append(FileChange(DATASET_MD, before, data))
        items = folder.entry(ITEMS)
        before = items.data if items else None
        after = render_items(file)
        if after != (before or b""):
            changes.append(FileChange(ITEMS, before, after))
        return tuple(changes)

    def _remember_open_rows(self, view: DatasetView, taking: _Taking) -> None:
        """Keep what was shown, so that `resolve` can tell when the remote has moved since (a cache)."""
        store = ConflictStore(self.workspace.repo)
        if taking.open_rows:
            rows = dict(sorted(taking.open_rows.items()))
            store.write(
                f"dataset-{view.slug}", {"kind": "dataset", "name": view.slug, "rows": {**rows}}
            )
        else:
            store.delete(f"dataset-{view.slug}")

    def _summary(
        self,
        view: DatasetView,
        taking: _Taking,
        info_conflicts: tuple[Conflict, ...],
        *,
        changed: bool,
    ) -> list[Outcome]:
        counts = [
            f"{count} {'row' if count == 1 else 'rows'} {word}"
            for count, word in (
                (len(taking.added), "added"),
                (taking.rewritten, "updated"),
                (taking.merged, "merged"),
                (len(taking.removed), "removed"),
                (taking.linked, "linked"),
            )
            if count
        ]
        outcomes = list(taking.outcomes)
        if info_conflicts:
            outcomes.append(
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    "conflict in DATASET.md",
                    row="D6",
                    state="diverged",
                    exit=4,
                    code="E-CONFLICT",
                    fix=f"skillsync resolve {view.slug} --local or --remote",
                    conflicts=info_conflicts,
                )
            )
        if changed or counts:
            outcomes.insert(
                0,
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    ", ".join(counts) or "updated",
                    row=view.verdict.row,
                    state="pulled",
                    changed=changed,
                ),
            )
        return outcomes


def row_conflicts(slug: str, row: RowView) -> tuple[Conflict, ...]:
    """Return what base, local and remote are, by field group, for a row that needs a person."""
    from skillsync.formats.canonical import canonical_json
    from skillsync.model import UnitKind

    if row.local is not None and row.remote is not None:
        return merge_row(row.base_row, row.local, row.remote.row, subject=slug).conflicts

    def text(one: Row | None) -> str | None:
        return canonical_json(dict(one.fields)) if one else None

    remote = row.remote.row if row.remote else None
    return (
        Conflict(
            slug,
            UnitKind.ROW,
            str(row.key),
            text(row.base_row),
            text(row.local),
            text(remote),
            str(row.verdict.state),
        ),
    )
