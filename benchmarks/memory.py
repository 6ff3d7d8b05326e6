"""How much memory and time the commands need for each row of a large dataset: what a child process has at most."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Kind, shown
from benchmarks.seeding import NAME, line_of, seed
from benchmarks.server import Talk
from benchmarks.world import Clone, add_project, environment, new_clone, serving

FEW = 2
"""Rows of the dataset whose memory is taken off: what a command needs anyway."""
MOST_PER_ROW = 315
"""Bytes that a row may cost while sides are compared: 100,000 rows in 30 MiB."""
MANY = 100_000
"""From so many rows on that is a limit: of fewer, what a command needs anyway is too large a part."""
MOST_FLAT = 6.0
"""MiB that any number of rows may cost where they are read one after the other."""

ITEMS = f"datasets/{NAME}/items.jsonl"
_RUN = """
import re, sys, time
from pathlib import Path
from skillsync.cli.main import cli
sys.argv = ["skillsync", *sys.argv[1:]]
started = time.perf_counter()
try:
    cli.main()
finally:
    most = re.search(r"^VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    print(int(most[1]) / 1024, time.perf_counter() - started, file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a command printed, the MiB it had at most, and the seconds that it took."""

    said: str
    peak: float
    seconds: float


def _run(clone: Clone, *words: str) -> _Cost:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *words],
        cwd=clone.path,
        env=environment(clone.path.parent),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    peak, seconds = done.stderr.splitlines()[-1].split()
    return _Cost(done.stdout, float(peak), float(seconds))


def memory_figures(folder: Path, rows: int) -> Iterator[Figure]:
    """Every figure, of the commands that ask nobody and of those that ask a server of each dialect."""
    yield from _offline(folder / "offline", rows)
    for dialect in ("seed", "current"):
        yield from _synced(folder / dialect, dialect, rows)


class _Pair:
    """The same world twice, with many rows and with few: what a command needs more for the many is what is told."""

    def __init__(self, many: Clone, few: Clone, rows: int, of: str) -> None:
        self.many = many
        self.few = few
        self._rows = rows
        self._of = of

    def each(self) -> Iterator[tuple[Clone, int]]:
        """The two clones, with their numbers of rows."""
        yield self.many, self._rows
        yield self.few, FEW

    def measured(
        self, name: str, *words: str, says: str = "", flat: bool = False
    ) -> Iterator[Figure]:
        """Run one command in both worlds."""
        many, few = _run(self.many, *words), _run(self.few, *words)
        if says not in many.said:
            raise AssertionError(f"{words} did not say {says!r}: {many.said[-2000:]}")
        limit = MOST_FLAT if flat else self._rows * MOST_PER_ROW / (1 << 20)
        name = f"{name}{self._of}"
        time = (many.seconds - few.seconds) / self._rows
        yield shown(name, many.seconds, note=f"{time * 1e6:,.0f} µs a row")
        grown = many.peak - few.peak
        note = f"{grown * (1 << 20) / self._rows:,.0f} bytes a row"
        kind: Kind = "most" if flat or self._rows >= MANY else "shown"
        yield Figure(f"  {name}: memory", grown, limit, kind, unit="MiB", note=note)


# ---------------------------------------------------------------- asking nobody


def _offline(folder: Path, rows: int) -> Iterator[Figure]:
    many, few = (
        new_clone(folder / size / "clone", "http://127.0.0.1:9") for size in ("many", "few")
    )
    pair = _Pair(many, few, rows, "")
    for clone, count in pair.each():
        _write_rows(clone, count)
        clone.commit("rows")
    yield from pair.measured("lint", "lint", flat=True)
    yield from pair.measured("fmt --check", "fmt", "--check", flat=True)
    for form in ("jsonl", "csv", "hf"):
        words = ("dataset", "export", NAME, "--format", form, "-o", f"out.{form}")
        yield from pair.measured(f"dataset export, {form}", *words, flat=True)
    for clone, _ in pair.each():
        text = (clone.path / "out.jsonl").read_text().splitlines()
        (clone.path / "out.json").write_text("[" + ",\n".join(text) + "]")
        (clone.path / "idless").mkdir()
    for form in ("jsonl", "csv", "json"):
        taking = ("dataset", "import", f"out.{form}", "--yes", "--name", f"from {form}")
        yield from pair.measured(f"dataset import, {form}", *taking, flat=True)
    for clone, count in pair.each():
        clone.git("clean", "-fdq", "datasets")
        _write_rows(clone, count, keyless=True)
        clone.commit("rows without ids")
    yield from pair.measured("fmt of lines without ids", "fmt", says="given an id", flat=True)


