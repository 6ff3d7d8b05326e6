"""The datasets of one project and their items, in the seed's generation (datasets-api.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

from skillsync.api.answers import Answer
from skillsync.api.detect import Capabilities, Project, newer_generation
from skillsync.api.listing import Listing, Page, Query, page_from, read_listing
from skillsync.api.parallel import each
from skillsync.api.rows import (
    dataset_changes,
    dataset_from,
    dataset_payload,
    fields_payload,
    item_payload,
    row_from,
)
from skillsync.api.transport import Transport
from skillsync.errors import BadAnswer, Refused, RemoteError
from skillsync.model import DatasetInfo, Json, Key, RemoteDataset, RemoteRow, Row

T = TypeVar("T")

PAGE = 1_000
_DATASETS = "datasets/"
_ITEMS = "dataset_items/"


class DatasetsApi:
    """Every call raises a RemoteError when the server refuses, fails, or answers with nonsense.

    On a server of the newer generation every call is Refused, reason ``generation``, before it writes
    (datasets-api.md 0.1).
    """

    def __init__(
        self, transport: Transport, project: int | str, capabilities: Capabilities | None = None
    ) -> None:
        self._project = Project(transport, project, capabilities)
        self._transport = transport

    @property
    def capabilities(self) -> Capabilities:
        """What the server's answers have shown so far."""
        return self._project.capabilities

    def list(self) -> Listing[RemoteDataset]:
        """List all live datasets, newest first. Names may repeat."""
        return self._listing(
            _DATASETS, first=(("limit", PAGE),), parse=self._dataset, subject="the list of datasets"
        )

    def read(self, dataset_id: str) -> RemoteDataset:
        """Read a live dataset; NotFound when it is deleted, of another project, or never was."""
        answer = self._project.request(
            "GET", _one(_DATASETS, dataset_id), subject=f"dataset {dataset_id}"
        )
        return self._dataset(answer.json, dataset_id=dataset_id)

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        """Create a dataset that carries ``slug`` for us. Never repeat it blindly: names may be duplicated."""
        self._require_seed()
        return self._written(
            self._project.request(
                "POST", _DATASETS, json=dataset_payload(info, slug=slug), subject=f"dataset {slug}"
            ),
            self._dataset,
        )

    def patch(self, remote: RemoteDataset, *, to: DatasetInfo) -> RemoteDataset:
        """Change name, description and metadata to those of ``to``, sending only what differs.

        Without a difference nothing is sent, and ``remote`` is returned.
        """
        changes = dataset_changes(remote, to)
        if not changes:
            return remote
        self._require_seed()
        answer = self._project.request(
            "PATCH", _one(_DATASETS, remote.id), json=changes, subject=f"dataset {remote.id}"
        )
        return self._written(answer, lambda value: self._dataset(value, dataset_id=remote.id))

    def delete(self, dataset_id: str) -> None:
        """Delete a dataset softly; its items stay (datasets-api.md 2.2). BadAnswer when it lives on."""
        self._require_seed()
        subject = f"dataset {dataset_id}"
        answer = self._project.request(
            "PATCH", _one(_DATASETS, dataset_id), json={"deleted": True}, subject=subject
        )
        if not (isinstance(answer.json, dict) and answer.json.get("deleted") is True):
            raise BadAnswer(
                f"{subject}: the server answered, but it is not deleted",
                subject=subject,
                indeterminate=True,
            )

    def undelete(self, dataset_id: str) -> RemoteDataset:
        """Bring a deleted dataset back (datasets-api.md 2.2). BadAnswer when it is still deleted."""
        self._require_seed()
        subject = f"dataset {dataset_id}"
        answer = self._project.request(
            "PATCH", _one(_DATASETS, dataset_id), json={"deleted": False}, subject=subject
        )
        found = self._written(answer, lambda value: self._dataset(value, dataset_id=dataset_id))
        if found.deleted:
            raise BadAnswer(
                f"{subject}: the server answered, but it is still deleted",
                subject=subject,
                indeterminate=True,
            )
        return found

    def list_rows(self, dataset: str, *, page: int = PAGE) -> Listing[RemoteRow]:
        """List all live items of a dataset, newest first, complete and counted (datasets-api.md 2.5).

        Asks for smaller pages when one is larger than what we are ready to read.
        """
        while True:
            try:
                return self._listing(
                    _ITEMS,
                    first=(("dataset", dataset), ("limit", page)),
                    parse=lambda value: self._row(value, dataset=dataset),
                    subject=f"the items of dataset {dataset}",
                )
            except BadAnswer as error:
                if error.reason != "too-large" or page == 1:
                    raise
                page = max(1, page // 8)

    def read_row(self, item_id: str) -> RemoteRow:
        """Read a live item; NotFound when it is deleted, of another project, or never was."""
        answer = self._project.request("GET", _one(_ITEMS, item_id), subject=f"item {item_id}")
        return self._row(answer.json, item_id=item_id)

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        """Create an item with the row's key in its metadata. Not idempotent: after an indeterminate failure
        list again and look for the key (sync.md 10.2).
        """
        self._require_seed()
        answer = self._project.request(
            "POST", _ITEMS, json=item_payload(row, dataset=dataset), subject=f"row {row.key}"
        )
        return self._written(answer, lambda value: self._row(value, dataset=dataset))

    def create_rows(
        self,
        dataset: str,
        rows: Sequence[Row],
        *,
        on_done: Callable[[Row], None] | None = None,
        workers: int | None = None,
    ) -> Iterator[tuple[Row, RemoteRow | RemoteError]]:
        """Create many items, a few at a time, and yield each or its error as it comes."""
        found = each(
            rows,
            lambda row: self.create_row(dataset, row),
            transport=self._transport,
            workers=workers,
        )
        for row, result in found:
            if on_done:
                on_done(row)
            yield row, result

    def patch_row(self, item_id: str, fields: Mapping[str, Json], *, key: Key | None) -> RemoteRow:
        """Change some fields of an item, named as in ROW_FIELDS; null clears one.

        ``key`` is the row's key when the item carries it, None for an item born elsewhere. The last writer wins
        (datasets-api.md 2.5), and a deleted item answers, too: look at ``deleted`` of the result.
        """
        return self._patch_row(item_id, fields_payload(fields, key=key))

    def delete_row(self, item_id: str) -> RemoteRow:
        """Delete an item softly. BadAnswer when the answer does not say that it is deleted."""
        return self._set_deleted(item_id, is_deleted=True)

    def undelete_row(self, item_id: str) -> RemoteRow:
        """Bring a deleted item back. BadAnswer when the answer does not say that it lives."""
        return self._set_deleted(item_id, is_deleted=False)

    def _set_deleted(self, item_id: str, *, is_deleted: bool) -> RemoteRow:
        row = self._patch_row(item_id, {"deleted": is_deleted})
        if row.deleted != is_deleted:
            raise BadAnswer(
                f"item {item_id}: the server answered, but its state did not change",
                subject=f"item {item_id}",
                indeterminate=True,
            )
        return row

    def _patch_row(self, item_id: str, payload: dict[str, Json]) -> RemoteRow:
        self._require_seed()
        answer = self._project.request(
            "PATCH", _one(_ITEMS, item_id), json=payload, subject=f"item {item_id}"
        )
        return self._written(answer, lambda value: self._row(value, item_id=item_id))

    def _require_seed(self) -> None:
        """Find out the generation by the one probe that works on an empty project (datasets-api.md 0.1)."""
        if self.capabilities.dataset_generation == "unknown":
            try:
                answer = self._project.request("GET", _ITEMS, query=(("limit", 1),))
            except Refused as error:
                if error.status == 400 and error.field == "dataset":
                    self.capabilities.dataset_generation = "G2"
                    raise newer_generation() from error
                raise
            page = page_from(answer.json, path=self._list_path(_ITEMS), subject="the items")
            self.capabilities.dataset_generation = "G1"
            for item in page.results:
                self.capabilities.require_first_generation(item)
        elif self.capabilities.dataset_generation == "G2":
            raise newer_generation()

    def _listing(
        self, path: str, *, first: Query, parse: Callable[[Json], T], subject: str
    ) -> Listing[T]:
        def fetch(query: Query) -> Page:
            answer = self._project.request("GET", path, query=query, subject=subject)
            return page_from(answer.json, path=self._list_path(path), subject=subject)

        return read_listing(
            fetch,
            first=first,
            key_of=lambda item: str(item.get("id")),
            parse=lambda item: parse(dict(item)),
            subject=subject,
        )

    def _list_path(self, path: str) -> str:
        return f"/api/projects/{self._project.number}/{path}"

    def _dataset(self, value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
        if isinstance(value, dict):
            self.capabilities.require_first_generation(value)
        return dataset_from(value, dataset_id=dataset_id)

    def _row(
        self,
        value: Json,
        *,
        dataset: str | None = None,
        item_id: str | None = None,
    ) -> RemoteRow:
        if isinstance(value, dict):
            self.capabilities.require_first_generation(value)
        row = row_from(value, dataset=dataset)
        if item_id is not None and row.id.lower() != item_id.lower():
            raise BadAnswer(f"item {item_id}: the server answered with item {row.id}")
        return row

    def _written(self, answer: Answer, parse: Callable[[Json], T]) -> T:
        """The result of a write; one that cannot be read leaves open what happened."""
        try:
            return parse(answer.json)
        except BadAnswer as error:
            error.indeterminate = True
            raise


def _one(collection: str, number: str) -> str:
    if number in {"", ".", ".."}:
        raise BadAnswer(f"{number!r} cannot be an id")
    return f"{collection}{quote(number, safe='')}/"
