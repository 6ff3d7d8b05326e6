"""Publishing, edits, file writes, archiving and copying skills (skills-api.md 3 to 6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.facts import (
    ABSOLUTE,
    BIG_FILE,
    BLANK,
    NAME_RULE,
    NAME_TAKEN,
    NOT_AN_INTEGER,
    NULL,
    REQUIRED,
    SEED,
    TRAVERSAL,
    at_least,
    at_most,
    case,
    invalid,
    missing,
    no_file,
    no_skill,
    stale,
)
from tests.contract.wire import Api, at, file

FULL: dict[str, Any] = {
    "description": "d", "body": "# b", "license": "MIT", "compatibility": "c",
    "allowed_tools": ["T"], "metadata": {"a": {"b": 1}, "c": 2},
}  # fmt: skip


def paths(skill: dict[str, Any]) -> list[str]:
    return sorted(entry["path"] for entry in skill["files"])


def shown(skill: dict[str, Any]) -> dict[str, Any]:
    """A skill with what every generation tells of its files."""
    files = [{name: each[name] for name in ("path", "content_type")} for each in skill["files"]]
    return {**skill, "files": files}


def content(api: Api, skill: dict[str, Any], path: str) -> str:
    read: str = api.get(at(skill, f"/files/{path}")).ok()["content"]
    return read


# ---------------------------------------------------------------- publish (3)

CARRIED = [
    case("3", "nothing", {}, {}),
    case("3", "the same again", {"body": "# b"}, {}),
    case("3", "body", {"body": "new"}, {"body": "new", "outline": []}),
    case("3", "description", {"description": "new"}, {"description": "new"}),
    case("3", "license cleared", {"license": ""}, {"license": ""}),
    case("3", "compatibility cleared", {"compatibility": " "}, {"compatibility": ""}),
    case("3", "tools cleared", {"allowed_tools": []}, {"allowed_tools": []}),
    case("3", "tools replaced", {"allowed_tools": ["X", "T"]}, {"allowed_tools": ["X", "T"]}),
    case("3", "metadata cleared", {"metadata": {}}, {"metadata": {}}),
    case("3", "metadata replaced, not merged", {"metadata": {"a": {"z": 1}}}, {"metadata": {"a": {"z": 1}}}),
    case("3", "files cleared", {"files": []}, {}),
    case("3", "files replaced", {"files": [file("x", content_type="text/x")]}, {}),
    case("2.1", "a file's type is not carried", {"files": [file("a.py")]}, {}),
    case("3", "a name is ignored", {"name": "other"}, {}),
    case("2", "read-only and unknown keys", {"version": 9, "id": "x", "deleted": True, "file": 1}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CARRIED)
def test_every_publish_is_a_version_and_carries_the_rest(
    api: Api, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    first = api.skill(**FULL, files=[file("a.py", content_type="text/x-python")])
    second = api.publish(first, **changes)
    moved = {"id", "version", "latest_version", "version_count", "created_at", "updated_at"}
    assert (second["version"], second["latest_version"], second["version_count"]) == (2, 2, 2)
    assert second["id"] != first["id"]
    kept = {name: value for name, value in first.items() if name not in moved}
    if "files" in changes:
        kept["files"] = [
            {"path": entry["path"], "content_type": entry.get("content_type", "text/plain")}
            for entry in changes["files"]
        ]
    assert {name: shown(second)[name] for name in kept} == shown({**kept, **expected})
    assert api.get(at(first)).ok() == second
    if "files" not in changes:
        assert content(api, second, "a.py") == "text"


BASES = [("1", 200), (" 1 ", 200), (1.0, 200), ("1.0", 200), (2, 409), (99999999999999999999, 409)]


@pytest.mark.parametrize(("base", "status"), BASES, ids=lambda value: f"1.1: {value!r}")
def test_a_base_is_read_leniently(api: Api, base: Any, status: int) -> None:
    made = api.skill()
    answer = api.patch(at(made), {"base_version": base})
    assert answer.status == status
    assert answer.json == stale(1) if status == 409 else answer.json["version"] == 2


def test_3_a_stale_base_is_a_bare_409_and_writes_nothing(api: Api) -> None:
    first = api.skill()
    second = api.publish(first, body="two")
    body = {"base_version": 1, "body": "three", "edits": [{"old": "nowhere", "new": "x"}]}
    del body["body"]
    assert api.patch(at(first), body).refused(409) == stale(2), "before the edits are looked at"
    assert api.patch(at(first), {"base_version": 3}).refused(409) == stale(2)
    assert api.get(at(first)).ok() == second


def test_3_an_unknown_name_is_a_404(api: Api) -> None:
    name = api.fresh()
    answer = api.patch(f"llm_skills/name/{name}", {"base_version": 1, "body": "x"})
    assert answer.refused(404)["detail"].startswith(no_skill(name)["detail"])


# ---------------------------------------------------------------- edits (3)

MANY = "Text to replace matches {} times{} — provide more context to make it unique."
EDITS = [
    case("3", "one", "a b c", [("b", "x")], "a x c"),
    case("3", "in order, on what is edited so far", "a b", [("a", "b1"), ("b1", "c")], "c b"),
    case("3", "to nothing", "a b", [("b", "")], "a "),
    case("3", "all of it", "a", [("a", "")], ""),
    case("3", "old and new are trimmed", "a b c", [(" b ", "\tx\n")], "a x c"),
    case("3", "over lines", "a\nb\nc", [("a\nb", "x")], "x\nc"),
    case("3", "not found", "a", [("z", "x")], ("Text to replace was not found in the skill body.", 0)),
    case("3", "the case counts", "a", [("A", "x")], ("Text to replace was not found in the skill body.", 0)),
    case("3", "the second", "a", [("a", "b"), ("a", "c")], ("Text to replace was not found in the skill body.", 1)),
    case("3", "twice", "a a", [("a", "x")], (MANY.format(2, ""), 0)),
    case("3", "not overlapping", "aaa aa", [("aa", "x")], (MANY.format(2, ""), 0)),
    case("3", "too big at the end", "a b", [("a", "c" * 600_000), ("b", "d" * 600_000)], ("Resulting skill body exceeds the 1000000 byte size limit.", 1)),
]  # fmt: skip


@pytest.mark.parametrize(("body", "edits", "expected"), EDITS)
def test_edits_of_the_body(
    api: Api, body: str, edits: list[tuple[str, str]], expected: str | tuple[str, int]
) -> None:
    made = api.skill(body=body)
    sent = [{"old": old, "new": new} for old, new in edits]
    answer = api.patch(at(made), {"base_version": 1, "edits": sent})
    if isinstance(expected, str):
        assert answer.ok()["body"] == expected
        return
    assert answer.refused(400) == {"detail": expected[0], "edit_index": expected[1]}
    assert api.get(at(made)).ok()["version"] == 1


FILE_EDITS = [
    case("3", "one", "f", [("b", "x")], "a x c"),
    case("3", "no such file", "g", [("b", "x")], {"detail": "File 'g' not found in the current skill version.", "file_path": "g"}),
    case("3", "not found", "f", [("z", "x")], {"detail": "Text to replace was not found in file 'f'.", "edit_index": 0, "file_path": "f"}),
    case("3", "twice", "f", [("a", "b"), ("b", "x")], {"detail": MANY.format(2, " in file 'f'"), "edit_index": 1, "file_path": "f"}),
    case("3", "too big", "f", [("a", "c" * 999_997)], {"detail": "Edited file 'f' exceeds the 1000000 byte size limit.", "edit_index": 0, "file_path": "f"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "edits", "expected"), FILE_EDITS)
def test_edits_of_a_file(
    api: Api, path: str, edits: list[tuple[str, str]], expected: str | dict[str, Any]
) -> None:
    made = api.skill(files=[file("f", "a b c", content_type="text/x"), file("other", "kept")])
    sent = [{"path": path, "edits": [{"old": old, "new": new} for old, new in edits]}]
    answer = api.patch(at(made), {"base_version": 1, "file_edits": sent})
    if isinstance(expected, dict):
        assert answer.refused(400) == expected
        assert api.get(at(made)).ok()["version"] == 1
        return
    made = answer.ok()
    assert content(api, made, "f") == expected
    assert content(api, made, "other") == "kept"
    assert {"path": "f", "content_type": "text/x"} in [
        {name: entry[name] for name in ("path", "content_type")} for entry in made["files"]
    ]


def test_3_edits_go_together_with_the_other_kind(api: Api) -> None:
    made = api.skill(body="a", files=[file("f", "b")])
    both = api.publish(
        made,
        edits=[{"old": "a", "new": "A"}],
        file_edits=[{"path": "f", "edits": [{"old": "b", "new": "B"}]}],
    )
    assert (both["body"], content(api, both, "f")) == ("A", "B")
    mixed = api.publish(both, edits=[{"old": "A", "new": "AA"}], files=[file("g", "G")])
    assert (mixed["body"], paths(mixed)) == ("AA", ["g"])


# ---------------------------------------------------------------- file writes (5)


def test_5_file_writes_chain_by_the_returned_version(api: Api) -> None:
    made = api.skill(files=[file("keep", "kept")], metadata={"m": 1})
    body = {**file("a.py", "x", content_type="text/x-python"), "base_version": 1}
    added = api.post(at(made, "/files"), body).ok(201)
    assert (added["version"], paths(added)) == (2, ["a.py", "keep"])
    rename = {"old_path": "a.py", "new_path": "A.py", "base_version": 2}
    renamed = api.post(at(made, "/files-rename"), rename).ok(200)
    assert (renamed["version"], paths(renamed)) == (3, ["A.py", "keep"])
    assert api.get(at(made, "/files/A.py")).ok() == {
        "path": "A.py", "content": "x", "content_type": "text/x-python",
    }  # fmt: skip
    deleted = api.delete(at(made, "/files/A.py?base_version=3")).ok(200)
    assert (deleted["version"], paths(deleted)) == (4, ["keep"])
    assert (deleted["metadata"], deleted["body"]) == ({"m": 1}, made["body"])
    last = api.delete(at(made, "/files/keep?base_version=")).ok()
    assert (last["version"], last["files"]) == (5, [])
    assert api.get(at(made, "/files/a.py"), version=2).ok()["content"] == "x"


def test_5_without_a_base_they_apply_to_the_latest(api: Api) -> None:
    made = api.publish(api.skill(files=[file("f")]), body="two")
    assert api.post(at(made, "/files"), file("x")).ok(201)["version"] == 3
    rename = {"old_path": "x", "new_path": "y"}
    assert api.post(at(made, "/files-rename"), rename).ok()["version"] == 4
    assert paths(api.delete(at(made, "/files/y")).ok()) == ["f"]


def test_5_a_stale_base_comes_before_the_path(api: Api) -> None:
    made = api.publish(api.skill(files=[file("a")]))
    taken = {**file("a"), "base_version": 1}
    assert api.post(at(made, "/files"), taken).refused(409) == stale(2)
    gone = {"old_path": "none", "new_path": "b", "base_version": 1}
    assert api.post(at(made, "/files-rename"), gone).refused(409) == stale(2)
    assert api.delete(at(made, "/files/none?base_version=1")).refused(409) == stale(2)
    assert api.get(at(made)).ok()["version"] == 2


def test_5_the_other_409_names_no_version(api: Api, still: dict[str, Any]) -> None:
    taken = {"detail": f"File 'a.md' already exists in skill '{still['name']}'."}
    assert api.post(at(still, "/files"), file("a.md")).refused(409) == taken
    rename = {"old_path": "b.md", "new_path": "a.md"}
    assert api.post(at(still, "/files-rename"), rename).refused(409) == taken


@pytest.mark.dialect(SEED)
def test_5_a_full_skill(api: Api) -> None:
    made = api.skill(files=[file(f"{n}") for n in range(50)])
    full = {"detail": "Skill has reached the maximum of 50 files."}
    assert api.post(at(made, "/files"), file("x")).refused(400) == full
    taken = {"detail": f"File '0' already exists in skill '{made['name']}'."}
    assert api.post(at(made, "/files"), file("0")).refused(409) == taken, "the path comes first"


def test_5_a_case_only_rename_works(api: Api) -> None:
    made = api.skill(files=[file("a")])
    rename = {"old_path": "a", "new_path": "A"}
    assert paths(api.post(at(made, "/files-rename"), rename).ok()) == ["A"]


FILE_REFUSALS = [
    case("5", "no path", "/files", {"content": "x"}, "required", "path", REQUIRED),
    case("5", "no content", "/files", {"path": "a"}, "required", "content", REQUIRED),
    case("2.2", "empty content", "/files", file("a", ""), "blank", "content", BLANK),
    case("2.1", "null content", "/files", {"path": "a", "content": None}, "null", "content", NULL),
    case("8", "big content", "/files", file("a", "é" * 500_001), "max_size", "content", BIG_FILE),
    case("2.1", "long path", "/files", file("p" * 501), "max_length", "path", at_most(500)),
    case("2.5", "traversal", "/files", file("a/../b"), "invalid_input", "path", TRAVERSAL, only=SEED),
    case("2.5", "absolute", "/files", file("/b"), "invalid_input", "path", ABSOLUTE),
    case("2.1", "long type", "/files", file("a", content_type="t" * 101), "max_length", "content_type", at_most(100)),
    case("8", "base 0", "/files", file("a", base_version=0), "min_value", "base_version", at_least(1)),
    case("8", "base x", "/files", file("a", base_version="x"), "invalid_input", "base_version", NOT_AN_INTEGER),
    case("5", "no new path", "/files-rename", {"old_path": "a.md"}, "required", "new_path", REQUIRED),
    case("5", "no old path", "/files-rename", {"new_path": "a.md"}, "required", "old_path", REQUIRED),
    case("5", "empty new path", "/files-rename", {"old_path": "a.md", "new_path": " "}, "blank", "new_path", BLANK),
    case("5", "equal", "/files-rename", {"old_path": "a.md", "new_path": "a.md"}, "invalid_input", None, "new_path must differ from old_path."),
    case("5", "equal when trimmed", "/files-rename", {"old_path": "a.md", "new_path": " a.md\n"}, "invalid_input", None, "new_path must differ from old_path."),
    case("5", "bad old path", "/files-rename", {"old_path": "../a", "new_path": "b"}, "invalid_input", "old_path", TRAVERSAL, only=SEED),
    case("5", "bad new path", "/files-rename", {"old_path": "a.md", "new_path": "/b"}, "invalid_input", "new_path", ABSOLUTE),
    case("6", "no new name", "/duplicate", {}, "required", "new_name", REQUIRED),
    case("6", "empty new name", "/duplicate", {"new_name": " "}, "blank", "new_name", BLANK),
    case("6", "long new name", "/duplicate", {"new_name": "a" * 65}, "max_length", "new_name", at_most(64)),
    case("6", "reserved new name", "/duplicate", {"new_name": "new"}, "reserved_name", "new_name", "'new' is a reserved name and cannot be used."),
    case("6", "bad new name", "/duplicate", {"new_name": "A b"}, "invalid_name", "new_name", NAME_RULE),
    case("6", "two hyphens", "/duplicate", {"new_name": "a--b"}, "invalid_name", "new_name", "Consecutive hyphens are not allowed."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "code", "attr", "detail"), FILE_REFUSALS)
def test_a_write_below_a_skill_that_is_refused(
    api: Api,
    still: dict[str, Any],
    path: str,
    body: dict[str, Any],
    code: str,
    attr: str | None,
    detail: str,
) -> None:
    assert api.post(at(still, path), body).refused(400) == invalid(code, attr, detail)
    assert api.get(at(still)).ok() == still


def test_5_a_bad_base_of_a_delete(api: Api, still: dict[str, Any]) -> None:
    for base, code, detail in (
        ("x", "invalid_input", NOT_AN_INTEGER),
        ("0", "min_value", at_least(1)),
    ):
        answer = api.delete(at(still, f"/files/a.md?base_version={base}"))
        assert answer.refused(400) == invalid(code, "base_version", detail)


NOT_THERE = [
    case("5", "file write", "POST", "/files", file()),
    case("5", "file removal", "DELETE", "/files/a", None),
    case("5", "file rename", "POST", "/files-rename", {"old_path": "a", "new_path": "b"}),
    case("6", "archive", "POST", "/archive", None),
    case("6", "duplicate", "POST", "/duplicate", {"new_name": "some-copy"}),
    case("3", "publish", "PATCH", "", {"base_version": 1}),
    case("1", "file", "GET", "/files/a", None),
]


@pytest.mark.parametrize(("method", "more", "body"), NOT_THERE)
@pytest.mark.parametrize("state", ["never", "archived"])
def test_below_a_name_that_is_not_there(
    api: Api, state: str, method: str, more: str, body: Any
) -> None:
    name = api.fresh()
    if state == "archived":
        api.skill(name, files=[file("a")])
        assert api.post(f"llm_skills/name/{name}/archive").status == 204
    answer = api.call(method, f"llm_skills/name/{name}{more}", body)
    assert answer.refused(404)["detail"].startswith(no_skill(name)["detail"])


def test_5_a_missing_file_cannot_be_removed_or_renamed(api: Api, still: dict[str, Any]) -> None:
    gone = no_file("none", still["name"])
    assert api.delete(at(still, "/files/none")).refused(404) == gone
    rename = {"old_path": "none", "new_path": "b"}
    assert api.post(at(still, "/files-rename"), rename).refused(404) == gone


# ---------------------------------------------------------------- archive and duplicate (4, 6)


def test_6_archived_leaves_no_trace(api: Api) -> None:
    first = api.skill(files=[file("a")])
    second = api.publish(first)
    answer = api.post(at(first, "/archive"))
    assert (answer.status, answer.body) == (204, b"")
    name = first["name"]
    for path in (
        at(first), at(first, "?version=1"), at(first, "/files/a"), at(first, "/files/a?version=1"),
        f"llm_skills/resolve/name/{name}", f"llm_skills/resolve/name/{name}?version_id={second['id']}",
    ):  # fmt: skip
        assert api.get(path).refused(404)["detail"].startswith(no_skill(name)["detail"]), path
    assert api.get("llm_skills", search=name).ok()["count"] == 0


def test_4_an_archived_name_starts_again_at_version_1(api: Api) -> None:
    first = api.skill(metadata={"old": 1}, files=[file("old")])
    api.publish(first)
    api.post(at(first, "/archive"))
    again = api.skill(first["name"], body="again")
    assert (again["version"], again["version_count"], again["files"]) == (1, 1, [])
    assert again["id"] != first["id"]
    assert again["first_version_created_at"] > first["first_version_created_at"]
    assert again["metadata"] == {}
    assert api.get(at(first), version=2).status == 404
    history = api.get(f"llm_skills/resolve/name/{first['name']}").ok()["versions"]
    assert [entry["id"] for entry in history] == [again["id"]]
    assert api.publish(again)["version"] == 2, "the base 1 of another incarnation matches"


def test_6_a_copy_is_version_1_with_content_and_files(api: Api) -> None:
    source = api.publish(api.skill(**FULL, files=[file("a", "x", content_type="t/x")]), body="two")
    name = api.fresh("copy")
    copy = api.post(at(source, "/duplicate"), {"new_name": f" {name} "}).ok(201)
    assert (copy["name"], copy["version"], copy["version_count"]) == (name, 1, 1)
    for field in ("description", "body", "license", "compatibility", "allowed_tools", "metadata", "files"):  # fmt: skip
        assert copy[field] == source[field]
    assert copy["id"] != source["id"]
    assert content(api, copy, "a") == "x"
    api.publish(copy, body="three")
    assert api.get(at(source)).ok() == source, "they go separate ways"


def test_6_the_name_of_a_copy_must_be_free(api: Api, still: dict[str, Any]) -> None:
    other = api.skill()
    for name in (still["name"], other["name"]):
        answer = api.post(at(other, "/duplicate"), {"new_name": name})
        assert answer.refused(400) == {"attr": "new_name", "detail": NAME_TAKEN}


# ---------------------------------------------------------------- what the seed does not have (1)

LATER = ["/export", "/rename", "/skill-md", "/visibility"]


@pytest.mark.dialect(SEED)
@pytest.mark.parametrize("more", LATER, ids=lambda value: f"1: {value}")
def test_a_later_endpoint_of_a_skill(api: Api, still: dict[str, Any], more: str) -> None:
    assert api.get(at(still, more)).refused(404) == missing("Endpoint not found.")


@pytest.mark.dialect(SEED)
@pytest.mark.parametrize("path", ["import", "search", "tags", "bundle", "marketplace/install-command"],
                         ids=lambda value: f"1: {value}")  # fmt: skip
def test_a_later_endpoint_of_all_skills(api: Api, path: str) -> None:
    assert api.get(f"llm_skills/{path}").refused(404) == missing("Endpoint not found.")
