"""Which commits are compared, and that nothing hostile decides it."""

from __future__ import annotations

from typing import Any

import pytest

from skillsync.errors import UsageError
from skillsync.model import Json
from skillsync.review.ranges import Asked, detect, is_foreign, parse_words

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
GITHUB = {"GITHUB_ACTIONS": "true"}


@pytest.mark.parametrize(
    ("words", "base", "head"),
    [("main..pr", "main", "pr"), ("main...pr", "main", "pr"), ("main", "main", "HEAD"), ("v1..", "v1", "HEAD")],
)  # fmt: skip
def test_words(words: str, base: str, head: str) -> None:
    asked = parse_words(words)
    assert (asked.base, asked.head) == (base, head)


@pytest.mark.parametrize("words", ["..pr", "--exec=x..y", "a..--b", "a..b..c", ""])
def test_words_that_are_no_range(words: str) -> None:
    with pytest.raises(UsageError):
        parse_words(words)


CASES: list[tuple[dict[str, str], Any, str]] = [
    ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, {"pull_request": {"base": {"sha": A}, "head": {"sha": B}}}, "the pull request"),
    ({**GITHUB, "GITHUB_EVENT_NAME": "merge_group"}, {"merge_group": {"base_sha": A, "head_sha": B}}, "the merge group"),
    ({**GITHUB, "GITHUB_EVENT_NAME": "push"}, {"before": A, "after": B}, "the push"),
    ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": A, "CI_COMMIT_SHA": B}, None, "the merge request"),
    ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": A, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B, "CI_COMMIT_SHA": ZERO}, None, "the merge request"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "event", "source"), CASES)
def test_what_a_ci_runs_for(environ: dict[str, str], event: Json, source: str) -> None:
    assert detect(environ, event) == Asked(A, B, source)


@pytest.mark.parametrize(
    ("environ", "event"),
    [
        ({}, None),
        ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, None),
        ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, {"pull_request": []}),
        ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, {"pull_request": {"base": {"sha": "--x"}, "head": {"sha": B}}}),
        ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, {"pull_request": {"base": {"sha": "main"}, "head": {"sha": B}}}),
        ({**GITHUB, "GITHUB_EVENT_NAME": "push"}, {"before": ZERO, "after": B}),
        ({**GITHUB, "GITHUB_EVENT_NAME": "schedule"}, {}),
        ({"GITLAB_CI": "true", "CI_COMMIT_SHA": B}, None),
    ],
)  # fmt: skip
def test_what_is_no_range_is_none(environ: dict[str, str], event: Json) -> None:
    assert detect(environ, event) is None


@pytest.mark.parametrize(
    ("event", "foreign"),
    [
        ({"pull_request": {"head": {"repo": {"full_name": "octo/skills"}}}}, False),
        ({"pull_request": {"head": {"repo": {"full_name": "mallory/skills"}}}}, True),
        ({"pull_request": {"head": {"repo": None}}}, True),
        ({"workflow_run": {"head_repository": {"full_name": "octo/skills"}}}, False),
        ({"workflow_run": {"head_repository": {"full_name": "mallory/skills"}}}, True),
        ({"workflow_run": {}}, True),
        ({"after": "a" * 40}, False),
        (None, False),
    ],
)
def test_a_fork_is_known_by_the_event(event: Json, foreign: bool) -> None:
    """Where the event does not say whose a pull request is, it is nobody's who may ask."""
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/skills"}
    assert is_foreign(environ, event) is foreign
    assert is_foreign({}, event) is False


def test_a_fork_on_gitlab() -> None:
    ids = {"GITLAB_CI": "true", "CI_MERGE_REQUEST_PROJECT_ID": "12"}
    assert is_foreign({**ids, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "13"}, None)
    assert not is_foreign({**ids, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "12"}, None)
    assert not is_foreign({"GITLAB_CI": "true"}, None)
