"""A version that was read once is not read again; and what is kept is believed only where it is that very version."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.api.reading import skill_from
from skillsync.api.shelf import StoredVersion, Wish
from skillsync.model import RemoteSkill
from skillsync.repo.versions import find_kept
from skillsync.sync.history_import import ImportRequest, import_history
from skillsync.sync.log import Log, log
from skillsync.sync.revision import parse_revision
from skillsync.sync.show import Shown, show
from skillsync.sync.version_shelf import VersionShelf
from tests.sync.dialects import both_at_once, seed_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

REF = "refs/skillsync/127.0.0.1_8765/1/alpha"
FILES = ("one.md", "two.md")


def published(clone: Clone) -> None:
    clone.skill("alpha")
    for name in FILES:
        clone.write(f"skills/alpha/{name}", f"{name}\n")
    clone.push()
    clone.commit("pointer")


def edited(live: Live, body: str) -> int:
    """Edit every text of the skill in the web page; returns the version."""
    texts = [
        {"path": name, "content": f"{name} beside {body[-9:]}", "content_type": "text/markdown"}
        for name in FILES
    ]
    return live.edit("alpha", files=texts, body=body)


def asked(clone: Clone) -> list[str]:
    """Return what was asked about single skills since the last time, without the project and the query."""
    assert clone.requests
    made = [path.partition("?")[0].rstrip("/") for _, path in clone.requests.made]
    clone.requests.made.clear()
    return [path.rpartition("/llm_skills/")[2] for path in made if "/llm_skills/" in path]


def files_of(paths: list[str]) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in paths if "/files/" in path)


def kept(clone: Clone) -> list[int]:
    found = find_kept(clone.workspace.repo, clone.target.place, ["alpha"])["alpha"]
    return [one.number for one in found.versions]


def shown(clone: Clone, word: str) -> RemoteSkill:
    with clone.connect(clone.target) as remote:
        found = show(clone.workspace, clone.target, remote, parse_revision(word))
    assert isinstance(found, Shown)
    return found.skill


def log_of(clone: Clone) -> Log:
    with clone.connect(clone.target) as remote:
        return log(clone.workspace, clone.target, remote, "alpha", most=20, read=True)


@both_at_once
def test_a_file_of_a_version_is_asked_for_once(live: Live, solo: Clone) -> None:
    """Both sides changed: every look at the skill needs the server's latest version, until somebody merges."""
    published(solo)
    edited(live, "Step one.\n\nStep 2.")
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step II.")
    solo.commit("edit")
    asked(solo)
    first = solo.status()
    assert files_of(asked(solo)) == [*FILES]
    assert solo.status().lines == first.lines
    assert files_of(asked(solo)) == []
    assert kept(solo) == [live.version("alpha")]
    assert solo.pull().exit == 4
    assert "one.md on the web" not in solo.git("status", "--porcelain")
    assert len(files_of(asked(solo))) in {
        0,
        2,
    }  # of the base, which was published from here and never read


@both_at_once
def test_a_version_that_this_run_heard_of_is_not_asked_for_at_all(live: Live, solo: Clone) -> None:
    published(solo)
    for body in ("one", "two"):
        edited(live, body)
    solo.pull()
    asked(solo)
    first = log_of(solo)
    assert files_of(asked(solo))
    assert log_of(solo) == first
    assert asked(solo) == ["resolve/name/alpha"]
    assert kept(solo) == [3, 2]  # what version 1 holds the pointer says


@both_at_once
def test_versions_become_the_same_commits_from_what_is_kept(live: Live, solo: Clone) -> None:
    published(solo)
    edited(live, "one")
    tips = []
    for needs_files in (True, False, True):
        asked(solo)
        request = ImportRequest("alpha")
        imported = import_history(solo.workspace, solo.target, solo.connect, request)
        tips.append(imported.tip)
        heard = asked(solo)
        assert bool(files_of(heard)) == needs_files
        assert needs_files or [*heard[-1:]] == ["resolve/name/alpha"]
        solo.git("branch", "-D", imported.branch)
        if not needs_files:
            solo.git("update-ref", "-d", REF)
    assert len(set(tips)) == 1


@both_at_once
def test_an_older_version_costs_the_request_that_says_which_it_is(live: Live, solo: Clone) -> None:
    published(solo)
    number = edited(live, "Step one.\n\n" + "a long step\n" * 2_000)
    edited(live, "short")
    solo.pull()
    asked(solo)
    first = shown(solo, f"alpha@{number}")
    assert files_of(asked(solo)) == [*FILES]
    assert len(first.content.body) > 20_000
    assert shown(solo, f"alpha@{number}") == first
    assert asked(solo) == ["name/alpha"]
    solo.git("update-ref", "-d", REF)
    assert shown(solo, f"alpha@{number}") == first
    assert files_of(asked(solo)) == [*FILES]


