"""The daemon with the real engine, real events and a live server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from skillsync.repo.lock import locked
from skillsync.sync.resolve import Choice
from skillsync.watch.looking import git_seen
from skillsync.watch.values import Pull, Pulled, Trouble
from tests.sync.harness import Clone, Live
from tests.watch.daemon import STYLES, Daemon, quick, watching

SKILL = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


@pytest.fixture
def published(solo: Clone) -> Clone:
    solo.skill("alpha", BODY)
    solo.dataset("cases", ['{"id": "k1", "input": "first"}'])
    assert solo.push().exit == 0
    solo.commit("pointers")
    return solo


def stamps(clone: Clone) -> dict[Path, tuple[int, int, int]]:
    """What a write anywhere in the clone, git's folder included, would change."""
    found = ((path, path.stat()) for path in clone.path.rglob("*"))
    return {path: (info.st_mtime_ns, info.st_ino, info.st_size) for path, info in found}


def test_every_save_style_is_published_once_and_whole(solo: Clone, live: Live) -> None:
    """14.6 #39."""
    for name in STYLES:
        solo.skill(name, BODY)
    assert solo.push().exit == 0
    solo.commit("pointers")
    with watching(solo) as daemon:
        daemon.rest()
        for name, save in STYLES.items():
            path = solo.path / f"skills/{name}/SKILL.md"
            save(path, path.read_text() + f"\nsaved by {name}\n")
        daemon.until(lambda: all(live.version(name) == 2 for name in STYLES))
        daemon.rest()
    for name in STYLES:
        assert live.version(name) == 2
        assert live.skill(name)["body"].endswith(f"saved by {name}")
    assert daemon.needing == []


def test_edits_of_both_sides_meet_and_then_nothing_moves(published: Clone, live: Live) -> None:
    """P18: at rest a cycle is one list of skills, one of datasets, the items, and not a byte is written."""
    with watching(published) as daemon:
        daemon.rest()
        published.replace(SKILL, "one", "one from here")
        live.edit_body("alpha", "three", "three from the web")
        live.patch_row(live.row(live.datasets()[0]["id"], "k1")["id"], input="from the web")
        daemon.until(lambda: live.version("alpha") == 3)
        daemon.until(lambda: "from the web" in published.read("datasets/cases/items.jsonl"))
        daemon.rest()
        body = live.skill("alpha")["body"]
        assert "one from here" in body
        assert "three from the web" in body
        assert "three from the web" in published.read(SKILL)
        daemon.rest()
        polls = daemon.service.state.counts.polls
        daemon.until(lambda: daemon.service.state.counts.polls > polls + 1)
        daemon.rest()
        daemon.step()  # what happened is written down, once
        assert published.requests is not None
        published.requests.made.clear()
        daemon.deeds.clear()
        files = stamps(published)
        polls = daemon.service.state.counts.polls
        daemon.until(lambda: daemon.service.state.counts.polls > polls)
        made = [
            path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]
            for _, path in published.requests.made
        ]
        assert made == ["llm_skills", "datasets", "dataset_items"]
        assert daemon.deeds == []
        assert stamps(published) == files


@pytest.mark.slow
def test_the_default_mode_takes_in_and_reports(published: Clone, live: Live) -> None:
    with watching(published, quick(publish=False)) as daemon:
        daemon.rest()
        published.replace(SKILL, "one", "one from here")
        daemon.until(lambda: any(one.kind == "local" for one in daemon.told))
        live.edit_body("alpha", "three", "three from the web")
        daemon.until(lambda: "three from the web" in published.read(SKILL))
        daemon.rest()
    assert live.version("alpha") == 2
    told = [one for one in daemon.told if one.kind == "local"]
    assert [(one.subject, one.message) for one in told] == [
        ("alpha", "changed here since v1"),
        ("alpha", "changed here since v2"),
    ]
    assert {one.fix for one in told} == {"skillsync push alpha"}


