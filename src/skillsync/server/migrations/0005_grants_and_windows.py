"""Grants for single datasets, and the requests that all processes count together."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("skillsync_server", "0004_key_limits"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="LetThrough",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("who", models.CharField(max_length=64)),
                ("budget", models.CharField(max_length=64)),
                ("at", models.FloatField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["who", "budget", "-at"], name="let_through_latest")
                ],
            },
        ),
        migrations.CreateModel(
            name="DatasetGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("access_level", models.CharField(max_length=6)),
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
                        related_name="grants",
                        to="skillsync_server.versioneddataset",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="skillsync_server.user",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("dataset", "user"), name="dataset_one_grant")
                ],
            },
        ),
    ]
