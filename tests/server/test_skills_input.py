"""Every validation rule of skills-api.md 2 and 8, for generation B."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.facts import JSON, a_file, a_skill, create, error, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

BLANK = "This field may not be blank."
NULL = "This field may not be null."
REQUIRED = "This field is required."
NOT_A_STRING = "Not a valid string."
NAME_RULE = (
    "Only lowercase letters, numbers, and hyphens are allowed. Must not start or end with a hyphen "
    "or contain consecutive hyphens."
)
TRAVERSAL = "File paths must not contain '..' traversal segments."
ABSOLUTE = "File paths must be relative, not absolute."
NUL = "Null characters are not allowed."
SURROGATE = "Surrogate characters are not allowed: U+D800."


def too_long(limit: int) -> str:
    return f"Ensure this field has no more than {limit} characters."


def one(path: Any = "a", content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"files": [{"path": path, "content": content, **more}]}


CREATE_ERRORS: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"name": ...}, "required", "name", REQUIRED),
    ({"description": ...}, "required", "description", REQUIRED),
    ({"body": ...}, "required", "body", REQUIRED),
    ({"name": ""}, "blank", "name", BLANK),
    ({"name": " \t"}, "blank", "name", BLANK),
    ({"name": None}, "null", "name", NULL),
    ({"name": "a" * 65}, "max_length", "name", too_long(64)),
    ({"name": "New" + "a" * 65}, "max_length", "name", too_long(64)),
    ({"name": "new"}, "reserved_name", "name", "'new' is a reserved name and cannot be used."),
    ({"name": "New"}, "reserved_name", "name", "'new' is a reserved name and cannot be used."),
    ({"name": "Foo"}, "invalid_name", "name", NAME_RULE),
    ({"name": "-a"}, "invalid_name", "name", NAME_RULE),
    ({"name": "a-"}, "invalid_name", "name", NAME_RULE),
    ({"name": "a_b"}, "invalid_name", "name", NAME_RULE),
    ({"name": "a\nb"}, "invalid_name", "name", NAME_RULE),
    ({"name": "a--b"}, "invalid_name", "name", "Consecutive hyphens are not allowed."),
    ({"name": "a\0"}, "null_characters_not_allowed", "name", NUL),
    ({"allowed_tools": ["a\0"]}, "null_characters_not_allowed", "allowed_tools__0", NUL),
    (one(path="a\0"), "null_characters_not_allowed", "files__0__path", NUL),
    (one(content="\ud800"), "surrogate_characters_not_allowed", "files__0__content", SURROGATE),
    ({"allowed_tools": [["a"]]}, "invalid_input", "allowed_tools__0", NOT_A_STRING),
    ({"description": {}}, "invalid_input", "description", NOT_A_STRING),
    ({"name": True}, "invalid_input", "name", NOT_A_STRING),
    ({"name": ["a"]}, "invalid_input", "name", NOT_A_STRING),
    ({"description": "d" * 4097}, "max_length", "description", too_long(4096)),
    ({"description": "\u2003"}, "blank", "description", BLANK),
    ({"body": "\n"}, "blank", "body", BLANK),
    ({"body": None}, "null", "body", NULL),
    ({"body": "a\0b"}, "null_characters_not_allowed", "body", NUL),
    ({"body": "a\ud800b"}, "surrogate_characters_not_allowed", "body", SURROGATE),
    ({"body": "é" * 500_001}, "max_size", "body", "Skill body must be 1000000 bytes or fewer."),
    ({"license": "l" * 256}, "max_length", "license", too_long(255)),
    ({"license": None}, "null", "license", NULL),
    ({"compatibility": "c" * 501}, "max_length", "compatibility", too_long(500)),
    ({"compatibility": None}, "null", "compatibility", NULL),
    ({"allowed_tools": None}, "null", "allowed_tools", NULL),
    ({"allowed_tools": [""]}, "blank", "allowed_tools__0", BLANK),
    ({"allowed_tools": ["A", None]}, "null", "allowed_tools__1", NULL),
    (
        {"allowed_tools": "Bash"},
        "not_a_list",
        "allowed_tools",
        'Expected a list of items but got type "str".',
    ),
    ({"metadata": None}, "null", "metadata", NULL),
    (
        {"metadata": []},
        "not_a_dict",
        "metadata",
        'Expected a dictionary of items but got type "list".',
    ),
    ({"metadata": {"a": "\0"}}, "invalid_input", "metadata", "Value must be valid JSON."),
    ({"metadata": {"a": ["\ud800"]}}, "invalid_input", "metadata", "Value must be valid JSON."),
    ({"metadata": {"a": float("nan")}}, "invalid_input", "metadata", "Value must be valid JSON."),
    ({"files": None}, "null", "files", NULL),
    (
        {"files": "a"},
        "not_a_list",
        "files__non_field_errors",
        'Expected a list of items but got type "str".',
    ),
    (
        {"files": ["a"]},
        "invalid_input",
        "files__0__non_field_errors",
        "Invalid data. Expected a dictionary, but got str.",
    ),
    ({"files": [{"content": "x"}]}, "required", "files__0__path", REQUIRED),
    ({"files": [{"path": "a"}]}, "required", "files__0__content", REQUIRED),
    ({"files": [a_file("a"), a_file("b", "")]}, "blank", "files__1__content", BLANK),
    (one(content="\n"), "blank", "files__0__content", BLANK),
    (one(content=None), "null", "files__0__content", NULL),
    (one(path=""), "blank", "files__0__path", BLANK),
    (one(path="p" * 501), "max_length", "files__0__path", too_long(500)),
    (one(path="a/../b"), "invalid_input", "files__0__path", TRAVERSAL),
    (one(path="a\\..\\b"), "invalid_input", "files__0__path", TRAVERSAL),
    (one(path=".."), "invalid_input", "files__0__path", TRAVERSAL),
    (one(path="/../a"), "invalid_input", "files__0__path", TRAVERSAL),
    (one(path="/a"), "invalid_input", "files__0__path", ABSOLUTE),
    (one(path="\\a"), "invalid_input", "files__0__path", ABSOLUTE),
    (one(content_type="t" * 101), "max_length", "files__0__content_type", too_long(100)),
    (one(content_type=""), "blank", "files__0__content_type", BLANK),
    (one(content_type=None), "null", "files__0__content_type", NULL),
    (
        one(content="é" * 500_001),
        "max_size",
        "files__0__content",
        "File content must be 1000000 bytes or fewer.",
    ),
    (
        {"files": [a_file("a"), a_file(" a ")]},
        "invalid_input",
        "files",
        "Duplicate file paths are not allowed.",
    ),
    (
        {"files": [a_file(f"{n % 50}") for n in range(51)]},
        "max_count",
        "files",
        "A skill may contain at most 50 files.",
    ),
    # Only the first error is told, in the order in which the fields are declared.
    ({"files": None, "description": "", "body": ""}, "blank", "description", BLANK),
]


@pytest.mark.parametrize(("fields", "code", "attr", "detail"), CREATE_ERRORS)
def test_a_bad_field_of_a_create_is_named(
    refusing: httpx.Client, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    body = {key: value for key, value in {**a_skill(), **fields}.items() if value is not ...}
    answer = refusing.post("llm_skills", content=json.dumps(body), headers=JSON)
    assert error(answer, 400) == invalid(code, attr, detail)
    assert refusing.get("llm_skills").json()["count"] == 0


@pytest.mark.parametrize(
    "name", ["a", "7", "a1-b2", "0b9c2b1e-7d0f-4d0e-9a55-b3a8a1c0ffee", "a" * 64]
)
def test_a_legal_name_is_taken_as_it_is(client: httpx.Client, name: str) -> None:
    assert create(client, name)["name"] == name


@pytest.mark.parametrize(
    "path", ["a\\b.md", "a//b", "./a", "a/", "SKILL.md", "..a/b..", ".git/config"]
)
def test_an_odd_path_is_kept_as_typed(client: httpx.Client, path: str) -> None:
    made = create(client, files=[a_file(path)])
    assert made["files"] == [{"path": path, "content_type": "text/plain"}]


def test_every_string_is_trimmed_and_only_at_its_ends(client: httpx.Client) -> None:
    """skills-api.md 2.2."""
    space = " \t\n\v\f\r\x1c\x85\xa0\u1680\u2003\u2028\u3000"
    made = create(
        client,
        f"{space}greet{space}",
        description=f"{space}d{space}",
        body="\n\n# a\r\nb \t\n",
        license=f"{space}MIT{space}",
        compatibility=space,
        allowed_tools=[f"{space}Bash(git add:*){space}"],
        files=[{"path": f"{space}a b{space}", "content": "\n\tx\n", "content_type": " text/x "}],
    )
    assert made["name"] == "greet"
    assert made["description"] == "d"
    assert made["body"] == "# a\r\nb"
    assert made["license"] == "MIT"
    assert made["compatibility"] == ""
    assert made["allowed_tools"] == ["Bash(git add:*)"]
    assert made["files"] == [{"path": "a b", "content_type": "text/x"}]
    assert client.get("llm_skills/name/greet/files/a%20b").json()["content"] == "x"


def test_bom_and_zero_width_space_are_not_whitespace(client: httpx.Client) -> None:
    assert create(client, body="\ufeff\u200b")["body"] == "\ufeff\u200b"


def test_a_number_becomes_a_string(client: httpx.Client) -> None:
    made = create(client, description=5, license=1.5)
    assert (made["description"], made["license"]) == ("5", "1.5")


def test_unknown_and_read_only_keys_are_ignored(client: httpx.Client) -> None:
    made = create(
        client, id="x", version=7, deleted=True, category="scout", file=[1], base_version="no"
    )
    assert (made["version"], made["deleted"], made["files"]) == (1, False, [])


def test_limits_include_their_last_value(client: httpx.Client) -> None:
    made = create(
        client,
        description="d" * 4096,
        body="é" * 500_000,
        license="l" * 255,
        compatibility="c" * 500,
        files=[a_file("p" * 500, "é" * 500_000), *(a_file(f"{n}") for n in range(49))],
    )
    assert len(made["files"]) == 50


@pytest.mark.parametrize(
    ("content", "code", "detail"),
    [
        (b"[]", "invalid_input", "Invalid data. Expected a dictionary, but got list."),
        (b'"x"', "invalid_input", "Invalid data. Expected a dictionary, but got str."),
        (b"null", "null", "No data provided"),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    refusing: httpx.Client, content: bytes, code: str, detail: str
) -> None:
    answer = refusing.post("llm_skills", content=content, headers=JSON)
    assert error(answer, 400) == invalid(code, None, detail)


NO_EDITS = "At least one edit operation is required."
NOT_A_LIST = 'Expected a list of items but got type "str".'
NOT_A_DICT = "Invalid data. Expected a dictionary, but got str."
PUBLISH_ERRORS: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"base_version": ...}, "required", "base_version", REQUIRED),
    ({"base_version": None}, "null", "base_version", NULL),
    (
        {"base_version": 0},
        "min_value",
        "base_version",
        "Ensure this value is greater than or equal to 1.",
    ),
    ({"base_version": "abc"}, "invalid_input", "base_version", "A valid integer is required."),
    ({"base_version": 1.5}, "invalid_input", "base_version", "A valid integer is required."),
    ({"base_version": True}, "invalid_input", "base_version", "A valid integer is required."),
    ({"body": ""}, "blank", "body", BLANK),
    ({"body": None}, "null", "body", NULL),
    ({"description": ""}, "blank", "description", BLANK),
    ({"license": None}, "null", "license", NULL),
    ({"metadata": None}, "null", "metadata", NULL),
    ({"files": None}, "null", "files", NULL),
    (one(content=""), "blank", "files__0__content", BLANK),
    ({"edits": []}, "invalid_input", "edits", NO_EDITS),
    ({"edits": None}, "null", "edits", NULL),
    ({"edits": [{"new": "x"}]}, "required", "edits__0__old", REQUIRED),
    ({"edits": [{"old": " ", "new": "x"}]}, "blank", "edits__0__old", BLANK),
    ({"edits": [{"old": "x"}]}, "required", "edits__0__new", REQUIRED),
    ({"edits": [{"old": "x", "new": None}]}, "null", "edits__0__new", NULL),
    ({"edits": "x"}, "not_a_list", "edits__non_field_errors", NOT_A_LIST),
    ({"edits": ["x"]}, "invalid_input", "edits__0__non_field_errors", NOT_A_DICT),
    ({"file_edits": "x"}, "not_a_list", "file_edits__non_field_errors", NOT_A_LIST),
    ({"file_edits": ["x"]}, "invalid_input", "file_edits__0__non_field_errors", NOT_A_DICT),
    ({"file_edits": [{"edits": []}]}, "required", "file_edits__0__path", REQUIRED),
    ({"file_edits": [{"path": "a"}]}, "required", "file_edits__0__edits", REQUIRED),
    ({"file_edits": [{"path": " ", "edits": []}]}, "blank", "file_edits__0__path", BLANK),
    (
        {"file_edits": [{"path": "a", "edits": "x"}]},
        "not_a_list",
        "file_edits__0__edits__non_field_errors",
        NOT_A_LIST,
    ),
    ({"file_edits": None}, "null", "file_edits", NULL),
    ({"allowed_tools": None}, "null", "allowed_tools", NULL),
    ({"allowed_tools": ["A", " "]}, "blank", "allowed_tools__1", BLANK),
    ({"compatibility": "c" * 501}, "max_length", "compatibility", too_long(500)),
    ({"license": "l" * 256}, "max_length", "license", too_long(255)),
    ({"description": "d" * 4097}, "max_length", "description", too_long(4096)),
    ({"description": None}, "null", "description", NULL),
    ({"body": "é" * 500_001}, "max_size", "body", "Skill body must be 1000000 bytes or fewer."),
    (one(path="../a"), "invalid_input", "files__0__path", TRAVERSAL),
    (
        {"files": [a_file(f"{n}") for n in range(51)]},
        "max_count",
        "files",
        "A skill may contain at most 50 files.",
    ),
    (
        {"files": [a_file("a"), a_file("a")]},
        "invalid_input",
        "files",
        "Duplicate file paths are not allowed.",
    ),
    (
        {"metadata": 3},
        "not_a_dict",
        "metadata",
        'Expected a dictionary of items but got type "int".',
    ),
    # A field's error comes before one that concerns two fields.
    ({"body": "b", "edits": []}, "invalid_input", "edits", NO_EDITS),
    (
        {"file_edits": []},
        "invalid_input",
        "file_edits",
        "At least one file_edits entry is required.",
    ),
    (
        {"file_edits": [{"path": "a", "edits": []}]},
        "invalid_input",
        "file_edits__0__edits",
        NO_EDITS,
    ),
    (
        {"file_edits": [{"path": "a", "edits": [{"old": "", "new": ""}]}]},
        "blank",
        "file_edits__0__edits__0__old",
        BLANK,
    ),
    (
        {"file_edits": [{"path": "a", "edits": [{"old": "x", "new": ""}]}] * 2},
        "invalid_input",
        "file_edits",
        "Duplicate file paths are not allowed in file_edits.",
    ),
    (
        {"body": "b", "edits": [{"old": "x", "new": "y"}]},
        "invalid_input",
        None,
        "Provide either 'body' or 'edits', not both.",
    ),
    (
        {"files": [], "file_edits": [{"path": "a", "edits": [{"old": "x", "new": ""}]}]},
        "invalid_input",
        None,
        "Provide either 'files' or 'file_edits', not both.",
    ),
]


@pytest.mark.parametrize(("fields", "code", "attr", "detail"), PUBLISH_ERRORS)
def test_a_bad_field_of_a_publish_is_named_even_before_the_skill_is_looked_for(
    refusing: httpx.Client, fields: dict[str, Any], code: str, attr: str, detail: str
) -> None:
    """Generation B validates first: a bad payload for an unknown name is 400 (skills-api.md 3)."""
    body = {key: value for key, value in {"base_version": 1, **fields}.items() if value is not ...}
    answer = refusing.patch("llm_skills/name/nobody", json=body)
    assert error(answer, 400) == invalid(code, attr, detail)


@pytest.mark.parametrize("base", [1, "1", " 1 ", "1.0", 1.0])
def test_a_base_version_is_read_leniently(client: httpx.Client, base: object) -> None:
    create(client)
    answer = client.patch("llm_skills/name/greet", json={"base_version": base})
    assert answer.json()["version"] == 2


@pytest.fixture(scope="module")
def greeting(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world()
    create(client, files=[a_file()])
    return client


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("1", 200),
        (" 1 ", 200),
        ("1.0", 200),
        ("", 200),
        ("7&version=1", 200),
        ("2", 404),
        ("99999999999999999999999", 404),
        ("1.5", 400),
        ("abc", 400),
        ("0", 400),
        ("-1", 400),
    ],
)
def test_a_version_in_the_query_is_read_leniently(
    greeting: httpx.Client, query: str, status: int
) -> None:
    for path in ("llm_skills/name/greet", "llm_skills/name/greet/files/a.md"):
        assert greeting.get(f"{path}?version={query}").status_code == status