def test_a_conflict_leaves_the_file_unmarked_and_the_rest_goes_on(
    published: Clone, live: Live
) -> None:
    with watching(published) as daemon:
        daemon.rest()
        published.replace(SKILL, "two", "two from here")
        mine = published.read(SKILL)
        live.edit_body("alpha", "two", "two from the web")
        daemon.until(lambda: any(one.code == "E-CONFLICT" for one in daemon.told))
        published.skill("beta", "another\n")
        daemon.until(lambda: live.version("beta") == 1)
        daemon.rest()
        assert published.read(SKILL) == mine
        assert live.version("alpha") == 2
        assert [one.subject for one in daemon.told if one.code == "E-CONFLICT"] == ["alpha"]
        published.resolve("alpha", Choice.LOCAL)
        daemon.until(lambda: live.version("alpha") == 3)
    assert "two from here" in live.skill("alpha")["body"]


def test_a_file_touched_lately_or_open_in_an_editor_is_not_overwritten(
    published: Clone, live: Live
) -> None:
    engine = Daemon(published, quick(untouched=60.0), listens=False).service.engine
    published.replace(SKILL, "one", "one from here")
    live.edit_body("alpha", "three", "three from the web")
    git = git_seen(published.workspace.repo)

    def kept_back(*unsettled: str) -> Mapping[str, str]:
        pulled = engine.pull(Pull(frozenset(unsettled), git))
        assert isinstance(pulled, Pulled)
        return pulled.held

    assert kept_back() == {"skills/alpha": "it was changed less than a minute ago"}
    engine.wall = lambda: time.time() + 61
    published.write("skills/alpha/.SKILL.md.swp", b"\0")
    assert kept_back() == {"skills/alpha": "an editor has it open (.SKILL.md.swp)"}
    (published.path / "skills/alpha/.SKILL.md.swp").unlink()
    assert kept_back("skills/alpha") == {"skills/alpha": "it is being saved"}
    assert "from the web" not in published.read(SKILL)
    assert kept_back() == {}
    assert "three from the web" in published.read(SKILL)


@pytest.mark.slow
def test_a_save_from_an_old_buffer_is_kept_back_with_the_versions_name(
    published: Clone, live: Live
) -> None:
    old = published.read(SKILL)
    with watching(published) as daemon:
        daemon.rest()
        live.edit_body("alpha", "two", "two from the web")
        daemon.until(lambda: "two from the web" in published.read(SKILL))
        daemon.rest()
        published.write(SKILL, old.replace("one", "one, typed in an old buffer"))
        daemon.until(lambda: bool(daemon.needing))
        polls = daemon.service.state.counts.polls
        daemon.until(lambda: daemon.service.state.counts.polls > polls + 2)
    [told] = daemon.needing
    assert told.code == "W-UNDOES-PULL"
    assert "this save undoes v2 by " in told.message
    assert live.version("alpha") == 2
    assert "typed in an old buffer" in published.read(SKILL)


@pytest.mark.slow
def test_content_that_is_not_valid_is_reported_and_not_published(
    published: Clone, live: Live
) -> None:
    with watching(published) as daemon:
        daemon.rest()
        published.write(SKILL, "---\nname: alpha\ndescription: [\n---\n\nbroken\n")
        daemon.until(lambda: any(one.subject == "alpha" for one in daemon.needing))
        assert live.version("alpha") == 1
        published.skill("alpha", "mended\n")
        daemon.until(lambda: live.version("alpha") == 2)


@pytest.mark.slow
def test_an_editors_file_of_the_moment_is_never_published(published: Clone, live: Live) -> None:
    with watching(published) as daemon:
        daemon.rest()
        published.write("skills/alpha/notes.md~", "a backup\n")
        published.replace(SKILL, "one", "one from here")
        daemon.until(lambda: any("notes.md~ looks like" in one.message for one in daemon.needing))
        assert live.version("alpha") == 1
        (published.path / "skills/alpha/notes.md~").unlink()
        daemon.until(lambda: live.version("alpha") == 2)
        assert live.skill("alpha")["files"] == []


