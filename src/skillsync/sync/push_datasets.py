"""Publishes datasets row by row: creations by key, guarded updates, removals only by name (sync.md 10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush, find_rekeyed
from skillsync.core.safety import Removals, RowRemovals, check_items_file, check_removals
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotFound,
    RefusedForSafety,
    RemoteError,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import info_digest
from skillsync.formats.jsonl import assign_keys, render_items
from skillsync.model import DatasetInfo, FileChange, Folder, Key, RemoteDataset
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.sync.dataset_pointer import dataset_line, pointer_changes
from skillsync.sync.dataset_survey import refuse_problem
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetSurvey, DatasetView, RowView
from skillsync.sync.local import ITEMS, LocalDataset
from skillsync.sync.push_rows import (
    LOOK_AGAIN_FOR,
    LOOK_PAUSE,
    RowPusher,
    Sending,
    store_removed,
)
from skillsync.sync.push_skills import RUN_ENDING, PushOptions
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.status import IGNORED
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

GOES_ON = {
    DatasetPush.CREATE,
    DatasetPush.LINK,
    DatasetPush.ROWS,
    DatasetPush.SEND_INFO,
    DatasetPush.BLOCK_INFO,
}

SUPERSEDED = "a commit later than this one has gone on from there"
"""Why an older commit publishes nothing (sync.md B8)."""

_WORDS = {
    DatasetPush.PENDING_REMOVAL: "is missing locally; its removal is pending",
    DatasetPush.DROP_POINTER: "is gone on both sides",
    DatasetPush.REFUSE: "not linked: datasets of that name exist and none is known to be this one",
    DatasetPush.CONFLICT: "conflict: changed locally, gone remotely",
    DatasetPush.ERROR: "failed: its absence could not be confirmed",
    DatasetPush.NOTHING: "is gone remotely",
}


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
        known = [row.local for row in view.rows if row.is_paired and row.local is not None]
        file = assign_keys(local.items, known=known, new_key=self.new_key)
        entry = local.folder.entry(ITEMS)
        change = FileChange(ITEMS, entry.data if entry else None, render_items(file))
        self.writer.write(view.slug, local.folder, [change], (), reason="keys")
        count = len(local.items.keyless)
        self.report.note(f"{view.slug}: {count} lines were given an id; commit {view.dir}/{ITEMS}")

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
                doomed = sum(self._may_remove(view, row) for row in view.rows)
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

    def _is_archived(self, view: DatasetView) -> bool:
        """Whether the user named a dataset whose folder is gone."""
        named = bool({view.slug, view.name} & set(self.options.archive))
        return named and view.gone is not None and view.verdict.push is DatasetPush.PENDING_REMOVAL

    def _may_remove(self, view: DatasetView, row: RowView) -> bool:
        if row.verdict.push is not RowPush.PENDING_REMOVAL:
            return False
        named = {view.slug, view.name, f"{view.slug}:{row.key}", f"{view.name}:{row.key}"}
        return bool(named & set(self.options.archive))

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
            self.report.passed += not outcomes
            for outcome in outcomes:
                self.report.add(outcome)

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
                return [_blocked_by_pointer(view)]
            if view.rekeyed:
                return [blocked_by_content(view)]
            return self._send(view, verdict.push)
        if verdict.push is DatasetPush.NOTHING and not verdict.code:
            return []
        if view.superseded:
            self.report.note(f"{view.slug}: {SUPERSEDED}; nothing of it was sent")
            return []
        if self._is_archived(view):
            return [self._archive(view)]
        return [
            Outcome(
                Kind.DATASET,
                view.slug,
                _WORDS.get(verdict.push, str(verdict.push)),
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
        edited = [
            row
            for row in view.rows
            if row.remote and row.verdict.push is not RowPush.PENDING_REMOVAL
        ]
        now = self.remote.datasets.read(view.remote.id)
        if edited or (view.line is not None and info_digest(now.info) != view.line.meta):
            return Outcome(
                Kind.DATASET,
                view.slug,
                "conflict: deleted locally, edited remotely",
                row="D4",
                state=str(DatasetPush.CONFLICT),
                exit=4,
                code="E-DELETED-BUT-EDITED",
                fix=f"git restore {view.dir}, skillsync pull {view.slug}, then decide again",
            )
        store_removed(self.writer, view, view.remote_rows or ())
        self._delete(view.remote.id)
        return Outcome(
            Kind.DATASET, view.slug, "archived remotely", row="D4", state="deleted", changed=True
        )

    def _delete(self, number: str) -> None:
        try:
            self.remote.datasets.delete(number)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            try:
                self.remote.datasets.read(number)
            except NotFound:
                return
            raise

    # -------------------------------------------------------------- one dataset

    def _send(self, view: DatasetView, step: DatasetPush) -> list[Outcome]:
        sending = self._open(view, step)
        removable = {row.key for row in view.rows if self._may_remove(view, row)}
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
        outcomes = self._summary(sending, step)
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
            return Sending(view, view.remote, dict(view.base_rows))
        entry = self.writer.journal.begin_push(
            view.slug, {"creating": "dataset", "place": self.target.place}
        )
        try:
            remote = self.remote.datasets.create(local.document.info, slug=view.slug)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            remote = self._look_for(view)
        finally:
            self.writer.journal.finish(entry)
        sending = Sending(view, remote, {}, meta_sent=True)
        self._write_pointer(sending)
        return sending

    def _look_for(self, view: DatasetView) -> RemoteDataset:
        """Return the dataset whose creation had no answer; names may be doubled, so it is never sent again blindly.

        Raises CreationPending when it does not show up.
        """
        clock = self.writer.clock
        end = clock.monotonic() + LOOK_AGAIN_FOR
        while True:
            for dataset in self._list_again():
                is_this = dataset.own_slug == view.slug and dataset.info.name == view.name
                if is_this and self.remote.is_own(dataset.author):
                    return dataset
            if clock.monotonic() >= end:
                raise CreationPending(
                    "the server did not say whether the dataset was created, and it is not listed yet",
                    subject=view.slug,
                    unchanged="No row was sent.",
                    hint="run the command again: it looks for the dataset before it creates it",
                )
            clock.sleep(LOOK_PAUSE)

    def _list_again(self) -> Sequence[RemoteDataset]:
        try:
            return self.remote.datasets.list().items
        except (Unreachable, BadAnswer):
            return ()

    def _info(self, sending: Sending) -> None:
        view = sending.view
        assert view.local is not None
        now = self.remote.datasets.read(sending.remote.id)
        if info_digest(now.info) != info_digest(sending.remote.info):
            sending.outcomes.append(
                Outcome(
                    Kind.DATASET,
                    view.slug,
                    "blocked: its name, description or metadata changed just now",
                    row="D6",
                    state="diverged",
                    exit=3,
                    code="E-REMOTE-AHEAD",
                    fix=f"skillsync pull {view.slug}",
                )
            )
            return
        sending.remote = self._patch_info(now, view.local.document.info)
        sending.meta_sent = sending.remote is not now
        if info_digest(sending.remote.info) != view.local.info_digest:
            self.report.note(
                f"{view.slug}: its metadata on the server is no mapping and stays there; "
                "the file's metadata was not sent"
            )

    def _patch_info(self, now: RemoteDataset, to: DatasetInfo) -> RemoteDataset:
        """Change the dataset's own fields; after a lost answer what is there tells whether that was done."""
        try:
            return self.remote.datasets.patch(now, to=to)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            after = self.remote.datasets.read(now.id)
            if info_digest(after.info) == info_digest(now.info):
                raise
            return after

    # -------------------------------------------------------------- what is recorded

    def _write_pointer(self, sending: Sending) -> None:
        view = sending.view
        if not self.options.writes_pointer or view.local is None:
            return
        folder = view.local.folder
        meta = view.line.meta if view.line else UNKNOWN_INFO
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
        pointer, rows = root / POINTER, root / ROWS
        return replace(
            view.local.folder,
            pointer=pointer.read_bytes() if pointer.is_file() else None,
            rows=rows.read_bytes() if rows.is_file() else None,
        )

    def _summary(self, sending: Sending, step: DatasetPush) -> list[Outcome]:
        view = sending.view
        counts = [
            f"{count} {'row' if count == 1 else 'rows'} {word}"
            for count, word in (
                (sending.created, "created"),
                (sending.updated, "updated"),
                (sending.removed, "removed"),
                (sending.cleaned, "doubled and cleaned"),
                (sending.linked if self.options.writes_pointer else 0, "linked"),
            )
            if count
        ]
        if older := sum(row.is_older or row.facts.superseded for row in view.rows):
            rows = "1 row is" if older == 1 else f"{older} rows are"
            self.report.note(f"{view.slug}: {rows} left as the server has them: {SUPERSEDED}")
        if step is DatasetPush.CREATE:
            counts.insert(0, "created")
        elif sending.meta_sent:
            counts.insert(0, "name, description or metadata updated")
        outcomes = list(sending.outcomes)
        for old, new in _rekeyed(view):
            self.report.note(
                f"{view.slug}: the row {old} was given the id {new}: the old one is archived only by name, "
                f"skillsync push --archive {view.slug}:{old}"
            )
        if _blocks_info(view, step):
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


