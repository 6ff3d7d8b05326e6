"""One comment against a forge of our own: races, limits, refusals, and nothing repeated blindly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from skillsync.api.secret import Secret
from skillsync.api.transport import Timeouts, Transport
from skillsync.errors import BadAnswer, NotAllowed, Throttled, Unreachable
from skillsync.forge.decide import Action, Mark, Wanted, mark_of
from skillsync.forge.github import GitHub, find_pull
from skillsync.forge.gitlab import GitLab
from skillsync.forge.port import Calls, Forge
from skillsync.forge.post import Posted, mark_outdated, post
from skillsync.forge.refusals import translate
from skillsync.review.render.markdown import render_markdown
from tests.api.clients import Clock
from tests.api.raw_server import answer
from tests.forge.imitation import HEAD, READER, TOKEN, ImitatedForge, forge, refused
from tests.review.builders import a_review

WANTED = Wanted(render_markdown(a_review()), "default", HEAD)
KINDS = ("github", "gitlab")


@pytest.fixture
def server() -> Iterator[ImitatedForge]:
    with forge() as imitation:
        yield imitation


def transport(server: ImitatedForge, token: str = TOKEN, clock: Clock | None = None) -> Transport:
    clock = clock or Clock()
    made = Transport(
        host=server.url,
        key=Secret(token),
        clock=clock,
        sleep=clock.sleep,
        timeouts=Timeouts(connect=5, read=5, total=20, patience=100),
        translate=translate,
    )
    return server.clients.enter_context(made)


def client(server: ImitatedForge, kind: str = "github", **how: object) -> Forge:
    sent = transport(server, **how)  # type: ignore[arg-type]
    if kind == "github":
        return GitHub(Calls(sent, ""), "octo/skills", 7, "/graphql")
    return GitLab(Calls(sent, "/api/v4"), "12", 7)


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_runs_make_one_comment_and_the_same_text_writes_nothing(
    kind: str, server: ImitatedForge
) -> None:
    server.add("mallory", WANTED.body)
    assert post(client(server, kind), WANTED).decision.action is Action.CREATE
    for _ in range(19):
        assert post(client(server, kind), WANTED).writes == 0
    changed = replace(WANTED, body=f"{WANTED.body}\nmore")
    assert post(client(server, kind), changed).decision.action is Action.UPDATE
    assert server.writes == 2
    assert server.bodies == [WANTED.body, changed.body]


def test_ours_is_found_behind_hundreds_of_others(server: ImitatedForge) -> None:
    for number in range(250):
        server.add("somebody", f"comment {number}")
    server.add("github-actions[bot]", WANTED.body)
    assert post(client(server), WANTED) == Posted(post(client(server), WANTED).decision, 351, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_runs_that_race_leave_one_comment(kind: str, server: ImitatedForge) -> None:
    """All of them list before any of them writes, so that each creates one."""
    count = 4
    barrier = threading.Barrier(count)
    met = threading.local()

    def hook(method: str, path: str) -> None:
        if method == "POST" and path.endswith(("/comments", "/notes")) and not hasattr(met, "once"):
            met.once = True
            barrier.wait(10)

    server.hook = hook
    with ThreadPoolExecutor(count) as pool:
        runs = [pool.submit(post, client(server, kind), WANTED) for _ in range(count)]
        posted = [run.result(30) for run in runs]
    assert [one.decision.action for one in posted] == [Action.CREATE] * count
    assert server.bodies == [WANTED.body]
    assert {one.id for one in posted} == {server.comments[0]["id"]}


def test_a_run_that_was_overtaken_leaves_the_newer_text(server: ImitatedForge) -> None:
    """The branch moves between the older run's list and its look at the head."""
    newer = replace(WANTED, body=WANTED.body.replace(HEAD, "c" * 40), head="c" * 40)

    def hook(method: str, path: str) -> None:
        if path.endswith("/pulls/7") and not server.comments:
            server.head = newer.head
            server.add("github-actions[bot]", newer.body)

    server.hook = hook
    assert post(client(server), WANTED).writes == 0
    assert server.bodies == [newer.body]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_was_written_too_late_says_so_itself(kind: str, server: ImitatedForge) -> None:
    """The older run looked in time, the newer one wrote and ended, then the older one wrote over it."""
    newer = replace(WANTED, body=WANTED.body.replace(HEAD, "c" * 40), head="c" * 40)
    server.add("github-actions[bot]", f"{WANTED.body}\nbefore")

    def hook(method: str, path: str) -> None:
        if method in {"PATCH", "PUT"} and server.head == HEAD:
            server.head, server.comments[0]["body"] = newer.head, newer.body

    server.hook = hook
    assert post(client(server, kind), WANTED).writes == 2
    (body,) = server.bodies
    assert "> **Outdated:** the branch has a newer commit" in body
    assert mark_of(body) == replace(mark_of(WANTED.body) or Mark("", "", ""), state="stale")
    assert post(client(server, kind), newer).writes == 1
    assert server.bodies == [newer.body]


