"""What it costs to see that one row of a large dataset changed, against comparing the two files' lines in plain Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, shown
from benchmarks.world import Clone, environment, new_clone
from skillsync.model import DatasetPointer
from skillsync.repo.pointer import POINTER, render_pointer
from skillsync.sync.large_rows import contents_of
from skillsync.sync.local import read_tree
from skillsync.sync.workspace import Workspace
from skillsync.sync.writing import stamp_for

SLOWER = 2.5
MEMORY = 250
_ROW = 600
_ITEMS = "datasets/large/items.jsonl"
_RUN = """
import resource, sys
from skillsync.cli.main import cli
sys.argv = ["skillsync", *sys.argv[1:]]
try:
    cli.main()
finally:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    memory = used[0].ru_maxrss // (1024 if sys.platform != "darwin" else 1 << 20)
    print(memory, sum(one.ru_utime + one.ru_stime for one in used), file=sys.stderr)
"""


def offline_figures(folder: Path, rows: int) -> Iterator[Figure]:
    """Make a dataset that is in sync, change one row, and look: nobody is asked, so there is no server.

    The first look reads every row; the later ones know what the committed file holds.
    """
    clone = new_clone(folder, "http://127.0.0.1:9")
    before, after = folder.parent / "before.jsonl", clone.path / _ITEMS
    after.parent.mkdir(parents=True)
    with after.open("w", encoding="utf-8") as file:
        file.writelines(_line(number) for number in range(rows))
    shutil.copyfile(after, before)
    _write_pointer(clone)
    clone.commit("a large dataset")
    shutil.rmtree(clone.path / ".git/skillsync")
    first = _run(clone, "status", "--offline")
    yield shown(f"first status --offline of {rows:,} rows", first.seconds)
    yield Figure("  memory at most", first.peak, MEMORY, "most", unit="MiB")
    with after.open("r+b") as file:
        found = next(at for at, line in _places(before) if b'"question 5 ' in line)
        file.seek(found)
        file.write(_line(5).replace("question 5 ", "edited 5   ").encode())
    bare = min(_bare(before, after) for _ in range(5))
    note = "reading both versions and comparing their lines in plain Python; processor time, git's included"
    status = ("status", "--offline"), "large: changed here"
    names = ("diff", "--offline"), "edited 5"
    for words, expected in (status, names):
        runs = [_look(clone, after, words, expected) for _ in range(3)]
        best = min(run.seconds for run in runs)
        yield Figure(
            f"{' '.join(words)}, one changed row of {rows:,}", best, SLOWER, "ratio", bare, note
        )
        yield Figure("  memory at most", max(run.peak for run in runs), MEMORY, "most", unit="MiB")


def _look(clone: Clone, path: Path, words: Sequence[str], expected: str) -> _Ran:
    """Run a command that looks at the content: racy files are read again by whoever looks."""
    path.touch()
    ran = _run(clone, *words)
    assert expected in ran.said, ran.said
    return ran


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
    (dataset,) = read_tree(workspace, large_from=1).datasets
    assert dataset.large is not None
    holds = contents_of(workspace, dataset, dataset.large).contents
    place = workspace.settings.target().place
    remote = "00000000-0000-4000-8000-000000000000"
    stamp = stamp_for(workspace, dataset.folder)
    line = DatasetPointer(place, remote, 1, dataset.info_digest, holds.rows, holds.digest, stamp)
    (clone.path / "datasets/large" / POINTER).write_bytes(render_pointer({place: line}))


def _places(path: Path) -> Iterator[tuple[int, bytes]]:
    at = 0
    with path.open("rb") as file:
        for line in file:
            yield at, line
            at += len(line)


def _bare(before: Path, after: Path) -> float:
    """Return the seconds of processor time that the plain comparison takes."""
    started = time.process_time()
    with before.open("rb") as one, after.open("rb") as other:
        differing = sum(first != second for first, second in zip(one, other, strict=True))
    assert differing == 1
    return time.process_time() - started


@dataclass(frozen=True, slots=True)
class _Ran:
    """What a command printed, the most MiB it had, and the seconds of processor time it took, git's included."""

    said: str
    peak: float
    seconds: float


def _run(clone: Clone, *words: str) -> _Ran:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *words], cwd=clone.path, env=environment(clone.path.parent),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak, used = done.stderr.splitlines()[-1].split()
    return _Ran(done.stdout, float(peak), float(used))
