"""What a large dataset costs on both dialects: its first push, the next one, and the push of one changed row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx

from benchmarks.apart import run_apart
from benchmarks.figures import Figure, seconds, shown
from benchmarks.world import KEY, Clone, add_dataset, new_clone, serving
from skillsync.api.dataset_calls import PAGE

SLOWER = 1 / 0.7
"""The first push keeps at least 70 % of the rate of a bare loop."""
FLAT = 12.0
"""MiB by which the memory may grow while rows are sent, however many they are."""


def rows_figures(folder: Path, rows: int) -> Iterator[Figure]:
    """Measure both dialects, the current one with a quota that so many rows fit into."""
    options = {"seed": (), "current": ("--quota", f"items={rows * 2}")}
    for dialect, more in options.items():
        with serving(folder / dialect, "--dialect", dialect, *more) as url:
            clone = new_clone(folder / f"rows-{dialect}", url)
            add_dataset(clone, "large", rows=rows)
            yield from _first(clone, url, dialect, rows)
            clone.commit("pointer")
            again = run_apart("push", clone)
            yield Figure(f"push of it again, {dialect}: writes", again.writes, 0, "exact")
            yield shown("  reads", len(again.made) - again.writes, "")
            yield from _one_changed(clone, dialect, rows)


def _first(clone: Clone, url: str, dialect: str, rows: int) -> Iterator[Figure]:
    bare_half = partial(_bare_loop, url, is_current=dialect == "current")
    # Half of the loop before and half after, so that both meet the same weather.
    bare = seconds(partial(bare_half, range(rows // 2)))
    run = run_apart("push", clone)
    bare += seconds(partial(bare_half, range(rows // 2, rows)))
    note = "a bare httpx loop that creates the same items, one connection"
    yield Figure(
        f"first push of {rows:,} rows, {dialect}", run.seconds, SLOWER, "ratio", bare, note
    )
    yield shown("  time outside requests", run.seconds - run.waited)
    yield shown("  growth of memory, reading included", run.grew, "MiB")
    yield Figure(
        "  growth of memory while rows are sent", run.sending_grew, FLAT, "most", unit="MiB"
    )


def _one_changed(clone: Clone, dialect: str, rows: int) -> Iterator[Figure]:
    path = clone.path / "datasets/large/items.jsonl"
    path.write_text(path.read_text().replace('"question 5"', '"edited"'))
    run = run_apart("push", clone)
    most = 4 if dialect == "current" else math.ceil(rows / PAGE) + 1 + 3
    asked = [one for one in run.made if "dataset" in one[1]]
    yield Figure(
        f"push of one changed row of {rows:,}, {dialect}: requests", len(asked), most, "most"
    )
    yield Figure("  of these writes", run.writes, 1, "exact")


def _bare_loop(url: str, rows: range, *, is_current: bool) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    base = f"{url}/api/projects/1/"
    with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
        made = client.post("datasets/", content=json.dumps({"name": f"bare {rows.start}"}))
        number = made.raise_for_status().json()["id"]
        for row in rows:
            key, output = f"bare-{row}", str(row)
            body: dict[str, object] = {"dataset": number, "input": f"question {row}"}
            if is_current:
                body |= {"expected_output": output, "client_item_id": key}
            else:
                body |= {"output": output, "metadata": {"skillsync_id": key}}
            client.post("dataset_items/", content=json.dumps(body)).raise_for_status().json()
