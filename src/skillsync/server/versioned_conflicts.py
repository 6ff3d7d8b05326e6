"""Every 409 of the newer datasets, with its code, its text and what comes along (datasets-api.md 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.server.exceptions import BareError

if TYPE_CHECKING:
    from skillsync.server.quotas import Quota
    from skillsync.server.versioned_models import ItemVersion


def _conflict(code: str, detail: str, **extras: object) -> BareError:
    return BareError(409, {"code": code, "detail": detail, **extras})


def stale_version(current: ItemVersion) -> BareError:
    """The base is not the current version."""
    text = "This dataset item changed after it was loaded. Reload it and try again."
    return _conflict("stale_version", text, **_where(current))


def dataset_archived(before: str) -> BareError:
    """The dataset has to be restored before ``before``, such as ``adding items``."""
    return _conflict("dataset_archived", f"Restore this dataset before {before}.")


def item_archived() -> BareError:
    """An archived item is not updated."""
    text = "Restore this dataset item before updating it."
    return _conflict("dataset_item_archived", text)


def item_archived_already() -> BareError:
    """Archiving is not idempotent."""
    return _conflict("dataset_item_archived", "This dataset item is already archived.")


def item_active() -> BareError:
    """Nor is restoring."""
    return _conflict("dataset_item_active", "This dataset item is already active.")


def dataset_name_taken() -> BareError:
    """Another dataset of the project, perhaps an archived one, has the name."""
    return _conflict("dataset_name_conflict", "A dataset with this name already exists.")


def client_id_taken(current: ItemVersion) -> BareError:
    """An item has this client's id and differs, or is archived."""
    text = (
        "An archived item already uses this client item ID. Unarchive that item to use it again."
        if current.archived
        else "An item with this client item ID already exists with different content."
    )
    return _conflict("client_item_id_conflict", text, **_where(current))


def no_more_datasets(count: int, quota: Quota) -> BareError:
    """The project is full."""
    return _limit(
        "datasets",
        count,
        quota.datasets,
        f"No more datasets can be added to this project. The limit is {quota.datasets}. "
        "Contact support if you need more.",
    )


def no_more_items(count: int, quota: Quota) -> BareError:
    """The dataset is full."""
    return _limit(
        "dataset_items",
        count,
        quota.items,
        f"No more items can be added to this dataset. The limit is {quota.items}. "
        "Contact support if you need more.",
    )


def no_more_versions(count: int, quota: Quota) -> BareError:
    """The item has had its versions."""
    return _limit(
        "dataset_item_versions",
        count,
        quota.versions,
        f"No more versions can be added to this dataset item. The limit is {quota.versions}. "
        "Create a new item to continue.",
    )


def last_version_reserved(count: int, quota: Quota) -> BareError:
    """An archived item could not be restored any more."""
    return _limit(
        "dataset_item_versions",
        count,
        quota.versions,
        "This dataset item cannot be archived because the last version slot is reserved for "
        f"restoring it. The limit is {quota.versions}. Create a new item to continue.",
    )


def _limit(resource: str, count: int, limit: int, detail: str) -> BareError:
    return _conflict("limit_reached", detail, resource=resource, current_count=count, limit=limit)


def _where(current: ItemVersion) -> dict[str, object]:
    return {"current_version": current.version, "current_item_id": str(current.item_id)}
