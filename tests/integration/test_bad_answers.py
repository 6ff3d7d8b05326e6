"""Answers that cannot be believed: a clear error, nothing written on either side, other objects go on (sync.md 14.6 #83-#109)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from skillsync.errors import BadAnswer, NotAllowed, RefusedForSafety, SkillsyncError
from skillsync.sync.report import Report
from tests.sync.harness import Clone, Live, Requests, new_clone, outcome

After = Callable[[httpx.Request, httpx.Response], httpx.Response]
Alter = Callable[[Any], Any]

DETAIL = "/llm_skills/name/alpha"
RESOLVED = "/llm_skills/resolve/name/alpha"


def path_of(request: httpx.Request) -> str:
    return request.url.path.rstrip("/")


def answer(status: int, body: bytes, **headers: str) -> httpx.Response:
    """An answer whose body is still to be read, as one from the wire."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def remade(response: httpx.Response, body: bytes, **headers: str) -> httpx.Response:
    kind = response.headers.get("content-type", "application/json")
    return answer(response.status_code, body, **{"content-type": kind, **headers})


def when(
    end: str, change: Callable[[httpx.Response], httpx.Response], method: str = "GET"
) -> After:
    """Change the answers to one path."""

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == method and path_of(request).endswith(end):
            response.read()
            return change(response)
        return response

    return after


def in_detail(change: Callable[[httpx.Response], httpx.Response]) -> After:
    """Change what is said of alpha, whether it was asked for alone or together with its versions."""

    def nested(response: httpx.Response) -> httpx.Response:
        whole = response.json()
        skill = remade(response, json.dumps(whole.pop("skill")).encode())
        skill.read()
        inner = change(skill)
        rest = json.dumps(whole).encode().removeprefix(b"{")
        return answer(
            inner.status_code, b'{"skill": ' + inner.read() + b", " + rest, **inner.headers
        )

    alone, together = when(DETAIL, change), when(RESOLVED, nested)
    return lambda request, response: together(request, alone(request, response))


def altered(alter: Alter) -> Callable[[httpx.Response], httpx.Response]:
    """Change the JSON of an answer."""

    def change(response: httpx.Response) -> httpx.Response:
        return remade(response, json.dumps(alter(response.json())).encode())

    return change


def with_fields(**fields: Any) -> Callable[[httpx.Response], httpx.Response]:
    return altered(lambda value: {**value, **fields})


def without(*names: str) -> Callable[[httpx.Response], httpx.Response]:
    return altered(lambda value: {name: each for name, each in value.items() if name not in names})


def raw(body: bytes, **headers: str) -> Callable[[httpx.Response], httpx.Response]:
    return lambda response: remade(response, body, **headers)


def in_results(alter: Alter, *, name: str = "alpha") -> Callable[[httpx.Response], httpx.Response]:
    """Change one entry of a list."""
    return altered(
        lambda page: {
            **page,
            "results": [alter(one) if one.get("name") == name else one for one in page["results"]],
        }
    )


def through(clone: Clone, after: After | None) -> Requests:
    """Let the clone's requests go through ``after`` from now on."""
    _ = clone.connect
    assert clone.requests
    clone.requests.after = after
    clone.requests.made.clear()
    return clone.requests


def outcomes_of(run: Callable[[], Report]) -> tuple[int, str]:
    """Run; return the exit code and all that was said."""
    try:
        report = run()
    except SkillsyncError as error:
        return error.exit_code, f"{error.code} {error.message}"
    told: Iterable[str] = (f"{one.code} {one.message}" for one in report.outcomes)
    return report.exit, " ".join([*told, *(f"{one.code} {one.message}" for one in report.problems)])


def make_behind(solo: Clone, live: Live) -> Clone:
    """Make alpha and beta published and committed, with a newer version of both in the web page."""
    solo.skill("alpha")
    solo.skill("beta")
    solo.write("skills/alpha/notes.md", "Notes.\n")
    solo.push()
    solo.commit()
    live.edit("alpha", body="Step one from the web.\n\nStep two.")
    live.edit("beta", body="Step one from the web.\n\nStep two.")
    return solo


