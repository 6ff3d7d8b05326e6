"""Pull requests from many clones, jobs out of order, people in the web page: nothing is lost or comes back (sync.md C3).

Everybody writes lines of their own into sections of their own, takes some of them out again, and changes rows of their
own, so that nothing they do is a conflict. A seed plays one order of it all; people in the page also act between two
requests of a job.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.sync.dataset_steps import key_of
from tests.sync.harness import Clone, Live, new_clone

BOTH_DIALECTS = True

SKILLS = tuple(f"skill-{number}" for number in range(5))
GAP = "".join(f"between {number}\n\n" for number in range(3))
DEVELOPERS, EDITORS = 8, 2
SQUASHED, LATE, REMOVES = 0.6, 0.3, 0.3
"""How many pull requests are squashed, how many jobs come late, and how many edits take a line out again."""
ROWS, OWN_ROWS = 0.3, 5
"""How many edits are of a row, and how many rows are somebody's own: a server keeps few versions of one."""
DURING_A_JOB = 0.05
"""How likely somebody edits in the page before a request of a job."""


ITEMS = "datasets/cases/items.jsonl"


def path_of(skill: str) -> str:
    return f"skills/{skill}/SKILL.md"


@dataclass
class Person:
    """Somebody with a section in each skill, ``lines`` of theirs in it, and rows with these ``values``."""

    name: str
    chance: Random
    lines: dict[str, list[str]] = field(default_factory=lambda: {skill: [] for skill in SKILLS})
    written: int = 0
    values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = self.name.replace(" ", "-")
        self.values = {f"{name}-{number}": f"{number} of {self.name}" for number in range(OWN_ROWS)}

    @property
    def section(self) -> str:
        return f"section of {self.name}\n"

    def change(self, skill: str, body: str) -> tuple[str, Callable[[], None]]:
        """Return what they make of a body, and what to call once that has happened."""
        lines = self.lines[skill]
        if lines and self.chance.random() < REMOVES:
            line = self.chance.choice(lines)
            assert body.count(f"{line}\n") == 1, line
            return body.replace(f"{line}\n", ""), lambda: lines.remove(line)
        self.written += 1
        line = f"line {self.written} of {self.name}"
        assert body.count(self.section) == 1, self.name
        return body.replace(self.section, f"{self.section}{line}\n"), lambda: lines.append(line)

    def change_row(self) -> tuple[str, str, Callable[[], None]]:
        """Return a row's key, another value of it, and what to call once it is there."""
        self.written += 1
        key = self.chance.choice([*self.values])
        value = f"value {self.written} of {self.name}"
        return key, value, lambda: self.values.update({key: value})


def rows_of(person: Person) -> list[str]:
    """Return somebody's rows, each with four that nobody changes: git merges what is apart."""
    return [
        row
        for key, value in person.values.items()
        for row in (row_of(key, value), *(row_of(f"{key}-gap-{gap}", "gap") for gap in range(4)))
    ]


def row_of(key: str, value: str) -> str:
    return json.dumps({"id": key, "input": value})


