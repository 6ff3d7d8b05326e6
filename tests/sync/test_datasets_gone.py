"""P12 for datasets: what was archived in the page is made again only by a person's word (D5)."""

from __future__ import annotations

from skillsync.sync.resolve import Choice
from tests.sync.dataset_steps import (
    ITEMS,
    POINTER,
    ROWS,
    dataset_id,
    inputs,
    is_silent,
    line,
    lines,
    numbered,
    published,
)
from tests.sync.dialects import current_only, seed_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True


def beside_another(clone: Clone) -> str:
    """Publish two datasets, so that the list shows one when the other is gone; return the id of ``cases``."""
    clone.dataset("other", [line("x", 1)])
    return published(clone, numbered(2))


def published_by_a_job(team: Clone) -> None:
    """The same in a team, where no commit has a pointer."""
    team.dataset("other", [line("x", 1)])
    team.dataset("cases", numbered(2))
    team.commit("new")
    assert team.push().exit == 0


def make_again(team: Clone) -> None:
    """Say the word, which a job hears once it is committed."""
    assert team.resolve("cases", Choice.LOCAL).exit == 0
    assert team.push().exit == 4
    team.commit("to be made again")
    assert outcome(team.push(), "cases").did == "created with 2 rows"
    assert team.push().outcomes == []


def lose_the_pointer(clone: Clone) -> None:
    """Leave both pointer files out of the next commit."""
    for path in (POINTER, ROWS):
        (clone.path / path).unlink(missing_ok=True)
    clone.commit("the pointer is lost")


def test_a_lost_pointer_does_not_bring_an_archived_dataset_back(solo: Clone, live: Live) -> None:
    """P12: history still says that it was there, and what was taken in of it."""
    gone = beside_another(solo)
    lose_the_pointer(solo)
    live.patch_dataset(gone, deleted=True)
    report = solo.push()
    assert (report.exit, outcome(report, "cases").code) == (0, "N-ARCHIVED")
    report = solo.pull()
    assert (report.exit, outcome(report, "cases").code) == (0, "N-ARCHIVED")
    solo.replace(ITEMS, "question 1", "edited")
    report = solo.push()
    assert (report.exit, outcome(report, "cases").code) == (4, "E-EDITED-BUT-ARCHIVED")
    assert [one["name"] for one in live.datasets()] == ["other"]


def test_a_pointer_taken_along_by_a_revert_does_not_bring_an_archived_dataset_back(
    team: Clone, live: Live
) -> None:
    """The same in a team, where a revert of the pull took the pointer and its rows along."""
    published_by_a_job(team)
    gone = dataset_id(live)
    assert team.pull().exit == 0
    team.commit("pulled")
    team.git("revert", "--no-edit", "HEAD")
    live.patch_dataset(gone, deleted=True)
    team.replace(ITEMS, "question 1", "edited")
    team.commit("edited")
    report = team.push()
    assert (report.exit, outcome(report, "cases").code) == (4, "E-EDITED-BUT-ARCHIVED")
    assert [one["name"] for one in live.datasets()] == ["other"]


def test_a_moved_folder_without_its_pointer_is_still_the_archived_dataset(
    solo: Clone, live: Live
) -> None:
    gone = beside_another(solo)
    lose_the_pointer(solo)
    solo.git("mv", "datasets/cases", "datasets/moved")
    solo.commit("moved")
    live.patch_dataset(gone, deleted=True)
    report = solo.push()
    assert outcome(report, "moved").row == "D5"
    assert [one["name"] for one in live.datasets()] == ["other"]


def test_a_word_that_a_dataset_shall_be_made_again_holds_for_what_it_was_said_of(
    solo: Clone, live: Live
) -> None:
    """The word stands in the pointer and goes with the commit; the next archiving is another one."""
    gone = beside_another(solo)
    lose_the_pointer(solo)
    live.patch_dataset(gone, deleted=True)
    assert outcome(solo.push(), "cases").row == "D5"
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    said = solo.read(POINTER)
    assert f"dataset={gone} " in said
    assert " gone at=" in said
    offline = {one.subject: one.state for one in solo.status(offline=True).lines}
    assert offline == {"cases": "local only"}
    solo.commit("to be made again")
    report = solo.push()
    if live.dialect == "current":  # names of archived datasets stay taken
        assert outcome(report, "cases").code == "E-NAME-TAKEN"
        assert solo.adopt("cases", dataset_id=gone).exit == 0
        assert dataset_id(live) == gone
        assert " gone" not in solo.read(POINTER)
        solo.commit("brought back")
        assert is_silent(solo)
        return
    assert outcome(report, "cases").did == "created with 2 rows"
    assert " gone" not in solo.read(POINTER)
    bases = solo.git("show", f"HEAD:{ROWS}") + "\n"
    solo.commit("made again")
    assert is_silent(solo)
    live.patch_dataset(dataset_id(live), deleted=True)
    lose_the_pointer(solo)
    assert outcome(solo.push(), "cases").row == "D5"
    solo.write(POINTER, said)
    solo.write(ROWS, bases)
    solo.commit("the earlier word is back")
    assert outcome(solo.push(), "cases").row == "D5"
    assert [one["name"] for one in live.datasets()] == ["other"]


