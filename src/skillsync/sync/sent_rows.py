"""What a dataset holds after a push wrote to it, where the server counts revisions: without listing it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.row_bases import Bases, bases_at
from skillsync.formats.canonical import row_digest, short

if TYPE_CHECKING:
    from skillsync.model import Key, RemoteDataset, RemoteRow
    from skillsync.sync.sending import Sending


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset at a revision: its live rows, and the revisions of those rows that are not as it has them."""

    dataset: RemoteDataset
    rows: Sequence[RemoteRow]
    apart: Mapping[Key, int]


def held_after(
    dataset: RemoteDataset,
    before: Sequence[RemoteRow],
    written: Mapping[Key, RemoteRow],
    *,
    revisions: int | None,
) -> Held:
    """Return what ``dataset`` holds after these rows were written to it, which took so many ``revisions``.

    Where that is all that came since, nobody else wrote, and the newest of ours holds what was there and what we
    wrote. Else, and where nobody knows (None), the revision from before stays, and each row of ours names its own.
    """
    start = dataset.revision or 0
    ours = [row for row in written.values() if row.revision > start]
    newest = max(ours, key=lambda row: row.revision, default=None)
    if newest is None:
        return Held(dataset, before, {})
    if newest.revision - start != revisions:
        return Held(dataset, before, {row.row.key: row.revision for row in ours})
    rows = {row.id: row for row in before}
    rows.update({row.id: row for row in ours})
    live = tuple(row for row in rows.values() if not row.deleted)
    moved = replace(dataset, revision=newest.revision, revision_id=newest.revision_id)
    return Held(moved, live, {})


def bases_after(sending: Sending, held: Held) -> Bases:
    """Return what was taken in, as it is recorded of what the dataset holds now."""
    view = sending.view
    return bases_at(
        held.dataset.revision or 0,
        sending.base,
        there={row.row.key: short(row_digest(row.row)) for row in held.rows},
        known={**view.base_revisions, **held.apart},
        before=view.line_revision,
    )
