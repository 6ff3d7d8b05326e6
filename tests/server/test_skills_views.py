"""The skills endpoints as the API shows them (skills-api.md 1)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.server.facts import a_file, create, error, invalid, missing, paths, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

DETAIL = [
    "id", "name", "description", "body", "license", "compatibility", "allowed_tools", "metadata",
    "files", "outline", "version", "created_by", "created_at", "updated_at", "deleted",
    "is_latest", "latest_version", "version_count", "first_version_created_at",
]  # fmt: skip
NOT_FOUND = {"detail": "Skill with name 'greet' not found."}


def test_a_created_skill_is_version_1_in_the_documented_shape(client: httpx.Client) -> None:
    """skills-api.md 1.3, 4."""
    made = create(client, files=[a_file("a.md"), a_file("b.py")], metadata={"x": 1})
    assert list(made) == DETAIL
    assert made["version"] == made["latest_version"] == made["version_count"] == 1
    assert made["is_latest"] is True
    assert made["deleted"] is False
    assert (made["license"], made["compatibility"], made["allowed_tools"]) == ("", "", [])
    assert made["outline"] == [{"level": 1, "text": "Greet"}]
    assert made["created_at"] == made["first_version_created_at"]
    assert made["created_at"].endswith("Z")
    assert uuid.UUID(made["id"]).version == 7
    assert set(made["created_by"]) == {
        "id", "uuid", "distinct_id", "first_name", "last_name", "email", "is_email_verified",
        "hedgehog_config", "role_at_organization",
    }  # fmt: skip
    assert client.get("llm_skills/name/greet").json() == made


def test_a_list_item_is_the_detail_without_body_and_files(client: httpx.Client) -> None:
    made = create(client, files=[a_file()], metadata={"x": [1]})
    page = client.get("llm_skills").json()
    assert page["count"] == 1
    expected = {key: value for key, value in made.items() if key not in {"body", "files"}}
    assert page["results"] == [expected]


def test_the_list_shows_the_latest_version_of_each_name(client: httpx.Client) -> None:
    create(client, "b")
    create(client, "a")
    newest = publish(client, "b", base=1, description="Second.")
    page = client.get("llm_skills").json()
    assert [(row["name"], row["version"]) for row in page["results"]] == [("b", 2), ("a", 1)]
    assert page["results"][0]["description"] == "Second."
    assert page["results"][0]["version_count"] == 2
    assert page["results"][0]["id"] == newest["id"]
    assert page["results"][0]["first_version_created_at"] == newest["first_version_created_at"]


@pytest.fixture(scope="module")
def searched(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world()
    create(client, "greet", body="body text")
    create(client, "other", description="été, straße, 100% sure")
    return client


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("GREET", ["greet"]),
        ("  greet ", ["greet"]),
        ("straße", ["other"]),
        ("STRASSE", []),
        ("STRAßE", ["other"]),
        ("ÉTÉ", ["other"]),
        ("100%", ["other"]),
        ("_", []),
        ("body text", []),
        ("", ["greet", "other"]),
        ("  ", ["greet", "other"]),
    ],
)
def test_search_is_a_substring_of_name_or_description(
    searched: httpx.Client, search: str, names: list[str]
) -> None:
    page = searched.get("llm_skills", params={"search": search, "order_by": "name"}).json()
    assert [row["name"] for row in page["results"]] == names


@pytest.fixture(scope="module")
def ordered(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world()
    for name in "abc":
        create(client, name)
    publish(client, "a", base=1)
    return client


@pytest.mark.parametrize(
    ("order_by", "names"),
    [
        ("name", "abc"),
        ("-name", "cba"),
        ("created_at", "bca"),
        ("-created_at", "acb"),
        ("updated_at", "bca"),
        ("-updated_at", "acb"),
        ("version", "cba"),
        ("-version", "acb"),
        ("latest_version", "cba"),
        ("-latest_version", "acb"),
        ("version_count", "cba"),
        ("-version_count", "acb"),
        ("", "acb"),
        ("nonsense", "acb"),
        ("--name", "acb"),
        ("name,version", "acb"),
        ("id", "acb"),
        ("body", "acb"),
    ],
)
def test_order_by_falls_back_to_the_newest_first(
    ordered: httpx.Client, order_by: str, names: str
) -> None:
    """skills-api.md 1.1: unknown orders are no error; ties (b and c, version 1) break by ``-id``."""
    page = ordered.get("llm_skills", params={"order_by": order_by}).json()
    assert "".join(row["name"] for row in page["results"]) == names


def test_an_old_version_is_found_by_number_and_knows_the_latest(client: httpx.Client) -> None:
    first = create(client, body="one", files=[a_file("old")])
    publish(client, base=1, body="two", files=[a_file("new")])
    old = client.get("llm_skills/name/greet?version=1").json()
    assert old == {**first, "is_latest": False, "latest_version": 2, "version_count": 2}
    assert client.get("llm_skills/name/greet/files/old?version=1").status_code == 200
    assert client.get("llm_skills/name/greet/files/old").status_code == 404


def test_names_are_looked_up_exactly(client: httpx.Client) -> None:
    create(client)
    for name in ("Greet", "greet%0A", "%20greet", "gree"):
        assert client.get(f"llm_skills/name/{name}").status_code == 404


def test_an_unknown_skill_or_version_is_a_bare_404(client: httpx.Client) -> None:
    assert error(client.get("llm_skills/name/greet"), 404) == NOT_FOUND
    create(client)
    assert error(client.get("llm_skills/name/greet?version=2"), 404) == NOT_FOUND
    assert error(client.get("llm_skills/name/greet/files/a?version=2"), 404) == NOT_FOUND


def test_there_is_no_route_by_id(client: httpx.Client) -> None:
    made = create(client)
    answer = client.get(f"llm_skills/{made['id']}")
    assert error(answer, 404) == missing("Endpoint not found.")


def test_newer_parameters_are_ignored(client: httpx.Client) -> None:
    create(client, body="b" * 9000)
    body = client.get("llm_skills/name/greet?body_length=1&body_offset=5").json()["body"]
    assert len(body) == 9000


# -- resolve (skills-api.md 1.2)


def test_resolve_gives_the_latest_and_the_history(client: httpx.Client) -> None:
    first = create(client)
    second = publish(client, base=1)
    resolved = client.get("llm_skills/resolve/name/greet").json()
    assert resolved["skill"] == second
    assert resolved["has_more"] is False
    assert [list(entry) for entry in resolved["versions"]] == [
        ["id", "version", "created_by", "created_at", "is_latest"]
    ] * 2
    assert [(v["id"], v["version"], v["is_latest"]) for v in resolved["versions"]] == [
        (second["id"], 2, True),
        (first["id"], 1, False),
    ]


def test_resolve_selects_a_version_without_filtering_the_history(client: httpx.Client) -> None:
    first = create(client)
    publish(client, base=1)
    for query in ("version=1", f"version_id={first['id']}", f"version=1&version_id={first['id']}"):
        resolved = client.get(f"llm_skills/resolve/name/greet?{query}").json()
        assert resolved["skill"]["version"] == 1
        assert len(resolved["versions"]) == 2


def test_resolve_finds_a_version_id_only_within_its_name(client: httpx.Client) -> None:
    other = create(client, "other")
    first = create(client)
    publish(client, base=1)
    for query in (f"version_id={other['id']}", f"version=2&version_id={first['id']}", "version=9"):
        answer = client.get(f"llm_skills/resolve/name/greet?{query}")
        assert error(answer, 404) == NOT_FOUND


@pytest.fixture(scope="module")
def five_versions(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world()
    create(client)
    for base in range(1, 5):
        publish(client, base=base)
    return client


@pytest.mark.parametrize(
    ("query", "versions", "has_more"),
    [
        ("", [5, 4, 3, 2, 1], False),
        ("limit=2", [5, 4], True),
        ("limit=5", [5, 4, 3, 2, 1], False),
        ("limit=2&offset=2", [3, 2], True),
        ("limit=2&offset=3", [2, 1], False),
        ("offset=99", [], False),
        ("offset=99999999999999999999999", [], False),
        ("before_version=3", [2, 1], False),
        ("before_version=5&limit=1", [4], True),
        ("before_version=1", [], False),
        ("limit=&offset=&before_version=&version=&version_id=", [5, 4, 3, 2, 1], False),
        ("limit=9&limit=1", [5], True),
        ("before_version=99999999999999999999", [5, 4, 3, 2, 1], False),
        ("limit=%201.0%20", [5], True),
    ],
)
def test_resolve_pages_by_either_cursor(
    five_versions: httpx.Client, query: str, versions: list[int], has_more: bool
) -> None:
    resolved = five_versions.get(f"llm_skills/resolve/name/greet?{query}").json()
    assert [entry["version"] for entry in resolved["versions"]] == versions
    assert resolved["has_more"] is has_more
    assert resolved["skill"]["version"] == 5


@pytest.mark.parametrize(
    ("query", "code", "attr", "detail"),
    [
        ("offset=0&before_version=2", "invalid_input", None, "Use either offset or before_version, not both."),
        ("limit=101", "max_value", "limit", "Ensure this value is less than or equal to 100."),
        ("limit=0", "min_value", "limit", "Ensure this value is greater than or equal to 1."),
        ("limit=x", "invalid_input", "limit", "A valid integer is required."),
        ("offset=-1", "min_value", "offset", "Ensure this value is greater than or equal to 0."),
        ("version=0", "min_value", "version", "Ensure this value is greater than or equal to 1."),
        ("version_id=x", "invalid_input", "version_id", "Must be a valid UUID."),
    ],
)  # fmt: skip
def test_a_bad_cursor_of_resolve_is_named(
    refusing: httpx.Client, query: str, code: str, attr: str | None, detail: str
) -> None:
    answer = refusing.get(f"llm_skills/resolve/name/greet?{query}")
    assert error(answer, 400) == invalid(code, attr, detail)


# -- files (skills-api.md 5)


def test_a_file_is_read_whole(client: httpx.Client) -> None:
    create(
        client,
        files=[{"path": "scripts/a b.py", "content": "x = 1", "content_type": "text/x-python"}],
    )
    answer = client.get("llm_skills/name/greet/files/scripts/a%20b.py")
    assert answer.json() == {
        "path": "scripts/a b.py", "content": "x = 1", "content_type": "text/x-python",
    }  # fmt: skip
    assert client.get("llm_skills/name/greet/files/scripts/a%20b.py/").json() == answer.json()


def test_a_path_is_percent_decoded_as_utf_8(client: httpx.Client) -> None:
    from urllib.parse import quote

    odd = ["é/ü.md", "日本語.md", "100%.md", "a?b", "a#b", "a+b", "ÿ"]
    create(client, files=[a_file(path) for path in odd])
    for path in odd:
        assert client.get(f"llm_skills/name/greet/files/{quote(path)}").json()["path"] == path


def test_a_path_is_looked_up_as_the_url_says_it(client: httpx.Client) -> None:
    """skills-api.md 2.5: trailing slashes are dropped, backslashes are not turned."""
    create(client, files=[a_file("a\\b.md"), a_file("c/")])
    files = "llm_skills/name/greet/files"
    assert client.get(f"{files}/a%5Cb.md").json()["path"] == "a\\b.md"
    assert client.get(f"{files}/a/b.md").status_code == 404
    gone = {"detail": "File 'c' not found in skill 'greet'."}
    assert error(client.get(f"{files}/c%2F"), 404) == gone, "stored, but out of reach"
    assert error(client.delete(f"{files}/c%2F"), 404) == gone
    rename = {"old_path": "c/", "new_path": "c"}
    assert client.post(f"{files}-rename", json=rename).status_code == 200
    assert client.get(f"{files}/c%2F").json()["path"] == "c"


def test_a_path_that_leaves_the_skill_is_refused(client: httpx.Client) -> None:
    create(client)
    for path in ("%2e%2e/a", "a/%2e%2e", "a%5C..%5Cb", "/a", "%5Ca"):
        url = f"llm_skills/name/greet/files/{path}"
        assert error(client.get(url), 400) == {"detail": "Invalid file path."}, path
        assert error(client.delete(url), 400) == {"detail": "Invalid file path."}, path


def test_a_missing_file_is_a_bare_404(client: httpx.Client) -> None:
    create(client)
    expected = {"detail": "File 'x/y' not found in skill 'greet'."}
    assert error(client.get("llm_skills/name/greet/files/x/y"), 404) == expected
    assert error(client.delete("llm_skills/name/greet/files/x/y"), 404) == expected
    assert error(client.get("llm_skills/name/nobody/files/x/y"), 404) == {
        "detail": "Skill with name 'nobody' not found."
    }


def test_files_have_no_listing(client: httpx.Client) -> None:
    create(client)
    assert client.get("llm_skills/name/greet/files").status_code == 405


def test_file_writes_chain_by_the_returned_version(client: httpx.Client) -> None:
    """POST is 201, the others 200; body and other files are carried along."""
    create(client, files=[a_file("keep.md", "kept")], metadata={"m": 1})
    added = client.post(
        "llm_skills/name/greet/files",
        json={"path": "a.py", "content": "x", "content_type": "text/x-python", "base_version": 1},
    )
    assert added.status_code == 201
    assert (added.json()["version"], paths(added.json())) == (2, ["a.py", "keep.md"])
    renamed = client.post(
        "llm_skills/name/greet/files-rename",
        json={"old_path": "a.py", "new_path": "A.py", "base_version": 2},
    )
    assert renamed.status_code == 200
    assert renamed.json()["files"] == [
        {"path": "A.py", "content_type": "text/x-python"},
        {"path": "keep.md", "content_type": "text/plain"},
    ]
    assert client.get("llm_skills/name/greet/files/A.py").json()["content"] == "x"
    deleted = client.delete("llm_skills/name/greet/files/A.py?base_version=3")
    assert deleted.status_code == 200
    assert (deleted.json()["version"], paths(deleted.json())) == (4, ["keep.md"])
    assert deleted.json()["metadata"] == {"m": 1}
    last = client.delete("llm_skills/name/greet/files/keep.md?base_version=")
    assert (last.json()["version"], last.json()["files"]) == (5, [])
    assert client.get("llm_skills/name/greet/files/a.py?version=2").json()["content"] == "x"


def test_file_writes_without_a_base_apply_to_the_latest(client: httpx.Client) -> None:
    create(client)
    publish(client, base=1)
    assert client.post("llm_skills/name/greet/files", json=a_file()).json()["version"] == 3


def test_file_writes_on_a_stale_base_are_version_conflicts(client: httpx.Client) -> None:
    create(client, files=[a_file("a")])
    publish(client, base=1)
    stale = {
        "detail": "The skill changed since you opened it. Reload the latest version and try again.",
        "current_version": 2,
    }
    files = "llm_skills/name/greet/files"
    rename = {"old_path": "a", "new_path": "b", "base_version": 1}
    assert error(client.post(files, json={**a_file("a"), "base_version": 1}), 409) == stale
    assert error(client.post(f"{files}-rename", json=rename), 409) == stale
    assert error(client.delete(f"{files}/gone?base_version=1"), 409) == stale
    assert client.get("llm_skills/name/greet").json()["version"] == 2


def test_a_taken_path_is_a_conflict_without_a_version(client: httpx.Client) -> None:
    create(client, files=[a_file("a"), a_file("b")])
    taken = {"detail": "File 'a' already exists in skill 'greet'."}
    assert error(client.post("llm_skills/name/greet/files", json=a_file("a")), 409) == taken
    rename = {"old_path": "b", "new_path": "a"}
    assert error(client.post("llm_skills/name/greet/files-rename", json=rename), 409) == taken


def test_a_full_skill_takes_no_more_files(client: httpx.Client) -> None:
    create(client, files=[a_file(f"{n}") for n in range(50)])
    files = "llm_skills/name/greet/files"
    assert error(client.post(files, json=a_file("x")), 400) == {
        "detail": "Skill has reached the maximum of 50 files."
    }
    assert error(client.post(files, json=a_file("0")), 409)["detail"].startswith("File '0' already")


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        ({"old_path": "a", "new_path": "a"}, "invalid_input", None, "new_path must differ from old_path."),
        ({"old_path": "a", "new_path": " a "}, "invalid_input", None, "new_path must differ from old_path."),
        ({"old_path": "../a", "new_path": "b"}, "invalid_input", "old_path", "File paths must not contain '..' traversal segments."),
        ({"old_path": "a", "new_path": "/b"}, "invalid_input", "new_path", "File paths must be relative, not absolute."),
        ({"old_path": "a"}, "required", "new_path", "This field is required."),
    ],
)  # fmt: skip
def test_a_bad_rename_is_named(
    client: httpx.Client, body: dict[str, str], code: str, attr: str | None, detail: str
) -> None:
    answer = client.post("llm_skills/name/greet/files-rename", json=body)
    assert error(answer, 400) == invalid(code, attr, detail)


def test_renaming_a_missing_file_is_a_bare_404(client: httpx.Client) -> None:
    create(client)
    body = {"old_path": "a", "new_path": "b"}
    assert error(client.post("llm_skills/name/greet/files-rename", json=body), 404) == {
        "detail": "File 'a' not found in skill 'greet'."
    }


def test_file_writes_validate_before_looking_for_the_skill(client: httpx.Client) -> None:
    files = "llm_skills/name/greet/files"
    assert error(client.post(files, json={"path": "a", "content": ""}), 400) == invalid(
        "blank", "content", "This field may not be blank."
    )
    assert error(client.post(files, json=a_file("a", "é" * 500_001)), 400) == invalid(
        "max_size", "content", "File content must be 1000000 bytes or fewer."
    )
    assert error(client.delete(f"{files}/a?base_version=x"), 400) == invalid(
        "invalid_input", "base_version", "A valid integer is required."
    )
    assert error(client.post(files, json=a_file()), 404) == NOT_FOUND
    assert error(client.delete(f"{files}/a"), 404) == NOT_FOUND


def test_put_and_delete_of_a_skill_are_not_allowed(client: httpx.Client) -> None:
    create(client)
    for method in ("PUT", "DELETE"):
        answer = client.request(method, "llm_skills/name/greet")
        assert error(answer, 405) == {
            "type": "invalid_request",
            "code": "method_not_allowed",
            "detail": f'Method "{method}" not allowed.',
            "attr": None,
        }


def test_a_thousand_skills_are_listed_with_a_handful_of_queries(client: httpx.Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number in range(12):
        create(client, f"s{number}", files=[a_file()])
    with CaptureQueriesContext(connection) as few:
        assert client.get("llm_skills?search=s1").json()["count"] == 3
    with CaptureQueriesContext(connection) as counted:
        assert client.get("llm_skills?limit=3&order_by=name").json()["count"] == 12
    with CaptureQueriesContext(connection) as many:
        assert client.get("llm_skills?limit=1000&order_by=name").json()["count"] == 12
    assert len(many) == len(few) == len(counted) - 1
    assert len(counted) <= 5
    assert all('"body"' not in query["sql"] for query in many.captured_queries)
