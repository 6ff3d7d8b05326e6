"""How many requests push and pull make: the figures of the benchmarks, at a small size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skillsync.api.telling import Step, Untold
from skillsync.sync.report import Report
from tests.sync.dataset_steps import ITEMS, key_of, line, numbered, published
from tests.sync.harness import Clone, Live

SKILLS = 6


def _published(clone: Clone) -> None:
    for number in range(SKILLS):
        clone.skill(f"skill-{number}")
        clone.write(f"skills/skill-{number}/references/one.md", f"one {number}\n")
    clone.push()
    clone.commit("pointers")


def _made(clone: Clone) -> list[tuple[str, str]]:
    assert clone.requests
    made = list(clone.requests.made)
    clone.requests.made.clear()
    return made


def _traced(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Report]], list[str]]:
    """Return what runs a command that must succeed, and returns the git commands that it ran."""
    monkeypatch.setenv("GIT_TRACE", str(trace))

    def traced(run: Callable[[], Report]) -> list[str]:
        trace.write_text("")
        assert run().exit == 0
        return [
            text.split("git ", 1)[1]
            for text in trace.read_text().splitlines()
            if "built-in:" in text
        ]

    return traced


def test_a_pull_without_changes_asks_for_the_lists_alone(solo: Clone) -> None:
    _published(solo)
    _made(solo)
    assert solo.pull().outcomes == []
    made = _made(solo)
    assert [path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1] for _, path in made] == [
        "llm_skills",
        "datasets",
    ]
    assert {method for method, _ in made} == {"GET"}


def test_a_push_without_changes_asks_for_the_list_alone(solo: Clone) -> None:
    _published(solo)
    _made(solo)
    assert solo.push().outcomes == []
    [(method, path)] = _made(solo)
    assert (method, path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]) == ("GET", "llm_skills")


def test_a_push_of_one_changed_skill_needs_three_requests_at_most(solo: Clone) -> None:
    _published(solo)
    _made(solo)
    solo.replace("skills/skill-3/SKILL.md", "Step two.", "Step 2.")
    solo.push()
    made = _made(solo)
    assert len(made) <= 3, made
    assert [method for method, _ in made if method != "GET"] == ["PATCH"]


def test_a_pull_asks_for_each_changed_skill_and_its_files_once(solo: Clone, live: Live) -> None:
    _published(solo)
    live.edit_body("skill-1", "Step two.", "Step 2.")
    live.edit_body("skill-4", "Step two.", "Step 2.")
    _made(solo)
    solo.pull()
    skills = [path for _, path in _made(solo) if "llm_skills/" in path]
    assert len(skills) == len(set(skills)) == 4, skills


def test_a_first_pull_is_the_list_the_skills_and_their_files(solo: Clone) -> None:
    _published(solo)
    other = solo.clone(solo.path.parent / "other")
    other.git("rm", "-rq", "skills")
    other.commit("empty")
    other.git("checkout", "-q", "--orphan", "fresh")
    other.commit("nothing known")
    other.pull()
    skills = [path for _, path in _made(other) if "llm_skills" in path]
    assert len(skills) == 1 + SKILLS * 2, skills


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_what_the_server_speaks_is_asked_for_only_before_the_first_dataset(solo: Clone) -> None:
    """Every other run learns it from the lists: nothing has to be kept of it (api/detect.py)."""
    probes = {"dataset_items/?limit=1"}

    def probed(run: Callable[[], object]) -> int:
        run()
        return sum(path.partition("/1/")[2] in probes for _, path in _made(solo))

    assert [probed(run) for run in (solo.pull, solo.push, solo.status)] == [0, 0, 0]
    solo.skill("alpha")
    assert [probed(run) for run in (solo.push, solo.pull, solo.status)] == [0, 0, 0]
    solo.dataset("one", ['{"id": "a", "input": "a", "expected_output": "b"}'])
    assert [probed(run) for run in (solo.status, solo.push)] == [1, 1]
    assert [probed(run) for run in (solo.push, solo.pull, solo.status)] == [0, 0, 0]


def test_datasets_cost_the_list_and_their_item_pages(solo: Clone) -> None:
    for slug in ("one", "two"):
        solo.dataset(slug, [f'{{"id": "{slug}-1", "input": "a", "expected_output": "b"}}'])
    solo.push()
    solo.commit("pointers")
    _made(solo)
    for run in (solo.pull, solo.push):
        assert run().outcomes == []
        made = [each for each in _made(solo) if "dataset" in each[1]]
        assert len(made) == 3, made
        assert {method for method, _ in made} == {"GET"}


class Told(Untold):
    """Writes down what a push says of how far it is."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def ahead(self, requests: int, what: str) -> None:
        self.said.append(f"{requests} requests for {what}")

    def begin(self, step: Step) -> None:
        self.said.append(f"{step.doing} {step.name} {step.total} of {step.cost:g}")

    def done(self, count: int = 1) -> None:
        self.said.append(str(count))

    def end(self) -> None:
        self.said.append("end")


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_push_says_what_is_ahead_and_counts_its_rows(solo: Clone, live: Live) -> None:
    published(solo, numbered(3))
    solo.write(ITEMS, solo.read(ITEMS).replace("question 2", "edited") + line("more", 1) + "\n")
    solo.telling = told = Told()
    before = len(solo.requests.made) if solo.requests else 0
    assert solo.push().exit == 0
    guarded = live.dialect == "current"
    wanted = ["2 requests for 2 rows" if guarded else "4 requests for 2 rows"]
    wanted += ["creating cases 1 of 1", "1", "end"]
    wanted += [f"updating cases 1 of {1 if guarded else 3}", "1", "end"]
    reading = [] if guarded else ["reading  3 of 0.333333", "3", "end"]
    assert told.said == reading + wanted
    assert solo.requests
    made = [path for _, path in solo.requests.made[before:] if "dataset_items" in path]
    listed = [path for path in made if "?" in path]
    assert len(made) - len(listed) == (2 if guarded else 4)
    assert len(listed) == (2 if guarded else 1), (
        "the page of rows, or what is archived and how much"
    )


