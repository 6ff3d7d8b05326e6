"""Settling a skill's conflict by a word: as it is, one side, both, or everything undone; whole or by file."""

from __future__ import annotations

import pytest

from skillsync.errors import InvalidContent, UsageError
from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, first_push, outcome

BOTH_DIALECTS = True

PATH = "skills/alpha/SKILL.md"
NOTES = "skills/alpha/notes.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n"


def in_conflict(clone: Clone, live: Live) -> dict[str, bytes]:
    """Body and notes edited on both sides, the description remotely; returns the files before the pull."""
    clone.skill("alpha", BODY)
    clone.write(NOTES, "n1\n\nn2\n\nn3\n")
    first_push(clone)
    live.edit(
        "alpha",
        description="Remote words.",
        body="one\n\ntwo remotely\n\nthree",
        files=[{"path": "notes.md", "content": "n1\n\nn2 remotely\n\nn3", "content_type": "text/markdown"}],
    )  # fmt: skip
    clone.replace(PATH, "two\n", "two locally\n")
    clone.replace(NOTES, "n2\n", "n2 locally\n")
    before = clone.files()
    assert clone.pull().exit == 4
    assert set(clone.git("diff", "--name-only", "--diff-filter=U").split()) == {PATH, NOTES}
    return before


def pointer_number(clone: Clone) -> int:
    return int(clone.read(POINTER).split()[1].removeprefix("v"))


@pytest.mark.parametrize(
    ("choice", "body", "notes"),
    [
        (Choice.LOCAL, "two locally\n", "n2 locally\n"),
        (Choice.REMOTE, "two remotely\n", "n2 remotely\n"),
        (Choice.UNION, "two locally\ntwo remotely\n", "n2 locally\nn2 remotely\n"),
    ],
)
def test_the_whole_skill_by_one_word(
    solo: Clone, live: Live, choice: Choice, body: str, notes: str
) -> None:
    """Clean parts stay merged, the pointer moves, git is at peace, and the result can be published."""
    in_conflict(solo, live)
    report = solo.resolve("alpha", choice)
    assert report.exit == 0
    assert solo.read(PATH).endswith(f"one\n\n{body}\nthree\n")
    assert solo.read(NOTES) == f"n1\n\n{notes}\nn3\n"
    assert "Remote words." in solo.read(PATH)
    assert pointer_number(solo) == 2
    assert solo.git("ls-files", "-u") == ""
    assert solo.push().exit == 0
    assert live.version("alpha") == (2 if choice is Choice.REMOTE else 3)
    assert solo.status().is_clean


def test_as_it_is_is_refused_while_markers_are_in_any_file(solo: Clone, live: Live) -> None:
    in_conflict(solo, live)
    solo.write(PATH, solo.git("show", f":2:{PATH}") + "\n")
    shown = solo.files()
    with pytest.raises(InvalidContent) as caught:
        solo.resolve("alpha")
    assert caught.value.path == NOTES
    assert caught.value.hint
    assert solo.files() == shown
    assert solo.pull().exit == 4


def test_as_it_is_takes_the_files_as_they_are(solo: Clone, live: Live) -> None:
    in_conflict(solo, live)
    solo.skill("alpha", "rewritten\n")
    solo.write(NOTES, "rewritten, too\n")
    assert solo.resolve("alpha").exit == 0
    assert pointer_number(solo) == 2
    assert solo.push().exit == 0
    assert live.skill("alpha")["body"] == "rewritten"


def test_file_by_file_the_pointer_waits_for_the_last(solo: Clone, live: Live) -> None:
    """P6: a version is taken in only when every unit is settled."""
    in_conflict(solo, live)
    report = solo.resolve("alpha:notes.md", Choice.REMOTE)
    assert report.exit == 0
    assert PATH in report.outcomes[0].did
    assert solo.read(NOTES) == "n1\n\nn2 remotely\n\nn3\n"
    assert "<<<<<<< local" in solo.read(PATH)
    assert pointer_number(solo) == 1
    assert solo.push().exit != 0
    assert live.version("alpha") == 2
    assert solo.resolve("alpha:SKILL.md", Choice.LOCAL).exit == 0
    assert pointer_number(solo) == 2
    assert "two locally" in solo.read(PATH)
    assert solo.push().exit == 0


def test_one_file_by_word_and_the_other_with_git(solo: Clone, live: Live) -> None:
    in_conflict(solo, live)
    solo.git("checkout", "--theirs", PATH)
    solo.git("add", PATH)
    assert solo.push().exit == 4
    assert pointer_number(solo) == 1
    assert solo.resolve("alpha:notes.md", Choice.LOCAL).exit == 0
    assert pointer_number(solo) == 2


def test_throwing_away_the_rest_with_git_forgets_the_half_that_was_settled(
    solo: Clone, live: Live
) -> None:
    in_conflict(solo, live)
    solo.resolve("alpha:notes.md", Choice.REMOTE)
    solo.git("reset", "-q", "--hard")
    solo.replace(PATH, "one\n", "ONE\n")
    assert solo.push().exit == 3
    assert pointer_number(solo) == 1


