"""Settles what is open in a dataset by a person's word: rows, its own fields, or the whole when it is gone (sync.md 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.merge import settle_row
from skillsync.core.merge_units import Take
from skillsync.core.reconcile_dataset import DatasetPull
from skillsync.core.reconcile_row import RowPull
from skillsync.core.row_states import ABSENT, RowState
from skillsync.errors import InvalidContent, UsageError
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    remove_rows,
    replace_rows,
    row_problem,
)
from skillsync.formats.row_edit import edit_text, read_edited
from skillsync.model import Digest, Folder, Json, Key, Row
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.dataset_pointer import (
    Recorded,
    bases_of,
    dropped_pointers,
    file_changes,
    kept_bases,
    pointer_changes,
    recorded,
    removal,
)
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetView
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.row_conflict import row_differences
from skillsync.sync.row_views import RowView
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

_UNCHANGED = "Nothing was changed."

Edit = Callable[[str], "str | None"]
"""Lets a person edit a text; None: nothing was written."""


@dataclass
class DatasetResolver:
    """One `resolve` of one dataset; ``unit`` is a row's key, "" for all of it. ``side`` None: the file as it is.

    With a side what only one of the two changed is kept from both. ``edit`` lets a person write one row: it is handed a
    text and returns what became of it, None for nothing.
    """

    workspace: Workspace
    target: Target
    writer: Writer
    unit: str
    side: str | None
    edit: Edit | None = None

    def run(self, view: DatasetView) -> Outcome:
        """Settle it. Raises UsageError when nothing is open, InvalidContent for what moved since it was shown."""
        if view.remote is None:
            return self._gone(view)
        rows = [row for row in view.rows.open if self.unit in {"", str(row.key)} and is_open(row)]
        info_open = not self.unit and is_info_open(view)
        if not rows and not info_open:
            self._refuse_nothing(view)
        refuse_unseen(self.workspace, view, rows, info=info_open)
        settled = self._settled(view, rows)
        self._write(view, rows, settled, info_open=info_open)
        forget(self.workspace, view, rows, info=info_open)
        count = len(rows) + info_open
        return self._done(
            f"{view.slug}:{self.unit}" if self.unit else view.slug,
            f"resolved ({self._words}): {count} {'conflict' if count == 1 else 'conflicts'}",
        )

    def _refuse_nothing(self, view: DatasetView) -> None:
        name = f"{view.slug}:{self.unit}" if self.unit else view.slug
        doubled = [
            row for row in view.rows.open if self.unit == str(row.key) and row.facts.duplicates
        ]
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

    @property
    def _words(self) -> str:
        return "edited" if self.edit else self.side or "as it is"

    def _settled(self, view: DatasetView, rows: Sequence[RowView]) -> Mapping[Key, Row | None]:
        """Return how each row shall be, None for a line that goes; those that stay as they are do not matter."""
        if self.edit is not None:
            return {row.key: edited(view, row, self.edit) for row in rows}
        if self.side is None:
            return {}
        take = Take(self.side)
        settled: dict[Key, Row | None] = {}
        for row in rows:
            remote = row.remote.row if row.remote else None
            if row.local is not None and remote is not None:
                settled[row.key] = settle_row(row.base_row, row.local, remote, take=take)
            elif take is Take.REMOTE:
                settled[row.key] = remote
        return settled

    def _write(
        self,
        view: DatasetView,
        rows: Sequence[RowView],
        settled: Mapping[Key, Row | None],
        *,
        info_open: bool,
    ) -> None:
        local, remote = view.local, view.remote
        assert local is not None
        assert remote is not None
        base = dict(view.base_rows)
        for row in rows:
            if row.remote is None and settled.get(row.key, row.local) is not None:
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
        items = self.workspace.content_of(line.raw for line in _items(view, settled).lines)
        changes = file_changes(local, items, info)
        new = recorded(self.target.place, dataset=remote.id, info=meta, base=bases_of(view, base))
        after = folder_after(local.folder, changes)
        pointers = pointer_changes(self.workspace, self.target, local.folder, after, new)
        reason = f"resolve {'edit' if self.edit else self.side or ''}".strip()
        self.writer.write(view.slug, local.folder, changes, pointers, reason=reason)

    def _gone(self, view: DatasetView) -> Outcome:
        """D5: gone there: create it again, or let it go here as well."""
        open_states = {DatasetPull.CONFLICT, DatasetPull.MARK_ARCHIVED}
        if view.verdict.pull not in open_states or view.local is None or self.unit:
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
            return self._make_again(view, folder)
        changes = removal(view.local)
        dropped = dropped_pointers(folder, place=self.target.place)
        self.writer.write(view.slug, folder, changes, dropped, reason="resolve remote")
        return self._done(view.slug, "removed locally, as it was remotely (a rescue copy is kept)")

    def _make_again(self, view: DatasetView, folder: Folder) -> Outcome:
        """Write down a person's word that what is gone shall be made again; its line stays, should it come back."""
        line = view.line
        assert line is not None  # else nothing would say that it was there
        said = Recorded(replace(line, gone=True, stamp=None), kept_bases(view))
        pointers = pointer_changes(self.workspace, self.target, folder, folder, said)
        self.writer.write(view.slug, folder, (), pointers, reason="resolve local")
        if line.revision is not None:
            return self._done(
                view.slug,
                "the next push creates it again under another name: names of archived datasets stay taken; "
                f"skillsync adopt {view.slug} --id {line.dataset} brings it back under its own",
            )
        when = "once its .skillsync is committed, " if self.workspace.is_team else ""
        return self._done(view.slug, f"{when}the next push creates it again, as a new dataset")

    def _done(self, subject: str, did: str) -> Outcome:
        kind = Kind.ROW if self.unit else Kind.DATASET
        return Outcome(kind, subject, did, state="resolved", changed=True)


