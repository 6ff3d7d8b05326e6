"""Runs every figure and prints a table; exits with 1 when a limit is missed (`make bench`, `--quick`, `--json`)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import startup, traffic, watching
from benchmarks.figures import Figure, table
from benchmarks.memory import memory_figures, synced_figures
from benchmarks.offline import offline_figures
from benchmarks.review import review_figures
from benchmarks.rows import rows_figures
from benchmarks.server import server_figures
from benchmarks.world import add_dataset, add_project, add_skills, new_clone, serving


def measure(
    folder: Path, *, skills: int, rounds: int, rows: int, offline_rows: int, requests: int
) -> Iterator[Figure]:
    """Make the world in ``folder`` and yield one figure after the other."""
    yield from startup.version(folder, rounds=rounds)
    yield from review_figures(folder, rounds=3)
    if offline_rows:
        yield from offline_figures(folder / "offline", offline_rows)
    yield from startup.serve(folder / "starts", rounds=2)
    yield from server_figures(folder / "bare", rounds=rounds, requests=requests)
    with serving(folder / "server") as url:
        clone = new_clone(folder / "clone", url)
        add_skills(clone, skills)
        clone.push()
        clone.commit("pointers")
        yield from startup.status(clone, skills, rounds=rounds)
        yield from startup.status_edited(clone, rounds=3)
        add_dataset(clone, "questions", rows=150)
        add_dataset(clone, "answers", rows=20)
        clone.push()
        clone.commit("pointers of datasets")
        yield from traffic.no_change(clone, skills, dataset_pages=2)
        yield from traffic.looks(clone)
        yield from traffic.one_changed(clone, skills)
        project = add_project(folder / "server", "pulls")
        yield from traffic.whole_pulls(folder, url, project, skills)
        if rows:
            project = add_project(folder / "server", "rows")
            yield from traffic.dataset(folder, url, project, rows)
    if rows:
        yield from rows_figures(folder / "rows", rows)
        yield from synced_figures(folder / "synced", "current", rows)
    yield from measure_watch(folder, skills=skills)


def measure_watch(folder: Path, *, skills: int, long: bool = False) -> Iterator[Figure]:
    """Yield the daemon's figures; ``long`` takes a good quarter of an hour."""
    with serving(folder / "watched") as url:
        project = add_project(folder / "watched", "many")
        saves, rest = (200, 300.0) if long else (40, 65.0)
        yield from watching.figures(
            folder, url, project, skills=skills, saves=saves, rest=rest, many=5 * skills
        )


def main() -> int:
    """Parse the words, measure, print, and say whether every limit is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="100 skills instead of 1,000, 2,000 requests instead of 20,000",
    )
    parser.add_argument(
        "--watch", action="store_true", help="only the daemon, over 200 saves and 5 minutes at rest"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--requests", type=int, help="how many the server's memory is watched over")  # fmt: skip
    parser.add_argument("--skills", type=int, help="how many skills")
    parser.add_argument(
        "--rows",
        type=int,
        help="how many rows a large dataset has; 0 leaves it out (10,000; --quick: 2,000)",
    )
    parser.add_argument(
        "--offline-rows", type=int,
        help="of how many rows the dataset is that is looked at offline (1000000 is what its limits are for; 0: none)",
    )  # fmt: skip
    parser.add_argument(
        "--memory-rows", type=int,
        help="only the memory that commands need for a dataset of so many rows (100000 is what its limits are for)",
    )  # fmt: skip
    given = parser.parse_args()
    skills = given.skills or (100 if given.quick else 1_000)
    rows = (2_000 if given.quick else 10_000) if given.rows is None else given.rows
    offline_rows = given.offline_rows
    if offline_rows is None:
        offline_rows = 20_000 if given.quick else 100_000
    requests = given.requests or (2_000 if given.quick else 20_000)
    figures = []
    with tempfile.TemporaryDirectory(prefix="skillsync-bench-") as folder:
        rounds = 3 if given.quick else 8
        if given.watch:
            everything = measure_watch(Path(folder), skills=skills, long=True)
        elif given.memory_rows:
            everything = memory_figures(Path(folder), given.memory_rows)
        else:
            everything = measure(
                Path(folder),
                skills=skills,
                rounds=rounds,
                rows=rows,
                offline_rows=offline_rows,
                requests=requests,
            )
        for figure in everything:
            figures.append(figure)
            said = (
                f"{figure.name}: {figure.value:.4g}\n" if given.watch or given.memory_rows else "."
            )
            print(said, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    is_ok = all(figure.is_ok for figure in figures)
    if given.json:
        told = [figure.as_json() for figure in figures]
        print(json.dumps({"schema": "skillsync.bench/1", "skills": skills, "ok": is_ok, "figures": told}))  # fmt: skip
    else:
        print(table(figures))
        print("all limits are kept" if is_ok else "MISSED: at least one limit is not kept")
    return 0 if is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
