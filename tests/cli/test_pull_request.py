"""`skillsync pull --pr` against a real remote repository, a server and a forge of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_world import Ended, Repo, World, open_world
from tests.forge.imitation import READER, TOKEN, ImitatedForge, forge
from tests.world import git


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("proposals")) as opened:
        yield opened


class Team:
    """A shared repository, a job's clone of it, and the forge where it is hosted."""

    def __init__(self, world: World, server: ImitatedForge, folder: Path) -> None:
        self.repo: Repo = world.repository(more='publish_branch = "main"\n')
        self.server, self.folder = server, folder
        self.shared = folder / "shared.git"
        git(self.repo.path, "init", "-q", "--bare", "-b", "main", str(self.shared))
        git(self.repo.path, "remote", "add", "origin", str(self.shared))
        server.tips = lambda branch: git(self.shared, "rev-parse", branch)
        for name in ("alpha", "beta"):
            self.repo.skill(name)
        self.repo.commit()
        self.publish()
        self.repo.ok("push")
        self.repo.ok("pull")
        self.repo.commit()
        self.publish()
        self.branch = f"skillsync/pull/{self.repo.number}"

    def publish(self) -> None:
        git(self.repo.path, "push", "-q", "origin", "main")
        git(self.repo.path, "fetch", "-q", "origin")

    def pull(self, *words: str, kind: str = "github", **env: str) -> Ended:
        if kind == "github":
            env = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/skills", "GITHUB_API_URL": self.server.url, "GITHUB_TOKEN": TOKEN, **env}  # fmt: skip
        else:
            env = {"GITLAB_CI": "true", "CI_PROJECT_ID": "12", "CI_API_V4_URL": f"{self.server.url}/api/v4", "GITLAB_TOKEN": TOKEN, **env}  # fmt: skip
        before = git(self.repo.path, "status", "--porcelain")
        ended = self.repo.run("pull", "--pr", *words, env=env)
        assert git(self.repo.path, "status", "--porcelain") == before
        assert TOKEN not in ended.out + ended.err
        return ended

    @property
    def branches(self) -> list[str]:
        listed = git(self.shared, "for-each-ref", "--format=%(refname:short)", "refs/heads")
        return [one for one in listed.splitlines() if one != "main"]

    def tip(self) -> str:
        return git(self.shared, "rev-parse", self.branch)


@pytest.fixture
def team(world: World, tmp_path: Path) -> Iterator[Team]:
    with forge() as server:
        yield Team(world, server, tmp_path)


@pytest.mark.parametrize("kind", ["github", pytest.param("gitlab", marks=pytest.mark.slow)])
def test_one_rolling_pull_request_that_closes_when_nothing_is_left(team: Team, kind: str) -> None:
    ended = team.pull(kind=kind)
    assert (ended.exit, "nothing to pull" in ended.out) == (0, True), ended
    assert (team.branches, team.server.writes) == ([], 0)

    team.repo.edit("alpha", body="one of the web\n\ntwo\n\nthree")
    first = team.pull("--json", kind=kind)
    assert first.exit == 0, first
    (made,) = first.json["requests"]
    assert (made["branch"], made["action"], made["takes"]) == (team.branch, "opened", [{"kind": "skill", "name": "alpha", "versions": [2]}])  # fmt: skip
    (opened,) = team.server.opened
    assert (opened["title"], opened["base"], opened["labels"]) == ("Store edits: alpha v2", "main", ["skillsync:pull"])  # fmt: skip
    tip, writes = team.tip(), team.server.writes
    assert "one of the web" in git(team.shared, "show", f"{tip}:skills/alpha/SKILL.md")

    # The same store, and a branch below that went on: nothing is pushed and nothing written.
    team.repo.write("README.md", "More.\n")
    team.repo.commit()
    team.publish()
    again = team.pull("--json", kind=kind)
    assert again.json["requests"][0]["action"] == "kept"
    assert (team.tip(), team.server.writes) == (tip, writes)

    team.repo.edit("beta", body="one\n\ntwo of the web\n\nthree")
    assert team.pull(kind=kind).exit == 0
    assert len(team.server.opened) == 1
    assert opened["title"] == "Store edits: alpha v2, beta v2"
    assert team.tip() != tip

    git(team.repo.path, "fetch", "-q", "origin")
    git(team.repo.path, "merge", "-q", "--squash", f"origin/{team.branch}")
    team.repo.commit()
    team.publish()
    closed = team.pull("--json", kind=kind)
    assert [one["action"] for one in closed.json["requests"]] == ["closed"]
    assert (opened["is_open"], team.branches) == (False, [])
    assert "Nothing of it is left" in opened["said"][-1]["body"]
    assert team.repo.ok("push").out.strip() == "nothing to push"


