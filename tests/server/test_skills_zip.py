"""Skills as zip archives, out and in (skills-api.md 10.2, 10.3)."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server.models import Skill
from tests.server.facts import a_file, create, error, publish

if TYPE_CHECKING:
    import httpx

GOOD = "---\nname: greet\ndescription: Says hello.\n---\n\n# Greet\n"


def zipped(members: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in members.items():
            archive.writestr(path, content)
    return target.getvalue()


def send(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("llm_skills/import", files={"file": ("skill.zip", data)})


def take(client: httpx.Client, members: dict[str, str | bytes]) -> dict[str, Any]:
    answer = send(client, zipped(members))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_an_export_holds_skill_md_the_sidecar_and_the_files(current: httpx.Client) -> None:
    create(current, "say-hello", files=[a_file("b.md", "B"), a_file("a/x.py", "x")])
    headers = {"Accept": "application/zip"}
    answer = current.get("llm_skills/name/say-hello/export", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="say-hello.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            "say-hello/SKILL.md",
            "say-hello/agents/openai.yaml",
            "say-hello/a/x.py",
            "say-hello/b.md",
        ]
        rendered = current.get("llm_skills/name/say-hello/skill-md").json()["content"]
        assert archive.read("say-hello/SKILL.md").decode() == rendered
        sidecar = archive.read("say-hello/agents/openai.yaml").decode()
        assert sidecar == (
            "interface:\n  display_name: Say hello\n  short_description: Says hello.\n"
        )
        assert archive.read("say-hello/b.md") == b"B"


def test_a_bundled_sidecar_replaces_the_generated_one_and_versions_are_kept_apart(
    current: httpx.Client,
) -> None:
    create(current, files=[a_file("agents/openai.yaml", "own: 1")])
    publish(current, base=1, files=[])
    answer = current.get("llm_skills/name/greet/export?version=1")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("greet/agents/openai.yaml") == b"own: 1"


def test_what_breaks_the_specification_is_not_exported(current: httpx.Client) -> None:
    create(current, files=[a_file("a"), a_file("A")])
    Skill.objects.update(description="d" * 1025)
    headers = {"Accept": "application/zip"}
    answer = current.get("llm_skills/name/greet/export", headers=headers)
    body = error(answer, 400)
    assert answer.headers["Content-Type"] == "application/json"
    assert body["detail"].startswith(
        "Couldn't download this skill because it doesn't meet the Agent Skills spec."
    )
    assert body["problems"][0].startswith("The description is 1025 characters. Shorten it to 1024")
    assert [problem.partition(":")[0] for problem in body["problems"][1:]] == [
        "file 'A'",
        "file 'a'",
    ]


def test_an_import_keeps_texts_as_they_are(current: httpx.Client) -> None:
    front = (
        "---\nname: greet\ndescription: Says hello.\nlicense: 2\nallowed-tools: Bash Read\n"
        "metadata:\n  version: 7\n  yes: no\n  n: 1.10\n  d: 2024-01-02\nother: x\n---\n\n"
    )
    made = take(
        current,
        {
            "folder/SKILL.md": front + "  # A\r\n\n",
            "folder/__init__.py": "",
            "folder/data.json": "{}\n",
            "folder/agents/openai.yaml": "lost: 1",
            "elsewhere/x": "ignored",
        },
    )
    assert (made["name"], made["version"], made["body"]) == ("greet", 1, "  # A\r\n\n")
    assert (made["license"], made["allowed_tools"]) == ("2", ["Bash", "Read"])
    assert made["metadata"] == {"True": "False", "n": "1.1", "d": "2024-01-02"}
    assert [(file["path"], file["size"]) for file in made["files"]] == [
        ("__init__.py", 0),
        ("data.json", 3),
    ]
    assert made["files"][1]["content_type"] == "application/json"
    assert current.get("llm_skills/name/greet/files/data.json").json()["content"] == "{}\n"
    assert [owner["email"] for owner in made["owners"]] == ["admin@localhost"]


@pytest.mark.parametrize(
    ("tools", "expected"), [("[A, 1]", ["A", "1"]), ("a: b", []), ("7", []), ("A  B", ["A", "B"])]
)
def test_tools_are_read_in_their_forms(
    current: httpx.Client, tools: str, expected: list[str]
) -> None:
    value = f"\n  {tools}" if ":" in tools else f" {tools}"
    text = GOOD.replace("---\n\n", f"allowed-tools:{value}\n---\n\n")
    assert take(current, {"SKILL.md": text})["allowed_tools"] == expected


def test_line_ends_of_windows_are_accepted(current: httpx.Client) -> None:
    made = take(current, {"SKILL.md": GOOD.replace("\n", "\r\n")})
    assert (made["description"], made["body"]) == ("Says hello.", "\r\n# Greet\r\n")


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"x": "y"}, "The zip does not contain a SKILL.md file."),
        ({"skill.md": GOOD}, "The zip does not contain a SKILL.md file."),
        ({"SKILL.md": GOOD, "a/SKILL.md": GOOD}, "The zip contains multiple SKILL.md files; expected exactly one."),
        ({"SKILL.md": GOOD, **{f"{n}": "" for n in range(500)}}, "The zip contains too many files (max 500)."),
        ({"SKILL.md": GOOD, "big": "x" * 2_000_001}, "'big' is too large."),
        ({"SKILL.md": GOOD, "bin": b"\xff"}, "'bin' must be UTF-8 text; binary files are not supported."),
        ({"SKILL.md": b"\xff"}, "'SKILL.md' must be UTF-8 text; binary files are not supported."),
        ({"SKILL.md": "# no front"}, "SKILL.md is missing its YAML frontmatter block."),
        ({"SKILL.md": "\ufeff" + GOOD}, "SKILL.md is missing its YAML frontmatter block."),
        ({"SKILL.md": "---\n---\nbody"}, "SKILL.md is missing its YAML frontmatter block."),
        ({"SKILL.md": "---\n- a\n---\n"}, "SKILL.md frontmatter must be a key/value mapping."),
        ({"SKILL.md": "---\nname: 7\n---\n"}, "SKILL.md frontmatter is missing a 'name'."),
        ({"SKILL.md": GOOD, "a\\b": "", "a/b": ""}, "Duplicate bundled file paths in the zip."),
        ({"SKILL.md": GOOD, **{f"{n}": "" for n in range(201)}}, "Skill exceeds the maximum of 200 bundled files."),
    ],
)  # fmt: skip
def test_an_archive_that_is_no_skill_is_refused(
    current: httpx.Client, members: dict[str, str | bytes], detail: str
) -> None:
    assert error(send(current, zipped(members)), 400) == {"detail": detail}
    assert current.get("llm_skills").json()["count"] == 0


def test_bad_yaml_is_quoted(current: httpx.Client) -> None:
    body = error(send(current, zipped({"SKILL.md": "---\na: [\n---\n"})), 400)
    assert body["detail"].startswith("SKILL.md frontmatter is not valid YAML: ")


def test_every_broken_rule_is_a_problem(current: httpx.Client) -> None:
    text = (
        "---\nname: Greet\nlicense: "
        + "l" * 256
        + "\ncompatibility: "
        + "c" * 501
        + "\nallowed-tools: [a b]\n---\n"
    )
    members: dict[str, str | bytes] = {"SKILL.md": text, "./x": "", "A": "", "a": "", "p" * 501: ""}
    body = error(send(current, zipped({**members, "big": "x" * 1_000_001})), 400)
    assert body["detail"].startswith(
        "Couldn't import this zip because it doesn't meet the Agent Skills spec."
    )
    assert body["problems"] == [
        (
            "Only lowercase letters, numbers, and hyphens are allowed. Must not start or end with a "
            "hyphen or contain consecutive hyphens."
        ),
        "description is required and must be non-empty",
        "Tool names cannot contain whitespace.",
        "license must be 255 characters or fewer",
        "compatibility must be 500 characters or fewer",
        "file './x': File paths must not contain empty, '.', or '..' segments.",
        "file 'A': collides with another file (case-insensitive)",
        "file 'a': collides with another file (case-insensitive)",
        f"file '{'p' * 501}': path must be 500 characters or fewer",
        "file 'big': content must be 1000000 bytes or fewer",
    ]
    long = error(send(current, zipped({"SKILL.md": GOOD.replace("greet", "g" * 65)})), 400)
    assert long["problems"] == ["Skill name must be 64 characters or fewer."]


def test_what_is_no_archive_or_not_there_is_refused(current: httpx.Client) -> None:
    assert error(send(current, b"no zip"), 400) == {
        "detail": "The uploaded file is not a valid zip archive."
    }
    assert error(current.post("llm_skills/import", data={"x": "y"}), 400) == {
        "detail": "Attach the skill .zip as multipart form field 'file'."
    }
    assert error(send(current, b"x" * 10_000_001), 400) == {
        "detail": "Zip must be 10000000 bytes or fewer."
    }
    broken = bytearray(zipped({"SKILL.md": GOOD}))
    broken[60] ^= 0xFF
    assert error(send(current, bytes(broken)), 400)["detail"].startswith("The uploaded file is not")


def test_an_import_never_updates(current: httpx.Client) -> None:
    made = create(current)
    assert error(send(current, zipped({"SKILL.md": GOOD})), 400) == {
        "attr": "name",
        "detail": "A skill named 'greet' already exists.",
    }
    assert current.get("llm_skills/name/greet").json() == made


def test_an_export_comes_back_as_an_import(current: httpx.Client) -> None:
    made = create(current, files=[a_file("a.md", "x")], metadata={"k": "v"}, allowed_tools=["A"])
    data = current.get("llm_skills/name/greet/export").content
    current.post("llm_skills/name/greet/archive")
    answer = send(current, data)
    assert answer.status_code == 201
    again = answer.json()
    for field in ("name", "description", "body", "metadata", "allowed_tools", "outline"):
        assert again[field] == made[field]
    assert [(f["path"], f["sha256"]) for f in again["files"]] == [
        (f["path"], f["sha256"]) for f in made["files"]
    ]
