"""restore: an old version's content becomes the latest again, here and there, and nobody's edit goes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.errors import GitFailed, NotFound, RefusedForSafety, UsageError
from skillsync.repo.rescue import Rescue
from skillsync.sync.report import Report
from skillsync.sync.restore import RestoreRequest, restore
from tests.sync.crash import Process, copied, every, reborn, spread
from tests.sync.harness import Clone, Live, first_push, outcome

BOTH_DIALECTS = True

PATH = "skills/alpha/SKILL.md"


def restored(clone: Clone, number: int, name: str = "alpha", **how: Any) -> Report:
    request = RestoreRequest(name, number, clock=clone.clock, **how)
    return restore(clone.workspace, clone.target, clone.connect, request, writer=clone.writer())


def two_versions(clone: Clone) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Publish and commit two versions with files; returns the skill's files of each."""
    clone.skill("alpha", more="license: MIT # kept\n")
    clone.write("skills/alpha/old.txt", "old\n")
    first = skill_files(clone)
    first_push(clone, "one")
    clone.replace(PATH, "Step two.", "Step 2.")
    clone.write("skills/alpha/new.sh", "echo new\n", executable=True)
    (clone.path / "skills/alpha/old.txt").unlink()
    clone.push()
    clone.commit("two")
    return first, skill_files(clone)


def skill_files(clone: Clone) -> dict[str, bytes]:
    return {
        path: data
        for path, data in clone.files().items()
        if path.startswith("skills/alpha/") and ".skillsync" not in path
    }


def test_the_old_content_is_published_and_written_and_a_second_run_is_silent(
    live: Live, solo: Clone
) -> None:
    first, second = two_versions(solo)
    report = restored(solo, 1)
    assert report.exit == 0
    did = outcome(report, "alpha")
    assert did.did == "restored v1: published v3"
    assert did.message == "changes body, new.sh, old.txt"
    assert skill_files(solo) == first
    now = live.skill("alpha")
    assert (now["version"], now["body"].splitlines()[-1]) == (3, "Step two.")
    assert now["contents"] == {"old.txt": "old"}
    saved = {file.path for one in Rescue(solo.workspace.repo).list() for file in one.files}
    assert {PATH, "skills/alpha/new.sh"} <= saved
    assert solo.requests
    solo.requests.made.clear()
    assert solo.push().outcomes == []
    assert solo.pull().outcomes == []
    assert restored(solo, 1).outcomes[0].did == "v3 holds the content of v1 already"
    assert solo.requests.writes == []
    solo.commit("restored")
    assert restored(solo, 2).exit == 0
    assert skill_files(solo) == second


def test_the_base_is_named_in_the_request(live: Live, solo: Clone) -> None:
    two_versions(solo)
    sent: list[bytes] = []

    def remember(request: httpx.Request) -> None:
        if request.method == "PATCH":
            sent.append(request.read())

    assert solo.requests
    solo.requests.before = remember
    restored(solo, 1)
    (body,) = sent
    assert b'"base_version":2' in body.replace(b" ", b"")


def test_a_remote_edit_that_was_not_taken_in_is_never_replaced(live: Live, solo: Clone) -> None:
    two_versions(solo)
    live.edit_body("alpha", "Step one.", "Step one of the web.")
    before = solo.files()
    report = restored(solo, 1)
    assert report.exit == 3
    did = outcome(report, "alpha")
    assert (did.code, did.fix) == ("E-REMOTE-AHEAD", "skillsync pull alpha")
    assert "web" in did.message
    assert (live.version("alpha"), solo.files()) == (3, before)
    solo.pull()
    assert restored(solo, 1).exit == 0
    assert live.version("alpha") == 4


def test_a_net_zero_edit_of_the_remote_blocks_as_well(live: Live, solo: Clone) -> None:
    two_versions(solo)
    live.edit_body("alpha", "Step 2.", "Step X.")
    live.edit_body("alpha", "Step X.", "Step 2.")
    assert restored(solo, 1).exit == 3
    assert live.version("alpha") == 4


