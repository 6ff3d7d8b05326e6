"""What is asked of a git remote: single commits in, one branch of ours out and away, never over what we did not see."""

from __future__ import annotations

from skillsync.errors import UsageError
from skillsync.repo.git import Repository
from skillsync.repo.git_formats import is_object_id

REMOTE = "origin"
_QUIET = ("--quiet", "--no-tags", "--no-recurse-submodules")


def fetch_commit(repo: Repository, commit: str, *, remote: str = REMOTE) -> bool:
    """Bring a commit into this clone as objects; no branch, tag or file changes. False: the remote has none."""
    if not is_object_id(commit):
        return False
    if not repo.commit_exists(commit):
        repo.run(["fetch", *_QUIET, remote, commit], accept=range(256), reads=False)
    return repo.commit_exists(commit)


def remote_tip(repo: Repository, branch: str, *, remote: str = REMOTE) -> str | None:
    """Return the commit that a branch of the remote is at, brought here; None: there is no such branch.

    Raises GitFailed when the remote cannot be asked.
    """
    asked = ["ls-remote", "--quiet", remote, f"refs/heads/{branch}"]
    lines = [line.split("\t") for line in repo.run(asked).line.splitlines()]
    tip = next((one[0] for one in lines if one[1:] == [f"refs/heads/{branch}"]), None)
    if tip is not None and not fetch_commit(repo, tip, remote=remote):
        raise UsageError(f"the remote's branch {branch} could not be fetched", subject=branch)
    return tip


def move_branch(
    repo: Repository, branch: str, *, before: str | None, after: str | None, remote: str = REMOTE
) -> None:
    """Set a branch of the remote, only if it is at ``before`` still; None is "no such branch".

    Raises GitFailed when the remote refuses, as it does when somebody was faster.
    """
    ref = f"refs/heads/{branch}"
    lease = f"--force-with-lease={ref}:{before or ''}"
    repo.run(["push", "--quiet", "--no-verify", lease, remote, f"{after or ''}:{ref}"], reads=False)
