"""What the skills endpoints accept in the query: versions, pages, filters, cursors (skills-api.md 1.1, 1.2)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

Query = serializers.Serializer[Any]


class VersionQuery(Query):
    """``?version=`` of reads; absent means the latest."""

    version = serializers.IntegerField(min_value=1, required=False)


class BodyPageQuery(VersionQuery):
    """Which part of the body a GET by name shows (skills-api.md 1.4); characters."""

    body_offset = serializers.IntegerField(min_value=0, default=0)
    body_length = serializers.IntegerField(min_value=1, required=False)


class ListQuery(Query):
    """The filters of lists where they are known (skills-api.md 1.1)."""

    created_by_id = serializers.IntegerField(required=False)
    owner_id = serializers.IntegerField(required=False)


class SearchQuery(Query):
    """``?query=`` of search."""

    query = serializers.CharField(max_length=200)


class BaseVersionQuery(Query):
    """``?base_version=`` of a file's DELETE."""

    base_version = serializers.IntegerField(min_value=1, required=False)


class ResolveQuery(Query):
    """The cursors of resolve (skills-api.md 1.2)."""

    version = serializers.IntegerField(min_value=1, required=False)
    version_id = serializers.UUIDField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, required=False)
    before_version = serializers.IntegerField(min_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One cursor at a time."""
        if "offset" in attrs and "before_version" in attrs:
            raise ValidationError("Use either offset or before_version, not both.")
        return attrs
