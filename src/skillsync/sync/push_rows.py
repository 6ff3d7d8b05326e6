"""Writes the rows of one dataset to the remote: creations by key, guarded updates, removals by name (sync.md 10)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from skillsync.api.rows import FOREIGN
from skillsync.core.merge import changed_row_groups
from skillsync.core.merge_rows import GROUP_FIELDS, METADATA
from skillsync.core.reconcile_row import RowPush
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotFound,
    RemoteError,
    SkillsyncError,
    Throttled,
    Unreachable,
)
from skillsync.formats.canonical import canonical_json, row_digest, short
from skillsync.model import Json, Key, RemoteDataset, RemoteRow, Row
from skillsync.repo.rescue import Rescue
from skillsync.sync.dataset_view import DatasetView, RowView
from skillsync.sync.local import ITEMS, join
from skillsync.sync.push_skills import RUN_ENDING
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.row_conflict import row_conflicts
from skillsync.sync.workspace import Remote
from skillsync.sync.writing import Writer

LOOK_AGAIN_FOR = 30.0
"""Seconds that a creation without an answer is looked for before it is left pending (sync.md 10.2)."""

LOOK_PAUSE = 2.0

MOST_SILENT = 3
"""After so many creations in a row without any answer the others are not tried."""

_WORDS = {
    RowPush.PENDING_REMOVAL: "is missing locally; its removal is pending",
    RowPush.BLOCK: "blocked: the remote row has edits that were not taken in",
}


@dataclass
class Sending:
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

    def row_name(self, key: Key) -> str:
        """Return what a row is called: ``DATASET:KEY``."""
        return f"{self.view.slug}:{key}"

    def is_base(self, key: Key, row: RemoteRow) -> None:
        """Record that a remote row was taken in or is what was sent."""
        self.base[key] = short(row_digest(row.row))


@dataclass
class RowPusher:
    """Sends the rows of one dataset after the other. ``removable`` are the keys that the user named for it."""

    remote: Remote
    writer: Writer
    report: Report

    def send(self, sending: Sending, *, removable: Collection[Key]) -> None:
        """Create, update and remove as the verdicts say; what is left to a person is an outcome.

        Raises RemoteError when the run cannot go on; what was done until then is in ``sending``.
        """
        self._create_rows(sending)
        self._rescue(sending, removable)
        for row in sending.view.rows:
            try:
                outcome = self._row(sending, row, is_removable=row.key in removable)
            except (*RUN_ENDING, Throttled):
                raise
            except Unreachable as error:
                if error.status is None:
                    raise
                outcome = self._failed(sending, row.key, error, row.verdict.row)
            except SkillsyncError as error:
                outcome = self._failed(sending, row.key, error, row.verdict.row)
            if outcome is not None:
                sending.outcomes.append(outcome)

    def _failed(self, sending: Sending, key: Key, error: SkillsyncError, row: str) -> Outcome:
        return failed(Kind.ROW, sending.row_name(key), error, row=row)

    # -------------------------------------------------------------- creations

    def _create_rows(self, sending: Sending) -> None:
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
        for row, result in self.remote.datasets.create_rows(sending.remote.id, rows):
            if not isinstance(result, RemoteError):
                silent.clear()
                self._created(sending, row, result)
            elif result.indeterminate:
                unclear.append(row)
                silent += [result] if result.status is None else []
            elif isinstance(result, RUN_ENDING):
                raise result
            else:
                sending.outcomes.append(self._failed(sending, row.key, result, "I1"))
            if len(silent) == MOST_SILENT:
                break
        if unclear:
            self._look_for(sending, unclear)
        if len(silent) == MOST_SILENT:
            raise silent[-1]

    def _created(self, sending: Sending, row: Row, result: RemoteRow) -> None:
        sending.is_base(row.key, result)
        sending.created += 1
        if row_digest(result.row) != row_digest(row):
            self.report.note(
                f"{sending.row_name(row.key)}: the server keeps this row in another form than it was sent"
            )

    def _look_for(self, sending: Sending, unclear: Sequence[Row]) -> None:
        """A creation without an answer is never repeated blindly: look until it shows up, or leave it pending."""
        clock = self.writer.clock
        waiting = {row.key: row for row in unclear}
        end = clock.monotonic() + LOOK_AGAIN_FOR
        while True:
            for item in self._list_again(sending):
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

    def _list_again(self, sending: Sending) -> Sequence[RemoteRow]:
        """Return what is listed now; nothing while the server still gives no answer."""
        try:
            return self.remote.datasets.list_rows(sending.remote.id).items
        except (Unreachable, BadAnswer):
            return ()

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
            fields = changed_fields(now.row, row)
            if fields:
                self.remote.datasets.patch_row(number, fields, key=None)
            self._created(sending, row, self._undelete(number))
        except (*RUN_ENDING, Throttled, Unreachable):
            raise
        except SkillsyncError as error:
            sending.outcomes.append(self._failed(sending, row.key, error, "I14"))

    def _deleted_item(self, number: str) -> RemoteRow | None:
        """Return a deleted item as it is; only an empty PATCH shows one, and it is sent to no live item."""
        try:
            return self.remote.datasets.read_row(number)
        except NotFound:
            pass
        try:
            return self.remote.datasets.patch_row(number, {}, key=None)
        except NotFound:
            return None

    def _undelete(self, number: str) -> RemoteRow:
        try:
            return self.remote.datasets.undelete_row(number)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            return self.remote.datasets.read_row(number)

    # -------------------------------------------------------------- one row

    def _row(self, sending: Sending, row: RowView, *, is_removable: bool) -> Outcome | None:
        verdict = row.verdict
        for loser in row.losers:
            self._remove_duplicate(sending, loser, row)
        match verdict.push:
            case RowPush.CREATE:
                return None
            case RowPush.NOTHING:
                _taken_in(sending, row)
                return None
            case RowPush.PATCH:
                return self._patch(sending, row)
            case RowPush.PENDING_REMOVAL if is_removable:
                return self._remove(sending, row)
            case RowPush.STOP_TARGET:
                raise Unreachable(
                    "the server gave no usable answer", subject=sending.row_name(row.key)
                )
            case _:
                if row.base is not None and row.remote is not None:
                    sending.base.setdefault(row.key, row.base)
                return _left_to_a_person(sending, row)

    def _patch(self, sending: Sending, row: RowView) -> Outcome | None:
        """GET, compare, PATCH what changed, GET again: the guard of a server without versions (sync.md 10.3)."""
        assert row.remote is not None
        assert row.local is not None
        try:
            now = self.remote.datasets.read_row(row.remote.id)
        except NotFound:
            return _deleted_meanwhile(sending, row)
        if row_digest(now.row) != row_digest(row.remote.row):
            return _moved(sending, row)
        key = row.key if now.own_key else None
        try:
            answer = self.remote.datasets.patch_row(
                now.id, changed_fields(now.row, row.local), key=key
            )
        except RemoteError as error:
            if not error.indeterminate:
                raise
            answer = now
        if answer.deleted:
            return _deleted_meanwhile(sending, row)
        try:
            after = self.remote.datasets.read_row(now.id)
        except NotFound:
            return _deleted_meanwhile(sending, row)
        if row_digest(after.row) != row_digest(row.local):
            if answer is now and row_digest(after.row) == row_digest(now.row):
                return _unclear(sending, row)
            raise BadAnswer(
                "the row reads back different from what was sent: somebody edited it at the same moment",
                subject=sending.row_name(row.key),
                unchanged="Its base was not moved.",
                hint=f"skillsync pull {sending.view.slug}",
            )
        sending.is_base(row.key, after)
        sending.updated += 1
        return None

    # -------------------------------------------------------------- removals

    def _rescue(self, sending: Sending, removable: Collection[Key]) -> None:
        """Keep a copy of every row that this run removes remotely, before the first one goes."""
        doomed = [loser for row in sending.view.rows for loser in row.losers]
        doomed += [
            row.remote
            for row in sending.view.rows
            if row.verdict.push is RowPush.PENDING_REMOVAL
            and row.key in removable
            and row.remote is not None
        ]
        store_removed(self.writer, sending.view, doomed)

    def _remove(self, sending: Sending, row: RowView) -> Outcome | None:
        assert row.remote is not None
        try:
            now = self.remote.datasets.read_row(row.remote.id)
        except NotFound:
            sending.base.pop(row.key, None)
            return None
        if row_digest(now.row) != row_digest(row.remote.row):
            return _moved(sending, row)
        self._delete(now.id)
        sending.base.pop(row.key, None)
        sending.removed += 1
        return None

    def _delete(self, number: str) -> None:
        """Delete an item; a deletion without an answer is looked for and counts once the item is gone."""
        try:
            self.remote.datasets.delete_row(number)
        except RemoteError as error:
            if not error.indeterminate:
                raise
            try:
                self.remote.datasets.read_row(number)
            except NotFound:
                return
            raise

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
        self._delete(loser.id)
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
        for row in view.rows
        if row.verdict.push is RowPush.CREATE and row.local is not None
    ]


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


# ---------------------------------------------------------------- what is left to a person


def _left_to_a_person(sending: Sending, row: RowView) -> Outcome:
    verdict = row.verdict
    default = f"{'conflict' if verdict.push is RowPush.CONFLICT else 'failed'}: {verdict.state}"
    needs_person = verdict.push in {RowPush.BLOCK, RowPush.CONFLICT}
    return Outcome(
        Kind.ROW,
        sending.row_name(row.key),
        _WORDS.get(verdict.push, default),
        row=verdict.row,
        state=str(verdict.state),
        exit=verdict.push_exit,
        code=verdict.code,
        fix=verdict.fix.replace("{name}", sending.view.slug),
        conflicts=row_conflicts(sending.view.slug, row) if needs_person else (),
    )


def _moved(sending: Sending, row: RowView) -> Outcome:
    return Outcome(
        Kind.ROW,
        sending.row_name(row.key),
        "blocked: the remote row changed just now",
        row="I9",
        state="diverged",
        exit=3,
        code="E-REMOTE-AHEAD",
        fix=f"skillsync pull {sending.view.slug}",
    )


def _deleted_meanwhile(sending: Sending, row: RowView) -> Outcome:
    return Outcome(
        Kind.ROW,
        sending.row_name(row.key),
        "conflict: edited locally, deleted remotely just now",
        row="I14",
        state="edited locally, deleted remotely",
        exit=4,
        code="E-EDITED-BUT-ARCHIVED",
        fix=f"skillsync resolve {sending.row_name(row.key)} --local or --remote",
    )


def _unclear(sending: Sending, row: RowView) -> Outcome:
    return Outcome(
        Kind.ROW,
        sending.row_name(row.key),
        "pending: the server did not say whether it was updated, and it is not yet",
        row="I6",
        state="indeterminate",
        exit=5,
        code="E-INDETERMINATE",
        fix="run the command again: it looks at the row before it sends it",
    )
