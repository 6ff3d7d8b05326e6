"""Who may do what with one of the newer datasets: levels, grants, and the refusals (datasets-api.md 3.2, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from rest_framework.exceptions import PermissionDenied, ValidationError

from skillsync.server.models import DatasetGrant, User
from skillsync.server.permissions import is_member
from skillsync.server.prepared import Prepared, Slot
from skillsync.server.versioned_models import VersionedDataset
from skillsync.server.writes import now_after, writing

if TYPE_CHECKING:
    import uuid

    from skillsync.server.models import Project

NONE, VIEWER, EDITOR = "none", "viewer", "editor"
LEVELS = (NONE, VIEWER, EDITOR)
"""Each may what those before it may."""


def visible_to(rows: QuerySet[VersionedDataset], user: User | Slot) -> QuerySet[Any]:
    """The datasets that a list shows to the user, each with the grant as ``granted``, or None."""
    grants = DatasetGrant.objects.filter(dataset=OuterRef("pk"), user=user)
    return rows.annotate(granted=Subquery(grants.values("access_level")[:1])).filter(
        Q(granted=None) | ~Q(granted=NONE) | Q(created_by=user)
    )


def level_of(dataset: VersionedDataset, user: User) -> str:
    """What the user may do. Whoever made a dataset edits it, so that nobody locks everybody out."""
    if dataset.created_by_id == user.pk:
        return EDITOR
    if hasattr(dataset, "granted"):  # out of a list
        granted: str | None = dataset.granted
        return granted or EDITOR
    found = _GRANT.first(dataset=dataset.pk, user=user.pk)
    return EDITOR if found is None else found[0]


_GRANT: Prepared[tuple[str]] = Prepared(
    lambda: DatasetGrant.objects.filter(
        dataset=Slot("dataset", VersionedDataset._meta.pk), user=Slot("user", User._meta.pk)
    ).values_list("access_level")
)


def require_level(dataset: VersionedDataset, user: User, needed: str) -> None:
    """PermissionDenied (403) when the user has less than the level that is needed."""
    if LEVELS.index(level_of(dataset, user)) < LEVELS.index(needed):
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
