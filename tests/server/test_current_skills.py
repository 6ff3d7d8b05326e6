"""Skills in the current dialect: what differs from the seed (skills-api.md 11), rule by rule."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server import accounts
from skillsync.server.models import Project, Skill, User
from tests.server.facts import a_file, a_skill, create, error, invalid, missing, paths, publish

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

SKILL = "llm_skills/name/greet"
DETAIL = [
    "id", "name", "description", "body_total_length", "body_next_offset", "body", "license",
    "compatibility", "allowed_tools", "metadata", "category", "tags", "owners", "files", "outline",
    "spec_problems", "version", "version_description", "created_by", "created_at", "updated_at",
    "deleted", "is_latest", "latest_version", "version_count", "first_version_created_at",
]  # fmt: skip
NOT_FOUND = {
    "detail": "Skill with name 'greet' not found.",
    "type": "skill_not_found",
    "skill_name": "greet",
    "suggestions": [],
}


def emails(detail: dict[str, Any]) -> list[str]:
    return [owner["email"].partition("@")[0] for owner in detail["owners"]]


def uuid_of(name: str) -> str:
    user = accounts.create_key(user=name).user_id
    return str(User.objects.get(pk=user).uuid)


# -- shapes (1.3)


def test_the_detail_and_the_list_item_have_the_documented_shape(current: httpx.Client) -> None:
    made = create(current, files=[a_file("b.md", "x\ny é"), a_file("a.md")], tags=["t"])
    assert list(made) == DETAIL
    assert (made["body_total_length"], made["body_next_offset"]) == (len("# Greet"), None)
    assert (made["category"], made["version_description"]) == ("", None)
    assert (made["tags"], emails(made), made["spec_problems"]) == (["t"], ["admin"], [])
    assert made["files"][1] == {
        "path": "b.md",
        "content_type": "text/plain",
        "line_count": 2,
        "char_count": 5,
        "size": 6,
        "sha256": hashlib.sha256("x\ny é".encode()).hexdigest(),
    }
    assert current.get(SKILL).json() == made
    (row,) = current.get("llm_skills").json()["results"]
    hidden = {"body", "files", "body_total_length", "body_next_offset"}
    assert row == {key: value for key, value in made.items() if key not in hidden}


def test_resolve_tells_the_version_descriptions_and_the_whole_body(current: httpx.Client) -> None:
    create(current, body="b" * 9000)
    publish(current, base=1, version_description=" why ")
    resolved = current.get("llm_skills/resolve/name/greet?limit=1").json()
    assert list(resolved["versions"][0]) == [
        "id", "version", "version_description", "created_by", "created_at", "is_latest",
    ]  # fmt: skip
    assert resolved["versions"][0]["version_description"] == "why"
    assert len(resolved["skill"]["body"]) == resolved["skill"]["body_total_length"] == 9000
    assert resolved["skill"]["body_next_offset"] is None


# -- body paging (1.4)


@pytest.mark.parametrize(
    ("query", "start", "length", "following"),
    [
        ("", 0, 8000, 8000),
        ("body_offset=8000", 8000, 1001, None),
        ("body_offset=1", 1, 8000, 8001),
        ("body_offset=1001", 1001, 8000, None),
        ("body_length=1000000", 0, 9001, None),
        ("body_length=3", 0, 3, 3),
        ("body_offset=10&body_length=5", 10, 5, 15),
        ("body_offset=9001", 9001, 0, None),
        ("body_offset=99999", 9001, 0, None),
    ],
)
def test_a_page_of_the_body_is_counted_in_code_points(
    current: httpx.Client, query: str, start: int, length: int, following: int | None
) -> None:
    body = "".join("😀é"[n % 2] for n in range(9000)) + "."
    made = create(current, body=body)
    assert made["body"] == body, "writes answer with the whole body"
    got = current.get(f"{SKILL}?{query}").json()
    assert got["body"] == body[start : start + length]
    assert (got["body_total_length"], got["body_next_offset"]) == (9001, following)


@pytest.mark.parametrize(
    ("query", "attr", "least"), [("body_offset=-1", "body_offset", 0), ("body_length=0", "body_length", 1)]
)  # fmt: skip
def test_a_bad_page_is_refused(current: httpx.Client, query: str, attr: str, least: int) -> None:
    create(current)
    assert error(current.get(f"{SKILL}?{query}"), 400) == invalid(
        "min_value", attr, f"Ensure this value is greater than or equal to {least}."
    )


# -- limits and rules (2, 11)


@pytest.mark.parametrize(
    ("fields", "code", "attr", "detail"),
    [
        ({"description": "d" * 1025}, "max_length", "description", "Ensure this field has no more than 1024 characters."),
        ({"name": "scouts"}, "reserved_name", "name", "'scouts' is a reserved name and cannot be used."),
        ({"name": "Review-Hog"}, "reserved_name", "name", "'Review-Hog' is a reserved name and cannot be used."),
        ({"name": "community"}, "reserved_name", "name", "'community' is a reserved name and cannot be used."),
        ({"name": "new"}, "reserved_name", "name", "'new' is a reserved name and cannot be used."),
        ({"allowed_tools": ["A", "Bash(git add:*)"]}, "invalid_input", "allowed_tools__1", "Tool names cannot contain whitespace."),
        ({"owners": ["x"]}, "invalid_input", "owners__0", "Must be a valid UUID."),
        ({"owners": None}, "null", "owners", "This field may not be null."),
        ({"tags": ["a", "b,c"]}, "invalid_input", "tags__1", "Tag names cannot contain commas. Use a space or a hyphen instead."),
        ({"tags": ["t" * 65]}, "max_length", "tags__0", "Ensure this field has no more than 64 characters."),
        ({"tags": ["t"] * 21}, "max_length", "tags", "Ensure this field has no more than 20 elements."),
        ({"files": [a_file(f"{n}") for n in range(201)]}, "max_count", "files", "A skill may contain at most 200 files."),
        ({"files": [a_file("a/b"), a_file("a\\b")]}, "invalid_input", "files", "Duplicate file paths are not allowed."),
    ],
)  # fmt: skip
def test_a_bad_create_is_refused(
    current: httpx.Client, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    answer = current.post("llm_skills", json=a_skill(**fields))
    assert error(answer, 400) == invalid(code, attr, detail)
    assert current.get("llm_skills").json()["count"] == 0


def test_the_name_of_a_bundled_skill_is_refused(current: httpx.Client) -> None:
    body = error(current.post("llm_skills", json=a_skill("signals-scout-logs")), 400)
    assert (body["code"], body["attr"]) == ("bundled_skill_name", "name")
    assert "already ships a skill" in body["detail"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/a", "File paths must be relative, not absolute."),
        ("\\a", "File paths must be relative, not absolute."),
        ("a/", "File paths must not end with a slash."),
        ("a//b", "File paths must not contain empty, '.', or '..' segments."),
        ("./a", "File paths must not contain empty, '.', or '..' segments."),
        ("a\\..\\b", "File paths must not contain empty, '.', or '..' segments."),
        ("a\tb", "File paths must not contain control characters."),
        ("a\x7fb", "File paths must not contain control characters."),
        ("Skill.MD", "'Skill.MD' is a reserved file path and cannot be used."),
    ],
)
def test_an_odd_path_is_refused(current: httpx.Client, path: str, detail: str) -> None:
    answer = current.post("llm_skills", json=a_skill(files=[a_file(path)]))
    assert error(answer, 400) == invalid("invalid_input", "files__0__path", detail)


def test_backslashes_become_slashes_and_nested_skill_md_is_fine(current: httpx.Client) -> None:
    made = create(current, files=[a_file("a\\b.md"), a_file("s/skill.md"), a_file("C:\\x")])
    assert paths(made) == ["C:/x", "a/b.md", "s/skill.md"]
    assert current.get(f"{SKILL}/files/a%5Cb.md").status_code == 404, "not turned in URLs"
    edits = [{"path": "a\\b.md", "edits": [{"old": "text", "new": "new"}]}]
    publish(current, base=1, file_edits=edits)
    assert current.get(f"{SKILL}/files/a/b.md").json()["content"] == "new"
    rename = {"old_path": "a\\b.md", "new_path": "a/b.md"}
    assert error(current.post(f"{SKILL}/files-rename", json=rename), 400) == invalid(
        "invalid_input", None, "new_path must differ from old_path."
    )


def test_a_skill_takes_200_files(current: httpx.Client) -> None:
    create(current, files=[a_file(f"{n}") for n in range(200)])
    assert error(current.post(f"{SKILL}/files", json=a_file("x")), 400) == {
        "detail": "Skill has reached the maximum of 200 files."
    }


def test_a_long_description_from_before_blocks_every_new_version(current: httpx.Client) -> None:
    create(current, files=[a_file("a")])
    Skill.objects.update(description="d" * 1025)
    long = {
        "detail": "Shorten the skill description to 1024 characters before creating a new version."
    }
    edits = {"base_version": 1, "edits": [{"old": "nowhere", "new": ""}]}
    assert error(current.patch(SKILL, json=edits), 400) == long
    assert error(current.post(f"{SKILL}/files", json=a_file("b")), 400) == long
    assert error(current.delete(f"{SKILL}/files/a"), 400) == long
    assert error(current.post(f"{SKILL}/files", json=a_file("a")), 409), "the path comes first"
    assert error(current.post(f"{SKILL}/duplicate", json={"new_name": "copy"}), 400) == {
        "detail": "Shorten the source skill description to 1024 characters before duplicating it."
    }
    assert publish(current, base=1, description="short")["version"] == 2


# -- publish (3)


def test_a_version_description_belongs_to_one_version(current: httpx.Client) -> None:
    create(current)
    assert publish(current, base=1, version_description="why")["version_description"] == "why"
    assert publish(current, base=2)["version_description"] is None
    assert publish(current, base=3, version_description=" ")["version_description"] is None
    too_long = {"base_version": 4, "version_description": "w" * 401}
    assert error(current.patch(SKILL, json=too_long), 400)["attr"] == "version_description"
    added = current.post(f"{SKILL}/files", json=a_file("a")).json()
    assert added["version_description"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"body": "x"},
        {"tags": [], "body": "x"},
        {"owners": [], "version_description": "x"},
        {"version_description": ""},
    ],
)
def test_a_base_is_needed_unless_only_owners_or_tags_are_set(
    current: httpx.Client, changes: dict[str, Any]
) -> None:
    create(current)
    assert error(current.patch(SKILL, json=changes), 400) == invalid(
        "invalid_input",
        "base_version",
        "base_version is required unless the update only sets owners or tags.",
    )


def test_owners_and_tags_alone_make_no_version(current: httpx.Client) -> None:
    made = create(current)
    bea = uuid_of("bea")
    tagged = publish_unbased(current, tags=[" B ", "a", "b", "", "A"])
    assert tagged == {**made, "tags": ["a", "b"]}
    owned = publish_unbased(current, owners=[bea, bea], version_description="")
    assert owned == {**made, "tags": ["a", "b"], "owners": owned["owners"]}
    assert emails(owned) == ["bea"]
    assert current.patch(SKILL, json={"tags": [], "base_version": 1}).json()["version"] == 1
    stale = current.patch(SKILL, json={"tags": ["x"], "base_version": 2})
    assert error(stale, 409)["current_version"] == 1
    assert current.get(SKILL).json()["tags"] == []
    with_content = publish(current, base=1, body="new", tags=["z"])
    assert (with_content["version"], with_content["tags"], emails(with_content)) == (
        2,
        ["z"],
        ["bea"],
    )


def publish_unbased(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = client.patch(SKILL, json=changes)
    assert answer.status_code == 200, answer.text
    detail: dict[str, Any] = answer.json()
    return detail


def test_an_owner_has_to_be_a_member_and_nothing_is_written_otherwise(
    current: httpx.Client,
) -> None:
    two = accounts.create_project("two").pk
    stranger = User.objects.get(
        pk=accounts.create_key(user="zoe", projects_allowed=[two]).user_id
    ).uuid
    create(current)
    for number in (str(stranger), "00000000-0000-4000-8000-000000000000"):
        refused = invalid(
            "invalid_owner", "owners", f"User '{number}' is not a member of this project."
        )
        changes = {"owners": [number], "body": "x", "base_version": 1}
        assert error(current.patch(SKILL, json=changes), 400) == refused
        made = current.post("llm_skills", json=a_skill("other", owners=[number]))
        assert error(made, 400) == refused
    assert current.get(SKILL).json()["version"] == 1
    assert current.get("llm_skills").json()["count"] == 1


def test_the_creator_owns_a_skill_unless_owners_are_given(current: httpx.Client) -> None:
    assert emails(create(current, "one")) == ["admin"]
    assert emails(create(current, "two", owners=[])) == []
    assert emails(create(current, "three", owners=[uuid_of("bea"), uuid_of("ada")])) == [
        "bea",
        "ada",
    ]


def test_provenance_of_a_seeded_skill_is_kept(current: httpx.Client) -> None:
    create(current, metadata={"seeded_by": "server", "source": "s", "own": 1})
    sent = {"seeded_by": "me", "canonical_hash": "h", "own": 2}
    assert publish(current, base=1, metadata=sent)["metadata"] == {
        "seeded_by": "server", "source": "s", "own": 2,
    }  # fmt: skip
    copy = current.post(f"{SKILL}/duplicate", json={"new_name": "copy"}).json()
    assert copy["metadata"] == {"source": "s", "own": 2}
    create(current, "plain", metadata={"own": 1})
    assert publish(current, "plain", base=1, metadata=sent)["metadata"] == sent


# -- not found (3, 8)


def test_a_missing_skill_is_told_before_a_bad_body(current: httpx.Client) -> None:
    for method, path in (
        ("PATCH", SKILL),
        ("POST", f"{SKILL}/files"),
        ("POST", f"{SKILL}/files-rename"),
        ("POST", f"{SKILL}/duplicate"),
        ("POST", f"{SKILL}/rename"),
        ("POST", f"{SKILL}/archive"),
        ("DELETE", f"{SKILL}/files/a?base_version=x"),
        ("GET", f"{SKILL}/files/a"),
        ("GET", f"{SKILL}?version=x"),
        ("GET", f"{SKILL}/skill-md"),
        ("GET", f"{SKILL}/export"),
        ("GET", "llm_skills/resolve/name/greet"),
    ):
        answer = current.request(method, path, json={} if method in {"POST", "PATCH"} else None)
        assert error(answer, 404) == NOT_FOUND, path


def test_near_names_are_suggested(current: httpx.Client) -> None:
    for name in ("greet-all", "greets", "great", "greta", "unlike"):
        create(current, name)
    body = error(current.get(SKILL), 404)
    near = body["suggestions"]
    assert len(near) == 3
    assert "unlike" not in near
    meant = ", ".join(f"'{name}'" for name in near)
    assert body["detail"] == f"Skill with name 'greet' not found. Did you mean {meant}?"


def test_a_missing_version_names_those_that_are_there(current: httpx.Client) -> None:
    create(current, files=[a_file("a")])
    publish(current, base=1)
    for path in (SKILL, f"{SKILL}/files/a", "llm_skills/resolve/name/greet", f"{SKILL}/skill-md"):
        assert error(current.get(f"{path}?version=7"), 404) == {
            "detail": "Skill with name 'greet' has no version 7. Available versions: 1, 2.",
            "type": "skill_version_not_found",
            "skill_name": "greet",
            "available_versions": [1, 2],
        }


def test_the_id_of_a_version_leads_to_its_skill(current: httpx.Client) -> None:
    first = create(current)
    publish(current, base=1)
    answer = current.get(f"llm_skills/name/{first['id']}?body_length=1")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/api/projects/1/llm_skills/name/greet?body_length=1"
    assert current.get(f"llm_skills/name/{first['id']}/skill-md").status_code == 404
    assert current.get("llm_skills/name/0b9c2b1e-7d0f-4d0e-9a55-b3a8a1c0ffee").status_code == 404
    current.post(f"{SKILL}/archive")
    assert current.get(f"llm_skills/name/{first['id']}").status_code == 404


# -- archive, rename (6)


def test_archiving_moves_updated_at_and_forgets_owners_and_tags(current: httpx.Client) -> None:
    made = create(current, tags=["t"], owners=[uuid_of("bea")])
    before = Skill.objects.get(pk=made["id"]).updated_at
    assert current.post(f"{SKILL}/archive").status_code == 204
    assert Skill.objects.get(pk=made["id"]).updated_at > before
    assert current.get("llm_skills/tags").json() == {"tags": []}
    again = create(current)
    assert (again["tags"], emails(again)) == ([], ["admin"])


def test_a_rename_moves_everything_and_makes_no_version(current: httpx.Client) -> None:
    first = create(current, tags=["t"], files=[a_file("a")], owners=[uuid_of("bea")])
    second = publish(current, base=1)
    answer = current.post(f"{SKILL}/rename", json={"new_name": " hello "})
    assert answer.status_code == 200
    renamed = answer.json()
    assert renamed == {**second, "name": "hello", "updated_at": renamed["updated_at"]}
    assert renamed["updated_at"] > second["updated_at"]
    old = current.get("llm_skills/name/hello?version=1").json()
    assert (old["id"], old["created_at"]) == (first["id"], first["created_at"])
    assert old["updated_at"] > first["updated_at"]
    assert error(current.get(SKILL), 404)["type"] == "skill_not_found"
    assert create(current)["tags"] == [], "the old name is free at once"


def test_a_rename_is_refused_with_the_envelope(current: httpx.Client) -> None:
    create(current)
    create(current, "taken")
    create(current, "review-hog-x")
    rename = f"{SKILL}/rename"
    assert current.post(rename, json={"new_name": "greet"}).json()["version"] == 1
    assert error(current.post(rename, json={"new_name": "taken"}), 400) == invalid(
        "unique", "new_name", "A skill with this name already exists."
    )
    assert error(current.post(rename, json={"new_name": "A"}), 400)["code"] == "invalid_name"
    text = (
        "Names starting with '{}' keep product settings under the skill name, so a skill can't be "
        "renamed into or out of them. Duplicate the skill instead."
    )
    into = current.post(rename, json={"new_name": "signals-scout-x"})
    assert error(into, 400) == invalid("reserved_prefix", "new_name", text.format("signals-scout-"))
    out = current.post("llm_skills/name/review-hog-x/rename", json={"new_name": "y"})
    assert error(out, 400) == invalid("reserved_prefix", "new_name", text.format("review-hog-"))


def test_a_duplicate_takes_the_tags_and_not_the_owners(
    current_clients: Clients, current: httpx.Client
) -> None:
    create(current, tags=["t"])
    publish(current, base=1, version_description="why")
    bea = current_clients.scoped("llm_skill:write", user="bea")
    answer = bea.post(f"{SKILL}/duplicate", json={"new_name": "review-hog-x"})
    copy = answer.json()
    assert (copy["tags"], emails(copy), copy["category"]) == (["t"], ["bea"], "review_hog")
    assert copy["version_description"] is None


# -- lists (1.1, 12)


def test_lists_are_filtered_by_category_creator_owner_and_tags(
    current_clients: Clients, current: httpx.Client
) -> None:
    bea = current_clients.scoped("llm_skill:write", user="bea")
    bea_id = User.objects.get(email="bea@localhost").pk
    create(current, "signals-scout-a", tags=["x", "y"])
    create(current, "review-hog-b", tags=["y"])
    create(bea, "plain", tags=["z"])
    create(current, "other")
    publish(bea, "other", base=1)
    for query, names in [
        ("", ["other", "plain", "review-hog-b", "signals-scout-a"]),
        ("category=scout", ["signals-scout-a"]),
        ("category=review_hog", ["review-hog-b"]),
        ("category=", ["other", "plain"]),
        ("category=none", []),
        (f"created_by_id={bea_id}", ["other", "plain"]),
        (f"owner_id={bea_id}", ["plain"]),
        ("created_by_id=999", []),
        ("created_by_id=", ["other", "plain", "review-hog-b", "signals-scout-a"]),
        ("tags=Y", ["review-hog-b", "signals-scout-a"]),
        ("tags=x,%20z", ["plain", "signals-scout-a"]),
        ("tags=", ["other", "plain", "review-hog-b", "signals-scout-a"]),
    ]:
        page = current.get(f"llm_skills?order_by=name&{query}").json()
        assert [row["name"] for row in page["results"]] == names, query
    for query, attr in (("created_by_id=abc", "created_by_id"), ("owner_id=1.5", "owner_id")):
        assert error(current.get(f"llm_skills?{query}"), 400) == invalid(
            "invalid_input", attr, "A valid integer is required."
        )
    assert current.get("llm_skills/tags/").json() == {"tags": ["x", "y", "z"]}


def test_a_list_that_is_known_already_is_a_304(
    current_clients: Clients, current: httpx.Client
) -> None:
    create(current)
    first = current.get("llm_skills?order_by=name")
    etag, version = first.headers["ETag"], first.headers["X-Skills-Version"]
    assert etag.startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first.headers["Vary"]
    for header in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = current.get("llm_skills?order_by=name", headers={"If-None-Match": header})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["ETag"], again.headers["X-Skills-Version"]) == (etag, version)
    other = current_clients.scoped("llm_skill:read")
    assert other.get("llm_skills?order_by=name").headers["ETag"] != etag, "per user"
    publish(current, base=1)
    changed = current.get("llm_skills?order_by=name", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["X-Skills-Version"] != version


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "llm_skills", a_skill("other")),
        ("PATCH", SKILL, {"base_version": 1}),
        ("PATCH", SKILL, {"tags": ["x"]}),
        ("POST", f"{SKILL}/files", a_file("b")),
        ("DELETE", f"{SKILL}/files/a", None),
        ("POST", f"{SKILL}/rename", {"new_name": "hello"}),
        ("POST", f"{SKILL}/archive", None),
    ],
)
def test_every_accepted_write_changes_the_version_of_the_list_and_no_refused_one(
    current: httpx.Client, method: str, path: str, body: Any
) -> None:
    create(current, files=[a_file("a")])
    before = Project.objects.get().skills_revision
    assert current.patch(SKILL, json={"base_version": 9}).status_code == 409
    assert Project.objects.get().skills_revision == before
    assert current.request(method, path, json=body).status_code < 300
    assert Project.objects.get().skills_revision > before


# -- SKILL.md, search (10.1, 12)


def test_skill_md_is_rendered_with_the_version(current: httpx.Client) -> None:
    create(
        current,
        description="has: colon",
        license="MIT",
        allowed_tools=["Bash", "Read"],
        metadata={"version": "9", "n": {"z": "1"}, "t": True},
        body="# A",
    )
    publish(current, base=1)
    answer = current.get(f"{SKILL}/skill-md").json()
    assert list(answer) == ["name", "version", "content", "frontmatter"]
    assert answer["content"] == (
        "---\nname: greet\ndescription: 'has: colon'\nlicense: MIT\nmetadata:\n  n: '{''z'': ''1''}'\n"
        "  t: 'True'\n  version: '2'\nallowed-tools: Bash Read\n---\n\n# A"
    )
    assert answer["frontmatter"] == {
        "name": "greet",
        "description": "has: colon",
        "license": "MIT",
        "metadata": {"n": "{'z': '1'}", "t": "True", "version": "2"},
        "allowed-tools": "Bash Read",
    }
    assert current.get(f"{SKILL}/skill-md?version=1").json()["version"] == 1


def test_search_finds_names_texts_and_markdown_files(current: httpx.Client) -> None:
    create(current, body="one\nNeedle here\nneedle there\nneedle", files=[a_file("a.md", "needle")])
    create(current, "needle", files=[a_file("x.py", "needle")])
    create(current, "paths", files=[a_file("needle.py", "x"), a_file("b.md", "a\nthe NEEDLE")])
    create(current, "code", files=[a_file("x.py", "needle")])
    create(current, "review-hog-needle")
    found = current.get("llm_skills/search?query=%20needle%20").json()
    assert found["count"] == 3
    by_name = {result["name"]: result["matches"] for result in found["results"]}
    assert by_name == {
        "greet": [
            {"matched_field": "body", "path": None, "line": 2, "excerpt": "Needle here"},
            {"matched_field": "body", "path": None, "line": 3, "excerpt": "needle there"},
        ],
        "needle": [{"matched_field": "name", "path": None, "line": None, "excerpt": "needle"}],
        "paths": [
            {"matched_field": "file_content", "path": "b.md", "line": 2, "excerpt": "the NEEDLE"},
            {
                "matched_field": "file_path",
                "path": "needle.py",
                "line": None,
                "excerpt": "needle.py",
            },
        ],
    }
    for number in range(12):
        create(current, f"needle-{number}", body="needle " + "x" * 900)
    many = current.get("llm_skills/search?query=needle").json()["results"]
    assert len(many) == 10
    assert all(len(m["excerpt"]) <= 300 for result in many for m in result["matches"])


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("", "required", "This field is required."),
        ("query=%20", "blank", "This field may not be blank."),
        ("query=" + "x" * 201, "max_length", "Ensure this field has no more than 200 characters."),
    ],
)
def test_a_search_needs_a_query(current: httpx.Client, query: str, code: str, detail: str) -> None:
    answer = current.get(f"llm_skills/search?{query}")
    assert error(answer, 400) == invalid(code, "query", detail)


# -- platform


def test_environments_are_served_as_projects_and_say_so(current_clients: Clients) -> None:
    """platform.md 2: in-process, no redirect; links carry the other prefix."""
    old = current_clients(base="http://server.test/api/environments/1/")
    create(old)
    create(old, "two")
    answer = old.get("llm_skills?limit=1&order_by=name")
    assert answer.json()["next"] == (
        "http://server.test/api/projects/1/llm_skills?limit=1&offset=1&order_by=name"
    )
    assert answer.headers["Deprecation"] == "true"
    assert answer.headers["Link"] == (
        '</api/projects/1/llm_skills?limit=1&order_by=name>; rel="successor-version"'
    )
    new = current_clients().get("llm_skills")
    assert "Deprecation" not in new.headers
    unknown = old.get("nothing")
    assert error(unknown, 404) == missing("Endpoint not found.")
    assert "Deprecation" not in unknown.headers


def test_skills_made_in_one_dialect_are_there_in_the_other(
    clients: Clients, current_clients: Clients
) -> None:
    made = create(clients(), description="d" * 2000, files=[a_file("a\\b")])
    shown = current_clients().get(SKILL).json()
    assert {key: shown[key] for key in made if key != "files"} == {
        key: value for key, value in made.items() if key != "files"
    }
    assert [problem["code"] for problem in shown["spec_problems"]] == [
        "description_too_long",
        "file_path_not_canonical",
    ]
    assert clients().get(SKILL).json() == made
