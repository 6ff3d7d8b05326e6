"""Files that went to another branch or into a stash without their pointer, and what must not be taken for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sync.harness import Clone, Live, begin

PATH = "skills/alpha/SKILL.md"
NOTES = "skills/alpha/notes.md"
FOLDER = "skills/alpha"
BODY = "one\n\ntwo\n\nthree\n"


@pytest.fixture
def pulled(solo: Clone, live: Live) -> Clone:
    """Line one of SKILL.md and all of notes.md edited in the page and pulled; nothing of it is committed yet."""

    def make() -> None:
        solo.skill("alpha", BODY)
        solo.write(NOTES, "notes\n")
        assert solo.push().exit == 0
        solo.commit("first")
        solo.write("README.md", "unrelated\n")
        solo.commit("unrelated")
        solo.git("branch", "side", "HEAD^")
        live.edit(
            "alpha",
            body=BODY.replace("one", "ONE remotely"),
            files=[
                {"path": "notes.md", "content": "NOTES remotely", "content_type": "text/markdown"}
            ],
        )
        assert solo.pull().exit == 0

    begin(solo, "pulled", make)
    return solo


def edit(clone: Clone) -> None:
    clone.replace(PATH, "three\n", "THREE here\n")


def edit_in_the_same_place(clone: Clone) -> None:
    clone.replace(PATH, "ONE remotely\n", "ONE remotely, and here\n")


# ---------------------------------------------------------------- the pointer was left behind


def one_file_committed_elsewhere(clone: Clone) -> None:
    """No edit is needed: notes.md is new and SKILL.md old, so the files differ from HEAD's."""
    clone.git("commit", "-q", "-m", "one file", "--", PATH)
    clone.git("checkout", "-q", "HEAD^")


def one_file_committed_elsewhere_and_edited_here(clone: Clone) -> None:
    one_file_committed_elsewhere(clone)
    edit(clone)


def committed_to_a_branch_beside_then_edited_here(clone: Clone) -> None:
    """The branch does not descend from the commit that the pointer was written on."""
    clone.git("switch", "-q", "side")
    clone.git("commit", "-q", "-m", "files", "--", PATH, NOTES)
    clone.git("switch", "-q", "main")
    edit(clone)


def stashed_but_for_the_index(clone: Clone) -> None:
    clone.git("stash", "push", "-q", "--keep-index")
    edit(clone)


def one_file_stashed(clone: Clone) -> None:
    clone.git("stash", "push", "-q", "--", PATH)
    edit(clone)


