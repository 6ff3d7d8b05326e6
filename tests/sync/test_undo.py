"""undo: the last push is taken back, as something newer, and nobody's newer edit with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.errors import GitFailed, NotFound, UsageError
from skillsync.repo.rescue import Rescue
from skillsync.sync.report import Report
from skillsync.sync.restore import RestoreRequest, restore
from skillsync.sync.undo import UndoRequest, undo
from tests.sync.dialects import current_only, seed_only
from tests.sync.harness import Clone, Live, begin, outcome

BOTH_DIALECTS = True

ALPHA = "skills/alpha/SKILL.md"
ROWS = "datasets/sums/items.jsonl"


def undone(clone: Clone, *names: str, **how: Any) -> Report:
    request = UndoRequest(names=names, clock=clone.clock, **how)
    return undo(clone.workspace, clone.target, clone.connect, request, writer=clone.writer())


def row(key: str, answer: str = "2") -> str:
    return json.dumps({"id": key, "input": "1+1?", "expected_output": answer})


def published(clone: Clone) -> None:
    """A skill and a dataset in sync and committed, then an edit of the skill that is pushed."""

    def make() -> None:
        clone.skill("alpha")
        clone.write("skills/alpha/run.sh", "echo one\n", executable=True)
        clone.push()
        clone.commit("one")
        clone.replace(ALPHA, "Step two.", "Step 2.")
        clone.write("skills/alpha/run.sh", "echo two\n", executable=True)
        clone.push()

    begin(clone, "published", make)


# ---------------------------------------------------------------- skills


def test_the_predecessor_is_published_again_and_the_files_keep_the_edit(
    live: Live, solo: Clone
) -> None:
    published(solo)
    before = {path: data for path, data in solo.files().items() if ".skillsync" not in path}
    report = undone(solo)
    assert report.exit == 0
    did = outcome(report, "alpha")
    assert did.did == "v2 taken back: v3 has the content of v1"
    assert did.message == "your files keep the edit, unpublished"
    now = live.skill("alpha")
    assert (now["version"], now["body"].splitlines()[-1]) == (3, "Step two.")
    assert now["contents"]["run.sh"].strip() == "echo one"
    assert {p: d for p, d in solo.files().items() if ".skillsync" not in p} == before
    # As before the push: the edit is here, unpublished, and can be pushed again.
    assert solo.pull().changed == 0
    assert outcome(solo.push(), "alpha").did == "published v4"
    assert "Step 2." in live.skill("alpha")["body"]


def test_what_git_ignores_here_is_carried_through_an_undo(live: Live, solo: Clone) -> None:
    """F22: it is no part of the base, so going back to the predecessor's text leaves nothing to publish."""
    solo.write(".gitignore", "*.log\n")
    solo.skill("alpha")
    solo.push()
    live.edit("alpha", files=[{"path": "a.log", "content": "theirs", "content_type": "text/plain"}])
    assert solo.pull().exit == 0
    solo.commit("one")
    solo.replace(ALPHA, "Step two.", "Step 2.")
    solo.push()
    assert outcome(undone(solo), "alpha").did == "v3 taken back: v4 has the content of v2"
    now = live.skill("alpha")
    assert (now["contents"], now["body"].splitlines()[-1]) == ({"a.log": "theirs"}, "Step two.")
    assert not (solo.path / "skills/alpha/a.log").exists()
    solo.commit("undone")
    solo.replace(ALPHA, "Step 2.", "Step two.")
    assert solo.status().is_clean
    assert not solo.push().outcomes


def test_an_undo_is_done_once_and_an_old_checkout_publishes_nothing(
    live: Live, solo: Clone
) -> None:
    published(solo)
    solo.commit("two")
    undone(solo)
    for names in ((), ("alpha",), ("skills/alpha",)):
        report = undone(solo, *names)
        assert (report.exit, report.changed, live.version("alpha")) == (0, 0, 3)
        said = [*report.notes, *(one.did for one in report.outcomes)]
        assert "taken back already" in " ".join(said)
    solo.git("stash", "-q")
    assert solo.push().changed == 0  # HEAD took v2 in and not what came after
    solo.git("checkout", "-q", "HEAD^")
    assert solo.push().changed == 0
    assert live.version("alpha") == 3


def test_a_second_undo_does_not_replace_what_came_after_the_first(live: Live, solo: Clone) -> None:
    published(solo)
    undone(solo)
    live.edit_body("alpha", "Step one.", "Step of the web.", user="me")  # our own account, too
    report = undone(solo, "alpha")
    assert (report.exit, outcome(report, "alpha").code) == (3, "E-REMOTE-AHEAD")
    assert "taken back already" in outcome(report, "alpha").did
    assert live.version("alpha") == 4


