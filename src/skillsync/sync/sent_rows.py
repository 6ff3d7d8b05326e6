"""What a dataset holds after a push wrote to it, where the server counts revisions: without listing it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.row_bases import Bases, Replaced, bases_at
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.kept_remote import KeptRows, record_of

if TYPE_CHECKING:
    from skillsync.model import Key, RemoteDataset, RemoteRow
    from skillsync.sync.sending import Sending


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset at a revision: the rows that it had ``before``, but for those that are ``ours`` by now (by id).

    ``apart`` are the revisions of those rows that are not as it has them.
    """

    dataset: RemoteDataset
    before: KeptRows
    ours: Mapping[str, RemoteRow]
    apart: Mapping[Key, int]

    def records(self) -> Iterator[bytes]:
        """Yield the live rows as ``record_of`` makes them."""
        seen: set[str] = set()
        for number, record in enumerate(self.before.records()):
            now = self.ours.get(self.before.id_of(number)) if self.ours else None
            if now is None:
                yield record
                continue
            seen.add(now.id)
            if not now.deleted:
                yield record_of(now)
        for row in self.ours.values():
            if row.id not in seen and not row.deleted:
                yield record_of(row)

    @property
    def digests(self) -> Mapping[Key, str]:
        """The short digest of each live row."""
        before = self.before.digests
        if any(row.deleted for row in self.ours.values()):
            gone = {row.row.key for row in self.ours.values() if row.deleted}
            before = {key: digest for key, digest in before.items() if key not in gone}
        ours = {
            row.row.key: short(row_digest(row.row)) for row in self.ours.values() if not row.deleted
        }
        return Replaced(before, ours) if ours else before


def held_after(
    dataset: RemoteDataset,
    before: KeptRows,
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
        return Held(dataset, before, {}, {})
    if newest.revision - start != revisions:
        return Held(dataset, before, {}, {row.row.key: row.revision for row in ours})
    moved = replace(dataset, revision=newest.revision, revision_id=newest.revision_id)
    return Held(moved, before, {row.id: row for row in ours}, {})


def bases_after(sending: Sending, held: Held) -> Bases:
    """Return what was taken in, as it is recorded of what the dataset holds now."""
    view = sending.view
    return bases_at(
        held.dataset.revision or 0,
        sending.base,
        there=held.digests,
        known={**view.base_revisions, **held.apart},
        before=view.line_revision,
    )