def test_abort_brings_back_the_files_as_before_the_pull(solo: Clone, live: Live) -> None:
    before = in_conflict(solo, live)
    assert solo.resolve("alpha", Choice.ABORT).exit == 0
    assert solo.files() == before
    assert solo.git("ls-files", "-u") == ""
    assert solo.push().exit == 3
    assert solo.pull().exit == 4


def test_abort_after_the_whole_thing_was_edited_keeps_a_rescue_copy(
    solo: Clone, live: Live
) -> None:
    from skillsync.repo.rescue import Rescue

    before = in_conflict(solo, live)
    solo.write(PATH, "half a resolution")
    solo.resolve("alpha", Choice.ABORT)
    assert solo.files() == before
    rescue = Rescue(solo.workspace.repo)
    assert b"half a resolution" in [
        rescue.show(copy.id, file.path) for copy in rescue.list() for file in rescue.files(copy.id)
    ]


def test_a_side_keeps_edits_outside_the_markers(solo: Clone, live: Live) -> None:
    """What somebody wrote while resolving is not thrown away with the other side."""
    in_conflict(solo, live)
    solo.replace(PATH, "three\n", "three, and more\n")
    assert solo.resolve("alpha", Choice.REMOTE).exit == 0
    text = solo.read(PATH)
    assert "three, and more" in text
    assert "two remotely" in text


def test_union_of_values_is_refused(solo: Clone, live: Live) -> None:
    """Two values of one key, one after the other, would be no valid frontmatter."""
    solo.skill("alpha", BODY)
    solo.push()
    solo.commit()
    live.edit("alpha", description="Remote.")
    solo.replace(PATH, "Does alpha.", "Local.")
    assert solo.pull().exit == 4
    shown = solo.files()
    with pytest.raises(UsageError):
        solo.resolve("alpha", Choice.UNION)
    assert solo.files() == shown
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0


def test_what_is_not_in_conflict_cannot_be_resolved(solo: Clone, live: Live) -> None:
    in_conflict(solo, live)
    for name in ("alpha:other.md", "alpah", "nothing:SKILL.md"):
        with pytest.raises(UsageError) as caught:
            solo.resolve(name, Choice.LOCAL)
        assert caught.value.exit_code == 2


def test_resolving_twice_is_an_error_that_changes_nothing(solo: Clone, live: Live) -> None:
    in_conflict(solo, live)
    solo.resolve("alpha", Choice.LOCAL)
    settled = solo.files()
    with pytest.raises(UsageError):
        solo.resolve("alpha", Choice.REMOTE)
    assert solo.files() == settled


def test_after_git_add_resolve_only_writes_the_pointer(solo: Clone, live: Live) -> None:
    """Stages that `git add` cleared count as resolved by the next resolve, too."""
    in_conflict(solo, live)
    solo.skill("alpha", "mine\n")
    solo.write(NOTES, "mine\n")
    solo.git("add", PATH, NOTES)
    solo.resolve("alpha")
    assert pointer_number(solo) == 2
    assert solo.read(NOTES) == "mine\n"


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("deleted", ["local", "remote"])
def test_deletion_against_edit_of_a_file(
    solo: Clone, live: Live, deleted: str, *, keep: bool
) -> None:
    """F13 and F14: the edited text stays on disk until a person chooses; both choices can be published."""
    solo.skill("alpha", BODY)
    solo.write(NOTES, "n1\n")
    solo.push()
    solo.commit()
    edited = {"path": "notes.md", "content": "n1 edited", "content_type": "text/markdown"}
    if deleted == "local":
        (solo.path / NOTES).unlink()
        live.edit("alpha", files=[edited])
    else:
        live.edit("alpha", files=[])
        solo.write(NOTES, "n1 edited\n")
    report = solo.pull()
    assert report.exit == 4
    assert [one.unit for one in outcome(report, "alpha").conflicts] == ["notes.md"]
    assert solo.read(NOTES) == "n1 edited\n"
    assert solo.git("ls-files", "-u").count("\n") == 1
    if keep:
        choice = Choice.REMOTE if deleted == "local" else Choice.LOCAL
    else:
        choice = Choice.LOCAL if deleted == "local" else Choice.REMOTE
    assert solo.resolve("alpha", choice).exit == 0
    assert (solo.path / NOTES).exists() == keep
    assert solo.push().exit == 0
    assert list(live.skill("alpha")["contents"].values()) == (["n1 edited"] if keep else [])
    assert solo.status().is_clean


def test_a_deletion_settled_with_git_rm(solo: Clone, live: Live) -> None:
    solo.skill("alpha", BODY)
    solo.write(NOTES, "n1\n")
    solo.push()
    solo.commit()
    live.edit("alpha", files=[])
    solo.write(NOTES, "n1 edited\n")
    assert solo.pull().exit == 4
    solo.git("rm", "-q", NOTES)
    assert solo.push().exit == 0
    assert pointer_number(solo) == 2
    assert live.version("alpha") == 2
