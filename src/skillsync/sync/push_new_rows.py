"""Creates the rows of one dataset that the remote has not: journalled, side by side, never doubled (sync.md 10.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from skillsync.api.rows import FOREIGN
from skillsync.api.telling import Step
from skillsync.core.merge import changed_row_groups
from skillsync.core.merge_rows import GROUP_FIELDS, METADATA
from skillsync.core.reconcile_row import RowPush
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    KeyTaken,
    NotFound,
    RemoteError,
    SkillsyncError,
    Throttled,
    Unreachable,
)
from skillsync.formats.canonical import canonical_json, row_digest
from skillsync.model import Json, RemoteRow, Row
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import ITEMS, join
from skillsync.sync.marking import RUN_ENDING
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.sending import Sending, created_meanwhile
from skillsync.sync.sure_writes import LOOK_AGAIN_FOR, LOOK_PAUSE, bring_back
from skillsync.sync.workspace import Remote
from skillsync.sync.writing import Writer

MOST_SILENT = 3
"""After so many creations in a row without any answer the others are not tried."""


@dataclass
class RowCreator:
    """Creates rows by key, and brings back those that were born on this very server."""

    remote: Remote
    writer: Writer
    report: Report

    def send(self, sending: Sending) -> None:
        """Create the rows that are new; what goes wrong with one is an outcome.

        Raises RemoteError when the run cannot go on; what was done until then is in ``sending``.
        """
        wanted = _to_create(sending.view)
        rows = [row for row in wanted if not row.key.startswith(FOREIGN)]
        entry = None
        if rows:
            entry = self.writer.journal.begin_push(
                sending.view.slug,
                {"creating": [str(row.key) for row in rows], "dataset": sending.remote.id},
            )
        self._send_new(sending, rows)
        if entry is not None:
            self.writer.journal.finish(entry)
        for row in wanted:
            if row.key.startswith(FOREIGN):
                self._bring_back(sending, row)

    def _send_new(self, sending: Sending, rows: Sequence[Row]) -> None:
        """Create rows side by side, then look for those without an answer.

        Raises Unreachable once several in a row had none: the rest waits for another run.
        """
        unclear: list[Row] = []
        silent: list[RemoteError] = []
        told = Step("creating", sending.view.slug)
        for row, result in self.remote.datasets.create_rows(sending.remote.id, rows, step=told):
            if not isinstance(result, RemoteError):
                silent.clear()
                self._created(sending, row, result)
            elif isinstance(result, KeyTaken):
                self._taken(sending, row, result)
            elif result.indeterminate:
                unclear.append(row)
                silent += [result] if result.status is None else []
            elif isinstance(result, RUN_ENDING):
                raise result
            else:
                sending.failed(row.key, result, "I1")
            if len(silent) == MOST_SILENT:
                break
        if unclear:
            self._look_for(sending, unclear)
        if len(silent) == MOST_SILENT:
            raise silent[-1]

    def _created(
        self, sending: Sending, row: Row, result: RemoteRow, *, since: int | None = None
    ) -> None:
        """Count a row that is there now; ``since`` is the version that an archived one was brought back from."""
        if since is None and result.version == 1:
            since = 0
        is_same = sending.is_base(row.key, result, since=since, sent=row)
        sending.created += 1
        if not is_same:
            self.report.note(
                f"{sending.row_name(row.key)}: the server keeps this row in another form than it was sent"
            )

    def _look_for(self, sending: Sending, unclear: Sequence[Row]) -> None:
        """A creation without an answer is never repeated blindly: look until it shows up, or leave it pending."""
        clock = self.writer.clock
        waiting = {row.key: row for row in unclear}
        end = clock.monotonic() + LOOK_AGAIN_FOR
        seen: set[int] = set()
        while True:
            for item in self._list_again(sending, seen):
                row = waiting.pop(item.row.key, None)
                if row is not None:
                    self._created(sending, row, item)
            if not waiting or clock.monotonic() >= end:
                break
            clock.sleep(LOOK_PAUSE)
        sending.outcomes += [
            Outcome(
                Kind.ROW,
                sending.row_name(key),
                "pending: the server did not say whether it was created",
                row="I1",
                state="indeterminate",
                exit=5,
                code="E-INDETERMINATE",
                fix="run the command again: it looks for the row before it sends it",
            )
            for key in waiting
        ]

    def _list_again(self, sending: Sending, seen: set[int]) -> Sequence[RemoteRow]:
        """Return what is listed now; nothing while the server still gives no answer, or still holds what was seen."""
        datasets = self.remote.datasets
        try:
            revision = None
            if datasets.guarantees.history:
                revision = datasets.read(sending.remote.id).revision or 0
                if revision in seen:
                    return ()
            found = datasets.list_rows(sending.remote.id, revision=revision).items
        except (Unreachable, BadAnswer):
            return ()
        if revision is not None:
            seen.add(revision)
        return found

    def _taken(self, sending: Sending, row: Row, taken: KeyTaken) -> None:
        """Somebody else's row has the key by now, or an archived one has (sync.md 10.2, I3, I4).

        What was archived and is no base of ours comes back as the line has it; another content is a conflict.
        """
        try:
            now = self.remote.datasets.read_any(taken.item)
            if now.dataset != sending.remote.id:
                raise taken
            if now.deleted:
                back = bring_back(self.remote, now, changed_fields(now.row, row))
                self._created(sending, row, back, since=now.version)
            elif row_digest(now.row) == row_digest(row):
                sending.is_base(row.key, now)
                sending.linked += 1
            else:
                sending.outcomes.append(created_meanwhile(sending, row))
        except (*RUN_ENDING, Throttled, Unreachable):
            raise
        except SkillsyncError as error:
            sending.failed(row.key, error, "I4")

    def _bring_back(self, sending: Sending, row: Row) -> None:
        """I14: a row that was born on this server and deleted there keeps its identity by being undeleted.

        Such a key is never written to an item, so one of another server cannot be created here: refused.
        """
        number = row.key.removeprefix(FOREIGN)
        try:
            now = self._deleted_item(number)
            if now is None or now.dataset != sending.remote.id:
                raise InvalidContent(
                    f"the id {row.key} belongs to an item that was made elsewhere",
                    subject=sending.row_name(row.key),
                    path=join(sending.view.dir or "", ITEMS),
                    unchanged="The row was not sent.",
                    hint="give the line an id of its own, or none: push then gives it one",
                )
            back = bring_back(self.remote, now, changed_fields(now.row, row))
            self._created(sending, row, back, since=now.version)
        except (*RUN_ENDING, Throttled, Unreachable):
            raise
        except SkillsyncError as error:
            sending.failed(row.key, error, "I14")

    def _deleted_item(self, number: str) -> RemoteRow | None:
        """Return an item, deleted or not; what shows a deleted one may be a write, so it is asked for last."""
        try:
            return self.remote.datasets.read_row(number)
        except NotFound:
            pass
        try:
            return self.remote.datasets.read_any(number)
        except NotFound:
            return None


def changed_fields(remote: Row, local: Row) -> dict[str, Json]:
    """Return the fields of ``local`` that differ from ``remote``, group by group, named as in ROW_FIELDS.

    Only fields that differ are sent; metadata is replaced whole, as the API does.
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


def _to_create(view: DatasetView) -> list[Row]:
    assert view.local is not None
    if view.remote_rows is None:
        return list(view.local.rows.values())
    return [
        row.local
        for row in view.rows.open
        if row.verdict.push is RowPush.CREATE and row.local is not None
    ]
