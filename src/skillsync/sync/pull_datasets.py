"""Takes remote rows into items.jsonl: new rows appended, changed lines rewritten, conflicts left to a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.merge import merge_info, merge_row
from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.core.safety import Removals, RowRemovals, check_items_file, check_removals
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAuthenticated,
    Unreachable,
)
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.dataset_md import new_dataset_md
from skillsync.formats.jsonl import ItemsFile, assign_keys, empty_items, rekey_rows
from skillsync.formats.packed_keys import PackedKeys
from skillsync.formats.row_rewriting import Rewriting
from skillsync.formats.short_digests import ShortDigests
from skillsync.model import Conflict, DatasetInfo, Digest, FileChange, Folder
from skillsync.sync.dataset_history import base_info
from skillsync.sync.dataset_pointer import (
    bases_of,
    dropped_pointers,
    file_changes,
    pointer_changes,
    recorded,
    removal,
)
from skillsync.sync.dataset_survey import each_dataset, refuse_problem
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetSurvey, DatasetView
from skillsync.sync.dropping import drop_dataset
from skillsync.sync.local import DATASET_MD, ITEMS, join
from skillsync.sync.pull_lines import Taking, is_occupied, refusals, row_there
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.resolve_dataset import remember
from skillsync.sync.row_conflict import row_conflicts
from skillsync.sync.row_views import RowView, winning_number
from skillsync.sync.rows_pushed import forget_rows
from skillsync.sync.status import IGNORED
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

TAKEN_IN = {RowPull.LINK, RowPull.APPEND, RowPull.REWRITE, RowPull.MERGE}
"""After these steps the remote row is the row's base."""

_WORDS = {
    DatasetPull.MARK_ARCHIVED: "is gone remotely; the folder stays",
    DatasetPull.REFUSE: "not linked: datasets of that name exist and none is known to be this one",
    DatasetPull.CONFLICT: "conflict: changed locally, gone remotely",
    DatasetPull.ERROR: "failed: its absence could not be confirmed",
}


