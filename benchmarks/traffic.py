"""Figures of the exchange with a server: how many requests, and the time they take against a bare loop."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx

from benchmarks.figures import Figure, seconds
from benchmarks.world import FILES, KEY, Clone, new_clone
from skillsync.api.skills import PAGE
from skillsync.sync.report import Report


def no_change(clone: Clone, skills: int, dataset_pages: int) -> Iterator[Figure]:
    """A second push and a second pull: the lists and nothing else; no write on either side."""
    pages = math.ceil(skills / PAGE)
    for verb, run in (("pull", clone.pull), ("push", clone.push)):
        report = _fine(run())
        listed = [path for _, path in clone.made if "/llm_skills?" in path]
        others = [path for _, path in clone.made if "dataset" not in path and path not in listed]
        datasets = [path for _, path in clone.made if "dataset" in path]
        yield Figure(f"no-change {verb}: requests for skills", len(listed), pages, "exact")
        yield Figure("  other requests about skills", len(others), 0, "exact")
        yield Figure("  requests for datasets", len(datasets), 1 + dataset_pages, "exact")
        yield Figure("  remote writes", clone.writes, 0, "exact")
        yield Figure("  local writes", sum(one.changed for one in report.outcomes), 0, "exact")


def one_changed(clone: Clone, skills: int) -> Iterator[Figure]:
    """Push of one changed skill among many, and the push after it."""
    path = "skills/skill-0000/SKILL.md"
    clone.write(path, (clone.path / path).read_text() + "\nOne more line.\n")
    _fine(clone.push())
    made = [each for each in clone.made if "dataset" not in each[1]]
    yield Figure(f"push of 1 changed among {skills}: requests", len(made), 3, "most")
    yield Figure("  of these writes", clone.writes, 1, "exact")
    _fine(clone.push())
    yield Figure("  writes of the second push", clone.writes, 0, "exact")
    clone.commit("one more line")


def whole_pull(folder: Path, url: str, skills: int, *, rounds: int) -> Iterator[Figure]:
    """Pull every skill into an empty clone, against a bare httpx loop that makes the very same requests."""
    ours: list[float] = []
    bare: list[float] = []
    clone = new_clone(folder / "pull-0", url)
    for turn in range(rounds):
        clone = new_clone(folder / f"pull-{turn + 1}", url)
        reports: list[Report] = []
        ours.append(seconds(partial(_pull_into, reports, clone)))
        _fine(reports[0])
        bare.append(seconds(partial(_bare_loop, url, clone.made)))
    paths = [path for _, path in clone.made if "dataset" not in path]
    expected = math.ceil(skills / PAGE) + skills * FILES
    yield Figure(f"pull of {skills} skills: requests", len(paths), expected, "exact")
    yield Figure(
        "  time",
        statistics.median(ours),
        2,
        "ratio",
        statistics.median(bare),
        "a bare httpx loop, same requests, one connection",
    )


def _bare_loop(url: str, made: Sequence[tuple[str, str]]) -> None:
    """Make the requests one after the other, as skillsync does against this machine (api/parallel.py)."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        for method, path in made:
            client.request(method, path).raise_for_status().json()


def _fine(report: Report) -> Report:
    errors = [one for one in report.outcomes if one.exit]
    if errors:
        raise AssertionError(f"{report.command} did not work: {errors[:3]}")
    return report


def _pull_into(reports: list[Report], clone: Clone) -> None:
    reports.append(clone.pull())
