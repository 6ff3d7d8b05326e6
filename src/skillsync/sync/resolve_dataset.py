"""Settles what is open in a dataset by a person's word: rows, its own fields, or the whole when it is gone (sync.md 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.core.row_states import ABSENT
from skillsync.errors import InvalidContent, UsageError
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.jsonl import append_rows, remove_rows, render_items, replace_rows
from skillsync.model import Digest, FileChange, Json
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.dataset_pointer import (
    bases_of,
    dropped_pointers,
    file_changes,
    pointer_changes,
    recorded,
)
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetView, RowView
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

_UNCHANGED = "Nothing was changed."


@dataclass
class DatasetResolver:
    """One `resolve` of one dataset; ``unit`` is a row's key, "" for all of it. ``side`` None: the file as it is."""

    workspace: Workspace
    target: Target
    writer: Writer
    unit: str
    side: str | None

    def run(self, view: DatasetView) -> Outcome:
        """Settle it. Raises UsageError when nothing is open, InvalidContent for what moved since it was shown."""
        if view.remote is None:
            return self._gone(view)
        rows = [row for row in view.rows if self.unit in {"", str(row.key)} and is_open(row)]
        info_open = not self.unit and is_info_open(view)
        if not rows and not info_open:
            self._refuse_nothing(view)
        refuse_unseen(self.workspace, view, rows, info=info_open)
        self._write(view, rows, info_open=info_open)
        forget(self.workspace, view, rows, info=info_open)
        count = len(rows) + info_open
        return self._done(
            f"{view.slug}:{self.unit}" if self.unit else view.slug,
            f"resolved ({self.side or 'as it is'}): {count} {'conflict' if count == 1 else 'conflicts'}",
        )

    def _refuse_nothing(self, view: DatasetView) -> None:
        name = f"{view.slug}:{self.unit}" if self.unit else view.slug
        doubled = [row for row in view.rows if self.unit == str(row.key) and row.facts.duplicates]
        if doubled:
            raise UsageError(
                f"{name}: several items have this key, and they are not all copies of our own making",
                unchanged=_UNCHANGED,
                hint="remove one of them in the web page, then skillsync pull",
            )
        raise UsageError(
            f"{name} has no conflict",
            unchanged=_UNCHANGED,
            hint=f"skillsync conflicts {view.slug}",
        )

    def _write(self, view: DatasetView, rows: Sequence[RowView], *, info_open: bool) -> None:
        local, remote = view.local, view.remote
        assert local is not None
        assert remote is not None
        base = dict(view.base_rows)
        for row in rows:
            if row.remote is None and row.local is not None and self.side != "remote":
                base[row.key] = ABSENT  # a person's word: the next push creates it again
            elif row.remote is None:
                base.pop(row.key, None)
            else:
                base[row.key] = short(row_digest(row.remote.row))
        info = local.document.info
        meta = view.line.meta if view.line else UNKNOWN_INFO
        if info_open:
            meta = info_digest(remote.info)
            info = remote.info if self.side == "remote" else info
        items = self._items(view, rows) if self.side == "remote" else render_items(local.items)
        changes = file_changes(local, items, info)
        new = recorded(self.target.place, dataset=remote.id, info=meta, base=bases_of(view, base))
        after = folder_after(local.folder, changes)
        pointers = pointer_changes(self.workspace, self.target, local.folder, after, new)
        reason = f"resolve {self.side or ''}".strip()
        self.writer.write(view.slug, local.folder, changes, pointers, reason=reason)

    def _items(self, view: DatasetView, rows: Sequence[RowView]) -> bytes:
        """Return items.jsonl with these rows as the remote has them."""
        assert view.local is not None
        changed = [row.remote.row for row in rows if row.remote and row.local]
        added = [row.remote.row for row in rows if row.remote and not row.local]
        file = replace_rows(view.local.items, changed, spelling=view.spelling)
        file = remove_rows(file, [row.key for row in rows if row.remote is None])
        return render_items(append_rows(file, added, spelling=view.spelling))

    def _gone(self, view: DatasetView) -> Outcome:
        """D5: edited here, gone there: create it again, or let it go here as well."""
        if view.verdict.pull is not DatasetPull.CONFLICT or view.local is None or self.unit:
            self._refuse_nothing(view)
        if self.side is None:
            raise UsageError(
                f"{view.slug} is gone remotely: say which side counts",
                unchanged=_UNCHANGED,
                hint=f"skillsync resolve {view.slug} --local (create it again) or --remote",
            )
        assert view.local is not None
        folder = view.local.folder
        if self.side == "local":
            dropped = dropped_pointers(folder, place=self.target.place)
            self.writer.write(view.slug, folder, (), dropped, reason="resolve local")
            return self._done(
                view.slug,
                "unlinked: commit the removal of its pointer, and the next push creates it again",
            )
        changes = [
            FileChange(entry.path, entry.data, None)
            for entry in folder.entries
            if entry.kind == "file" and entry.data is not None
        ]
        dropped = dropped_pointers(folder, place=self.target.place)
        self.writer.write(view.slug, folder, changes, dropped, reason="resolve remote")
        return self._done(view.slug, "removed locally, as it was remotely (a rescue copy is kept)")

    def _done(self, subject: str, did: str) -> Outcome:
        kind = Kind.ROW if self.unit else Kind.DATASET
        return Outcome(kind, subject, did, state="resolved", changed=True)


