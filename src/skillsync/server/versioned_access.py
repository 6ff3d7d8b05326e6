"""Who may do what with one of the newer datasets: levels, grants, and the refusals (datasets-api.md 3.2, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from rest_framework.exceptions import PermissionDenied, ValidationError

from skillsync.server.models import DatasetGrant, User
from skillsync.server.permissions import is_member
from skillsync.server.writes import now_after, writing

if TYPE_CHECKING:
    import uuid

    from skillsync.server.models import Project
    from skillsync.server.versioned_models import VersionedDataset

NONE, VIEWER, EDITOR = "none", "viewer", "editor"
LEVELS = (NONE, VIEWER, EDITOR)
"""Each may what those before it may."""


def with_grant(rows: QuerySet[Any], user: User, *, dataset: str = "pk") -> QuerySet[Any]:
    """The rows with ``granted``: the user's grant for the dataset that ``dataset`` leads to, or None."""
    grants = DatasetGrant.objects.filter(dataset=OuterRef(dataset), user=user)
    annotated: QuerySet[Any] = rows.annotate(granted=Subquery(grants.values("access_level")[:1]))
    return annotated


def visible_to(rows: QuerySet[Any], user: User) -> QuerySet[Any]:
    """The datasets, with their ``granted``, that a list shows to the user."""
    return rows.filter(Q(granted=None) | ~Q(granted=NONE) | Q(created_by=user))


def level_of(dataset: VersionedDataset, user: User, granted: str | None) -> str:
    """What the user may do. Whoever made a dataset edits it, so that nobody locks everybody out."""
    return EDITOR if granted is None or dataset.created_by_id == user.pk else granted


def require_level(level: str, needed: str) -> None:
    """PermissionDenied (403) when the level is below the one that is needed."""
    if LEVELS.index(level) < LEVELS.index(needed):
        raise PermissionDenied(f"You do not have {needed} access to this resource.")


def grant(
    project: Project, dataset: VersionedDataset, *, member: uuid.UUID, level: str, by: User
) -> DatasetGrant:
    """Give the person the level; ValidationError for somebody who is no member of the project."""
    user = User.objects.filter(uuid=member, is_active=True).first()
    if user is None or not is_member(user, project):
        text = f'Invalid pk "{member}" - object does not exist.'
        raise ValidationError({"organization_member": [text]}, code="does_not_exist")
    with writing(project):
        now = now_after(None)
        made, _ = DatasetGrant.objects.update_or_create(
            dataset=dataset,
            user=user,
            defaults={"access_level": level, "updated_at": now},
            create_defaults={
                "access_level": level, "created_by": by, "created_at": now, "updated_at": now,
            },
        )  # fmt: skip
    return made
