"""The table of requests that were let through lately, where several processes limit a key together."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class LetThrough(models.Model):
    """One request. Rows leave with the longest window that counts them."""

    id = models.BigAutoField(primary_key=True)
    who = models.CharField(max_length=64)
    """The digest of the key."""
    budget = models.CharField(max_length=64)
    """The rates that the request counts for, as text."""
    at = models.FloatField()
    """Seconds, by the database's clock."""

    class Meta:
        """Read newest first."""

        indexes: ClassVar = [
            models.Index(fields=["who", "budget", "-at"], name="let_through_latest")
        ]