def _write_rows(clone: Clone, count: int, *, keyless: bool = False) -> None:
    clone.write(f"datasets/{NAME}/DATASET.md", f"---\nname: {NAME}\n---\n\nRows.\n")
    with (clone.path / ITEMS).open("w", encoding="utf-8") as file:
        for number in range(count):
            line = line_of(number)
            file.write("{" + line.split(", ", 1)[1] if keyless else line)


# ---------------------------------------------------------------- against a server


def synced_figures(folder: Path, dialect: str, rows: int) -> Iterator[Figure]:
    """What is asked of a server that has the rows: first pull, nothing new, and one changed row on either side."""
    yield from _synced(folder, dialect, rows, parts=("full",))


def _synced(
    folder: Path, dialect: str, rows: int, *, parts: Collection[str] = ("new", "full", "derived")
) -> Iterator[Figure]:
    options = ("--quota", f"items={rows * 2}") if dialect == "current" else ()
    with serving(folder, "--dialect", dialect, *options) as url:

        def clones(name: str, *, filled: str = "") -> _Pair:
            made = []
            for size, count in (("many", rows), ("few", FEW)):
                project = add_project(folder, f"{name} {size}")
                if filled:
                    seed(folder / "server.sqlite3", project, dialect, count, keys=filled)
                made.append(new_clone(folder / f"{name}-{size}" / "clone", url, project))
            many, few = made
            return _Pair(many, few, rows, f", {dialect}")

        if "new" in parts:
            yield from _nothing_there(clones("new"))
        if "full" in parts:
            yield from _all_there(clones("full", filled="id"), dialect)
        if "derived" in parts:
            yield from _derived(clones("derived", filled="content"))


def _nothing_there(pair: _Pair) -> Iterator[Figure]:
    for clone, count in pair.each():
        _write_rows(clone, count)
        clone.commit("rows")
    yield from pair.measured("plan, nothing on the server", "plan")


def _all_there(pair: _Pair, dialect: str) -> Iterator[Figure]:
    yield from pair.measured("first pull", "pull", says="rows")
    for clone, _ in pair.each():
        clone.commit("pulled")
    yield from pair.measured("pull, nothing new", "pull")
    yield from pair.measured("plan, nothing new", "plan")
    for clone, _ in pair.each():
        _edit_there(clone, dialect)
    yield from pair.measured("pull of one changed row", "pull", says="1 row updated")
    for clone, _ in pair.each():
        clone.commit("pulled")
        path = clone.path / ITEMS
        path.write_bytes(path.read_bytes().replace(b'"question 1"', b'"edited"', 1))
    yield from pair.measured("push of one changed row", "push", says="1 row")


def _derived(pair: _Pair) -> Iterator[Figure]:
    for clone, _ in pair.each():
        settings = (clone.path / "skillsync.toml").read_text()
        clone.write("skillsync.toml", f'{settings}[dataset.{NAME}]\nkeys = "content"\n')
        clone.commit("keys from content")
    yield from pair.measured('first pull, keys = "content"', "pull", says="rows")
    for clone, _ in pair.each():
        clone.commit("pulled")
    yield from pair.measured('pull, nothing new, keys = "content"', "pull")


def _edit_there(clone: Clone, dialect: str) -> None:
    """Change one row as the web page would."""
    project = int((clone.path / "skillsync.toml").read_text().split("project = ")[1].split()[0])
    talk = Talk(clone.url, prefix=f"/api/projects/{project}/")
    (dataset,) = talk.ask("GET", "datasets/")["results"]
    item = talk.ask("GET", f"dataset_items/?dataset={dataset['id']}&limit=1")["results"][0]
    name = "output" if dialect == "seed" else "expected_output"
    guard = {} if dialect == "seed" else {"base_version": item["version"]}
    talk.ask("PATCH", f"dataset_items/{item['id']}/", {name: "edited there", **guard})
    talk.close()


def main() -> None:
    """Print some of the figures: `python -m benchmarks.memory ROWS [offline|seed|current]`."""
    import tempfile

    rows, *parts = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="skillsync-bench-") as name:
        folder = Path(name)
        for part in parts or ("offline", "seed", "current"):
            figures = (
                _offline(folder / part, int(rows))
                if part == "offline"
                else _synced(folder / part, part, int(rows))
            )
            for figure in figures:
                said = f"{figure.value:8.1f} {figure.unit or 's':3} {figure.note} {figure.verdict}"
                print(f"{figure.name:55} {said}", flush=True)


if __name__ == "__main__":
    main()
