"""Publishes datasets row by row: creations by key, guarded updates, removals only by name (sync.md 10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.merge import changed_row_groups
from skillsync.core.merge_rows import GROUP_FIELDS, METADATA
from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush
from skillsync.core.safety import Removals, RowRemovals, check_items_file, check_removals
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotFound,
    RemoteError,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import canonical_json, info_digest, row_digest, short
from skillsync.formats.jsonl import assign_keys, render_items, row_problem
from skillsync.model import (
    FileChange,
    Folder,
    Json,
    Key,
    RemoteDataset,
    RemoteRow,
    Row,
)
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView, RowView
from skillsync.sync.local import ITEMS, LocalDataset
from skillsync.sync.pull_datasets import dataset_line, pointer_changes, row_conflicts
from skillsync.sync.push_skills import RUN_ENDING, PushOptions
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

LOOK_AGAIN_FOR = 30.0
"""Seconds that a creation without an answer is looked for before it is left pending (sync.md 10.2)."""

GOES_ON = {
    DatasetPush.CREATE,
    DatasetPush.LINK,
    DatasetPush.ROWS,
    DatasetPush.SEND_INFO,
    DatasetPush.BLOCK_INFO,
}


@dataclass
class _Sending:
    """The work on one dataset: where it goes, the bases as they become, and what happened."""

    view: DatasetView
    remote: RemoteDataset
    base: dict[Key, str]
    meta_sent: bool = False
    created: int = 0
    updated: int = 0
    removed: int = 0
    cleaned: int = 0
    linked: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """How many rows were written remotely."""
        return self.created + self.updated + self.removed + self.cleaned


@dataclass
class DatasetPusher:
    """One run's publishing of datasets."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    options: PushOptions
    report: Report
    new_key: Callable[[], str]

    def assign_keys(self, views: Sequence[DatasetView], *, solo: bool) -> None:
        """Give id-less lines their key before the first request (I22); team mode refuses such a file, 5."""
        for view in views:
            local = view.local
            if local is None or local.problem is not None or not local.items.keyless:
                continue
            if not solo:
                line = local.items.keyless[0].number
                view.error = KeylessRefused(
                    f"line {line} has no id, and {len(local.items.keyless)} lines in all",
                    subject=view.slug,
                    path=f"{view.dir}/{ITEMS}",
                    line=line,
                    unchanged="Nothing of this dataset was sent.",
                    hint=f"skillsync fmt {view.slug}, and commit the result",
                )
                continue
            self._give_keys(view, local)

    def _give_keys(self, view: DatasetView, local: LocalDataset) -> None:
        known = [row.local for row in view.rows if row.is_paired and row.local is not None]
        file = assign_keys(local.items, known=known, new_key=self.new_key)
        entry = local.folder.entry(ITEMS)
        change = FileChange(ITEMS, entry.data if entry else None, render_items(file))
        self.writer.write(view.slug, local.folder, [change], (), reason="keys")
        count = len(local.items.keyless)
        self.report.note(f"{view.slug}: {count} lines were given an id; commit {view.dir}/{ITEMS}")

    def check(self, survey: DatasetSurvey) -> None:
        """Refuse the run when too many rows would be removed (design.md 6). Raises RefusedForSafety."""
        rows = {}
        for view in survey.views:
            if view.error is not None or view.local is None or view.local.problem is not None:
                continue
            doomed = [row for row in view.rows if self._may_remove(view, row)]
            if doomed:
                rows[view.slug] = RowRemovals(len(doomed), max(len(view.base_rows), len(doomed)))
                check_items_file(
                    view.slug,
                    base_rows=len(view.base_rows),
                    local_rows=len(view.local.rows) if view.local.has_items_file else None,
                    max_removals=self.options.max_removals,
                )
        check_removals(Removals(rows=rows), max_removals=self.options.max_removals)

    def _may_remove(self, view: DatasetView, row: RowView) -> bool:
        if row.verdict.push is not RowPush.PENDING_REMOVAL:
            return False
        return bool(
            {view.slug, f"{view.slug}:{row.key}"} & set(self.options.archive)
            or view.name in self.options.archive
        )

    def run(self, survey: DatasetSurvey) -> None:
        """Publish each dataset in scope; each is independent of the others."""
        self.report.problems.extend(survey.problems)
        for view in survey.views:
            try:
                outcomes = self._one(view)
            except RUN_ENDING:
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
        if verdict.push is DatasetPush.STOP_TARGET:
            raise Unreachable(f"{view.slug}: the server gave no usable answer", subject=view.slug)
        if verdict.push in GOES_ON and view.local is not None:
            return self._send(view, verdict.push)
        if verdict.push is DatasetPush.NOTHING and not verdict.code:
            return []
        if verdict.push is DatasetPush.PENDING_REMOVAL and view.slug in self.options.archive:
            return [self._archive(view)]
        words = {
            DatasetPush.PENDING_REMOVAL: "is missing locally; its removal is pending",
            DatasetPush.DROP_POINTER: "is gone on both sides",
            DatasetPush.REFUSE: "not linked: datasets of that name exist and none is known to be this one",
            DatasetPush.CONFLICT: "conflict: changed locally, gone remotely",
            DatasetPush.ERROR: "failed: its absence could not be confirmed",
            DatasetPush.NOTHING: "is gone remotely",
        }
        return [
            Outcome(
                Kind.DATASET,
                view.slug,
                words.get(verdict.push, str(verdict.push)),
                row=verdict.row,
                state=str(verdict.push),
                exit=verdict.push_exit,
                code=verdict.code,
                fix=verdict.fix,
            )
        ]

    def _archive(self, view: DatasetView) -> Outcome:
        """Delete the dataset softly, by name only; its rows stay as the server keeps them (D4)."""
        if view.remote is None:
            raise BadAnswer("there is no dataset to remove", subject=view.slug)
        check_removals(
            Removals(rows={view.slug: RowRemovals(len(view.base_rows), len(view.base_rows))}),
            max_removals=self.options.max_removals,
        )
        self.remote.datasets.delete(view.remote.id)
        return Outcome(
            Kind.DATASET, view.slug, "archived remotely", row="D4", state="deleted", changed=True
        )

    # -------------------------------------------------------------- one dataset

    def _send(self, view: DatasetView, step: DatasetPush) -> list[Outcome]:
        local = view.local
        assert local is not None
        for row in local.rows.values():
            problem = row_problem(row, generation="seed")
            if problem:
                raise InvalidContent(
                    f"row {row.key}: {problem}",
                    subject=view.slug,
                    path=local.items.path,
                    line=local.items.by_key[row.key].number,
                    unchanged="Nothing of this dataset was sent.",
                )
        sending = self._open(view, step)
        try:
            self._info(sending, step)
            self._create_rows(sending)
            for one in view.rows:
                self._row(sending, one)
        finally:
            self._write_pointer(sending)
        return self._summary(sending, step)

    def _open(self, view: DatasetView, step: DatasetPush) -> _Sending:
        """Create the dataset, or use the linked one; its id is recorded before the first row (D1)."""
        local = view.local
        assert local is not None
        if step is not DatasetPush.CREATE:
            if view.remote is None:
                raise BadAnswer("there is no dataset to send to", subject=view.slug)
            return _Sending(view, view.remote, dict(view.base_rows))
        entry = self.writer.journal.begin_push(
            view.slug, {"creating": "dataset", "place": self.target.place}
        )
        remote = self.remote.datasets.create(local.document.info, slug=view.slug)
        self.writer.journal.finish(entry)
        sending = _Sending(view, remote, {}, meta_sent=True)
        self._write_pointer(sending)
        return sending

    def _info(self, sending: _Sending, step: DatasetPush) -> None:
        if step is not DatasetPush.SEND_INFO:
            return
        view = sending.view
        assert view.local is not None
        now = self.remote.datasets.read(sending.remote.id)
        if info_digest(now.info) != info_digest(sending.remote.info):
            raise BadAnswer(
                "the dataset's name, description or metadata changed just now",
                subject=view.slug,
                unchanged="They were not overwritten.",
                hint=f"skillsync pull {view.slug}",
            )
        sending.remote = self.remote.datasets.patch(now, to=view.local.document.info)
        sending.meta_sent = True

    # -------------------------------------------------------------- rows

    def _create_rows(self, sending: _Sending) -> None:
        rows = self._to_create(sending)
        if not rows:
            return
        view = sending.view
        entry = self.writer.journal.begin_push(
            view.slug,
            {"creating": [str(row.key) for row in rows], "dataset": sending.remote.id},
        )
        unclear: list[Row] = []
        for row, result in self.remote.datasets.create_rows(sending.remote.id, rows):
            if not isinstance(result, RemoteError):
                self._created(sending, row, result)
            elif result.indeterminate:
                unclear.append(row)
            elif isinstance(result, RUN_ENDING):
                raise result
            else:
                sending.outcomes.append(
                    failed(Kind.ROW, f"{view.slug}:{row.key}", result, row="I1")
                )
        if unclear:
            self._look_for(sending, unclear)
        self.writer.journal.finish(entry)

    def _to_create(self, sending: _Sending) -> list[Row]:
        view = sending.view
        assert view.local is not None
        if view.remote_rows is None:
            return list(view.local.rows.values())
        return [
            row.local
            for row in view.rows
            if row.verdict.push is RowPush.CREATE and row.local is not None
        ]

    def _created(self, sending: _Sending, row: Row, result: RemoteRow) -> None:
        sending.base[row.key] = short(row_digest(result.row))
        sending.created += 1
        if row_digest(result.row) != row_digest(row):
            self.report.note(
                f"{sending.view.slug}:{row.key}: the server keeps this row in another form than it was sent"
            )

    def _look_for(self, sending: _Sending, unclear: Sequence[Row]) -> None:
        """A creation without an answer is never repeated blindly: look until it shows up, or leave it pending."""
        clock = self.writer.clock
        waiting = {row.key: row for row in unclear}
        end = clock.monotonic() + LOOK_AGAIN_FOR
        while waiting:
            for item in self.remote.datasets.list_rows(sending.remote.id).items:
                row = waiting.pop(item.row.key, None)
                if row is not None:
                    self._created(sending, row, item)
            if not waiting or clock.monotonic() >= end:
                break
            clock.sleep(2.0)
        for key in waiting:
            sending.outcomes.append(
                Outcome(
                    Kind.ROW,
                    f"{sending.view.slug}:{key}",
                    "pending: the server did not say whether it was created",
                    row="I1",
                    state="indeterminate",
                    exit=5,
                    code="E-INDETERMINATE",
                    fix="run the command again: it looks for the row before it sends it",
                )
            )

    def _row(self, sending: _Sending, row: RowView) -> None:
        view, verdict = sending.view, row.verdict
        name = f"{view.slug}:{row.key}"
        try:
            for loser in row.losers:
                self._remove_duplicate(sending, loser, row)
            match verdict.push:
                case RowPush.CREATE:
                    return
                case RowPush.NOTHING:
                    self._taken_in(sending, row)
                    return
                case RowPush.PATCH:
                    self._patch(sending, row)
                    return
                case RowPush.PENDING_REMOVAL if self._may_remove(view, row):
                    self._remove(sending, row)
                    return
                case RowPush.STOP_TARGET:
                    raise Unreachable("the server gave no usable answer", subject=name)
                case _:
                    pass
        except RUN_ENDING:
            raise
        except SkillsyncError as error:
            sending.outcomes.append(failed(Kind.ROW, name, error, row=verdict.row))
            return
        words = {
            RowPush.PENDING_REMOVAL: "is missing locally; its removal is pending",
            RowPush.BLOCK: "blocked: the remote row has edits that were not taken in",
            RowPush.CONFLICT: f"conflict: {verdict.state}",
            RowPush.ERROR: f"failed: {verdict.state}",
        }
        needs_person = verdict.push in {RowPush.BLOCK, RowPush.CONFLICT}
        sending.outcomes.append(
            Outcome(
                Kind.ROW,
                name,
                words.get(verdict.push, str(verdict.state)),
                row=verdict.row,
                state=str(verdict.state),
                exit=verdict.push_exit,
                code=verdict.code,
                fix=verdict.fix.replace("{name}", view.slug),
                conflicts=row_conflicts(view.slug, row) if needs_person else (),
            )
        )

    def _taken_in(self, sending: _Sending, row: RowView) -> None:
        """Rows equal on both sides become their own base; what is only behind keeps its old one."""
        if row.remote is None:
            if row.local is None:
                sending.base.pop(row.key, None)
            return
        digest = short(row_digest(row.remote.row))
        if row.local is not None and short(row_digest(row.local)) == digest:
            if sending.base.get(row.key) != digest:
                sending.linked += 1
            sending.base[row.key] = digest

    def _patch(self, sending: _Sending, row: RowView) -> None:
        """GET, compare, PATCH what changed, GET again: the guard of a server without versions (sync.md 10.3)."""
        assert row.remote is not None
        assert row.local is not None
        name = f"{sending.view.slug}:{row.key}"
        now = self.remote.datasets.read_row(row.remote.id)
        if row_digest(now.row) != row_digest(row.remote.row):
            sending.outcomes.append(_moved(name, sending.view.slug))
            return
        key = row.key if now.own_key else None
        answer = self.remote.datasets.patch_row(now.id, changed_fields(now.row, row.local), key=key)
        if answer.deleted:
            raise BadAnswer(
                "the row was deleted while it was updated",
                subject=name,
                hint=f"skillsync pull {sending.view.slug}",
            )
        after = self.remote.datasets.read_row(now.id)
        if row_digest(after.row) != row_digest(row.local):
            raise BadAnswer(
                "the row reads back different from what was sent: somebody edited it at the same moment",
                subject=name,
                unchanged="Its base was not moved.",
                hint=f"skillsync pull {sending.view.slug}",
            )
        sending.base[row.key] = short(row_digest(after.row))
        sending.updated += 1

    def _remove(self, sending: _Sending, row: RowView) -> None:
        assert row.remote is not None
        name = f"{sending.view.slug}:{row.key}"
        try:
            now = self.remote.datasets.read_row(row.remote.id)
        except NotFound:
            sending.base.pop(row.key, None)
            return
        if row_digest(now.row) != row_digest(row.remote.row):
            sending.outcomes.append(_moved(name, sending.view.slug))
            return
        self.remote.datasets.delete_row(now.id)
        sending.base.pop(row.key, None)
        sending.removed += 1

    def _remove_duplicate(self, sending: _Sending, loser: RemoteRow, row: RowView) -> None:
        """I21: an equal copy that our own account made goes without a flag, looked at once more before."""
        now = self.remote.datasets.read_row(loser.id)
        if row.remote is None or row_digest(now.row) != row_digest(row.remote.row):
            return
        self.remote.datasets.delete_row(loser.id)
        sending.cleaned += 1
        self.report.note(
            f"{sending.view.slug}:{row.key}: an equal second copy was removed ({loser.id})"
        )

    # -------------------------------------------------------------- what is recorded

    def _write_pointer(self, sending: _Sending) -> None:
        view = sending.view
        if not self.options.writes_pointer or view.local is None:
            return
        folder = view.local.folder
        meta = view.line.meta if view.line else info_digest(sending.remote.info)
        if sending.meta_sent or info_digest(sending.remote.info) == view.local.info_digest:
            meta = info_digest(sending.remote.info)
        line = dataset_line(
            self.target.place, dataset=sending.remote.id, info=meta, base=sending.base
        )
        current = self._current_folder(view)
        pointers = pointer_changes(
            self.workspace, self.target, current, folder_after(folder, ()), line, sending.base
        )
        self.writer.write(view.slug, current, (), pointers, reason="push")

    def _current_folder(self, view: DatasetView) -> Folder:
        """The folder with its pointer files as they are now: they are written twice when a dataset is created."""
        assert view.local is not None
        root = self.workspace.repo.root / view.local.dir
        pointer, rows = root / ".skillsync", root / ".skillsync.rows"
        return replace(
            view.local.folder,
            pointer=pointer.read_bytes() if pointer.is_file() else None,
            rows=rows.read_bytes() if rows.is_file() else None,
        )

    def _summary(self, sending: _Sending, step: DatasetPush) -> list[Outcome]:
        view = sending.view
        counts = [
            f"{count} {'row' if count == 1 else 'rows'} {word}"
            for count, word in (
                (sending.created, "created"),
                (sending.updated, "updated"),
                (sending.removed, "removed"),
                (sending.cleaned, "doubled and cleaned"),
                (sending.linked, "linked"),
            )
            if count
        ]
        if step is DatasetPush.CREATE:
            counts.insert(0, "created")
        elif sending.meta_sent:
            counts.insert(0, "name, description or metadata updated")
        outcomes = list(sending.outcomes)
        if step is DatasetPush.BLOCK_INFO:
            outcomes.append(
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    "blocked: its name, description or metadata changed on both sides",
                    row="D6",
                    state="diverged",
                    exit=3,
                    code="E-REMOTE-AHEAD",
                    fix=f"skillsync pull {view.slug}",
                )
            )
        if counts:
            outcomes.insert(
                0,
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    ", ".join(counts),
                    row=view.verdict.row,
                    state="pushed",
                    changed=True,
                ),
            )
        return outcomes


class KeylessRefused(InvalidContent):
    """Team mode: a line without an id, and CI never writes one (I22)."""

    code = "E-NO-KEY"
    exit_code = 5


def changed_fields(remote: Row, local: Row) -> dict[str, Json]:
    """Return the fields of ``local`` that differ from ``remote``, group by group, named as in ROW_FIELDS.

    A group goes as a whole (R22); metadata is replaced whole, as the API does.
    """
    units = changed_row_groups(remote, local, remote)[0]
    names: Collection[str] = {
        name
        for unit in units
        for name in (GROUP_FIELDS.get(unit) or ((METADATA,) if unit.startswith(METADATA) else ()))
    }
    return {
        name: local.fields.get(name)
        for name in names
        if canonical_json(local.fields.get(name)) != canonical_json(remote.fields.get(name))
    }


def _moved(name: str, slug: str) -> Outcome:
    return Outcome(
        Kind.ROW,
        name,
        "blocked: the remote row changed just now",
        row="I9",
        state="diverged",
        exit=3,
        code="E-REMOTE-AHEAD",
        fix=f"skillsync pull {slug}",
    )
