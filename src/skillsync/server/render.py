"""How values that several answers share look in JSON: times and people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.server.models import User


def render_time(moment: datetime | None) -> str | None:
    """UTC ISO-8601 with ``Z``; six fractional digits, or none when they are zero (datasets-api.md 2.1)."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def render_user(user: User | None) -> dict[str, object] | None:
    """``created_by``: a person, or null once the person is gone (skills-api.md 1.3)."""
    if user is None:
        return None
    return {
        "id": user.pk,
        "uuid": str(user.uuid),
        "distinct_id": user.distinct_id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_email_verified": None,
        "hedgehog_config": None,
        "role_at_organization": None,
    }
