"""The work on the rows of one dataset while it is pushed: the bases as they become, and what is said of a row."""

from __future__ import annotations

from dataclasses import dataclass, field

from skillsync.core.reconcile_row import RowPush
from skillsync.errors import SkillsyncError
from skillsync.formats.canonical import row_digest, short
from skillsync.model import Key, RemoteDataset, RemoteRow
from skillsync.sync.dataset_view import DatasetView, RowView
from skillsync.sync.report import Kind, Outcome, failed
from skillsync.sync.row_conflict import row_conflicts

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

    def failed(self, key: Key, error: SkillsyncError, row: str) -> None:
        """Record that a row failed alone."""
        self.outcomes.append(failed(Kind.ROW, self.row_name(key), error, row=row))


# ---------------------------------------------------------------- what is left to a person


def left_to_a_person(sending: Sending, row: RowView) -> Outcome:
    """Say that a row is pending, blocked, in conflict or failed, and what to do about it."""
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


def moved(sending: Sending, row: RowView) -> Outcome:
    """Say that a row was edited between the listing and our write."""
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


def deleted_meanwhile(sending: Sending, row: RowView) -> Outcome:
    """Say that a row was deleted between the listing and our write."""
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


def unclear(sending: Sending, row: RowView) -> Outcome:
    """Say that it is not known whether a row was updated."""
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
