"""`push --reviewed FILE` on the command line: exit codes, and words that go together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.cli_world import Repo, World, open_world
from tests.world import git


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("reviewed")) as opened:
        yield opened


@pytest.fixture(scope="module")
def repo(world: World) -> Repo:
    """A branch that was reviewed online (good.json) and offline (offline.json)."""
    repo = world.repository(more='publish_branch = "main"\n')
    repo.skill("alpha")
    repo.commit()
    repo.ok("push")
    git(repo.path, "checkout", "-q", "-b", "pr")
    repo.skill("alpha", "ONE\n\ntwo\n\nthree\n")
    repo.commit()
    for name, words in (("good", ["--online"]), ("offline", ["--offline"])):  # fmt: skip
        ended = repo.run("review", "main..pr", *words, "--format", "json")
        (repo.path.parent / f"{name}.json").write_text(ended.out)
    git(repo.path, "checkout", "-q", "main")
    git(repo.path, "merge", "-q", "pr")
    return repo


@pytest.mark.parametrize(
    "words",
    [
        ("--strict",),
        ("--reviewed", "nowhere.json"),
        ("--reviewed", "skillsync.toml"),
        ("--reviewed", "auto"),
        ("--reviewed", "../good.json", "--from-branch"),
        ("--reviewed", "../good.json", "--republish", "alpha"),
        ("--reviewed", "../good.json", "--plan", "x"),
    ],
)
def test_words_that_do_not_go_together_are_2(repo: Repo, words: tuple[str, ...]) -> None:
    """Among them ``auto`` where nothing says which forge this is."""
    assert repo.run("push", *words).exit == 2


def test_a_reviewed_push(repo: Repo) -> None:
    """What did not pass and what did not ask the store are 6; then it is published, once."""
    offline = repo.run("push", "--reviewed", "../offline.json", "--strict", "--json")
    assert (offline.exit, offline.json["error"]["code"]) == (6, "E-NOT-REVIEWED"), offline
    text = (repo.path.parent / "good.json").read_text()
    (repo.path.parent / "cut.json").write_text(text[: len(text) // 2])
    assert repo.run("push", "--reviewed", "../cut.json").exit == 2
    done = repo.run("push", "--reviewed", "../good.json", "--strict", "--json")
    assert [one["did"] for one in done.json["outcomes"]] == ["published v2"]
    again = repo.run("push", "--reviewed", "../good.json", "--strict")
    assert (again.exit, again.out.strip()) == (0, "nothing to push")


def test_a_review_whose_gate_failed_lets_nothing_through(repo: Repo) -> None:
    repo.skill("beta", more="allowed-tools: Bash\n")
    repo.commit()
    ended = repo.run("review", "HEAD~1..HEAD", "--online", "--format", "json")
    assert ended.exit == 6
    (repo.path.parent / "failed.json").write_text(ended.out)
    refused = repo.run("push", "--reviewed", "../failed.json")
    assert (refused.exit, "did not pass: permissions" in refused.err) == (6, True)
    git(repo.path, "reset", "-q", "--hard", "HEAD~1")
