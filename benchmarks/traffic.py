"""Figures of the exchange with a server: how many requests, and the time they take against a bare loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx

from benchmarks.apart import Run, run_apart
from benchmarks.figures import Figure, seconds, shown
from benchmarks.world import KEY, Clone, add_dataset, add_skills, edit_skills, new_clone
from skillsync.api.skills import PAGE
from skillsync.sync.diff import diff
from skillsync.sync.plan import make_plan
from skillsync.sync.report import Report
from skillsync.sync.status import status

PULLED_FILES = 2
"""Files of each skill that is pulled: SKILL.md, which comes with the skill itself, and one beside it."""


def no_change(clone: Clone, skills: int, dataset_pages: int) -> Iterator[Figure]:
    """A second push and a second pull: the lists and nothing else; no write on either side."""
    pages = math.ceil(skills / PAGE)
    for verb, run in (("pull", clone.pull), ("push", clone.push)):
        reports: list[Report] = []
        taken = seconds(partial(_into, reports, run))
        report = reports[0]
        listed = [path for _, path in clone.made if "/llm_skills?" in path]
        others = [path for _, path in clone.made if "dataset" not in path and path not in listed]
        datasets = [path for _, path in clone.made if "dataset" in path]
        yield Figure(f"no-change {verb}: requests for skills", len(listed), pages, "exact")
        yield Figure("  other requests about skills", len(others), 0, "exact")
        yield Figure("  requests for datasets", len(datasets), 1 + dataset_pages, "exact")
        yield Figure("  remote writes", clone.writes, 0, "exact")
        yield Figure("  local writes", sum(one.changed for one in report.outcomes), 0, "exact")
        yield shown("  time", taken)


def looks(clone: Clone) -> Iterator[Figure]:
    """What the reading commands take when nothing changed, and the list alone."""
    asked: dict[str, Callable[[], object]] = {
        "status": lambda: clone.ask(lambda work, to, remote: status(work, to, remote=remote)),
        "plan": lambda: clone.ask(make_plan),
        "diff": lambda: clone.ask(lambda work, to, remote: diff(work, to, remote=remote)),
        "list of skills": lambda: clone.ask(lambda _work, _to, remote: remote.skills.list()),
    }
    for name, action in asked.items():
        yield shown(f"no-change {name}", seconds(action))
        yield Figure("  remote writes", clone.writes, 0, "exact")


def one_changed(clone: Clone, skills: int) -> Iterator[Figure]:
    """Push of one changed skill among many, and the push after it."""
    path = "skills/skill-0000/SKILL.md"
    clone.write(path, (clone.path / path).read_text(encoding="utf-8") + "\nOne more line.\n")
    _fine(clone.push())
    made = [each for each in clone.made if "dataset" not in each[1]]
    yield Figure(f"push of 1 changed among {skills}: requests", len(made), 3, "most")
    yield Figure("  of these writes", clone.writes, 1, "exact")
    _fine(clone.push())
    yield Figure("  writes of the second push", clone.writes, 0, "exact")
    clone.commit("one more line")


def whole_pulls(folder: Path, url: str, project: int, skills: int) -> Iterator[Figure]:
    """Push many new skills, pull them into an empty clone, publish a version of each, and pull those."""
    here = new_clone(folder / "pushing", url, project)
    there = new_clone(folder / "pulling", url, project)
    add_skills(here, skills, PULLED_FILES)
    yield from _whole_push(here, f"push of {skills} new skills", skills, requests=1)
    here.commit("pointers")
    yield from _whole_pull(there, f"pull of {skills} skills", skills)
    there.commit("pulled")
    edit_skills(here, skills)
    yield from _whole_push(here, f"push of {skills} changed skills", skills, requests=2)
    yield from _whole_pull(there, f"pull of {skills} changed skills", skills)


def _whole_push(clone: Clone, name: str, skills: int, *, requests: int) -> Iterator[Figure]:
    run = run_apart("push", clone)
    made = [path for _, path in run.made if "llm_skills" in path]
    lists = math.ceil(skills / PAGE) if requests > 1 else 1
    yield Figure(f"{name}: requests", len(made), lists + skills * requests, "exact")
    yield Figure("  of these writes", run.writes, skills, "exact")
    yield from _costs(run)


def _whole_pull(clone: Clone, name: str, skills: int) -> Iterator[Figure]:
    """One pull, against a bare httpx loop that makes the very same requests."""
    run = run_apart("pull", clone)
    bare = seconds(partial(_bare_loop, clone.url, run.made))
    if run.seconds > 2 * bare:
        # The weather may have changed between the two: a second look before anything is called missed.
        bare = max(bare, seconds(partial(_bare_loop, clone.url, run.made)))
    made = [path for _, path in run.made if "dataset" not in path]
    expected = math.ceil(skills / PAGE) + skills * PULLED_FILES
    yield Figure(f"{name}: requests", len(made), expected, "exact")
    yield Figure("  remote writes", run.writes, 0, "exact")
    note = "a bare httpx loop, same requests, one connection"
    yield Figure("  time", run.seconds, 2, "ratio", bare, note)
    yield from _costs(run, with_time=False)


def _costs(run: Run, *, with_time: bool = True) -> Iterator[Figure]:
    if with_time:
        yield shown("  time", run.seconds)
    yield shown("  time outside requests", run.seconds - run.waited)
    yield shown("  growth of memory", run.grew, "MiB")


def dataset(folder: Path, url: str, project: int, rows: int) -> Iterator[Figure]:
    """Push and pull one large dataset, and again without a change."""
    here = new_clone(folder / "dataset-here", url, project)
    there = new_clone(folder / "dataset-there", url, project)
    add_dataset(here, "large", rows=rows)
    for verb, clone, what in (("push", here, "new rows"), ("pull", there, "rows")):
        for name in (f"{verb} of a dataset of {rows} {what}", f"{verb} of it again"):
            run = run_apart(verb, clone)
            made = [path for _, path in run.made if "dataset" in path]
            yield shown(f"{name}: requests", len(made), "")
            if "again" in name:
                yield Figure("  remote writes", run.writes, 0, "exact")
            yield from _costs(run)
        clone.commit("pointers")


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


def _into(reports: list[Report], run: Callable[[], Report]) -> None:
    reports.append(_fine(run()))
