"""The tables of the newer datasets."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import skillsync.server.ids
import skillsync.server.jsonb


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("skillsync_server", "0002_current_skills"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="VersionedDataset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=400)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "metadata",
                    skillsync.server.jsonb.JsonbField(
                        default=dict, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                ("archived", models.BooleanField(default=False)),
                ("current_revision", models.PositiveIntegerField(null=True)),
                ("current_revision_key", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DatasetRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="skillsync_server.versioneddataset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DatasetExport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_after", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="skillsync_server.datasetrevision",
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exports",
                        to="skillsync_server.versioneddataset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="VersionedItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("client_item_id", models.CharField(max_length=255, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="skillsync_server.versioneddataset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ItemVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("introduced_in", models.PositiveIntegerField()),
                ("superseded_in", models.PositiveIntegerField(null=True)),
                ("archived", models.BooleanField(default=False)),
                (
                    "input",
                    skillsync.server.jsonb.JsonbField(encoder=skillsync.server.jsonb.JsonbEncoder),
                ),
                (
                    "expected_output",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                (
                    "source_output",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                (
                    "metadata",
                    skillsync.server.jsonb.JsonbField(
                        default=dict, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                ("source_trace_id", models.CharField(max_length=255, null=True)),
                ("source_event_id", models.CharField(max_length=255, null=True)),
                ("source_timestamp", models.DateTimeField(null=True)),
                ("item_created_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="skillsync_server.datasetrevision",
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="skillsync_server.versioneddataset",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="skillsync_server.versioneditem",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="versioneddataset",
            constraint=models.UniqueConstraint(
                fields=("project", "name"), name="versioned_dataset_one_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasetrevision",
            constraint=models.UniqueConstraint(
                fields=("dataset", "revision"), name="dataset_one_revision"
            ),
        ),
        migrations.AddConstraint(
            model_name="versioneditem",
            constraint=models.UniqueConstraint(
                fields=("dataset", "client_item_id"), name="versioned_item_one_client_id"
            ),
        ),
        migrations.AddIndex(
            model_name="itemversion",
            index=models.Index(
                fields=["dataset", "-item_created_at", "item"], name="item_version_newest_first"
            ),
        ),
        migrations.AddConstraint(
            model_name="itemversion",
            constraint=models.UniqueConstraint(fields=("item", "version"), name="item_one_version"),
        ),
        migrations.AddConstraint(
            model_name="itemversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_in", None)),
                fields=("item",),
                name="item_one_current_version",
            ),
        ),
    ]
