"""Reading skills: the shapes, the list, versions, resolve and the outline (skills-api.md 1, 7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.facts import (
    NOT_A_UUID,
    NOT_AN_INTEGER,
    SEED,
    UNKNOWN_ID,
    at_least,
    case,
    invalid,
    missing,
    no_file,
    no_skill,
)
from tests.contract.wire import Api, at, file

DETAIL = [
    "id", "name", "description", "body", "license", "compatibility", "allowed_tools", "metadata",
    "files", "outline", "version", "created_by", "created_at", "updated_at", "deleted",
    "is_latest", "latest_version", "version_count", "first_version_created_at",
]  # fmt: skip
PERSON = [
    "id", "uuid", "distinct_id", "first_name", "last_name", "email", "is_email_verified",
    "hedgehog_config", "role_at_organization",
]  # fmt: skip


# ---------------------------------------------------------------- shapes (1.3)


@pytest.mark.dialect(SEED)
def test_1_3_a_detail_has_these_fields_in_this_order(api: Api) -> None:
    made = api.skill(files=[file("b"), file("a")], metadata={"x": 1})
    assert list(made) == DETAIL
    assert list(made["created_by"]) == PERSON
    assert (made["version"], made["latest_version"], made["version_count"]) == (1, 1, 1)
    assert (made["is_latest"], made["deleted"]) == (True, False)
    assert made["created_at"] == made["first_version_created_at"]
    assert made["created_at"].endswith("Z")
    assert sorted(entry["path"] for entry in made["files"]) == ["a", "b"]
    assert all(list(entry) == ["path", "content_type"] for entry in made["files"])


def test_1_3_a_list_item_is_the_detail_without_body_and_files(api: Api) -> None:
    made = api.skill(files=[file()])
    page = api.get("llm_skills", search=made["name"]).ok()
    assert list(page) == ["count", "next", "previous", "results"]
    hidden = {"body", "files", "body_total_length", "body_next_offset"}
    expected = {name: value for name, value in made.items() if name not in hidden}
    assert page["results"] == [expected]


def test_1_3_an_old_version_knows_the_latest_and_keeps_its_times(api: Api) -> None:
    first = api.skill(body="one", files=[file("old")])
    second = api.publish(first, body="two", files=[file("new")])
    changed = {"is_latest": False, "latest_version": 2, "version_count": 2}
    assert api.get(at(first), version=1).ok() == {**first, **changed}
    assert second["id"] != first["id"]
    assert second["first_version_created_at"] == first["created_at"] < second["created_at"]
    assert api.get(at(first, "/files/old"), version=1).ok()["content"] == "text"
    assert api.get(at(first, "/files/old")).refused(404) == no_file("old", first["name"])


# ---------------------------------------------------------------- one skill

VERSIONS = [
    case("1.1", "the number", "1", 200),
    case("1.1", "between spaces", "%201%20", 200),
    case("1.1", "with a fraction of 0", "1.0", 200),
    case("1.1", "empty is absent", "", 200),
    case("1.1", "twice, the last counts", "7&version=1", 200),
    case("8", "unknown", "2", 404),
    case("8", "out of all bounds", "99999999999999999999999", 404),
    case("1.1", "a fraction", "1.5", 400),
    case("1.1", "a word", "abc", 400),
    case("1.1", "0", "0", 400),
    case("1.1", "negative", "-1", 400),
]


@pytest.mark.parametrize(("query", "status"), VERSIONS)
@pytest.mark.parametrize("path", ["", "/files/a.md"])
def test_a_version_in_the_query(
    api: Api, still: dict[str, Any], path: str, query: str, status: int
) -> None:
    answer = api.get(at(still, f"{path}?version={query}"))
    assert answer.status == status, answer.body
    if status == 404:
        assert answer.json["detail"].startswith(f"Skill with name '{still['name']}' ")
    if status == 400:
        assert answer.json["attr"] == "version"


NAMES = [
    case("2.4", "a capital", lambda name: name.title()),
    case("2.4", "a line end behind", lambda name: f"{name}%0A"),
    case("2.4", "a space before", lambda name: f"%20{name}"),
    case("2.4", "a part of it", lambda name: name[:-1]),
    case("2.4", "one more", lambda name: f"{name}z"),
    case("2.4", "a wildcard", lambda name: f"{name[:-1]}%25"),
]


@pytest.mark.parametrize("change", NAMES)
def test_a_name_is_looked_up_exactly(api: Api, still: dict[str, Any], change: Any) -> None:
    assert api.get(f"llm_skills/name/{change(still['name'])}").status == 404


def test_8_an_unknown_skill_is_a_bare_404(api: Api) -> None:
    name = api.fresh()
    assert (
        api.get(f"llm_skills/name/{name}")
        .refused(404)["detail"]
        .startswith(no_skill(name)["detail"])
    )


@pytest.mark.dialect(SEED)
def test_8_the_404_has_nothing_but_the_detail(api: Api, still: dict[str, Any]) -> None:
    name = api.fresh()
    for path in (name, f"{name}/files/a"):
        assert api.get(f"llm_skills/name/{path}").refused(404) == no_skill(name)
    assert api.get(at(still), version=7).refused(404) == no_skill(still["name"])


@pytest.mark.dialect(SEED)
def test_1_4_newer_parameters_are_ignored(api: Api) -> None:
    made = api.skill(body="b" * 9000)
    assert len(api.get(at(made), body_length=1, body_offset=5).ok()["body"]) == 9000


def test_1_4_the_safe_recipes_give_the_whole_body(api: Api) -> None:
    made = api.skill(body="é" * 9000)
    assert len(api.get(at(made), body_length=1_000_000).ok()["body"]) == 9000
    resolved = api.get(f"llm_skills/resolve/name/{made['name']}", limit=1).ok()
    assert len(resolved["skill"]["body"]) == 9000


def test_1_there_is_no_route_by_id(api: Api, still: dict[str, Any]) -> None:
    answer = api.get(f"llm_skills/{still['id']}")
    assert answer.refused(404) == missing("Endpoint not found.")


@pytest.mark.dialect(SEED)
def test_6_an_id_is_no_name(api: Api, still: dict[str, Any]) -> None:
    assert api.get(f"llm_skills/name/{still['id']}").refused(404) == no_skill(still["id"])


# ---------------------------------------------------------------- the list (1.1)


@pytest.fixture(scope="module")
def trio(api: Api) -> dict[str, str]:
    """Three skills made in the order a, b, c; then a is published once more. Their common token, and names."""
    token = api.fresh("trio")
    made = {letter: api.skill(f"{token}-{letter}", body="no part of it") for letter in "abc"}
    api.publish(made["a"], description="été, straße, 100% SURE")
    return {"token": token, **{f"{token}-{letter}": letter for letter in "abc"}}


def letters(trio: dict[str, str], page: Any) -> str:
    return "".join(trio[row["name"]] for row in page["results"])


ORDERS = [
    ("name", "abc"), ("-name", "cba"), ("created_at", "bca"), ("-created_at", "acb"),
    ("updated_at", "bca"), ("-updated_at", "acb"), ("version", "cba"), ("-version", "acb"),
    ("latest_version", "cba"), ("-latest_version", "acb"), ("version_count", "cba"),
    ("-version_count", "acb"), ("", "acb"), ("nonsense", "acb"), ("--name", "acb"),
    ("name,version", "acb"), ("id", "acb"), ("body", "acb"), ("NAME", "acb"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), ORDERS, ids=lambda value: f"1.1: {value}")
def test_an_order_or_silently_the_default(
    api: Api, trio: dict[str, str], order: str, expected: str
) -> None:
    page = api.get("llm_skills", search=trio["token"], order_by=order).ok()
    assert letters(trio, page) == expected


SEARCHES = [
    case("1.1", "the case is none", "{token}-B", "b"),
    case("1.1", "spaces around", "  {token}-b ", "b"),
    case("1.1", "an underscore is no wildcard", "{token}_b", ""),
    case("1.1", "a percent sign is none", "{token}%b", ""),
    case("1.1", "a star is none", "{token}*", ""),
]


@pytest.mark.parametrize(("search", "expected"), SEARCHES)
def test_a_search_by_name(api: Api, trio: dict[str, str], search: str, expected: str) -> None:
    page = api.get("llm_skills", search=search.format_map(trio), order_by="name").ok()
    assert letters(trio, page) == expected
    assert page["count"] == len(expected)


DESCRIPTIONS = [
    case("1.1", "capitals of other scripts", "{t} ÉTÉ", True),
    case("1.1", "the latest version's only", "{t} first", False),
    case("1.1", "a percent sign", "{t} été 100%", True),
    case("1.1", "not the body", "{t} body", False),
]


@pytest.mark.parametrize(("search", "found"), DESCRIPTIONS)
def test_a_search_in_descriptions(api: Api, search: str, found: bool) -> None:
    token = api.fresh("find")
    made = api.skill(description=f"{token} first", body=f"{token} body")
    api.publish(made, description=f"{token} été 100%")
    page = api.get("llm_skills", search=search.format(t=token)).ok()
    assert [row["name"] for row in page["results"]] == ([made["name"]] if found else [])


PAGES = [
    case("7", "all", "", "abc", None, None),
    case("7", "the first two", "limit=2", "ab", ("2", "2"), None),
    case("7", "the rest", "limit=2&offset=2", "c", None, ("2", None)),
    case("7", "one in the middle", "limit=1&offset=1", "b", ("1", "2"), ("1", None)),
    case("7", "past the end", "limit=2&offset=9", "", None, ("2", "7")),
    case("7", "limit 0", "limit=0", "abc", None, None),
    case("7", "limit -1", "limit=-1", "abc", None, None),
    case("7", "limit x", "limit=x", "abc", None, None),
    case("7", "limit without end", "limit=99999999999999999999999", "abc", None, None),
    case("7", "offset x", "offset=x", "abc", None, None),
    case("7", "offset -3", "offset=-3", "abc", None, None),
    case("7", "limit twice", "limit=1&limit=3", "abc", None, None),
]


@pytest.mark.parametrize(("query", "expected", "after", "before"), PAGES)
def test_a_page_and_its_neighbours(
    api: Api, trio: dict[str, str], query: str, expected: str, after: Any, before: Any
) -> None:
    from urllib.parse import parse_qs, urlsplit

    path = f"llm_skills?search={trio['token']}&order_by=name&{query}"
    page = api.get(path).ok()
    assert (page["count"], letters(trio, page)) == (3, expected)
    if query.endswith("offset=9"):
        assert page["next"] is None
        assert page["previous"] is not None
        return
    for link, wanted in ((page["next"], after), (page["previous"], before)):
        if wanted is None:
            assert link is None
            continue
        parts = urlsplit(link)
        assert f"{parts.scheme}://{parts.netloc}" == api.url
        found = parse_qs(parts.query)
        assert found["limit"] == [wanted[0]]
        assert found.get("offset") == (None if wanted[1] is None else [wanted[1]])
        assert found["order_by"] == ["name"]


# ---------------------------------------------------------------- resolve (1.2)


@pytest.fixture(scope="module")
def history(api: Api) -> list[dict[str, Any]]:
    """The five versions of a skill, oldest first."""
    made = [api.skill()]
    for number in range(2, 6):
        made.append(api.publish(made[-1], body=f"body {number}"))
    return made


def resolve(api: Api, history: list[dict[str, Any]], query: str) -> Any:
    return api.get(f"llm_skills/resolve/name/{history[0]['name']}?{query}")


CURSORS = [
    case("1.2", "nothing asked", "", [5, 4, 3, 2, 1], False),
    case("1.2", "two", "limit=2", [5, 4], True),
    case("1.2", "just all", "limit=5", [5, 4, 3, 2, 1], False),
    case("1.2", "skip two", "limit=2&offset=2", [3, 2], True),
    case("1.2", "skip three", "limit=2&offset=3", [2, 1], False),
    case("1.2", "skip all", "offset=99", [], False),
    case("1.2", "below 3", "before_version=3", [2, 1], False),
    case("1.2", "below 5, one", "before_version=5&limit=1", [4], True),
    case("1.2", "below 1", "before_version=1", [], False),
    case("1.2", "below a number without end", "before_version=99999999999999999999", [5, 4, 3, 2, 1], False),
    case("1.1", "a lenient number", "limit=%202.0%20", [5, 4], True),
    case("1.1", "twice, the last counts", "limit=9&limit=1", [5], True),
    case("1.2", "a version does not filter", "version=2&limit=2", [5, 4], True),
]  # fmt: skip


@pytest.mark.parametrize(("query", "versions", "has_more"), CURSORS)
def test_resolve_pages(
    api: Api, history: list[dict[str, Any]], query: str, versions: list[int], has_more: bool
) -> None:
    resolved = resolve(api, history, query).ok()
    assert list(resolved) == ["skill", "versions", "has_more"]
    assert [entry["version"] for entry in resolved["versions"]] == versions
    assert resolved["has_more"] is has_more
    assert resolved["skill"]["version"] == (2 if "version=2" in query else 5)


BAD_CURSORS = [
    case("1.2", "both", "offset=0&before_version=2", "invalid_input", None, "Use either offset or before_version, not both."),
    case("1.1", "limit 101", "limit=101", "max_value", "limit", "Ensure this value is less than or equal to 100."),
    case("1.1", "limit 0", "limit=0", "min_value", "limit", at_least(1)),
    case("1.1", "limit x", "limit=x", "invalid_input", "limit", NOT_AN_INTEGER),
    case("1.1", "offset -1", "offset=-1", "min_value", "offset", at_least(0)),
    case("1.1", "version 0", "version=0", "min_value", "version", at_least(1)),
    case("1.1", "before 0", "before_version=0", "min_value", "before_version", at_least(1)),
    case("8", "no UUID", "version_id=x", "invalid_input", "version_id", NOT_A_UUID),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code", "attr", "detail"), BAD_CURSORS)
def test_resolve_refuses(
    api: Api, history: list[dict[str, Any]], query: str, code: str, attr: str | None, detail: str
) -> None:
    assert resolve(api, history, query).refused(400) == invalid(code, attr, detail)


def test_1_2_resolve_selects_by_number_or_id_within_the_name(
    api: Api, history: list[dict[str, Any]], still: dict[str, Any]
) -> None:
    second = history[1]
    for query in ("version=2", f"version_id={second['id']}", f"version=2&version_id={second['id']}"):  # fmt: skip
        skill = resolve(api, history, query).ok()["skill"]
        assert (skill["id"], skill["body"]) == (second["id"], "body 2")
    for query in (f"version_id={still['id']}", f"version=3&version_id={second['id']}", "version=9",
                  f"version_id={UNKNOWN_ID}"):  # fmt: skip
        assert resolve(api, history, query).status == 404


@pytest.mark.dialect(SEED)
def test_1_2_an_entry_of_the_history(api: Api, history: list[dict[str, Any]]) -> None:
    newest, before, *_ = resolve(api, history, "limit=2").ok()["versions"]
    assert list(newest) == ["id", "version", "created_by", "created_at", "is_latest"]
    assert (newest["id"], newest["is_latest"]) == (history[4]["id"], True)
    assert (before["id"], before["is_latest"]) == (history[3]["id"], False)
    assert before["created_at"] == history[3]["created_at"]
    name = api.fresh()
    assert api.get(f"llm_skills/resolve/name/{name}").refused(404) == no_skill(name)


# ---------------------------------------------------------------- one file (5)

FILES = ["a b.md", "é/ü.md", "日本語.md", "100%.md", "a?b", "a#b", "a+b", "ÿ", "a/b/c/d", "a;b", "a&b=c"]  # fmt: skip


def test_5_a_path_is_percent_decoded(api: Api) -> None:
    made = api.skill(files=[file(path, f"text of {path}") for path in FILES])
    for path in FILES:
        read = api.get(at(made, f"/files/{quote(path)}")).ok()
        assert read == {"path": path, "content": f"text of {path}", "content_type": "text/plain"}
        assert api.get(at(made, f"/files/{quote(path)}/")).ok() == read


@pytest.mark.parametrize("path", ["%2e%2e/a", "a/%2e%2e", "a%5C..%5Cb", "/a", "%5Ca"],
                         ids=lambda path: f"5: {path}")  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_that_leaves_the_skill(
    api: Api, still: dict[str, Any], method: str, path: str
) -> None:
    answer = api.call(method, at(still, f"/files/{path}"))
    assert answer.refused(400) == {"detail": "Invalid file path."}


def test_5_a_missing_file_is_a_bare_404(api: Api, still: dict[str, Any]) -> None:
    assert api.get(at(still, "/files/x/y")).refused(404) == no_file("x/y", still["name"])
    assert api.get(at(still, "/files/A.md")).refused(404) == no_file("A.md", still["name"])


# ---------------------------------------------------------------- outline (7)

OUTLINES = [
    ("#A", []), ("#", []), ("x\n# \ny", []), ("####### x", []), ("Title\n===", []),
    (".\n   # A", [(1, "A")]), (".\n        # A", [(1, "A")]), (".\n\t# A", [(1, "A")]),
    ("#\tA", [(1, "A")]), ("# A #", [(1, "A")]), ("# A ##  \n.", [(1, "A")]), ("# A#", [(1, "A#")]),
    ("# #", [(1, "#")]), ("# A ### B ###", [(1, "A ### B")]), ("## #tag", [(2, "#tag")]),
    ("# *em* [l](u)", [(1, "*em* [l](u)")]), ("#\u00a0x", []), ("# A\r# B", [(1, "A\r# B")]),
    ("# A\r\n## B\r\n", [(1, "A"), (2, "B")]), ("```\n# comment\n```", [(1, "comment")]),
    ("<!--\n# hidden\n-->", [(1, "hidden")]), ("> # x\n- # x", []), ("# &amp;", [(1, "&amp;")]),
    ("###### six", [(6, "six")]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), OUTLINES, ids=lambda value: f"7: {value!r}")
def test_an_outline(api: Api, body: str, expected: list[tuple[int, str]]) -> None:
    made = api.skill(body=body)
    assert made["outline"] == [{"level": level, "text": text} for level, text in expected]


def test_7_lists_and_later_versions_have_the_outline_of_their_body(api: Api) -> None:
    made = api.publish(api.skill(), body="# One\n## Two")
    expected = [{"level": 1, "text": "One"}, {"level": 2, "text": "Two"}]
    assert made["outline"] == expected
    assert api.get("llm_skills", search=made["name"]).ok()["results"][0]["outline"] == expected
