"""The keys there are, without their values, and how one is revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillsync.server.database import pointed_at

if TYPE_CHECKING:
    from skillsync.server.models import ApiKey


def list_keys() -> list[dict[str, Any]]:
    """Every key, oldest first: id, user, mask, scopes, limits, times (ISO, UTC, or None)."""
    from skillsync.server.models import ApiKey
    from skillsync.server.render import render_time

    pointed_at()
    return [
        {
            "id": key.pk,
            "user_email": key.user.email,
            "mask_value": key.mask_value,
            "scopes": key.scopes,
            "scoped_teams": key.scoped_teams,
            "scoped_organizations": key.scoped_organizations,
            "created_at": render_time(key.created_at),
            "last_used_at": render_time(key.last_used_at),
            "revoked_at": render_time(key.revoked_at),
        }
        for key in ApiKey.objects.select_related("user").order_by("created_at", "pk")
    ]


def revoke_key(wanted: str) -> str:
    """End the key of this id or value at once, for good; its id. ValueError when there is none."""
    from django.utils import timezone

    pointed_at()
    key = _find(wanted)
    if key is None:
        raise ValueError("there is no such key; list-keys shows the ids")
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
    return key.pk


def _find(wanted: str) -> ApiKey | None:
    from skillsync.server.authentication import key_digest
    from skillsync.server.models import ApiKey

    return (
        ApiKey.objects.filter(pk=wanted).first()
        or ApiKey.objects.filter(digest=key_digest(wanted)).first()
    )
