"""Paths and names: what is hostile, refused, never sent, or colliding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.paths import (
    collisions,
    content_type,
    is_environment_file,
    is_never_sent,
    name_problem,
    path_problem,
)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "C:/x",
        "a//b",
        "a/./b",
        "a/",
        ".",
        "..",
        "",
        " a",
        "a ",
        "a\\b",
        ".git/hooks/post-checkout",
        ".GIT/config",
        "git~1/x",
        ".g\u200cit/x",
        "\ufeff.git/x",
        ".git. /x",
        ".git::$INDEX_ALLOCATION/x",
        "sub/.git",
        ".skillsync",
        ".skillsync.rows",
        "sub/.SkillSync-tmp-1",
        "SKILL.md",
        "skill.MD",
        "\u017fkill.md",
        "a\0b",
        "a\nb",
        "a\tb",
        "a\x1bb",
        "a\x7fb",
        "a\u202eb",
        "x" * 256,
        "é" * 128,
        "x/" * 2_500 + "x",
        "/".join("x" * 200),
        "a" * 250 + "/" + "b" * 250,
        "a\udcffb",
    ],
)
def test_hostile_and_unsendable_paths_are_refused(path: str) -> None:
    assert path_problem(path)


@pytest.mark.parametrize(
    "path",
    [
        "scripts/run.sh",
        "with space and %/a (1).md",
        "é/ü.md",
        "e\u0301.md",
        ".gitignore",
        ".gitkeep",
        ".env.example",
        "x/SKILL.md",
        "a..b/...c",
        "👩\u200d💻.md",
        "x" * 255,
    ],
)
def test_real_paths_are_fine(path: str) -> None:
    assert path_problem(path) is None


@given(st.text(max_size=30))
def test_a_path_without_problem_stays_inside_and_is_itself(path: str) -> None:
    if path_problem(path) is None:
        parts = path.split("/")
        assert path.strip() == path
        assert not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize(
    "path",
    [
        ".git/x",
        ".DS_Store",
        "a/.ds_store",
        "Thumbs.db",
        "__pycache__/a.py",
        "a.pyc",
        ".skillsync.rows",
    ],
)
def test_the_fixed_list_is_never_sent(path: str) -> None:
    assert is_never_sent(path)


@pytest.mark.parametrize("path", [".gitignore", "pycache/a.py", "a.py", "DS_Store", ".env"])
def test_other_hidden_files_take_part(path: str) -> None:
    assert not is_never_sent(path)


def test_only_env_files_are_environment_files() -> None:
    assert is_environment_file(".env")
    assert is_environment_file("a/.ENV")
    assert not is_environment_file(".env.example")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a", "b"], []),
        (["A.md", "a.md"], [("A.md", "a.md")]),
        (["é", "e\u0301"], [("e\u0301", "é")]),
        (["x", "x/y"], [("x", "x/y")]),
        (["X", "x/y/z"], [("X", "x/y/z")]),
        (["x/y", "x/z"], []),
    ],
)
def test_paths_that_collapse_are_found(paths: list[str], expected: list[tuple[str, str]]) -> None:
    assert collisions(paths) == expected


@pytest.mark.parametrize("name", ["a", "1", "a-b", "0-9", "x" * 64, "news"])
def test_names_that_are_accepted(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "a_b",
        "a.b",
        "a b",
        "-a",
        "a-",
        "a--b",
        "x" * 65,
        "new",
        "New",
        "community",
        "scouts",
        "review-hog",
        "é",
        "a/b",
        "..",
        "a\n",
        " a",
        "١",
    ],
)
def test_names_that_are_refused(name: str) -> None:
    assert name_problem(name)


def test_content_types_come_from_our_own_table() -> None:
    assert content_type("a/b.ts") == "text/typescript"
    assert content_type("README.MD") == "text/markdown"
    assert content_type("run.sh") == "text/x-sh"
    assert content_type("Makefile") == "text/plain"
    assert content_type(".json") == "text/plain"
