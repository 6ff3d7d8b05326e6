"""What the current dialect keeps of skills: owners, tags, version descriptions, digests of files."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("skillsync_server", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="project",
            name="skills_revision",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="skill",
            name="version_description",
            field=models.CharField(max_length=400, null=True),
        ),
        migrations.AddField(
            model_name="skillfile",
            name="char_count",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="skillfile",
            name="line_count",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="skillfile",
            name="sha256",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="skillfile",
            name="size",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="SkillOwner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.user"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "name", "user"), name="skill_one_owner"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SkillTag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("tag", models.CharField(max_length=64)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="skillsync_server.project"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name", "tag"), name="skill_one_tag")
                ],
            },
        ),
    ]
