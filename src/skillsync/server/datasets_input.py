"""What the dataset endpoints of G1 accept: bodies and list parameters (datasets-api.md 2)."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import BigIntegerField, Q, TextField, UUIDField
from django.db.models.functions import Cast
from rest_framework import serializers

from skillsync.server.jsonb import NotStorable, require_storable
from skillsync.server.models import Dataset, DatasetItem
from skillsync.server.prepared import Prepared, Slot

if TYPE_CHECKING:
    from django.db.models import QuerySet

Input = serializers.Serializer[Any]


class StorableJsonField(serializers.JSONField):
    """Any JSON that a jsonb column can hold; null is one of the values."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, **options)

    def to_internal_value(self, data: Any) -> Any:
        """The value itself; ``Value must be valid JSON.`` otherwise."""
        try:
            require_storable(data)
            value = super().to_internal_value(data)
            require_storable(value)  # a form field arrives as text and is parsed in between
        except NotStorable:
            self.fail("invalid")
        return value


class DatasetInput(Input):
    """POST, PUT and PATCH of a dataset."""

    name = serializers.CharField(max_length=400)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    metadata = StorableJsonField()
    deleted = serializers.BooleanField(required=False, allow_null=True)


_DATASET = Prepared(
    lambda: Dataset.objects.filter(
        pk=Slot("pk", UUIDField()), project_id=Slot("project", BigIntegerField())
    )
)


class DatasetField(serializers.PrimaryKeyRelatedField[Dataset]):
    """A dataset of the project in the context; deleted ones too."""

    def get_queryset(self) -> QuerySet[Dataset]:
        """Those to choose from."""
        return Dataset.objects.filter(project=self.context["project"])

    def to_internal_value(self, data: Any) -> Dataset:
        """The dataset of this id; ValidationError otherwise."""
        found = None
        if isinstance(data, str):
            with contextlib.suppress(ValueError):
                found = _DATASET.first(pk=uuid.UUID(data), project=self.context["project"].pk)
        return found or super().to_internal_value(data)


class ItemInput(Input):
    """POST, PUT and PATCH of an item. Needs ``project`` in the context: a dataset is looked for there."""

    dataset = DatasetField(queryset=Dataset.objects.none())
    input = StorableJsonField()
    output = StorableJsonField()
    metadata = StorableJsonField()
    ref_trace_id = serializers.CharField(
        max_length=255, required=False, allow_null=True, allow_blank=True
    )
    ref_timestamp = serializers.DateTimeField(required=False, allow_null=True)
    ref_source_id = serializers.CharField(
        max_length=255, required=False, allow_null=True, allow_blank=True
    )
    deleted = serializers.BooleanField(required=False, allow_null=True)


class _UuidListFilter(django_filters.BaseInFilter, django_filters.UUIDFilter):
    """A comma list of UUIDs."""


class DatasetFilter(django_filters.FilterSet):
    """The list parameters of datasets; unknown ones are ignored."""

    order_by = django_filters.OrderingFilter(fields=("created_at", "updated_at"))
    search = django_filters.CharFilter(method="matching")
    id__in = _UuidListFilter(field_name="id", lookup_expr="in")

    class Meta:
        """No parameter but the declared ones."""

        model = Dataset
        fields: tuple[str, ...] = ()

    def matching(self, rows: QuerySet[Dataset], _name: str, value: str) -> QuerySet[Dataset]:
        """Name, description, or metadata as JSON text contain the value."""
        return rows.alias(metadata_text=Cast("metadata", TextField())).filter(
            Q(name__contains_text=value)
            | Q(description__contains_text=value)
            | Q(metadata_text__contains_text=value)
        )


class ItemFilter(django_filters.FilterSet):
    """The one list parameter of items. The choice is not limited to the project (datasets-api.md 2.3)."""

    dataset = django_filters.ModelChoiceFilter(queryset=Dataset.objects.all())

    class Meta:
        """No parameter but the declared one."""

        model = DatasetItem
        fields: tuple[str, ...] = ()
