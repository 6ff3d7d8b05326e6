"""Where the comment goes is said by the options and by CI's event."""

from __future__ import annotations

from typing import Any

import pytest

from skillsync.errors import UsageError
from skillsync.forge.place import Asked, Branch, find_place

SHA = "b" * 40
GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/skills"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_ID": "12",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
}
PULL: Any = {"pull_request": {"number": 7, "head": {"sha": SHA}}}
RUN = {
    "workflow_run": {
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "pr",
        "head_repository": {"full_name": "mallory/skills"},
        "pull_requests": [],
    }
}


@pytest.mark.parametrize(
    ("environ", "event", "number", "head", "branch"),
    [
        (GITHUB, PULL, 7, SHA, None),
        (GITHUB, RUN, None, SHA, Branch("mallory/skills", "pr")),
        (GITHUB, {"workflow_run": {**RUN["workflow_run"], "event": "merge_group"}}, None, SHA, None),
        (GITHUB, {"merge_group": {"head_sha": SHA}}, None, "", None),
        (GITHUB, {"pull_request": {"number": "7; rm", "head": {"sha": "x"}}}, None, "", None),
        (GITHUB, None, None, "", None),
        ({**GITLAB, "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": SHA}, None, 7, SHA, None),
        (
            {**GITLAB, "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": "c" * 40, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": SHA},
            None, 7, SHA, None,
        ),
        ({**GITLAB, "CI_MERGE_REQUEST_IID": "x"}, None, None, "", None),
    ],
)  # fmt: skip
def test_ci_says_which_pull_request(
    environ: dict[str, str], event: Any, number: int | None, head: str, branch: Branch | None
) -> None:
    place = find_place(Asked(), environ, event)
    assert (place.number, place.head, place.branch) == (number, head, branch)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        (GITHUB, ("https://api.github.com", "", "/graphql")),
        ({**GITHUB, "GITHUB_API_URL": "https://ghe.example/api/v3"}, ("https://ghe.example", "/api/v3", "/api/graphql")),
        (GITLAB, ("https://gitlab.example", "/api/v4", "")),
    ],
)  # fmt: skip
def test_the_address_of_the_api(environ: dict[str, str], address: tuple[str, str, str]) -> None:
    place = find_place(Asked(), environ, PULL)
    assert (place.origin, place.prefix, place.graphql) == address


def test_options_win_over_the_event() -> None:
    asked = Asked("github", "http://127.0.0.1:1", "a/b", 3, "c" * 40)
    place = find_place(asked, GITLAB, PULL)
    assert (place.kind, place.origin, place.project) == ("github", "http://127.0.0.1:1", "a/b")
    assert (place.number, place.head) == (3, "c" * 40)


@pytest.mark.parametrize(
    ("asked", "environ"),
    [
        (Asked(), {}),
        (Asked(forge="github"), {}),
        (Asked(project="a/../b"), GITHUB),
        (Asked(project="a/.."), GITHUB),
        (Asked(project="a b"), GITLAB),
        (Asked(head="main"), GITHUB),
        (Asked(api_url="https://x/api?a=b"), GITHUB),
    ],
)
def test_what_nothing_says_is_a_usage_error(asked: Asked, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        find_place(asked, environ, None)
