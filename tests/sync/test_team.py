"""Team mode: CI publishes HEAD from fresh clones, writes no pointer, and never publishes over anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skillsync.errors import RefusedForSafety, ShallowClone
from skillsync.sync.report import Report
from tests.sync.dialects import both_at_once, current_only, seed_only
from tests.sync.harness import Clone, Live, begin, outcome

BOTH_DIALECTS = True

PATH = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


def ci(team: Clone, *, at: str = "main", user: str = "me", **options: Any) -> Report:
    """Push from a clone that knows nothing but the commits, as a job does."""
    number = len([*team.path.parent.glob("job-*")])
    job = team.clone(team.path.parent / f"job-{number}", user=user)
    job.git("checkout", "-q", "--detach", at if at != "main" else "origin/main")
    before = job.files()
    report = job.push(**options)
    assert job.files() == before
    assert job.git("status", "--porcelain") == ""
    return report


def change(team: Clone, old: str, new: str) -> str:
    team.replace(PATH, f"{old}\n", f"{new}\n")
    return team.commit(new)


@pytest.fixture
def created(team: Clone, live: Live) -> Clone:
    """Alpha, committed and created by CI; nobody ever wrote a pointer."""

    def make() -> None:
        team.skill("alpha", BODY)
        team.commit("alpha")
        report = ci(team)
        assert (report.exit, outcome(report, "alpha").did) == (0, f"created v{live.created}")

    begin(team, "created", make)
    return team


def test_ci_creates_a_skill_and_goes_on_publishing_it(created: Clone, live: Live) -> None:
    """B9 and the walk of sync.md 5.5: no pointer anywhere, one version per change, and no job twice."""
    for number, word in enumerate(("ONE", "TWO", "THREE"), start=live.created + 1):
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
    assert live.version("alpha") == live.created + 1
    change(created, "three", "THREE")
    assert ci(created).exit == 0
    assert live.version("alpha") == live.created + 2


@both_at_once
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
    assert live.version("alpha") == live.created + 2 + published
    assert created.pull().exit == 0
    created.commit("pulled")
    assert ci(created).exit == 0
    assert live.version("alpha") == live.created + 3 + published


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


@seed_only("a marker tells a publish by its commit, whoever ran the job")
def test_another_account_of_the_team_counts_by_configuration(created: Clone, live: Live) -> None:
    change(created, "one", "ONE")
    assert ci(created, user="web").exit == 4
    with live.api("me") as client:
        number = client.get("llm_skills/name/alpha").json()["created_by"]["id"]
    settings = created.read("skillsync.toml")
    created.write("skillsync.toml", f"{settings}publishers = [{number}]\n")
    created.commit("publishers")
    assert ci(created, user="web").exit == 0
    assert live.version("alpha") == live.created + 1


@current_only("markers")
def test_by_its_marker_a_publish_of_another_account_counts_at_once(
    created: Clone, live: Live
) -> None:
    change(created, "one", "ONE")
    assert outcome(ci(created, user="web"), "alpha").did == "published v3"
    change(created, "two", "TWO")
    assert outcome(ci(created), "alpha").did == "published v4"
    live.edit_body("alpha", "three", "three, remotely")
    change(created, "three", "THREE")
    assert ci(created, user="web").exit == 3
    assert live.version("alpha") == 5


@both_at_once
def test_an_older_job_is_superseded(created: Clone, live: Live) -> None:
    """S12 (B8): the newer commit was published first; the older job writes nothing and is no failure."""
    old = created.git("rev-parse", "HEAD")
    change(created, "one", "ONE")
    assert ci(created).exit == 0
    report = ci(created, at=old)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert live.version("alpha") == live.created + 1
    for state in ("committed", "detached", "dirty"):
        where = ["-B", "late"] if state == "committed" else ["--detach"]
        created.git("checkout", "-q", *where, old)
        if state == "dirty":
            created.replace(PATH, "three\n", "THREE\n")
        report = created.push()
        assert (report.exit, outcome(report, "alpha").row) == (0, "S12"), state
        assert live.version("alpha") == live.created + 1
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
    assert live.version("alpha") == live.created


def test_a_web_edit_is_not_superseded_for_an_older_job(created: Clone, live: Live) -> None:
    old = created.git("rev-parse", "HEAD")
    change(created, "one", "ONE")
    live.edit_body("alpha", "two", "two, remotely")
    assert ci(created, at=old).exit == 0
    change(created, "three", "THREE")
    assert ci(created).exit == 3
    assert live.version("alpha") == live.created + 1


def test_uncommitted_changes_are_named_and_left_out(created: Clone, live: Live) -> None:
    created.replace(PATH, "one\n", "ONE, not committed\n")
    report = created.push()
    assert report.exit == 0
    assert any(PATH in note and "left out" in note for note in report.notes)
    assert live.version("alpha") == live.created


def test_other_branches_publish_only_knowingly(created: Clone, live: Live, tmp_path: Path) -> None:
    """B3: exit 6, unless --from-branch, which writes the pointer."""
    created.git("switch", "-q", "-c", "feature")
    change(created, "one", "ONE")
    with pytest.raises(RefusedForSafety) as caught:
        created.push()
    assert caught.value.exit_code == 6
    assert live.version("alpha") == live.created
    assert created.push(from_branch=True).exit == 0
    assert live.version("alpha") == live.created + 1
    assert f" v{live.created + 1} " in created.read("skills/alpha/.skillsync")


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


# ---------------------------------------------------------------- jobs that CI really starts


@pytest.fixture
def linked(team: Clone, live: Live) -> Clone:
    """Alpha, pulled from the web page: version 1 is in the pointer, which CI never writes."""
    live.create("alpha", body=BODY)
    assert team.pull().exit == 0
    team.commit("pulled")
    return team


def test_a_commit_that_goes_back_to_what_was_pulled_is_published(linked: Clone, live: Live) -> None:
    """CI published version 2 of an edit that the next commit reverts: that is an edit of version 2, not "behind"."""
    change(linked, "one", "ONE")
    assert outcome(ci(linked), "alpha").did == "published v2"
    linked.git("revert", "--no-edit", "HEAD")
    assert outcome(ci(linked), "alpha").did == "published v3"
    assert live.skill("alpha")["body"] == BODY.strip()
    assert ci(linked).exit == 0
    assert live.version("alpha") == 3


def test_a_removed_skill_that_only_ci_published_goes_by_name(created: Clone, live: Live) -> None:
    """No pointer says what was published; HEAD's history does, up to the first edit that is not ours."""
    change(created, "one", "ONE")
    assert ci(created).exit == 0
    created.git("rm", "-rq", "skills/alpha")
    removed = created.commit("removed")
    assert outcome(ci(created), "alpha").row == "S13"
    live.edit_body("alpha", "three", "three, remotely")
    report = ci(created, archive=["alpha"])
    assert (report.exit, outcome(report, "alpha").row) == (4, "S14")
    live.edit_body("alpha", "three, remotely", "three")
    assert ci(created, at=removed, archive=["alpha"]).exit in {3, 4}
    assert live.version("alpha") == live.created + 3


