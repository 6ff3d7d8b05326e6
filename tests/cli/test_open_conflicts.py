"""While a conflict is open: what a command tells its user to do next, and that it says each thing once."""

from __future__ import annotations

import pytest

from tests.cli.cli_world import Repo
from tests.world import git

ROWS = ['{"id": "q1", "input": "1?"}', '{"id": "q2", "input": "2?"}']


def merge_by_hand(repo: Repo, path: str, old: str) -> None:
    """Leave git in the middle of a merge of two branches that both changed one line."""
    git(repo.path, "switch", "-q", "-c", "other")
    for branch in ("other", "main"):
        git(repo.path, "switch", "-q", branch)
        repo.write(path, repo.read(path).replace(old, f"{old} of {branch}"))
        git(repo.path, "commit", "-q", "-m", branch, "--", path)
    git(repo.path, "merge", "-q", "other", check=False)


@pytest.mark.parametrize("whose", ["ours", "git's"])
def test_nobody_is_told_to_commit_everything(repo: Repo, whose: str) -> None:
    """`git add -A` would take the markers of another object for the solution."""
    beta = repo.skill("beta")
    if whose == "ours":
        repo.conflicted()
    else:
        merge_by_hand(repo, repo.published(), "two")
    repo.write(beta, repo.read(beta).replace("two", "TWO"))
    ended = repo.run("push")
    assert "beta: published v2" in ended.out
    assert "alpha: " in ended.out
    assert "git add -A" not in ended.err


def test_what_git_has_in_conflict_is_said_once(repo: Repo) -> None:
    repo.dataset("sums", *ROWS)
    repo.published()
    merge_by_hand(repo, "datasets/sums/items.jsonl", "1?")
    for verb, said in (
        ("pull", "git has unmerged entries here"),
        ("push", "a conflict marker of an unfinished git merge"),
    ):
        ended = repo.run(verb)
        assert (ended.out + ended.err).count(said) == 1
        document = repo.run(verb, "--json").json
        assert [one["subject"] for one in document["outcomes"] if one["exit"]] == ["sums"]
    ended = repo.run("status")
    assert "git has unmerged entries: datasets/sums/items.jsonl" in ended.err
    git(repo.path, "merge", "--abort")
    assert "unmerged" not in repo.ok("status").err
