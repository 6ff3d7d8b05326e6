"""What the skills endpoints accept: one serializer per body or query (skills-api.md 1.1, 2, 5)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from skillsync.server.jsonb import NotStorable, require_storable
from skillsync.server.skills_limits import (
    MAX_BODY_BYTES,
    MAX_COMPATIBILITY,
    MAX_CONTENT_TYPE,
    MAX_FILE_BYTES,
    MAX_LICENSE,
    MAX_NAME,
    MAX_PATH,
    require_name,
    require_path,
    size_of,
)

Input = serializers.Serializer[Any]
DEFAULT_CONTENT_TYPE = "text/plain"


class FileInput(Input):
    """A bundled file in full."""

    path = serializers.CharField(max_length=MAX_PATH)
    content = serializers.CharField()
    content_type = serializers.CharField(max_length=MAX_CONTENT_TYPE, default=DEFAULT_CONTENT_TYPE)

    def validate_path(self, value: str) -> str:
        """The path rules."""
        require_path(value)
        return value

    def validate_content(self, value: str) -> str:
        """The size in bytes."""
        if size_of(value) > MAX_FILE_BYTES:
            raise ValidationError(
                f"File content must be {MAX_FILE_BYTES} bytes or fewer.", code="max_size"
            )
        return value


class EditInput(Input):
    """One replacement of text that occurs exactly once."""

    old = serializers.CharField()
    new = serializers.CharField(allow_blank=True)


def _require_edits(value: list[Any]) -> list[Any]:
    if not value:
        raise ValidationError("At least one edit operation is required.")
    return value


class FileEditInput(Input):
    """Replacements in one existing file."""

    path = serializers.CharField(max_length=MAX_PATH)
    edits = EditInput(many=True)

    def validate_edits(self, value: list[Any]) -> list[Any]:
        """At least one."""
        return _require_edits(value)


class ContentInput(Input):
    """The fields that creating and publishing have in common, and their rules."""

    def validate_body(self, value: str) -> str:
        """The size in bytes."""
        if size_of(value) > MAX_BODY_BYTES:
            raise ValidationError(
                f"Skill body must be {MAX_BODY_BYTES} bytes or fewer.", code="max_size"
            )
        return value

    def validate_metadata(self, value: dict[str, Any]) -> dict[str, Any]:
        """What the column cannot hold is refused here (skills-api.md 2.3)."""
        try:
            require_storable(value)
        except NotStorable as error:
            raise ValidationError("Value must be valid JSON.") from error
        return value

    def validate_files(self, value: list[dict[str, str]]) -> list[dict[str, str]]:
        """The count, then duplicates."""
        dialect = self.context["dialect"]
        if len(value) > dialect.max_files:
            raise ValidationError(dialect.too_many_files(), code="max_count")
        if len({file["path"] for file in value}) < len(value):
            raise ValidationError("Duplicate file paths are not allowed.")
        return value

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The declared fields, with the dialect's limit on the description."""
        fields = super().get_fields()
        fields["description"] = serializers.CharField(
            max_length=self.context["dialect"].max_description,
            required=fields["description"].required,
        )
        return fields


class CreateInput(ContentInput):
    """POST of a new skill."""

    name = serializers.CharField(max_length=MAX_NAME)
    description = serializers.CharField()
    body = serializers.CharField()
    license = serializers.CharField(
        max_length=MAX_LICENSE, required=False, allow_blank=True, default=""
    )
    compatibility = serializers.CharField(
        max_length=MAX_COMPATIBILITY, required=False, allow_blank=True, default=""
    )
    allowed_tools = serializers.ListField(
        child=serializers.CharField(), required=False, default=list
    )
    metadata = serializers.DictField(required=False, default=dict)
    files = FileInput(many=True, required=False)

    def validate_name(self, value: str) -> str:
        """The name rules."""
        require_name(value, dialect=self.context["dialect"])
        return value


class PublishInput(ContentInput):
    """PATCH of a skill: what is absent is carried forward."""

    body = serializers.CharField(required=False)
    edits = EditInput(many=True, required=False)
    description = serializers.CharField(required=False)
    license = serializers.CharField(max_length=MAX_LICENSE, required=False, allow_blank=True)
    compatibility = serializers.CharField(
        max_length=MAX_COMPATIBILITY, required=False, allow_blank=True
    )
    allowed_tools = serializers.ListField(child=serializers.CharField(), required=False)
    metadata = serializers.DictField(required=False)
    files = FileInput(many=True, required=False)
    file_edits = FileEditInput(many=True, required=False)
    base_version = serializers.IntegerField(min_value=1)

    def validate_edits(self, value: list[Any]) -> list[Any]:
        """At least one."""
        return _require_edits(value)

    def validate_file_edits(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """At least one, and each path once."""
        if not value:
            raise ValidationError("At least one file_edits entry is required.")
        if len({entry["path"] for entry in value}) < len(value):
            raise ValidationError("Duplicate file paths are not allowed in file_edits.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The whole text or edits of it, not both."""
        if "body" in attrs and "edits" in attrs:
            raise ValidationError("Provide either 'body' or 'edits', not both.")
        if "files" in attrs and "file_edits" in attrs:
            raise ValidationError("Provide either 'files' or 'file_edits', not both.")
        return attrs


class AddFileInput(FileInput):
    """POST of one file."""

    base_version = serializers.IntegerField(min_value=1, required=False)


class RenameFileInput(Input):
    """POST of a file's new path."""

    old_path = serializers.CharField(max_length=MAX_PATH)
    new_path = serializers.CharField(max_length=MAX_PATH)
    base_version = serializers.IntegerField(min_value=1, required=False)

    def validate_old_path(self, value: str) -> str:
        """The path rules bind both paths."""
        require_path(value)
        return value

    def validate_new_path(self, value: str) -> str:
        """The path rules bind both paths."""
        require_path(value)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The paths differ."""
        if attrs["old_path"] == attrs["new_path"]:
            raise ValidationError("new_path must differ from old_path.")
        return attrs


class DuplicateInput(Input):
    """POST of a copy's name."""

    new_name = serializers.CharField(max_length=MAX_NAME)

    def validate_new_name(self, value: str) -> str:
        """The name rules."""
        require_name(value, dialect=self.context["dialect"])
        return value


class VersionQuery(Input):
    """``?version=`` of reads; absent means the latest."""

    version = serializers.IntegerField(min_value=1, required=False)


class BaseVersionQuery(Input):
    """``?base_version=`` of a file's DELETE."""

    base_version = serializers.IntegerField(min_value=1, required=False)


class ResolveQuery(Input):
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