def test_a_second_note_takes_the_place_of_the_first(server: ImitatedForge) -> None:
    server.add("github-actions[bot]", WANTED.body)
    for note in ("> **Outdated:** one.", "> **Outdated:** two.", "> **Outdated:** two."):
        mark_outdated(client(server), lambda _, note=note: note, key="default")  # type: ignore[misc]
    assert server.writes == 2
    assert server.bodies[0].count("> **Outdated:**") == 1
    assert server.bodies[0].endswith(WANTED.body.partition("\n")[2])


def test_a_text_that_another_run_overwrote_is_put_right(server: ImitatedForge) -> None:
    """An older run had looked at the head in time and writes late: after ours."""
    late = [f"{WANTED.body}\nolder"]

    def hook(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/comments") and server.writes == 1 and late:
            server.comments[0]["body"] = late.pop()

    server.hook = hook
    assert post(client(server), WANTED).writes == 2
    assert server.bodies == [WANTED.body]


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_may_not_comment_is_refused_and_nothing_written(
    kind: str, server: ImitatedForge
) -> None:
    with pytest.raises(NotAllowed, match="Resource not accessible"):
        post(client(server, kind, token=READER), WANTED)
    assert server.bodies == []


@pytest.mark.parametrize(
    "limit",
    [
        refused(429, "slow down", **{"Retry-After": "30"}),
        refused(403, "You have exceeded a secondary rate limit", **{"Retry-After": "30"}),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(limit: bytes, server: ImitatedForge) -> None:
    left = [limit]
    server.hook = lambda method, path: left.pop() if method == "POST" and path != "/graphql" and left else None  # fmt: skip
    clock = Clock()
    assert post(client(server, clock=clock), WANTED).decision.action is Action.CREATE
    assert 30 <= sum(clock.slept) < 40
    assert len(server.comments) == 1


def test_a_limit_beyond_all_patience_ends_the_run(server: ImitatedForge) -> None:
    server.hook = lambda *_: refused(403, "API rate limit exceeded", **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"})  # fmt: skip
    with pytest.raises(Throttled, match="API rate limit exceeded"):
        post(client(server), WANTED)


def test_a_write_without_an_answer_is_looked_at_before_it_is_repeated(
    server: ImitatedForge,
) -> None:
    broken = [True]

    def hook(method: str, path: str) -> bytes | None:
        if method == "POST" and path.endswith("/comments") and broken:
            broken.clear()
            server.add("github-actions[bot]", WANTED.body)
            return refused(502, "Bad gateway")
        return None

    server.hook = hook
    assert post(client(server), WANTED).writes == 1
    assert server.bodies == [WANTED.body]


def test_a_forge_that_never_takes_it_ends_the_run(server: ImitatedForge) -> None:
    server.hook = lambda method, path: refused(502, "x") if path.endswith("7/comments") and method == "POST" else None  # fmt: skip
    with pytest.raises(Unreachable):
        post(client(server), WANTED)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/graphql", {"data": {"viewer": None}}),
        ("/graphql", {"errors": [{"type": "OTHER"}]}),
        ("/graphql", []),
        ("/repos/octo/skills/pulls/7", {"head": {"sha": 5}}),
        ("/repos/octo/skills/issues/7/comments", {"a": 1}),
        ("/repos/octo/skills/issues/7/comments", ["a"]),
        ("/repos/octo/skills/issues/7/comments", [{"id": "1"}]),
    ],
)
def test_an_answer_that_is_none_writes_nothing(
    path: str, body: object, server: ImitatedForge
) -> None:
    server.hook = lambda _, asked: answer(body) if asked == path else None
    with pytest.raises(BadAnswer):
        post(client(server), WANTED)
    assert server.writes == 0


@pytest.mark.parametrize(
    ("kind", "error"), [("RATE_LIMITED", Throttled), ("FORBIDDEN", NotAllowed)]
)
def test_graphql_refuses_inside_of_a_good_answer(
    kind: str, error: type[Exception], server: ImitatedForge
) -> None:
    server.hook = lambda *_: answer({"errors": [{"type": kind}]})
    with pytest.raises(error):
        client(server).me()


def test_a_list_without_an_end_is_refused(server: ImitatedForge) -> None:
    page = answer([{"id": 1, "user": {"login": "a"}, "body": "b"}] * 100)
    server.hook = lambda _, path: page if path.endswith("/comments") else None
    with pytest.raises(BadAnswer, match="more than 100 pages"):
        post(client(server), WANTED)


def test_a_fork_s_pull_request_is_found_by_branch_and_commit(server: ImitatedForge) -> None:
    def pull(number: int, repo: str, sha: str) -> dict[str, object]:
        head = {"sha": sha, "ref": "pr", "repo": {"full_name": repo}}
        return {"number": number, "label": "mallory:pr", "head": head}

    server.pulls = [pull(5, "mallory/other", HEAD), pull(6, "mallory/skills", "c" * 40), pull(7, "mallory/skills", HEAD)]  # fmt: skip
    calls = Calls(transport(server), "")
    asked = {"repo": "octo/skills", "head_repo": "mallory/skills", "branch": "pr"}
    assert find_pull(calls, head=HEAD, **asked) == 7
    assert find_pull(calls, head="d" * 40, **asked) is None
