"""Publishing, archiving, duplicating: what every write does and in which order it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server.models import Skill
from tests.server.facts import a_file, create, error, invalid, paths, publish

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

NOT_FOUND = {"detail": "Skill with name 'greet' not found."}


def content(detail: dict[str, Any]) -> dict[str, Any]:
    """The part of a detail that a publish may change."""
    fields = (
        "description",
        "body",
        "license",
        "compatibility",
        "allowed_tools",
        "metadata",
        "files",
    )
    return {field: detail[field] for field in fields}


def test_what_is_absent_is_carried_forward_and_what_is_given_replaces(client: httpx.Client) -> None:
    """skills-api.md 3."""
    full = create(
        client,
        license="MIT",
        compatibility="any",
        allowed_tools=["B", "A", "B"],
        metadata={"k": {"n": 1}, "l": 2},
        files=[a_file("a"), {**a_file("b"), "content_type": "text/x"}],
    )
    second = publish(client, base=1)
    assert content(second) == content(full)
    third = publish(client, base=2, metadata={"k": {"m": 1}}, files=[a_file("b")])
    assert third["metadata"] == {"k": {"m": 1}}
    assert third["files"] == [{"path": "b", "content_type": "text/plain"}]
    cleared = publish(
        client, base=3, license="", compatibility="", metadata={}, allowed_tools=[], files=[]
    )
    assert content(cleared) == {
        **content(full),
        "license": "",
        "compatibility": "",
        "allowed_tools": [],
        "metadata": {},
        "files": [],
    }


def test_every_publish_makes_a_version_also_when_nothing_changes(client: httpx.Client) -> None:
    first = create(client)
    second = publish(client, base=1, body=first["body"])
    assert second["version"] == second["latest_version"] == second["version_count"] == 2
    assert second["id"] != first["id"]
    assert second["first_version_created_at"] == first["created_at"]
    assert second["created_at"] > first["created_at"]


def test_a_version_never_changes_once_published(client: httpx.Client) -> None:
    first = create(client, files=[a_file("a", "one")], metadata={"n": 1})
    publish(client, base=1, body="two", files=[a_file("a", "two")], metadata={"n": 2})
    old = client.get("llm_skills/name/greet?version=1").json()
    assert content(old) == content(first)
    assert (old["id"], old["updated_at"]) == (first["id"], first["updated_at"])
    assert client.get("llm_skills/name/greet/files/a?version=1").json()["content"] == "one"


def test_created_by_is_the_publisher_of_the_version(clients: Clients, client: httpx.Client) -> None:
    create(client)
    second = publish(clients.scoped("llm_skill:write", user="Bea Muster"), base=1)
    assert second["created_by"]["first_name"] == "Bea"
    assert second["created_by"]["last_name"] == "Muster"
    entries = client.get("llm_skills/resolve/name/greet").json()["versions"]
    assert [entry["created_by"]["email"] for entry in entries] == [
        "bea.muster@localhost",
        "admin@localhost",
    ]


def test_the_name_in_a_publish_is_ignored(client: httpx.Client) -> None:
    create(client)
    assert publish(client, base=1, name="other")["name"] == "greet"


def test_a_stale_base_is_a_bare_conflict_and_wins_over_edit_errors(client: httpx.Client) -> None:
    create(client)
    publish(client, base=1)
    for base in (1, 3):
        body = {"base_version": base, "edits": [{"old": "nowhere", "new": ""}]}
        assert error(client.patch("llm_skills/name/greet", json=body), 409) == {
            "detail": "The skill changed since you opened it. Reload the latest version and try again.",
            "current_version": 2,
        }
    assert client.get("llm_skills/name/greet").json()["version"] == 2


def test_publishing_an_unknown_name_is_a_bare_404(client: httpx.Client) -> None:
    answer = client.patch("llm_skills/name/greet", json={"base_version": 1})
    assert error(answer, 404) == NOT_FOUND


def test_2000_versions_are_the_end_of_a_skill(client: httpx.Client) -> None:
    create(client, files=[a_file("a")])
    Skill.objects.filter(name="greet").update(version=2000)
    full = {
        "detail": "Skill has reached the maximum of 2000 versions. Archive and recreate the skill "
        "to continue publishing."
    }
    skill = "llm_skills/name/greet"
    edits = {"base_version": 2000, "edits": [{"old": "nowhere", "new": ""}]}
    assert error(client.patch(skill, json=edits), 400) == full
    assert error(client.post(f"{skill}/files", json=a_file("a")), 400) == full
    assert error(client.delete(f"{skill}/files/gone"), 400) == full
    rename = {"old_path": "gone", "new_path": "b"}
    assert error(client.post(f"{skill}/files-rename", json=rename), 400) == full
    assert error(client.patch(skill, json={"base_version": 1}), 409)["current_version"] == 2000


def test_body_and_files_are_edited_in_one_publish(client: httpx.Client) -> None:
    create(client, body="one two", files=[a_file("a", "x y"), a_file("b", "kept")])
    body = {
        "base_version": 1,
        "edits": [{"old": " one ", "new": " ONE "}, {"old": "ONE two", "new": ""}],
        "file_edits": [{"path": "a", "edits": [{"old": "x", "new": "z"}]}],
    }
    answer = client.patch("llm_skills/name/greet", json=body)
    assert answer.status_code == 200
    assert answer.json()["body"] == ""
    assert paths(answer.json()) == ["a", "b"]
    assert client.get("llm_skills/name/greet/files/a").json()["content"] == "z y"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"edits": [{"old": "abc", "new": "x"}, {"old": "zz", "new": ""}]},
            {"detail": "Text to replace was not found in the skill body.", "edit_index": 1},
        ),
        (
            {"edits": [{"old": "aa", "new": ""}]},
            {
                "detail": "Text to replace matches 2 times — provide more context to make it unique.",
                "edit_index": 0,
            },
        ),
        (
            {"edits": [{"old": "abc", "new": "é" * 500_000}, {"old": "-", "new": "+"}]},
            {
                "detail": "Resulting skill body exceeds the 1000000 byte size limit.",
                "edit_index": 1,
            },
        ),
        (
            {"file_edits": [{"path": "a", "edits": [{"old": "q", "new": ""}]}]},
            {
                "detail": "Text to replace was not found in file 'a'.",
                "edit_index": 0,
                "file_path": "a",
            },
        ),
        (
            {"file_edits": [{"path": "a", "edits": [{"old": "x", "new": ""}]}]},
            {
                "detail": "Text to replace matches 3 times in file 'a' — provide more context to "
                "make it unique.",
                "edit_index": 0,
                "file_path": "a",
            },
        ),
        (
            {"file_edits": [{"path": "a", "edits": [{"old": "y", "new": "é" * 500_000}]}]},
            {
                "detail": "Edited file 'a' exceeds the 1000000 byte size limit.",
                "edit_index": 0,
                "file_path": "a",
            },
        ),
        (
            {"file_edits": [{"path": "b", "edits": [{"old": "y", "new": ""}]}]},
            {"detail": "File 'b' not found in the current skill version.", "file_path": "b"},
        ),
    ],
)
def test_an_edit_that_cannot_be_made_is_named_and_nothing_is_written(
    client: httpx.Client, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    create(client, body="abc aaaa-", files=[a_file("a", "x x x y")])
    answer = client.patch("llm_skills/name/greet", json={"base_version": 1, **changes})
    assert error(answer, 400) == expected
    assert client.get("llm_skills/name/greet").json()["version"] == 1


def test_a_body_may_be_given_with_file_edits_and_files_with_edits(client: httpx.Client) -> None:
    create(client, files=[a_file("a", "x")])
    file_edits = [{"path": "a", "edits": [{"old": "x", "new": "y"}]}]
    assert publish(client, base=1, body="new", file_edits=file_edits)["body"] == "new"
    assert client.get("llm_skills/name/greet/files/a").json()["content"] == "y"
    edited = publish(client, base=2, files=[a_file("b")], edits=[{"old": "new", "new": "newer"}])
    assert (edited["body"], paths(edited)) == ("newer", ["b"])


def test_what_an_edit_leaves_is_not_trimmed(client: httpx.Client) -> None:
    create(client, body="a\n\nb", files=[a_file("f", "x\ny")])
    file_edits = [{"path": "f", "edits": [{"old": "y", "new": ""}]}]
    edited = publish(client, base=1, edits=[{"old": "b", "new": ""}], file_edits=file_edits)
    assert edited["body"] == "a\n\n"
    assert client.get("llm_skills/name/greet/files/f").json()["content"] == "x\n"


def test_edits_of_the_body_are_refused_before_those_of_files(client: httpx.Client) -> None:
    create(client)
    nowhere = [{"old": "nowhere", "new": ""}]
    body = {
        "base_version": 1,
        "edits": nowhere,
        "file_edits": [{"path": "none", "edits": nowhere}],
    }
    refused = error(client.patch("llm_skills/name/greet", json=body), 400)
    assert refused["detail"] == "Text to replace was not found in the skill body."


# -- create (skills-api.md 4)


def test_a_taken_name_is_a_400(client: httpx.Client) -> None:
    first = create(client)
    answer = client.post("llm_skills", json={"name": "greet", "description": "x", "body": "y"})
    assert error(answer, 400) == invalid("unique", "name", "A skill with this name already exists.")
    assert client.get("llm_skills/name/greet").json() == first


def test_an_archived_name_starts_again_at_version_1(client: httpx.Client) -> None:
    old = create(client)
    publish(client, base=1)
    assert client.post("llm_skills/name/greet/archive").status_code == 204
    new = create(client, files=[a_file()])
    assert (new["version"], new["version_count"], new["latest_version"]) == (1, 1, 1)
    assert new["first_version_created_at"] == new["created_at"] > old["created_at"]
    assert new["id"] != old["id"]
    resolved = client.get("llm_skills/resolve/name/greet").json()
    assert [entry["id"] for entry in resolved["versions"]] == [new["id"]]
    assert client.get("llm_skills/name/greet?version=2").status_code == 404


# -- archive, duplicate (skills-api.md 6)


def test_an_archived_skill_leaves_no_trace(client: httpx.Client) -> None:
    made = create(client, files=[a_file("a")])
    publish(client, base=1)
    answer = client.post("llm_skills/name/greet/archive")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("llm_skills").json()["count"] == 0
    skill = "llm_skills/name/greet"
    resolve = "llm_skills/resolve/name/greet"
    for again in (
        client.post(f"{skill}/archive"),
        client.get(skill),
        client.get(f"{skill}?version=1"),
        client.get(f"{skill}/files/a"),
        client.patch(skill, json={"base_version": 2}),
        client.get(resolve),
        client.get(f"{resolve}?version_id={made['id']}"),
        client.post(f"{skill}/duplicate", json={"new_name": "other"}),
    ):
        assert error(again, 404) == NOT_FOUND


def test_a_duplicate_is_version_1_of_the_latest_content(
    clients: Clients, client: httpx.Client
) -> None:
    create(client, license="MIT", files=[a_file("a", "one")], metadata={"k": 1})
    source = publish(client, base=1, files=[a_file("a", "two")])
    bea = clients.scoped("llm_skill:write", user="bea")
    answer = bea.post("llm_skills/name/greet/duplicate", json={"new_name": " copy "})
    assert answer.status_code == 201
    copy = answer.json()
    assert content(copy) == content(source)
    assert (copy["name"], copy["version"], copy["version_count"]) == ("copy", 1, 1)
    assert copy["created_by"]["first_name"] == "bea"
    assert client.get("llm_skills/name/copy/files/a").json()["content"] == "two"
    assert client.get("llm_skills/name/greet").json()["version"] == 2


def test_a_duplicate_obeys_the_name_rules(client: httpx.Client) -> None:
    create(client)
    create(client, "taken")
    duplicate = "llm_skills/name/greet/duplicate"
    assert error(client.post(duplicate, json={"new_name": "taken"}), 400) == {
        "attr": "new_name",
        "detail": "A skill with this name already exists.",
    }
    assert error(client.post(duplicate, json={"new_name": "new"}), 400) == invalid(
        "reserved_name", "new_name", "'new' is a reserved name and cannot be used."
    )
    assert error(client.post(duplicate, json={}), 400) == invalid(
        "required", "new_name", "This field is required."
    )


# -- what the columns rely on


def test_the_latest_number_is_the_number_of_active_rows(client: httpx.Client) -> None:
    """Summaries take ``version_count`` from it (models.Skill)."""
    create(client, files=[a_file("a")])
    publish(client, base=1)
    client.post("llm_skills/name/greet/archive")
    create(client, files=[a_file("a")])
    publish(client, base=1)
    client.post("llm_skills/name/greet/files", json=a_file("b"))
    client.delete("llm_skills/name/greet/files/a")
    rows = Skill.objects.filter(name="greet", deleted=False).order_by("version")
    assert [row.version for row in rows] == [1, 2, 3, 4]
    assert [row.is_latest for row in rows] == [False, False, False, True]
    assert {row.first_created_at for row in rows} == {rows[0].created_at}
    assert client.get("llm_skills").json()["results"][0]["version_count"] == 4


def test_metadata_echoes_what_was_sent_and_then_shows_what_is_stored(client: httpx.Client) -> None:
    """datasets-api.md 2.4; key order is not significant but is that of jsonb."""
    import json

    answer = client.post(
        "llm_skills",
        content=b'{"name":"greet","description":"d","body":"b","metadata":'
        b'{"bb":1e22,"a":{"y":-0.0,"x":12345678901234567890123},"dup":1,"dup":2,"n":null}}',
        headers={"Content-Type": "application/json"},
    )
    assert json.dumps(answer.json()["metadata"]) == (
        '{"bb": 1e+22, "a": {"y": -0.0, "x": 12345678901234567890123}, "dup": 2, "n": null}'
    )
    stored = (
        '{"a": {"x": 12345678901234567890123, "y": 0.0}, "n": null, '
        '"bb": 10000000000000000000000, "dup": 2}'
    )
    assert json.dumps(client.get("llm_skills/name/greet").json()["metadata"]) == stored
    publish(client, base=1)
    assert json.dumps(client.get("llm_skills/name/greet").json()["metadata"]) == stored
