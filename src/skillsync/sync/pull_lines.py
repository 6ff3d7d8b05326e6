"""The work on one items.jsonl while a dataset is pulled: what is added, changed and removed, in one pass each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from skillsync.formats.jsonl import ItemsFile
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.row_rewriting import Rewriting
from skillsync.model import Key, Row
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.row_views import RowView, winning_number


@dataclass
class Taking:
    """The work on one dataset: its file as it becomes, the bases as they become, and what happened to rows.

    ``added`` and ``changed`` are keys of rows that become what the server has, ``merged_rows`` those that become
    something else.
    """

    view: DatasetView
    file: ItemsFile
    base: MutableMapping[Key, str]
    added: list[Key] = field(default_factory=list)
    changed: set[Key] = field(default_factory=set)
    merged_rows: dict[Key, Row] = field(default_factory=dict)
    removed: set[Key] = field(default_factory=set)
    linked: int = 0
    open_rows: list[RowView] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refused: set[Key] = field(default_factory=set)

    @property
    def counts(self) -> list[str]:
        """What happened, in words."""
        return [
            f"{count} {'row' if count == 1 else 'rows'} {word}"
            for count, word in (
                (len(self.added) - len(self.refused.intersection(self.added)), "added"),
                (len(self.changed), "updated"),
                (len(self.merged_rows), "merged"),
                (len(self.removed), "removed"),
                (self.linked, "linked"),
            )
            if count
        ]

    def changed_lines(self) -> Iterator[bytes] | None:
        """Carry out what was collected: yield the lines of the file as it becomes, None where nothing changes.

        A row that no line can hold fails alone, and its base stays (P17): said once all lines were asked for.
        """
        view = self.view
        is_idle = not (self.added or self.changed or self.merged_rows or self.removed)
        if is_idle and view.local is not None and self.file is view.local.items:
            return None
        there = view.remote_rows
        assert there is not None
        work = Rewriting(
            self.file,
            view.spelling,
            _Changed(self.merged_rows, self.changed, there),
            self.removed,
            (row_there(there, key) for key in self.added),
        )
        return self._written(work)

    def _written(self, work: Rewriting) -> Iterator[bytes]:
        yield from work.pieces()
        self.refused = work.refused
        before = self.view.base_rows
        for key in work.refused:
            self.base.pop(key, None)
            if key in before:
                self.base[key] = before[key]
        self.outcomes += refusals(self.view, work.refused)


def row_there(there: KeptRows, key: Key) -> Row:
    """Return the row of a key as the server has it."""
    return there[winning_number(there, key)].row


class _Changed(Mapping[Key, Row]):
    """The rows that lines shall hold, read when they are looked at."""

    def __init__(self, merged: Mapping[Key, Row], keys: set[Key], there: KeptRows) -> None:
        self._merged = merged
        self._keys = keys
        self._there = there

    def __len__(self) -> int:
        return len(self._merged) + len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        yield from self._merged
        yield from self._keys

    def __contains__(self, key: object) -> bool:
        return key in self._merged or key in self._keys

    def __getitem__(self, key: Key) -> Row:
        if key in self._merged:
            return self._merged[key]
        if key not in self._keys:
            raise KeyError(key)
        return row_there(self._there, key)


def is_occupied(folder: Path) -> bool:
    """Tell whether something is in the place of a folder that shall be made."""
    return (
        folder.is_symlink()
        or (folder.exists() and not folder.is_dir())
        or (folder.is_dir() and any(folder.iterdir()))
    )


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
