"""Scenes that random worlds led to, each as short as it became (tests/worlds)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.failing import Crash
from tests.sync.dataset_steps import ITEMS, dataset_id, inputs, line, lines, published
from tests.sync.harness import Clone, Live, LiveCurrent, Requests, new_clone, outcome

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"


def test_a_lost_pointer_does_not_bring_an_archived_skill_back(solo: Clone, live: Live) -> None:
    """P12: history still says that it was there, so what was archived there is not created again."""
    solo.skill("alpha")
    solo.skill("other")
    assert solo.push().exit == 0
    solo.commit("published")
    (solo.path / POINTER).unlink()
    solo.commit("the pointer is lost")
    live.archive("alpha")
    report = solo.push()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S15")
    solo.replace(PATH, "Step one.", "Step 1.")
    report = solo.push()
    assert (report.exit, outcome(report, "alpha").row) == (4, "S16")
    assert live.skill("alpha") == {}


def test_what_another_folder_had_taken_in_is_no_base_of_this_one(tmp_path: Path) -> None:
    """P2: it was made again, pulled under the name that it had for a while, and renamed back; then the folder goes.

    While that folder is there the skill is its own, by another name (S20), and ours was archived (S15); then it is S19.
    """
    live = LiveCurrent(tmp_path)
    solo = new_clone(live, tmp_path / "clone")

    solo.skill("alpha")
    solo.skill("other")
    solo.push()
    solo.commit("published")
    live.archive("alpha")
    live.create("alpha", body="made again")
    live.rename("alpha", "beta")
    assert outcome(solo.pull(), "beta").row == "S3"
    live.rename("beta", "alpha")
    for message, row, code in (
        ("another folder took it in", "S15", 3),
        ("and is gone", "S19", 4),
    ):
        solo.commit(message)
        report = solo.push()
        assert (outcome(report, "alpha").row, report.exit) == (row, code), message
        assert outcome(solo.pull(), "alpha").row == row
        assert live.skill("alpha")["body"] == "made again"
        shutil.rmtree(solo.path / "skills/beta", ignore_errors=True)
    live.close()


def test_what_a_marker_alone_says_is_known_under_the_new_name_as_well(tmp_path: Path) -> None:
    """S20, P1: v3's line was thrown away, its marker was not; the revert in v4 is an edit, however it is called there."""
    live = LiveCurrent(tmp_path)
    solo = new_clone(live, tmp_path / "clone")
    solo.skill("alpha")
    solo.commit("one")
    solo.push()
    solo.commit("pointer")
    solo.replace(PATH, "Step two.", "Step 2.")
    solo.commit("two")
    assert outcome(solo.push(), "alpha").did == "published v3"
    solo.git("stash", "-q")
    live.edit_body("alpha", "Step 2.", "Step two.")
    live.rename("alpha", "beta")
    report = solo.pull()
    assert [(one.subject, one.row) for one in report.outcomes] == [("alpha", "S20"), ("beta", "S7")]
    assert "Step two." in solo.read("skills/beta/SKILL.md")
    assert solo.push().changed == 0
    assert "Step two." in live.skill("beta")["body"]
    live.close()


def test_a_pointer_that_was_committed_alone_keeps_no_skill_out(solo: Clone, live: Live) -> None:
    """S3: nothing but what is ours lies in its place; the lines of other targets stay."""
    other = "127.0.0.1:8765/9 v3 0199f3c2-0000-7000-8000-000000000000 first=2026-08-01T10:00:00Z"
    solo.skill("alpha")
    solo.skill("other")
    solo.push()
    line = f"{other} canon:1:sha256:{'0' * 64}"
    solo.write(POINTER, solo.read(POINTER) + line + "\n")
    solo.git("add", POINTER)
    solo.git("commit", "-q", "-m", "the pointer alone", "--", POINTER)
    live.archive("alpha")
    solo.pull()
    solo.git("reset", "-q", "--hard")
    solo.git("clean", "-qfd", "skills")
    assert not (solo.path / PATH).exists()
    live.create("alpha")
    assert outcome(solo.pull(), "alpha").code == "E-RECREATED"
    assert solo.adopt("alpha", Way.REMOTE).exit == 0
    assert "Step two." in solo.read(PATH)
    assert line in solo.read(POINTER)
    assert solo.status("alpha").is_clean