def test_git_is_not_asked_per_row_nor_about_the_past_without_need(
    solo: Clone, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many processes for many rows as for two, and none that reads history while nothing was edited."""
    dataset = published(solo, numbered(60))
    traced = _traced(tmp_path / "trace", monkeypatch)
    for run in (solo.push, solo.pull):
        assert not [one for one in traced(run) if " log " in one or one.startswith("log")]
    items = {key_of(row): row["id"] for row in live.rows(dataset)}
    counts: dict[str, list[int]] = {"pull": [], "push": []}
    for first, last in ((0, 2), (2, 30)):
        for number in range(first, last):
            live.patch_row(items[f"k{number:03}"], ref_trace_id="page")
        counts["pull"].append(len(traced(solo.pull)))
        solo.commit()
    for first, last in ((30, 32), (32, 44)):
        for number in range(first, last):
            solo.replace(ITEMS, f'"question {number}"', f'"edited {number}"')
        counts["push"].append(len(traced(solo.push)))
        solo.commit()
    for name, (few, many) in counts.items():
        assert few == many, name


def test_merges_of_old_branches_are_asked_about_once_for_all_skills(
    team: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _published(team)
    olds = [f"old-{number}" for number in range(3)]
    for old in olds:
        team.git("branch", old)
    assert (team.push().exit, team.pull().exit) == (0, 0)
    team.commit("linked")
    for number in range(SKILLS):
        team.skill(f"skill-{number}", "Edited.\n")
    team.commit("edited")
    for old in olds:
        team.git("switch", "-q", old)
        team.write(f"{old}.md", "of the branch\n")
        team.commit(old)
        team.git("switch", "-q", "main")
        team.git("merge", "-q", "--no-ff", "-m", "merged", old)
    asked = [
        one for one in _traced(tmp_path / "trace", monkeypatch)(team.push) if "rev-list" in one
    ]
    assert len(asked) == len(olds), asked
