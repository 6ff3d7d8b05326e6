"""What keeps a skill from being packed (skills-api.md 10.4)."""

from __future__ import annotations

import pytest

from skillsync.server.skills_spec import spec_problems


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], []),
        (["a.md", "b/c.md", "b/d/e.md"], []),
        (["agents/openai.yaml"], []),
        (["../a"], [("file_path_invalid", "../a")]),
        (["/a"], [("file_path_invalid", "/a")]),
        (["SKILL.md"], [("file_path_invalid", "SKILL.md")]),
        (["a\\b"], [("file_path_not_canonical", "a\\b")]),
        (["A.md", "a.md"], [("file_path_collides", "A.md"), ("file_path_collides", "a.md")]),
        (["Agents/OpenAI.yaml"], [("file_path_collides", "Agents/OpenAI.yaml")]),
        (["a", "a/b"], [("file_path_shadows_directory", "a")]),
        (["A", "a/b"], [("file_path_shadows_directory", "A")]),
        (["agents"], [("file_path_shadows_directory", "agents")]),
        (["SKILL.md/x"], [("file_path_shadows_directory", "SKILL.md/x")]),
    ],
)
def test_paths(paths: list[str], expected: list[tuple[str, str]]) -> None:
    found = spec_problems("greet", "Says hello.", paths)
    assert [(problem["code"], problem["file_path"]) for problem in found] == expected
    assert all(problem["message"] for problem in found)


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("greet-2", "d" * 1024, []),
        ("a--b", "d", ["name_malformed"]),
        ("A", "d", ["name_malformed"]),
        ("a" * 65, "d", ["name_malformed"]),
        ("a", " ", ["description_empty"]),
        ("a", "d" * 1025, ["description_too_long"]),
    ],
)
def test_name_and_description(name: str, description: str, expected: list[str]) -> None:
    found = spec_problems(name, description, [])
    assert [problem["code"] for problem in found] == expected
    assert all(problem["file_path"] is None for problem in found)