def test_a_word_that_it_shall_be_made_again_holds_for_what_it_was_said_of(
    solo: Clone, live: Live
) -> None:
    """S16, P12: the word stands in the pointer and goes with the commit; the next archiving is another one."""
    solo.skill("alpha")
    solo.skill("other")
    assert solo.push().exit == 0
    solo.commit("published")
    live.archive("alpha")
    assert outcome(solo.push(), "alpha").row == "S15"
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    said = solo.read(POINTER)
    assert " gone at=" in said
    assert [line.state for line in solo.status(offline=True).lines] == ["local only"]
    solo.commit("to be made again")
    report = solo.push()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S2")
    assert " gone" not in solo.read(POINTER)
    solo.commit("made again")
    assert solo.status().is_clean
    live.archive("alpha")
    (solo.path / POINTER).unlink()
    solo.commit("the pointer is lost")
    assert outcome(solo.push(), "alpha").row == "S15"
    solo.write(POINTER, said)
    solo.commit("the earlier word is back")
    assert outcome(solo.push(), "alpha").row == "S15"
    assert live.skill("alpha") == {}


def test_a_job_makes_a_skill_again_only_where_the_commit_says_so(team: Clone, live: Live) -> None:
    """S16 in a team: the word is HEAD's, so that a job needs no other."""
    team.skill("alpha")
    team.skill("other")
    team.commit("new")
    assert team.push().exit == 0
    live.edit_body("alpha", "Step two.", "Step 2.")
    assert team.pull().exit == 0
    team.commit("pulled")
    live.archive("alpha")
    team.replace(PATH, "Step one.", "Step 1.")
    team.git("rm", "-q", "--cached", POINTER)
    (team.path / POINTER).unlink()
    team.commit("edited, and the pointer lost")
    report = team.push()
    assert (report.exit, outcome(report, "alpha").row) == (4, "S16")
    assert team.resolve("alpha", Choice.LOCAL).exit == 0
    assert team.push().exit == 4
    team.commit("to be made again")
    assert outcome(team.push(), "alpha").row == "S2"
    assert live.skill("alpha")["body"].startswith("Step 1.")
    assert team.push().outcomes == []
    assert team.pull().exit == 0
    assert team.status().is_clean


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


# ---------------------------------------------------------------- a new skill that went back to an old text


def change_and_revert(clone: Clone) -> str:
    """Commit one text, another, and the first again; return the commit in the middle."""
    clone.skill("alpha", "first\n")
    clone.commit()
    clone.skill("alpha", "second\n")
    middle = clone.commit()
    clone.skill("alpha", "first\n")
    clone.commit("revert")
    return middle