def is_open(row: RowView) -> bool:
    """Tell whether a row waits for a person's word that `resolve` can carry out."""
    return row.verdict.pull is RowPull.CONFLICT


def is_info_open(view: DatasetView) -> bool:
    """Tell whether name, description or metadata changed on both sides since the link (D6)."""
    return view.line is not None and view.verdict.pull is DatasetPull.MERGE_INFO


# ---------------------------------------------------------------- what was shown (a cache)


def remember(
    workspace: Workspace, view: DatasetView, rows: Sequence[RowView], *, info: bool
) -> None:
    """Keep what a person was shown, so that `resolve` can tell when the remote has moved since."""
    shown: dict[str, Json] = {str(row.key): _now(row) for row in rows}
    store = ConflictStore(workspace.repo)
    if not shown and not info:
        store.delete(_record(view))
        return
    found = {
        "kind": "dataset",
        "name": view.slug,
        "rows": dict(sorted(shown.items())),
        "info": _info_now(view) if info else None,
    }
    if store.read(_record(view)) != found:
        store.write(_record(view), found)


def refuse_unseen(
    workspace: Workspace, view: DatasetView, rows: Sequence[RowView], *, info: bool
) -> None:
    """Raise InvalidContent when the remote is no longer what was shown: that was not decided about."""
    record = ConflictStore(workspace.repo).read(_record(view)) or {}
    shown = record.get("rows")
    moved = [
        f"row {row.key}"
        for row in rows
        if isinstance(shown, dict) and shown.get(str(row.key), _now(row)) != _now(row)
    ]
    if info and record.get("info") not in {None, _info_now(view)}:
        moved.append("its name, description or metadata")
    if moved:
        raise InvalidContent(
            f"{', '.join(moved[:5])} changed remotely after it was shown",
            subject=view.slug,
            unchanged="The conflict stays open.",
            hint=f"skillsync conflicts {view.slug}, then decide again",
        )


def forget(workspace: Workspace, view: DatasetView, rows: Sequence[RowView], *, info: bool) -> None:
    """Drop what was settled from the record; the rest of it stays."""
    store = ConflictStore(workspace.repo)
    record = store.read(_record(view))
    if record is None:
        return
    shown = record.get("rows")
    settled = {str(row.key) for row in rows}
    left: dict[str, Json] = {
        key: value
        for key, value in (shown.items() if isinstance(shown, dict) else ())
        if key not in settled
    }
    left_info = None if info else record.get("info")
    if left or left_info:
        store.write(_record(view), {**record, "rows": left, "info": left_info})
    else:
        store.delete(_record(view))


def _record(view: DatasetView) -> str:
    return f"dataset-{view.slug}"


def _now(row: RowView) -> str:
    return short(row_digest(row.remote.row)) if row.remote else ""


def _info_now(view: DatasetView) -> str:
    return info_digest(view.remote.info) if view.remote else Digest("")
