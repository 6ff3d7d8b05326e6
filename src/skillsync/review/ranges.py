"""Which commits a review compares: what was said, else what the CI says it is running for, else this branch.

Everything from the environment and from event files is taken for hostile: only full object ids pass (an event) or a
revision that is no option (a person's words).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillsync.errors import GitFailed, UsageError
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.model import Json
from skillsync.repo.git import Repository
from skillsync.repo.git_formats import is_object_id

_EVENT_LIMIT = 25_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Two revisions, not looked up yet; ``source`` says for people where they come from."""

    base: str
    head: str
    source: str


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits themselves. ``head`` is compared with ``merge_base``, their best common ancestor."""

    base: str
    head: str
    merge_base: str


def parse_words(words: str) -> Asked:
    """Read ``BASE..HEAD``, ``BASE...HEAD`` or ``BASE`` (then to HEAD). Raises UsageError."""
    base, dots, head = words.partition("..")
    head = head.removeprefix(".")
    if not base or base.startswith("-") or head.startswith("-") or ".." in head:
        raise UsageError(
            f"{words!r} is no range of commits", hint="skillsync review main..my-branch"
        )
    return Asked(base, head or "HEAD", "the command line" if dots else "the command line, to HEAD")


def detect(environ: Mapping[str, str], event: Json) -> Asked | None:
    """Return what a CI says it runs for, None when this is no CI that is known.

    ``event`` is the content of GITHUB_EVENT_PATH. A pull request, a merge queue's group and a push on GitHub, a
    merge request on GitLab.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ.get("GITHUB_EVENT_NAME", ""), event)
    if environ.get("GITLAB_CI") == "true":
        base = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
        head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", "")
        return _ids(base, head, "the merge request")
    return None


def _github(name: str, event: Json) -> Asked | None:
    if name in {"pull_request", "pull_request_target"}:
        pull = _below(event, "pull_request")
        return _ids(_below(pull, "base", "sha"), _below(pull, "head", "sha"), "the pull request")
    if name == "merge_group":
        group = _below(event, "merge_group")
        return _ids(_below(group, "base_sha"), _below(group, "head_sha"), "the merge group")
    if name == "push":
        return _ids(_below(event, "before"), _below(event, "after"), "the push")
    return None


def _below(value: Json, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _ids(base: Json, head: Json, source: str) -> Asked | None:
    """A push that makes a branch has zeros for what was before: no base."""
    for one in (base, head):
        if not isinstance(one, str) or not is_object_id(one) or not one.strip("0"):
            return None
    return Asked(str(base), str(head), source)


def read_event(environ: Mapping[str, str]) -> Json:
    """Read the event file that GitHub names; None where there is none that can be read."""
    path = environ.get("GITHUB_EVENT_PATH")
    if not path or not Path(path).is_file() or Path(path).stat().st_size > _EVENT_LIMIT:
        return None
    try:
        return read_json(Path(path).read_text("utf-8"))
    except (JsonTrouble, UnicodeDecodeError):
        return None


def is_foreign(environ: Mapping[str, str], event: Json) -> bool:
    """Tell whether CI runs for a fork's commit: a pull request's, or that of the run which started this one."""
    if environ.get("GITHUB_ACTIONS") == "true":
        here = environ.get("GITHUB_REPOSITORY", "")
        run, pull = _below(event, "workflow_run"), _below(event, "pull_request")
        if isinstance(run, dict):
            return _below(run, "head_repository", "full_name") != here
        return isinstance(pull, dict) and _below(pull, "head", "repo", "full_name") != here
    if environ.get("GITLAB_CI") == "true":
        source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
        return bool(source) and source != environ.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    return False


def find_range(
    repo: Repository, words: str | None, environ: Mapping[str, str], *, branch: str | None
) -> tuple[Commits, str]:
    """Return the commits to compare and where they were named.

    ``branch`` is the publish branch, for a person who names no range. Raises UsageError when nothing says what to
    compare or a revision is unknown, ShallowClone when history is cut off.
    """
    asked = parse_words(words) if words else detect(environ, read_event(environ))
    if asked is None:
        asked = _local(repo, branch)
    base, head = find_commit(repo, asked.base), find_commit(repo, asked.head)
    common = repo.merge_bases(base, head)
    if not common:
        raise UsageError(
            f"{asked.base} and {asked.head} have no common ancestor", hint="name another BASE"
        )
    return Commits(base, head, common[0]), asked.source


def _local(repo: Repository, branch: str | None) -> Asked:
    for name in [branch] if branch else ["main", "master"]:
        upstream = repo.upstream_of(name)
        if upstream is not None:
            return Asked(upstream, "HEAD", f"HEAD against {upstream}")
    raise UsageError(
        "nothing says which commits to review",
        hint="skillsync review BASE..HEAD, such as origin/main..HEAD",
    )


def find_commit(repo: Repository, revision: str) -> str:
    """Return the commit that a revision names. Raises UsageError when this clone has none."""
    try:
        found = repo.commit_of(revision)
    except GitFailed:
        found = None
    if found is None:
        raise UsageError(
            f"there is no commit {revision!r} in this clone",
            hint="git fetch origin (in CI: fetch-depth: 0)",
        )
    return found