def test_a_foreign_edit_after_it_is_not_reverted_by_it(linked: Clone, live: Live) -> None:
    change(linked, "one", "ONE")
    assert ci(linked).exit == 0
    live.edit_body("alpha", "three", "three, remotely")
    linked.git("revert", "--no-edit", "HEAD")
    assert ci(linked).exit == 3
    assert live.version("alpha") == 3


def test_jobs_in_any_order_publish_the_newest_commit_and_nothing_twice(
    linked: Clone, live: Live
) -> None:
    commits = [change(linked, word, word.upper()) for word in ("one", "two", "three")]
    for number in (1, 0, 2, 1, 0, 2):
        report = ci(linked, at=commits[number])
        assert report.exit == 0, report
    assert live.version("alpha") == 3
    assert live.skill("alpha")["body"] == "ONE\n\nTWO\n\nTHREE"


def test_the_merge_of_a_branch_from_before_a_pull_hides_no_publish(
    linked: Clone, live: Live
) -> None:
    """The pointer came to main before the branch did, and so did what jobs have published since."""
    linked.git("branch", "old")
    live.edit_body("alpha", "three", "three, remotely")
    assert linked.pull().exit == 0
    linked.commit("taken in")
    change(linked, "one", "ONE")
    assert outcome(ci(linked), "alpha").did == "published v3"
    linked.git("switch", "-q", "old")
    linked.write("README.md", "of the branch\n")
    change(linked, "two", "TWO")
    linked.git("switch", "-q", "main")
    linked.git("merge", "-q", "--no-ff", "-m", "merged", "old")
    assert outcome(ci(linked), "alpha").did == "published v4"
    assert live.skill("alpha")["body"] == "ONE\n\nTWO\n\nthree, remotely"


def test_a_pointer_counts_beside_the_merge_of_a_branch_from_before_it(
    linked: Clone, live: Live
) -> None:
    """It came squashed with somebody else's change; the merge brought it along to a side that never had it (design.md 3)."""
    linked.git("branch", "old")
    linked.git("switch", "-q", "-c", "feature")
    live.edit_body("alpha", "three", "three, remotely")
    assert linked.pull().exit == 0
    linked.commit("taken in")
    linked.git("switch", "-q", "main")
    change(linked, "one", "ONE")
    linked.git("merge", "-q", "--squash", "feature")
    linked.commit("squashed")
    linked.git("branch", "-q", "-D", "feature")
    linked.git("switch", "-q", "old")
    linked.write("README.md", "of the branch\n")
    linked.commit("elsewhere")
    linked.git("switch", "-q", "main")
    linked.git("merge", "-q", "--no-ff", "-m", "merged", "old")
    assert outcome(ci(linked), "alpha").did == "published v3"
    assert live.skill("alpha")["body"] == "ONE\n\ntwo\n\nthree, remotely"


