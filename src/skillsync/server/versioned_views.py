"""The endpoints of the newer datasets and items: validate, call the store, render (datasets-api.md 3)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Q, TextField
from django.db.models.functions import Cast
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from skillsync.server import versioned_datasets as datasets
from skillsync.server import versioned_input as accepted
from skillsync.server import versioned_items as items
from skillsync.server.paging import DatasetPages, ItemPages, VersionPages
from skillsync.server.prepared import Prepared, Slot
from skillsync.server.versioned_access import level_of, visible_to
from skillsync.server.versioned_datasets import as_uuid
from skillsync.server.versioned_models import VersionedDataset
from skillsync.server.versioned_render import render_dataset, render_item, render_revision
from skillsync.server.views import ApiView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import QuerySet
    from rest_framework.request import Request

    from skillsync.server.paging import Paging


class VersionedView(ApiView):
    """What the views of the newer datasets share."""

    scope_object = "dataset"
    refuses_unmapped = True

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Say along with each answer how much there may be, so that nobody has to run into it."""
        done: Response = super().finalize_response(request, response, *args, **kwargs)
        quota = asdict(self.quota)
        done["X-Dataset-Limits"] = " ".join(f"{name}={count}" for name, count in quota.items())
        return done

    def page(
        self,
        request: Request,
        rows: QuerySet[Any],
        *,
        pages: Paging,
        render: Callable[[Any], dict[str, Any]],
    ) -> Response:
        """A page of the rows."""
        found = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response([render(row) for row in found])

    def rendered(self, dataset: VersionedDataset) -> dict[str, Any]:
        """A dataset as the caller sees it."""
        return render_dataset(dataset, level=level_of(dataset, self.caller))


_FILTERS = frozenset({"archived", "search", "order_by", "id__in"})
_DATASETS: Prepared[Any] = Prepared(
    lambda: (
        visible_to(
            VersionedDataset.objects.filter(project_id=Slot("project", BigIntegerField())),
            Slot("user", BigIntegerField()),
        )
        .filter(archived=False)
        .select_related("created_by")
        .order_by("-created_at", "id")
    )
)


class DatasetList(VersionedView):
    """``/datasets``."""

    def get(self, request: Request, **_: str) -> Response:
        """A page of datasets; archived ones only when asked for."""
        if not request.query_params.keys() & _FILTERS:
            pages = DatasetPages()
            who = {"project": self.project.pk, "user": self.caller.pk}
            usual = pages.first_page(request, _DATASETS, self.unarchived, **who)
            if usual is not None:
                return pages.get_paginated_response([self.rendered(row) for row in usual])
        query = self.accept(accepted.DatasetsQuery, request.query_params)
        rows = visible_to(datasets.datasets_of(self.project), self.caller)
        rows = rows.filter(archived=query["archived"])
        asked = request.query_params.getlist("id__in")
        if asked:
            numbers = [number for part in asked for number in part.split(",")]
            rows = rows.filter(pk__in=self.accept(accepted.IdsQuery, {"id__in": numbers})["id__in"])
        if "search" in query:
            rows = _matching(rows, query["search"])
        rows = rows.order_by(query["order_by"], "id")
        return self.page(request, rows, pages=DatasetPages(), render=self.rendered)

    def unarchived(self) -> QuerySet[Any]:
        """What nearly everybody asks for."""
        rows = visible_to(datasets.datasets_of(self.project), self.caller)
        return rows.filter(archived=False)

    def post(self, request: Request, **_: str) -> Response:
        """Create a dataset."""
        values = self.accept(accepted.DatasetInput, request.data)
        made = datasets.create_dataset(
            self.project, user=self.caller, values=values, quota=self.quota
        )
        return Response(self.rendered(made), status=201)


