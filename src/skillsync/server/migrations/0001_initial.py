"""The first schema: accounts, skills, datasets."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import skillsync.server.ids
import skillsync.server.jsonb


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("api_token", models.CharField(max_length=200, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="skillsync_server.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Dataset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=400)),
                ("description", models.TextField(blank=True, null=True)),
                (
                    "metadata",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                ("deleted", models.BooleanField(default=False, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("distinct_id", models.CharField(max_length=200, unique=True)),
                ("email", models.CharField(max_length=254, unique=True)),
                ("first_name", models.CharField(blank=True, max_length=150)),
                ("last_name", models.CharField(blank=True, max_length=150)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "current_project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="skillsync_server.project",
                    ),
                ),
                (
                    "projects",
                    models.ManyToManyField(related_name="+", to="skillsync_server.project"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("description", models.TextField()),
                ("body", models.TextField()),
                ("license", models.CharField(blank=True, max_length=255)),
                ("compatibility", models.CharField(blank=True, max_length=500)),
                (
                    "allowed_tools",
                    skillsync.server.jsonb.JsonbField(
                        default=list, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                (
                    "metadata",
                    skillsync.server.jsonb.JsonbField(
                        default=dict, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                (
                    "outline",
                    skillsync.server.jsonb.JsonbField(
                        default=list, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("is_latest", models.BooleanField(default=True)),
                ("deleted", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("first_created_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="skillsync_server.user",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DatasetItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=skillsync.server.ids.uuid7, primary_key=True, serialize=False
                    ),
                ),
                (
                    "input",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                (
                    "output",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                (
                    "metadata",
                    skillsync.server.jsonb.JsonbField(
                        encoder=skillsync.server.jsonb.JsonbEncoder, null=True
                    ),
                ),
                ("ref_trace_id", models.CharField(blank=True, max_length=255, null=True)),
                ("ref_timestamp", models.DateTimeField(null=True)),
                ("ref_source_id", models.CharField(blank=True, max_length=255, null=True)),
                ("deleted", models.BooleanField(default=False, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.dataset"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="skillsync_server.user",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="dataset",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, to="skillsync_server.user"
            ),
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=40)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("mask_value", models.CharField(max_length=11)),
                (
                    "scopes",
                    skillsync.server.jsonb.JsonbField(
                        default=list, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                (
                    "scoped_teams",
                    skillsync.server.jsonb.JsonbField(
                        default=list, encoder=skillsync.server.jsonb.JsonbEncoder
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.user"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SkillFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=500)),
                ("content", models.TextField(blank=True)),
                ("content_type", models.CharField(max_length=100)),
                (
                    "skill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="skillsync_server.skill",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("skill", "path"), name="skill_file_one_path")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="skill",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted", False)),
                fields=("project", "name", "version"),
                name="skill_one_row_per_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="skill",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted", False), ("is_latest", True)),
                fields=("project", "name"),
                name="skill_one_latest",
            ),
        ),
        migrations.AddIndex(
            model_name="datasetitem",
            index=models.Index(fields=["project", "-created_at", "id"], name="item_newest_first"),
        ),
        migrations.AddIndex(
            model_name="datasetitem",
            index=models.Index(fields=["dataset", "-created_at", "id"], name="item_of_dataset"),
        ),
        migrations.AddIndex(
            model_name="dataset",
            index=models.Index(
                fields=["project", "-created_at", "id"], name="dataset_newest_first"
            ),
        ),
    ]
