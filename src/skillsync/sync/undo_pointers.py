"""The pointers after an undo: what the tree had taken in before the remote went back counts for what is there now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.core.row_bases import Bases, bases_at
from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.model import DatasetInfo, DatasetPointer, Digest, Key, SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.sync.dataset_bases import read_bases, take_local_bases
from skillsync.sync.dataset_pointer import dropped_pointers, pointer_changes, recorded
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.evidence import Lines
from skillsync.sync.local import (
    LocalDataset,
    LocalSkill,
    LocalTree,
    join,
    pointer_line,
    row_base,
)
from skillsync.sync.row_snapshots import remember_bases
from skillsync.sync.writing import Writer, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.model import Pointer
    from skillsync.sync.workspace import Remote, Workspace


def counted_line(
    workspace: Workspace, thing: LocalSkill | LocalDataset, place: str
) -> Pointer | None:
    """Return the pointer line of an object of the working tree that counts (design.md 3)."""
    line = pointer_line(thing.folder, place)
    data = workspace.head_pointers.get(thing.dir)
    head = parse_pointer(data, path=join(thing.dir, POINTER)).lines.get(place) if data else None
    counted, _ = workspace.history.tree_line(Lines(line, head), thing.dir, thing.files)
    return counted if counted == line else None


@dataclass(frozen=True, slots=True)
class RowUndone:
    """What became of one row: the short digest that the push had written ("" for none), the one it has now (None:
    it was removed), and the revision that this came with, 0 where there are none.
    """

    written: str
    now: str | None
    revision: int = 0


def moved_bases(
    revision: int,
    base: Mapping[Key, str],
    lagging: Mapping[Key, int],
    rows: Mapping[Key, RowUndone],
) -> Bases:
    """Return bases with those rows moved whose base is what the push had written; each names its own revision."""
    digests, since = dict(base), dict(lagging)
    for key, row in rows.items():
        if digests.get(key, ABSENT) == (row.written or ABSENT):
            digests[key] = row.now or ABSENT
            since[key] = row.revision if row.now else 0
    return Bases(revision, digests, since)


def _as_of_now(bases: Bases, dataset: str, remote: Remote) -> Bases:
    """Record the same bases at the dataset's present revision, at which the rows that were removed are gone.

    At the earlier one they were there: then it would be news that they are not (I14). So it stays where a list fails.
    """
    now = remote.datasets.read(dataset)
    listing = remote.datasets.list_rows(dataset, revision=now.revision)
    if now.revision is None or not listing.complete or listing.problems:
        return bases
    there = {item.row.key: short(row_digest(item.row)) for item in listing.items}
    return bases_at(
        now.revision, bases.digests, there=there, known=bases.lagging, before=bases.revision
    )


@dataclass
class RowsUndone:
    """What changed in one dataset: its rows by key, its own fields, or that it is gone as a whole."""

    rows: dict[Key, RowUndone] = field(default_factory=dict)
    info: tuple[Digest, DatasetInfo] | None = None
    is_gone: bool = False


@dataclass
class UndoPointers:
    """Writes the pointers of one undo. In team mode, and where a line does not count, nothing is written."""

    workspace: Workspace
    target: Target
    writer: Writer
    tree: LocalTree

    def skill(self, name: str, before: str, now: Version | None, digest: Digest) -> bool:
        """Move a skill's pointer from the version id ``before`` to ``now`` (None: drop it); tell whether it counted.

        The files stay: what they say against the version that was taken back is an unpublished edit again.
        """
        local = next((one for one in self.tree.skills if one.name == name), None)
        if local is None or self.workspace.is_team:
            return False
        line = counted_line(self.workspace, local, self.target.place)
        if not isinstance(line, SkillPointer) or line.id != before:
            return False
        moved = None
        if now is not None:
            stamp = stamp_for(self.workspace, local.folder)
            moved = skill_line(self.target.place, now, digest, stamp)
        change = pointer_change(
            local.folder, moved, place=self.target.place, places=self.workspace.settings.places
        )
        self.writer.write(name, local.folder, (), [change], reason="undo")
        return True

    def dataset(self, dataset_id: str, undone: RowsUndone, remote: Remote) -> bool:
        """Move the bases of rows and of the dataset's own fields; tell whether they counted."""
        local = self.folder_of(dataset_id)
        if local is None or self.workspace.is_team:
            return False
        line = counted_line(self.workspace, local, self.target.place)
        if not isinstance(line, DatasetPointer):
            return False
        folder, place = local.folder, self.target.place
        if undone.is_gone:
            changes = dropped_pointers(folder, place=place)
        else:
            base = self._base(local, line, undone.rows, remote)
            meta = line.meta
            if undone.info is not None and undone.info[0] == meta:
                meta = info_digest(undone.info[1])
            moved = recorded(place, dataset=line.dataset, info=meta, base=base)
            changes = pointer_changes(self.workspace, self.target, folder, folder, moved)
        self.writer.write(local.slug, folder, (), changes, reason="undo")
        return True

    def _base(
        self,
        local: LocalDataset,
        line: DatasetPointer,
        rows: Mapping[Key, RowUndone],
        remote: Remote,
    ) -> dict[Key, str] | Bases:
        """The bases as they become: only a row whose base was what the push had written moves."""
        lines = row_base(local.folder, self.target.place)[0]
        if line.revision is None:
            base = dict(lines)
            for key, row in rows.items():
                if base.get(key, "") != row.written:
                    continue
                if row.now is None:
                    base.pop(key, None)
                else:
                    base[key] = row.now
            return base
        view = DatasetView(
            local.slug, local.dir, home=local.dir, place=line.place, local=local, line=line
        )
        take_local_bases(self.workspace, view, lines)
        if view.unread:
            read_bases(self.workspace, view, remote)
        moved = moved_bases(line.revision, view.base_rows, view.base_revisions, rows)
        if any(row.now is None for row in rows.values()):
            moved = _as_of_now(moved, line.dataset, remote)
        remember_bases(self.workspace, moved.digests)
        return moved

    def folder_of(self, dataset_id: str) -> LocalDataset | None:
        """Return the folder whose pointer names a dataset."""
        for local in self.tree.datasets:
            line = pointer_line(local.folder, self.target.place)
            if isinstance(line, DatasetPointer) and line.dataset == dataset_id:
                return local
        return None

    def slug_of(self, dataset_id: str) -> str:
        """What a dataset is called here, its id when no folder names it."""
        for local in (*self.tree.datasets, *self.tree.gone_datasets):
            line = pointer_line(local.folder, self.target.place)
            if isinstance(line, DatasetPointer) and line.dataset == dataset_id:
                return local.slug
        return dataset_id