def test_people_s_commits_are_never_overwritten(team: Team) -> None:
    team.repo.edit("alpha", body="one of the web\n\ntwo\n\nthree")
    assert team.pull().exit == 0
    work = team.folder / "person"
    git(team.folder, "clone", "-q", "-b", team.branch, str(team.shared), str(work))
    (work / "skills/alpha/SKILL.md").write_text("---\nname: alpha\ndescription: Does alpha.\n---\n\nmine\n")  # fmt: skip
    git(work, "commit", "-q", "-a", "-m", "mended by a person")
    git(work, "push", "-q", "origin", team.branch)
    tip, opened = team.tip(), team.server.opened[0]
    assert team.pull().exit == 0  # the branch has taken in all there is
    assert opened["said"] == []

    team.repo.edit("alpha", body="one of the web\n\nand more\n\nthree")
    for _ in range(2):
        ended = team.pull("--json")
        assert (ended.exit, ended.json["requests"][0]["action"]) == (4, "people")
    assert team.tip() == tip
    assert [one["body"].split("\n")[1][:32] for one in opened["said"]] == [
        "The store has newer edits of <co"
    ]

    team.repo.edit("alpha", body="one\n\ntwo\n\nthree")
    git(team.repo.path, "fetch", "-q", "origin")
    assert (
        team.pull().exit == 4
    )  # v4 is what v1 was: that it was so has to be taken in all the same
    assert (team.tip(), opened["is_open"]) == (tip, True)


def test_a_dry_run_needs_no_forge_and_moves_nothing(team: Team) -> None:
    team.repo.edit("alpha", body="one of the web\n\ntwo\n\nthree")
    ended = team.repo.run("pull", "--pr", "--dry-run", "--json")
    assert (ended.exit, ended.json["requests"][0]["action"]) == (0, "would be offered")
    assert (team.branches, team.server.writes) == ([], 0)


@pytest.mark.slow
def test_without_a_token_or_its_permission_it_ends_with_7(team: Team) -> None:
    team.repo.edit("alpha", body="one of the web\n\ntwo\n\nthree")
    assert team.pull(GITHUB_TOKEN="").exit == 7
    assert team.pull(GITHUB_TOKEN=READER).exit == 7
    assert team.server.opened == []


@pytest.mark.slow
def test_pull_requests_of_forks_and_of_people_are_not_ours(team: Team) -> None:
    """A fork may name its branch as ours is named, and anybody may open one for it."""
    base = {"base": "main", "title": "x", "body": "", "is_open": True, "said": [], "labels": []}
    team.server.opened.append({**base, "number": 1, "branch": team.branch, "author": "mallory", "repo": "mallory/skills"})  # fmt: skip
    git(team.repo.path, "push", "-q", "origin", f"main:refs/heads/{team.branch}--old")
    team.server.opened.append({**base, "number": 2, "branch": f"{team.branch}--old", "author": "ada"})  # fmt: skip
    git(team.repo.path, "push", "-q", "origin", f"main:refs/heads/{team.branch}")
    team.repo.edit("alpha", body="one of the web\n\ntwo\n\nthree")
    ended = team.pull("--json")
    assert (ended.exit, ended.json["requests"][0]["action"]) == (0, "opened")
    assert [one["is_open"] for one in team.server.opened] == [True, True, True]
    assert team.server.opened[0]["title"] == team.server.opened[1]["title"] == "x"


@pytest.mark.parametrize("words", [("--base", "main"), ("--dry-run",), ("--split", "skill")])
def test_options_of_a_pull_request_need_one(team: Team, words: tuple[str, ...]) -> None:
    assert team.repo.run("pull", *words).exit == 2


def test_a_base_that_is_not_there_is_2(team: Team) -> None:
    assert team.pull("--base", "nowhere").exit == 2
