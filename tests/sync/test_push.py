"""Pushing: what is published, what is blocked, and that a second run is silent."""

from __future__ import annotations

import httpx
import pytest

from tests.sync.harness import Clone, Live, outcome


def test_a_new_skill_is_created_and_the_second_push_writes_nothing(solo: Clone, live: Live) -> None:
    solo.skill("alpha")
    report = solo.push()
    assert outcome(report, "alpha").did == "created v1"
    assert report.exit == 0
    assert live.skill("alpha")["body"] == "Step one.\n\nStep two."
    before = solo.files()
    assert solo.requests
    solo.requests.made.clear()
    again = solo.push()
    assert again.outcomes == []
    assert solo.requests.writes == []
    assert solo.files() == before


def test_an_edit_on_each_side_is_blocked_then_merged_then_published(
    solo: Clone, live: Live
) -> None:
    path = solo.skill("alpha", "one\n\ntwo\n\nthree\n\nfour\n\nfive\n")
    solo.push()
    solo.commit()
    live.edit_body("alpha", "five", "FIVE from the web")
    solo.replace(path, "one\n", "ONE from the file\n")
    blocked = solo.push()
    assert blocked.exit == 3
    assert outcome(blocked, "alpha").code == "E-REMOTE-AHEAD"
    assert live.version("alpha") == 2
    merged = solo.pull()
    assert merged.exit == 0, merged
    assert "ONE from the file" in solo.read(path)
    assert "FIVE from the web" in solo.read(path)
    assert solo.push().exit == 0
    assert live.version("alpha") == 3
    assert solo.status().is_clean


@pytest.mark.parametrize("year", [1970, 2106])
def test_no_decision_looks_at_the_clock(solo: Clone, live: Live, year: int) -> None:
    """14.6 #149: with a clock that is years off, the same is published, blocked and merged."""
    path = solo.skill("alpha", "one\n\ntwo\n\nthree\n")
    assert solo.push().exit == 0
    solo.commit()
    live.edit_body("alpha", "three", "THREE")
    solo.replace(path, "one\n", "ONE\n")
    solo.clock.year = year
    assert outcome(solo.push(), "alpha").row == "S10"
    assert outcome(solo.pull(), "alpha").row == "S10"
    assert outcome(solo.push(), "alpha").did == "published v3"
    assert live.skill("alpha")["body"] == "ONE\n\ntwo\n\nTHREE"
    assert solo.status().is_clean


def test_a_skill_that_is_archived_meanwhile_is_said_to_be(solo: Clone, live: Live) -> None:
    """The list still had it: host and project are not to be doubted."""
    path = solo.skill("alpha")
    solo.skill("beta")
    assert solo.push().exit == 0
    solo.replace(path, "Step one.", "Step 1.")
    assert solo.requests is not None

    def archived(request: httpx.Request) -> None:
        if request.method == "PATCH" and live.skill("alpha"):
            live.archive("alpha")

    solo.requests.before = archived
    report = solo.push()
    found = outcome(report, "alpha")
    assert (found.code, found.exit) == ("E-NOT-FOUND", 1)
    assert found.fix == "it was archived or renamed meanwhile: skillsync status alpha"
    assert live.skill("alpha") == {}
