"""A conflict counts as settled by a decision alone: whatever else git does to it, no version is taken in."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from skillsync.errors import GitFailed, InvalidContent
from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, begin, outcome

PATH = "skills/alpha/SKILL.md"
NOTES = "skills/alpha/notes.md"
POINTER = "skills/alpha/.skillsync"
RECORD = ".git/skillsync/conflicts/alpha.json"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


@pytest.fixture
def torn(solo: Clone, live: Live) -> Clone:
    """Line three in conflict; line five of the same file and all of notes.md edited by the remote alone."""

    def make() -> None:
        solo.skill("alpha", BODY)
        solo.write(NOTES, "n1\n")
        assert solo.push().exit == 0
        solo.commit("published")
        solo.git("branch", "elsewhere")
        live.edit(
            "alpha",
            body=BODY.replace("three", "THREE remotely").replace("five", "FIVE remotely"),
            files=[{"path": "notes.md", "content": "N1 remotely", "content_type": "text/markdown"}],
        )
        solo.replace(PATH, "three\n", "THREE locally\n")
        solo.commit("local edit")
        assert solo.pull().exit == 4
        assert solo.read(NOTES) == "N1 remotely\n"

    begin(solo, "torn", make)
    return solo


def pointer_number(clone: Clone) -> int:
    return int(clone.read(POINTER).split()[1].removeprefix("v"))


def settled_text(clone: Clone) -> None:
    clone.write(
        PATH,
        f"---\nname: alpha\ndescription: Does alpha.\n---\n\n{BODY}".replace(
            "three", "THREE of both"
        ).replace("five", "FIVE remotely"),
    )


# ---------------------------------------------------------------- thrown away with git


def reset_hard(clone: Clone) -> None:
    clone.git("reset", "-q", "--hard")


def reset_merge(clone: Clone) -> None:
    clone.git("reset", "-q", "--merge")


def forced_switch(clone: Clone) -> None:
    clone.git("switch", "-q", "--discard-changes", "elsewhere")


def checkout_of_the_file_as_head_has_it(clone: Clone) -> None:
    clone.git("checkout", "-q", "HEAD", "--", PATH)


def checkout_of_everything_as_head_has_it(clone: Clone) -> None:
    clone.git("checkout", "-q", "HEAD", "--", ".")


def restore_from_head(clone: Clone) -> None:
    clone.git("restore", "--source=HEAD", "--staged", "--worktree", PATH)


def reset_of_the_file_then_checkout(clone: Clone) -> None:
    clone.git("reset", "-q", "--", PATH)
    clone.git("checkout", "-q", "--", PATH)


def committed_with_markers_then_the_file_of_the_parent(clone: Clone) -> None:
    clone.git("commit", "-q", "-a", "-m", "with markers")
    clone.git("checkout", "-q", "HEAD^", "--", PATH)


def added_then_stashed(clone: Clone) -> None:
    settled_text(clone)
    clone.git("add", PATH)
    clone.git("stash", "-q")


def committed_then_reset_to_the_parent(clone: Clone) -> None:
    settled_text(clone)
    clone.git("commit", "-q", "-a", "-m", "resolved")
    clone.git("reset", "-q", "--hard", "HEAD^")


def the_clean_file_restored_then_added(clone: Clone) -> None:
    """The conflict itself is decided, but what merged cleanly beside it was put back."""
    clone.git("checkout", "-q", "HEAD", "--", NOTES)
    settled_text(clone)
    clone.git("add", PATH)


@pytest.mark.parametrize(
    "away",
    [
        reset_hard,
        reset_merge,
        forced_switch,
        checkout_of_the_file_as_head_has_it,
        checkout_of_everything_as_head_has_it,
        restore_from_head,
        reset_of_the_file_then_checkout,
        committed_with_markers_then_the_file_of_the_parent,
        added_then_stashed,
        committed_then_reset_to_the_parent,
        the_clean_file_restored_then_added,
    ],
    ids=lambda one: one.__name__,
)
def test_what_was_thrown_away_with_git_takes_nothing_in(
    torn: Clone, live: Live, away: Callable[[Clone], None]
) -> None:
    """The old text is there again: nothing is published over the remote's edits, and pull brings all of them back."""
    away(torn)
    report = torn.push()
    assert report.exit == (0 if away is forced_switch else 3), report
    assert any("thrown away" in note for note in report.notes)
    assert live.version("alpha") == 2
    assert pointer_number(torn) == 1
    torn.pull()
    assert "FIVE remotely" in torn.read(PATH)
    assert torn.read(NOTES) == "N1 remotely\n"


