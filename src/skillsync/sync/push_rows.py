"""Writes the rows of one dataset to the remote: creations by key, guarded updates, removals by name (sync.md 10)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from skillsync.api.parallel import each
from skillsync.api.telling import Step
from skillsync.core.reconcile_row import RowPush
from skillsync.errors import (
    BadAnswer,
    NotFound,
    Refused,
    RemoteError,
    SkillsyncError,
    Throttled,
    Unreachable,
    VersionConflict,
)
from skillsync.formats.canonical import row_digest, short
from skillsync.model import Key, RemoteRow, Row
from skillsync.repo.rescue import Rescue
from skillsync.sync.dataset_limits import refuse_full_row
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import join
from skillsync.sync.marking import RUN_ENDING
from skillsync.sync.push_new_rows import RowCreator, changed_fields
from skillsync.sync.report import Outcome, Report
from skillsync.sync.row_views import RowView
from skillsync.sync.sending import (
    Sending,
    deleted_meanwhile,
    left_to_a_person,
    moved,
    unclear,
)
from skillsync.sync.sure_writes import delete_row, update_row
from skillsync.sync.workspace import Remote
from skillsync.sync.writing import Writer


@dataclass
class RowPusher:
    """Sends the rows of one dataset: creations and updates side by side, removals one after the other. ``removable`` are the keys that the user named for it."""

    remote: Remote
    writer: Writer
    report: Report

    def send(self, sending: Sending, *, removable: Collection[Key]) -> None:
        """Create, update and remove as the verdicts say; what is left to a person is an outcome.

        Raises RemoteError when the run cannot go on; what was done until then is in ``sending``.
        """
        RowCreator(self.remote, self.writer, self.report).send(sending)
        self._rescue(sending, removable)
        for row in sending.view.rows.open:
            # Before any update: a copy is told by being equal to the one that is kept.
            self._one(sending, row, self._remove_duplicates)
        said: dict[Key, Outcome] = {}
        try:
            self._update(sending, said)
        finally:
            sending.outcomes += [said[row.key] for row in sending.view.rows.open if row.key in said]
        for row in sending.view.rows.open:
            step = partial(self._row, is_removable=row.key in removable)
            self._one(sending, row, step)

    def _one(
        self,
        sending: Sending,
        row: RowView,
        step: Callable[[Sending, RowView], Outcome | None],
    ) -> None:
        """Take a step with one row; what goes wrong with it alone is its outcome."""
        try:
            outcome = step(sending, row)
        except (*RUN_ENDING, Throttled):
            raise
        except SkillsyncError as error:
            if isinstance(error, Unreachable) and error.status is None:
                raise
            sending.failed(row.key, error, row.verdict.row)
        else:
            sending.outcomes += [outcome] if outcome else []

    # -------------------------------------------------------------- updates, side by side

    def _update(self, sending: Sending, said: dict[Key, Outcome]) -> None:
        """Update the rows that are ahead, a few at a time; each is recorded as its answer comes.

        Raises RemoteError when the run cannot go on.
        """
        ahead = [row for row in sending.view.rows.open if row.verdict.push is RowPush.PATCH]
        if not ahead:
            return
        is_guarded = self.remote.datasets.guarantees.guarded  # asked once, not by every thread
        told = Step("updating", sending.view.slug, cost=1 if is_guarded else 3)

        def one(row: RowView) -> RemoteRow | Outcome | SkillsyncError:
            try:
                return self._patch(sending, row)
            except RemoteError:
                raise
            except SkillsyncError as error:
                return error

        for row, result in each(ahead, one, transport=self.remote.transport, step=told):
            match result:
                case RemoteRow():
                    since = row.remote.version if row.remote else 0
                    sending.is_base(row.key, result, since=since, sent=row.local)
                    sending.updated += 1
                case Outcome():
                    said[row.key] = result
                case _ if isinstance(result, RUN_ENDING):
                    raise result
                case _:
                    said[row.key] = sending.failure(row.key, result, row.verdict.row)

    # -------------------------------------------------------------- one row

    def _row(self, sending: Sending, row: RowView, *, is_removable: bool) -> Outcome | None:
        verdict = row.verdict
        match verdict.push:
            case RowPush.CREATE:
                return None
            case RowPush.NOTHING:
                _taken_in(sending, row)
                return None
            case RowPush.PATCH:
                return None
            case RowPush.PENDING_REMOVAL if is_removable:
                return self._remove(sending, row)
            case RowPush.STOP_TARGET:
                raise Unreachable(
                    "the server gave no usable answer", subject=sending.row_name(row.key)
                )
            case _:
                if row.base is not None and row.remote is not None:
                    sending.base.setdefault(row.key, row.base)
                return left_to_a_person(sending, row)

    def _patch(self, sending: Sending, row: RowView) -> RemoteRow | Outcome:
        """Return the row as it is once it was updated, or what is to be said of it."""
        assert row.remote is not None
        assert row.local is not None
        if self.remote.datasets.guarantees.guarded:
            return self._patch_guarded(sending, row, row.remote, row.local)
        return self._patch_carefully(sending, row, row.remote, row.local)

    def _patch_guarded(
        self, sending: Sending, row: RowView, now: RemoteRow, local: Row
    ) -> RemoteRow | Outcome:
        """One PATCH that names the version that was compared: the server refuses it when there is a newer one."""
        fields = changed_fields(now.row, local)
        refuse_full_row(now, self.remote.datasets.limits)
        try:
            after = update_row(self.remote, now, fields, wanted=local)
        except (VersionConflict, Refused) as error:
            if isinstance(error, Refused) and error.reason != "dataset_item_archived":
                raise
            if self.remote.datasets.read_any(now.id).deleted:
                return deleted_meanwhile(sending, row)
            return moved(sending, row)
        if after is None:
            return unclear(sending, row)
        if row_digest(after.row) != row_digest(local):
            raise BadAnswer(
                "the row reads back different from what was sent",
                subject=sending.row_name(row.key),
                unchanged="Its base was not moved.",
                hint=f"skillsync pull {sending.view.slug}",
            )
        return after

    def _patch_carefully(
        self, sending: Sending, row: RowView, remote: RemoteRow, local: Row
    ) -> RemoteRow | Outcome:
        """GET, compare, PATCH what changed, GET again: the guard of a server without versions (sync.md 10.3)."""
        try:
            now = self.remote.datasets.read_row(remote.id)
        except NotFound:
            return deleted_meanwhile(sending, row)
        if row_digest(now.row) != row_digest(remote.row):
            return moved(sending, row)
        try:
            answer = self.remote.datasets.update_row(now, changed_fields(now.row, local))
        except RemoteError as error:
            if not error.indeterminate:
                raise
            answer = now
        if answer.deleted:
            return deleted_meanwhile(sending, row)
        try:
            after = self.remote.datasets.read_row(now.id)
        except NotFound:
            return deleted_meanwhile(sending, row)
        if row_digest(after.row) != row_digest(local):
            if answer is now and row_digest(after.row) == row_digest(now.row):
                return unclear(sending, row)
            raise BadAnswer(
                "the row reads back different from what was sent: somebody edited it at the same moment",
                subject=sending.row_name(row.key),
                unchanged="Its base was not moved.",
                hint=f"skillsync pull {sending.view.slug}",
            )
        return after

    # -------------------------------------------------------------- removals

    def _rescue(self, sending: Sending, removable: Collection[Key]) -> None:
        """Keep a copy of every row that this run removes remotely, before the first one goes."""
        doomed = [loser for row in sending.view.rows.open for loser in row.losers]
        doomed += [
            row.remote
            for row in sending.view.rows.open
            if row.verdict.push is RowPush.PENDING_REMOVAL
            and row.key in removable
            and row.remote is not None
        ]
        store_removed(self.writer, sending.view, doomed)

    def _remove(self, sending: Sending, row: RowView) -> Outcome | None:
        assert row.remote is not None
        now = row.remote
        if not self.remote.datasets.guarantees.guarded:
            try:
                now = self.remote.datasets.read_row(row.remote.id)
            except NotFound:
                sending.base.pop(row.key, None)
                return None
            if row_digest(now.row) != row_digest(row.remote.row):
                return moved(sending, row)
        refuse_full_row(now, self.remote.datasets.limits, archiving=True)
        try:
            gone = delete_row(self.remote, now)
        except VersionConflict:
            return moved(sending, row)
        sending.was_removed(row.key, gone, since=now.version)
        sending.removed += 1
        return None

    def _remove_duplicates(self, sending: Sending, row: RowView) -> None:
        for loser in row.losers:
            self._remove_duplicate(sending, loser, row)

    def _remove_duplicate(self, sending: Sending, loser: RemoteRow, row: RowView) -> None:
        """I21: an equal copy that our own account made goes without a flag, both looked at once more before."""
        if row.remote is None:
            return
        try:
            now = self.remote.datasets.read_row(loser.id)
        except NotFound:
            return
        kept = self.remote.datasets.read_row(row.remote.id)
        if row_digest(now.row) != row_digest(kept.row):
            return
        delete_row(self.remote, now)
        sending.cleaned += 1
        self.report.note(
            f"{sending.row_name(row.key)}: an equal second copy was removed ({loser.id})"
        )


def store_removed(writer: Writer, view: DatasetView, rows: Sequence[RemoteRow]) -> None:
    """Keep rows that are about to be removed remotely as a rescue copy, one JSON line each."""
    if not rows:
        return
    lines = [json.dumps({"id": item.row.key, **item.row.fields}) for item in rows]
    path = join(view.dir or view.slug, "removed.jsonl")
    data = "".join(f"{line}\n" for line in lines).encode()
    Rescue(writer.workspace.repo).store(
        [(path, data, "removed remotely", view.slug)], now=writer.clock.now()
    )


def _taken_in(sending: Sending, row: RowView) -> None:
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