def is_blocked(view: DatasetView) -> bool:
    """Tell whether something of the dataset could not be published as it is (--all-or-nothing)."""
    if view.error or view.problem or (view.local is not None and view.local.problem):
        return True
    verdict = view.verdict
    if verdict.push_exit or any(row.verdict.push_exit for row in view.rows):
        return True
    if view.local is None or verdict.push not in GOES_ON:
        return False
    ignored = view.ignored and would_write(view)
    return ignored or bool(view.rekeyed) or _blocks_info(view, verdict.push)


class KeylessRefused(InvalidContent):
    """Team mode: a line without an id, and CI never writes one (I22)."""

    code = "E-NO-KEY"
    exit_code = 5


class CreationPending(RemoteError):
    """The creation of a dataset had no answer, and the dataset does not show up: not sent again (sync.md 10.2)."""

    code = "E-INDETERMINATE"
    exit_code = 5


def _lines(local: LocalDataset) -> int:
    return len(local.rows) + len(local.items.keyless)


def sends_info(view: DatasetView, step: DatasetPush) -> bool:
    """Whether name, description and metadata are sent: what the server has of them was taken in (D6)."""
    is_linking = step is DatasetPush.LINK and view.info_differs and view.info_known
    return step is DatasetPush.SEND_INFO or (is_linking and not view.info_older)


