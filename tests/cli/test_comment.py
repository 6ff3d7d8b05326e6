"""`skillsync comment` on the command line: exit codes, what CI says, and no token in any output."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skillsync.review.document import render_review
from skillsync.review.values import Range
from tests.cli.cli_world import Ended, skillsync
from tests.forge.imitation import HEAD, READER, TOKEN, ImitatedForge, forge
from tests.review.builders import a_review
from tests.review.hostile import HOSTILE

UNKNOWN = "ghs_unknown_0123456789"


@pytest.fixture
def server() -> Iterator[ImitatedForge]:
    with forge() as imitation:
        yield imitation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "review.json").write_bytes(render_review(a_review()))
    return tmp_path


def run(
    folder: Path, server: ImitatedForge, *words: str, event: object = None, **env: str
) -> Ended:
    event = event or {"pull_request": {"number": 7, "head": {"sha": HEAD}}}
    (folder / "event.json").write_text(json.dumps(event))
    ended = skillsync(
        folder, "comment", "review.json", *words,
        env={
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/skills", "GITHUB_API_URL": server.url,
            "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_TOKEN": TOKEN,
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), **env,
        },
    )  # fmt: skip
    for token in (TOKEN, READER):
        assert token not in ended.out + ended.err
    return ended


def test_it_writes_one_comment_and_then_nothing(folder: Path, server: ImitatedForge) -> None:
    first = run(folder, server, "--json")
    assert first.exit == 0, first
    assert first.json["action"] == "create"
    again = run(folder, server, "--json")
    assert (again.json["action"], again.json["writes"]) == ("none", 0)
    assert again.json["comment"] == server.comments[0]["id"]
    assert server.bodies[0].startswith("<!-- skillsync:review:1 key=default ")


def test_a_dry_run_prints_the_comment_and_writes_nothing(
    folder: Path, server: ImitatedForge
) -> None:
    ended = run(folder, server, "--dry-run", "--report-url", "https://ci.example/report")
    assert ended.exit == 0
    assert "it would be: create" in ended.err
    assert ended.out.startswith("<!-- skillsync:review:1 ")
    assert server.writes == 0


@pytest.mark.parametrize("token", [READER, ""])
def test_without_permission_it_is_a_warning_and_the_review_is_in_the_summary(
    folder: Path, server: ImitatedForge, token: str
) -> None:
    ended = run(folder, server, GITHUB_TOKEN=token)
    assert ended.exit == 0
    assert "warning: the comment was not written" in ended.err
    assert "### skillsync: " in (folder / "summary.md").read_text("utf-8")
    assert server.writes == 0


def test_a_token_that_is_not_known_ends_with_7(folder: Path, server: ImitatedForge) -> None:
    ended = run(folder, server, GITHUB_TOKEN=UNKNOWN)
    assert ended.exit == 7
    assert "check GITHUB_TOKEN" in ended.err
    assert UNKNOWN not in ended.err


def test_a_review_of_another_commit_than_the_event_s_is_refused(
    folder: Path, server: ImitatedForge
) -> None:
    other = replace(a_review(), range=Range("a" * 40, "c" * 40, "a" * 40, "a" * 40))
    (folder / "review.json").write_bytes(render_review(other))
    assert run(folder, server).exit == 2
    assert server.writes == 0


def test_a_branch_that_moved_on_is_left_to_the_newer_run(
    folder: Path, server: ImitatedForge
) -> None:
    server.head = "c" * 40
    ended = run(folder, server, "--json")
    assert (ended.exit, ended.json["action"], ended.json["writes"]) == (0, "none", 0)


def test_a_fork_s_pull_request_is_looked_up_and_none_is_no_failure(
    folder: Path, server: ImitatedForge
) -> None:
    event = {"workflow_run": {"event": "pull_request", "head_sha": HEAD, "head_branch": "pr",
                              "head_repository": {"full_name": "mallory/skills"}}}  # fmt: skip
    ended = run(folder, server, "--json", event=event)
    assert (ended.exit, ended.json["action"]) == (0, "none")
    head = {"sha": HEAD, "ref": "pr", "repo": {"full_name": "mallory/skills"}}
    server.pulls = [{"number": 7, "label": "mallory:pr", "head": head}]
    assert run(folder, server, "--json", event=event).json["action"] == "create"
    assert len(server.comments) == 1


def test_gitlab_s_merge_request(folder: Path, server: ImitatedForge) -> None:
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    words = ("--forge", "gitlab", "--repo", "12", "--number", "7", "--token-file", "token")
    ended = run(folder, server, *words, "--api-url", f"{server.url}/api/v4", "--json")
    assert ended.json["action"] == "create"
    assert len(server.comments) == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--key", "a b"), 2),
        (("--report-url", "javascript:alert(1)"), 2),
        (("--head", "main"), 2),
        (("--token-file", "gone"), 2),
        (("--api-url", "http://forge.example"), 2),
        (("--number", "0"), 2),
    ],
)
def test_wrong_words_are_2(
    folder: Path, server: ImitatedForge, words: tuple[str, ...], status: int
) -> None:
    assert run(folder, server, *words).exit == status
    assert server.writes == 0


@pytest.mark.parametrize("text", [*HOSTILE[:20], "{}", "[" * 100_000], ids=range(22))
def test_a_file_that_is_no_review_is_2(folder: Path, server: ImitatedForge, text: str) -> None:
    (folder / "review.json").write_text(text)
    ended = run(folder, server, "--json")
    assert (ended.exit, ended.json["error"]["code"]) == (2, "E-REVIEW")
    assert server.writes == 0


PUSHED = {
    "schema": "skillsync.push/1", "target": "local", "exit": 0, "problems": [], "notes": [],
    "outcomes": [
        {"kind": "skill", "subject": "alpha", "did": "published v8", "changed": True},
        {"kind": "skill", "subject": "idle", "did": "in sync", "changed": False},
        {"kind": "row", "subject": "rows:</details>@ada", "did": "updated", "changed": True},
    ],
}  # fmt: skip
MERGED = "d" * 40


def after_push(folder: Path, server: ImitatedForge, document: object, *words: str) -> Ended:
    (folder / "review.json").write_text(json.dumps(document))
    event = {"after": MERGED, "ref": "refs/heads/main", "commits": [{"id": "e" * 40}]}
    return run(folder, server, "--json", *words, event=event)


def test_what_was_published_is_said_on_the_merged_pull_request(
    folder: Path, server: ImitatedForge
) -> None:
    assert run(folder, server).exit == 0
    review = server.bodies[0]
    server.merged[MERGED] = [(7, HEAD)]
    for _ in range(2):
        ended = after_push(folder, server, PUSHED)
        assert ended.exit == 0, ended
    assert (len(server.comments), server.writes) == (1, 2)
    body = server.bodies[0]
    assert "### skillsync: published\n\n- <code>alpha</code>: published <code>v8</code>\n" in body
    assert "idle" not in body
    assert "</details>" not in body
    assert "@ada" not in body
    # A review of that head that comes late changes nothing.
    (folder / "review.json").write_bytes(render_review(a_review()))
    assert run(folder, server, "--json").json["writes"] == 0
    assert server.bodies == [body] != [review]


def test_a_push_that_was_refused_says_why(folder: Path, server: ImitatedForge) -> None:
    server.merged["e" * 40] = [(7, HEAD)]
    document = {"schema": "skillsync.error/1", "error": {"code": "E-REMOTE-AHEAD", "message": "the store moved: alpha"}}  # fmt: skip
    assert after_push(folder, server, document).exit == 0
    assert "### skillsync: not published" in server.bodies[0]
    assert "the store moved&#58; alpha" in server.bodies[0]


def test_open_reviews_of_what_was_published_are_marked_as_outdated(
    folder: Path, server: ImitatedForge
) -> None:
    assert run(folder, server).exit == 0
    name = a_review().skills[0].name
    one = {"number": 7, "branch": "pr", "base": "main", "title": "x", "body": "", "author": "ada", "is_open": True, "said": server.comments}  # fmt: skip
    server.opened.append(one)
    other = {**PUSHED, "outcomes": [{"kind": "skill", "subject": "in-no-review", "did": "published v2", "changed": True}]}  # fmt: skip
    assert after_push(folder, server, other).json["writes"] == 0
    mine = {**PUSHED, "outcomes": [{"kind": "skill", "subject": name, "did": "published v2", "changed": True}]}  # fmt: skip
    for _ in range(2):
        assert after_push(folder, server, mine).exit == 0
    assert server.writes == 2
    assert f"> **Outdated:** published since: <code>{name.replace('-', '&#45;')}</code>." in server.bodies[0]  # fmt: skip


def test_a_check_is_left_with_the_comment(folder: Path, server: ImitatedForge) -> None:
    for _ in range(2):
        assert run(folder, server, "--check").exit == 0
    (check,) = server.checks
    plan = a_review().plan
    assert (check["name"], check["head_sha"], check["external_id"]) == ("skillsync/plan", HEAD, plan.plan_id)  # fmt: skip
    assert check["conclusion"] == ("success" if a_review().exit_code == 0 else "failure")
    ended = run(folder, server, "--check", GITHUB_TOKEN=READER)
    assert (ended.exit, "checks: write" in ended.err) == (
        0,
        False,
    )  # it is there already: nothing to write
    server.checks.clear()
    ended = run(folder, server, "--check", GITHUB_TOKEN=READER)
    assert (ended.exit, "checks: write" in ended.err) == (7, True)


def test_findings_go_to_code_scanning_for_the_reviewed_commit(
    folder: Path, server: ImitatedForge
) -> None:
    (folder / "review.sarif").write_text('{"version": "2.1.0"}')
    assert run(folder, server, "--sarif", "review.sarif").exit == 0
    (sent,) = server.scans
    assert (sent["commit_sha"], sent["ref"]) == (HEAD, "refs/pull/7/head")
    assert gzip.decompress(base64.b64decode(sent["sarif"])) == b'{"version": "2.1.0"}'
    assert (
        run(folder, server, "--sarif", "review.sarif", GITHUB_TOKEN=READER).exit == 0
    )  # a warning
    assert run(folder, server, "--sarif", "gone").exit == 2
    assert len(server.scans) == 1


def test_no_comment_leaves_the_check_alone(folder: Path, server: ImitatedForge) -> None:
    assert run(folder, server, "--check", "--no-comment").exit == 0
    assert (len(server.checks), server.comments) == (1, [])