@dataclass
class DatasetPuller:
    """One run's pulling of datasets."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    report: Report
    prune: bool = False
    max_removals: int | None = None

    def run(self, survey: DatasetSurvey) -> None:
        """Decide and write each dataset in scope; each is independent of the others."""
        each_dataset(survey, self.report, self._one, ending=(NotAuthenticated,))

    def _one(self, view: DatasetView) -> list[Outcome]:
        if view.error is not None:
            raise view.error
        refuse_problem(view)
        if view.local is not None and view.local.problem is not None:
            raise view.local.problem
        if view.ignored:
            self.report.note(f"{view.slug}: {IGNORED}")
        verdict = view.verdict
        match verdict.pull:
            case DatasetPull.NOTHING:
                return []
            case DatasetPull.WRITE:
                return self._write_new(view)
            case (
                DatasetPull.LINK | DatasetPull.ROWS | DatasetPull.TAKE_INFO | DatasetPull.MERGE_INFO
            ):
                return self._rows(view, verdict.pull)
            case DatasetPull.STOP_TARGET:
                raise Unreachable(
                    f"{view.slug}: the server gave no usable answer", subject=view.slug
                )
            case DatasetPull.DROP_POINTER:
                dropped = drop_dataset(self.workspace, self.target, self.writer, view)
                return [dropped] if dropped else []
            case DatasetPull.MARK_ARCHIVED if self.prune:
                return [self._prune(view)]
            case _:
                pass
        return [
            Outcome(
                Kind.DATASET,
                view.slug,
                _WORDS.get(verdict.pull, str(verdict.pull)),
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
        self._check_count(view, len(view.local.rows))
        drops = dropped_pointers(folder, place=self.target.place)
        self.writer.write(view.slug, folder, removal(view.local), drops, reason="prune")
        return Outcome(
            Kind.DATASET,
            view.slug,
            "removed locally (a rescue copy is kept)",
            row="D5",
            changed=True,
        )

    # -------------------------------------------------------------- a new folder

    def _write_new(self, view: DatasetView) -> list[Outcome]:
        remote = view.remote
        if remote is None:
            raise BadAnswer("there is no dataset to write", subject=view.slug)
        root = (
            self.workspace.settings.datasets[0] if self.workspace.settings.datasets else "datasets"
        )
        directory = f"{root}/{view.slug}"
        if is_occupied(self.workspace.repo.root / directory):
            raise InvalidContent(
                f"{directory} is there already",
                subject=view.slug,
                path=directory,
                unchanged="Nothing was written.",
                hint=f"skillsync adopt {view.slug} --id {remote.id}",
            )
        folder = Folder(directory, ())
        there = view.remote_rows
        assert there is not None
        options = self.workspace.settings.options_for(view.slug)
        items = empty_items(
            join(directory, ITEMS),
            mapping=options.fields or None,
            keys="content" if options.keys == "content" else "id",
            limits=options.limits,
        )
        keys = PackedKeys(key for key in view.rows.open_keys if there.has(key))
        work = Rewriting(items, view.spelling, added=(row_there(there, key) for key in keys))
        changes = (
            FileChange(DATASET_MD, None, new_dataset_md(remote.info)),
            FileChange(ITEMS, None, self.workspace.content_of(work.pieces())),
        )
        refused = work.refused
        base = there.digests
        if refused or len(base) != len(there):
            base = {
                key: there.short(winning_number(there, key)) for key in keys if key not in refused
            }
        new = recorded(
            self.target.place,
            dataset=remote.id,
            info=info_digest(remote.info),
            base=bases_of(view, base),
        )
        pointers = pointer_changes(
            self.workspace, self.target, folder, folder_after(folder, changes), new
        )
        self.writer.write(view.slug, folder, changes, pointers, reason="pull")
        self._name_what_stays(view)
        written = Outcome(
            Kind.DATASET,
            view.slug,
            f"written to {directory}: {len(keys) - len(refused)} rows",
            row="D2",
            state="remote only",
            changed=True,
        )
        return [written, *refusals(view, refused)]

    # -------------------------------------------------------------- rows

    def _rows(self, view: DatasetView, step: DatasetPull) -> list[Outcome]:
        local, remote = view.local, view.remote
        if local is None or remote is None:
            raise BadAnswer("one side of the dataset is missing", subject=view.slug)
        check_items_file(
            view.slug,
            base_rows=view.base_count,
            local_rows=len(local.rows) + len(local.items.keyless) if local.has_items_file else None,
            max_removals=self.max_removals,
        )
        taking = Taking(view, self._with_keys(view), ShortDigests(local.kept_lines, view.base_rows))
        for row in view.rows.open:
            self._row(taking, row)
        self._check_count(view, len(taking.removed))
        lines = taking.changed_lines()
        items = None if lines is None else self.workspace.content_of(lines)
        self._name_what_stays(view)
        info, meta, info_conflicts = self._info(view, step)
        changes = file_changes(local, items, info)
        new = recorded(
            self.target.place, dataset=remote.id, info=meta, base=bases_of(view, taking.base)
        )
        after = folder_after(local.folder, changes)
        pointers = pointer_changes(self.workspace, self.target, local.folder, after, new)
        self.writer.write(view.slug, local.folder, changes, pointers, reason="pull")
        remember(self.workspace, view, taking.open_rows, info=bool(info_conflicts))
        if not view.guarantees.history:
            seen = {row.key for row in view.rows.open if row.facts.moved_back or row.is_older}
            forget_rows(
                self.workspace, self.writer.clock, local.dir, place=self.target.place, rows=seen
            )
        return self._summary(view, taking, info_conflicts, changed=bool(changes or any(pointers)))

    def _check_count(self, view: DatasetView, count: int) -> None:
        """Refuse to take many lines at once out of a file (P11). Raises RefusedForSafety."""
        total = view.base_count or (len(view.local.rows) if view.local else 0)
        rows = {view.slug: RowRemovals(count, max(count, total))} if count else {}
        check_removals(Removals(rows=rows), max_removals=self.max_removals)

    def _name_what_stays(self, view: DatasetView) -> None:
        if view.remote is not None and not isinstance(view.remote.info.metadata, dict | None):
            self.report.note(
                f"{view.slug}: its metadata on the server is no mapping; it stays there and is left out here"
            )

    def _with_keys(self, view: DatasetView) -> ItemsFile:
        """Give a key to those id-less lines that must change; the others stay id-less (I22)."""
        assert view.local is not None
        file = rekey_rows(view.local.items, view.rekeyed)
        if view.rekeyed:
            count = len(view.rekeyed)
            self.report.note(
                f"{view.slug}: {count} {'line' if count == 1 else 'lines'} got the id of the equal row on the server"
            )
        steps = {RowPull.REWRITE, RowPull.MERGE, RowPull.REMOVE}
        known = [
            row.local
            for row in view.rows.open
            if row.is_paired and row.local and row.verdict.pull in steps
        ]
        if not known:
            return file
        return assign_keys(file, known=known, new_key=None)

    def _row(self, taking: Taking, row: RowView) -> None:
        verdict = row.verdict
        name = f"{taking.view.slug}:{row.key}"
        remote = row.remote
        if row.copies > 1 and remote is not None:
            self.report.note(
                f"{name}: {row.copies} items have this key; {remote.id}, the oldest, is the one taken in"
            )
        match verdict.pull:
            case RowPull.NOTHING:
                if remote is None and row.local is None:
                    taking.base.pop(row.key, None)
                elif remote is not None and row.facts.taken_in:
                    taking.base[row.key] = short(row_digest(remote.row))
                return
            case RowPull.LINK:
                taking.linked += 1
            case RowPull.APPEND if remote is not None:
                taking.added.append(row.key)
            case RowPull.REWRITE if remote is not None:
                taking.changed.add(row.key)
            case RowPull.MERGE if remote is not None and row.local is not None:
                merged = merge_row(row.base_row, row.local, remote.row, subject=taking.view.slug)
                if merged.conflicts:
                    self._conflict(taking, row, name, merged.conflicts)
                    return
                taking.merged_rows[row.key] = merged.row
            case RowPull.REMOVE:
                taking.removed.add(row.key)
                taking.base.pop(row.key, None)
            case RowPull.STOP_TARGET:
                raise Unreachable("the server gave no usable answer", subject=name)
            case _:
                self._conflict(taking, row, name, row_conflicts(taking.view.slug, row))
                return
        if verdict.pull in TAKEN_IN and remote is not None:
            taking.base[row.key] = short(row_digest(remote.row))

    def _conflict(
        self, taking: Taking, row: RowView, name: str, conflicts: Iterable[Conflict]
    ) -> None:
        verdict = row.verdict
        taking.open_rows.append(row)
        if row.remote is not None:
            # What git knows of the row beyond the pointer is written down, now that there will be another.
            if row.base is not None:
                taking.base[row.key] = row.base
            else:
                taking.base.pop(row.key, None)
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
                code=verdict.code if verdict.pull is not RowPull.MERGE else "E-CONFLICT",
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
        base = view.line.meta if view.line else UNKNOWN_INFO
        is_taken_in = view.info_known and not view.info_older
        if info_digest(local) == info_digest(remote) or is_taken_in:
            return local, info_digest(remote), ()
        if step is DatasetPull.TAKE_INFO or view.info_older:
            return remote, info_digest(remote), ()
        if step is DatasetPull.MERGE_INFO or view.line is None:
            merged = merge_info(base_info(self.workspace, view), local, remote, subject=view.slug)
            if merged.conflicts:
                return local, base, merged.conflicts
            return merged.info, info_digest(remote), ()
        return local, base, ()

    def _summary(
        self,
        view: DatasetView,
        taking: Taking,
        info_conflicts: tuple[Conflict, ...],
        *,
        changed: bool,
    ) -> list[Outcome]:
        counts = taking.counts
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