@pytest.mark.parametrize(
    "away",
    [
        one_file_committed_elsewhere,
        one_file_committed_elsewhere_and_edited_here,
        committed_to_a_branch_beside_then_edited_here,
        stashed_but_for_the_index,
        one_file_stashed,
    ],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("committed", [False, True])
def test_what_went_elsewhere_is_not_undone(
    pulled: Clone, live: Live, away: Callable[[Clone], None], *, committed: bool
) -> None:
    """Push is blocked until a pull has merged, whether the pointer is committed beside the edit or not."""
    away(pulled)
    if committed:
        pulled.commit("mine")
    assert "ONE remotely" not in pulled.read(PATH)
    assert pulled.push().exit == 3
    assert live.version("alpha") == 2
    assert pulled.pull().exit == 0
    assert pulled.push().exit == 0
    found = live.skill("alpha")
    assert "ONE remotely" in found["body"]
    assert found["contents"] == {"notes.md": "NOTES remotely"}
    assert ("THREE here" in found["body"]) == ("THREE here" in pulled.read(PATH))


# ---------------------------------------------------------------- the ordinary days


def nothing_else(clone: Clone) -> None:
    edit_in_the_same_place(clone)


def stash_and_pop(clone: Clone) -> None:
    clone.git("stash", "-q")
    clone.git("stash", "pop", "-q", "--index")
    edit_in_the_same_place(clone)


def stash_and_apply(clone: Clone) -> None:
    """The stash is still there, but so is everything that is in it."""
    clone.git("stash", "-q")
    clone.git("stash", "apply", "-q", "--index")
    edit(clone)


def committed_whole_and_taken_back(clone: Clone) -> None:
    clone.commit("too early")
    clone.git("reset", "-q", "--soft", "HEAD^")
    edit_in_the_same_place(clone)


def another_branch_edits_the_skill_too(clone: Clone) -> None:
    clone.git("worktree", "add", "-q", "../beside", "side")
    beside = Clone(clone.live, clone.path.parent / "beside")
    beside.replace(PATH, "two\n", "TWO beside\n")
    beside.commit("beside")
    edit_in_the_same_place(clone)


def committed_by_somebody_else_with_their_own_pointer(clone: Clone) -> None:
    """Their line names the same version, written on another commit."""
    clone.git("worktree", "add", "-q", "../beside", "side")
    beside = Clone(clone.live, clone.path.parent / "beside")
    assert beside.pull().exit == 0
    beside.commit("pulled there, too")
    edit_in_the_same_place(clone)


def the_pointer_amended_with_an_edit(clone: Clone) -> None:
    clone.git("commit", "-q", "-m", "files", "--", PATH, NOTES)
    edit(clone)
    clone.git("add", "-A")
    clone.git("commit", "-q", "--amend", "-m", "files, pointer and more")


def squashed(clone: Clone) -> None:
    """Files alone, then the pointer with an edit; main gets both in one commit, and the branch stays."""
    clone.git("switch", "-q", "-c", "feature")
    clone.git("commit", "-q", "-m", "files", "--", PATH, NOTES)
    edit(clone)
    clone.commit("pointer and more")
    clone.git("switch", "-q", "main")
    clone.git("merge", "-q", "--squash", "feature")
    clone.commit("squashed")


@pytest.mark.parametrize(
    "day",
    [
        nothing_else,
        stash_and_pop,
        stash_and_apply,
        committed_whole_and_taken_back,
        another_branch_edits_the_skill_too,
        committed_by_somebody_else_with_their_own_pointer,
        the_pointer_amended_with_an_edit,
        squashed,
    ],
    ids=lambda one: one.__name__,
)
def test_an_edit_of_what_was_pulled_is_published(
    pulled: Clone, live: Live, day: Callable[[Clone], None]
) -> None:
    day(pulled)
    report = pulled.push()
    assert report.exit == 0, report
    assert live.version("alpha") == 3
    assert "ONE remotely" in live.skill("alpha")["body"]


def test_git_is_asked_once_about_what_is_elsewhere(
    solo: Clone, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at all for what is as it was pushed, and once for all that was edited since."""
    for number in range(5):
        solo.skill(f"skill-{number}", BODY)
    assert solo.push().exit == 0
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    assert solo.status().is_clean
    assert trace.read_text().count("--reflog") == 0
    for number in range(5):
        solo.replace(f"skills/skill-{number}/SKILL.md", "one\n", "ONE\n")
    assert len(solo.status().lines) == 5
    assert trace.read_text().count("--reflog") == 1


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
def test_a_pointer_that_a_push_of_another_branch_left_is_not_believed(
    solo: Clone, live: Live
) -> None:
    """P23: the files were clean there, so that the line alone comes along, and a commit of all takes it in."""
    solo.skill("alpha", BODY)
    solo.commit("first")
    assert solo.push().exit == 0
    solo.commit("published")
    solo.git("switch", "-q", "-c", "other")
    solo.replace(PATH, "one\n", "ONE on other\n")
    solo.commit("other")
    assert solo.push().exit == 0
    solo.git("switch", "-q", "main")
    edit(solo)
    solo.git("commit", "-q", "-a", "-m", "with the line of other")
    assert " v1 " not in solo.read(f"{FOLDER}/.skillsync")
    report = solo.push()
    assert report.exit == 3, report
    assert "ONE on other" in live.skill("alpha")["body"]
    assert solo.pull().exit == 0
    solo.commit("pulled")
    assert solo.push().exit == 0
    assert live.skill("alpha")["body"] == "ONE on other\n\ntwo\n\nTHREE here"
