"""Scenes that random worlds led to, each as short as it became (tests/worlds)."""

from __future__ import annotations

import shutil

import pytest

from skillsync.sync.adopt import Way
from tests.sync.harness import Clone, Live, outcome

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"


@pytest.mark.xfail(
    strict=True,
    reason="a pointer line that is gone is how `resolve --local` says that a skill shall be made again (S16); "
    "one that a revert took along cannot be told from it",
)
def test_a_lost_pointer_does_not_bring_an_archived_skill_back(solo: Clone, live: Live) -> None:
    """P12: history still says that it was there, so what was archived there is not created again."""
    solo.skill("alpha")
    solo.skill("other")
    assert solo.push().exit == 0
    solo.commit("published")
    (solo.path / POINTER).unlink()
    solo.commit("the pointer is lost")
    live.archive("alpha")
    solo.push()
    assert live.skill("alpha") == {}


def test_a_skill_given_up_here_and_made_again_there_can_be_taken_up(
    solo: Clone, live: Live
) -> None:
    """The way out that S19 names works where the folder is gone, too."""
    solo.skill("alpha")
    solo.skill("other")
    assert solo.push().exit == 0
    solo.commit("published")
    shutil.rmtree(solo.path / "skills/alpha")
    live.archive("alpha")
    live.create("alpha", body="made again")
    assert outcome(solo.pull(), "alpha").code == "E-RECREATED"
    assert solo.adopt("alpha", Way.REMOTE).exit == 0
    assert "made again" in solo.read(PATH)
    assert solo.pull().exit == 0
