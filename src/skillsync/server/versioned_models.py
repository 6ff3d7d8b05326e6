"""The tables of the newer datasets: revisions of a dataset, versions of an item (datasets-api.md 3.1)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from skillsync.server.ids import uuid7
from skillsync.server.jsonb import JsonbField

PROJECT = "skillsync_server.Project"
USER = "skillsync_server.User"


class VersionedDataset(models.Model):
    """A dataset; ``current_revision`` is null until the first item."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    project = models.ForeignKey(PROJECT, on_delete=models.CASCADE)
    name = models.CharField(max_length=400)
    description = models.TextField(blank=True, default="")
    metadata = JsonbField(default=dict)
    archived = models.BooleanField(default=False)
    current_revision = models.PositiveIntegerField(null=True)
    current_revision_key = models.UUIDField(null=True)
    created_by = models.ForeignKey(USER, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """A name is taken once, by archived datasets too."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="versioned_dataset_one_name"),
        ]


class DatasetRevision(models.Model):
    """One write to a dataset's items."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    dataset = models.ForeignKey(
        VersionedDataset, on_delete=models.CASCADE, related_name="revisions"
    )
    revision = models.PositiveIntegerField()
    created_by = models.ForeignKey(USER, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        """Numbers have no gaps and occur once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "revision"], name="dataset_one_revision"),
        ]


class VersionedItem(models.Model):
    """What stays of an item across its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    dataset = models.ForeignKey(VersionedDataset, on_delete=models.CASCADE, related_name="items")
    client_item_id = models.CharField(max_length=255, null=True)
    created_by = models.ForeignKey(USER, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """A client's id is taken once, by archived items too."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dataset", "client_item_id"], name="versioned_item_one_client_id"
            ),
        ]


class ItemVersion(models.Model):
    """One version of an item. Never changes again, apart from ``superseded_in``."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    item = models.ForeignKey(VersionedItem, on_delete=models.CASCADE, related_name="versions")
    dataset = models.ForeignKey(VersionedDataset, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    revision = models.ForeignKey(DatasetRevision, on_delete=models.CASCADE, related_name="+")
    introduced_in = models.PositiveIntegerField()
    """The number of ``revision``."""
    superseded_in = models.PositiveIntegerField(null=True)
    """The revision that brought the next version: this one is visible from ``introduced_in`` to just before."""
    archived = models.BooleanField(default=False)
    input = JsonbField()
    expected_output = JsonbField(null=True)
    source_output = JsonbField(null=True)
    metadata = JsonbField(default=dict)
    source_trace_id = models.CharField(max_length=255, null=True)
    source_event_id = models.CharField(max_length=255, null=True)
    source_timestamp = models.DateTimeField(null=True)
    item_created_at = models.DateTimeField()
    """Copied from the item: lists are ordered by it."""
    created_by = models.ForeignKey(USER, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        """Numbers occur once, and one version is the current one."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "version"], name="item_one_version"),
            models.UniqueConstraint(
                fields=["item"],
                condition=models.Q(superseded_in=None),
                name="item_one_current_version",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["dataset", "-item_created_at", "item"], name="item_version_newest_first"
            ),
        ]


class DatasetExport(models.Model):
    """A download of one revision; its content follows from the versions and is not kept."""

    dataset = models.ForeignKey(VersionedDataset, on_delete=models.CASCADE, related_name="exports")
    revision = models.ForeignKey(DatasetRevision, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_after = models.DateTimeField()


class DatasetGrant(models.Model):
    """What one person may do with one dataset; without a grant everybody of the project edits it."""

    dataset = models.ForeignKey(VersionedDataset, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    access_level = models.CharField(max_length=6)
    created_by = models.ForeignKey(USER, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """A person has one."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "user"], name="dataset_one_grant"),
        ]
