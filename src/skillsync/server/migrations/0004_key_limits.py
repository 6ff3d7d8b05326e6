"""Keys that are limited to organisations, and keys that are revoked."""

from typing import ClassVar

from django.db import migrations, models

import skillsync.server.jsonb


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("skillsync_server", "0003_versioned_datasets"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="apikey",
            name="revoked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="apikey",
            name="scoped_organizations",
            field=skillsync.server.jsonb.JsonbField(
                default=list, encoder=skillsync.server.jsonb.JsonbEncoder
            ),
        ),
    ]
