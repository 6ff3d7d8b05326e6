"""Links a dataset folder to a remote dataset that it was never linked to, by a person's word (D3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.errors import NotFound, UsageError
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    assign_keys,
    rekey_rows,
    remove_rows,
    replace_rows,
)
from skillsync.formats.row_names import Spelling
from skillsync.model import DatasetInfo, Digest, Key, RemoteDataset, RemoteRow
from skillsync.sync.dataset_pointer import bases_of, file_changes, pointer_changes, recorded
from skillsync.sync.dataset_reading import list_rows, rekeyed_rows
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetView
from skillsync.sync.local import LocalTree
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after

if TYPE_CHECKING:
    from skillsync.config import Target

_UNCHANGED = "Nothing was changed."


class Way(StrEnum):
    """How two unrelated contents become one."""

    MERGE = "merge"
    LOCAL = "local"
    REMOTE = "remote"


@dataclass
class DatasetAdopter:
    """One `adopt` of one dataset folder.

    Lines whose content equals that of a row born on the server get that row's key; this is the one place, with
    D3 itself, where a line's id changes. Then equal rows are linked, and by the way: MERGE (or none) leaves the
    rest to pull, LOCAL takes everything remote in, so that push replaces it, REMOTE makes the files what the
    remote has.
    """

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer

    def run(self, tree: LocalTree, name: str, dataset_id: str | None, way: Way | None) -> Outcome:
        """Link it. Raises UsageError when it is not clear what to link, or when that was done."""
        view = self._view(tree, name, dataset_id)
        local = view.local
        assert local is not None
        if local.problem is not None:
            raise local.problem
        view.remote = self._dataset(self._chosen(view, name, dataset_id))
        view.line, view.base_rows, view.base_revisions = None, {}, {}
        list_rows(self.workspace, view, self.remote)
        assert view.remote_rows is not None
        live = _by_key(view.remote_rows)
        file = rekey_rows(local.items, rekeyed_rows(local, view.remote_rows))
        here = {row.key: short(row_digest(row)) for row in file.rows}
        there = {key: short(row_digest(item.row)) for key, item in live.items()}
        base = {key: digest for key, digest in there.items() if here.get(key) == digest}
        equal, changed = len(base), file != local.items
        info, meta = local.document.info, _meta(view, way)
        if way is Way.LOCAL:
            base = there
        elif way is Way.REMOTE:
            base, info = there, view.remote.info
            file = _as_remote(file, live, self.remote.datasets.spelling)
        self._write(view, file, info, meta, base)
        words = (
            f"linked to {view.remote.id}; {equal} {'row is' if equal == 1 else 'rows are'} equal, "
        )
        if changed:
            words = f"{words}some by their content, "
        return Outcome(
            Kind.DATASET,
            name,
            words + _REST[way or Way.MERGE],
            row="D3",
            state="adopted",
            changed=True,
        )

    def _dataset(self, number: str) -> RemoteDataset:
        """Read the dataset; one that is archived is brought back, as a person named it."""
        try:
            return self.remote.datasets.read(number)
        except NotFound as error:
            if error.reason != "archived":
                raise
        return self.remote.datasets.undelete(number)

    def _view(self, tree: LocalTree, name: str, dataset_id: str | None) -> DatasetView:
        survey = survey_datasets(
            self.workspace, self.target, tree, remote=self.remote, names=[name]
        )
        view = next((one for one in survey.views if one.slug == name and one.local), None)
        if view is None:
            raise UsageError(
                f"there is no skill and no dataset named {name!r} here",
                unchanged=_UNCHANGED,
                hint="skillsync status",
            )
        if view.linked_id is not None and view.problem is None and not dataset_id:
            raise UsageError(
                f"{name} is linked already, to {view.linked_id}",
                unchanged=_UNCHANGED,
                hint="skillsync status",
            )
        return view

    def _chosen(self, view: DatasetView, name: str, dataset_id: str | None) -> str:
        ids = [candidate.id for candidate in view.candidates]
        if dataset_id:
            return dataset_id
        if len(ids) == 1:
            return ids[0]
        raise UsageError(
            f"say which dataset {name!r} is" + (f": {', '.join(ids)}" if ids else ""),
            unchanged=_UNCHANGED,
            hint=f"skillsync adopt {name} --id UUID",
        )

    def _write(
        self,
        view: DatasetView,
        file: ItemsFile,
        info: DatasetInfo,
        meta: Digest,
        base: dict[Key, str],
    ) -> None:
        assert view.local is not None
        assert view.remote is not None
        folder = view.local.folder
        items = self.workspace.content_of(line.raw for line in file.lines)
        changes = file_changes(view.local, items, info)
        new = recorded(
            self.target.place, dataset=view.remote.id, info=meta, base=bases_of(view, base)
        )
        after = folder_after(folder, changes)
        pointers = pointer_changes(self.workspace, self.target, folder, after, new)
        self.writer.write(view.slug, folder, changes, pointers, reason="adopt")


_REST = {
    Way.MERGE: "the rest is compared by pull",
    Way.LOCAL: "the rest is taken in: your rows replace it with the next push",
    Way.REMOTE: "and the file is as the remote has it (a rescue copy is kept)",
}


def _by_key(rows: Sequence[RemoteRow]) -> dict[Key, RemoteRow]:
    """Return the items by key, oldest first; of several with one key the oldest (I21)."""
    found: dict[Key, RemoteRow] = {}
    for item in sorted(rows, key=lambda item: (item.created_at.removesuffix("Z"), item.id)):
        found.setdefault(item.row.key, item)
    return found


def _meta(view: DatasetView, way: Way | None) -> Digest:
    """Return the base of name, description and metadata.

    No base is known for what differs: a digest that neither side has makes it a conflict, not a take-over.
    """
    assert view.local is not None
    assert view.remote is not None
    there = info_digest(view.remote.info)
    is_known = way in {Way.LOCAL, Way.REMOTE} or there == view.local.info_digest
    return there if is_known else UNKNOWN_INFO


def _as_remote(file: ItemsFile, live: dict[Key, RemoteRow], spelling: Spelling) -> ItemsFile:
    """Return the file with exactly the remote's rows; lines without id that equal none of them go as well."""
    rows = [item.row for item in live.values()]
    file = assign_keys(file, known=rows, new_key=None)
    file = replace_rows(file, [row for row in rows if row.key in file.by_key], spelling=spelling)
    gone = [key for key in file.by_key if key not in live]
    file = remove_rows(file, gone, keyless=True)
    return append_rows(file, [row for row in rows if row.key not in file.by_key], spelling=spelling)
