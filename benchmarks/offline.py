"""What it costs to see that one row of a large dataset changed, against comparing the two files' lines in plain Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, seconds
from benchmarks.world import Clone, environment, new_clone
from skillsync.formats.canonical import rows_digest
from skillsync.model import DatasetPointer, Digest
from skillsync.repo.pointer import POINTER, render_pointer
from skillsync.sync.local import read_tree
from skillsync.sync.workspace import Workspace

SLOWER = 2.5
MEMORY = 250
_ROW = 600
_ITEMS = "datasets/large/items.jsonl"
_STATUS = """
import resource, sys
from skillsync.cli.main import cli
sys.argv = ["skillsync", "status", "--offline"]
try:
    cli.main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1 << 20), file=sys.stderr)
"""


def offline_figures(folder: Path, rows: int) -> Iterator[Figure]:
    """Make a dataset that is in sync, change one row, and look: nobody is asked, so there is no server."""
    clone = new_clone(folder, "http://127.0.0.1:9")
    before, after = folder.parent / "before.jsonl", clone.path / _ITEMS
    after.parent.mkdir(parents=True)
    with after.open("w", encoding="utf-8") as file:
        file.writelines(_line(number) for number in range(rows))
    before.write_bytes(after.read_bytes())
    _write_pointer(clone)
    clone.commit("a large dataset")
    with after.open("r+b") as file:
        found = next(at for at, line in _places(before) if b'"question 5 ' in line)
        file.seek(found)
        file.write(_line(5).replace("question 5 ", "edited 5   ").encode())
    bare = min(seconds(lambda: _bare(before, after)) for _ in range(3))
    took, peak = float("inf"), 0.0
    # Racy files are read again by whoever looks, so that each of these is a first look.
    for _ in range(2):
        after.touch()
        runs: list[float] = []
        took = min(took, seconds(lambda to=runs: to.append(_status(clone))))  # type: ignore[misc]
        peak = max(peak, *runs)
    note = "reading both versions and comparing their lines in plain Python"
    name = f"status --offline, one changed row of {rows:,}"
    yield Figure(name, took, SLOWER, "ratio", bare, note)
    yield Figure("  memory at most", peak, MEMORY, "most", unit="MiB")


def _line(number: int) -> str:
    row = {
        "id": f"row-{number:08}",
        "input": {"question": f"question {number} "},
        "expected_output": "",
        "metadata": {"n": number},
    }
    short = json.dumps(row)
    row["expected_output"] = "y" * (_ROW - 1 - len(short))
    return json.dumps(row) + "\n"


def _write_pointer(clone: Clone) -> None:
    """Write what a push would: that these rows have been taken in."""
    workspace = Workspace.open(clone.path)
    (dataset,) = read_tree(workspace).datasets
    digest = rows_digest((key, Digest(value)) for key, value in dataset.row_digests.items())
    place = workspace.settings.target().place
    remote = "00000000-0000-4000-8000-000000000000"
    line = DatasetPointer(place, remote, 1, dataset.info_digest, len(dataset.rows), digest)
    (clone.path / "datasets/large" / POINTER).write_bytes(render_pointer({place: line}))


def _places(path: Path) -> Iterator[tuple[int, bytes]]:
    at = 0
    with path.open("rb") as file:
        for line in file:
            yield at, line
            at += len(line)


def _bare(before: Path, after: Path) -> None:
    with before.open("rb") as one, after.open("rb") as other:
        differing = sum(first != second for first, second in zip(one, other, strict=True))
    assert differing == 1


def _status(clone: Clone) -> float:
    """Run it in a process of its own and return the most memory it had, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _STATUS], cwd=clone.path, env=environment(clone.path.parent),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "large: changed here" in done.stdout, done.stdout + done.stderr
    return float(done.stderr.splitlines()[-1])
