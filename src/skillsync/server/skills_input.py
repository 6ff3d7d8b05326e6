"""What the skills endpoints accept: one serializer per body or query (skills-api.md 1.1, 2, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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
    MAX_OWNERS,
    MAX_PATH,
    MAX_TAG,
    MAX_TAGS,
    MAX_VERSION_DESCRIPTION,
    accepted_path,
    require_name,
    size_of,
)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from skillsync.server.dialects import Dialect

Input = serializers.Serializer[Any]
Field = serializers.Field[Any, Any, Any, Any]
DEFAULT_CONTENT_TYPE = "text/plain"


def _dialect(serializer: Field) -> Dialect:
    return cast("Dialect", serializer.context["dialect"])


class FileInput(Input):
    """A bundled file in full."""

    path = serializers.CharField(max_length=MAX_PATH)
    content = serializers.CharField()
    content_type = serializers.CharField(max_length=MAX_CONTENT_TYPE, default=DEFAULT_CONTENT_TYPE)

    def validate_path(self, value: str) -> str:
        """The path as it is stored."""
        return accepted_path(value, dialect=_dialect(self))

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

    def validate_path(self, value: str) -> str:
        """Named as it is stored: only existing files are edited, so the rules need no second look."""
        return value.replace("\\", "/") if _dialect(self).has_canonical_paths else value

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

    def validate_allowed_tools(self, value: list[str]) -> list[str]:
        """No whitespace inside, where that is the rule (skills-api.md 2.6)."""
        if _dialect(self).has_plain_tools:
            for index, tool in enumerate(value):
                if any(char.isspace() for char in tool):
                    raise ValidationError({str(index): ["Tool names cannot contain whitespace."]})
        return value

    def validate_version_description(self, value: str) -> str | None:
        """Empty means none."""
        return value or None

    def validate_owners(self, value: list[uuid.UUID]) -> list[uuid.UUID]:
        """Each once, in the order given."""
        return list(dict.fromkeys(value))

    def validate_tags(self, value: list[str]) -> list[str]:
        """Lowercased, without empty ones and repetitions, alphabetical (skills-api.md 12)."""
        for index, tag in enumerate(value):
            if "," in tag:
                raise ValidationError(
                    {
                        str(index): [
                            "Tag names cannot contain commas. Use a space or a hyphen instead."
                        ]
                    }
                )
        return sorted({tag.lower() for tag in value if tag})

    def validate_files(self, value: list[dict[str, str]]) -> list[dict[str, str]]:
        """The count, then duplicates."""
        dialect = _dialect(self)
        if len(value) > dialect.max_files:
            raise ValidationError(dialect.too_many_files(), code="max_count")
        if len({file["path"] for file in value}) < len(value):
            raise ValidationError("Duplicate file paths are not allowed.")
        return value

    def get_fields(self) -> dict[str, Field]:
        """The declared fields that the dialect has, with its limit on the description."""
        fields = super().get_fields()
        dialect = _dialect(self)
        fields["description"] = serializers.CharField(
            max_length=dialect.max_description, required=fields["description"].required
        )
        if not dialect.has_logical_metadata:
            for name in ("owners", "tags"):
                del fields[name]
        if not dialect.has_version_descriptions:
            fields.pop("version_description", None)
        return fields


def _owners() -> Field:
    return serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_OWNERS
    )


def _tags() -> Field:
    return serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG, allow_blank=True),
        required=False,
        max_length=MAX_TAGS,
    )


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
    owners = _owners()
    tags = _tags()

    def validate_name(self, value: str) -> str:
        """The name rules."""
        require_name(value, dialect=_dialect(self))
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
    version_description = serializers.CharField(
        max_length=MAX_VERSION_DESCRIPTION, required=False, allow_blank=True
    )
    owners = _owners()
    tags = _tags()

    def get_fields(self) -> dict[str, Field]:
        """As declared, but where owners and tags are known they may come without a base."""
        fields = super().get_fields()
        if _dialect(self).has_logical_metadata:
            fields["base_version"] = serializers.IntegerField(min_value=1, required=False)
        return fields

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
        if "base_version" not in attrs and not is_logical_only(attrs):
            text = "base_version is required unless the update only sets owners or tags."
            raise ValidationError({"base_version": [text]})
        return attrs


def is_logical_only(changes: Mapping[str, Any]) -> bool:
    """Whether a validated publish sets owners or tags and nothing that a version holds (skills-api.md 3)."""
    content = changes.keys() - {"owners", "tags", "base_version", "version_description"}
    described = changes.get("version_description") is not None
    return not content and not described and bool(changes.keys() & {"owners", "tags"})


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
        return accepted_path(value, dialect=_dialect(self))

    def validate_new_path(self, value: str) -> str:
        """The path rules bind both paths."""
        return accepted_path(value, dialect=_dialect(self))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The paths differ."""
        if attrs["old_path"] == attrs["new_path"]:
            raise ValidationError("new_path must differ from old_path.")
        return attrs


class NewNameInput(Input):
    """POST of a copy's name, or of the skill's own new name."""

    new_name = serializers.CharField(max_length=MAX_NAME)

    def validate_new_name(self, value: str) -> str:
        """The name rules."""
        require_name(value, dialect=_dialect(self))
        return value