@pytest.fixture
def behind(solo: Clone, live: Live) -> Clone:
    """A clone that is behind in both its skills."""
    return make_behind(solo, live)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The same, with unpublished edits, for tests that must leave everything as it is."""
    folder = tmp_path_factory.mktemp("answers")
    live = Live(folder)
    clone = make_behind(new_clone(live, folder / "clone"), live)
    clone.skill("gamma")
    clone.dataset("one", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}'])
    clone.dataset("two", ['{"id": "c", "input": 3}'])
    clone.push("gamma", "one", "two")
    clone.commit()
    clone.replace("skills/beta/SKILL.md", "Step two", "Step 2")
    clone.replace("skills/gamma/SKILL.md", "Step two", "Step 2")
    yield clone
    live.close()


DETAILS: dict[str, Callable[[httpx.Response], httpx.Response]] = {
    "html": raw(b"<html><body>Log in</body></html>", **{"content-type": "text/html"}),
    "html called json": raw(b"<html></html>"),
    "text": raw(b"fine", **{"content-type": "text/plain"}),
    "empty": raw(b""),
    "a list": raw(b"[]"),
    "null": raw(b"null"),
    "not utf-8": raw(b'{"name": "\xff"}'),
    "another charset": raw(b"{}", **{"content-type": "application/json; charset=latin-1"}),
    "key twice": lambda response: remade(
        response, response.content[:-1] + b', "version": 9}'
    ),
    "nan": lambda response: remade(response, response.content[:-1] + b', "x": NaN}'),
    "surrogate": lambda response: remade(response, response.content[:-1] + b', "x": "\\ud800"}'),
    "deep": lambda response: remade(
        response, response.content[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "no name": without("body"),
    "no id": without("id"),
    "no files": without("files"),
    "no metadata": without("metadata"),
    "another name": with_fields(name="beta"),
    "another id": with_fields(id="nonsense"),
    "wrong version": with_fields(version=7),
    "version as text": with_fields(version="2"),
    "negative version": with_fields(version=-1),
    "true version": with_fields(version=True),
    "deleted": with_fields(deleted=True),
    "a body that is a number": with_fields(body=5),
    "a body with NUL": with_fields(body="a\0b"),
    "metadata that is a list": with_fields(metadata=[]),
    "tools that are numbers": with_fields(allowed_tools=[1]),
    "a file twice": altered(lambda value: {**value, "files": value["files"] * 2}),
    "a file outside": altered(
        lambda value: {**value, "files": [{"path": "../x", "content_type": "text/plain"}]}
    ),
    "a body cut short": with_fields(body="Step", body_next_offset=None, body_total_length=400),
    "a page that does not advance": with_fields(body_next_offset=0, body_total_length=4_000),
    "a page before the start": with_fields(body_next_offset=-1, body_total_length=4_000),
    "a page past the end": with_fields(body_next_offset=9_999, body_total_length=40),
}  # fmt: skip


@pytest.mark.parametrize("kind", DETAILS)
def test_a_detail_that_cannot_be_believed_changes_nothing(kind: str, untouched: Clone) -> None:
    """14.6 #85, #95."""
    before = untouched.files()
    requests = through(untouched, in_detail(DETAILS[kind]))
    code, told = outcomes_of(lambda: untouched.pull("alpha"))
    assert code == 1, told
    assert "alpha" in told
    assert "E-BAD-ANSWER" in told or "E-INVALID" in told
    assert untouched.files() == before
    assert requests.writes == []


@pytest.mark.parametrize("kind", ["html", "wrong version"])
def test_the_others_go_on_and_so_does_the_next_run(kind: str, behind: Clone) -> None:
    """A field that is one too many is passed over (14.6 #85)."""
    before = behind.files()
    requests = through(behind, in_detail(DETAILS[kind]))
    code, told = outcomes_of(behind.pull)
    assert code == 5, told
    assert "alpha" in told
    assert "E-BAD-ANSWER" in told or "E-INVALID" in told
    after = behind.files()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {"skills/beta/SKILL.md", "skills/beta/.skillsync"}
    assert requests.writes == []
    through(behind, in_detail(with_fields(surprise={"a": [1]})))
    assert behind.pull().exit == 0
    assert "from the web" in behind.read("skills/alpha/SKILL.md")