def test_an_edit_in_the_moment_of_the_publish_wins(live: Live, solo: Clone) -> None:
    _, second = two_versions(solo)
    assert solo.requests

    def race(request: httpx.Request) -> None:
        if request.method == "PATCH" and solo.requests:
            solo.requests.before = None
            live.edit_body("alpha", "Step one.", "Step of the web.")

    solo.requests.before = race
    report = restored(solo, 1)
    assert report.exit == 3
    assert "Step of the web." in live.skill("alpha")["body"]
    assert skill_files(solo) == second


def test_edits_that_were_never_published_are_kept_unless_given_up_by_name(
    live: Live, solo: Clone
) -> None:
    first, _ = two_versions(solo)
    solo.replace(PATH, "Step one.", "Step one, better.")
    edited = solo.read(PATH)
    with pytest.raises(RefusedForSafety, match="never published") as refused:
        restored(solo, 1)
    assert "--discard-edits" in refused.value.hint
    assert (solo.read(PATH), live.version("alpha")) == (edited, 2)
    report = restored(solo, 1, discard_edits=True)
    assert report.exit == 0
    assert any("rescue" in note for note in report.notes)
    assert skill_files(solo) == first
    rescue = Rescue(solo.workspace.repo)
    copies = [rescue.show(one.id, PATH).decode() for one in rescue.list()]
    assert edited in copies


def test_edits_alone_can_be_given_up_for_the_latest_version(live: Live, solo: Clone) -> None:
    _, second = two_versions(solo)
    solo.replace(PATH, "Step one.", "Step one, better.")
    report = restored(solo, 2, discard_edits=True)
    assert outcome(report, "alpha").did == "restored v2: your files hold it again"
    assert (skill_files(solo), live.version("alpha")) == (second, 2)


def test_a_text_that_was_put_back_by_hand_is_published(live: Live, solo: Clone) -> None:
    first, _ = two_versions(solo)
    for path, data in first.items():
        solo.write(path, data)
    (solo.path / "skills/alpha/new.sh").unlink()
    report = restored(solo, 1)
    assert outcome(report, "alpha").did == "restored v1: published v3"
    assert live.skill("alpha")["contents"] == {"old.txt": "old"}


def test_a_dry_run_says_everything_and_writes_nothing(live: Live, solo: Clone) -> None:
    two_versions(solo)
    before = solo.files()
    solo.wrapped().made.clear()
    report = restored(solo, 1, dry_run=True)
    did = outcome(report, "alpha")
    assert did.did == "would restore v1: publish v3 and write SKILL.md, new.sh, old.txt"
    assert not did.changed
    assert (solo.files(), live.version("alpha")) == (before, 2)
    assert solo.wrapped().made
    assert solo.wrapped().writes == []


def test_files_only_is_an_edit_like_any_other(live: Live, solo: Clone) -> None:
    first, _ = two_versions(solo)
    report = restored(solo, 1, files_only=True)
    assert "the next push publishes it" in outcome(report, "alpha").did
    assert (skill_files(solo), live.version("alpha")) == (first, 2)
    assert solo.push().exit == 0
    assert live.skill("alpha")["contents"] == {"old.txt": "old"}


def test_what_cannot_be_restored_is_said_before_anything_is_written(
    live: Live, solo: Clone
) -> None:
    two_versions(solo)
    live.create("webby")
    with pytest.raises(NotFound, match="its latest is v2"):
        restored(solo, 7)
    with pytest.raises(UsageError, match="webby is not in the working tree"):
        restored(solo, 1, name="webby")
    solo.dataset("sums", ['{"id": "a", "input": 1}'])
    with pytest.raises(UsageError, match="only skills can be taken from an old version"):
        restored(solo, 1, name="sums")
    live.create("gamma")
    solo.skill("gamma")
    report = restored(solo, 1, name="gamma")
    assert report.exit in {3, 4}
    assert live.version("gamma") == 1
    solo.replace(PATH, "name: alpha", "name: [alpha")
    with pytest.raises((UsageError, NotFound)):
        restored(solo, 1, name="nobody")


def test_an_open_conflict_comes_first(live: Live, solo: Clone) -> None:
    two_versions(solo)
    live.edit_body("alpha", "Step 2.", "Step of the web.")
    solo.replace(PATH, "Step 2.", "Step of the file.")
    assert solo.pull().exit == 4
    report = restored(solo, 1)
    assert (report.exit, outcome(report, "alpha").code) == (4, "E-MARKERS")


