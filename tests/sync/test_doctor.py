"""doctor: each thing that can be wrong is found, with its fix; nothing is written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from skillsync.config import Target
from skillsync.errors import HostNotTrusted, NotAuthenticated
from skillsync.repo.lock import locked
from skillsync.server.accounts import create_key
from skillsync.sync.doctor import Checkup, examine
from skillsync.sync.doctor_git import clash_findings, version_finding, watch_findings
from skillsync.sync.doctor_remote import clock_finding
from skillsync.sync.findings import Finding, Level
from tests.sync.harness import Clone, Live, first_push

BOTH_DIALECTS = True

NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
ROW = '{"id": "q1", "input": "1+1?"}'


def examined(
    clone: Clone,
    *,
    offline: bool = False,
    key: Callable[[Target], str] = lambda _: "SKILLSYNC_API_KEY (phx_…abcd)",
) -> Checkup:
    connect = None if offline else clone.connect
    return examine(clone.workspace, clone.target, connect, key, clock=clone.clock)


def of(found: Checkup, check: str) -> list[Finding]:
    return [one for one in found.findings if one.check == check]


def bad(found: Checkup) -> dict[str, Level]:
    return {one.check: one.level for one in found.findings if one.level is not Level.OK}


def synced(clone: Clone) -> None:
    clone.write(".gitattributes", "*.jsonl text eol=lf\n")
    clone.skill("alpha")
    clone.dataset("sums", [ROW])
    first_push(clone)


def test_all_is_well_and_nothing_is_written(live: Live, solo: Clone) -> None:
    synced(solo)
    before = solo.files()
    assert solo.requests
    solo.requests.made.clear()
    found = examined(solo)
    assert bad(found) == {}
    assert found.exit == 0
    assert (solo.requests.writes, solo.files()) == ([], before)
    assert {one.check for one in found.findings} >= {
        *("git", "history", "operations", "line ends", "file names", "name clashes"),
        *("watch limits", "lock", "journal", "pointers", "key", "host", "clock"),
        *("skills", "datasets", "bases"),
    }
    assert all(one.message for one in found.findings)
    texts = [one.message for one in found.findings]
    generation = {"seed": "first generation", "current": "newer generation"}[live.dialect]
    assert any(generation in text for text in texts), texts
    assert any("what 2 of the pointers here name" in text for text in texts)


def test_offline_asks_nobody(live: Live, solo: Clone) -> None:
    synced(solo)
    assert solo.requests
    solo.requests.made.clear()
    found = examined(solo, offline=True)
    assert solo.requests.made == []
    assert of(found, "host") == []
    assert of(found, "pointers")


# ---------------------------------------------------------------- git


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("git version 2.24.9", Level.PROBLEM),
        ("git version 1.8.3.1", Level.PROBLEM),
        ("git version 2.25.0", Level.OK),
        ("git version 2.50.1 (Apple Git-155)", Level.OK),
        ("git version 3.0.windows.1", Level.OK),
        ("nonsense", Level.WARNING),
    ],
)
def test_the_version_of_git(line: str, level: Level) -> None:
    assert version_finding(line).level is level


def test_line_ends_that_git_would_rewrite(live: Live, solo: Clone) -> None:
    solo.dataset("sums", [ROW])
    assert bad(examined(solo, offline=True)) == {"line ends": Level.WARNING}
    solo.git("config", "core.autocrlf", "true")
    (_, loose) = of(examined(solo, offline=True), "line ends")
    assert "core.autocrlf=true" in loose.message
    assert ".gitattributes" in loose.fix
    solo.write(".gitattributes", "*.jsonl -text\n")
    assert bad(examined(solo, offline=True)) == {}


def test_names_that_clash_elsewhere() -> None:
    def clashes(*paths: str) -> list[str]:
        return [one.message for one in clash_findings(paths) if one.level is Level.PROBLEM]

    assert clashes("skills/a/x", "skills/b/x") == []
    assert len(clashes("skills/Alpha/SKILL.md", "skills/alpha/SKILL.md")) == 1
    assert len(clashes("a/caf\u00e9.txt", "a/cafe\u0301.txt")) == 1
    assert len(clashes("a/X/1", "a/x/1", "a/X/2", "a/x/2")) == 1


def test_a_shallow_clone_and_an_unfinished_merge(live: Live, solo: Clone, tmp_path: Path) -> None:
    synced(solo)
    solo.commit("more")
    path = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{solo.path}", str(path)], check=True
    )
    found = examined(Clone(live, path), offline=True)
    assert bad(found) == {"history": Level.WARNING}
    assert "--unshallow" in of(found, "history")[0].fix
    (solo.path / ".git/MERGE_HEAD").write_text(f"{solo.git('rev-parse', 'HEAD')}\n")
    found = examined(solo, offline=True)
    assert bad(found) == {"operations": Level.WARNING}
    assert "merge" in of(found, "operations")[0].message


def test_an_index_lock_left_behind_is_named(live: Live, solo: Clone) -> None:
    synced(solo)
    lock = solo.path / ".git/index.lock"
    lock.write_bytes(b"")
    found = examined(solo, offline=True)
    assert bad(found) == {"operations": Level.WARNING}
    assert of(found, "operations")[-1].fix.endswith(f"rm {lock}")


def test_a_publish_branch_that_is_nowhere(team: Clone) -> None:
    team.git("branch", "-m", "elsewhere")
    found = examined(team, offline=True)
    assert bad(found) == {"publish branch": Level.PROBLEM}
    assert found.exit == 1


@pytest.mark.parametrize(
    ("limit", "level"),
    [("524288\n", Level.OK), ("8191", Level.WARNING), ("1", Level.PROBLEM), (None, Level.OK)],
)
def test_watch_limits(solo: Clone, limit: str | None, level: Level) -> None:
    solo.skill("alpha")
    (found,) = watch_findings(solo.workspace, read=lambda _: limit)
    assert found.level is level
    assert bool(found.fix) == (level is not Level.OK)


# ---------------------------------------------------------------- skillsync's own files


def test_pointer_lines_that_are_ignored_and_why(live: Live, solo: Clone) -> None:
    synced(solo)
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    solo.push()
    path = "skills/alpha/.skillsync"
    line = solo.read(path)
    assert bad(examined(solo, offline=True)) == {}
    solo.git("checkout", "-q", "--", "skills/alpha/SKILL.md")
    solo.write(path, line)
    (found,) = of(examined(solo, offline=True), "pointers")
    assert "beside other files than these" in found.message
    assert (found.level, found.subject) == (Level.WARNING, path)
    solo.write(path, line.partition(" at=")[0] + "\n")
    (found,) = of(examined(solo, offline=True), "pointers")
    assert "does not say where it was written" in found.message
    head = solo.git("rev-parse", "HEAD")
    solo.write(path, line.replace(f"at={head}", f"at={'0' * 40}"))
    (found,) = of(examined(solo, offline=True), "pointers")
    assert "not in this clone" in found.message
    solo.write(path, "nonsense\n")
    assert any(
        one.level is Level.PROBLEM and one.subject.startswith(path)
        for one in of(examined(solo, offline=True), "pointers")
    )


def test_an_interrupted_command_a_lock_and_an_open_conflict(live: Live, solo: Clone) -> None:
    synced(solo)
    journal = solo.path / ".git/skillsync/journal"
    (journal / "00000001.json").write_text("{}")
    (found,) = of(examined(solo, offline=True), "journal")
    assert found.level is Level.WARNING
    assert (journal / "00000001.json").exists()  # it only looks
    (journal / "00000001.json").unlink()
    with locked(solo.workspace.repo.state_dir, command="pull"):
        (found,) = of(examined(solo, offline=True), "lock")
    assert (found.level, "pull" in found.message) == (Level.WARNING, True)
    live.edit_body("alpha", "Step two.", "Step of the web.")
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step of the file.")
    solo.pull()
    assert bad(examined(solo, offline=True)) == {"conflicts": Level.WARNING}


# ---------------------------------------------------------------- the other side


def test_a_key_that_is_missing_or_must_not_go_there(live: Live, solo: Clone) -> None:
    def missing(target: Target) -> str:
        raise NotAuthenticated("there is no key", hint="set SKILLSYNC_API_KEY")

    def untrusted(target: Target) -> str:
        raise HostNotTrusted("the host is not trusted", hint="skillsync trust HOST")

    solo.skill("alpha")
    for key in (missing, untrusted):
        found = examined(solo, key=key)
        (said,) = of(found, "key")
        assert (said.level, bool(said.fix), found.exit) == (Level.PROBLEM, True, 1)
        assert of(found, "host") == []
    assert solo.requests
    assert solo.requests.made == []


def test_a_key_that_may_read_nothing_is_told_once_and_not_of_each_object(
    live: Live, solo: Clone
) -> None:
    synced(solo)
    solo.skill("beta")
    solo.push()
    live.keys["weak"] = create_key(user="me", scopes=("user:read",)).value
    solo.user = "weak"
    assert solo.requests
    solo.requests.made.clear()
    found = examined(solo)
    levels = dict.fromkeys(("key", "skills", "datasets"), Level.PROBLEM)
    assert bad(found) == levels
    assert of(found, "bases") == []
    assert not [path for _, path in solo.requests.made if "alpha" in path or "beta" in path]


def test_a_host_that_does_not_answer(live: Live, solo: Clone) -> None:
    synced(solo)
    assert solo.requests

    def broken(request: httpx.Request) -> None:
        raise httpx.ConnectError("refused", request=request)

    solo.requests.before = broken
    found = examined(solo)
    assert bad(found) == {"host": Level.PROBLEM}
    assert found.exit == 1


def test_the_clocks_are_compared(live: Live, solo: Clone) -> None:
    """14.6 #149: said, for no decision looks at a clock (test_push.py)."""
    synced(solo)
    assert solo.requests

    def dated(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        response.headers["Date"] = "Sat, 01 Aug 2026 11:00:00 GMT"
        return response

    solo.requests.after = dated
    found = examined(solo)
    assert bad(found) == {"clock": Level.WARNING}
    assert "3,600 s ahead of the server" in of(found, "clock")[0].message
    assert clock_finding(format_datetime(NOW), now=NOW).level is Level.OK
    assert clock_finding("nonsense", now=NOW).level is Level.OK
    assert clock_finding("", now=NOW).level is Level.OK


def test_bases_that_the_server_does_not_know(live: Live, solo: Clone) -> None:
    synced(solo)
    live.archive("alpha")
    live.patch_dataset(live.datasets()[0]["id"], deleted=True)
    found = examined(solo)
    assert bad(found) == {"bases": Level.PROBLEM}
    assert {one.subject for one in of(found, "bases") if one.fix} == {"alpha", "sums"}
    live.create("alpha")
    said = [one for one in of(examined(solo), "bases") if one.subject == "alpha"]
    assert "another version" in said[0].message
    assert "adopt alpha" in said[0].fix


def test_two_folders_of_one_name(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.write("skills/twin/SKILL.md", solo.read("skills/alpha/SKILL.md"))
    found = examined(solo, offline=True)
    assert bad(found) == {"skills": Level.PROBLEM}
