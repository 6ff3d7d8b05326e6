"""Lets whoever runs pull or push unattended keep single objects back for now; nothing of them is written or sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.model import Folder
from skillsync.sync.dataset_view import DatasetSurvey, DatasetView
from skillsync.sync.push_dataset_words import GOES_ON, would_write
from skillsync.sync.report import Kind, Outcome, Report


@dataclass(frozen=True, slots=True)
class Candidate:
    """One object that is about to be published, or whose files are about to be written.

    ``folder`` is what was read of it (None: nothing lies there), ``number`` the remote's latest version (0: none).
    """

    kind: Kind
    subject: str
    dir: str
    folder: Folder | None
    writes_files: bool
    number: int = 0


Hold: TypeAlias = Callable[[Candidate], str]
"""Returns why an object is kept back, "" when it goes on. Asked right before the object's first effect."""


def held(kind: Kind, subject: str, reason: str) -> Outcome:
    """The outcome of an object that was kept back: no failure, it is planned again."""
    return Outcome(kind, subject, f"waits: {reason}", state="held", code="N-HELD")


def hold_back_from_push(datasets: DatasetSurvey, hold: Hold, report: Report) -> None:
    """Take the datasets that are kept back out of a push, before a line of them gets an id."""
    datasets.views = [
        view
        for view in datasets.views
        if not (_sends(view) and _is_held(view, hold, report, writes=_keyless(view)))
    ]


def hold_back_from_pull(datasets: DatasetSurvey, hold: Hold, report: Report) -> None:
    """Take the datasets that are kept back out of a pull, if it would write into their files."""
    datasets.views = [
        view
        for view in datasets.views
        if not (_writes(view) and _is_held(view, hold, report, writes=True))
    ]


def _is_held(view: DatasetView, hold: Hold, report: Report, *, writes: bool) -> bool:
    folder = view.local.folder if view.local else None
    reason = hold(Candidate(Kind.DATASET, view.slug, view.dir or "", folder, writes))
    if reason:
        report.add(held(Kind.DATASET, view.slug, reason))
    return bool(reason)


def _sends(view: DatasetView) -> bool:
    if view.error is not None or view.problem is not None or view.local is None:
        return False
    if view.local.problem is not None or view.verdict.push not in GOES_ON:
        return False
    return _keyless(view) or would_write(view)


def _keyless(view: DatasetView) -> bool:
    return view.local is not None and bool(view.local.items.keyless)


def _writes(view: DatasetView) -> bool:
    if view.error is not None or view.problem is not None or view.local is None:
        return False
    rows = {RowPull.APPEND, RowPull.REWRITE, RowPull.MERGE, RowPull.REMOVE}
    info = {DatasetPull.TAKE_INFO, DatasetPull.MERGE_INFO}
    return view.verdict.pull in info or any(row.verdict.pull in rows for row in view.rows.open)