@seed_only("names of archived datasets stay taken")
def test_a_word_that_is_not_committed_yet_is_enough_to_make_it_again(
    solo: Clone, live: Live
) -> None:
    """Made again once before, archived again before that was committed: the word is about both."""
    beside_another(solo)
    for _ in range(2):
        live.patch_dataset(dataset_id(live), deleted=True)
        assert outcome(solo.push(), "cases").row == "D5"
        assert solo.resolve("cases", Choice.LOCAL).exit == 0
        assert outcome(solo.push(), "cases").did == "created with 2 rows"
    solo.commit("made again")
    assert is_silent(solo)


@seed_only("names of archived datasets stay taken")
def test_a_job_makes_a_dataset_again_only_where_the_commit_says_so(team: Clone, live: Live) -> None:
    published_by_a_job(team)
    assert team.pull().exit == 0
    team.commit("pulled")
    live.patch_dataset(dataset_id(live), deleted=True)
    team.replace(ITEMS, "question 1", "edited")
    team.commit("edited")
    assert team.push().exit == 4
    make_again(team)
    assert inputs(live, dataset_id(live)) == {"k000": "question 0", "k001": "edited"}
    assert team.pull().exit == 0
    assert " gone" not in team.read(POINTER)
    team.commit("pulled")
    assert is_silent(team)


def test_a_dataset_that_was_brought_back_is_linked_as_before(solo: Clone, live: Live) -> None:
    """The word is about what is gone; what lives again is what the line says that it took in."""
    gone = beside_another(solo)
    live.patch_dataset(gone, deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    assert solo.push().exit == 4
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    live.patch_dataset(gone, deleted=False)
    live.patch_row(live.row(gone, "k000")["id"], input="edited in the page")
    report = solo.push()
    assert report.exit == 0
    assert inputs(live, gone) == {"k000": "edited in the page", "k001": "edited"}
    assert solo.pull().exit == 0
    assert lines(solo)["k000"]["input"] == "edited in the page"
    assert " gone" not in solo.read(POINTER)
    solo.commit("pulled")
    assert is_silent(solo)


@current_only("the seed shows nothing of what it deleted")
def test_what_ci_created_and_somebody_archived_is_not_made_again(team: Clone, live: Live) -> None:
    """No commit has a pointer; the archived dataset still says which folder it was, whatever its name became."""
    published_by_a_job(team)
    gone = dataset_id(live)
    live.patch_dataset(gone, name="renamed before")
    live.patch_dataset(gone, deleted=True)
    report = team.push()
    assert (report.exit, outcome(report, "cases").code) == (4, "E-EDITED-BUT-ARCHIVED")
    assert [one["name"] for one in live.datasets()] == ["other"]
    make_again(team)
    assert team.pull().exit == 0
    team.commit("pulled")
    assert is_silent(team)


def test_a_word_does_not_carry_an_open_git_conflict_past_the_check(solo: Clone, live: Live) -> None:
    """What git has unmerged is never sent, whatever the pointer says."""
    gone = beside_another(solo)
    live.patch_dataset(gone, deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    solo.commit("to be made again")
    solo.git("checkout", "-q", "-b", "side")
    solo.replace(ITEMS, "question 0", "side")
    solo.commit("side")
    solo.git("checkout", "-q", "main")
    solo.replace(ITEMS, "question 0", "main")
    solo.commit("main")
    solo.git("merge", "-q", "side", check=False)
    solo.git("checkout", "-q", "--ours", ITEMS)
    assert solo.push().exit != 0
    assert [one["name"] for one in live.datasets()] == ["other"]
