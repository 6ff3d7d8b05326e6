"""What was published without a commit, and then thrown away here, is not undone by the next push (design.md 3)."""

from __future__ import annotations

import shutil

import pytest

from tests.sync.harness import Clone, Live

BOTH_DIALECTS = True

PATH = "skills/alpha/SKILL.md"


def texts(clone: Clone, *bodies: str) -> None:
    """Commit one text after the other."""
    for body in bodies:
        clone.skill("alpha", f"{body}\n")
        clone.commit(body)


def test_a_revert_that_created_the_skill(solo: Clone, live: Live) -> None:
    """Its text is in history, so that nothing but the push itself says that it undid the text of HEAD."""
    texts(solo, "first", "second")
    solo.skill("alpha", "first\n")
    assert solo.push().exit == 0
    made = live.version("alpha")
    solo.git("reset", "-q", "--hard")
    assert solo.push().exit != 0
    assert (live.version("alpha"), live.skill("alpha")["body"]) == (made, "first")


def test_a_revert_that_followed_what_the_pointer_names(solo: Clone, live: Live) -> None:
    texts(solo, "first")
    assert solo.push().exit == 0
    solo.commit("pointer")
    texts(solo, "second", "third")
    solo.skill("alpha", "second\n")
    assert solo.push().exit == 0
    made = live.version("alpha")
    solo.git("reset", "-q", "--hard")
    report = solo.push()
    assert (report.exit, live.version("alpha")) == (3, made)
    assert live.skill("alpha")["body"] == "second"


def test_what_was_committed_or_edited_since_goes_on(solo: Clone, live: Live) -> None:
    """No needless block: neither over an edit that was published before its commit, nor beside it."""
    texts(solo, "first", "second")
    solo.skill("alpha", "first\n")
    assert solo.push().exit == 0
    solo.skill("alpha", "first, edited\n")
    assert solo.push().exit == 0
    solo.commit("edited")
    texts(solo, "more")
    solo.git("rm", "-q", "--cached", "skills/alpha/.skillsync")
    (solo.path / "skills/alpha/.skillsync").unlink()
    solo.commit("the pointer is lost")
    assert solo.push().exit == 0
    assert live.skill("alpha")["body"] == "more"


def test_only_what_head_has_otherwise_is_remembered(solo: Clone) -> None:
    def remembered() -> str:
        return solo.git("for-each-ref", "--format=%(refname)", "refs/skillsync/pushed")

    texts(solo, "first")
    assert solo.push().exit == 0
    assert remembered() == ""
    solo.skill("alpha", "second\n")
    solo.write("skills/alpha/run.sh", "echo\n", executable=True)
    assert solo.push().exit == 0
    ref = remembered()
    assert solo.git("show", f"{ref}:{PATH}") == solo.read(PATH).strip()
    assert solo.git("ls-tree", ref, "skills/alpha/run.sh").startswith("100755 blob")
    assert solo.git("ls-tree", ref, "skillsync.toml") != ""
    assert solo.git("rev-parse", f"{ref}^") == solo.head()


def test_a_clone_that_lost_its_own_pointer_only_goes_on(solo: Clone, live: Live) -> None:
    """The push was made from a commit: the text that follows it was written upon it."""
    texts(solo, "first", "second")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    shutil.rmtree(solo.path / ".git/skillsync")
    texts(solo, "third")
    assert solo.push().exit == 0
    assert live.skill("alpha")["body"] == "third"


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_folder_that_was_moved_since_says_no_less(
    solo: Clone, live: Live, is_committed: bool
) -> None:
    """Moving the folder alone is nothing (design.md 2)."""
    texts(solo, "first")
    assert solo.push().exit == 0
    solo.commit("pointer")
    texts(solo, "second", "third")
    solo.skill("alpha", "second\n")
    assert solo.push().exit == 0
    made = live.version("alpha")
    solo.git("reset", "-q", "--hard")
    solo.git("mv", "skills/alpha", "skills/moved")
    if is_committed:
        solo.commit("moved")
    report = solo.push()
    assert (report.exit, live.version("alpha")) == (3, made)
    assert live.skill("alpha")["body"] == "second"


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_folder_without_a_pointer_that_was_moved_since_says_no_less(
    solo: Clone, live: Live, is_committed: bool
) -> None:
    texts(solo, "first", "second")
    solo.skill("alpha", "first\n")
    assert solo.push().exit == 0
    made = live.version("alpha")
    solo.git("reset", "-q", "--hard")
    solo.git("mv", "skills/alpha", "skills/moved")
    if is_committed:
        solo.commit("moved")
    assert solo.push().exit != 0
    assert (live.version("alpha"), live.skill("alpha")["body"]) == (made, "first")