def test_a_conflict_that_git_made_again_is_open_again(torn: Clone, live: Live) -> None:
    """`git checkout --merge` after `git add` writes markers with other labels; they count like ours."""
    settled_text(torn)
    torn.git("add", PATH)
    torn.git("checkout", "-q", "--merge", PATH)
    assert "<<<<<<< ours" in torn.read(PATH)
    torn.git("add", PATH)
    for run in (torn.push, torn.pull):
        assert run().exit == 4
    with pytest.raises(InvalidContent):
        torn.resolve("alpha")
    assert pointer_number(torn) == 1
    assert torn.resolve("alpha", Choice.REMOTE).exit == 0
    assert "THREE remotely" in torn.read(PATH)
    assert "<<<<" not in torn.read(PATH)
    assert "FIVE remotely" in torn.read(PATH)


def test_a_file_that_was_put_back_can_be_kept_by_word(torn: Clone, live: Live) -> None:
    """Naming the object is a decision about all of it."""
    torn.git("checkout", "-q", "HEAD", "--", NOTES)
    settled_text(torn)
    assert torn.resolve("alpha").exit == 0
    assert pointer_number(torn) == 2
    assert torn.push().exit == 0
    assert live.skill("alpha")["contents"] == {"notes.md": "n1"}


def test_one_decided_file_is_not_decided_again_by_a_word_for_the_rest(
    torn: Clone, live: Live
) -> None:
    settled_text(torn)
    torn.git("add", PATH)
    torn.git("checkout", "-q", "HEAD", "--", NOTES)
    torn.write(NOTES, "n1, kept\n")
    assert torn.resolve("alpha", Choice.REMOTE).exit == 0
    assert "THREE remotely" in torn.read(PATH)


# ---------------------------------------------------------------- a crash in the middle


def failing_git(clone: Clone, run: Callable[[], Report]) -> None:
    """Run a command that dies when it comes to git's index, as after a crash of another git."""
    lock = clone.path / ".git/index.lock"
    lock.write_bytes(b"")
    with pytest.raises(GitFailed):
        run()
    lock.unlink()


@pytest.mark.parametrize("then", ["added", "stages ended", "again"])
def test_an_abort_that_died_half_way_settles_nothing(torn: Clone, live: Live, then: str) -> None:
    """The files are back; whatever becomes of the stages is no decision (P6)."""
    failing_git(torn, lambda: torn.resolve("alpha", Choice.ABORT))
    assert "THREE locally" in torn.read(PATH)
    assert "<<<<" not in torn.read(PATH)
    assert torn.push().exit == 4
    record = (torn.path / RECORD).read_bytes()
    if then == "added":
        torn.git("add", PATH, NOTES)
    else:
        assert torn.resolve("alpha", Choice.ABORT).exit == 0
        if then == "stages ended":  # and then it died before it forgot the record
            (torn.path / RECORD).write_bytes(record)
    assert torn.push().exit == 3
    assert live.version("alpha") == 2
    assert pointer_number(torn) == 1
    assert torn.git("ls-files", "-u") == ""
    assert not (torn.path / RECORD).exists()


def test_an_abort_that_died_can_be_followed_by_a_decision(torn: Clone, live: Live) -> None:
    failing_git(torn, lambda: torn.resolve("alpha", Choice.ABORT))
    assert torn.resolve("alpha", Choice.REMOTE).exit == 0
    assert "THREE remotely" in torn.read(PATH)
    assert torn.read(NOTES) == "N1 remotely\n"
    assert pointer_number(torn) == 2
    assert torn.push().exit == 0


def test_a_word_that_died_before_the_pointer_is_no_excuse_for_a_reset(
    torn: Clone, live: Live
) -> None:
    """Settled by word, but the pointer was never written: then the files are thrown away."""
    failing_git(torn, lambda: torn.resolve("alpha", Choice.REMOTE))
    assert pointer_number(torn) == 1
    torn.git("reset", "-q", "--hard")
    assert torn.push().exit == 3
    assert live.version("alpha") == 2
    assert pointer_number(torn) == 1


def test_abort_brings_back_modes(solo: Clone, live: Live, tmp_path: object) -> None:
    solo.skill("alpha", BODY)
    solo.write("skills/alpha/run.sh", "echo\n", executable=True)
    assert solo.push().exit == 0
    solo.commit("published")
    carried = live.skill("alpha")["metadata"]["skillsync"]
    live.edit("alpha", metadata={"skillsync": carried.replace('["run.sh"]', "[]")})
    live.edit_body("alpha", "three", "THREE remotely")
    solo.replace(PATH, "three\n", "THREE locally\n")
    assert solo.pull().exit == 4
    mode = (solo.path / "skills/alpha/run.sh").stat().st_mode
    assert solo.resolve("alpha", Choice.ABORT).exit == 0
    assert (solo.path / "skills/alpha/run.sh").stat().st_mode & 0o111
    assert not mode & 0o111


def test_deleting_the_record_of_an_aborting_conflict_loses_nothing(torn: Clone, live: Live) -> None:
    failing_git(torn, lambda: torn.resolve("alpha", Choice.ABORT))
    shutil.rmtree(torn.path / ".git/skillsync")
    report = torn.push()
    assert outcome(report, "alpha").exit == 1
    assert live.version("alpha") == 2
