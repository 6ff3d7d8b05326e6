"""A name that one skill gave up and another one got: what is here under it is not what the server has (S5, S19, S20)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skillsync.errors import UsageError
from skillsync.sync.resolve import Choice
from tests.sync.harness import LIVES, Clone, Live, outcome

MINE = "what alpha says\n"
THEIRS = "what beta says\n"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    server = LIVES["current"](tmp_path)  # the seed's servers cannot rename a skill
    yield server
    server.close()


def both(clone: Clone) -> Clone:
    """Alpha and beta, published and committed; solo clones have their pointers."""
    clone.skill("alpha", MINE)
    clone.skill("beta", THEIRS)
    clone.skill("other")
    clone.commit("three skills")
    assert clone.push().exit == 0
    clone.commit("pointers")
    return clone


def is_untouched(live: Live, number: int) -> bool:
    """Whether the skill that was beta is on the server as it was, under the name that it was given."""
    there = live.skill("alpha")
    return (there["version"], there["body"]) == (number, THEIRS.strip())


@pytest.mark.parametrize("names", [(), ("alpha",), ("skills/alpha",)])
@pytest.mark.parametrize("beta", ["is here", "was removed", "lost its pointer"])
def test_what_was_archived_is_not_published_over_the_skill_that_got_its_name(
    solo: Clone, live: Live, names: tuple[str, ...], beta: str
) -> None:
    """What was taken in of beta says nothing about the folder of alpha, whose line names another skill."""
    both(solo)
    before = live.version("beta")
    live.archive("alpha")
    live.rename("beta", "alpha")
    if beta == "was removed":
        solo.git("rm", "-rq", "skills/beta")
        solo.commit("no beta")
    elif beta == "lost its pointer":
        solo.git("rm", "-q", "skills/beta/.skillsync")
        solo.commit("no pointer")
    report = solo.push(*names)
    assert is_untouched(live, before), report
    found = outcome(report, "alpha")
    assert (found.exit, found.row) == ((0, "S15") if beta == "is here" else (4, "S19"))


def test_a_new_skill_is_not_published_over_one_that_got_its_name(solo: Clone, live: Live) -> None:
    """S5: nothing of it was ever there, and what is there now was taken in by another folder."""
    both(solo)
    before = live.version("beta")
    live.archive("alpha")
    solo.git("rm", "-rq", "skills/alpha")
    solo.commit("no alpha")
    live.rename("beta", "alpha")
    solo.skill("alpha", "a new one\n")
    (solo.path / "skills/alpha").rename(solo.path / "skills/fresh")
    for names in ((), ("alpha",)):
        report = solo.push(*names)
        assert is_untouched(live, before), report
        assert outcome(report, "alpha").code == "E-EDITED-BUT-ARCHIVED"
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    found = outcome(solo.push(), "alpha")
    assert (found.exit, found.code) == (1, "E-RENAMED")
    assert "the skill of another folder here" in found.message
    assert is_untouched(live, before)


def test_a_job_does_not_publish_over_the_skill_that_got_a_name(team: Clone, live: Live) -> None:
    """Without any pointer: the marker names a commit whose folder of that name holds another text."""
    team.skill("alpha", MINE)
    team.skill("beta", THEIRS)
    team.skill("other")
    team.commit("three skills")
    assert team.push().exit == 0
    before = live.version("beta")
    live.archive("alpha")
    live.rename("beta", "alpha")
    team.replace("skills/alpha/SKILL.md", MINE, "what alpha says now\n")
    team.commit("an edit")
    for names in ((), ("alpha",)):
        assert team.push(*names).exit == 4
        assert is_untouched(live, before)


def test_a_pull_says_which_folder_is_in_the_way(solo: Clone, live: Live) -> None:
    """S20: another folder bears the name already; others are renamed all the same, and say nothing of it."""
    both(solo)
    live.archive("alpha")
    live.rename("beta", "alpha")
    live.rename("other", "another")
    report = solo.pull()
    found = outcome(report, "beta")
    assert (found.exit, found.row) == (1, "S20")
    assert "skills/alpha is a skill of that name here" in found.message
    assert "skills/alpha" in found.fix
    assert outcome(report, "other").did == "renamed to another, as on the server"
    assert outcome(report, "alpha").row == "S15"
    assert outcome(solo.pull("alpha", prune=True), "alpha").did.startswith("removed locally")
    assert solo.pull().exit == 0
    assert THEIRS in solo.read("skills/alpha/SKILL.md")


def test_a_pull_follows_renames_that_make_room_for_each_other(solo: Clone, live: Live) -> None:
    """Whatever order they are looked at in: beta's name is free once beta is gamma."""
    both(solo)
    live.rename("beta", "gamma")
    live.rename("alpha", "beta")
    assert solo.pull().exit == 0
    assert THEIRS in solo.read("skills/gamma/SKILL.md")
    assert MINE in solo.read("skills/beta/SKILL.md")
    assert solo.status().is_clean
    assert solo.push().exit == 0
    assert live.skill("beta")["body"] == MINE.strip()


def named(clone: Clone, folder: str, old: str, new: str) -> None:
    clone.replace(f"skills/{folder}/SKILL.md", f"name: {old}\n", f"name: {new}\n")