def test_a_shallow_job_is_refused_with_the_fix_before_anything_is_sent(
    linked: Clone, live: Live
) -> None:
    """Whether the pointer came with its files is not in a clone of one commit (B7)."""
    change(linked, "one", "ONE")
    path = linked.path.parent / "shallow"
    linked.git("clone", "-q", "--depth=1", f"file://{linked.path}", str(path))
    job = Clone(live, path)
    with pytest.raises(ShallowClone) as caught:
        job.push()
    assert caught.value.exit_code == 2
    assert "fetch-depth: 0" in caught.value.hint
    assert live.version("alpha") == 1
    job.git("fetch", "-q", "--unshallow")
    assert job.push().exit == 0
    assert live.version("alpha") == 2


def test_a_merge_queue_publishes_only_what_main_got(linked: Clone, live: Live) -> None:
    """The queue's commit is a preview until main points to it; then it is published like any other."""
    linked.git("switch", "-q", "-c", "feature")
    change(linked, "one", "ONE")
    linked.git("switch", "-q", "main")
    change(linked, "three", "THREE")
    linked.git("switch", "-q", "-c", "queue")
    linked.git("merge", "-q", "--no-ff", "-m", "queue", "feature")
    with pytest.raises(RefusedForSafety) as caught:
        ci(linked, at="origin/queue")
    assert (caught.value.exit_code, live.version("alpha")) == (6, 1)
    assert "origin/main" in caught.value.message
    linked.git("switch", "-q", "main")
    linked.git("merge", "-q", "--ff-only", "queue")
    assert ci(linked, at="origin/queue").exit == 0
    assert live.skill("alpha")["body"] == "ONE\n\ntwo\n\nTHREE"
    assert ci(linked).exit == 0
    assert live.version("alpha") == 2


@both_at_once
def test_what_was_published_from_a_branch_is_taken_in_once_it_is_merged(
    linked: Clone, live: Live
) -> None:
    """--from-branch writes the pointer, so that main does not take its own text for somebody's edit, squashed or not."""
    linked.git("switch", "-q", "-c", "feature")
    change(linked, "one", "ONE")
    assert linked.push(from_branch=True).exit == 0
    linked.commit("pointer")
    linked.git("switch", "-q", "main")
    assert ci(linked).exit == 0
    assert live.version("alpha") == 2
    linked.git("merge", "-q", "--squash", "feature")
    linked.commit("squashed")
    assert ci(linked).exit == 0
    assert live.version("alpha") == 2
    change(linked, "two", "TWO")
    assert outcome(ci(linked), "alpha").did == "published v3"


def test_a_late_job_does_not_archive_what_a_later_commit_brought_back(
    linked: Clone, live: Live
) -> None:
    """Brought back as it was it makes no version that could tell; the branch itself does (B8, P12)."""
    linked.git("rm", "-rq", "skills/alpha")
    removed = linked.commit("removed")
    linked.git("revert", "--no-edit", "HEAD")
    report = ci(linked, at=removed, archive=["alpha"])
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert live.version("alpha") == 1
    change(linked, "one", "ONE")
    assert ci(linked).exit == 0
    report = ci(linked, at=removed, archive=["alpha"])
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    linked.git("rm", "-rq", "skills/alpha")
    linked.commit("removed again")
    assert outcome(
        ci(linked, archive=["alpha"]), "alpha"
    ).changed  # though no pointer names version 2
    assert live.version("alpha") == 0


@pytest.mark.parametrize("published", [True, False])
def test_a_late_job_does_not_make_again_what_a_later_commit_removed(
    linked: Clone, live: Live, *, published: bool
) -> None:
    """Neither a skill that was linked and edited, nor one that CI had made, or never came to make."""
    linked.skill("beta", BODY)
    linked.skill("kept", BODY)
    change(linked, "one", "ONE")
    late = linked.git("rev-parse", "HEAD")
    if published:
        assert ci(linked).exit == 0
    linked.git("rm", "-rq", "skills/alpha", "skills/beta")
    linked.commit("removed")
    assert ci(linked, archive=["alpha", "beta"] if published else ["alpha"]).exit == 0
    report = ci(linked, at=late)
    assert report.exit == 0, report
    assert (live.version("alpha"), live.version("beta"), live.version("kept")) == (
        0,
        0,
        live.created,
    )
    assert outcome(report, "beta").row == "S12"