def _blocks_info(view: DatasetView, step: DatasetPush) -> bool:
    is_linking = step is DatasetPush.LINK and view.info_differs and not view.info_known
    return step is DatasetPush.BLOCK_INFO or (is_linking and not view.info_older)


def would_write(view: DatasetView) -> bool:
    """Tell whether a push would send anything of it."""
    writing = {RowPush.CREATE, RowPush.PATCH}
    return view.info_differs or any(row.verdict.push in writing for row in view.rows)


def _blocked_by_pointer(view: DatasetView) -> Outcome:
    """Say that a pointer line is there and does not count: nothing is published over it (design.md 3)."""
    return Outcome(
        Kind.DATASET,
        view.slug,
        "blocked: its pointer line is ignored, because the files it was written with never came along",
        state="pointer ignored",
        exit=3,
        code="E-REMOTE-AHEAD",
        fix=f"skillsync pull {view.slug}",
    )


def blocked_by_content(view: DatasetView) -> Outcome:
    """D3: rows of equal content have other ids on the server; sending ours as well would double them."""
    id_ = view.remote.id if view.remote else ""
    links = f"skillsync pull {view.slug}"
    return Outcome(
        Kind.DATASET,
        view.slug,
        "not linked: the server has rows of equal content under other ids",
        row="D3",
        state=str(DatasetPush.REFUSE),
        exit=4,
        code="E-UNRELATED",
        fix=links if view.compatible else f"skillsync adopt {view.slug} --id {id_}",
    )


def _rekeyed(view: DatasetView) -> tuple[tuple[Key, Key], ...]:
    """Return (old key, new key) of rows that were only given another id (I18)."""
    removed = {
        row.key: row.facts.remote
        for row in view.rows
        if row.verdict.push is RowPush.PENDING_REMOVAL and row.facts.remote
    }
    created = {
        row.key: row.facts.local
        for row in view.rows
        if row.verdict.push is RowPush.CREATE and row.facts.local
    }
    return find_rekeyed(removed, created)
