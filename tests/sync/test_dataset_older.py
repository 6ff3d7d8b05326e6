"""An older commit publishes no row: not one that was removed since, nor one that was changed and changed back.

A server of the first generation shows no trace of either; what git has of the time after HEAD tells (sync.md B8, P12).
"""

from __future__ import annotations

import shutil

import pytest

from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from tests.sync.dataset_steps import (
    ITEMS,
    POINTER,
    by_subject,
    dataset_id,
    drop_line,
    inputs,
    is_silent,
    line,
    lines,
    numbered,
    published,
    wrapped,
)
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True


def quiet(clone: Clone) -> Report:
    """Push at this commit: nothing is written, and nothing is wrong."""
    seen = wrapped(clone)
    seen.made.clear()
    report = clone.push()
    assert (report.exit, seen.writes) == (0, []), (report, seen.writes)
    return report


def replaced(clone: Clone, old: str, new: str) -> str:
    clone.replace(ITEMS, old, new)
    return clone.commit(f"{old} to {new}")


# ---------------------------------------------------------------- team mode: no pointer at all


def test_a_late_job_of_an_older_commit_changes_no_row(team: Clone, live: Live) -> None:
    """One row was removed since, one edited, one changed and changed back, one is new."""
    team.dataset("cases", numbered(4))
    team.commit()
    assert team.push().exit == 0
    dataset = dataset_id(live)
    first = replaced(team, "question 3", "question 3, for a while")
    assert team.push().exit == 0
    drop_line(team, "k001")
    team.replace(ITEMS, "question 3, for a while", "question 3")
    team.replace(ITEMS, "question 2", "newer")
    team.write(ITEMS, team.read(ITEMS) + line("k009", "new") + "\n")
    newest = team.commit("newest")
    assert team.push(archive=["cases"]).exit == 0
    now = inputs(live, dataset)
    assert now == {"k000": "question 0", "k002": "newer", "k003": "question 3", "k009": "new"}
    for commit in (first, f"{first}~1"):
        team.git("checkout", "-q", commit)
        report = quiet(team)
        assert any("a commit later than this one" in note for note in report.notes)
        seen = wrapped(team)
        team.push(archive=["cases", "cases:k009"])
        assert seen.writes == []
    team.git("checkout", "-q", newest)
    quiet(team)
    assert inputs(live, dataset) == now


def test_a_late_job_sends_the_rows_that_no_later_commit_touched(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(2))
    older = team.commit()
    replaced(team, "question 1", "newer")
    team.git("checkout", "-q", older)
    assert team.push().exit == 0
    assert inputs(live, dataset_id(live)) == {"k000": "question 0", "k001": "question 1"}
    quiet(team)
    team.git("checkout", "-q", "main")
    assert team.push().exit == 0
    assert inputs(live, dataset_id(live))["k001"] == "newer"


def test_a_late_job_creates_no_dataset_that_was_removed_since(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(2))
    team.dataset("kept", [line("x", 1)])
    older = team.commit()
    team.push()
    shutil.rmtree(team.path / "datasets/cases")
    team.commit("removed")
    live.patch_dataset(dataset_id(live), deleted=True)
    team.git("checkout", "-q", older)
    assert any("later" in note for note in quiet(team).notes)
    assert [one["name"] for one in live.datasets()] == ["kept"]


def test_a_late_job_sends_no_older_description(team: Clone, live: Live) -> None:
    path = "datasets/cases/DATASET.md"
    team.dataset("cases", numbered(1))
    team.commit()
    team.push()
    for old, new in (("Rows", "All rows"), ("All rows", "Rows")):
        team.replace(path, old, new)
        older = team.commit(new)
        assert team.push().exit == 0
    team.git("checkout", "-q", f"{older}~1")
    quiet(team)
    assert live.datasets()[0]["description"] == "Rows of cases."


# ---------------------------------------------------------------- solo mode


def test_a_commit_before_the_first_pointer_brings_nothing_back(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(3))
    first = solo.commit("files only")
    solo.push()
    solo.commit("pointer")
    dataset = dataset_id(live)
    drop_line(solo, "k001")
    solo.replace(ITEMS, "question 2", "newer")
    assert solo.push(archive=["cases"]).exit == 0
    solo.commit("newest")
    solo.git("checkout", "-q", first)
    quiet(solo)
    assert inputs(live, dataset) == {"k000": "question 0", "k002": "newer"}
    solo.git("reset", "-q", "--hard")
    live.patch_dataset(dataset, deleted=True)
    quiet(solo)
    assert live.datasets() == []


def test_what_was_changed_and_changed_back_is_not_sent_from_between(
    solo: Clone, live: Live
) -> None:
    """The pointer of the commit between names the very content that the server has again."""
    dataset = published(solo, numbered(2))
    between = replaced(solo, "question 1", "for a while")
    assert solo.push().exit == 0
    replaced(solo, "for a while", "question 1")
    assert solo.push().exit == 0
    solo.commit("pointer")
    solo.git("checkout", "-q", between)
    assert any("later than this one" in note for note in quiet(solo).notes)
    assert inputs(live, dataset)["k001"] == "question 1"
    assert solo.pull().exit == 0
    assert lines(solo)["k001"]["input"] == "question 1"
    solo.replace(ITEMS, "question 1", "an edit of its own")
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "an edit of its own"


