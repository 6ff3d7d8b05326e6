"""Datasets and items of the newer generation: versions, revisions, guarded writes (datasets-api.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skillsync.api.dataset_calls import DATASETS, ITEMS, Calls, not_done, one
from skillsync.api.dataset_port import VERSIONED, Collect
from skillsync.api.detect import Project
from skillsync.api.listing import Collected, Listing, Page, Query, Whole, sequence
from skillsync.api.parallel import each
from skillsync.api.versioned_rows import (
    revision_from,
    update_payload,
    versioned_dataset_from,
    versioned_dataset_payload,
    versioned_item_payload,
    versioned_row_from,
)
from skillsync.errors import BadAnswer, NotFound, RemoteError
from skillsync.formats.marks import Marks
from skillsync.formats.row_names import Spelling
from skillsync.model import (
    DatasetInfo,
    DatasetRevision,
    Json,
    Problem,
    RemoteDataset,
    RemoteRow,
    Row,
)

ITEM_PAGE = 25
"""The most items that a page holds (datasets-api.md 3.3)."""
VERSION_PAGE = 100


@dataclass
class _Found:
    """The rows of the pages that were read so far, and what is wrong with some of them."""

    dataset: str
    rows: Collected[RemoteRow]
    problems: list[Problem] = field(default_factory=list)
    ids: Marks = field(default_factory=Marks)
    count: int = 0

    def take(self, page: Page) -> None:
        """Add a page's items."""
        for item in page.results:
            self.count += 1
            self.ids.add(str(item.get("id")))
            try:
                self.rows.add(versioned_row_from(dict(item), dataset=self.dataset))
            except BadAnswer as error:
                self.problems.append(
                    Problem(error.code, error.message, subject=str(item.get("id")))
                )


