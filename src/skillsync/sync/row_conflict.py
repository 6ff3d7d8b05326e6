"""Shows what base, local and remote are for a row that needs a person (sync.md 8)."""

from __future__ import annotations

from skillsync.core.merge import incoming_groups, merge_row
from skillsync.formats.canonical import canonical_json
from skillsync.model import Conflict, Row, UnitKind
from skillsync.sync.row_views import RowView


def row_conflicts(slug: str, row: RowView) -> tuple[Conflict, ...]:
    """Return what base, local and remote are, by field group; the whole row where one side has none."""
    if row.local is not None and row.remote is not None:
        return merge_row(row.base_row, row.local, row.remote.row, subject=slug).conflicts
    remote = row.remote.row if row.remote else None
    return (
        Conflict(
            slug,
            UnitKind.ROW,
            str(row.key),
            _text(row.base_row),
            _text(row.local),
            _text(remote),
            str(row.verdict.state),
        ),
    )


def row_differences(slug: str, row: RowView) -> tuple[Conflict, ...]:
    """Return the conflicts of a row, and what only the remote changed of it, which its line does not have yet."""
    incoming: tuple[Conflict, ...] = ()
    if row.local is not None and row.remote is not None:
        incoming = incoming_groups(row.base_row, row.local, row.remote.row, subject=slug)
    return (*row_conflicts(slug, row), *incoming)


def _text(row: Row | None) -> str | None:
    return canonical_json(dict(row.fields)) if row else None
