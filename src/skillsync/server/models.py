"""The tables: accounts, skills as immutable version rows with their files, datasets with their items."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from skillsync.server.ids import uuid7
from skillsync.server.jsonb import JsonbField
from skillsync.server.throttle_models import LetThrough
from skillsync.server.versioned_models import (
    DatasetExport,
    DatasetGrant,
    DatasetRevision,
    ItemVersion,
    VersionedDataset,
    VersionedItem,
)

__all__ = [
    "ApiKey", "Dataset", "DatasetExport", "DatasetGrant", "DatasetItem", "DatasetRevision",
    "ItemVersion", "LetThrough", "Organization", "Project", "Skill", "SkillFile", "SkillOwner", "SkillTag", "User",
    "VersionedDataset", "VersionedItem",
]  # fmt: skip


class Organization(models.Model):
    """Owns projects; a key may be limited to some. A new database has one."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    name = models.CharField(max_length=64)


class Project(models.Model):
    """A project (team): the number in every URL."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)
    api_token = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    skills_revision = models.PositiveBigIntegerField(default=0)
    """Grows with every write to the project's skills (``X-Skills-Version``)."""


class User(models.Model):
    """A person. ``projects`` limits the membership; empty means every project of the organisation."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    distinct_id = models.CharField(max_length=200, unique=True)
    email = models.CharField(max_length=254, unique=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    current_project = models.ForeignKey(
        Project, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    projects = models.ManyToManyField(Project, related_name="+")

    @property
    def is_authenticated(self) -> bool:
        """Always true: a request without a key has no user at all."""
        return True


class ApiKey(models.Model):
    """A personal API key; only the SHA-256 of its value is kept."""

    id = models.CharField(primary_key=True, max_length=50)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    label = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, unique=True)
    mask_value = models.CharField(max_length=11)
    scopes = JsonbField(default=list)
    scoped_teams = JsonbField(default=list)
    scoped_organizations = JsonbField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    """A revoked key is kept, so that its value never becomes valid again."""


_ACTIVE = models.Q(deleted=False)


class Skill(models.Model):
    """One version of a skill. Its content never changes again.

    What may: ``is_latest``, ``deleted``, and by a rename ``name``, with ``updated_at``.

    The active rows of a name are the versions 1 to ``latest`` without a gap, so the latest version number is
    also the number of versions; ``first_created_at`` is copied from version 1 (skills-api.md 1.3, 4).
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    description = models.TextField()
    body = models.TextField()
    license = models.CharField(max_length=255, blank=True)
    compatibility = models.CharField(max_length=500, blank=True)
    allowed_tools = JsonbField(default=list)
    metadata = JsonbField(default=dict)
    outline = JsonbField(default=list)
    """Pairs ``[level, text]``, computed from ``body`` once: lists show it without reading bodies."""
    version = models.PositiveIntegerField()
    version_description = models.CharField(max_length=400, null=True)
    is_latest = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    first_created_at = models.DateTimeField()

    class Meta:
        """The constraints of skills-api.md 9: they bind active rows only."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "name", "version"],
                condition=_ACTIVE,
                name="skill_one_row_per_version",
            ),
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=_ACTIVE & models.Q(is_latest=True),
                name="skill_one_latest",
            ),
        ]


class SkillFile(models.Model):
    """A bundled text file of one version row."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500)
    content = models.TextField(blank=True)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(null=True)
    """Bytes of the content in UTF-8. This and what follows is null in rows from before it was kept."""
    sha256 = models.CharField(max_length=64, null=True)
    char_count = models.PositiveIntegerField(null=True)
    line_count = models.PositiveIntegerField(null=True)

    class Meta:
        """A path occurs once in a version."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["skill", "path"], name="skill_file_one_path"),
        ]


class SkillTag(models.Model):
    """A tag of the skill that bears the name now; not versioned (skills-api.md 12)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    tag = models.CharField(max_length=64)

    class Meta:
        """A tag occurs once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name", "tag"], name="skill_one_tag"),
        ]


class SkillOwner(models.Model):
    """An owner of the skill that bears the name now; not versioned. Oldest first is by primary key."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        """A person owns a skill once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name", "user"], name="skill_one_owner"),
        ]


class Dataset(models.Model):
    """A dataset of the seed's generation (datasets-api.md 2.1)."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    name = models.CharField(max_length=400)
    description = models.TextField(null=True, blank=True)
    metadata = JsonbField(null=True)
    deleted = models.BooleanField(null=True, default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """The list is read newest first."""

        indexes: ClassVar = [
            models.Index(fields=["project", "-created_at", "id"], name="dataset_newest_first"),
        ]


class DatasetItem(models.Model):
    """A row of a dataset; every content field is optional and any JSON (datasets-api.md 2.1)."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE)
    input = JsonbField(null=True)
    output = JsonbField(null=True)
    metadata = JsonbField(null=True)
    ref_trace_id = models.CharField(max_length=255, null=True, blank=True)
    ref_timestamp = models.DateTimeField(null=True)
    ref_source_id = models.CharField(max_length=255, null=True, blank=True)
    deleted = models.BooleanField(null=True, default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """The list is read newest first, by project or by dataset."""

        indexes: ClassVar = [
            models.Index(fields=["project", "-created_at", "id"], name="item_newest_first"),
            models.Index(fields=["dataset", "-created_at", "id"], name="item_of_dataset"),
        ]
