"""What the newest generation of skills, E, does otherwise or in addition (skills-api.md 1 to 3, 6, 8, 10 to 12)."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from typing import Any

import pytest

from tests.contract.facts import (
    CURRENT,
    DUPLICATE_PATHS,
    NAME_TAKEN,
    NO_KEY_ACCESS,
    NOT_A_UUID,
    NULL,
    UNKNOWN_ID,
    at_least,
    at_most,
    case,
    denied,
    invalid,
    missing,
    stale,
)
from tests.contract.wire import Answer, Api, at, file

pytestmark = pytest.mark.dialect(CURRENT)

DETAIL = [
    "id", "name", "description", "body_total_length", "body_next_offset", "body", "license",
    "compatibility", "allowed_tools", "metadata", "category", "tags", "owners", "files", "outline",
    "spec_problems", "version", "version_description", "created_by", "created_at", "updated_at",
    "deleted", "is_latest", "latest_version", "version_count", "first_version_created_at",
]  # fmt: skip
SEGMENTS = "File paths must not contain empty, '.', or '..' segments."
CONTROL = "File paths must not contain control characters."
NEEDS_BASE = "base_version is required unless the update only sets owners or tags."
PREFIX = (
    "Names starting with '{}' keep product settings under the skill name, so a skill can't be "
    "renamed into or out of them. Duplicate the skill instead."
)


def reserved(name: str) -> str:
    return f"'{name}' is a reserved name and cannot be used."


def test_1_3_a_detail_has_these_fields_in_this_order(api: Api) -> None:
    made = api.skill(files=[file("a.md", "é\nb")])
    assert list(made) == DETAIL
    digest = hashlib.sha256("é\nb".encode()).hexdigest()
    assert made["files"] == [{
        "path": "a.md", "content_type": "text/plain", "line_count": 2, "char_count": 3, "size": 4,
        "sha256": digest,
    }]  # fmt: skip
    assert (made["body_total_length"], made["body_next_offset"]) == (7, None)
    assert (made["category"], made["tags"], made["spec_problems"]) == ("", [], [])
    assert made["version_description"] is None
    assert [owner["id"] for owner in made["owners"]] == [made["created_by"]["id"]]
    item = api.get("llm_skills", search=made["name"]).ok()["results"][0]
    hidden = {"body", "files", "body_total_length", "body_next_offset"}
    assert list(item) == [name for name in DETAIL if name not in hidden]


# ---------------------------------------------------------------- refusals (2)


def one(path: str) -> dict[str, Any]:
    return {"files": [file(path)]}


REFUSED = [
    case("2.1", "description of 1,025", {"description": "d" * 1025}, "max_length", "description", at_most(1024)),
    case("2.4", "new", {"name": "new"}, "reserved_name", "name", reserved("new")),
    case("2.4", "quoted as sent", {"name": "New"}, "reserved_name", "name", reserved("New")),
    case("2.4", "scouts", {"name": "scouts"}, "reserved_name", "name", reserved("scouts")),
    case("2.4", "review-hog", {"name": "review-hog"}, "reserved_name", "name", reserved("review-hog")),
    case("2.4", "community", {"name": "community"}, "reserved_name", "name", reserved("community")),
    case("2.6", "a tool with a space", {"allowed_tools": ["A", "Bash(git add:*)"]}, "invalid_input", "allowed_tools__1", "Tool names cannot contain whitespace."),
    case("2.6", "a tool with a tab", {"allowed_tools": ["a\tb"]}, "invalid_input", "allowed_tools__0", "Tool names cannot contain whitespace."),
    case("2.5", "slash at the end", one("a/"), "invalid_input", "files__0__path", "File paths must not end with a slash."),
    case("2.5", "backslash at the end", one("a\\"), "invalid_input", "files__0__path", "File paths must not end with a slash."),
    case("2.5", "an empty segment", one("a//b"), "invalid_input", "files__0__path", SEGMENTS),
    case("2.5", "a dot", one("./a"), "invalid_input", "files__0__path", SEGMENTS),
    case("2.5", "two dots", one("a/../b"), "invalid_input", "files__0__path", SEGMENTS),
    case("2.5", "two dots between backslashes", one("a\\..\\b"), "invalid_input", "files__0__path", SEGMENTS),
    case("2.5", "a control character", one("a\x01b"), "invalid_input", "files__0__path", CONTROL),
    case("2.5", "DEL", one("a\x7f"), "invalid_input", "files__0__path", CONTROL),
    case("2.5", "SKILL.md", one("SKILL.md"), "invalid_input", "files__0__path", "'SKILL.md' is a reserved file path and cannot be used."),
    case("2.5", "skill.MD", one("skill.MD"), "invalid_input", "files__0__path", "'skill.MD' is a reserved file path and cannot be used."),
    case("2.5", "the same with the other slash", {"files": [file("a/b"), file("a\\b")]}, "invalid_input", "files", DUPLICATE_PATHS),
    case("2.5", "201 files", {"files": [file(f"{n}") for n in range(201)]}, "max_count", "files", "A skill may contain at most 200 files."),
    case("8", "a tag with a comma", {"tags": ["a", "b,c"]}, "invalid_input", "tags__1", "Tag names cannot contain commas. Use a space or a hyphen instead."),
    case("2.1", "null tags", {"tags": None}, "null", "tags", NULL),
    case("2.1", "null owners", {"owners": None}, "null", "owners", NULL),
    case("8", "an owner that is no UUID", {"owners": ["x"]}, "invalid_input", "owners__0", NOT_A_UUID),
    case("8", "an owner from elsewhere", {"owners": [UNKNOWN_ID]}, "invalid_owner", "owners", f"User '{UNKNOWN_ID}' is not a member of this project."),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code", "attr", "detail"), REFUSED)
def test_a_create_that_is_refused(
    api: Api, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    body = {"name": api.fresh(), "description": "d", "body": "b", **fields}
    assert api.post("llm_skills", body).refused(400) == invalid(code, attr, detail)


def test_2_5_a_path_is_stored_with_slashes(api: Api) -> None:
    made = api.skill(files=[file("a\\b.md"), file("scripts/skill.md"), file("C:\\x")])
    assert sorted(entry["path"] for entry in made["files"]) == ["C:/x", "a/b.md", "scripts/skill.md"]  # fmt: skip
    assert api.get(at(made, "/files/a/b.md")).status == 200
    assert api.get(at(made, "/files/a%5Cb.md")).status == 404, "looked up as given"


# ---------------------------------------------------------------- publish (3)


def test_3_without_a_base_only_owners_and_tags_are_set(api: Api) -> None:
    made = api.skill()
    for body in ({}, {"body": "x"}, {"tags": ["t"], "body": "x"}, {"version_description": "v"}):
        answer = api.patch(at(made), body)
        assert answer.refused(400) == invalid("invalid_input", "base_version", NEEDS_BASE), body
    changed = api.patch(at(made), {"tags": ["B", " a ", "b", ""]}).ok()
    assert (changed["version"], changed["id"], changed["tags"]) == (1, made["id"], ["a", "b"])
    assert api.patch(at(made), {"owners": []}).ok()["owners"] == []
    assert api.patch(at(made), {"tags": [], "base_version": 2}).refused(409) == stale(1)
    assert api.get(at(made)).ok()["tags"] == ["a", "b"]


def test_3_a_missing_skill_is_told_before_a_bad_body(api: Api) -> None:
    name = api.fresh()
    for method, path in (("PATCH", ""), ("POST", "/files"), ("POST", "/files-rename")):
        answer = api.call(method, f"llm_skills/name/{name}{path}", {})
        assert answer.refused(404)["type"] == "skill_not_found"


def test_3_a_version_description_belongs_to_one_version(api: Api) -> None:
    first = api.skill()
    second = api.publish(first, version_description=" why \n")
    third = api.publish(second, body="x")
    fourth = api.publish(third, version_description="")
    assert [each["version_description"] for each in (second, third, fourth)] == ["why", None, None]
    history = api.get(f"llm_skills/resolve/name/{first['name']}").ok()["versions"]
    assert [entry["version_description"] for entry in history] == [None, None, "why", None]
    assert list(history[0])[:3] == ["id", "version", "version_description"]
    answer = api.patch(at(first), {"base_version": 4, "version_description": "v" * 401})
    assert answer.refused(400) == invalid("max_length", "version_description", at_most(400))


# ---------------------------------------------------------------- body paging (1.4)

PAGES = [
    case("1.4", "unasked: 8,000 characters", "", 0, 8000, 8000),
    case("1.4", "from 8,000 on", "body_offset=8000", 8000, 9001, None),
    case("1.4", "from 500 on: 8,000 again", "body_offset=500", 500, 8500, 8500),
    case("1.4", "three", "body_length=3", 0, 3, 3),
    case("1.4", "three in the middle", "body_offset=5&body_length=3", 5, 8, 8),
    case("1.4", "all", "body_length=1000000", 0, 9001, None),
    case("1.4", "just to the end", "body_offset=9000&body_length=1", 9000, 9001, None),
    case("1.4", "past the end", "body_offset=99999", 9001, 9001, None),
]


@pytest.mark.parametrize(("query", "start", "end", "following"), PAGES)
def test_a_page_of_a_body(
    api: Api, query: str, start: int, end: int, following: int | None
) -> None:
    body = "é" * 4500 + "\U0001f600" + "x" * 4500
    made = api.skill(body=body)
    assert (made["body"], made["body_next_offset"]) == (body, None), "writes answer the whole"
    read = api.get(at(made, f"?{query}")).ok()
    assert read["body"] == body[start:end]
    assert (read["body_total_length"], read["body_next_offset"]) == (9001, following)


@pytest.mark.parametrize(("query", "attr", "least"), [
    case("1.1", "offset -1", "body_offset=-1", "body_offset", 0),
    case("1.1", "length 0", "body_length=0", "body_length", 1),
])  # fmt: skip
def test_a_page_that_is_none(
    api: Api, still: dict[str, Any], query: str, attr: str, least: int
) -> None:
    answer = api.get(at(still, f"?{query}"))
    assert answer.refused(400) == invalid("min_value", attr, at_least(least))


# ---------------------------------------------------------------- not found (8)


def test_8_a_404_names_near_ones(api: Api) -> None:
    made = api.skill(f"{uuid.uuid4()}-near")
    asked = made["name"] + "r"
    told = api.get(f"llm_skills/name/{asked}").refused(404)
    assert told == {
        "detail": f"Skill with name '{asked}' not found. Did you mean '{made['name']}'?",
        "type": "skill_not_found",
        "skill_name": asked,
        "suggestions": [made["name"]],
    }


def test_8_a_404_names_the_versions(api: Api) -> None:
    made = api.publish(api.skill())
    assert api.get(at(made), version=7).refused(404) == {
        "detail": f"Skill with name '{made['name']}' has no version 7. Available versions: 1, 2.",
        "type": "skill_version_not_found",
        "skill_name": made["name"],
        "available_versions": [1, 2],
    }


# ---------------------------------------------------------------- lists (1.1, 12)


def test_12_a_list_has_validators(api: Api) -> None:
    made = api.skill()
    path = f"llm_skills?search={made['name']}"
    first = api.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"]
    for known in (etag, "*", f'"x", {etag}'):
        again = api.call("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["x-skills-version"] == first.headers["x-skills-version"]
    api.publish(made)
    changed = api.call("GET", path, headers={"If-None-Match": etag})
    assert changed.status == 200
    assert changed.headers["etag"] != etag
    assert changed.headers["x-skills-version"] != first.headers["x-skills-version"]


def names(answer: Answer) -> list[str]:
    return sorted(row["name"] for row in answer.ok()["results"])


def test_1_1_the_newer_list_parameters(api: Api) -> None:
    token = api.fresh("list")
    plain = api.skill(f"{token}-a", tags=["red", "blue"])["name"]
    other = api.skill(f"{token}-b", owners=[])
    scout = api.skill(f"signals-scout-{token}")["name"]
    owner = other["created_by"]["id"]
    for query, expected in (
        ("category=", [plain, other["name"]]), ("category=scout", [scout]), ("category=x", []),
        ("tags=green,RED", [plain]), ("tags=green", []),
        (f"owner_id={owner}", [plain, scout]), (f"created_by_id={owner}", [plain, other["name"], scout]),
        ("created_by_id=0", []),
    ):  # fmt: skip
        answer = api.get(f"llm_skills?search={token}&{query}")
        assert names(answer) == sorted(expected), query
    for query in ("created_by_id=abc", "owner_id=1.5"):
        assert api.get(f"llm_skills?{query}").refused(400)["attr"] == query.partition("=")[0]


@pytest.mark.parametrize("name", ["owner_id", "created_by_id"])
def test_1_1_a_number_that_nobody_bears(api: Api, name: str) -> None:
    assert api.get(f"llm_skills?{name}=31561416931826286280673591296").ok()["count"] == 0


# ---------------------------------------------------------------- rename, redirect (6)


def test_6_a_rename_moves_every_version(api: Api) -> None:
    first = api.skill(files=[file("a")], tags=["t"])
    second = api.publish(first)
    name = api.fresh("renamed")
    renamed = api.post(at(first, "/rename"), {"new_name": name}).ok()
    moved = {"name": name, "updated_at": renamed["updated_at"]}
    assert renamed == {**second, **moved}
    assert renamed["updated_at"] > second["updated_at"]
    assert api.get(f"llm_skills/name/{name}", version=1).ok()["id"] == first["id"]
    assert api.get(at(first)).status == 404
    assert api.post(f"llm_skills/name/{name}/rename", {"new_name": name}).ok()["version"] == 2
    assert api.skill(first["name"])["version"] == 1, "the old name is free"


def test_6_a_rename_that_is_refused(api: Api, still: dict[str, Any]) -> None:
    made = api.skill()
    taken = api.post(at(made, "/rename"), {"new_name": still["name"]})
    assert taken.refused(400) == invalid("unique", "new_name", NAME_TAKEN)
    for prefix in ("signals-scout-", "review-hog-"):
        answer = api.post(at(made, "/rename"), {"new_name": f"{prefix}{made['name']}"})
        expected = invalid("reserved_prefix", "new_name", PREFIX.format(prefix))
        assert answer.refused(400) == expected
    scout = api.skill(f"signals-scout-{api.fresh()}")
    assert scout["category"] == "scout"
    answer = api.post(at(scout, "/rename"), {"new_name": api.fresh()})
    assert answer.refused(400)["code"] == "reserved_prefix"
    assert api.post(f"llm_skills/name/{api.fresh()}/rename", {"new_name": api.fresh()}).status == 404  # fmt: skip


def test_6_an_id_in_place_of_the_name_leads_there(api: Api) -> None:
    first = api.skill()
    api.publish(first)
    answer = api.get(f"llm_skills/name/{first['id']}?body_length=3")
    assert answer.status == 302
    expected = f"/api/projects/{api.project}/llm_skills/name/{first['name']}"
    assert answer.headers["location"].rstrip("/").partition("?")[0].rstrip("/") == expected
    assert answer.headers["location"].endswith("?body_length=3")
    assert api.get(f"llm_skills/name/{UNKNOWN_ID}").status == 404
    assert api.patch(f"llm_skills/name/{first['id']}", {"base_version": 2}).status == 404
    api.post(at(first, "/archive"))
    assert api.get(f"llm_skills/name/{first['id']}").status == 404


def test_6_a_copy_takes_tags_along_and_archiving_moves_updated_at(api: Api) -> None:
    made = api.skill(tags=["x"], metadata={"seeded_by": "a", "b": 1})
    copy = api.post(at(made, "/duplicate"), {"new_name": api.fresh()}).ok(201)
    assert (copy["tags"], copy["metadata"]) == (["x"], {"b": 1})


# ---------------------------------------------------------------- texts, tags, search (10, 12)


def test_10_1_skill_md(api: Api) -> None:
    made = api.skill(description="Short one.", body="# B", license="MIT", allowed_tools=["A", "B"], metadata={"k": "v"})  # fmt: skip
    told = api.get(at(made, "/skill-md")).ok()
    assert told["content"] == (
        f"---\nname: {made['name']}\ndescription: Short one.\nlicense: MIT\nmetadata:\n  k: v\n"
        "  version: '1'\nallowed-tools: A B\n---\n\n# B"
    )
    assert (told["name"], told["version"]) == (made["name"], 1)
    assert told["frontmatter"]["metadata"]["version"] == "1"


def test_12_tags_and_search(api: Api) -> None:
    word = uuid.uuid4().hex
    made = api.skill(tags=[word], body=f"about {word} and more")
    tags = api.get("llm_skills/tags").ok()["tags"]
    assert word in tags
    assert tags == sorted(tags)
    found = api.get("llm_skills/search", query=word).ok()
    assert found["count"] == 1
    assert found["results"][0]["name"] == made["name"]
    assert api.get("llm_skills/search", query=" ").refused(400)["attr"] == "query"
    assert api.get("llm_skills/search", query="x" * 201).refused(400)["code"] == "max_length"


def test_10_4_spec_problems(api: Api) -> None:
    made = api.skill(files=[file("A.md"), file("a.md"), file("d"), file("d/e")])
    codes = {problem["code"] for problem in made["spec_problems"]}
    assert codes == {"file_path_collides", "file_path_shadows_directory"}


def test_10_2_export_is_a_zip_where_keys_may_have_it(api: Api) -> None:
    """PostHog's readme says that the read scope suffices, its source maps the action to no scope (1)."""
    made = api.skill(files=[file("a/b.md", "text")])
    answer = api.get(at(made, "/export"))
    if answer.status == 403:
        assert answer.json == denied("permission_denied", NO_KEY_ACCESS)
        return
    name = made["name"]
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        members = [f"{name}/SKILL.md", f"{name}/agents/openai.yaml", f"{name}/a/b.md"]
        assert archive.namelist() == members
        assert archive.read(members[2]) == b"text"


