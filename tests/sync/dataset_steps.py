"""What the dataset tests share: short names for lines, items and requests."""

from __future__ import annotations

import json
from typing import Any

import httpx

from skillsync.sync.report import Outcome, Report
from tests.sync.harness import Clone, Live, Requests, first_push

ITEMS = "datasets/cases/items.jsonl"
POINTER = "datasets/cases/.skillsync"
ROWS = "datasets/cases/.skillsync.rows"


def line(key: str | None, value: object, **fields: object) -> str:
    """Return one line: id, input, and whatever else."""
    row: dict[str, object] = {} if key is None else {"id": key}
    return json.dumps({**row, "input": value, **fields})


def numbered(count: int) -> list[str]:
    """Return so many lines ``k000`` …, each with an input of its own."""
    return [line(f"k{number:03}", f"question {number}") for number in range(count)]


def dataset_id(live: Live, name: str = "cases") -> str:
    """Return the id of the only live dataset of a name."""
    (found,) = [one for one in live.datasets() if one["name"] == name]
    return str(found["id"])


def published(clone: Clone, lines: list[str]) -> str:
    """Write the dataset ``cases``, push and commit it, and return its remote id."""
    clone.dataset("cases", lines)
    first_push(clone, "cases")
    return dataset_id(clone.live)


def inputs(live: Live, dataset: str) -> dict[str, Any]:
    """Return the live items' inputs by our key, or by ``srv:<id>``."""
    return {key_of(row): row["input"] for row in live.rows(dataset)}


def key_of(row: dict[str, Any]) -> str:
    """Return an item's key."""
    metadata = row["metadata"]
    key = metadata.get("skillsync_id") if isinstance(metadata, dict) else None
    return key or f"srv:{row['id']}"


def lines(clone: Clone, path: str = ITEMS) -> dict[str, Any]:
    """Return the file's rows by id."""
    rows = [json.loads(text) for text in clone.read(path).split("\n") if text.strip()]
    return {str(row.get("id")): row for row in rows}


def drop_line(clone: Clone, key: str, path: str = ITEMS) -> None:
    """Take one row's line out of the file."""
    kept = [text for text in clone.read(path).splitlines(True) if json.loads(text)["id"] != key]
    clone.write(path, "".join(kept))


def by_subject(report: Report) -> dict[str, Outcome]:
    """Return the outcomes by subject."""
    return {one.subject: one for one in report.outcomes}


def wrapped(clone: Clone) -> Requests:
    """Return the requests of a clone, to watch or to disturb."""
    return clone.wrapped()


def is_silent(clone: Clone) -> bool:
    """Push and pull once more: no write on either side (P3)."""
    before = clone.files()
    seen = wrapped(clone)
    seen.made.clear()
    done = [clone.push(), clone.pull()]
    return (
        all(report.exit == 0 and not report.changed for report in done)
        and not seen.writes
        and clone.files() == before
    )


def is_request(request: httpx.Request, method: str, part: str) -> bool:
    """Tell whether a request is the one that a test waits for."""
    return request.method == method and part in request.url.path
