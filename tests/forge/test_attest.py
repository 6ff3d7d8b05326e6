"""The check `skillsync/plan` on both forges: what is left on a commit, and whose word counts when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from skillsync.errors import NotAllowed
from skillsync.forge.attest import (
    NAME,
    Attestation,
    Checks,
    leave,
    read_facts,
    read_ops,
    reviews_behind,
    text_of_ops,
)
from skillsync.forge.github_checks import GitHubChecks
from skillsync.forge.gitlab_checks import GitLabChecks
from skillsync.forge.port import Calls
from tests.forge.imitation import READER, ImitatedForge, forge
from tests.forge.test_post import transport
from tests.review.hostile import HOSTILE

HEAD, BASE = "a" * 40, "b" * 40
OPS = tuple(f"sha256:{number:064x}" for number in range(3))
SAID = Attestation(HEAD, BASE, f"sha256:{7:064x}", "online", True, OPS, "1 new version", "Every gate passed.")  # fmt: skip
KINDS = ("github", "gitlab")


@pytest.fixture
def server() -> Iterator[ImitatedForge]:
    with forge() as imitation:
        yield imitation


def checks(server: ImitatedForge, kind: str, **how: Any) -> Checks:
    sent = transport(server, **how)
    if kind == "github":
        return GitHubChecks(Calls(sent, ""), "octo/skills")
    return GitLabChecks(Calls(sent, "/api/v4"), "12")


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_is_written_once_and_read_back(kind: str, server: ImitatedForge) -> None:
    door = checks(server, kind)
    assert leave(door, SAID)
    assert not leave(door, SAID)
    assert server.writes == 1
    (read,) = reviews_behind(door, HEAD)
    assert (read.head, read.base, read.plan, read.mode, read.passed) == (HEAD, BASE, SAID.plan, "online", True)  # fmt: skip
    assert read.ops == (OPS if kind == "github" else ())


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_check_of_a_commit_counts(kind: str, server: ImitatedForge) -> None:
    door = checks(server, kind)
    leave(door, SAID)
    leave(door, replace(SAID, passed=False))
    assert reviews_behind(door, HEAD) == []
    leave(door, SAID)
    assert len(reviews_behind(door, HEAD)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_is_reviewed_by_the_pull_requests_that_brought_it(
    kind: str, server: ImitatedForge
) -> None:
    door = checks(server, kind)
    leave(door, SAID)
    server.merged["c" * 40] = [(7, HEAD)]
    assert [one.head for one in reviews_behind(door, "c" * 40)] == [HEAD]
    assert reviews_behind(door, "d" * 40) == []


def test_another_app_another_name_and_another_commit_say_nothing(server: ImitatedForge) -> None:
    door = checks(server, "github")
    good = {
        "name": NAME, "head_sha": HEAD, "external_id": SAID.plan, "status": "completed",
        "conclusion": "success", "output": {"text": text_of_ops(SAID)},
    }  # fmt: skip
    for bad in (
        {"app": {"slug": "somebody"}},
        {"app": None},
        {"name": "skillsync"},
        {"status": "in_progress"},
        {"external_id": "sha256:" + "0" * 64},
        {"output": {"text": "Looks good to me"}},
        {"output": None},
    ):
        server.add_check(**{**good, **bad})
    assert door.attested(HEAD) == []
    server.add_check(**good)
    assert len(door.attested(HEAD)) == 1


def test_a_status_of_somebody_else_says_nothing(server: ImitatedForge) -> None:
    door = checks(server, "gitlab")
    leave(door, SAID)
    server.checks[0]["author"] = {"username": "mallory"}
    assert door.attested(HEAD) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_may_not_write_checks_is_told_so(kind: str, server: ImitatedForge) -> None:
    with pytest.raises(NotAllowed):
        leave(checks(server, kind, token=READER), SAID)
    assert server.checks == []


def test_operations_that_do_not_fit_are_counted_and_the_first_ones_stay() -> None:
    many = tuple(f"sha256:{number:064x}" for number in range(2_000))
    text = text_of_ops(replace(SAID, ops=many))
    assert len(text) < 65_000
    kept = read_ops(text)
    assert kept == many[: len(kept)]
    assert text.endswith(f"\nand {2_000 - len(kept)} more")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_line_of_ours_says_nothing(text: str) -> None:
    assert read_facts(text) is None
    assert read_ops(text) == ()