def test_files_only_holds_even_where_the_files_are_those_of_head_again(
    live: Live, solo: Clone
) -> None:
    solo.skill("alpha")
    solo.push()
    solo.commit("one")
    solo.replace(PATH, "Step two.", "Step 2.")
    solo.push()  # not committed
    restored(solo, 1, files_only=True)
    assert solo.pull().changed == 0  # v2 was in front of them and v1 was chosen
    assert "Step two." in solo.read(PATH)
    assert solo.push().changed == 1
    assert "Step two." in live.skill("alpha")["body"]


# ---------------------------------------------------------------- team mode


def team_versions(team: Clone) -> None:
    team.skill("alpha")
    team.commit("one")
    team.push()
    team.pull()  # links it; the pointer is committed
    team.commit("pointer")
    team.replace(PATH, "Step two.", "Step 2.")
    team.commit("two")
    team.push()


def test_a_team_restores_through_a_commit_or_knowingly_from_a_branch(
    live: Live, team: Clone
) -> None:
    team_versions(team)
    with pytest.raises(RefusedForSafety, match="in team mode") as refused:
        restored(team, 1)
    assert "--files-only" in refused.value.hint
    assert live.version("alpha") == live.created + 1
    restored(team, 1, files_only=True)
    assert live.version("alpha") == live.created + 1
    assert team.push().changed == 0  # not committed: HEAD is what is published
    team.commit("back to one")
    assert team.push().exit == 0
    assert live.version("alpha") == live.created + 2
    assert "Step two." in live.skill("alpha")["body"]


def test_a_team_restores_at_once_with_from_branch_and_the_next_push_keeps_it(
    live: Live, team: Clone
) -> None:
    team_versions(team)
    team.write("skills/alpha/notes.txt", "not committed\n")
    with pytest.raises(RefusedForSafety, match="not committed"):
        restored(team, 1, from_branch=True)
    (team.path / "skills/alpha/notes.txt").unlink()
    report = restored(team, 1, from_branch=True)
    assert report.exit == 0
    latest = live.version("alpha")
    assert latest == live.created + 2
    assert team.push().changed == 0  # HEAD has not taken the latest in: nothing goes back
    assert live.version("alpha") == latest
    team.commit("restored, with its pointer")
    assert team.push().outcomes == []
    assert live.version("alpha") == latest


# ---------------------------------------------------------------- old branches and crashes


def test_an_old_checkout_publishes_nothing_over_a_restored_text(live: Live, solo: Clone) -> None:
    two_versions(solo)
    restored(solo, 1)
    solo.git("stash", "-q", "-u")
    assert solo.push().changed == 0
    solo.git("checkout", "-q", "HEAD^")
    assert solo.push().changed == 0
    assert live.version("alpha") == 3


@pytest.mark.slow
def test_a_restore_that_an_error_ends_says_what_was_done(live: Live, solo: Clone) -> None:
    two_versions(solo)
    (solo.path / ".git/index.lock").write_bytes(b"")
    with pytest.raises(GitFailed, match=r"index\.lock") as ended:
        restored(solo, 1)
    assert live.version("alpha") == 3
    assert ended.value.unchanged == (
        "Everything but 1 write that the server accepted, and the files here of alpha."
    )


def test_a_crash_leaves_the_publish_to_be_pulled(live: Live, solo: Clone, tmp_path: Path) -> None:
    """Whatever was reached: at the end both sides hold the restored text, or both the old one."""
    first, second = two_versions(solo)
    live.save(tmp_path / "saved.sqlite3")

    def run(clone: Clone) -> Report:
        return restored(clone, 1)

    counted = Process()
    counted.run(copied(solo, tmp_path / "counted"), run)
    for k, when in spread(every(counted.log), 8):
        live.load(tmp_path / "saved.sqlite3")
        clone = copied(solo, tmp_path / "crashed")
        Process(k, when=when).run(clone, run)
        clone = reborn(clone)
        clone.pull()
        clone.push()
        assert clone.status().is_clean, (k, when)
        wanted = first if live.version("alpha") == 3 else second
        assert skill_files(clone) == wanted, (k, when)
