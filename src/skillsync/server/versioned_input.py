"""What the newer dataset endpoints accept; a field that is not known is refused (datasets-api.md 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from skillsync.server.jsonb import NotStorable, require_storable

MAX_NAME = 400
MAX_DESCRIPTION = 10_000
MAX_METADATA_BYTES = 1_000_000
MAX_ID = 255
MAX_IDS = 100

Field = serializers.Field[Any, Any, Any, Any]


def json_bytes(value: object) -> int:
    """The size rule: UTF-8 bytes of the compact JSON with sorted keys (datasets-api.md 3.3)."""
    return len(canonical(value).encode())


def canonical(value: object) -> str:
    """The text by which contents are compared: ``true``, ``1`` and ``1.0`` differ."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class StrictInput(serializers.Serializer[Any]):
    """Refuses unknown fields before anything else, the alphabetically first one (datasets-api.md 3.6)."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated values; ValidationError otherwise."""
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise ValidationError({unknown[0]: ["This field is not supported."]})
        return super().to_internal_value(data)


class JsonValue(serializers.JSONField):
    """Any JSON that a jsonb column can hold."""

    def to_internal_value(self, data: Any) -> Any:
        """The value itself."""
        value = super().to_internal_value(data)
        try:
            require_storable(value)
        except NotStorable as error:
            raise ValidationError("Enter a valid JSON value.") from error
        return value


class JsonObject(JsonValue):
    """A JSON object."""

    def to_internal_value(self, data: Any) -> Any:
        """The object itself."""
        value = super().to_internal_value(data)
        if not isinstance(value, dict):
            raise ValidationError("Enter a JSON object.", code="not_object")
        return value


class DatasetInput(StrictInput):
    """POST and PATCH of a dataset."""

    name = serializers.CharField(max_length=MAX_NAME)
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True
    )
    metadata = JsonObject(required=False)

    def validate_metadata(self, value: dict[str, Any]) -> dict[str, Any]:
        """The size."""
        if json_bytes(value) > MAX_METADATA_BYTES:
            raise ValidationError(
                f"This field must be {MAX_METADATA_BYTES} bytes or fewer.", code="max_size"
            )
        return value


def _id_field() -> Field:
    return serializers.CharField(max_length=MAX_ID, required=False)


class ItemInput(StrictInput):
    """POST of an item."""

    dataset = serializers.UUIDField()
    input = JsonValue()
    expected_output = JsonValue(required=False, allow_null=True)
    source_output = JsonValue(required=False, allow_null=True)
    metadata = JsonObject(required=False)
    client_item_id = _id_field()
    source_trace_id = _id_field()
    source_event_id = _id_field()
    source_timestamp = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Where an item comes from is told whole: a trace with its time."""
        if "source_trace_id" in attrs and "source_timestamp" not in attrs:
            raise ValidationError(
                {"source_timestamp": ["This field is required with source_trace_id."]}
            )
        if "source_trace_id" not in attrs and attrs.keys() & {
            "source_timestamp",
            "source_event_id",
        }:
            text = "This field is required with source_timestamp or source_event_id."
            raise ValidationError({"source_trace_id": [text]})
        return attrs


def _version_field(*, required: bool = True) -> Field:
    return serializers.IntegerField(min_value=1, required=required)


class ItemChange(StrictInput):
    """PATCH of an item."""

    base_version = _version_field()
    input = JsonValue(required=False)
    expected_output = JsonValue(required=False, allow_null=True)
    metadata = JsonObject(required=False)


class ArchiveInput(StrictInput):
    """POST of an item's archive."""

    base_version = _version_field()


class RestoreInput(StrictInput):
    """POST of an item's restore."""

    base_version = _version_field()
    source_version = _version_field(required=False)


class ExportInput(StrictInput):
    """POST of an export."""

    revision = _version_field(required=False)


class GrantInput(StrictInput):
    """PUT of a dataset's access controls."""

    access_level = serializers.ChoiceField(choices=["none", "viewer", "editor"])
    organization_member = serializers.UUIDField()


class DatasetsQuery(serializers.Serializer[Any]):
    """List parameters of datasets but ``id__in``; unknown ones are ignored."""

    archived = serializers.BooleanField(default=False)
    search = serializers.CharField(required=False)
    order_by = serializers.ChoiceField(
        choices=["created_at", "-created_at", "updated_at", "-updated_at"],
        default="-created_at",
    )


class IdsQuery(serializers.Serializer[Any]):
    """``id__in``, split at its commas."""

    id__in = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_IDS)


class ItemsQuery(serializers.Serializer[Any]):
    """List parameters of items."""

    dataset = serializers.UUIDField()
    revision = _version_field(required=False)
    archived = serializers.BooleanField(default=False)


class RevisionQuery(serializers.Serializer[Any]):
    """``?revision=`` of an item."""

    revision = _version_field(required=False)