def dies_once_created(clone: Clone) -> None:
    """Push from a process that dies before a version with a marker can follow the creation."""

    def before(request: httpx.Request) -> None:
        if request.method == "PATCH":
            raise Crash(request.url.path)

    clone.requests = Requests(httpx.WSGITransport(app=clone.live.app), before=before)
    if clone.live.dialect == "seed":
        clone.push()
    else:
        with pytest.raises(Crash):
            clone.push()


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_late_job_does_not_publish_what_the_creating_one_had_reverted(
    team: Clone, live: Live, tmp_path: Path
) -> None:
    """B9: version 1 equals an old commit here, but it was made from a later one that went back to that text."""
    middle = change_and_revert(team)
    dies_once_created(team.clone(tmp_path / "newest"))
    late = team.clone(tmp_path / "late")
    late.git("checkout", "-q", "--detach", middle)
    report = late.push()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert (live.version("alpha"), live.skill("alpha")["body"]) == (1, "first")
    assert team.push().exit == 0
    assert live.skill("alpha")["body"] == "first"


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_revert_that_was_published_first_is_not_undone_from_the_commit_before_it(
    solo: Clone, live: Live
) -> None:
    """The test of any shortcut: the pointer went with `reset --hard`, and the old text is in history twice."""
    middle = change_and_revert(solo)
    assert solo.push().exit == 0
    made = live.version("alpha")
    solo.git("reset", "-q", "--hard", middle)
    solo.push()
    assert (live.version("alpha"), live.skill("alpha")["body"]) == (made, "first")


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_late_job_does_not_publish_rows_that_the_creating_one_had_reverted(
    team: Clone, live: Live, tmp_path: Path
) -> None:
    commits = []
    for text in ("first", "second", "first"):
        team.dataset("cases", [json.dumps({"id": "k1", "input": text})])
        commits.append(team.commit(text))
    assert team.clone(tmp_path / "newest").push().exit == 0
    late = team.clone(tmp_path / "late")
    late.git("checkout", "-q", "--detach", commits[1])
    late.push()
    (dataset,) = live.datasets()
    assert [row["input"] for row in live.rows(dataset["id"])] == ["first"]


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_branch_upon_an_edit_does_not_make_that_edit_old(solo: Clone, live: Live) -> None:
    """P1: what a later commit has inherited is no base; only what its pointer has taken in is."""
    dataset = published(solo, [line("k1", "first"), line("k2", "second")])
    solo.commit("published")
    solo.write(ITEMS, f"{line('k1', 'edited')}\n{line('k2', 'second')}\n")
    solo.commit("edited, and not pushed yet")
    solo.git("switch", "-q", "-c", "side")
    solo.write(ITEMS, f"{line('k1', 'edited')}\n{line('k2', 'on the side')}\n")
    solo.commit("on the side")
    solo.git("switch", "-q", "main")
    live.add_row(dataset, input="new there", metadata={"skillsync_id": "k3"})
    assert solo.pull().exit == 0
    assert lines(solo)["k1"]["input"] == "edited"
    assert solo.push().exit == 0
    assert inputs(live, dataset) == {"k1": "edited", "k2": "second", "k3": "new there"}


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
@pytest.mark.parametrize("is_edited_first", [True, False], ids=["edited first", "pulled first"])
def test_an_edit_back_to_the_base_stands_against_what_a_job_published(
    team: Clone, live: Live, is_edited_first: bool
) -> None:
    """P1: the job wrote no base, and the pulled one is not committed, so that either may be what is behind an edit."""
    team.dataset("cases", [line("k1", "first"), line("k2", "second")])
    team.commit("new")
    assert team.push().exit == team.pull().exit == 0
    team.commit("linked")
    live.patch_row(live.row(dataset_id(live), "k2")["id"], input="web")
    if is_edited_first:
        team.replace(ITEMS, "first", "edited")
        team.commit("edited, and not published yet")
    assert team.pull().exit == 0
    if not is_edited_first:
        team.replace(ITEMS, "first", "edited")
        team.git("commit", "-q", "-m", "edited, without the pointer", "--only", "--", ITEMS)
    team.push()
    assert inputs(live, dataset_id(live))["k1"] == "edited"
    team.replace(ITEMS, "edited", "first")
    report = team.pull()
    assert (report.exit, outcome(report, "cases:k1").row) == (4, "I10")
    assert lines(team)["k1"]["input"] == "first"
    assert team.resolve("cases:k1", Choice.LOCAL).exit == 0
    team.commit("edited back")
    assert team.push().exit == 0
    assert inputs(live, dataset_id(live)) == {"k1": "first", "k2": "web"}


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
@pytest.mark.parametrize("is_published", [True, False])
def test_a_row_that_was_published_and_taken_back_here_is_not_overwritten_by_an_edit_of_it(
    team: Clone, live: Live, is_published: bool
) -> None:
    """P1: it is as the pointer names it, and has an edit all the same, in a run after the next one as well."""
    team.dataset("cases", [line("k1", "first"), line("k2", "second")])
    team.commit("new")
    assert team.push().exit == team.pull().exit == 0
    team.commit("linked")
    team.replace(ITEMS, "first", "edited")
    team.commit("edited")
    dataset = dataset_id(live)
    if is_published:
        assert team.push().exit == 0
    team.replace(ITEMS, "edited", "first")
    team.commit("taken back")
    for key, text in (("k1", "web"), ("k2", "web, too")):
        live.patch_row(live.row(dataset, key)["id"], input=text)
    if not is_published and isinstance(live, LiveCurrent):
        assert team.pull().exit == 0  # its versions say that nothing was published in between
        assert lines(team)["k1"]["input"] == "web"
        return
    row = "I10" if isinstance(live, LiveCurrent) else "I4"  # without versions no base is known
    for _ in range(2):
        report = team.pull()
        assert (report.exit, outcome(report, "cases:k1").row) == (4, row)
        assert {key: row["input"] for key, row in lines(team).items()} == {
            "k1": "first",
            "k2": "web, too",
        }
    assert team.resolve("cases:k1", Choice.LOCAL).exit == 0
    team.commit("decided")
    assert team.push().exit == 0
    assert inputs(live, dataset) == {"k1": "first", "k2": "web, too"}


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_rows_that_were_adopted_as_they_are_here_are_not_old_to_a_later_commit(
    solo: Clone, live: Live
) -> None:
    """A person's word about this tree: what commits upon it recorded before is no newer."""
    solo.dataset("cases", [line("k1", "first"), line("k2", "second")])
    first = solo.commit("not linked yet")
    assert solo.push().exit == 0
    solo.commit("linked")
    dataset = dataset_id(live)
    live.patch_row(live.row(dataset, "k1")["id"], input="web")
    solo.git("checkout", "-q", "--detach", first)
    assert solo.adopt("cases", Way.LOCAL, dataset_id=dataset).exit == 0
    assert solo.pull().exit == 0
    assert lines(solo)["k1"]["input"] == "first"
    assert solo.push().exit == 0
    assert inputs(live, dataset) == {"k1": "first", "k2": "second"}


