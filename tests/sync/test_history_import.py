"""history import: versions become commits, the same everywhere, and an interrupted run is gone on with."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from skillsync.errors import NotFound, RefusedForSafety, RemoteError, UsageError
from skillsync.sync import history_import
from skillsync.sync.history_import import Imported, ImportRequest, import_history
from tests.sync.harness import Clone, Live, begin

BOTH_DIALECTS = True

BRANCH = "skillsync-history/alpha"
JSON = {"content-type": "application/json"}


def imported(clone: Clone, name: str = "alpha", branch: str | None = None) -> Imported:
    return import_history(clone.workspace, clone.target, clone.connect, ImportRequest(name, branch))


def three_versions(live: Live, clone: Clone) -> None:
    def make() -> None:
        clone.skill("alpha")
        clone.write("skills/alpha/run.sh", "echo one\n", executable=True)
        clone.push()
        clone.commit("one")
        live.edit_body("alpha", "Step two.", "Step of the web.")
        clone.pull()
        (clone.path / "skills/alpha/run.sh").unlink()
        clone.push()
        clone.commit("three")

    begin(clone, "three versions", make)


def log(clone: Clone, form: str, branch: str = BRANCH) -> list[str]:
    return clone.git("log", "--reverse", f"--format={form}", branch).splitlines()


def test_each_version_is_a_commit_with_its_author_date_and_files(live: Live, solo: Clone) -> None:
    three_versions(live, solo)
    head, before = solo.git("rev-parse", "HEAD"), solo.files()
    found = imported(solo)
    assert (found.versions, found.added, found.first, found.last) == (3, 3, 1, 3)
    assert found.tip == solo.git("rev-parse", BRANCH)
    assert log(solo, "%s") == ["alpha v1", "alpha v2", "alpha v3"]
    mails = log(solo, "%ae")
    assert mails[0] == mails[2] != mails[1]
    with live.api() as client:
        told = client.get("llm_skills/resolve/name/alpha").json()["versions"][::-1]
    dates = [one["created_at"][:19] for one in told]
    assert [date[:19] for date in log(solo, "%aI")] == dates
    assert log(solo, "%ai %ae") == log(solo, "%ci %ce")
    trees = [solo.git("ls-tree", "-r", commit).splitlines() for commit in log(solo, "%H")]
    assert [[line.split("\t")[1] for line in tree] for tree in trees] == [
        ["skills/alpha/SKILL.md", "skills/alpha/run.sh"],
        ["skills/alpha/SKILL.md", "skills/alpha/run.sh"],
        ["skills/alpha/SKILL.md"],
    ]
    assert trees[0][1].startswith("100755")
    assert "Step of the web." in solo.git("show", f"{BRANCH}~1:skills/alpha/SKILL.md")
    assert (solo.git("rev-parse", "HEAD"), solo.files()) == (head, before)
    assert solo.git("status", "--porcelain") == ""


def test_what_git_ignores_is_said_and_stays_so_that_every_clone_makes_the_same(
    live: Live, solo: Clone
) -> None:
    three_versions(live, solo)
    tip = imported(solo).tip
    solo.git("branch", "-qD", BRANCH)
    solo.write(".gitignore", "*.sh\n")
    found = imported(solo)
    assert found.tip == tip
    assert found.notes == ["git ignores run.sh here; the commits hold it all the same"]


def test_a_second_run_reads_no_version_and_changes_nothing(live: Live, solo: Clone) -> None:
    three_versions(live, solo)
    first = imported(solo)
    assert solo.requests
    solo.requests.made.clear()
    again = imported(solo)
    assert (again.added, again.tip) == (0, first.tip)
    assert not any("/files/" in path for _, path in solo.requests.made)
    assert solo.requests.writes == []


def test_another_clone_and_a_later_run_make_the_same_commits(
    live: Live, solo: Clone, tmp_path: Path
) -> None:
    three_versions(live, solo)
    imported(solo)
    live.edit_body("alpha", "Step one.", "Step of the web.")
    added = imported(solo)
    assert (added.added, added.first) == (1, 4)
    other = solo.clone(tmp_path / "other", user="web")
    other.git("config", "user.name", "Somebody Else")
    other.git("config", "commit.gpgSign", "true")
    other.git("checkout", "-q", "HEAD^")
    assert imported(other).tip == added.tip
    solo.git("branch", "-q", "-D", BRANCH)
    assert imported(solo).tip == added.tip


def forget_versions(clone: Clone) -> None:
    """Delete what was kept of the versions, so that they are read from the server again."""
    clone.git("update-ref", "-d", "refs/skillsync/127.0.0.1_8765/1/alpha")


def test_a_run_that_breaks_off_keeps_what_it_has(
    live: Live, solo: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_versions(live, solo)
    whole = imported(solo, branch="whole").tip
    forget_versions(solo)
    assert solo.requests

    def broken(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if "version=3" in request.url.query.decode():
            gone = httpx.ByteStream(b'{"detail": "Not found."}')
            return httpx.Response(404, headers=JSON, stream=gone, request=request)
        return response

    solo.requests.after = broken
    with pytest.raises(RemoteError):
        imported(solo)
    assert log(solo, "%s") == ["alpha v1", "alpha v2"]
    solo.requests.after = None
    assert imported(solo).first == 3
    assert solo.git("rev-parse", BRANCH) == whole
    forget_versions(solo)
    monkeypatch.setattr(history_import, "_MOST_BYTES", 1)
    monkeypatch.setattr(history_import, "_BATCH", 2)
    assert imported(solo, branch="small").tip == whole


def test_without_any_answer_what_was_read_is_kept(live: Live, solo: Clone) -> None:
    three_versions(live, solo)
    whole = imported(solo, branch="whole").tip
    forget_versions(solo)
    assert solo.requests

    def broken(request: httpx.Request) -> None:
        if "/files/" in request.url.path:
            raise httpx.ConnectError("refused", request=request)

    solo.requests.before = broken
    with pytest.raises(RemoteError):
        imported(solo)
    solo.requests.before = None
    assert imported(solo).tip == whole


def test_a_branch_with_anything_else_is_left_alone(live: Live, solo: Clone, tmp_path: Path) -> None:
    three_versions(live, solo)
    for branch in ("main", "-x", "a..b", "a b"):
        with pytest.raises(RefusedForSafety):
            imported(solo, branch=branch)
    solo.git("branch", "mine")
    tip = solo.git("rev-parse", "mine")
    with pytest.raises(RefusedForSafety, match="holds commits that are not versions") as refused:
        imported(solo, branch="mine")
    assert "-D" not in refused.value.hint  # it may be anybody's work
    assert solo.git("rev-parse", "mine") == tip
    imported(solo)
    solo.git("worktree", "add", "-q", str(tmp_path / "other"), BRANCH)
    with pytest.raises(RefusedForSafety, match="is checked out"):
        imported(solo)
    solo.git("-C", str(tmp_path / "other"), "commit", "-q", "--allow-empty", "-m", "mine")
    solo.git("worktree", "remove", str(tmp_path / "other"))
    with pytest.raises(RefusedForSafety, match="not versions") as refused:
        imported(solo)
    assert f"git branch -D {BRANCH}" in refused.value.hint


def test_a_skill_that_was_made_again_does_not_go_on_there(live: Live, solo: Clone) -> None:
    three_versions(live, solo)
    imported(solo)
    live.archive("alpha")
    live.create("alpha")
    with pytest.raises(RefusedForSafety, match="not versions"):
        imported(solo)
    assert imported(solo, branch="again").added == 1


def test_imported_commits_are_no_evidence(live: Live, solo: Clone) -> None:
    """Merged into the branch they change no decision: they hold no pointer."""
    three_versions(live, solo)
    live.edit_body("alpha", "Step one.", "Step of the web, again.")
    imported(solo)
    solo.git("merge", "-q", "--allow-unrelated-histories", "-s", "ours", "-m", "history", BRANCH)
    solo.replace("skills/alpha/SKILL.md", "Step one.", "Step 1.")
    assert solo.push().exit == 3
    assert live.version("alpha") == 4


def test_what_has_no_versions_is_said(live: Live, solo: Clone) -> None:
    solo.dataset("sums", ['{"id": "a", "input": 1}'])
    solo.skill("local")
    with pytest.raises(UsageError, match="only skills"):
        imported(solo, "sums")
    with pytest.raises(NotFound):
        imported(solo, "local")
    with pytest.raises(NotFound):
        imported(solo, "nobody")
    live.create("webby")
    assert imported(solo, "webby").added == 1  # it need not be in the working tree
