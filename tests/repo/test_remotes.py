"""A branch of a remote moves only from where it was seen, and single commits come in alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.errors import GitFailed
from skillsync.repo.git import Repository
from skillsync.repo.remotes import fetch_commit, move_branch, remote_tip
from tests.world import commit_all, git, make_repository


def test_a_branch_moves_only_from_where_it_was_seen(tmp_path: Path) -> None:
    here = make_repository(tmp_path / "here", {"a": "1"})
    shared = tmp_path / "shared.git"
    git(tmp_path, "clone", "-q", "--bare", str(here), str(shared))
    git(here, "remote", "add", "origin", str(shared))
    first = git(here, "rev-parse", "HEAD")
    (here / "a").write_text("2")
    second = commit_all(here)
    git(here, "reset", "-q", "--hard", first)
    (here / "a").write_text("3")
    other = commit_all(here)
    repo = Repository.open(here)
    assert remote_tip(repo, "pull") is None
    move_branch(repo, "pull", before=None, after=second)
    assert remote_tip(repo, "pull") == second
    for before in (None, first, other):  # somebody was faster: it is not where it was seen
        with pytest.raises(GitFailed):
            move_branch(repo, "pull", before=before, after=other)
        with pytest.raises(GitFailed):
            move_branch(repo, "pull", before=before, after=None)
    assert remote_tip(repo, "pull") == second
    move_branch(repo, "pull", before=second, after=other)
    assert remote_tip(repo, "pull") == other
    move_branch(repo, "pull", before=other, after=None)
    assert remote_tip(repo, "pull") is None
    repo.close()


def test_a_commit_comes_in_alone(tmp_path: Path) -> None:
    there = make_repository(tmp_path / "there", {"a": "1"})
    here = tmp_path / "here"
    git(tmp_path, "clone", "-q", "--single-branch", str(there), str(here))
    git(there, "checkout", "-q", "-b", "other")
    (there / "a").write_text("2")
    commit = commit_all(there)
    refs = git(here, "for-each-ref")
    repo = Repository.open(here)
    assert not repo.commit_exists(commit)
    assert fetch_commit(repo, commit)
    assert fetch_commit(repo, commit)
    assert not fetch_commit(repo, "0" * 40)
    for word in ("main", "--upload-pack=touch x", ""):
        assert not fetch_commit(repo, word)
    assert (git(here, "for-each-ref"), git(here, "status", "--porcelain")) == (refs, "")
    repo.close()