def test_only_files_that_differ_from_what_came_back_are_an_edit(live: Live, solo: Clone) -> None:
    published(solo)
    solo.commit("two")
    solo.replace(ALPHA, "Step 2.", "Step two.")
    solo.write("skills/alpha/run.sh", "echo one\n", executable=True)
    assert outcome(undone(solo), "alpha").message == ""
    assert live.version("alpha") == 3


def test_names_of_nothing_are_refused_before_anything_is_taken_back(
    live: Live, solo: Clone
) -> None:
    published(solo)
    solo.skill("beta")
    solo.push("beta")
    with pytest.raises(UsageError, match="did not create 'betta'"):
        undone(solo, archive=["betta"])
    with pytest.raises(UsageError, match="did not create 'alpha'"):
        undone(solo, archive=["alpha"])
    solo.replace(ALPHA, "Step 2.", "Step II.")
    solo.push("alpha")
    with pytest.raises(NotFound, match="'alfa'"):
        undone(solo, "alpha", "alfa")
    assert live.version("alpha") == 3
    assert outcome(undone(solo, "skills/alpha"), "alpha").did.startswith("v3 taken back")


def test_a_name_that_the_last_push_did_not_write_is_told_apart(live: Live, solo: Clone) -> None:
    published(solo)
    solo.commit("two")
    solo.skill("beta")
    solo.push("beta")
    report = undone(solo, "alpha")
    assert (report.exit, live.version("alpha")) == (0, 3)
    assert "did not write it" in report.notes[0]
    assert outcome(undone(solo), "beta").code == "N-PENDING-REMOVAL"  # the record is still there


def test_a_newer_edit_is_never_replaced(live: Live, solo: Clone) -> None:
    published(solo)
    live.edit_body("alpha", "Step one.", "Step of the web.")
    report = undone(solo)
    assert report.exit == 3
    did = outcome(report, "alpha")
    assert (did.did, did.code) == ("not undone: something newer is there", "E-REMOTE-AHEAD")
    assert "web" in did.message
    assert live.version("alpha") == 3


def test_an_edit_in_the_moment_of_the_undo_wins(live: Live, solo: Clone) -> None:
    published(solo)
    assert solo.requests

    def race(request: httpx.Request) -> None:
        if request.method == "PATCH" and solo.requests:
            solo.requests.before = None
            live.edit_body("alpha", "Step one.", "Step of the web.")

    solo.requests.before = race
    assert undone(solo).exit == 3
    assert "Step of the web." in live.skill("alpha")["body"]
    assert live.version("alpha") == 3


