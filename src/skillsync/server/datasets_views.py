"""The endpoints of datasets and items, generation G1 (datasets-api.md 2)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import BigIntegerField, UUIDField
from django_filters.utils import translate_validation
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from skillsync.server.datasets_input import DatasetFilter, DatasetInput, ItemFilter, ItemInput
from skillsync.server.datasets_render import render_dataset, render_item
from skillsync.server.models import Dataset, DatasetItem
from skillsync.server.paging import Paging
from skillsync.server.prepared import Prepared, Slot, insert_row
from skillsync.server.views import ApiView
from skillsync.server.writes import now_after, writing

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django_filters import FilterSet
    from rest_framework.request import Request

    from skillsync.server.datasets_input import Input

Row = Dataset | DatasetItem


class RowsView(ApiView):
    """What datasets and items have in common; subclasses say which of the two."""

    scope_object = "dataset"
    model: ClassVar[type[Row]]
    input: ClassVar[type[Input]]
    filter: ClassVar[type[FilterSet]]

    def render(self, row: Any) -> dict[str, Any]:
        """The row as JSON."""
        raise NotImplementedError

    def rows(self) -> QuerySet[Any]:
        """Every row of the project, deleted ones too."""
        return self.model._default_manager.filter(project=self.project).select_related("created_by")


class RowList(RowsView):
    """Listing rows that are not deleted; creating one."""

    def get(self, request: Request, **_: str) -> Response:
        """A page, newest first unless ordered otherwise; equal times are ordered by id."""
        pages = Paging()
        page = self.usual(request, pages)
        if page is None:
            chosen = self.filter(request.query_params, self.shown(), request=request)
            if not chosen.is_valid():
                raise translate_validation(chosen.errors)
            ordered = chosen.qs.query.order_by or ("-created_at",)
            page = pages.paginate_queryset(chosen.qs.order_by(*ordered, "id"), request) or []
        return pages.get_paginated_response([self.render(row) for row in page])

    def usual(self, request: Request, pages: Paging) -> list[Any] | None:
        """The rows, where what is asked for is what nearly everybody asks for; else None."""
        raise NotImplementedError

    def shown(self) -> QuerySet[Any]:
        """What a list may show."""
        return self.rows().exclude(deleted=True)

    def post(self, request: Request, **_: str) -> Response:
        """Create a row. The answer shows JSON as it was sent, a later GET as it is stored (2.4)."""
        values = self.accept(self.input, request.data)
        with writing(self.project):
            created = now_after(None)
            row = self.model(
                project=self.project,
                created_by=self.caller,
                created_at=created,
                updated_at=now_after(created),
                **values,
            )
            insert_row(row)
        return Response(self.render(row), status=201)


class RowDetail(RowsView):
    """One row: reading it, changing it, and the refusal to delete it."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """The row; 404 when it is deleted."""
        row = self._find(id)
        if row.deleted:
            raise NotFound("Not found.")
        return Response(self.render(row))

    def patch(self, request: Request, *, id: str, **_: str) -> Response:
        """Change the fields that are sent; also on a deleted row."""
        return self._change(id, request.data, partial=True)

    def put(self, request: Request, *, id: str, **_: str) -> Response:
        """As PATCH, but the required field has to be there; absent ones keep their value."""
        return self._change(id, request.data, partial=False)

    def delete(self, request: Request, **_: str) -> Response:
        """405 without a body, whatever the id (datasets-api.md 2.2)."""
        return Response(status=405)

    def _change(self, row_id: str, data: Any, *, partial: bool) -> Response:
        self._find(row_id)  # 404 comes before 400 (platform.md 4)
        values = self.accept(self.input, data, partial=partial)
        with writing(self.project):
            row = self._find(row_id)
            for field, value in values.items():
                setattr(row, field, value)
            row.updated_at = now_after(row.updated_at)
            row.save(update_fields=[*values, "updated_at"])
        return Response(self.render(row))

    def _find(self, row_id: str) -> Any:
        try:
            key = uuid.UUID(row_id)
        except ValueError:
            raise NotFound("Not found.") from None
        row = self.rows().filter(pk=key).first()
        if row is None:
            raise NotFound("Not found.")
        return row


class _Datasets(RowsView):
    model = Dataset
    input = DatasetInput
    filter = DatasetFilter

    def render(self, row: Any) -> dict[str, Any]:
        return render_dataset(row)


class _Items(RowsView):
    model = DatasetItem
    input = ItemInput
    filter = ItemFilter

    def render(self, row: Any) -> dict[str, Any]:
        return render_item(row)


def _listed(model: type[Row], **which: Slot) -> Prepared[Any]:
    project = Slot("project", BigIntegerField())
    return Prepared(
        lambda: (
            model._default_manager.filter(project_id=project, **which)
            .exclude(deleted=True)
            .select_related("created_by")
            .order_by("-created_at", "id")
        )
    )


_DATASETS = _listed(Dataset)
_ITEMS = _listed(DatasetItem, dataset_id=Slot("dataset", UUIDField()))


class DatasetList(_Datasets, RowList):
    """``/datasets``."""

    def usual(self, request: Request, pages: Paging) -> list[Any] | None:
        """All datasets."""
        if request.query_params.keys() & self.filter.base_filters.keys():
            return None
        return pages.first_page(request, _DATASETS, self.shown, project=self.project.pk)


class DatasetDetail(_Datasets, RowDetail):
    """``/datasets/:id``."""


class ItemList(_Items, RowList):
    """``/dataset_items``."""

    def usual(self, request: Request, pages: Paging) -> list[Any] | None:
        """All items of one dataset. Where there are none, there may be no such dataset, too."""
        try:
            dataset = uuid.UUID(request.query_params.get("dataset"))
        except (ValueError, TypeError, AttributeError):
            return None
        found = pages.first_page(
            request,
            _ITEMS,
            lambda: self.shown().filter(dataset=dataset),
            project=self.project.pk,
            dataset=dataset,
        )
        return found or None


class ItemDetail(_Items, RowDetail):
    """``/dataset_items/:id``."""
