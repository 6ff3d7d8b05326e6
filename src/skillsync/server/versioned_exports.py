"""Downloads of a dataset as JSON lines: made at once, in this process (datasets-api.md 3.7)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import StreamingHttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from skillsync.server import versioned_datasets as datasets
from skillsync.server import versioned_items as items
from skillsync.server.exceptions import BareError
from skillsync.server.permissions import READING
from skillsync.server.versioned_datasets import as_uuid
from skillsync.server.versioned_input import ExportInput
from skillsync.server.versioned_models import DatasetExport
from skillsync.server.versioned_render import export_name, render_export, render_export_row
from skillsync.server.versioned_views import VersionedView
from skillsync.server.windows import EXPORT_RATES
from skillsync.server.writes import now_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponseBase
    from rest_framework.request import Request

KEPT = timedelta(days=7)
"""How long an export can be downloaded."""


class ExportList(VersionedView):
    """``/datasets/:id/exports``."""

    reading = READING | {"POST"}
    rates = EXPORT_RATES

    def post(self, request: Request, *, id: str, **_: str) -> Response:  # noqa: A002
        """Export the current revision or an older one; archived datasets too."""
        values = self.accept(ExportInput, request.data)
        dataset = datasets.find_dataset(self.project, as_uuid(id), user=self.caller)
        if dataset.current_revision is None:
            raise BareError(409, {"detail": "Add an item before exporting this dataset."})
        number = values.get("revision", dataset.current_revision)
        revision = dataset.revisions.filter(revision=number).first()
        if revision is None:
            raise BareError(409, {"detail": "This dataset revision does not exist."})
        now = now_after(None)
        export = DatasetExport.objects.create(
            dataset=dataset,
            revision=revision,
            created_by=self.caller,
            created_at=now,
            expires_after=now + KEPT,
        )
        return Response(render_export(export), status=201)


class ExportDetail(VersionedView):
    """``/datasets/:id/exports/:export``."""

    def get(
        self,
        request: Request,  # noqa: ARG002
        *,
        id: str,  # noqa: A002
        export: str,
        **_: str,
    ) -> HttpResponseBase:
        """The state of the caller's own export."""
        return Response(render_export(self.find(id, export)))

    def find(self, dataset: str, number: str) -> DatasetExport:
        """The export; NotFound (404) for other people's, for expired and for unknown ones."""
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise NotFound("Not found.")
        export = (
            DatasetExport.objects.filter(
                pk=int(number),
                dataset=datasets.find_dataset(self.project, as_uuid(dataset), user=self.caller),
                created_by=self.caller,
                expires_after__gt=now_after(None),
            )
            .select_related("revision", "dataset")
            .first()
        )
        if export is None:
            raise NotFound("Not found.")
        return export


class ExportContent(ExportDetail):
    """``/datasets/:id/exports/:export/content``."""

    def get(
        self,
        request: Request,  # noqa: ARG002
        *,
        id: str,  # noqa: A002
        export: str,
        **_: str,
    ) -> HttpResponseBase:
        """The active items of the revision, oldest first, a line each."""
        found = self.find(id, export)
        answer = StreamingHttpResponse(
            self._lines(found), content_type="application/x-ndjson; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="{export_name(found)}"'
        return answer

    def _lines(self, export: DatasetExport) -> Iterator[str]:
        number = export.revision.revision
        rows = items.visible(
            items.versions_of(self.project).filter(dataset=export.dataset, archived=False), number
        )
        for row in rows.order_by("item_created_at", "item").iterator(chunk_size=200):
            yield render_export_row(row, revision=number)
