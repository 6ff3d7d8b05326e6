"""The datasets of one project and their items, whichever generation the server speaks (datasets-api.md 0)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from skillsync.api.dataset_calls import DATASETS, ITEMS, PAGE, Calls, one
from skillsync.api.dataset_port import (
    DOCUMENTED_LIMITS,
    Collect,
    DatasetsPort,
    Guarantees,
    Limits,
)
from skillsync.api.detect import Capabilities, Project
from skillsync.api.listing import Listing, Whole
from skillsync.api.parallel import each
from skillsync.api.rows import dataset_changes
from skillsync.api.seed_datasets import SeedDatasets
from skillsync.api.telling import Step
from skillsync.api.transport import Transport
from skillsync.api.versioned_datasets import VersionedDatasets
from skillsync.errors import NotFound, Refused, RemoteError
from skillsync.formats.row_names import Spelling
from skillsync.model import DatasetInfo, DatasetRevision, Json, RemoteDataset, RemoteRow, Row

__all__ = ["PAGE", "DatasetsApi"]


class DatasetsApi:
    """The door: learns the generation from the first answer that shows it, and hands each call on.

    Every call raises a RemoteError when the server refuses, fails, or answers with nonsense. What each call means
    is said at ``DatasetsPort``.
    """

    def __init__(
        self, transport: Transport, project: int | str, capabilities: Capabilities | None = None
    ) -> None:
        self._project = Project(transport, project, capabilities)
        self._transport = transport
        self._calls = Calls(self._project)
        self._spoken: DatasetsPort | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the server's answers have shown so far."""
        return self._project.capabilities

    @property
    def guarantees(self) -> Guarantees:
        """What the server promises; asks it, where nothing has shown that yet."""
        return self.spoken.guarantees

    @property
    def spelling(self) -> Spelling:
        """How the server calls the fields of a row; a new file follows it."""
        return self.spoken.spelling

    @property
    def limits(self) -> Limits | None:
        """What the datasets may hold: as the server says, as PostHog documents it, or None: nobody knows."""
        if not self.guarantees.guarded:
            return None
        host = urlsplit(self._transport.origin).hostname or ""
        is_documented = host == "posthog.com" or host.endswith(".posthog.com")
        return self._calls.limits or (DOCUMENTED_LIMITS if is_documented else None)

    @property
    def spoken(self) -> DatasetsPort:
        """The implementation that speaks as the server does.

        Found out by the one probe that works on an empty project and changes nothing (datasets-api.md 0.1).
        """
        if self._spoken is None:
            self._learn()
            is_newer = self.capabilities.dataset_generation == "G2"
            self._spoken = (VersionedDatasets if is_newer else SeedDatasets)(self._project)
        return self._spoken

    def _learn(self) -> None:
        if self.capabilities.dataset_generation != "unknown":
            return
        try:
            self._calls.page(ITEMS, (("limit", 1),), subject="the items")
        except Refused as error:
            if error.status != 400 or error.field != "dataset":
                raise
            self.capabilities.dataset_generation = "G2"
        else:
            self.capabilities.dataset_generation = "G1"

    # ---------------------------------------------------------------- datasets

    def list(self, *, archived: bool = False) -> Listing[RemoteDataset]:
        """List all live datasets, or those that are archived, newest first. Names may repeat.

        Where nothing shows what is deleted, the list of it is empty and not complete.
        """
        if archived and not self.guarantees.history:
            return Listing((), complete=False)
        return self._calls.listing(
            DATASETS,
            first=(("limit", PAGE), *((("archived", "true"),) if archived else ())),
            parse=lambda value: self.spoken.parse(value),
            subject="the list of datasets",
        )

    def read(self, dataset_id: str) -> RemoteDataset:
        """Read a live dataset; NotFound when it is archived, of another project, or never was."""
        subject = f"dataset {dataset_id}"
        answer = self._project.request("GET", one(DATASETS, dataset_id), subject=subject)
        if isinstance(answer.json, dict):
            self.capabilities.note_dataset(answer.json)
        found = self.spoken.parse(answer.json, dataset_id=dataset_id)
        if found.deleted:
            raise NotFound(f"{subject} is archived", subject=dataset_id, reason="archived")
        return found

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        """Create a dataset that carries ``slug`` for us. Never repeat it blindly: names may be duplicated."""
        return self.spoken.create(info, slug=slug)

    def patch(self, remote: RemoteDataset, *, to: DatasetInfo) -> RemoteDataset:
        """Change name, description and metadata to those of ``to``, sending only what differs.

        Without a difference nothing is sent, and ``remote`` is returned.
        """
        changes = dataset_changes(remote, to)
        return self.spoken.patch(remote, changes) if changes else remote

    def delete(self, dataset_id: str) -> None:
        """Archive a dataset; its items stay (datasets-api.md 2.2, 3.2). BadAnswer when it lives on."""
        self.spoken.delete(dataset_id)

    def undelete(self, dataset_id: str) -> RemoteDataset:
        """Bring an archived dataset back. BadAnswer when it is still archived."""
        return self.spoken.undelete(dataset_id)

    # ---------------------------------------------------------------- rows

    def list_rows(
        self,
        dataset: str,
        *,
        revision: int | None = None,
        archived: bool = False,
        page: int = PAGE,
        collect: Collect = Whole,
    ) -> Listing[RemoteRow]:
        """List a dataset's live rows, or the archived ones; exactly those of a revision where it keeps any."""
        return self.spoken.list_rows(
            dataset, revision=revision, archived=archived, page=page, collect=collect
        )

    def count_archived(self, dataset: str | None = None) -> int:
        """Count the archived rows of a dataset, or the project's archived datasets."""
        return self.spoken.count_archived(dataset)

    def read_row(self, item_id: str, *, revision: int | None = None) -> RemoteRow:
        """Read a live row, now or as it was at a revision; NotFound when there is none."""
        return self.spoken.read_row(item_id, revision=revision)

    def read_any(self, item_id: str) -> RemoteRow:
        """Read a row, archived or not; NotFound when there never was one."""
        return self.spoken.read_any(item_id)

    def revisions(self, dataset: str, *, newest: int, skip: int = 0) -> Sequence[DatasetRevision]:
        """List at most ``newest`` revisions of a dataset, newest first, after ``skip``; none without history."""
        return self.spoken.revisions(dataset, newest=newest, skip=skip)

    def versions(self, item_id: str) -> Listing[RemoteRow]:
        """List every version of a row, newest first; empty where there is no history."""
        return self.spoken.versions(item_id)

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        """Create a row with its key."""
        return self.spoken.create_row(dataset, row)

    def create_rows(
        self,
        dataset: str,
        rows: Sequence[Row],
        *,
        workers: int | None = None,
        step: Step | None = None,
    ) -> Iterator[tuple[Row, RemoteRow | RemoteError]]:
        """Create many rows, a few at a time, and yield each or its error as it comes.

        ``step`` is what whoever shows how far we are is told.
        """
        if rows:
            _ = self.spoken  # asked once, not by every thread
        yield from each(
            rows,
            lambda row: self.create_row(dataset, row),
            transport=self._transport,
            workers=workers,
            step=step,
        )

    def update_row(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Change fields, named as in ROW_FIELDS, of a row that is as ``now``; null clears one."""
        return self.spoken.update_row(now, fields)

    def delete_row(self, now: RemoteRow) -> RemoteRow:
        """Archive a row that is as ``now``."""
        return self.spoken.delete_row(now)

    def undelete_row(self, item_id: str) -> RemoteRow:
        """Bring an archived row back as it was."""
        return self.spoken.undelete_row(item_id)

    def bring_back(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Bring the archived row ``now`` back with these fields changed."""
        return self.spoken.bring_back(now, fields)