def test_a_creation_goes_only_by_name(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.push()
    report = undone(solo)
    assert (report.exit, outcome(report, "alpha").fix) == (0, "skillsync undo --archive alpha")
    assert live.version("alpha") == 1
    report = undone(solo, archive=["alpha"])
    assert report.exit == 0
    assert live.skill("alpha") == {}
    rescue = Rescue(solo.workspace.repo)
    assert any(file.path == ALPHA for one in rescue.list() for file in one.files)
    assert outcome(solo.push(), "alpha").did == "created v1"


def test_a_creation_that_somebody_edited_stays(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.push()
    live.edit_body("alpha", "Step one.", "Step of the web.")
    assert undone(solo, archive=["alpha"]).exit == 3
    assert live.version("alpha") == 2


def renamed(clone: Clone, *, edited: bool) -> None:
    """What `published` says, committed; then alpha is called beta, with a further edit or without, and pushed."""
    published(clone)
    clone.commit("two")
    clone.replace(ALPHA, "name: alpha", "name: beta")
    if edited:
        clone.replace(ALPHA, "Step one.", "Step 1.")
    assert outcome(clone.push(), "beta").did.startswith("renamed from alpha")


@current_only("the seed cannot rename a skill")
@pytest.mark.parametrize("name", ["", "alpha", "beta"])
def test_a_rename_is_taken_back_with_what_was_published_under_the_new_name(
    live: Live, solo: Clone, name: str
) -> None:
    renamed(solo, edited=True)
    names = [name] if name else []
    before = {path: data for path, data in solo.files().items() if ".skillsync" not in path}
    assert "would be renamed back to alpha" in [
        one.did for one in undone(solo, *names, dry_run=True).outcomes
    ]
    latest = live.version("beta")
    report = undone(solo, *names)
    assert report.exit == 0
    assert [one.did.split(":")[0] for one in report.outcomes] == [
        f"v{latest} taken back",
        "renamed back to alpha",
    ]
    assert (live.skill("beta"), live.version("alpha")) == ({}, latest + 1)
    assert "Step one." in live.skill("alpha")["body"]
    assert {p: d for p, d in solo.files().items() if ".skillsync" not in p} == before
    again = undone(solo, *names)
    assert (again.exit, again.changed, live.version("alpha")) == (0, 0, latest + 1)
    solo.pull()
    assert "name: alpha" in solo.read(ALPHA)
    assert "Step 1." in solo.read(ALPHA)
    solo.commit("named again")
    assert outcome(solo.push(), "alpha").did == f"published v{latest + 2}"


@current_only("the seed cannot rename a skill")
def test_a_rename_alone_is_the_last_push(live: Live, solo: Clone) -> None:
    """Else the undo would take back the push before it."""
    renamed(solo, edited=False)
    latest = live.version("beta")
    assert [one.did for one in undone(solo).outcomes] == ["renamed back to alpha"]
    assert live.version("alpha") == latest
    assert solo.pull().exit == 0
    assert "name: alpha" in solo.read(ALPHA)
    assert solo.status().is_clean


@current_only("the seed cannot rename a skill")
def test_a_rename_stays_where_somebody_edited_or_took_the_name(live: Live, solo: Clone) -> None:
    renamed(solo, edited=False)
    live.create("alpha", body="Of the web.")
    report = undone(solo)
    assert (report.exit, outcome(report, "beta").did) == (3, "not undone: the name alpha is taken")
    live.archive("alpha")
    live.edit_body("beta", "Step one.", "Step of the web.")
    report = undone(solo)
    assert (report.exit, outcome(report, "beta").state) == (3, "moved on")
    assert live.version("beta")


def test_an_archived_skill_is_made_again_and_its_history_restarts(live: Live, solo: Clone) -> None:
    published(solo)
    solo.commit("two")
    solo.skill("beta")
    solo.push()
    solo.commit("beta")
    solo.git("rm", "-rq", "skills/alpha")
    solo.push(archive=["alpha"])
    assert live.skill("alpha") == {}
    would = undone(solo, dry_run=True)
    assert "would be created again" in outcome(would, "alpha").did
    assert live.skill("alpha") == {}
    report = undone(solo)
    assert report.exit == 0
    assert "its history starts again" in outcome(report, "alpha").message
    now = live.skill("alpha")
    assert (now["version"], now["body"].splitlines()[-1]) == (1, "Step 2.")
    assert now["contents"]["run.sh"].strip() == "echo two"
    carried = json.loads(now["metadata"]["skillsync"])
    assert "run.sh" in json.dumps(carried)  # the executable bit came back as well


def test_a_skill_that_no_disk_could_hold_is_kept_all_the_same(live: Live, solo: Clone) -> None:
    from skillsync.model import RemoteFile
    from skillsync.sync.push_record import keep_copy

    live.create("alpha")
    with solo.connect(solo.target) as remote:
        skill = remote.skills.read("alpha")
    content = replace(skill.content, files={"../evil.txt": "text"})
    hostile = replace(
        skill, content=content, files=(RemoteFile("../evil.txt", "text", "text/plain"),)
    )
    kept = keep_copy(solo.workspace, hostile, solo.clock)
    data = Rescue(solo.workspace.repo).show(str(kept["rescue"]), "skills/alpha/archived.json")
    assert b"../evil.txt" in data


def test_what_somebody_made_in_its_place_stays(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.skill("beta")
    solo.push()
    solo.commit()
    solo.git("rm", "-rq", "skills/alpha")
    solo.push(archive=["alpha"])
    live.create("alpha", body="Of the web.")
    report = undone(solo)
    did = outcome(report, "alpha")
    assert (report.exit, did.did) == (3, "not undone: its name is taken")
    assert live.skill("alpha")["body"] == "Of the web."
    # What it says to do next brings the old one back beside it.
    copy = did.fix.split(",")[0].rpartition(" ")[2]
    restored = Rescue(solo.workspace.repo).show(copy, ALPHA)
    assert b"Step two." in restored
    solo.write(ALPHA, restored.replace(b"name: alpha", b"name: alpha-before"))
    assert outcome(solo.push(), "alpha-before").changed


def test_a_restore_is_taken_back_as_well(live: Live, solo: Clone) -> None:
    published(solo)
    request = RestoreRequest("alpha", 1, clock=solo.clock)
    restore(solo.workspace, solo.target, solo.connect, request, writer=solo.writer())
    assert "Step two." in live.skill("alpha")["body"]
    assert outcome(undone(solo), "alpha").did == "v3 taken back: v4 has the content of v2"
    assert "Step 2." in live.skill("alpha")["body"]


def test_an_undo_that_an_error_ends_says_what_was_done(live: Live, solo: Clone) -> None:
    published(solo)
    (solo.path / ".git/index.lock").write_bytes(b"")
    with pytest.raises(GitFailed, match=r"index\.lock") as ended:
        undone(solo)
    assert live.version("alpha") == 3
    assert ended.value.unchanged == (
        "Everything but 1 write that the server accepted, and the files here of alpha."
    )
    (solo.path / ".git/index.lock").unlink()
    assert undone(solo).changed == 0
    assert live.version("alpha") == 3


def test_a_dry_run_writes_nothing(live: Live, solo: Clone) -> None:
    published(solo)
    before = solo.files()
    assert solo.requests
    solo.requests.made.clear()
    report = undone(solo, dry_run=True)
    assert "would publish the content of v1 again" in outcome(report, "alpha").did
    assert (solo.requests.writes, solo.files(), report.changed) == ([], before, 0)
    assert undone(solo).changed == 1


def test_a_publish_without_an_answer_is_taken_back_if_it_happened(live: Live, solo: Clone) -> None:
    published(solo)
    solo.commit("two")
    solo.replace(ALPHA, "Step 2.", "Step II.")
    assert solo.requests

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "PATCH":
            raise httpx.ReadError("the connection broke", request=request)
        return response

    solo.requests.after = lost
    solo.push()
    solo.requests.after = None
    assert live.version("alpha") == 3
    assert outcome(undone(solo), "alpha").changed
    assert "Step 2." in live.skill("alpha")["body"]


# ---------------------------------------------------------------- without a record


def test_without_a_record_it_says_so_and_derives_what_it_can(
    live: Live, solo: Clone, tmp_path: Path
) -> None:
    published(solo)
    solo.commit("two")
    solo.skill("beta")
    live.create("gamma")
    live.edit_body("gamma", "Step two.", "Step of the web.")
    fresh = solo.clone(tmp_path / "fresh")
    with pytest.raises(UsageError, match="no record of a push") as refused:
        undone(fresh)
    assert "alpha" in refused.value.hint
    assert "gamma" not in refused.value.hint
    report = undone(fresh, "gamma")
    assert (report.exit, live.version("gamma")) == (3, 2)
    report = undone(fresh, "alpha")
    assert report.exit == 0
    assert "by your own account" in report.notes[0]
    assert live.version("alpha") == 3
    assert "Step two." in live.skill("alpha")["body"]


def test_a_damaged_record_is_no_traceback(live: Live, solo: Clone) -> None:
    published(solo)
    path = solo.path / ".git/skillsync/last-push.jsonl"
    text = path.read_text()
    for damaged in ("", "{}", "[1]\n", '{"schema": "x"}\n', "\0\xff"):
        path.write_text(damaged)
        with pytest.raises(UsageError, match="no record"):
            undone(solo)
    head, *_ = text.splitlines()
    for line in ("nonsense", "{}", '{"done": 5}', '{"sent": {"kind": "x"}}', '{"written": 1}'):
        path.write_text(f"{head}\n{line}\n")
        assert undone(solo, dry_run=True).outcomes == []
    path.write_text(f"{text}{{cut off")
    report = undone(solo)
    assert "cannot be read" in report.notes[0]
    assert live.version("alpha") == 3


def test_another_targets_push_is_not_taken_back(live: Live, solo: Clone) -> None:
    published(solo)
    config = solo.read("skillsync.toml")
    solo.write("skillsync.toml", config.replace("project = 1", "project = 2"))
    with pytest.raises(UsageError, match="went to local"):
        undone(solo)


# ---------------------------------------------------------------- rows


def with_rows(clone: Clone) -> None:
    clone.dataset("sums", [row("q1"), row("q2"), row("q3")])
    clone.push()
    clone.commit("rows")
    clone.write(ROWS, f"{row('q1', 'two')}\n{row('q3')}\n{row('q4')}\n")
    clone.push(archive=["sums:q2"])


def remote_rows(live: Live) -> dict[str, str]:
    (dataset,) = live.datasets()
    return {one["metadata"]["skillsync_id"]: one["output"] for one in live.rows(dataset["id"])}


def test_rows_go_back_one_by_one(live: Live, solo: Clone) -> None:
    with_rows(solo)
    assert remote_rows(live) == {"q1": "two", "q3": "2", "q4": "2"}
    before = solo.read(ROWS)
    report = undone(solo)
    assert report.exit == 0
    assert outcome(report, "sums:q1").did == "patched back"
    assert outcome(report, "sums:q2").did == "brought back"
    assert outcome(report, "sums:q4").fix == "skillsync undo --archive sums:q4"
    assert remote_rows(live) == {"q1": "2", "q2": "2", "q3": "2", "q4": "2"}
    report = undone(solo, archive=["sums:q4"])
    assert outcome(report, "sums:q4").changed
    assert remote_rows(live) == {"q1": "2", "q2": "2", "q3": "2"}
    assert solo.read(ROWS) == before
    # As before the push: the edits are here, unpublished.
    files = {name: data for name, data in solo.files().items() if ".skillsync" not in name}
    assert solo.pull().outcomes == []
    assert files == {name: data for name, data in solo.files().items() if ".skillsync" not in name}
    assert solo.push(archive=["sums:q2"]).exit == 0
    assert remote_rows(live) == {"q1": "two", "q3": "2", "q4": "2"}


@seed_only("a removed row keeps its key")
def test_rows_that_somebody_edited_since_stay(live: Live, solo: Clone) -> None:
    with_rows(solo)
    (dataset,) = live.datasets()
    live.patch_row(live.row(dataset["id"], "q1")["id"], output="of the web")
    live.patch_row(live.row(dataset["id"], "q4")["id"], output="of the web")
    live.add_row(dataset["id"], input="1+1?", metadata={"skillsync_id": "q2"})
    report = undone(solo, archive=["sums:q4"])
    assert report.exit == 3
    assert {one.subject for one in report.outcomes if one.exit == 3} == {
        "sums:q1",
        "sums:q2",
        "sums:q4",
    }
    assert remote_rows(live)["q1"] == "of the web"
    assert remote_rows(live)["q4"] == "of the web"


def test_a_new_dataset_goes_only_by_name_and_only_untouched(live: Live, solo: Clone) -> None:
    solo.dataset("sums", [row("q1")])
    solo.push()
    report = undone(solo)
    assert (report.exit, len(live.datasets())) == (0, 1)
    (dataset,) = live.datasets()
    added = live.add_row(dataset["id"], input="of the web")
    assert undone(solo, archive=["sums"]).exit == 3
    live.patch_row(added["id"], deleted=True)
    report = undone(solo, archive=["sums"])
    assert report.exit == 0
    assert live.datasets() == []
    if live.dialect == "current":
        assert outcome(solo.push(), "sums").code == "E-NAME-TAKEN"
        assert solo.adopt("sums", dataset_id=dataset["id"]).exit == 0
        assert remote_rows(live) == {"q1": "2"}
    else:
        assert outcome(solo.push(), "sums").changed


def test_a_datasets_own_fields_and_an_archived_dataset_come_back(live: Live, solo: Clone) -> None:
    solo.dataset("sums", [row("q1")])
    solo.push()
    solo.commit("rows")
    path = "datasets/sums/DATASET.md"
    solo.write(path, "---\nname: sums\n---\n\nBetter words.\n")
    solo.push()
    assert live.datasets()[0]["description"] == "Better words."
    assert undone(solo).exit == 0
    assert live.datasets()[0]["description"] == "Rows of sums."
    assert solo.pull().changed == 0
    assert solo.push().changed == 1
    solo.commit("better")
    solo.git("rm", "-rq", "datasets/sums")
    solo.push(archive=["sums"], max_removals=1)
    assert live.datasets() == []
    report = undone(solo)
    assert report.exit == 0
    assert len(live.datasets()) == 1
    assert remote_rows(live) == {"q1": "2"}


# ---------------------------------------------------------------- team mode


def test_a_teams_undo_holds_until_the_commit_is_reverted(live: Live, team: Clone) -> None:
    team.skill("alpha")
    team.commit("one")
    team.push()
    team.pull()
    team.commit("pointer")
    team.replace(ALPHA, "Step two.", "Step 2.")
    team.commit("two")
    team.push()
    before = team.files()
    report = undone(team)
    assert report.exit == 0
    assert "git revert" in report.notes[0]
    latest = live.created + 2
    assert (live.version("alpha"), team.files()) == (latest, before)
    assert team.push().changed == 0
    assert live.version("alpha") == latest
    team.git("revert", "--no-edit", "HEAD")
    report = team.push()
    assert (report.exit, report.changed, live.version("alpha")) == (0, 0, latest), report