@pytest.mark.parametrize(
    "kind", ["html", "no files", "wrong version", "another name", "a file outside"]
)
def test_a_push_over_an_answer_that_cannot_be_believed_writes_nothing(
    kind: str, untouched: Clone
) -> None:
    """14.6 #99."""
    before = untouched.files()
    change = DETAILS[kind]
    if kind == "another name":
        change = with_fields(name="alpha")
    requests = through(untouched, when("/llm_skills/name/gamma", change))
    code, told = outcomes_of(lambda: untouched.push("gamma"))
    assert code == 1, told
    assert "E-BAD-ANSWER" in told
    assert requests.writes == []
    assert untouched.files() == before


LISTS: dict[str, Callable[[httpx.Response], httpx.Response]] = {
    "html": raw(b"<html></html>", **{"content-type": "text/html"}),
    "empty": raw(b""),
    "a list": raw(b"[]"),
    "no count": without("count"),
    "no results": without("results"),
    "count as text": with_fields(count="2"),
    "negative count": with_fields(count=-1),
    "results that are texts": with_fields(results=["alpha"]),
    "a link elsewhere": with_fields(next="http://evil.example/api/other?limit=1"),
    "a link with a user": with_fields(next="http://me:secret@127.0.0.1:8765/x?limit=1"),
    "a link that is a number": with_fields(next=5),
    "cut off": lambda response: remade(response, response.content[:-30]),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_list_that_cannot_be_believed_ends_the_run_with_nothing_written(
    kind: str, verb: str, untouched: Clone
) -> None:
    """14.6 #91: also for what the list says of a next page."""
    before = untouched.files()
    requests = through(untouched, when("/llm_skills", LISTS[kind]))
    code, told = outcomes_of(getattr(untouched, verb))
    assert code == 1, told
    assert "E-BAD-ANSWER" in told
    assert untouched.files() == before
    assert requests.writes == []
    assert all("evil" not in path for _, path in requests.made)


ENTRIES: dict[str, Alter] = {
    "no id": lambda one: {**one, "id": None},
    "a version that is no number": lambda one: {**one, "version": "x"},
    "no incarnation": lambda one: {**one, "first_version_created_at": ""},
    "an incarnation that is no time": lambda one: {**one, "first_version_created_at": "soon v9"},
}


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_an_entry_of_the_list_that_cannot_be_used_fails_alone_and_is_no_absence(
    kind: str, verb: str, untouched: Clone
) -> None:
    before = untouched.files()
    requests = through(untouched, when("/llm_skills", in_results(ENTRIES[kind])))
    code, told = outcomes_of(lambda: getattr(untouched, verb)("alpha"))
    assert code == 1, told
    assert "E-BAD-ANSWER" in told
    assert "alpha" in told
    assert requests.writes == []
    assert untouched.files() == before


def test_an_answer_cut_at_any_byte_changes_nothing(untouched: Clone) -> None:
    """14.6 #83; the bytes are sampled."""
    before = untouched.files()
    for part in (0.0, 0.1, 0.5, 0.9, 1.0):

        def cut(response: httpx.Response, part: float = part) -> httpx.Response:
            size = len(response.content)
            return remade(response, response.content[: 1 + int((size - 2) * part)])

        through(untouched, in_detail(cut))
        code, told = outcomes_of(lambda: untouched.pull("alpha"))
        assert code == 1, (part, told)
    assert untouched.files() == before


def test_a_file_that_is_another_or_of_another_content_is_not_written(untouched: Clone) -> None:
    before = untouched.files()
    for change in (
        with_fields(path="other.md"),
        with_fields(content=5),
        with_fields(content="a\0b"),
        without("content"),
        raw(b"<html></html>"),
    ):
        through(untouched, when("/files/notes.md", change))
        code, told = outcomes_of(lambda: untouched.pull("alpha"))
        assert code == 1, told
    assert untouched.files() == before


@dataclass
class Ignoring(httpx.BaseTransport):
    """A server that answers every PATCH with 200 and an old content, and does nothing."""

    inner: httpx.BaseTransport
    old: bytes

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            return answer(200, self.old, **{"content-type": "application/json"})
        return self.inner.handle_request(request)


def test_an_ignored_write_is_not_taken_for_a_publish(solo: Clone, live: Live) -> None:
    """14.6 #101: 200 to PATCH but the old content. The pointer must not say that ours is there."""
    path = solo.skill("alpha")
    solo.push()
    solo.commit()
    with live.api() as client:
        old = client.get("llm_skills/name/alpha").content
    solo.replace(path, "Step one", "Step 1")
    pointer = solo.read("skills/alpha/.skillsync")
    assert solo.requests
    solo.requests.inner = Ignoring(solo.requests.inner, old)
    code, told = outcomes_of(solo.push)
    assert code == 1, told
    assert "E-BAD-ANSWER" in told
    assert solo.read("skills/alpha/.skillsync") == pointer
    assert live.version("alpha") == 1


def test_an_answer_that_names_another_version_is_looked_up_before_it_is_believed(
    solo: Clone, live: Live
) -> None:
    """14.6 #103: PATCH accepted, version + 2. What counts is what the server has."""
    path = solo.skill("alpha")
    solo.push()
    solo.commit()
    solo.replace(path, "Step one", "Step 1")
    requests = through(
        solo, when(DETAIL, altered(lambda value: {**value, "version": 3}), method="PATCH")
    )
    code, told = outcomes_of(solo.push)
    assert code == 0, told
    assert len(requests.writes) == 1
    assert " v2 " in solo.read("skills/alpha/.skillsync")
    assert live.version("alpha") == 2


def refusing(status: int, *, only: str = "", detail: str = "Not found.") -> After:
    body = json.dumps({"type": "x", "code": "not_found", "detail": detail, "attr": None}).encode()

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if only and not path_of(request).endswith(only):
            return response
        return answer(status, body, **{"content-type": "application/json"})

    return after


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_404_for_everything_is_no_removal(verb: str, untouched: Clone) -> None:
    """14.6 #105: the key lost its scope."""
    before = untouched.files()
    requests = through(untouched, refusing(404))
    code, told = outcomes_of(getattr(untouched, verb))
    assert code != 0, told
    assert untouched.files() == before
    assert requests.writes == []


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_403_for_one_skill_fails_it_alone(verb: str, behind: Clone) -> None:
    behind.replace("skills/alpha/SKILL.md", "Step two", "Step 2")
    before = behind.files()
    through(behind, refusing(403, only="name/alpha", detail="No."))
    report = getattr(behind, verb)()
    said = outcome(report, "alpha")
    assert said.code in {"E-FORBIDDEN", "E-REMOTE-AHEAD"}
    assert report.exit in {3, 5}
    assert behind.files()["skills/alpha/SKILL.md"] == before["skills/alpha/SKILL.md"]


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_an_empty_list_is_no_removal(verb: str, untouched: Clone) -> None:
    before = untouched.files()
    nothing: dict[str, object] = {"count": 0, "next": None, "previous": None, "results": []}
    requests = through(untouched, when("/llm_skills", altered(lambda _: nothing)))
    with pytest.raises(RefusedForSafety):
        getattr(untouched, verb)()
    assert untouched.files() == before
    assert requests.writes == []


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_403_for_the_list_ends_the_run(verb: str, untouched: Clone) -> None:
    before = untouched.files()
    through(untouched, refusing(403, only="/llm_skills", detail="No."))
    with pytest.raises(NotAllowed):
        getattr(untouched, verb)()
    assert untouched.files() == before


def test_a_latest_that_goes_back_publishes_nothing(solo: Clone, live: Live) -> None:
    """14.6 #109: stale reads after a publish."""
    path = solo.skill("alpha")
    solo.push()
    with live.api() as client:
        stale = client.get("llm_skills?order_by=name&limit=1000").content
    solo.replace(path, "Step one", "Step 1")
    solo.push()
    solo.commit()
    solo.replace(path, "Step 1", "Step 1 again")
    before = solo.files()
    requests = through(
        solo,
        lambda request, response: (
            remade(response, stale) if path_of(request).endswith("/llm_skills") else response
        ),
    )
    for run in (solo.push, solo.pull):
        code, told = outcomes_of(run)
        assert code != 0, told
        assert solo.files() == before
    assert requests.writes == []


# ---------------------------------------------------------------- datasets


def items(alter: Alter) -> Callable[[httpx.Response], httpx.Response]:
    """Change the items that hold input 1 or 2."""
    return altered(
        lambda page: {
            **page,
            "results": [
                alter(one) if one.get("input") in (1, 2) else one for one in page["results"]
            ],
        }
    )


ITEMS: dict[str, Callable[[httpx.Response], httpx.Response]] = {
    "an item of another dataset": items(lambda one: {**one, "dataset": "0" * 8 + "-0000-0000-0000-" + "0" * 12}),
    "an item without an id": items(lambda one: {**one, "id": None}),
    "an item with a text for an id": items(lambda one: {**one, "id": "x"}),
    "an item with a NUL": items(lambda one: {**one, "output": "a\0b"}),
    "an item that is too deep": items(lambda one: {**one, "output": json.loads("[" * 200 + "]" * 200)}),
    "an item without a time": items(lambda one: {**one, "created_at": None}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_an_item_that_cannot_be_believed_is_no_removed_row(
    kind: str, verb: str, untouched: Clone
) -> None:
    before = untouched.files()
    requests = through(untouched, when("/dataset_items", ITEMS[kind]))
    code, told = outcomes_of(lambda: getattr(untouched, verb)("one", "two"))
    assert code in {1, 5}, told
    assert "E-BAD-ANSWER" in told
    assert untouched.files() == before
    assert requests.writes == []


def test_an_item_repeated_with_another_content_is_not_taken_in(untouched: Clone) -> None:
    """14.6 #93."""
    before = untouched.files()

    def twice(page: Any) -> Any:
        results = page["results"]
        again = [{**one, "input": "another"} for one in results]
        return {**page, "results": [*results, *again], "count": len(results) * 2}

    through(untouched, when("/dataset_items", altered(twice)))
    code, told = outcomes_of(lambda: untouched.pull("one", "two"))
    assert code == 1, told
    assert untouched.files() == before


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_dataset_entry_that_cannot_be_used_is_no_absence(verb: str, untouched: Clone) -> None:
    before = untouched.files()
    requests = through(
        untouched,
        when("/datasets", in_results(lambda one: {**one, "created_at": 5}, name="one")),
    )
    code, told = outcomes_of(lambda: getattr(untouched, verb)("one", "two"))
    assert code in {1, 5}, told
    assert untouched.files() == before
    assert requests.writes == []


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_an_empty_list_of_items_is_no_removal_of_all(verb: str, untouched: Clone) -> None:
    before = untouched.files()
    nothing: dict[str, object] = {"count": 0, "next": None, "previous": None, "results": []}
    requests = through(untouched, when("/dataset_items", altered(lambda _: nothing)))
    code, told = outcomes_of(lambda: getattr(untouched, verb)("one", "two"))
    assert code != 0, told
    assert untouched.files() == before
    assert requests.writes == []


def test_an_unusable_answer_names_host_and_object_and_not_the_key(behind: Clone) -> None:
    through(
        behind,
        when("/llm_skills", raw(behind.live.keys["me"].encode(), **{"content-type": "text/html"})),
    )
    with pytest.raises(BadAnswer) as caught:
        behind.pull()
    assert (
        behind.live.keys["me"] not in f"{caught.value!r} {caught.value.message} {caught.value.hint}"
    )
