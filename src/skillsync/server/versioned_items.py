"""Items of the newer datasets: each effective write is one version and one revision (datasets-api.md 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from rest_framework.exceptions import NotFound, ValidationError

from skillsync.server import versioned_conflicts as conflicts
from skillsync.server.prepared import insert_row
from skillsync.server.versioned_access import EDITOR, VIEWER, require_level
from skillsync.server.versioned_datasets import find_dataset, next_revision
from skillsync.server.versioned_input import canonical, json_bytes
from skillsync.server.versioned_models import ItemVersion, VersionedItem
from skillsync.server.writes import writing

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from skillsync.server.models import Project, User
    from skillsync.server.quotas import Quota
    from skillsync.server.versioned_models import DatasetRevision, VersionedDataset

PAYLOAD = ("input", "expected_output", "source_output", "metadata")
PROVENANCE = ("source_trace_id", "source_event_id", "source_timestamp")
CONTENT = (*PAYLOAD, *PROVENANCE)
_RESTORED = ("input", "expected_output", "metadata")


def versions_of(project: Project) -> QuerySet[ItemVersion]:
    """Every version of every item of the project."""
    return ItemVersion.objects.filter(dataset__project=project).select_related(
        "item", "item__created_by", "created_by", "dataset"
    )


def visible(rows: QuerySet[ItemVersion], revision: int | None) -> QuerySet[ItemVersion]:
    """Of each item the version that was current at the revision; None means now."""
    if revision is None:
        return rows.filter(superseded_in=None)
    return rows.filter(introduced_in__lte=revision).filter(
        Q(superseded_in=None) | Q(superseded_in__gt=revision)
    )


def find_item(
    project: Project, number: uuid.UUID, *, user: User, needs: str = VIEWER
) -> ItemVersion:
    """The current version.

    NotFound (404) for an unknown item and for another project's, PermissionDenied (403) when the user may not.
    """
    version = visible(versions_of(project), None).filter(item=number).first()
    if version is None:
        raise NotFound("Not found.")
    require_level(version.dataset, user, needs)
    return version


def create_item(
    project: Project, *, user: User, values: Mapping[str, Any], quota: Quota
) -> tuple[ItemVersion, bool]:
    """A new item and True; or the one that has the client's id and the same content, and False.

    Checks in the order of datasets-api.md 3.4: the dataset 404 and 403, archived 409, size 400, client id 409, quota 409.
    """
    with writing(project):
        dataset = find_dataset(project, values["dataset"], user=user, needs=EDITOR)
        if dataset.archived:
            raise conflicts.dataset_archived("adding items")
        given = {name: values[name] for name in CONTENT if name in values}
        content = {**dict.fromkeys(CONTENT), "metadata": {}, **given}
        _require_small(content, quota)
        client_id = values.get("client_item_id")
        existing = None if client_id is None else _by_client_id(dataset, client_id)
        if existing is not None:
            if existing.archived or not _has_content(existing, content):
                raise conflicts.client_id_taken(existing)
            return existing, False
        count = dataset.items.count()
        if count >= quota.items:
            raise conflicts.no_more_items(count, quota)
        revision = next_revision(dataset, user=user)
        item = insert_row(
            VersionedItem(
                dataset=dataset,
                client_item_id=client_id,
                created_by=user,
                created_at=revision.created_at,
                updated_at=revision.created_at,
            )
        )
        return _insert(item, revision, version=1, user=user, content=content), True


def update_item(
    project: Project,
    number: uuid.UUID,
    *,
    base_version: int,
    changes: Mapping[str, Any],
    user: User,
    quota: Quota,
) -> ItemVersion:
    """The next version with the changes, or the current one when they change nothing."""
    with writing(project):
        current = _current(project, number, base_version, user=user, before="updating its items")
        if current.archived:
            raise conflicts.item_archived()
        _require_small(_content_of(current) | dict(changes), quota)
        if _has_content(current, changes):
            return current
        _require_room(current, quota)
        return _next(current, user=user, changes=changes)


def archive_item(
    project: Project, number: uuid.UUID, *, base_version: int, user: User, quota: Quota
) -> ItemVersion:
    """An archived version; the last version that the quota allows is kept for restoring it."""
    with writing(project):
        current = _current(project, number, base_version, user=user, before="archiving its items")
        if current.archived:
            raise conflicts.item_archived_already()
        if current.version >= quota.versions - 1:
            raise conflicts.last_version_reserved(current.version, quota)
        return _next(current, user=user, changes={"archived": True})


def restore_item(
    project: Project,
    number: uuid.UUID,
    *,
    base_version: int,
    source_version: int | None,
    user: User,
    quota: Quota,
) -> ItemVersion:
    """An active version with the content of ``source_version``, by default the archived one's."""
    with writing(project):
        current = _current(project, number, base_version, user=user, before="restoring its items")
        if not current.archived:
            raise conflicts.item_active()
        source = current
        if source_version is not None:
            found = current.item.versions.filter(version=source_version).first()
            if found is None:
                raise NotFound("Not found.")
            source = found
        _require_room(current, quota)
        restored = {name: getattr(source, name) for name in _RESTORED}
        return _next(current, user=user, changes={**restored, "archived": False})


def _current(
    project: Project, number: uuid.UUID, base_version: int, *, user: User, before: str
) -> ItemVersion:
    """The current version for a write: 404 and 403, then archived dataset, then stale base."""
    current = find_item(project, number, user=user, needs=EDITOR)
    if current.dataset.archived:
        raise conflicts.dataset_archived(before)
    if current.version != base_version:
        raise conflicts.stale_version(current)
    return current


def _by_client_id(dataset: VersionedDataset, client_id: str) -> ItemVersion | None:
    rows = visible(versions_of(dataset.project), None)
    return rows.filter(item__dataset=dataset, item__client_item_id=client_id).first()


def _content_of(version: ItemVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in CONTENT}


def _has_content(version: ItemVersion, content: Mapping[str, Any]) -> bool:
    """Whether the version says all of this already, by canonical JSON text."""
    return all(
        getattr(version, name) == value
        if name in PROVENANCE
        else canonical(getattr(version, name)) == canonical(value)
        for name, value in content.items()
    )


def _require_small(content: Mapping[str, Any], quota: Quota) -> None:
    payload = {name: content.get(name) for name in PAYLOAD}
    if json_bytes(payload) > quota.bytes:
        text = f"This field must be {quota.bytes} bytes or fewer."
        raise ValidationError({"item": [text]}, code="max_size")


def _require_room(current: ItemVersion, quota: Quota) -> None:
    if current.version >= quota.versions:
        raise conflicts.no_more_versions(current.version, quota)


def _next(current: ItemVersion, *, user: User, changes: Mapping[str, Any]) -> ItemVersion:
    revision = next_revision(current.dataset, user=user)
    ItemVersion.objects.filter(pk=current.pk).update(superseded_in=revision.revision)
    item = current.item
    item.updated_at = revision.created_at
    item.save(update_fields=["updated_at"])
    content = {**_content_of(current), **changes}
    return _insert(item, revision, version=current.version + 1, user=user, content=content)


def _insert(
    item: VersionedItem,
    revision: DatasetRevision,
    *,
    version: int,
    user: User,
    content: Mapping[str, Any],
) -> ItemVersion:
    return insert_row(
        ItemVersion(
            item=item,
            dataset=revision.dataset,
            version=version,
            revision=revision,
            introduced_in=revision.revision,
            item_created_at=item.created_at,
            created_by=user,
            created_at=revision.created_at,
            **content,
        )
    )
