"""The work on the rows of one dataset while it is pushed: the bases as they become, and what is said of a row."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace

from skillsync.core.reconcile_row import RowPush
from skillsync.errors import SkillsyncError
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.short_digests import ShortDigests
from skillsync.model import Key, RemoteDataset, RemoteRow, Row
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.report import Kind, Outcome, failed
from skillsync.sync.row_conflict import row_conflicts
from skillsync.sync.row_views import RowView

_WORDS = {
    RowPush.PENDING_REMOVAL: "is missing locally; its removal is pending",
    RowPush.BLOCK: "blocked: the remote row has edits that were not taken in",
}


@dataclass
class Sending:
    """The work on one dataset: where it goes, the bases as they become, and what happened.

    ``written`` are the rows that this run wrote, as the server then had them, those it archived included, and
    ``revisions`` how many revisions these are, None when nobody knows; both where the server counts revisions.
    ``sent`` are the short digests of the rows that were created or updated.
    """

    view: DatasetView
    remote: RemoteDataset
    base: MutableMapping[Key, str]
    meta_sent: bool = False
    created: int = 0
    updated: int = 0
    removed: int = 0
    cleaned: int = 0
    linked: int = 0
    written: dict[Key, RemoteRow] = field(default_factory=dict)
    sent: MutableMapping[Key, str] = field(init=False)
    revisions: int | None = 0
    outcomes: list[Outcome] = field(default_factory=list)
    start: RemoteDataset = field(init=False)

    def __post_init__(self) -> None:
        """``start`` is the dataset as it was before the first write; what is read of it later is newer."""
        self.start = self.remote
        self.sent = ShortDigests(self.view.local.kept_lines if self.view.local else None)

    def row_name(self, key: Key) -> str:
        """Return what a row is called: ``DATASET:KEY``."""
        return f"{self.view.slug}:{key}"

    def is_base(
        self, key: Key, row: RemoteRow, *, since: int | None = None, sent: Row | None = None
    ) -> bool:
        """Record that a remote row is what was sent; ``since`` is the version that it had at the start.

        0 for a row that is new. None: nobody knows. Return whether its content is that of the line that was ``sent``,
        which then stands for it, so that it is not held twice.
        """
        assert self.view.local is not None
        digest = short(row_digest(row.row))
        known = self.view.local.row_digests.get(key)
        is_same = sent is not None and digest == known
        if is_same and sent is not None and known is not None:
            row, digest = replace(row, row=sent), known
        self.base[key] = self.sent[key] = digest
        self._note(key, row, since)
        return is_same

    def was_removed(self, key: Key, row: RemoteRow | None, *, since: int) -> None:
        """Record that a row was archived; None: that is all that is known of it."""
        self.base.pop(key, None)
        self._note(key, row, since if row is not None else None)

    def _note(self, key: Key, row: RemoteRow | None, since: int | None) -> None:
        if self.start.revision is None:
            return  # without revisions nothing is remembered of it
        if row is not None:
            self.written[key] = row
        if row is not None and row.revision <= (self.start.revision or 0):
            return
        if row is None or since is None:
            self.revisions = None
        elif self.revisions is not None:
            self.revisions += row.version - since

    def failed(self, key: Key, error: SkillsyncError, row: str) -> None:
        """Record that a row failed alone."""
        self.outcomes.append(self.failure(key, error, row))

    def failure(self, key: Key, error: SkillsyncError, row: str) -> Outcome:
        """Say that a row failed alone."""
        return failed(Kind.ROW, self.row_name(key), error, row=row)


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


def created_meanwhile(sending: Sending, row: Row) -> Outcome:
    """Say that another row of the same key was created between the listing and our write."""
    name = sending.row_name(row.key)
    return Outcome(
        Kind.ROW,
        name,
        "conflict: a row with this id and another content was created remotely just now",
        row="I4",
        state="same key, different content",
        exit=4,
        code="E-UNRELATED",
        fix=f"skillsync resolve {name} --local or --remote",
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
