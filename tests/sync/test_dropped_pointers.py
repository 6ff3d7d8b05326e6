"""The pointer of what is gone on both sides goes, from git's index as well where no commit has it (S17, D5)."""

from __future__ import annotations

import shutil

import pytest

from skillsync.sync.resolve import Choice
from tests.sync.dataset_steps import dataset_id, line, numbered
from tests.sync.harness import Clone, Live

BOTH_DIALECTS = True

OBJECTS = ("skills/alpha", "datasets/cases")


@pytest.fixture
def gone_there(solo: Clone, live: Live) -> Clone:
    """One of two skills and one of two datasets, pushed, not committed, and archived in the page."""
    solo.skill("other")
    solo.dataset("more", [line("x", 1)])
    assert solo.push().exit == 0
    solo.commit("the others")
    solo.skill("alpha")
    solo.dataset("cases", numbered(2))
    assert solo.push().exit == 0
    live.archive("alpha")
    live.patch_dataset(dataset_id(live), deleted=True)
    return solo


@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize("whole", [True, False])
def test_nothing_of_it_stays_in_the_index(gone_there: Clone, command: str, whole: bool) -> None:
    """Whether the folder was removed with the pointer in it, or all but the pointer."""
    for place in OBJECTS:
        if whole:
            shutil.rmtree(gone_there.path / place)
            continue
        for file in (gone_there.path / place).iterdir():
            if not file.name.startswith(".skillsync"):
                file.unlink()
    assert gone_there.git("status", "--short") != ""
    run = getattr(gone_there, command)
    assert run().exit == 0
    assert gone_there.git("status", "--short") == ""
    assert not any((gone_there.path / place).exists() for place in OBJECTS)
    assert run().outcomes == []


def test_a_person_who_lets_it_go_here_as_well_leaves_nothing_in_the_index(
    gone_there: Clone,
) -> None:
    for name in ("alpha", "cases"):
        assert gone_there.resolve(name, Choice.REMOTE).exit == 0
    assert gone_there.git("status", "--short") == ""


def test_what_a_commit_has_is_left_to_the_next_commit(gone_there: Clone) -> None:
    gone_there.commit("all")
    for place in OBJECTS:
        shutil.rmtree(gone_there.path / place)
    before = gone_there.git("status", "--short")
    assert gone_there.push().exit == 0
    assert gone_there.git("status", "--short") == before
