"""Creating, changing, archiving and restoring the newer datasets, and finding them and their revisions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, UUIDField
from rest_framework.exceptions import NotFound

from skillsync.server import versioned_conflicts as conflicts
from skillsync.server.prepared import Prepared, Slot, insert_row
from skillsync.server.versioned_access import EDITOR, VIEWER, require_level
from skillsync.server.versioned_models import DatasetRevision, VersionedDataset
from skillsync.server.writes import now_after, writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from skillsync.server.models import Project, User
    from skillsync.server.quotas import Quota


def datasets_of(project: Project) -> QuerySet[VersionedDataset]:
    """Every dataset of the project, archived ones too."""
    return VersionedDataset.objects.filter(project=project).select_related("created_by")


_DATASET = Prepared(
    lambda: VersionedDataset.objects.filter(
        project_id=Slot("project", BigIntegerField()), pk=Slot("pk", UUIDField())
    ).select_related("created_by")
)


def as_uuid(text: str) -> uuid.UUID:
    """The id of a URL; NotFound when it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("Not found.") from None


def find_dataset(
    project: Project, number: uuid.UUID, *, user: User, needs: str = VIEWER
) -> VersionedDataset:
    """The dataset.

    NotFound (404) for an unknown one and for another project's, PermissionDenied (403) when the user may not.
    """
    dataset = _DATASET.first(project=project.pk, pk=number)
    if dataset is None:
        raise NotFound("Not found.")
    require_level(dataset, user, needs)
    return dataset


def create_dataset(
    project: Project, *, user: User, values: Mapping[str, Any], quota: Quota
) -> VersionedDataset:
    """A new dataset of the validated values; 409 when the name is taken or the project is full."""
    with writing(project):
        _require_free_name(project, values["name"])
        count = datasets_of(project).count()
        if count >= quota.datasets:
            raise conflicts.no_more_datasets(count, quota)
        now = now_after(None)
        return VersionedDataset.objects.create(
            project=project, created_by=user, created_at=now, updated_at=now, **values
        )


def change_dataset(
    project: Project, number: uuid.UUID, values: Mapping[str, Any], *, user: User
) -> VersionedDataset:
    """Write the fields that were sent; 409 when it is archived or the name is taken."""
    with writing(project):
        dataset = find_dataset(project, number, user=user, needs=EDITOR)
        if dataset.archived:
            raise conflicts.dataset_archived("updating it")
        if values.get("name", dataset.name) != dataset.name:
            _require_free_name(project, values["name"])
        return _save(dataset, values)


def set_archived(
    project: Project, number: uuid.UUID, *, archived: bool, user: User
) -> VersionedDataset:
    """Archive or restore; nothing happens when it is so already. Items keep their own state."""
    with writing(project):
        dataset = find_dataset(project, number, user=user, needs=EDITOR)
        return dataset if dataset.archived is archived else _save(dataset, {"archived": archived})


def next_revision(dataset: VersionedDataset, *, user: User) -> DatasetRevision:
    """Add a revision and make it the dataset's current one."""
    now = now_after(dataset.updated_at)
    revision = insert_row(
        DatasetRevision(
            dataset=dataset,
            revision=(dataset.current_revision or 0) + 1,
            created_by=user,
            created_at=now,
        )
    )
    dataset.current_revision = revision.revision
    dataset.current_revision_key = revision.pk
    dataset.updated_at = now
    dataset.save(update_fields=["current_revision", "current_revision_key", "updated_at"])
    return revision


def find_revision(dataset: VersionedDataset, number: int) -> DatasetRevision:
    """The revision; NotFound (404) when the dataset has none of this number."""
    revision = dataset.revisions.filter(revision=number).first()
    if revision is None:
        raise NotFound("Not found.")
    return revision


def _require_free_name(project: Project, name: str) -> None:
    if datasets_of(project).filter(name=name).exists():
        raise conflicts.dataset_name_taken()


def _save(dataset: VersionedDataset, values: Mapping[str, Any]) -> VersionedDataset:
    if values:
        for field, value in values.items():
            setattr(dataset, field, value)
        dataset.updated_at = now_after(dataset.updated_at)
        dataset.save(update_fields=[*values, "updated_at"])
    return dataset
