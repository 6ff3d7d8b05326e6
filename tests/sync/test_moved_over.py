"""A folder that was moved into the place of another, not committed yet: HEAD's pointer there is the other one's (S21)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.dataset_steps import line
from tests.sync.harness import LIVES, Clone, Live, new_clone


@pytest.fixture(params=LIVES)
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Live]:
    server = LIVES[request.param](tmp_path)
    yield server
    server.close()


@pytest.fixture
def solo(live: Live, tmp_path: Path) -> Clone:
    return new_clone(live, tmp_path / "solo")


def moved_over(clone: Clone, root: str, old: str, new: str) -> None:
    """Move a folder with its pointer to where another one was, which goes elsewhere."""
    folder = clone.path / root
    (folder / new).rename(folder / "elsewhere")
    (folder / old).rename(folder / new)


def two_skills(clone: Clone) -> None:
    for name in ("alpha", "beta"):
        clone.skill(name, f"what {name} says\n")
        clone.push()
        clone.commit(name)
    assert clone.push().exit == 0


@pytest.mark.parametrize("edits", [False, True])
@pytest.mark.parametrize("keeps", ["both", "one"])
def test_a_skill_is_not_published_over_the_one_in_whose_place_it_is(
    solo: Clone, live: Live, edits: bool, keeps: str
) -> None:
    two_skills(solo)
    moved_over(solo, "skills", "alpha", "beta")
    solo.replace("skills/beta/SKILL.md", "name: alpha\n", "name: beta\n")
    if edits:
        solo.replace("skills/beta/SKILL.md", "what alpha says", "what alpha says now")
    if keeps == "both":
        solo.replace("skills/elsewhere/SKILL.md", "name: beta\n", "name: elsewhere\n")
    else:
        shutil.rmtree(solo.path / "skills/elsewhere")
    solo.pull()
    assert "what beta says" not in solo.read("skills/beta/SKILL.md")
    solo.push()
    theirs = "elsewhere" if live.dialect == "current" and keeps == "both" else "beta"
    assert live.skill(theirs)["body"] == "what beta says"


@pytest.mark.parametrize("edits", [False, True])
def test_a_datasets_rows_are_not_published_over_those_in_whose_place_they_are(
    solo: Clone, live: Live, edits: bool
) -> None:
    for slug in ("cases", "words"):
        solo.dataset(slug, [line("k", f"of {slug}")])
        solo.push()
        solo.commit(slug)
    assert solo.push().exit == 0
    ids = {one["name"]: one["id"] for one in live.datasets()}
    moved_over(solo, "datasets", "cases", "words")
    if edits:
        solo.write("datasets/words/items.jsonl", line("k", "of cases now") + "\n")
    for run in (solo.pull, solo.push):
        run()
    there = {name: [row["input"] for row in live.rows(id)] for name, id in ids.items()}  # noqa: A001
    assert there == {"cases": ["of cases now" if edits else "of cases"], "words": ["of words"]}