@seed_only("the cache knows no generation")
def test_a_recreated_skill_is_not_what_is_kept_under_its_number(live: Live, solo: Clone) -> None:
    live.create("alpha", body="before")
    assert shown(solo, "alpha@1").content.body == "before"
    live.archive("alpha")
    live.create("alpha", body="after")
    assert shown(solo, "alpha@1").content.body == "after"
    assert kept(solo) == [1, 1]
    assert shown(solo, "alpha@1").content.body == "after"


@seed_only("the cache knows no generation")
def test_every_clone_has_the_same_commit_of_a_version(
    live: Live, solo: Clone, tmp_path: Path
) -> None:
    """One that saw every version come, and one that came late."""
    published(solo)
    other = solo.clone(tmp_path / "other")
    for word in ("Step 2.", "Step II.", "Step zwei."):
        live.edit("alpha", body=word)
        solo.pull()
        solo.commit("pulled")
    other.pull()
    latest = live.version("alpha")
    assert (kept(solo)[:3], kept(other)) == ([latest, latest - 1, latest - 2], [latest])
    [commit] = other.git("log", "--format=%H", REF).splitlines()
    assert solo.git("log", "--no-merges", "--format=%H", "-1", REF) == commit
    assert "Step zwei." in other.git("show", f"{commit}:SKILL.md")


@seed_only("the cache knows no generation")
def test_nothing_is_kept_and_no_more_git_asked_where_nothing_changed(
    live: Live, solo: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(solo)
    live.edit_body("alpha", "Step two.", "Step 2.")
    solo.pull()
    solo.commit("pulled")
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    for run in (solo.pull, solo.push, solo.status):
        asked(solo)
        run()
        assert asked(solo) == []
    said = trace.read_text()
    assert "fast-import" not in said
    assert "update-ref" not in said


# ---------------------------------------------------------------- what is not believed


def stored(clone: Clone, number: int) -> StoredVersion:
    """Read a version and return it as it is kept."""
    skill = shown(clone, f"alpha@{number}")
    shelf = VersionShelf(clone.workspace.repo, clone.target.place)
    wish = Wish("alpha", number, skill.version.id)
    return shelf.recall([wish])[wish]


@seed_only("the cache knows no generation")
def test_what_is_kept_is_what_was_read(live: Live, solo: Clone) -> None:
    more = "metadata:\n  deep: {a: [1, 2.5, null]}\nhooks: {x: 1}\nallowed-tools: Bash Read\n"
    solo.skill("alpha", more=more)
    solo.write("skills/alpha/run.sh", "echo\n", executable=True)
    solo.push()
    skill = shown(solo, "alpha@1")
    one = stored(solo, 1)
    assert skill_from(dict(one.fields), one.files, version=one.version) == skill


@seed_only("the cache knows no generation")
def test_one_targets_versions_never_stand_for_anothers(live: Live, solo: Clone) -> None:
    """Not even where both have the same ref, because a character that no ref may hold became another."""
    live.create("alpha")
    one = stored(solo, 1)
    wish = Wish("alpha", 1, one.version.id)
    repo = solo.workspace.repo
    assert VersionShelf(repo, "127.0.0.1_8765/1").recall([wish]) == {}
    assert VersionShelf(repo, "127.0.0.1:8765/2").recall([wish]) == {}
    assert VersionShelf(repo, "127.0.0.1:8765/1").recall([wish]) == {wish: one}
    assert VersionShelf(repo, "127.0.0.1:8765/1").recall([wish._replace(id="another")]) == {}


@seed_only("the cache knows no generation")
def test_a_forged_ref_costs_requests_and_decides_nothing(live: Live, solo: Clone) -> None:
    published(solo)
    number = edited(live, "Step 2.")
    true = shown(solo, f"alpha@{number}")
    record = solo.git("show", f"{REF}:.skillsync-version.json").replace("beside Step 2.", "Evil")
    solo.write("forged", record)
    blob = solo.git("hash-object", "-w", "forged")
    solo.path.joinpath("forged").unlink()
    message = solo.git("log", "-1", "--format=%B", REF)
    solo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.skillsync-version.json")
    tree = solo.git("write-tree")
    solo.git("reset", "-q")
    solo.git("update-ref", REF, solo.git("commit-tree", tree, "-m", message))
    asked(solo)
    assert shown(solo, f"alpha@{number}") == true
    assert files_of(asked(solo)) == [*FILES]
    assert outcome(solo.pull(), "alpha").changed
    assert solo.read("skills/alpha/one.md") == "one.md beside Step 2.\n"