def test_names_that_move_on_are_changed_on_the_server_in_an_order_that_is_free(
    solo: Clone, live: Live
) -> None:
    """S21: alpha becomes beta, and beta gamma."""
    both(solo)
    named(solo, "beta", "beta", "gamma")
    named(solo, "alpha", "alpha", "beta")
    assert solo.push().exit == 0
    assert (live.skill("beta")["body"], live.skill("gamma")["body"]) == (
        MINE.strip(),
        THEIRS.strip(),
    )


def test_names_that_are_exchanged_go_by_way_of_a_third(solo: Clone, live: Live) -> None:
    """The server renames one at a time; what is said is enough to go on."""
    both(solo)
    named(solo, "beta", "beta", "alpha")
    named(solo, "alpha", "alpha", "beta")
    report = solo.push()
    assert report.exit == 5
    for name in ("alpha", "beta"):
        found = outcome(report, name)
        assert (found.code, found.row) == ("E-RENAMED", "S21")
        assert f"another skill named '{name}'" in found.message
        assert "set `name:` to one that is free" in found.fix
    named(solo, "alpha", "beta", "third")
    assert solo.push().exit == 0
    solo.commit("by way of a third")
    named(solo, "alpha", "third", "beta")
    assert solo.push().exit == 0
    assert (live.skill("beta")["body"], live.skill("alpha")["body"]) == (
        MINE.strip(),
        THEIRS.strip(),
    )
    assert solo.status().is_clean


@pytest.mark.parametrize("names", [(), ("alpha",)])
@pytest.mark.parametrize("is_committed", [True, False])
def test_a_new_skill_under_the_old_name_of_one_that_was_renamed_here_is_a_new_one(
    solo: Clone, live: Live, names: tuple[str, ...], is_committed: bool
) -> None:
    """S21 and S2: what was published from a folder of that name, by its marker too, is the renamed skill's."""
    both(solo)
    solo.git("mv", "skills/alpha", "skills/gamma")
    named(solo, "gamma", "alpha", "gamma")
    solo.skill("alpha", "a fresh one\n")
    if is_committed:
        solo.commit("renamed")
    report = solo.push(*names)
    if names:
        assert outcome(report, "alpha").code == "E-RENAMED"
        assert live.skill("alpha")["body"] == MINE.strip()
        report = solo.push()
    assert report.exit == 0, report
    assert (live.skill("alpha")["body"], live.skill("gamma")["body"]) == (
        "a fresh one",
        MINE.strip(),
    )
    assert solo.status().is_clean


def test_a_folder_that_was_renamed_is_not_also_deleted(solo: Clone, live: Live) -> None:
    """S20: until it is committed, HEAD has the pointer in the old place; that name may be another skill's by now."""
    both(solo)
    live.rename("alpha", "gamma")
    live.create("alpha", body="somebody's")
    report = solo.pull()
    assert report.exit == 0, report
    assert MINE in solo.read("skills/gamma/SKILL.md")
    assert "somebody's" in solo.read("skills/alpha/SKILL.md")
    found = solo.status()
    assert found.is_clean
    assert not any("alpha" in note for note in found.notes)
    assert solo.push().exit == 0


def test_a_folder_that_was_moved_and_edited_keeps_its_pointer(solo: Clone, live: Live) -> None:
    """Moving the folder alone is nothing (design.md 2), and what HEAD has said of it elsewhere counts as before."""
    both(solo)
    before = live.version("alpha")
    solo.commit("later")
    solo.git("mv", "skills/alpha", "skills/moved")
    assert solo.status().is_clean
    solo.replace("skills/moved/SKILL.md", MINE, "edited\n")
    found = solo.status()
    assert [(line.row, line.did) for line in found.lines] == [("S8", "changed here")]
    assert not any("ignored" in note for note in found.notes)
    assert solo.push().exit == 0
    assert live.version("alpha") == before + 1


def test_a_name_that_both_sides_changed_is_not_resolved_by_a_side(solo: Clone, live: Live) -> None:
    """S22: what `conflicts` lists is known to `resolve`, and both say the same next step."""
    both(solo)
    named(solo, "alpha", "alpha", "gamma")
    live.rename("alpha", "delta")
    [found] = solo.conflicts()
    with pytest.raises(UsageError) as caught:
        solo.resolve("gamma", Choice.REMOTE)
    assert "renamed on both sides" in caught.value.message
    assert caught.value.hint == found.fix


@pytest.mark.parametrize("names", [(), ("alpha",)])
def test_a_new_skill_under_a_name_that_was_given_up_on_both_sides_is_not_the_renamed_one(
    solo: Clone, live: Live, names: tuple[str, ...]
) -> None:
    """S20: the renamed skill is that of the folder whose own line names it, whatever that is called here by now."""
    both(solo)
    live.rename("alpha", "epsilon")
    (solo.path / "skills/alpha").rename(solo.path / "skills/gamma")
    named(solo, "gamma", "alpha", "gamma")
    solo.skill("alpha", "a fresh one\n")
    for run in (solo.pull, solo.push, solo.pull, solo.push):
        run(*names)
    assert live.skill("epsilon")["body"] == MINE.strip()
    assert "a fresh one" in solo.read("skills/alpha/SKILL.md")