def _items(view: DatasetView, settled: Mapping[Key, Row | None]) -> ItemsFile:
    """Return items.jsonl with these rows as they shall be."""
    assert view.local is not None
    file = view.local.items
    here = {row.key for row in view.rows if row.local is not None}
    changed = [row for key, row in settled.items() if row is not None and key in here]
    file = replace_rows(file, changed, spelling=view.spelling)
    file = remove_rows(file, [key for key, row in settled.items() if row is None])
    added = [row for key, row in settled.items() if row is not None and key not in here]
    return append_rows(file, added, spelling=view.spelling)


def edited(view: DatasetView, row: RowView, edit: Edit) -> Row:
    """Return a row as a person writes it. Raises UsageError for an empty text, InvalidContent for what is no row."""
    name = f"{view.slug}:{row.key}"
    remote = row.remote.row if row.remote else None
    proposed = row.local or remote or Row(row.key, {})
    if row.local is not None and remote is not None:
        proposed = settle_row(row.base_row, row.local, remote, take=Take.LOCAL)
    text = edit(edit_text(name, _heading(view, row), proposed.fields))
    fields = None if text is None else read_edited(text, subject=name)
    if fields is None:
        raise UsageError(f"{name}: nothing was written", unchanged="The conflict stays open.")
    found = Row(row.key, fields)
    if problem := row_problem(found, generation=view.spelling):
        raise InvalidContent(problem, subject=name, unchanged="The conflict stays open.")
    return found


def _heading(view: DatasetView, row: RowView) -> list[str]:
    """Return each unit with what base, local and remote are."""
    lines: list[str] = []
    for one in row_differences(view.slug, row):
        sides = (("base", one.base), ("local", one.local), ("remote", one.remote))
        lines.append(f"{one.unit.removeprefix(f'{row.key}:')}: {one.reason}")
        lines += [f"  {side:<7}{'(absent)' if text is None else text}" for side, text in sides]
    return lines


def is_open(row: RowView) -> bool:
    """Tell whether a row waits for a person's word that `resolve` can carry out; what was erased does (I17)."""
    return row.verdict.pull is RowPull.CONFLICT or row.verdict.state is RowState.HARD_DELETED


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
