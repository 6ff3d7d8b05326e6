"""What push says of a dataset as a whole, and what keeps one from being sent (sync.md 7.3, D1–D6)."""

from __future__ import annotations

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush, find_rekeyed
from skillsync.model import Key
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.sending import Sending

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


def sends_info(view: DatasetView, step: DatasetPush) -> bool:
    """Whether name, description and metadata are sent: what the server has of them was taken in (D6)."""
    is_linking = step is DatasetPush.LINK and view.info_differs and view.info_known
    return step is DatasetPush.SEND_INFO or (is_linking and not view.info_older)


def blocks_info(view: DatasetView, step: DatasetPush) -> bool:
    """Whether name, description and metadata wait for a pull, which does not stop the rows (D6)."""
    is_linking = step is DatasetPush.LINK and view.info_differs and not view.info_known
    return step is DatasetPush.BLOCK_INFO or (is_linking and not view.info_older)


def would_write(view: DatasetView) -> bool:
    """Whether anything would be sent."""
    writing = {RowPush.CREATE, RowPush.PATCH}
    return view.info_differs or any(row.verdict.push in writing for row in view.rows.open)


def is_blocked(view: DatasetView) -> bool:
    """Tell whether something of the dataset could not be published as it is (--all-or-nothing)."""
    if view.error or view.problem or (view.local is not None and view.local.problem):
        return True
    verdict = view.verdict
    if verdict.push_exit or any(row.verdict.push_exit for row in view.rows.open):
        return True
    if view.local is None or verdict.push not in GOES_ON:
        return False
    ignored = view.ignored and would_write(view)
    return ignored or bool(view.rekeyed) or blocks_info(view, verdict.push)


def said(view: DatasetView) -> Outcome:
    """Say what push leaves to a person, or to another run, of a dataset as a whole."""
    verdict = view.verdict
    return Outcome(
        Kind.DATASET,
        view.slug,
        _WORDS.get(verdict.push, str(verdict.push)),
        row=verdict.row,
        state=str(verdict.push),
        exit=verdict.push_exit,
        code=verdict.code,
        fix=verdict.fix,
    )


def blocked_info(view: DatasetView, when: str) -> Outcome:
    """Say that name, description and metadata were not sent (D6); ``when`` they changed."""
    return Outcome(
        Kind.DATASET,
        view.slug,
        f"blocked: its name, description or metadata changed {when}",
        row="D6",
        state="diverged",
        exit=3,
        code="E-REMOTE-AHEAD",
        fix=f"skillsync pull {view.slug}",
    )


def edited_remotely(view: DatasetView) -> Outcome:
    """Say that a dataset whose folder is gone has remote edits that nobody here saw (D4)."""
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


def summary(sending: Sending, step: DatasetPush, *, linked: bool) -> list[Outcome]:
    """Return what was done to a dataset, then what is left of it; ``linked``: rows that were linked are counted."""
    view = sending.view
    is_new = step is DatasetPush.CREATE
    counts = [
        f"{_rows(count)} {word}"
        for count, word in (
            (0 if is_new else sending.created, "created"),
            (sending.updated, "updated"),
            (sending.removed, "removed"),
            (sending.cleaned, "doubled and cleaned"),
            (sending.linked if linked else 0, "linked"),
        )
        if count
    ]
    if is_new:
        counts.insert(0, f"created with {_rows(sending.created)}" if sending.created else "created")
    elif sending.meta_sent:
        counts.insert(0, "name, description or metadata updated")
    done = Outcome(
        Kind.DATASET,
        view.slug,
        ", ".join(counts),
        row=view.verdict.row,
        state="pushed",
        changed=True,
    )
    left = [blocked_info(view, "on both sides")] if blocks_info(view, step) else []
    return [*([done] if counts else []), *sending.outcomes, *left]


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


def notes(view: DatasetView) -> list[str]:
    """Return what is worth a word about rows that were sent or left alone."""
    found = []
    if older := sum(row.is_older or row.facts.superseded for row in view.rows.open):
        rows = "1 row is" if older == 1 else f"{older} rows are"
        found.append(f"{view.slug}: {rows} left as the server has them: {SUPERSEDED}")
    found += [
        f"{view.slug}: the row {old} was given the id {new}: the old one is archived only by name, "
        f"skillsync push --archive {view.slug}:{old}"
        for old, new in _rekeyed(view)
    ]
    return found


def blocked_by_pointer(view: DatasetView) -> Outcome:
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
        for row in view.rows.open
        if row.verdict.push is RowPush.PENDING_REMOVAL and row.facts.remote
    }
    created = {
        row.key: row.facts.local
        for row in view.rows.open
        if row.verdict.push is RowPush.CREATE and row.facts.local
    }
    return find_rekeyed(removed, created)
