"""Puts a large dataset straight into a server's database: `python -m benchmarks.seeding DATABASE PROJECT DIALECT ROWS KEYS`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.world import environment
from skillsync.formats.row_keys import content_key

ROW = 600
"""Bytes of a row as a line of a file."""
NAME = "large"
_BATCH = 500
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def row_of(number: int, *, keys: str = "id") -> tuple[str, Mapping[str, Any]]:
    """Return the key and the fields of one row; ``keys`` is "content" where the key is to be derived."""
    fields: dict[str, Any] = {"input": {"question": f"question {number}"}}
    key = f"row-{number:08}" if keys == "id" else content_key(fields)
    fields |= {"expected_output": "", "metadata": {"n": number}}
    fields["expected_output"] = "y" * (ROW - 1 - len(json.dumps({"id": key, **fields})))
    return key, fields


def line_of(number: int) -> str:
    """Return a row as the line that a pull writes for it."""
    key, fields = row_of(number)
    return json.dumps({"id": key, **fields}) + "\n"


def seed(database: Path, project: int, dialect: str, rows: int, *, keys: str) -> None:
    """Make a dataset of so many rows in a process of its own."""
    words = [str(database), str(project), dialect, str(rows), keys]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.seeding", *words],
        cwd=Path(__file__).parents[1],
        env=environment(database.parent) | {"PYTHONPATH": str(Path(__file__).parents[1])},
        check=True,
    )


def _batches(rows: int, keys: str) -> Iterator[list[tuple[int, str, Mapping[str, Any]]]]:
    numbered = ((number, *row_of(number, keys=keys)) for number in range(rows))
    while batch := list(islice(numbered, _BATCH)):
        yield batch


def _moment(number: int) -> datetime:
    return _BEGAN + timedelta(milliseconds=number)


def _seed_older(project: Any, user: Any, rows: int, keys: str) -> None:
    from skillsync.server.models import Dataset, DatasetItem

    dataset = Dataset.objects.create(
        project=project, name=NAME, created_by=user, created_at=_BEGAN, updated_at=_BEGAN
    )
    for batch in _batches(rows, keys):
        DatasetItem.objects.bulk_create(
            DatasetItem(
                project=project,
                dataset=dataset,
                input=fields["input"],
                output=fields["expected_output"],
                metadata={**fields["metadata"], "skillsync_id": key},
                created_by=user,
                created_at=_moment(number),
                updated_at=_moment(number),
            )
            for number, key, fields in batch
        )


def _seed_newer(project: Any, user: Any, rows: int, keys: str) -> None:
    from skillsync.server.versioned_models import (
        DatasetRevision,
        ItemVersion,
        VersionedDataset,
        VersionedItem,
    )

    dataset = VersionedDataset.objects.create(
        project=project, name=NAME, created_by=user, created_at=_BEGAN, updated_at=_BEGAN
    )
    revision = None
    for batch in _batches(rows, keys):
        revisions = [
            DatasetRevision(
                dataset=dataset, revision=number + 1, created_by=user, created_at=_moment(number)
            )
            for number, _, _ in batch
        ]
        items = [
            VersionedItem(
                dataset=dataset,
                client_item_id=key,
                created_by=user,
                created_at=_moment(number),
                updated_at=_moment(number),
            )
            for number, key, _ in batch
        ]
        versions = [
            ItemVersion(
                item=item,
                dataset=dataset,
                version=1,
                revision=its_revision,
                introduced_in=number + 1,
                input=fields["input"],
                expected_output=fields["expected_output"],
                metadata=fields["metadata"],
                item_created_at=_moment(number),
                created_by=user,
                created_at=_moment(number),
            )
            for (number, _, fields), item, its_revision in zip(batch, items, revisions, strict=True)
        ]
        DatasetRevision.objects.bulk_create(revisions)
        VersionedItem.objects.bulk_create(items)
        ItemVersion.objects.bulk_create(versions)
        revision = revisions[-1]
    assert revision is not None
    dataset.current_revision, dataset.current_revision_key = revision.revision, revision.id
    dataset.save()


def main() -> None:
    """Open the database, and fill it in one transaction."""
    from skillsync.server.app import create_app
    from skillsync.server.database import start_django

    database, project_number, dialect, rows, keys = sys.argv[1:]
    start_django()
    app = create_app(f"sqlite:///{database}")
    from django.db import transaction

    from skillsync.server.models import Project, User

    project = Project.objects.get(pk=int(project_number))
    user = User.objects.order_by("pk").first()
    fill = _seed_older if dialect == "seed" else _seed_newer
    with transaction.atomic():
        fill(project, user, int(rows), keys)
    app.close()


if __name__ == "__main__":
    main()