class VersionedDatasets(Calls):
    """Every write of a row names the version that it builds upon."""

    guarantees = VERSIONED
    spelling: Spelling = "current"

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._transport = project.transport

    # ---------------------------------------------------------------- datasets

    def parse(self, value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
        """Read a dataset from an answer."""
        return versioned_dataset_from(value, dataset_id=dataset_id)

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        """Create a dataset that carries ``slug`` for us; names are unique, those of archived ones included."""
        self.capabilities.require_writable_datasets()
        payload = versioned_dataset_payload(info, slug=slug)
        answer = self.project.request("POST", DATASETS, json=payload, subject=f"dataset {slug}")
        return self.written(answer, self.parse)

    def patch(self, remote: RemoteDataset, changes: Mapping[str, Json]) -> RemoteDataset:
        """Change fields of a dataset; there is no base to name, but only what is sent is written (3.2)."""
        self.capabilities.require_writable_datasets()
        sent = {
            name: {} if name == "metadata" and value is None else value
            for name, value in changes.items()
        }
        answer = self.project.request(
            "PATCH", one(DATASETS, remote.id), json=sent, subject=f"dataset {remote.id}"
        )
        return self.written(answer, lambda value: self.parse(value, dataset_id=remote.id))

    def delete(self, dataset_id: str) -> None:
        """Archive a dataset; its rows keep their own state."""
        if not self._set_dataset(dataset_id, "archive").deleted:
            raise not_done(f"dataset {dataset_id}", "it is not archived")

    def undelete(self, dataset_id: str) -> RemoteDataset:
        """Bring an archived dataset back."""
        found = self._set_dataset(dataset_id, "restore")
        if found.deleted:
            raise not_done(f"dataset {dataset_id}", "it is still archived")
        return found

    def _set_dataset(self, number: str, verb: str) -> RemoteDataset:
        self.capabilities.require_writable_datasets()
        answer = self.project.request(
            "POST", f"{one(DATASETS, number)}{verb}/", subject=f"dataset {number}"
        )
        return self.written(answer, lambda value: self.parse(value, dataset_id=number))

    # ---------------------------------------------------------------- reading rows

    def list_rows(
        self,
        dataset: str,
        *,
        revision: int | None = None,
        archived: bool = False,
        page: int = ITEM_PAGE,
        collect: Collect = Whole,
    ) -> Listing[RemoteRow]:
        """List the rows of a dataset at a revision: exactly those, however many write meanwhile.

        Without a revision rows may be shown twice or skipped, as in the first generation. Revision 0 has none.
        """
        if revision == 0:
            return Listing((), complete=True)
        subject = f"the items of dataset {dataset}"
        first: Query = (("dataset", dataset), ("limit", min(page, ITEM_PAGE)))
        first += (("archived", "true"),) if archived else ()
        if revision is None:
            return self.listing(
                ITEMS,
                first=first,
                parse=lambda value: versioned_row_from(value, dataset=dataset),
                subject=subject,
                collect=collect,
            )
        found = _Found(dataset, collect())
        return self._pinned(found, (*first, ("revision", revision)), subject=subject)

    def _pinned(self, found: _Found, first: Query, *, subject: str) -> Listing[RemoteRow]:
        """Read the pages of a fixed revision side by side: none can move (datasets-api.md 3.3).

        Each page becomes rows at once, so that no more than a few are held as they came.
        """
        with self.reading(ITEMS) as on_page:
            page = self.page(ITEMS, first, subject=subject)
            on_page(page)
            found.take(page)
            size = len(page.results)
            offsets = range(size, page.count, size) if page.following is not None and size else ()
            pages = each(
                offsets,
                lambda offset: self.page(ITEMS, (*first, ("offset", offset)), subject=subject),
                transport=self._transport,
            )
            is_whole = True
            for _, more in pages:
                if isinstance(more, RemoteError):
                    raise more
                on_page(more)
                found.take(more)
                is_whole &= more.count == page.count
        complete = is_whole and len(found.ids) == found.count == page.count
        return Listing(sequence(found.rows), complete, tuple(found.problems))

    def count_archived(self, dataset: str | None) -> int:
        """Count the archived rows of a dataset, or the project's archived datasets, by the head of their list."""
        path, asked = (DATASETS, ()) if dataset is None else (ITEMS, (("dataset", dataset),))
        query: Query = (*asked, ("archived", "true"), ("limit", 1))
        return self.page(path, query, subject="what is archived").count

    def read_row(self, item_id: str, *, revision: int | None = None) -> RemoteRow:
        """Read a live row, now or as it was at a revision."""
        row = self._get(item_id, () if revision is None else (("revision", revision),))
        if row.deleted:
            raise NotFound(f"item {item_id} is archived", subject=item_id, reason="archived")
        return row

    def read_any(self, item_id: str) -> RemoteRow:
        """Read a row, archived or not."""
        return self._get(item_id, ())

    def _get(self, item_id: str, query: Query) -> RemoteRow:
        answer = self.project.request(
            "GET", one(ITEMS, item_id), query=query, subject=f"item {item_id}"
        )
        return self._row(answer.json, item_id)

    def revisions(self, dataset: str, *, newest: int, skip: int = 0) -> Sequence[DatasetRevision]:
        """List at most ``newest`` revisions, newest first, after ``skip``; only the pages that these need.

        A revision that comes meanwhile moves the others down: one that is shown twice counts once.
        """
        subject = f"the revisions of dataset {dataset}"
        found: dict[int, DatasetRevision] = {}
        offset = skip
        while len(found) < newest:
            query: Query = (
                ("limit", min(VERSION_PAGE, newest - len(found))),
                ("offset", offset),
            )
            page = self.page(f"{one(DATASETS, dataset)}revisions/", query, subject=subject)
            for item in page.results:
                revision = revision_from(dict(item), dataset=dataset)
                found.setdefault(revision.number, revision)
            offset += len(page.results)
            if page.following is None or not page.results:
                break
        return [found[number] for number in sorted(found, reverse=True)][:newest]

    def versions(self, item_id: str) -> Listing[RemoteRow]:
        """List every version of a row, newest first."""
        return self.listing(
            f"{one(ITEMS, item_id)}versions/",
            first=(("limit", VERSION_PAGE),),
            parse=lambda value: self._row(value, item_id),
            subject=f"the versions of item {item_id}",
            identity="version_id",
        )

    # ---------------------------------------------------------------- writing rows

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        """Create a row; with its key the same request finds the row that it made before."""
        self.capabilities.require_writable_datasets()
        payload = versioned_item_payload(row, dataset=dataset)
        answer = self.project.request("POST", ITEMS, json=payload, subject=f"row {row.key}")
        return self.written(answer, lambda value: versioned_row_from(value, dataset=dataset))

    def update_row(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Change fields of the version ``now``; equal content makes no new version."""
        return self._write("PATCH", now, "", update_payload(fields))

    def delete_row(self, now: RemoteRow) -> RemoteRow:
        """Archive the version ``now``."""
        row = self._write("POST", now, "archive/", {})
        if not row.deleted:
            raise not_done(f"item {now.id}", "it is not archived")
        return row

    def undelete_row(self, item_id: str) -> RemoteRow:
        """Bring an archived row back as it was; one that lives stays as it is."""
        now = self.read_any(item_id)
        return self._restore(now) if now.deleted else now

    def bring_back(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Restore the version ``now``, then change its fields; refused as a whole where those cannot be changed."""
        update_payload(fields)
        restored = self._restore(now) if now.deleted else now
        return self.update_row(restored, fields) if fields else restored

    def _restore(self, now: RemoteRow) -> RemoteRow:
        row = self._write("POST", now, "restore/", {})
        if row.deleted:
            raise not_done(f"item {now.id}", "it is still archived")
        return row

    def _write(
        self, method: str, now: RemoteRow, verb: str, payload: Mapping[str, Json]
    ) -> RemoteRow:
        self.capabilities.require_writable_datasets()
        answer = self.project.request(
            "PATCH" if method == "PATCH" else "POST",
            f"{one(ITEMS, now.id)}{verb}",
            json={**payload, "base_version": now.version},
            subject=f"item {now.id}",
        )
        return self.written(answer, lambda value: self._row(value, now.id))

    def _row(self, value: Json, item_id: str) -> RemoteRow:
        row = versioned_row_from(value)
        if row.id.lower() != item_id.lower():
            raise BadAnswer(f"item {item_id}: the server answered with item {row.id}")
        return row
