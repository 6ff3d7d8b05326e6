"""How datasets and items of G1 look in answers (datasets-api.md 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillsync.server.render import render_time, render_user

if TYPE_CHECKING:
    from skillsync.server.models import Dataset, DatasetItem


def render_dataset(dataset: Dataset) -> dict[str, Any]:
    """One dataset."""
    return {
        "id": str(dataset.pk),
        "name": dataset.name,
        "description": dataset.description,
        "metadata": dataset.metadata,
        "created_at": render_time(dataset.created_at),
        "updated_at": render_time(dataset.updated_at),
        "deleted": dataset.deleted,
        "created_by": render_user(dataset.created_by),
        "team": dataset.project_id,
    }


def render_item(item: DatasetItem) -> dict[str, Any]:
    """One item."""
    return {
        "id": str(item.pk),
        "dataset": str(item.dataset_id),
        "input": item.input,
        "output": item.output,
        "metadata": item.metadata,
        "ref_trace_id": item.ref_trace_id,
        "ref_timestamp": render_time(item.ref_timestamp),
        "ref_source_id": item.ref_source_id,
        "deleted": item.deleted,
        "created_at": render_time(item.created_at),
        "updated_at": render_time(item.updated_at),
        "created_by": render_user(item.created_by),
        "team": item.project_id,
    }