def _matching(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    found: QuerySet[Any] = rows.alias(metadata_text=Cast("metadata", TextField())).filter(
        Q(name__contains_text=text)
        | Q(description__contains_text=text)
        | Q(metadata_text__contains_text=text)
    )
    return found


class DatasetDetail(VersionedView):
    """``/datasets/:id``."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """The dataset, archived or not."""
        dataset = datasets.find_dataset(self.project, as_uuid(id), user=self.caller)
        return Response(self.rendered(dataset))

    def patch(self, request: Request, *, id: str, **_: str) -> Response:
        """Change the fields that are sent."""
        values = self.accept(accepted.DatasetInput, request.data, partial=True)
        changed = datasets.change_dataset(self.project, as_uuid(id), values, user=self.caller)
        return Response(self.rendered(changed))


class DatasetArchiving(VersionedView):
    """``/datasets/:id/archive`` and ``/restore``; idempotent."""

    def post(self, request: Request, *, id: str, verb: str, **_: str) -> Response:
        """Archive or restore."""
        changed = datasets.set_archived(
            self.project, as_uuid(id), archived=verb == "archive", user=self.caller
        )
        return Response(self.rendered(changed))


class RevisionList(VersionedView):
    """``/datasets/:id/revisions``."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """A page of revisions, newest first."""
        dataset = datasets.find_dataset(self.project, as_uuid(id), user=self.caller)
        rows = dataset.revisions.select_related("created_by", "dataset").order_by("-revision")
        return self.page(request, rows, pages=DatasetPages(), render=render_revision)


class ItemList(VersionedView):
    """``/dataset_items``."""

    def get(self, request: Request, **_: str) -> Response:
        """A page of one dataset's items, now or at a revision."""
        query = self.accept(accepted.ItemsQuery, request.query_params)
        dataset = datasets.find_dataset(self.project, query["dataset"], user=self.caller)
        revision = query.get("revision")
        if revision is not None:
            datasets.find_revision(dataset, revision)
        rows = items.visible(items.versions_of(self.project).filter(dataset=dataset), revision)
        rows = rows.filter(archived=query["archived"]).order_by("-item_created_at", "item")
        return self.page(request, rows, pages=ItemPages(), render=render_item)

    def post(self, request: Request, **_: str) -> Response:
        """Create an item, or find the one that this client made before."""
        values = self.accept(accepted.ItemInput, request.data)
        version, is_new = items.create_item(
            self.project, user=self.caller, values=values, quota=self.quota
        )
        return Response(render_item(version), status=201 if is_new else 200)


class ItemDetail(VersionedView):
    """``/dataset_items/:id``."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """The current version, archived or not, or the one visible at a revision."""
        query = self.accept(accepted.RevisionQuery, request.query_params)
        current = items.find_item(self.project, as_uuid(id), user=self.caller)
        revision = query.get("revision")
        if revision is None:
            return Response(render_item(current))
        datasets.find_revision(current.dataset, revision)
        rows = items.versions_of(self.project).filter(item=current.item)
        shown = items.visible(rows, revision).first()
        if shown is None:
            raise NotFound("Not found.")
        return Response(render_item(shown))

    def patch(self, request: Request, *, id: str, **_: str) -> Response:
        """The next version."""
        changes = self.accept(accepted.ItemChange, request.data)
        version = items.update_item(
            self.project,
            as_uuid(id),
            base_version=changes.pop("base_version"),
            changes=changes,
            **self.writer(),
        )
        return Response(render_item(version))

    def writer(self) -> Mapping[str, Any]:
        """Who writes, and how much there may be."""
        return {"user": self.caller, "quota": self.quota}


class ItemArchive(ItemDetail):
    """``/dataset_items/:id/archive``."""

    http_method_names = ("post", "options")

    def post(self, request: Request, *, id: str, **_: str) -> Response:
        """Archive the item: a new version."""
        values = self.accept(accepted.ArchiveInput, request.data)
        return Response(
            render_item(items.archive_item(self.project, as_uuid(id), **values, **self.writer()))
        )


class ItemRestore(ItemDetail):
    """``/dataset_items/:id/restore``."""

    http_method_names = ("post", "options")

    def post(self, request: Request, *, id: str, **_: str) -> Response:
        """Make the item active again, with the content of one of its versions."""
        values = self.accept(accepted.RestoreInput, request.data)
        restored = items.restore_item(
            self.project,
            as_uuid(id),
            base_version=values["base_version"],
            source_version=values.get("source_version"),
            **self.writer(),
        )
        return Response(render_item(restored))


class VersionList(VersionedView):
    """``/dataset_items/:id/versions``."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """A page of an item's versions, newest first."""
        current = items.find_item(self.project, as_uuid(id), user=self.caller)
        rows = items.versions_of(self.project).filter(item=current.item).order_by("-version")
        return self.page(request, rows, pages=VersionPages(), render=render_item)