def test_a_pointer_that_was_written_upon_its_very_text_counts_for_what_was_made_of_that(
    solo: Clone, live: Live
) -> None:
    """A commit of the rows alone leaves it behind; what is committed upon what was pushed is published, and nothing undone."""
    dataset = published(solo, numbered(2))
    for old, new in (("question 1", "for a while"), ("for a while", "question 1")):
        solo.replace(ITEMS, old, new)
        solo.git("commit", "-q", "-m", new, "--only", ITEMS)
        assert solo.push().exit == 0
        assert inputs(live, dataset)["k001"] == new
    assert solo.pull().exit == 0
    assert lines(solo)["k001"]["input"] == "question 1"


def test_a_commit_that_sets_a_row_back_and_was_never_pushed_blocks_nothing(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(2))
    solo.replace(ITEMS, "question 1", "newer")
    newer = solo.commit("newer")
    solo.git("switch", "-q", "-c", "other")
    solo.replace(ITEMS, "newer", "question 1")
    solo.commit("set back")
    solo.git("switch", "-q", "main")
    assert solo.head() == newer
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "newer"


@pytest.mark.parametrize("how", ["reset", "branch"])
def test_a_removed_row_stays_removed_when_git_brings_its_line_back(
    solo: Clone, live: Live, how: str
) -> None:
    dataset = published(solo, numbered(3))
    drop_line(solo, "k001")
    assert solo.push(archive=["cases:k001"]).exit == 0
    solo.commit("removed")
    if how == "reset":
        solo.git("reset", "-q", "--hard", "HEAD~1")
    else:
        solo.git("switch", "-q", "-c", "other", "HEAD~1")
    quiet(solo)
    assert "k001" not in inputs(live, dataset)
    assert solo.pull().exit == 0
    assert "k001" not in lines(solo)
    assert is_silent(solo)


def test_a_line_that_returns_after_its_removal_was_committed_needs_a_word(
    solo: Clone, live: Live
) -> None:
    """10.2: never create what was in the base; `resolve --local` frees the key, and that can be committed."""
    dataset = published(solo, numbered(3))
    before = solo.read(ITEMS)
    drop_line(solo, "k001")
    assert solo.push(archive=["cases:k001"]).exit == 0
    solo.commit("removed")
    solo.write(ITEMS, before.replace("question 2", "edited"))
    solo.commit("back, and another edit")
    for _ in range(2):
        report = solo.push()
        assert report.exit == 4
        assert outcome(report, "cases:k001").code == "E-EDITED-BUT-ARCHIVED"
    assert by_subject(solo.pull())["cases:k001"].row == "I14"
    assert inputs(live, dataset) == {"k000": "question 0", "k002": "edited"}
    assert solo.resolve("cases:k001", Choice.LOCAL).exit == 0
    solo.commit("freed")
    assert solo.clone(solo.path.parent / "fresh").push().exit == 0
    assert inputs(live, dataset)["k001"] == "question 1"
    assert solo.pull().exit == 0
    assert is_silent(solo)


def test_a_merge_that_brings_a_removed_line_back_needs_a_word(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(3))
    solo.git("switch", "-q", "-c", "edits")
    replaced(solo, "question 1", "edited on a branch")
    solo.git("switch", "-q", "main")
    drop_line(solo, "k001")
    assert solo.push(archive=["cases:k001"]).exit == 0
    solo.commit("removed")
    solo.git("merge", "-q", "edits", check=False)
    solo.write(ITEMS, "".join(f"{one}\n" for one in numbered(3)).replace("question 1", "edited"))
    solo.commit("merged, and the line kept")
    report = solo.push()
    assert (report.exit, outcome(report, "cases:k001").row) == (4, "I14")
    assert "k001" not in inputs(live, dataset)


# ---------------------------------------------------------------- where no pointer says what was taken in


def test_a_line_removed_here_and_edited_there_is_no_new_row(team: Clone, live: Live) -> None:
    """I12 without a pointer: the key stood in a commit, so the remote row is not appended as if it were new."""
    team.dataset("cases", numbered(3))
    team.commit()
    team.push()
    dataset = dataset_id(live)
    live.patch_row(live.row(dataset, "k001")["id"], input="edited in the page")
    drop_line(team, "k001")
    team.commit("removed")
    report = team.push(archive=["cases"])
    assert (report.exit, outcome(report, "cases:k001").row) == (4, "I12")
    assert by_subject(team.pull())["cases:k001"].row == "I12"
    assert "k001" not in lines(team)
    assert team.resolve("cases:k001", Choice.LOCAL).exit == 0
    team.commit("the edit was seen")
    assert team.push(archive=["cases:k001"]).exit == 0
    assert set(inputs(live, dataset)) == {"k000", "k002"}
    assert (team.path / POINTER).exists()
