"""Datasets and items of the first generation: a flag for what is deleted, no versions (datasets-api.md 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillsync.api.dataset_calls import DATASETS, ITEMS, PAGE, Calls, not_done, one
from skillsync.api.dataset_port import LAST_WRITER_WINS, Collect
from skillsync.api.listing import Listing, Whole
from skillsync.api.rows import (
    dataset_from,
    dataset_payload,
    fields_payload,
    item_payload,
    row_from,
)
from skillsync.errors import BadAnswer
from skillsync.formats.row_names import Spelling
from skillsync.model import DatasetInfo, DatasetRevision, Json, RemoteDataset, RemoteRow, Row


class SeedDatasets(Calls):
    """The last writer wins, and a creation cannot be repeated (datasets-api.md 2.5)."""

    guarantees = LAST_WRITER_WINS
    spelling: Spelling = "seed"

    def parse(self, value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
        """Read a dataset from an answer."""
        return dataset_from(value, dataset_id=dataset_id)

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        """Create a dataset that carries ``slug`` for us. Never repeat it blindly: names may be duplicated."""
        answer = self.project.request(
            "POST", DATASETS, json=dataset_payload(info, slug=slug), subject=f"dataset {slug}"
        )
        return self.written(answer, self.parse)

    def patch(self, remote: RemoteDataset, changes: Mapping[str, Json]) -> RemoteDataset:
        """Change fields of a dataset."""
        return self._patch_dataset(remote.id, changes)

    def delete(self, dataset_id: str) -> None:
        """Delete a dataset softly; its items stay (datasets-api.md 2.2). BadAnswer when it lives on."""
        answer = self.project.request(
            "PATCH",
            one(DATASETS, dataset_id),
            json={"deleted": True},
            subject=f"dataset {dataset_id}",
        )
        if not (isinstance(answer.json, dict) and answer.json.get("deleted") is True):
            raise not_done(f"dataset {dataset_id}", "it is not deleted")

    def undelete(self, dataset_id: str) -> RemoteDataset:
        """Bring a deleted dataset back (datasets-api.md 2.2). BadAnswer when it is still deleted."""
        found = self._patch_dataset(dataset_id, {"deleted": False})
        if found.deleted:
            raise not_done(f"dataset {dataset_id}", "it is still deleted")
        return found

    def _patch_dataset(self, number: str, changes: Mapping[str, Json]) -> RemoteDataset:
        answer = self.project.request(
            "PATCH", one(DATASETS, number), json=dict(changes), subject=f"dataset {number}"
        )
        return self.written(answer, lambda value: self.parse(value, dataset_id=number))

    def list_rows(
        self,
        dataset: str,
        *,
        revision: int | None = None,  # noqa: ARG002
        archived: bool = False,
        page: int = PAGE,
        collect: Collect = Whole,
    ) -> Listing[RemoteRow]:
        """List all live items of a dataset, newest first, complete and counted (datasets-api.md 2.5).

        Deleted ones are never shown. Asks for smaller pages when one is larger than what we are ready to read.
        """
        if archived:
            return Listing((), complete=False)
        while True:
            try:
                return self.listing(
                    ITEMS,
                    first=(("dataset", dataset), ("limit", page)),
                    parse=lambda value: row_from(value, dataset=dataset),
                    subject=f"the items of dataset {dataset}",
                    collect=collect,
                )
            except BadAnswer as error:
                if error.reason != "too-large" or page == 1:
                    raise
                page = max(1, page // 8)

    def count_archived(self, dataset: str | None) -> int:  # noqa: ARG002
        """Nothing shows what is deleted, and there is no quota that it would count for."""
        return 0

    def read_row(self, item_id: str, *, revision: int | None = None) -> RemoteRow:  # noqa: ARG002
        """Read a live item; NotFound when it is deleted, of another project, or never was."""
        answer = self.project.request("GET", one(ITEMS, item_id), subject=f"item {item_id}")
        return self._row(answer.json, item_id)

    def read_any(self, item_id: str) -> RemoteRow:
        """Read an item, deleted or not. Only an empty PATCH shows a deleted one (datasets-api.md 2.5)."""
        return self._patch_row(item_id, {})

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        """Create an item with the row's key in its metadata. Not idempotent: after an indeterminate failure
        list again and look for the key (sync.md 10.2).
        """
        answer = self.project.request(
            "POST", ITEMS, json=item_payload(row, dataset=dataset), subject=f"row {row.key}"
        )
        return self.written(answer, lambda value: self._made(value, dataset))

    def update_row(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Change some fields. A deleted item answers, too: look at ``deleted`` of the result."""
        key = now.row.key if now.own_key else None
        return self._patch_row(now.id, fields_payload(fields, key=key))

    def delete_row(self, now: RemoteRow) -> RemoteRow:
        """Delete an item softly. BadAnswer when the answer does not say that it is deleted."""
        return self._set_deleted(now.id, is_deleted=True)

    def undelete_row(self, item_id: str) -> RemoteRow:
        """Bring a deleted item back. BadAnswer when the answer does not say that it lives."""
        return self._set_deleted(item_id, is_deleted=False)

    def bring_back(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Change the deleted item first, so that its old content is never live again."""
        if fields:
            self.update_row(now, fields)
        return self.undelete_row(now.id)

    def revisions(
        self,
        dataset: str,  # noqa: ARG002
        *,
        newest: int,  # noqa: ARG002
        skip: int = 0,  # noqa: ARG002
    ) -> Sequence[DatasetRevision]:
        """There is no history."""
        return ()

    def versions(self, item_id: str) -> Listing[RemoteRow]:  # noqa: ARG002
        """There is no history."""
        return Listing((), complete=False)

    def _set_deleted(self, item_id: str, *, is_deleted: bool) -> RemoteRow:
        row = self._patch_row(item_id, {"deleted": is_deleted})
        if row.deleted != is_deleted:
            raise not_done(f"item {item_id}", "its state did not change")
        return row

    def _patch_row(self, item_id: str, payload: Mapping[str, Json]) -> RemoteRow:
        answer = self.project.request(
            "PATCH", one(ITEMS, item_id), json=dict(payload), subject=f"item {item_id}"
        )
        return self.written(answer, lambda value: self._row(value, item_id))

    def _made(self, value: Json, dataset: str) -> RemoteRow:
        if isinstance(value, dict):
            self.capabilities.note_dataset(value)
        return row_from(value, dataset=dataset)

    def _row(self, value: Json, item_id: str) -> RemoteRow:
        if isinstance(value, dict):
            self.capabilities.note_dataset(value)
        row = row_from(value)
        if row.id.lower() != item_id.lower():
            raise BadAnswer(f"item {item_id}: the server answered with item {row.id}")
        return row