@pytest.mark.slow
def test_nothing_is_published_in_the_middle_of_a_rebase(published: Clone, live: Live) -> None:
    with watching(published) as daemon:
        daemon.rest()
        (published.path / ".git/rebase-merge").mkdir()
        published.replace(SKILL, "one", "one from here")
        daemon.until(lambda: daemon.service.state.is_busy)
        polls = daemon.service.state.counts.polls
        daemon.until(lambda: daemon.service.state.counts.polls > polls + 2)
        assert live.version("alpha") == 1
        (published.path / ".git/rebase-merge").rmdir()
        daemon.until(lambda: live.version("alpha") == 2)


@pytest.mark.slow
def test_a_checkout_of_an_older_commit_publishes_nothing_and_is_taken_up(
    published: Clone, live: Live
) -> None:
    published.git("branch", "old")
    with watching(published) as daemon:
        daemon.rest()
        published.replace(SKILL, "one", "one from here")
        daemon.until(lambda: live.version("alpha") == 2)
        daemon.rest()
        published.commit("v2")
        published.git("checkout", "-q", "old")
        assert "one from here" not in published.read(SKILL)
        daemon.until(lambda: "one from here" in published.read(SKILL))
        daemon.rest()
    assert live.version("alpha") == 2


@pytest.mark.slow
def test_team_mode_publishes_commits_of_the_publish_branch_alone(team: Clone, live: Live) -> None:
    team.skill("alpha", BODY)
    team.commit("alpha")
    with watching(team, quick(team=True)) as daemon:
        daemon.until(lambda: live.version("alpha") == 1)
        team.replace(SKILL, "one", "one, not committed")
        daemon.rest()
        assert live.version("alpha") == 1
        team.git("checkout", "-q", "-b", "topic")
        team.commit("on another branch")
        daemon.until(lambda: any(one.code == "E-REFUSED" for one in daemon.told))
        assert live.version("alpha") == 1
        team.git("checkout", "-q", "main")
        team.git("merge", "-q", "topic")
        daemon.until(lambda: live.version("alpha") == 2)


@pytest.mark.slow
def test_the_server_may_be_away_and_come_back(published: Clone, live: Live) -> None:
    with watching(published, quick(longest_pause=0.2)) as daemon:
        daemon.rest()
        requests = published.requests
        assert requests is not None

        def away(request: httpx.Request) -> None:
            raise httpx.ConnectError("away", request=request)

        requests.before = away
        published.replace(SKILL, "one", "one from here")
        daemon.until(lambda: daemon.service.state.poll_failures > 1)
        requests.before = None
        daemon.until(lambda: live.version("alpha") == 2)
        daemon.until(lambda: "the server answers again" in [one.message for one in daemon.told])
    assert len([one for one in daemon.told if one.subject == "poll"]) == 1


@pytest.mark.slow
def test_settings_are_read_again_when_they_change(published: Clone, live: Live) -> None:
    with watching(published) as daemon:
        daemon.rest()
        published.write(
            "more/gamma/SKILL.md", "---\nname: gamma\ndescription: Does it.\n---\n\ntext\n"
        )
        settings = published.read("skillsync.toml")
        published.write("skillsync.toml", "version = [")
        daemon.until(lambda: any(one.code == "E-CONFIG" for one in daemon.needing))
        published.write("skillsync.toml", settings.replace('["skills"]', '["skills", "more"]'))
        daemon.until(lambda: live.version("gamma") == 1)


@pytest.mark.slow
def test_another_command_that_holds_the_lock_is_waited_for(published: Clone, live: Live) -> None:
    with watching(published) as daemon:
        daemon.rest()
        with locked(published.workspace.repo.state_dir, command="push"):
            published.replace(SKILL, "one", "one from here")
            daemon.until(lambda: daemon.service.state.counts.failures > 0)
        daemon.until(lambda: live.version("alpha") == 2)
    assert daemon.needing == []
    assert not any(isinstance(one, Trouble) for one in daemon.told)
