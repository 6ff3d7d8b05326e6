"""The work on one items.jsonl while a dataset is pulled: what is added, changed and removed, in one pass each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from skillsync.errors import InvalidContent
from skillsync.formats.jsonl import ItemsFile, append_rows, remove_rows, replace_rows
from skillsync.formats.row_keys import fold_id
from skillsync.formats.row_names import Spelling
from skillsync.model import Key, Row
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.row_views import RowView


@dataclass
class Taking:
    """The work on one dataset: its file as it becomes, the bases as they become, and what happened to rows."""

    view: DatasetView
    file: ItemsFile
    base: dict[Key, str]
    added: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    rewritten: int = 0
    linked: int = 0
    merged: int = 0
    open_rows: list[RowView] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def counts(self) -> list[str]:
        """What happened, in words."""
        return [
            f"{count} {'row' if count == 1 else 'rows'} {word}"
            for count, word in (
                (len(self.added), "added"),
                (self.rewritten, "updated"),
                (self.merged, "merged"),
                (len(self.removed), "removed"),
                (self.linked, "linked"),
            )
            if count
        ]

    def change_lines(self) -> None:
        """Carry out what was collected; a row that no line can hold fails alone, and its base stays (P17)."""
        base = self.view.base_rows
        self.file, refused = _rewritten(self.file, self.changed, self.view.spelling)
        self.file = remove_rows(self.file, self.removed)
        self.file, unwritable = appended(self.file, self.added, self.view.spelling)
        refused |= unwritable
        for key in refused:
            self.base.pop(key, None)
            if key in base:
                self.base[key] = base[key]
        self.added = [row for row in self.added if row.key not in refused]
        self.outcomes += refusals(self.view, refused)


def is_occupied(folder: Path) -> bool:
    """Tell whether something is in the place of a folder that shall be made."""
    return (
        folder.is_symlink()
        or (folder.exists() and not folder.is_dir())
        or (folder.is_dir() and any(folder.iterdir()))
    )


def _rewritten(
    file: ItemsFile, rows: Sequence[Row], spelling: Spelling
) -> tuple[ItemsFile, set[Key]]:
    """Return the file with these lines changed, and the keys of rows that no line can hold."""
    try:
        return replace_rows(file, rows, spelling=spelling), set()
    except InvalidContent:
        refused = {row.key for row in rows if not _fits_a_line(file, row)}
        good = [row for row in rows if row.key not in refused]
        return replace_rows(file, good, spelling=spelling), refused


def appended(
    file: ItemsFile, rows: Sequence[Row], spelling: Spelling
) -> tuple[ItemsFile, set[Key]]:
    """Return the file with these rows added, and the keys of rows that no line can hold."""
    try:
        return append_rows(file, rows, spelling=spelling), set()
    except InvalidContent:
        refused = {row.key for row in rows if not _fits_a_line(file, row)}
        taken = {fold_id(key) for key in file.by_key}
        for row in rows:
            if row.key not in refused and fold_id(row.key) in taken:
                refused.add(row.key)
            taken.add(fold_id(row.key))
        good = [row for row in rows if row.key not in refused]
        return append_rows(file, good, spelling=spelling), refused


def _fits_a_line(file: ItemsFile, row: Row) -> bool:
    try:
        append_rows(replace(file, lines=()), [row], spelling="current")
    except InvalidContent:
        return False
    return True


def refusals(view: DatasetView, keys: Iterable[Key]) -> list[Outcome]:
    """Say which remote rows cannot stand in the file; each fails alone (P17)."""
    return [
        Outcome(
            Kind.ROW,
            f"{view.slug}:{key}",
            "failed: no line of items.jsonl can hold this remote row",
            state="error",
            exit=1,
            code="E-INVALID",
            message="It is too long, or its key equals another's but for Unicode normalisation.",
            fix="correct it in the web page, then pull again",
        )
        for key in sorted(keys)
    ]
