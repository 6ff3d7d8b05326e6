"""The skills of our own server, and servers that cut, mix and forge what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from skillsync.api.skills import SkillsApi
from skillsync.errors import (
    BadAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Refused,
    RemoteError,
    Unreachable,
    VersionConflict,
)
from skillsync.model import Json, RemoteFile, RemoteSkill
from skillsync.server import accounts
from skillsync.server.app import new_database
from skillsync.server.serve import running
from tests.api.clients import KEY, client
from tests.api.conftest import World
from tests.api.raw_server import Request, answer, serving
from tests.api.samples import FIRST, ID, OTHER_ID, detail, page, payload

# ---------------------------------------------------------------- our own server


def test_what_was_created_reads_back_the_same(skills: SkillsApi) -> None:
    files = {"a b%/ü?#.md": " x\r\ny\n", "scripts/run.sh": "echo", "z/._-~&=+.txt": "1"}
    created = skills.create(payload(files=files))
    assert created.version.number == 1
    assert skills.read("alpha") == created.skill
    assert created.skill.content.files["a b%/ü?#.md"] == "x\ny"
    assert {file.content_type for file in created.skill.files} == {"text/x-odd"}


def test_a_body_of_any_length_comes_whole(skills: SkillsApi) -> None:
    body = "é" * 8_001 + "\n" + "x" * 900_000
    skills.create(payload(body=body))
    assert skills.read("alpha").content.body == body


def test_a_publish_needs_the_latest_base(skills: SkillsApi) -> None:
    skills.create(payload())
    second = skills.publish("alpha", base=1, payload=payload(body="two"))
    assert second.version.number == 2
    assert second.skill.content.body == "two"
    with pytest.raises(VersionConflict) as caught:
        skills.publish("alpha", base=1, payload=payload(body="three"))
    assert caught.value.current == 2
    assert skills.read("alpha").content.body == "two"
    assert skills.read("alpha", number=1).content.body == "# Alpha"


def test_old_versions_keep_their_own_files(skills: SkillsApi) -> None:
    skills.create(payload(files={"a.md": "one"}))
    skills.publish("alpha", base=1, payload=payload(files={"a.md": "two", "b.md": "b"}))
    assert skills.read("alpha", number=1).content.files == {"a.md": "one"}
    assert skills.read("alpha").content.files == {"a.md": "two", "b.md": "b"}


def test_a_taken_name_is_refused_by_a_reason(skills: SkillsApi) -> None:
    skills.create(payload())
    with pytest.raises(Refused) as caught:
        skills.create(payload())
    assert (caught.value.status, caught.value.reason, caught.value.field) == (400, "unique", "name")


def test_a_skill_that_is_not_there(skills: SkillsApi) -> None:
    skills.create(payload())
    calls: list[Callable[[], object]] = [
        lambda: skills.read("beta"),
        lambda: skills.read("alpha", number=2),
        lambda: skills.head("beta"),
        lambda: skills.versions("beta"),
        lambda: skills.publish("beta", base=1, payload=payload("beta")),
        lambda: skills.archive("beta"),
        lambda: skills.delete_file("alpha", "x.md", base=1),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_after_archive_a_name_starts_again_as_another_incarnation(skills: SkillsApi) -> None:
    first = skills.create(payload())
    skills.archive("alpha")
    assert skills.list().items == ()
    with pytest.raises(NotFound):
        skills.archive("alpha")
    second = skills.create(payload())
    assert second.version.number == first.version.number
    assert second.version.first != first.version.first
    assert second.version.id != first.version.id


def test_versions_page_by_number(skills: SkillsApi) -> None:
    skills.create(payload())
    for number in range(1, 120):
        skills.publish("alpha", base=number, payload=payload(body=str(number)))
    latest = skills.head("alpha")
    every = skills.versions("alpha", newest=1_000)
    assert [version.number for version in every] == list(range(120, 0, -1))
    assert every[0] == latest
    assert skills.versions("alpha", newest=3) == every[:3]
    assert skills.versions("alpha", newest=3, before=50) == every[71:74]
    assert {version.first for version in every} == {latest.first}


def test_a_read_brings_the_versions_since_a_number_along(skills: SkillsApi) -> None:
    """In one request, with a body that no server cuts there, and the very version that was asked for."""
    skills.create(payload(body="x" * 9_000))
    for number in range(1, 5):
        skills.publish("alpha", base=number, payload=payload(body=f"{number}" * 9_000))
    assert skills.read("alpha").versions == ()
    read = skills.read("alpha", number=5, since=4)
    assert read == replace(skills.read("alpha", number=5), versions=read.versions)
    assert [version.number for version in read.versions] == [5, 4]
    assert skills.read("alpha", number=2, since=1).content.body == "1" * 9_000
    assert read.versions == tuple(skills.versions("alpha", newest=2))
    latest = skills.read("alpha", since=1)
    assert [version.number for version in latest.versions] == [5, 4, 3, 2, 1]
    assert len(latest.content.body) == 9_000
    with pytest.raises(NotFound):
        skills.read("alpha", number=6, since=1)


def test_single_files_go_with_a_base(skills: SkillsApi) -> None:
    skills.create(payload())
    added = skills.post_file("alpha", RemoteFile("a b/%.md", "x", "text/markdown"), base=1)
    with pytest.raises(VersionConflict):
        skills.post_file("alpha", RemoteFile("c.md", "x", "text/markdown"), base=1)
    with pytest.raises(Refused) as taken:
        skills.post_file("alpha", RemoteFile("a b/%.md", "x", "text/markdown"), base=2)
    renamed = skills.rename_file("alpha", "a b/%.md", "b.md", base=2)
    assert skills.read("alpha").content.files == {"b.md": "x"}
    deleted = skills.delete_file("alpha", "b.md", base=3)
    assert [v.number for v in (added, renamed, deleted)] == [2, 3, 4]
    assert taken.value.status == 409
    assert skills.read("alpha").files == ()


def test_a_duplicate_is_a_skill_of_its_own(skills: SkillsApi) -> None:
    skills.create(payload(files={"a.md": "x"}))
    copy = skills.duplicate("alpha", "beta")
    assert (copy.name, copy.number) == ("beta", 1)
    assert [version.name for version in skills.list()] == ["alpha", "beta"]


def test_the_list_is_one_request_and_agrees_with_the_details(world: World) -> None:
    transport = world.transport()
    skills = SkillsApi(transport, 1)
    for name in ("gamma", "alpha", "beta"):
        skills.create(payload(name))
    before = transport.requests.reads
    listing = skills.list()
    assert transport.requests.reads == before + 1
    assert listing.complete
    assert [version.name for version in listing] == ["alpha", "beta", "gamma"]
    assert list(listing) == [skills.head(version.name) for version in listing]


def test_a_key_without_the_scope_is_told_which(world: World) -> None:
    SkillsApi(world.transport(), 1).create(payload())
    skills = SkillsApi(world.scoped("llm_skill:read"), 1)
    assert skills.read("alpha").version.number == 1
    with pytest.raises(NotAllowed, match="llm_skill:write") as caught:
        skills.publish("alpha", base=1, payload=payload())
    assert "scope" in caught.value.hint
    with pytest.raises(NotAuthenticated):
        SkillsApi(world.transport("phx_nobody_knows_this_key"), 1).list()


def test_a_project_that_is_not_there_is_not_an_empty_list(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        SkillsApi(world.transport(), 999).list()
    assert caught.value.reason == "project"


def test_the_seed_has_no_version_description(skills: SkillsApi) -> None:
    seen = [skills.capabilities.version_description]
    skills.create(payload())
    seen.append(skills.capabilities.version_description)
    assert seen == [None, False]
    published = skills.publish("alpha", base=1, payload=payload(), description="c=abc")
    assert published.version.number == 2


def test_the_basis_of_a_publish_is_one_request_and_the_files_it_depends_on(world: World) -> None:
    transport = world.transport()
    skills = SkillsApi(transport, 1)
    skills.create(payload(files={"a.md": "x", ".DS_Store": "junk"}))
    before = transport.requests.reads
    bare = skills.read_basis("alpha", needed=lambda _: False)
    assert transport.requests.reads == before + 1
    whole = skills.read_basis("alpha", needed=lambda path: path == ".DS_Store")
    assert transport.requests.reads == before + 3
    assert {file.path: file.text for file in whole.files}[".DS_Store"] == "junk"
    assert [file.content_type for file in bare.files] == ["text/x-odd"] * 2


def test_many_are_read_and_each_error_stays_with_its_own(skills: SkillsApi) -> None:
    for name in ("alpha", "beta"):
        skills.create(payload(name, files={"a.md": name}))
    done: list[tuple[str, int | None]] = []
    found = dict(
        skills.read_many([("alpha", 1), ("nope", None), ("beta", None)], on_done=done.append)
    )
    assert set(done) == set(found)
    alpha, beta = found["alpha", 1], found["beta", None]
    assert isinstance(alpha, RemoteSkill)
    assert isinstance(beta, RemoteSkill)
    assert (alpha.content.files, beta.content.files) == ({"a.md": "alpha"}, {"a.md": "beta"})
    assert isinstance(found["nope", None], NotFound)


def test_over_a_real_port_with_several_connections(tmp_path: Path) -> None:
    database = new_database(tmp_path / "server.sqlite3")
    with running(database) as server:
        accounts.first_start(key=KEY)
        with client(server.url) as transport:
            skills = SkillsApi(transport, 1)
            for number in range(12):
                skills.create(payload(f"s{number}", files={"ä %?#/b.md": str(number)}))
            wanted = [(f"s{number}", 1) for number in range(12)]
            found = dict(skills.read_many(wanted, workers=4))
    texts = {
        name: result.content.files["ä %?#/b.md"]
        for (name, _), result in found.items()
        if isinstance(result, RemoteSkill)
    }
    assert texts == {f"s{number}": str(number) for number in range(12)}


# ---------------------------------------------------------------- servers of other generations


class PagingServer:
    """GET by name as the newest generations answer it (skills-api.md 1.4)."""

    def __init__(self, body: str, *, most: int | None = None) -> None:
        self.body = body
        self.most = most
        self.id = ID
        self.bend: Callable[[dict[str, Any], int], None] = lambda _, __: None

    def __call__(self, request: Request) -> Iterable[bytes]:
        parts = urlsplit(request.target)
        query = {name: int(values[-1]) for name, values in parse_qs(parts.query).items()}
        offset = query.get("body_offset", 0)
        length = query.get("body_length", 8_000)
        length = min(length, self.most) if self.most else length
        end = offset + length
        found = detail(
            body=self.body[offset:end],
            body_total_length=len(self.body),
            body_next_offset=end if end < len(self.body) else None,
            version_description=None,
            id=self.id,
        )
        self.bend(found, offset)
        yield answer(found)


BODY = "ä😀\n" * 7_000 + "end"


@pytest.mark.parametrize("most", [None, 8_000, 20_999, 1])
def test_a_paged_body_is_read_to_its_end(most: int | None) -> None:
    body = BODY if most != 1 else "abc"
    with serving(PagingServer(body, most=most)) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        assert skills.read("alpha").content.body == body
        assert skills.capabilities.version_description is True
    assert all("version=1" in request.target for request in server.requests[1:]), (
        "later pages name the version, so that two bodies cannot mix"
    )


def _set(**changes: Any) -> Callable[[dict[str, Any], int], None]:
    return lambda found, _: found.update(changes)


def _later(**changes: Any) -> Callable[[dict[str, Any], int], None]:
    return lambda found, offset: found.update(changes) if offset else None


@pytest.mark.parametrize(
    "bend",
    [
        _set(body_next_offset=None),
        _set(body_next_offset=0),
        _set(body_next_offset=-1),
        _set(body_next_offset=9_000),
        _set(body_next_offset="8000"),
        _set(body_next_offset=True),
        _set(body=""),
        _set(body=None),
        _set(body_total_length=5),
        _set(body_total_length="x"),
        _later(id=OTHER_ID),
        _later(version=2),
        _later(name="beta"),
        _later(body_total_length=99),
        _later(body="short"),
    ],
)
def test_a_body_that_does_not_add_up_is_never_taken(
    bend: Callable[[dict[str, Any], int], None],
) -> None:
    paging = PagingServer(BODY, most=8_000)
    paging.bend = bend
    with serving(paging) as server, client(server.url) as transport, pytest.raises(BadAnswer):
        SkillsApi(transport, 1).read("alpha")


def _files_server(found: dict[str, Any], file: object) -> Callable[[Request], Iterable[bytes]]:
    def respond(request: Request) -> Iterable[bytes]:
        yield answer(file if "/files/" in request.path else found)

    return respond


FILE = {"path": "a.md", "content": "text", "content_type": "text/markdown"}
LISTED = {"path": "a.md", "content_type": "text/markdown"}
DIGEST = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"


def test_a_file_is_held_against_size_and_digest_where_they_exist() -> None:
    for extra in ({}, {"size": 4, "sha256": DIGEST}, {"size": None, "sha256": None}):
        found = detail(files=[{**LISTED, **extra}])
        with serving(_files_server(found, FILE)) as server, client(server.url) as transport:
            assert SkillsApi(transport, 1).read("alpha").content.files == {"a.md": "text"}
        assert "version=1" in server.requests[1].target


@pytest.mark.parametrize(
    ("files", "file"),
    [
        ([{**LISTED, "size": 5}], FILE),
        ([{**LISTED, "sha256": "0" * 64}], FILE),
        ([LISTED], {**FILE, "path": "b.md"}),
        ([LISTED], {**FILE, "content": None}),
        ([LISTED], {**FILE, "content": "a\0b"}),
        ([LISTED], {"path": "a.md"}),
        ([LISTED], []),
        ([LISTED, LISTED], FILE),
        ([{"path": "a.md"}], FILE),
        (["a.md"], FILE),
        ({}, FILE),
        (None, FILE),
        *(
            ([{**LISTED, "path": path}], {**FILE, "path": path})
            for path in (
                *("../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a/", ".", "..", ""),
                *(
                    "a\\b",
                    "C:/x",
                    "SKILL.md",
                    "skill.MD",
                    ".git/hooks/post-checkout",
                    ".GIT/config",
                ),
                *(".skillsync", "x/.skillsync.rows", "a\nb", "a\x1bb", "a\0b", "x" * 501, " a"),
            )
        ),
    ],
)
def test_files_that_contradict_or_escape_are_refused(files: Json, file: Json) -> None:
    with (
        serving(_files_server(detail(files=files), file)) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer) as caught,
    ):
        SkillsApi(transport, 1).read("alpha")
    assert caught.value.subject == "alpha"
    reached = {unquote(request.path) for request in server.requests}
    assert reached <= {
        "/api/environments/1/llm_skills/name/alpha",
        "/api/environments/1/llm_skills/name/alpha/files/a.md",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "beta"},
        {"name": None},
        {"name": 5},
        {"version": 2},
        {"version": 0},
        {"version": True},
        {"version": "1"},
        {"id": "x"},
        {"id": None},
        {"first_version_created_at": None},
        {"first_version_created_at": "2026-01-02 03:04:05"},
        {"first_version_created_at": f"{FIRST}\nevil"},
        {"created_at": 5},
        {"deleted": True},
        {"description": None},
        {"description": "a\0"},
        {"license": None},
        {"metadata": []},
        {"metadata": None},
        {"metadata": {"a": "\0"}},
        {"metadata": {"a": json.loads("[" * 500 + "]" * 500)}},
        {"allowed_tools": "Read"},
        {"allowed_tools": [1]},
        {"body": None},
    ],
    ids=str,
)
def test_a_detail_with_a_wrong_field_is_refused(changes: dict[str, Any]) -> None:
    with (
        serving(answer(detail(**changes))) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer) as caught,
    ):
        SkillsApi(transport, 1).read("alpha", number=1)
    assert "alpha" in str(caught.value)


@pytest.mark.parametrize("created_by", [None, {}, "x", {"id": None}, {"id": "7", "email": 5}])
def test_an_author_that_is_gone_or_odd_is_unknown(created_by: Json) -> None:
    with (
        serving(answer(detail(created_by=created_by))) as server,
        client(server.url) as transport,
    ):
        assert SkillsApi(transport, 1).read("alpha").version.author.id is None


def test_unknown_fields_of_newer_servers_are_ignored() -> None:
    newer = detail(tags=["x"], owners=[], spec_problems=[], category="scout", is_global=True)
    with serving(answer(newer)) as server, client(server.url) as transport:
        assert SkillsApi(transport, 1).read("alpha").version.category == "scout"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"5", b'"x"'])
def test_an_answer_that_is_no_object_is_refused(body: bytes) -> None:
    with serving(answer(body)) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        calls: list[Callable[[], object]] = [
            lambda: skills.read("alpha"),
            lambda: skills.read("alpha", since=1),
            skills.list,
            lambda: skills.head("alpha"),
            lambda: skills.versions("alpha"),
        ]
        for call in calls:
            with pytest.raises(BadAnswer):
                call()


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "ä", "a b", "a?b", "a#b", "a%2fb"])
def test_no_name_leads_to_another_endpoint(name: str) -> None:
    with serving(answer({"detail": "x"}, status=404)) as server, client(server.url) as transport:
        with pytest.raises(RemoteError):
            SkillsApi(transport, 1).read(name)
        paths = {request.path for request in server.requests}
        assert all(path.count("/") == 6 for path in paths), paths


# ---------------------------------------------------------------- answers to writes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 3}, ""),
        ({"version": 1}, "unexpected-version"),
        ({"version": 4}, "unexpected-version"),
        ({"version": 3, "name": "beta"}, ""),
        ({"version": 3, "files": [LISTED]}, ""),
        ({"version": 3, "body": None}, ""),
    ],
)
def test_a_publish_that_was_answered_oddly_is_indeterminate(
    changes: dict[str, Any], reason: str
) -> None:
    expected_fine = changes == {"version": 3}
    with serving(answer(detail(**changes))) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        if expected_fine:
            assert skills.publish("alpha", base=2, payload=payload()).version.number == 3
            return
        with pytest.raises(BadAnswer) as caught:
            skills.publish("alpha", base=2, payload=payload())
    assert caught.value.indeterminate
    assert caught.value.reason == reason
    assert len(server.requests) == 1


def test_a_publish_onto_another_incarnation_is_alarmed_with_both() -> None:
    other = "2026-05-05T00:00:00Z"
    sent = payload()
    sent = type(sent)(sent.name, sent.fields, sent.files, first=FIRST)
    swapped = detail(version=3, first_version_created_at=other)
    with (
        serving(answer(swapped)) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer) as caught,
    ):
        SkillsApi(transport, 1).publish("alpha", base=2, payload=sent)
    assert caught.value.reason == "incarnation"
    assert FIRST in str(caught.value)
    assert other in str(caught.value)
    assert ID in str(caught.value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (answer(b"", status=500), Unreachable),
        (answer(b"<html>", status=504), Unreachable),
        (answer(b"<html>"), BadAnswer),
        (answer(b""), BadAnswer),
        (answer(json.dumps(detail()).encode()[:50]), BadAnswer),
        (answer({"detail": "x"}, length=900), BadAnswer),
        (b"", Unreachable),
    ],
)
def test_no_write_is_sent_twice_and_each_says_that_it_may_have_happened(
    data: bytes, kind: type[RemoteError]
) -> None:
    is_cut = data == b"" or b"Content-Length: 900" in data
    with serving(data, keep_open=not is_cut) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        calls: list[Callable[[], object]] = [
            lambda: skills.create(payload()),
            lambda: skills.publish("alpha", base=1, payload=payload()),
            lambda: skills.duplicate("alpha", "beta"),
            lambda: skills.post_file("alpha", RemoteFile("a", "b", "c"), base=1),
            lambda: skills.delete_file("alpha", "a", base=1),
            lambda: skills.rename_file("alpha", "a", "b", base=1),
        ]
        for number, call in enumerate(calls, 1):
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.indeterminate
            assert len(server.requests) == number


# ---------------------------------------------------------------- listing against hostile servers


def test_next_links_are_followed_by_path_and_query_on_our_own_origin_only() -> None:
    def respond(request: Request) -> Iterable[bytes]:
        if "offset=1" in request.target:
            yield answer(page(detail("beta", id=OTHER_ID), count=2))
        else:
            link = "http://user@evil.example/api/projects/1/llm_skills/?limit=1&offset=1&x=%26"
            yield answer(page(detail("alpha"), count=2, following=link))

    with serving(respond) as server, client(server.url) as transport:
        listing = SkillsApi(transport, 1).list()
    assert [version.name for version in listing] == ["alpha", "beta"]
    assert listing.complete
    assert [request.target for request in server.requests] == [
        "/api/environments/1/llm_skills?order_by=name&limit=1000",
        "/api/environments/1/llm_skills?limit=1&offset=1&x=%26",
    ]


@pytest.mark.parametrize(
    "link",
    ["http://x/api/users/@me/?a=1", "http://x/api/projects/2/llm_skills?a=1", "", "http://[x", 5, {},
     "//api/projects/1/llm_skills?a=1", "http://x/api/projects/1/llm_skills"],
)  # fmt: skip
def test_a_next_link_that_leads_elsewhere_is_refused(link: Any) -> None:
    with (
        serving(answer(page(detail(), count=2, following=link))) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer),
    ):
        SkillsApi(transport, 1).list()
    assert len(server.requests) == 1


def test_one_bad_entry_is_a_problem_and_the_others_are_listed() -> None:
    entries = [
        detail("alpha"),
        detail("../evil"),
        detail("beta", version="x"),
        detail("gamma", id=OTHER_ID),
    ]
    with serving(answer(page(*entries))) as server, client(server.url) as transport:
        listing = SkillsApi(transport, 1).list()
    assert [version.name for version in listing] == ["alpha", "gamma"]
    assert listing.complete
    assert len(listing.problems) == 2


# ---------------------------------------------------------------- side by side


def test_parallel_reads_are_bounded_and_share_their_connections() -> None:
    with serving(_alpha_anywhere) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        wanted = [(f"n{number}", None) for number in range(60)]
        assert len(list(skills.read_many(wanted, workers=99))) == 60
    assert len(server.requests) == 60
    assert 1 <= server.connections <= 8


def test_a_server_on_this_machine_gets_one_connection() -> None:
    with serving(_alpha_anywhere) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        assert len(list(skills.read_many([(f"n{number}", None) for number in range(30)]))) == 30
    assert server.connections == 1


def _alpha_anywhere(request: Request) -> Iterable[bytes]:
    yield answer(detail(request.path.rpartition("/")[2]))


@pytest.mark.parametrize("data", [answer({"detail": "x"}, status=401), b""])
def test_trouble_that_meets_everybody_ends_the_run(data: bytes) -> None:
    with serving(data, keep_open=False) as server, client(server.url) as transport:
        skills = SkillsApi(transport, 1)
        with pytest.raises((NotAuthenticated, Unreachable)):
            list(skills.read_many([(f"n{number}", None) for number in range(50)]))
    assert len(server.requests) <= 4
