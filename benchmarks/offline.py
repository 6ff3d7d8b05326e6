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
_MANY = 1_000_000
"""From so many rows on, what a command takes to start is counted; of fewer, what it takes with ``_FEW`` is left out."""
_FEW = 2_000
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


_LOOKS = (
    (("status", "--offline"), "large: changed here"),
    (("diff", "--offline"), "+ edited "),
)
"""Commands that look at the content, and what they must say."""


def offline_figures(folder: Path, rows: int) -> Iterator[Figure]:
    """Make a dataset that is in sync, change one row, and look: nobody is asked, so there is no server.

    The first look reads every row; the later ones know what the committed file holds.
    """
    note = "reading both versions and comparing their lines in plain Python; processor time, git's included"
    large, few = _in_sync(folder / "large", rows), _in_sync(folder / "few", _FEW)
    first = _run(large.clone, "status", "--offline")
    yield shown(f"first status --offline of {rows:,} rows", first.seconds)
    yield Figure("  memory at most", first.peak, MEMORY, "most", unit="MiB")
    _run(few.clone, "status", "--offline")
    for one in (large, few):
        one.change_a_row()
    bare = min(_bare(large) for _ in range(5))
    for words, expected in _LOOKS:
        runs = [_look(large, words, expected) for _ in range(5)]
        best = min(run.seconds for run in runs)
        name = f"{' '.join(words)}, one changed row of {rows:,}"
        if rows < _MANY:
            name += ", start not counted"
            best -= min(_look(few, words, expected).seconds for _ in range(5))
        yield Figure(name, best, SLOWER, "ratio", bare, note)
        yield Figure("  memory at most", max(run.peak for run in runs), MEMORY, "most", unit="MiB")


@dataclass(frozen=True, slots=True)
class _Large:
    """A clone with one dataset, and a copy of its file as it was committed."""

    clone: Clone
    before: Path
    rows: int

    @property
    def after(self) -> Path:
        return self.clone.path / _ITEMS

    def change_a_row(self) -> None:
        """Edit the row in the middle."""
        number = self.rows // 2
        begun = b'"question %d ' % number
        with self.after.open("r+b") as file:
            found = next(at for at, line in _places(self.before) if begun in line)
            file.seek(found)
            file.write(_line(number).replace("question ", "edited   ").encode())


def _in_sync(folder: Path, rows: int) -> _Large:
    """Make a clone whose dataset is in sync, and of which nothing is known yet."""
    made = _Large(new_clone(folder / "clone", "http://127.0.0.1:9"), folder / "before.jsonl", rows)
    made.after.parent.mkdir(parents=True)
    with made.after.open("w", encoding="utf-8") as file:
        file.writelines(_line(number) for number in range(rows))
    shutil.copyfile(made.after, made.before)
    _write_pointer(made.clone)
    made.clone.commit("a large dataset")
    shutil.rmtree(made.clone.path / ".git/skillsync")
    return made


def _look(large: _Large, words: Sequence[str], expected: str) -> _Ran:
    """Run a command that looks at the content: racy files are read again by whoever looks."""
    large.after.touch()
    ran = _run(large.clone, *words)
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


def _bare(large: _Large) -> float:
    """Return the seconds of processor time that the plain comparison takes."""
    started = time.process_time()
    with large.before.open("rb") as one, large.after.open("rb") as other:
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
