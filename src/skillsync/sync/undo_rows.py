"""Takes back what a push did to datasets: rows are patched back or brought back, each only while it is as it was left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.api.rows import FOREIGN
from skillsync.errors import BadAnswer, NotFound
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.model import Digest, Key, RemoteRow
from skillsync.sync.push_new_rows import changed_fields
from skillsync.sync.push_record import Written
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.undo_pointers import RowsUndone, RowUndone, UndoPointers
from skillsync.sync.undo_skills import SKILL_WRITES, gone, pending
from skillsync.sync.watched import WriteKind

if TYPE_CHECKING:
    from skillsync.sync.workspace import Remote


@dataclass
class DatasetUndo:
    """One undo's work on datasets and rows. ``made``: the rows that the push created, by dataset and item id.

    ``undone`` collects what changed, for the pointers.
    """

    remote: Remote
    pointers: UndoPointers
    archive: frozenset[str]
    dry_run: bool
    made: Mapping[str, Mapping[str, str]]
    undone: dict[str, RowsUndone] = field(default_factory=dict)

    def one(self, written: Written) -> tuple[Outcome, bool]:
        """Take one write back. Returns the outcome, and whether nothing is left to undo of it."""
        kind = written.write.kind
        if not written.done:
            return self._unclear(written), False
        match kind:
            case WriteKind.CREATE_DATASET:
                return self._created_dataset(written)
            case WriteKind.PATCH_DATASET:
                return self._patched_dataset(written)
            case WriteKind.DELETE_DATASET | WriteKind.UNDELETE_DATASET:
                return self._deleted_dataset(written)
            case WriteKind.CREATE_ROW | WriteKind.UNDELETE_ROW:
                return self._created_row(written)
            case WriteKind.PATCH_ROW:
                return self._patched_row(written)
            case _:
                return self._deleted_row(written)

    def _changed(self, dataset: str) -> RowsUndone:
        return self.undone.setdefault(dataset, RowsUndone())

    def _unclear(self, written: Written) -> Outcome:
        return Outcome(
            Kind.DATASET,
            written.write.name or written.write.key or written.write.id,
            f"not undone: the server never said whether it did the {written.write.kind}",
            state="indeterminate",
            exit=5,
            code="E-INDETERMINATE",
            fix="skillsync status",
        )

    # ------------------------------------------------------------ datasets

    def _created_dataset(self, written: Written) -> tuple[Outcome, bool]:
        slug, number = written.write.name, written.id
        try:
            now = self.remote.datasets.read(number)
        except NotFound:
            return _dataset(slug, "is not on the server any more"), True
        if slug not in self.archive:
            return pending(Kind.DATASET, slug), False
        made = self.made.get(number, {})
        foreign = [
            item
            for item in self.remote.datasets.list_rows(number).items
            if made.get(item.id) != row_digest(item.row)
        ]
        if foreign or info_digest(now.info) != written.digest:
            return _moved(
                Kind.DATASET, slug, f"{len(foreign)} rows are not as the push left them"
            ), False
        if self.dry_run:
            return _dataset(slug, "would be archived: the push created it"), False
        self.remote.datasets.delete(number)
        self._changed(number).is_gone = True
        return _dataset(slug, "archived: the push had created it", changed=True), True

    def _patched_dataset(self, written: Written) -> tuple[Outcome, bool]:
        number, old = written.write.id, written.old_info
        slug = self.pointers.slug_of(number)
        try:
            now = self.remote.datasets.read(number)
        except NotFound:
            return gone(Kind.DATASET, slug), False
        if old is None or info_digest(now.info) != written.digest:
            why = "its name, description or metadata changed since"
            return _moved(Kind.DATASET, slug, why), False
        if self.dry_run:
            return _dataset(slug, "would get its name, description and metadata back"), False
        after = self.remote.datasets.patch(now, to=old)
        if info_digest(after.info) != info_digest(old):
            raise BadAnswer("it reads back different from what was sent", subject=slug)
        self._changed(number).info = (Digest(written.digest), old)
        return _dataset(slug, "has its name, description and metadata back", changed=True), True

    def _deleted_dataset(self, written: Written) -> tuple[Outcome, bool]:
        number = written.write.id
        slug = self.pointers.slug_of(number)
        try:
            self.remote.datasets.read(number)
            return _dataset(slug, "is on the server"), True
        except NotFound:
            pass
        if self.dry_run:
            return _dataset(slug, "would be brought back with its rows"), False
        self.remote.datasets.undelete(number)
        return _dataset(slug, "brought back with its rows", changed=True), True

    # ------------------------------------------------------------ rows

    def _created_row(self, written: Written) -> tuple[Outcome, bool]:
        number = written.id or written.write.id
        row = self._live(number)
        key = Key(written.write.key or (row.row.key if row else number))
        if row is None:
            return _row(number, "is not on the server any more"), True
        slug = self.pointers.slug_of(row.dataset)
        name = f"{slug}:{row.row.key}"
        if not {slug, name} & self.archive:
            return pending(Kind.ROW, name), False
        if row_digest(row.row) != written.digest:
            return _moved(Kind.ROW, name, "it was edited since"), False
        if self.dry_run:
            return _row(name, "would be archived: the push created it"), False
        self.remote.datasets.delete_row(row)
        self._changed(row.dataset).rows[key] = RowUndone(short(Digest(written.digest)), None)
        return _row(name, "archived: the push had created it", changed=True), True

    def _patched_row(self, written: Written) -> tuple[Outcome, bool]:
        number, old = written.write.id, written.old_row
        row = self._live(number)
        name = self._row_name(written, row)
        if row is None:
            return gone(Kind.ROW, name), False
        if old is None:
            return _moved(Kind.ROW, name, "what it said before is not known"), False
        if row_digest(row.row) != written.digest:
            return _moved(Kind.ROW, name, "it was edited since"), False
        if self.dry_run:
            return _row(name, "would be patched back"), False
        self.remote.datasets.update_row(row, changed_fields(row.row, old))
        after = self._live(number)
        if after is None or row_digest(after.row) != row_digest(old):
            raise BadAnswer(
                "the row reads back different from what was sent: somebody edited it at the same moment",
                subject=name,
                hint="skillsync pull",
            )
        self._changed(row.dataset).rows[row.row.key] = RowUndone(
            short(Digest(written.digest)), short(row_digest(old)), after.revision
        )
        return _row(name, "patched back", changed=True), True

    def _deleted_row(self, written: Written) -> tuple[Outcome, bool]:
        number, old = written.write.id, written.old_row
        dataset = written.text("dataset")
        name = self._row_name(written, None)
        if self._live(number) is not None:
            return _row(name, "is on the server"), True
        if old is None or not dataset:
            return _moved(Kind.ROW, name, "what it said before is not known"), False
        others = self.remote.datasets.list_rows(dataset).items
        same = [item for item in others if item.row.key == old.key]
        if any(row_digest(item.row) == row_digest(old) for item in same):
            return _row(name, "is on the server in an equal copy"), True
        if same:
            return _moved(Kind.ROW, name, "another row has its id by now"), False
        if self.dry_run:
            return _row(name, "would be brought back"), False
        back = self.remote.datasets.undelete_row(number)
        digest = short(row_digest(back.row))
        self._changed(dataset).rows[old.key] = RowUndone("", digest, back.revision)
        if row_digest(back.row) != row_digest(old):
            return _moved(Kind.ROW, name, "brought back, but it was edited before"), True
        return _row(name, "brought back", changed=True), True

    def _live(self, number: str) -> RemoteRow | None:
        try:
            return self.remote.datasets.read_row(number)
        except NotFound:
            return None

    def _row_name(self, written: Written, row: RemoteRow | None) -> str:
        dataset = row.dataset if row is not None else written.text("dataset")
        old = written.old_row
        key = (
            row.row.key if row is not None else (old.key if old else f"{FOREIGN}{written.write.id}")
        )
        return f"{self.pointers.slug_of(dataset)}:{key}"


def names_of(written: Written, pointers: UndoPointers) -> Collection[str]:
    """Return what the user may call the object of a write: a skill, a dataset, or a row of one."""
    write = written.write
    if write.kind is WriteKind.RENAME_SKILL:
        return {write.name, write.key}
    if write.kind in SKILL_WRITES:
        return {write.name}
    if write.kind is WriteKind.CREATE_DATASET:
        return {write.name, pointers.slug_of(written.id)}
    if write.kind is WriteKind.CREATE_ROW:
        slug = pointers.slug_of(write.id)
        return {slug, f"{slug}:{write.key}"}
    dataset = written.text("dataset") or write.id
    slug, old = pointers.slug_of(dataset), written.old_row
    return {slug, f"{slug}:{old.key}"} if old else {slug}


def folders_of(written: Written, pointers: UndoPointers) -> Collection[str]:
    """Return where the object of a write is in the working tree, or was."""
    write, tree = written.write, pointers.tree
    if write.kind in SKILL_WRITES:
        names = names_of(written, pointers)
        return {one.dir for one in (*tree.skills, *tree.gone_skills) if one.name in names}
    by_id = {write.id, written.id, written.text("dataset")} - {""}
    return {local.dir for local in map(pointers.folder_of, by_id) if local is not None}


def _dataset(slug: str, did: str, *, changed: bool = False) -> Outcome:
    return Outcome(Kind.DATASET, slug, did, state="undone" if changed else "undo", changed=changed)


def _row(name: str, did: str, *, changed: bool = False) -> Outcome:
    return Outcome(Kind.ROW, name, did, state="undone" if changed else "undo", changed=changed)


def _moved(kind: Kind, name: str, why: str) -> Outcome:
    return Outcome(
        kind,
        name,
        "not undone: something newer is there",
        state="moved on",
        exit=3,
        code="E-REMOTE-AHEAD",
        message=why,
        fix=f"skillsync pull {name.partition(':')[0]}",
    )