@pytest.mark.parametrize("live", ["current"], indirect=True)
def test_a_row_that_was_adopted_while_it_was_archived_is_not_old_once_that_is_restored(
    solo: Clone, live: Live
) -> None:
    """What a commit upon HEAD has taken in is no newer than what this tree has."""
    solo.dataset("cases", [line("k1", "first"), line("k2", "second")])
    first = solo.commit("not linked yet")
    assert solo.push().exit == 0
    solo.commit("linked")
    dataset = dataset_id(live)
    item = live.row(dataset, "k1")["id"]
    live.patch_row(item, input="web")
    live.patch_row(item, deleted=True)
    solo.git("checkout", "-q", "--detach", first)
    assert solo.adopt("cases", Way.LOCAL, dataset_id=dataset).exit == 0
    live.patch_row(item, deleted=False)
    report = solo.pull()
    assert (report.exit, outcome(report, "cases:k1").exit) == (4, 4)
    assert lines(solo)["k1"]["input"] == "first"


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
@pytest.mark.parametrize("commits", [False, True])
def test_what_one_keeps_against_the_remote_is_news_to_whoever_merged_it(
    solo: Clone, live: Live, tmp_path: Path, commits: bool
) -> None:
    """Both have the commit that was published; only one of them has decided that its text wins (sync.md 5.3)."""
    solo.skill("alpha", "one\n\nbetween\n\nmore between\n\ntwo\n")
    solo.commit("alpha")
    assert solo.push().exit == 0
    solo.commit("pointer")
    solo.replace("skills/alpha/SKILL.md", "\ntwo\n", "\nTWO\n")
    solo.commit("an edit")
    other = solo.clone(tmp_path / "other")
    live.edit_body("alpha", "one", "ONE")
    assert outcome(other.pull(), "alpha").did.startswith("merged")
    if commits:
        other.commit("merged")
    assert solo.adopt("alpha", Way.LOCAL).exit == 0
    assert solo.push().exit == 0
    kept = live.version("alpha")
    assert other.push().exit == 3
    assert live.version("alpha") == kept
    assert other.pull().exit == 0
    assert "\none\n\nbetween\n\nmore between\n\nTWO\n" in other.read("skills/alpha/SKILL.md")