@dataclass
class Company:
    """A repository on a forge, people with clones, people in the web page, and jobs that publish what was merged."""

    live: Live
    folder: Path
    chance: Random
    developers: dict[str, Clone] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    open: dict[str, tuple[str, Callable[[], None]]] = field(default_factory=dict)
    """Who has a pull request: the commit with what they wrote, and what to call once it is merged."""
    late: list[str] = field(default_factory=list)
    """Commits whose jobs wait."""
    seen: Counter[str] = field(default_factory=Counter)
    page_is_quiet: bool = True

    def __post_init__(self) -> None:
        developers = [f"developer {number}" for number in range(DEVELOPERS)]
        editors = [f"editor {number}" for number in range(EDITORS)]
        self.people = {name: Person(name, self.chance) for name in [*developers, *editors]}
        self.forge = new_clone(self.live, self.folder / "forge", team="main")
        body = "".join(f"{one.section}\n{GAP}" for one in self.people.values())
        for skill in SKILLS:
            self.forge.skill(skill, body)
        self.forge.dataset("cases", [row for one in self.people.values() for row in rows_of(one)])
        self.forge.commit("skills and rows")
        self.job(self.forge.head())
        self.take_in(self.forge)
        (dataset,) = self.live.datasets()
        self.dataset = dataset["id"]
        for name in developers:
            self.developers[name] = self.forge.clone(self.folder / name.replace(" ", "-"))
        self.page_is_quiet = False

    # ---------------------------------------------------------------- what people do

    def edit_in_page(self) -> None:
        person = self.people[f"editor {self.chance.randrange(EDITORS)}"]
        if self.chance.random() < ROWS:
            key, new, has_happened = person.change_row()
            self.live.patch_row(self.live.row(self.dataset, key)["id"], input=new)
        else:
            skill = self.chance.choice(SKILLS)
            body = self.live.skill(skill)["body"] + "\n"
            new, has_happened = person.change(skill, body)
            self.live.edit(skill, body=new.removesuffix("\n"))
        has_happened()
        self.seen["edits in the page"] += 1

    def open_request(self, name: str) -> None:
        clone, person = self.developers[name], self.people[name]
        clone.git("fetch", "-q")
        clone.git("checkout", "-q", "-B", "branch", "origin/main")
        if self.chance.random() < ROWS:
            key, value, has_happened = person.change_row()
            clone.replace(ITEMS, row_of(key, person.values[key]), row_of(key, value))
        else:
            path = path_of(self.chance.choice(SKILLS))
            text, has_happened = person.change(path.split("/")[1], clone.read(path))
            clone.write(path, text)
        self.open[name] = clone.commit(f"{name} changes something"), has_happened

    def take_in(self, clone: Clone) -> None:
        """Pull what was published and commit it. Without conflict, where the clone knows what main has."""
        report = clone.pull()
        assert report.exit == 0, report
        assert clone.git("ls-files", "-u") == ""
        clone.commit("taken in")
        self.seen["pulls"] += 1

    def pull_while_at_work(self, name: str) -> None:
        """Pull into a branch that may be old: a conflict with what a later merge published is for main to settle."""
        clone = self.developers[name]
        report = clone.pull()
        assert report.exit in {0, 4}, report
        self.seen[f"pulls that ended with {report.exit}"] += 1
        if report.exit:
            clone.git("reset", "-q", "--hard")
            self.bring_up_to_date(clone, self.open[name][0])
            self.take_in(clone)
        else:
            clone.commit("taken in")

    def merge(self, clone: Clone, own: str) -> str:
        """Merge a branch as a forge does; where it cannot, its author brings it up to date. Return main's new commit."""
        forge = self.forge
        forge.git("fetch", "-q", str(clone.path), "+HEAD:refs/heads/request")
        is_squashed = self.chance.random() < SQUASHED
        how = ["--squash"] if is_squashed else ["--no-ff", "--no-commit"]
        forge.git("merge", "-q", *how, "request", check=False)
        if forge.git("ls-files", "-u"):
            forge.git("reset", "-q", "--hard")
            self.bring_up_to_date(clone, own)
            return self.merge(clone, own)
        self.seen["squashed" if is_squashed else "merged"] += 1
        return forge.commit("merged")

    def bring_up_to_date(self, clone: Clone, own: str) -> None:
        """Put the author's own change upon main. What both took in from the page is main's to have.

        Git cannot merge two texts of the page: it does not know that the one came from the other (README).
        """
        clone.git("fetch", "-q")
        clone.git("checkout", "-q", "-B", "branch", "origin/main")
        clone.git("cherry-pick", own)
        self.seen["written again"] += 1

    def merge_request(self, name: str) -> None:
        own, has_happened = self.open.pop(name)
        commit = self.merge(self.developers[name], own)
        has_happened()
        if self.chance.random() < LATE:
            self.late.append(commit)
        else:
            self.job(commit)

    def job(self, commit: str) -> None:
        """Push from a fresh clone of one commit."""
        job = self.forge.clone(self.folder / f"job-{self.seen.total()}-{commit[:12]}")
        job.git("checkout", "-q", "--detach", commit)

        def before(_: httpx.Request) -> None:
            if not self.page_is_quiet and self.chance.random() < DURING_A_JOB:
                self.edit_in_page()

        job.wrapped().before = before
        report = job.push()
        assert report.exit in {0, 3}, report
        assert job.git("status", "--porcelain") == ""
        self.seen[f"jobs that ended with {report.exit}"] += 1

    # ---------------------------------------------------------------- the play

    def play(self, requests: int, edits: int) -> None:
        """Open and merge so many pull requests, with about so many edits in the page meanwhile."""
        opened = 0
        while opened < requests or self.open:
            busy, free = list(self.open), [one for one in self.developers if one not in self.open]
            action = self.chance.choices(
                [self.open_request, self.merge_request, self.pull_while_at_work, self.edit_in_page, self.job],
                [4 * (bool(free) and opened < requests), 4 * bool(busy), 2 * bool(busy),
                 4 * edits / requests, 2 * bool(self.late)],
            )[0]  # fmt: skip
            if action == self.open_request:
                opened += 1
                self.open_request(self.chance.choice(free))
            elif action == self.merge_request:
                self.merge_request(self.chance.choice(busy))
            elif action == self.pull_while_at_work:
                self.pull_while_at_work(self.chance.choice(busy))
            elif action == self.edit_in_page:
                self.edit_in_page()
            else:
                self.job(self.late.pop(self.chance.randrange(len(self.late))))

    def settle(self) -> None:
        """Nobody writes any more; the late jobs end, the last edits are taken in and published."""
        self.page_is_quiet = True
        self.chance.shuffle(self.late)
        for commit in self.late:
            self.job(commit)
        last = self.forge.clone(self.folder / "last")
        last.git("checkout", "-q", "-B", "branch", "origin/main")
        self.take_in(last)
        self.job(self.merge(last, last.head()))

    def check(self) -> None:
        """Both sides have every line that was written, once, and none that was taken out."""
        for skill in SKILLS:
            published = self.live.skill(skill)["body"].splitlines()
            found = Counter(line for line in published if line.startswith("line "))
            there = [line for one in self.people.values() for line in one.lines[skill]]
            assert found == Counter(there), skill
            merged = self.forge.read(path_of(skill)).splitlines()
            assert Counter(line for line in merged if line.startswith("line ")) == found, skill
        rows = {key_of(row): row["input"] for row in self.live.rows(self.dataset)}
        items = [json.loads(line) for line in self.forge.read(ITEMS).splitlines()]
        assert {row["id"]: row["input"] for row in items} == rows
        for person in self.people.values():
            assert {key: rows[key] for key in person.values} == person.values


@pytest.mark.parametrize(
    ("requests", "edits"),
    [
        pytest.param(10, 40, marks=pytest.mark.slow),
        pytest.param(100, 400, marks=pytest.mark.soak),
    ],
)
def test_c3_of_requests_jobs_and_edits_in_any_order_nothing_is_lost_and_nothing_comes_back(
    live: Live, tmp_path: Path, requests: int, edits: int
) -> None:
    company = Company(live, tmp_path, Random(requests))
    company.play(requests, edits)
    company.settle()
    company.check()
    seen = company.seen
    assert seen["squashed"] + seen["merged"] == requests + 1
    assert seen["edits in the page"] > edits / 2
    assert seen["jobs that ended with 0"]
    assert seen["jobs that ended with 3"]