def packed(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_md", ".md"), text)
    return data.getvalue()


def imported(api: Api, data: bytes, field: str = "file") -> Answer:
    head = (
        f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="s.zip"\r\n\r\n'.encode()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return api.call("POST", "llm_skills/import", data=head + data + b"\r\n--x--\r\n", headers=headers)  # fmt: skip


def test_10_3_an_import_keeps_every_character(api: Api) -> None:
    name = api.fresh()
    text = f"---\nname: {name}\ndescription: d\nallowed-tools: A B\n---\n\n body \n"
    made = imported(api, packed(x__SKILL_md=text, x__empty_md="")).ok(201)
    assert (made["name"], made["body"], made["allowed_tools"]) == (name, " body \n", ["A", "B"])
    assert api.get(at(made, "/files/empty.md")).ok()["content"] == ""
    again = imported(api, packed(SKILL_md=text))
    assert again.refused(400) == {"attr": "name", "detail": f"A skill named '{name}' already exists."}  # fmt: skip


IMPORTS = [
    case("10.3", "no zip", b"x", "The uploaded file is not a valid zip archive."),
    case("10.3", "no SKILL.md", packed(a_md="x"), "The zip does not contain a SKILL.md file."),
    case("10.3", "two", packed(a__SKILL_md="x", b__SKILL_md="x"), "The zip contains multiple SKILL.md files; expected exactly one."),
    case("10.3", "no frontmatter", packed(SKILL_md="# x"), "SKILL.md is missing its YAML frontmatter block."),
    case("10.3", "a list", packed(SKILL_md="---\n- a\n---\n"), "SKILL.md frontmatter must be a key/value mapping."),
    case("10.3", "no name", packed(SKILL_md="---\na: b\n---\n"), "SKILL.md frontmatter is missing a 'name'."),
]  # fmt: skip


@pytest.mark.parametrize(("data", "detail"), IMPORTS)
def test_an_import_that_is_refused(api: Api, data: bytes, detail: str) -> None:
    assert imported(api, data).refused(400)["detail"] == detail


def test_10_3_an_import_takes_its_form_field(api: Api) -> None:
    detail = "Attach the skill .zip as multipart form field 'file'."
    assert imported(api, b"x", field="zip").refused(400) == {"detail": detail}


# ---------------------------------------------------------------- the old prefix (platform.md 2)


def test_2_the_environments_prefix_names_its_successor(api: Api, still: dict[str, Any]) -> None:
    answer = api.get(f"/api/environments/{api.project}/llm_skills/name/{still['name']}?version=1")
    assert answer.status == 200
    assert answer.headers["deprecation"] == "true"
    successor = f"/api/projects/{api.project}/llm_skills/name/{still['name']}?version=1"
    assert answer.headers["link"] == f'<{successor}>; rel="successor-version"'
    nowhere = api.get(f"/api/environments/{api.project}/nothing")
    assert nowhere.refused(404) == missing("Endpoint not found.")
    assert "deprecation" not in nowhere.headers
