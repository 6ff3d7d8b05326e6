"""Publishes datasets row by row: creations by key, guarded updates, removals only by name (sync.md 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.effort import Effort
from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush
from skillsync.core.row_bases import Bases
from skillsync.core.safety import Removals, RowRemovals, check_items_file, check_removals
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    RefusedForSafety,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import info_digest, row_digest
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.row_rewriting import keyed_pieces
from skillsync.formats.short_digests import ShortDigests, same_digests
from skillsync.model import Digest, FileChange, Folder, Key
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.repo.pushed import PushedFiles, keep_pushed
from skillsync.sync.dataset_history import dataset_at
from skillsync.sync.dataset_later import DatasetLater
from skillsync.sync.dataset_limits import check_limits, rows_to_create
from skillsync.sync.dataset_pointer import pointer_changes, recorded
from skillsync.sync.dataset_survey import each_dataset, refuse_problem
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetSurvey, DatasetView
from skillsync.sync.dropping import drop_dataset
from skillsync.sync.local import ITEMS, LocalDataset
from skillsync.sync.marking import RUN_ENDING
from skillsync.sync.push_dataset_words import (
    GOES_ON,
    SUPERSEDED,
    blocked_by_content,
    blocked_by_pointer,
    blocked_info,
    edited_remotely,
    notes,
    said,
    sends_info,
    summary,
    would_write,
)
from skillsync.sync.push_rows import RowPusher, store_removed
from skillsync.sync.push_skills import PushOptions
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.row_snapshots import remember_bases, remember_rows
from skillsync.sync.row_views import RowView
from skillsync.sync.rows_pushed import published_rows
from skillsync.sync.sending import Sending
from skillsync.sync.sent_rows import Held, bases_after, held_after
from skillsync.sync.status import IGNORED
from skillsync.sync.sure_writes import create_dataset, delete_dataset, patch_dataset
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, refuse_left_out

if TYPE_CHECKING:
    from skillsync.config import Target


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
    _pushed: list[PushedFiles] = field(default_factory=list)

    def assign_keys(self, views: Sequence[DatasetView], *, solo: bool) -> None:
        """Give id-less lines their key before the first request (I22); team mode refuses such a file, 5."""
        for view in views:
            local = view.local
            if local is None or local.problem is not None or not local.items.keyless:
                continue
            if view.error is not None or view.problem is not None:
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
            if view.verdict.push in GOES_ON and not view.rekeyed:
                self._give_keys(view, local)

    def _give_keys(self, view: DatasetView, local: LocalDataset) -> None:
        known = (
            (row.key, row_digest(row.local))
            for row in view.rows.open
            if row.is_paired and row.local is not None
        )
        pieces = keyed_pieces(local.items, known=known, new_key=self.new_key)
        after = self.workspace.content_of(pieces)
        change = FileChange(ITEMS, local.items_content(), after)
        self.writer.write(view.slug, local.folder, [change], (), reason="keys")
        count = len(local.items.keyless)
        were = "line was" if count == 1 else "lines were"
        self.report.note(f"{view.slug}: {count} {were} given an id; commit {view.dir}/{ITEMS}")

    def check(self, survey: DatasetSurvey) -> None:
        """Refuse the run when too many rows would be removed (design.md 6). Raises RefusedForSafety.

        A dataset whose items.jsonl is suddenly empty or missing is refused alone, and the others go on.
        """
        rows = {}
        limit = self.options.max_removals
        for view in survey.views:
            if view.error is not None or view.problem is not None:
                continue
            doomed = 0
            if view.local is not None and view.is_usable:
                doomed = sum(self._may_remove(view, row) for row in view.rows.open)
                try:
                    check_items_file(
                        view.slug,
                        base_rows=view.base_count,
                        local_rows=_lines(view.local) if view.local.has_items_file else None,
                        max_removals=limit,
                    )
                except RefusedForSafety as error:
                    view.error = error
                    continue
            elif self._is_archived(view):
                doomed = len(view.remote_rows or ())
            if doomed:
                total = view.base_count or len(view.remote_rows or ())
                rows[view.slug] = RowRemovals(doomed, max(total, doomed))
        check_removals(Removals(rows=rows), max_removals=limit)
        check_limits([view for view in survey.views if view.problem is None], self.remote)

    def _is_archived(self, view: DatasetView) -> bool:
        """Whether the user named a dataset whose folder is gone."""
        named = bool({view.slug, view.name} & set(self.options.archive))
        return named and view.gone is not None and view.verdict.push is DatasetPush.PENDING_REMOVAL

    def _may_remove(self, view: DatasetView, row: RowView) -> bool:
        if row.verdict.push is not RowPush.PENDING_REMOVAL:
            return False
        named = {view.slug, view.name, f"{view.slug}:{row.key}", f"{view.name}:{row.key}"}
        return bool(named & set(self.options.archive))

    def effort(self, survey: DatasetSurvey) -> Effort:
        """Count the rows that will be written, once the run was checked."""
        created = updated = removed = 0
        for view in survey.views:
            if view.error is not None or view.problem is not None or not view.is_usable:
                continue
            if view.verdict.push in GOES_ON and not view.rekeyed:
                created += rows_to_create(view)
                updated += sum(row.verdict.push is RowPush.PATCH for row in view.rows.open)
                removed += sum(self._may_remove(view, row) for row in view.rows.open)
        return Effort(created=created, updated=updated, removed=removed)

    def run(self, survey: DatasetSurvey) -> None:
        """Publish each dataset in scope; each is independent of the others."""
        try:
            each_dataset(survey, self.report, self._one, ending=RUN_ENDING)
        finally:
            keep_pushed(
                self.workspace.repo,
                self._pushed,
                head=self.workspace.history.head,
                now=self.writer.clock.now(),
            )
            self._pushed.clear()

    def _one(self, view: DatasetView) -> list[Outcome]:
        if view.error is not None:
            raise view.error
        refuse_problem(view)
        if view.local is not None and view.local.problem is not None:
            raise view.local.problem
        verdict = view.verdict
        if verdict.push is DatasetPush.STOP_TARGET:
            raise Unreachable(f"{view.slug}: the server gave no usable answer", subject=view.slug)
        if view.ignored:
            self.report.note(f"{view.slug}: {IGNORED}")
        if verdict.push in GOES_ON and view.local is not None:
            if view.ignored and would_write(view):
                return [blocked_by_pointer(view)]
            if view.rekeyed:
                return [blocked_by_content(view)]
            is_writing = verdict.push is DatasetPush.CREATE or would_write(view)
            if is_writing and not self.workspace.is_team:
                refuse_left_out(view.local.folder, view.slug)
            return self._send(view, verdict.push)
        if verdict.push is DatasetPush.NOTHING and not verdict.code:
            return []
        if view.superseded:
            self.report.note(f"{view.slug}: {SUPERSEDED}; nothing of it was sent")
            return []
        if self._is_archived(view):
            return [self._archive(view)]
        dropped = None
        if verdict.push is DatasetPush.DROP_POINTER and self.options.writes_pointer:
            dropped = drop_dataset(self.workspace, self.target, self.writer, view)
        return [dropped or said(view)]

    def _archive(self, view: DatasetView) -> Outcome:
        """Delete the dataset softly, by name only; its rows stay as the server keeps them (D4)."""
        if view.remote is None:
            raise BadAnswer("there is no dataset to remove", subject=view.slug)
        edited = [
            row
            for row in view.rows
            if row.remote and row.verdict.push is not RowPush.PENDING_REMOVAL
        ]
        now = self.remote.datasets.read(view.remote.id)
        if edited or not _is_info_taken_in(view, info_digest(now.info)):
            return edited_remotely(view)
        store_removed(self.writer, view, view.remote_rows or ())
        delete_dataset(self.remote, view.remote.id)
        return Outcome(
            Kind.DATASET, view.slug, "archived remotely", row="D4", state="deleted", changed=True
        )

    # -------------------------------------------------------------- one dataset

    def _send(self, view: DatasetView, step: DatasetPush) -> list[Outcome]:
        sending = self._open(view, step)
        removable = {row.key for row in view.rows.open if self._may_remove(view, row)}
        stopped: SkillsyncError | None = None
        try:
            if sends_info(view, step):
                self._info(sending)
            RowPusher(self.remote, self.writer, self.report).send(sending, removable=removable)
        except RUN_ENDING:
            raise
        except SkillsyncError as error:
            stopped = error
        finally:
            self._write_pointer(sending)
            with suppress(
                SkillsyncError
            ):  # it is only a precaution, and what was published stays so
                self._note_replaced(sending)
        outcomes = summary(sending, step, linked=self.options.writes_pointer)
        for note in notes(view):
            self.report.note(note)
        if stopped is not None:
            outcomes.append(failed(Kind.DATASET, view.slug, stopped))
        return outcomes

    def _open(self, view: DatasetView, step: DatasetPush) -> Sending:
        """Create the dataset, or use the linked one; its id is recorded before the first row (D1)."""
        local = view.local
        assert local is not None
        if step is not DatasetPush.CREATE:
            if view.remote is None:
                raise BadAnswer("there is no dataset to send to", subject=view.slug)
            base = ShortDigests(local.kept_lines, view.base_rows)
            return Sending(view, view.remote, base)
        entry = self.writer.journal.begin_push(
            view.slug, {"creating": "dataset", "place": self.target.place}
        )
        try:
            remote = create_dataset(
                self.remote, local.document.info, slug=view.slug, clock=self.writer.clock
            )
        finally:
            self.writer.journal.finish(entry)
        sending = Sending(view, remote, ShortDigests(local.kept_lines), meta_sent=True)
        self._write_pointer(sending)
        return sending

    def _info(self, sending: Sending) -> None:
        view = sending.view
        assert view.local is not None
        now = self.remote.datasets.read(sending.remote.id)
        if info_digest(now.info) != info_digest(sending.remote.info):
            sending.outcomes.append(blocked_info(view, "just now"))
            return
        sending.remote = patch_dataset(self.remote, now, to=view.local.document.info)
        sending.meta_sent = sending.remote is not now
        if info_digest(sending.remote.info) != view.local.info_digest:
            self.report.note(
                f"{view.slug}: its metadata on the server is no mapping and stays there; "
                "the file's metadata was not sent"
            )

    # -------------------------------------------------------------- what is recorded

    def _bases(self, sending: Sending) -> Mapping[Key, str] | Bases:
        """The bases as they are written down. A revision that nothing was taken in of is none of ours to name."""
        view = sending.view
        if sending.remote.revision is None:
            return sending.base
        if view.line is not None and same_digests(sending.base, view.base_rows):
            return Bases(view.line_revision, view.base_rows, view.base_revisions)
        bases = bases_after(sending, self._held(sending))
        remember_bases(self.workspace, bases.digests)
        return bases

    def _held(self, sending: Sending) -> Held:
        rows = sending.view.remote_rows
        if rows is None:
            rows = KeptRows(None, held=0)
        return held_after(sending.start, rows, sending.written, revisions=sending.revisions)

    def _write_pointer(self, sending: Sending) -> None:
        view = sending.view
        if sending.written and sending.remote.revision is not None:
            held = self._held(sending)
            remember_rows(self.workspace, held.dataset, held.records())
        if not self.options.writes_pointer or view.local is None:
            return
        folder = view.local.folder
        meta = view.line.meta if view.line else UNKNOWN_INFO
        if sending.meta_sent or info_digest(sending.remote.info) == view.local.info_digest:
            meta = info_digest(sending.remote.info)
        new = recorded(
            self.target.place, dataset=sending.remote.id, info=meta, base=self._bases(sending)
        )
        current = self._current_folder(view)
        pointers = pointer_changes(
            self.workspace, self.target, current, folder_after(folder, ()), new
        )
        self.writer.write(view.slug, current, (), pointers, reason="push")

    def _note_replaced(self, sending: Sending) -> None:
        """Note what stands for rows that HEAD or the server had otherwise, beside what was noted before and is not in HEAD.

        A commit can be reset away as well as an edit. What neither of them had cannot undo anything then.
        """
        view, head = sending.view, self.workspace.history.head
        local = view.local
        if self.workspace.is_team or local is None or head is None:
            return
        if not (sending.sent or sending.meta_sent):
            return
        is_committed = self.workspace.history.files_digest_at(head, local.dir) == local.files
        at_head = local if is_committed else dataset_at(self.workspace, head, local.dir, like=local)
        there = at_head.row_digests
        later = DatasetLater(self.workspace, replace(view, remote=sending.remote))
        rows = ShortDigests(local.kept_lines)
        for key, digest in later.thrown_away.rows.items():
            is_open = key not in sending.sent and there.get(key) != digest
            if is_open and later.went_back_to(key, digest):
                rows[key] = digest
        for key, digest in sending.sent.items():
            if there.get(key, digest) != digest or view.was_there(key):
                rows[key] = digest
        pointer = self._current_folder(view).pointer
        info_sent = sending.meta_sent and not (is_committed and view.remote is None)
        if pointer is not None and (rows or info_sent or later.thrown_away.commit):
            self._pushed.append(
                published_rows(
                    self.workspace, local.dir, pointer=pointer, place=self.target.place, rows=rows
                )
            )

    def _current_folder(self, view: DatasetView) -> Folder:
        """The folder with its pointer files as they are now: they are written twice when a dataset is created."""
        assert view.local is not None
        root = self.workspace.repo.root / view.local.dir
        pointer, rows = root / POINTER, root / ROWS
        return replace(
            view.local.folder,
            pointer=pointer.read_bytes() if pointer.is_file() else None,
            rows=rows.read_bytes() if rows.is_file() else None,
        )


class KeylessRefused(InvalidContent):
    """Team mode: a line without an id, and CI never writes one (I22)."""

    code = "E-NO-KEY"
    exit_code = 5


def _is_info_taken_in(view: DatasetView, remote: Digest) -> bool:
    """Tell whether name, description and metadata are as the pointer, or without one the removed folder, has them."""
    if view.line is not None:
        return remote == view.line.meta
    return view.gone is not None and remote == view.gone.info_digest


def _lines(local: LocalDataset) -> int:
    return len(local.rows) + len(local.items.keyless)
