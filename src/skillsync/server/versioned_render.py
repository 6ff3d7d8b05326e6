"""How the newer datasets, items, revisions and exports look in answers (datasets-api.md 3.1, 3.7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from skillsync.server.render import render_time, render_user

if TYPE_CHECKING:
    from skillsync.server.versioned_models import (
        DatasetExport,
        DatasetRevision,
        ItemVersion,
        VersionedDataset,
    )


def render_dataset(dataset: VersionedDataset, *, level: str) -> dict[str, Any]:
    """One dataset, and what the caller may do with it."""
    revision_key = dataset.current_revision_key
    return {
        "id": str(dataset.pk),
        "name": dataset.name,
        "description": dataset.description,
        "metadata": dataset.metadata,
        "archived": dataset.archived,
        "current_revision": dataset.current_revision,
        "current_revision_id": None if revision_key is None else str(revision_key),
        "created_at": render_time(dataset.created_at),
        "updated_at": render_time(dataset.updated_at),
        "created_by": render_user(dataset.created_by),
        "team_id": dataset.project_id,
        "user_access_level": level,
    }


def render_item(version: ItemVersion) -> dict[str, Any]:
    """An item at one of its versions."""
    item = version.item
    return {
        "id": str(item.pk),
        "dataset": str(version.dataset_id),
        "client_item_id": item.client_item_id,
        "version": version.version,
        "version_id": str(version.pk),
        "dataset_revision": version.introduced_in,
        "dataset_revision_id": str(version.revision_id),
        "archived": version.archived,
        "input": version.input,
        "expected_output": version.expected_output,
        "source_output": version.source_output,
        "metadata": version.metadata,
        "source_trace_id": version.source_trace_id,
        "source_event_id": version.source_event_id,
        "source_timestamp": render_time(version.source_timestamp),
        "created_at": render_time(item.created_at),
        "updated_at": render_time(item.updated_at),
        "created_by": render_user(item.created_by),
        "version_created_at": render_time(version.created_at),
        "version_created_by": render_user(version.created_by),
        "team_id": version.dataset.project_id,
    }


def render_revision(revision: DatasetRevision) -> dict[str, Any]:
    """One revision."""
    return {
        "id": str(revision.pk),
        "dataset_id": str(revision.dataset_id),
        "revision": revision.revision,
        "created_at": render_time(revision.created_at),
        "created_by": render_user(revision.created_by),
        "team_id": revision.dataset.project_id,
    }


def render_export(export: DatasetExport) -> dict[str, Any]:
    """One export; it is complete as soon as it exists, as it runs in this process."""
    return {
        "id": export.pk,
        "status": "complete",
        "dataset_revision": export.revision.revision,
        "filename": export_name(export),
        "created_at": render_time(export.created_at),
        "expires_after": render_time(export.expires_after),
        "exception": None,
    }


def export_name(export: DatasetExport) -> str:
    """The name of the download, in plain characters."""
    return f"dataset-{export.dataset_id}-revision-{export.revision.revision}.jsonl"


def render_export_row(version: ItemVersion, *, revision: int) -> str:
    """One line of a download, with its line end; times carry ``+00:00`` here."""
    timestamp = version.source_timestamp
    row = {
        "dataset_id": str(version.dataset_id),
        "dataset_revision": revision,
        "item_id": str(version.item_id),
        "client_item_id": version.item.client_item_id,
        "version": version.version,
        "input": version.input,
        "expected_output": version.expected_output,
        "source_output": version.source_output,
        "metadata": version.metadata,
        "source_trace_id": version.source_trace_id,
        "source_event_id": version.source_event_id,
        "source_timestamp": None if timestamp is None else timestamp.isoformat(),
    }
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n"
