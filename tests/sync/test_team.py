"""Team mode: CI publishes HEAD from fresh clones, writes no pointer, and never publishes over anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.errors import RefusedForSafety
from skillsync.sync.report import Report
from tests.sync.harness import Clone, Live, outcome

PATH = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


def ci(team: Clone, *, at: str = "main", user: str = "me") -> Report:
    """Push from a clone that knows nothing but the commits, as a job does."""
    number = len([*team.path.parent.glob("job-*")])
    job = team.clone(team.path.parent / f"job-{number}", user=user)
    job.git("checkout", "-q", "--detach", at if at != "main" else "origin/main")
    before = job.files()
    report = job.push()
    assert job.files() == before
    assert job.git("status", "--porcelain") == ""
    return report


def change(team: Clone, old: str, new: str) -> str:
    team.replace(PATH, f"{old}\n", f"{new}\n")
    return team.commit(new)


@pytest.fixture
def created(team: Clone) -> Clone:
    """Alpha, committed and created by CI; nobody ever wrote a pointer."""
    team.skill("alpha", BODY)
    team.commit("alpha")
    report = ci(team)
    assert (report.exit, outcome(report, "alpha").did) == (0, "created v1")
    return team


def test_ci_creates_a_skill_and_goes_on_publishing_it(created: Clone, live: Live) -> None:
    """B9 and the walk of sync.md 5.5: no pointer anywhere, one version per change, and no job twice."""
    for number, word in enumerate(("ONE", "TWO", "THREE"), start=2):
        change(created, word.lower(), word)
        report = ci(created)
        assert report.exit == 0, report
        assert live.version("alpha") == number
        assert ci(created).exit == 0
        assert live.version("alpha") == number
    assert live.skill("alpha")["body"] == "ONE\n\nTWO\n\nTHREE"
    assert not (created.path / "skills/alpha/.skillsync").exists()


def test_commits_between_two_jobs_are_published_as_one_version(created: Clone, live: Live) -> None:
    change(created, "one", "ONE")
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    assert live.version("alpha") == 2
    change(created, "three", "THREE")
    assert ci(created).exit == 0
    assert live.version("alpha") == 3


@pytest.mark.parametrize("published", [0, 1])
def test_a_foreign_edit_in_between_blocks(created: Clone, live: Live, published: int) -> None:
    """Also one that was changed back (B5): CI says so with 3 until somebody has pulled."""
    for word in ("one",)[:published]:
        change(created, word, word.upper())
        assert ci(created).exit == 0
    live.edit_body("alpha", "three", "three, remotely")
    change(created, "two", "TWO")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (3, "S10")
    live.edit_body("alpha", "three, remotely", "three")
    assert ci(created).exit == 3
    assert live.version("alpha") == 3 + published
    assert created.pull().exit == 0
    created.commit("pulled")
    assert ci(created).exit == 0
    assert live.version("alpha") == 4 + published


def test_the_same_content_by_a_web_user_is_no_creation_of_ours(team: Clone, live: Live) -> None:
    team.skill("alpha", BODY)
    team.commit("alpha")
    live.create("alpha", body=BODY)
    assert ci(team).exit == 0
    change(team, "one", "ONE")
    report = ci(team)
    assert (report.exit, outcome(report, "alpha").row) == (4, "S5")
    assert live.version("alpha") == 1


def test_our_own_version_1_of_another_content_is_no_creation_from_here(
    team: Clone, live: Live
) -> None:
    live.create("alpha", user="me", body="made elsewhere")
    team.skill("alpha", BODY)
    team.commit("alpha")
    assert ci(team).exit == 4
    assert live.version("alpha") == 1


def test_a_skill_archived_and_created_again_by_somebody_else_is_not_ours(
    created: Clone, live: Live
) -> None:
    live.archive("alpha")
    live.create("alpha", body=BODY)
    change(created, "one", "ONE")
    assert ci(created).exit == 4
    assert live.version("alpha") == 1


def test_another_account_of_the_team_counts_by_configuration(created: Clone, live: Live) -> None:
    change(created, "one", "ONE")
    assert ci(created, user="web").exit == 4
    with live.api("me") as client:
        number = client.get("llm_skills/name/alpha").json()["created_by"]["id"]
    settings = created.read("skillsync.toml")
    created.write("skillsync.toml", f"{settings}publishers = [{number}]\n")
    created.commit("publishers")
    assert ci(created, user="web").exit == 0
    assert live.version("alpha") == 2


def test_an_older_job_is_superseded(created: Clone, live: Live) -> None:
    """S12 (B8): the newer commit was published first; the older job writes nothing and is no failure."""
    old = created.git("rev-parse", "HEAD")
    change(created, "one", "ONE")
    assert ci(created).exit == 0
    report = ci(created, at=old)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert live.version("alpha") == 2
    created.git("checkout", "-q", old)
    created.replace(PATH, "three\n", "THREE\n")
    assert created.pull().exit == 0
    assert created.read(PATH).endswith("ONE\n\ntwo\n\nTHREE\n")


def test_an_older_job_is_superseded_before_any_creation_of_its_own(team: Clone, live: Live) -> None:
    """The newer job created the skill: nothing in the older commit's history was ever published."""
    team.skill("alpha", BODY)
    old = team.commit("alpha")
    change(team, "one", "ONE")
    assert ci(team).exit == 0
    report = ci(team, at=old)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert live.version("alpha") == 1


def test_a_web_edit_is_not_superseded_for_an_older_job(created: Clone, live: Live) -> None:
    old = created.git("rev-parse", "HEAD")
    change(created, "one", "ONE")
    live.edit_body("alpha", "two", "two, remotely")
    assert ci(created, at=old).exit == 0
    change(created, "three", "THREE")
    assert ci(created).exit == 3
    assert live.version("alpha") == 2


def test_uncommitted_changes_are_named_and_left_out(created: Clone, live: Live) -> None:
    created.replace(PATH, "one\n", "ONE, not committed\n")
    report = created.push()
    assert report.exit == 0
    assert any(PATH in note and "left out" in note for note in report.notes)
    assert live.version("alpha") == 1


def test_other_branches_publish_only_knowingly(created: Clone, live: Live, tmp_path: Path) -> None:
    """B3: exit 6, unless --from-branch, which writes the pointer."""
    created.git("switch", "-q", "-c", "feature")
    change(created, "one", "ONE")
    with pytest.raises(RefusedForSafety) as caught:
        created.push()
    assert caught.value.exit_code == 6
    assert live.version("alpha") == 1
    assert created.push(from_branch=True).exit == 0
    assert live.version("alpha") == 2
    assert " v2 " in created.read("skills/alpha/.skillsync")


def test_what_is_gone_on_both_sides_leaves_head_alone(team: Clone, live: Live) -> None:
    """S17 in team mode: nothing is written after publishing; pull drops the pointer."""
    live.create("alpha", body=BODY)
    live.create("other")
    assert team.pull().exit == 0
    team.commit("pulled")
    (team.path / PATH).unlink()
    team.commit("deleted")
    live.archive("alpha")
    report = ci(team)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S17")
    assert team.pull().exit == 0
    assert not (team.path / "skills/alpha/.skillsync").exists()


def test_pull_merges_with_the_version_that_ci_created(created: Clone, live: Live) -> None:
    """The evidence is in the commits and the author, whoever asks."""
    live.edit_body("alpha", "three", "three, remotely")
    change(created, "one", "ONE")
    assert created.pull().exit == 0
    text = created.read(PATH)
    assert "ONE" in text
    assert "three, remotely" in text
