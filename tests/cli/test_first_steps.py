"""Three commands to a clean status, from an empty folder and with skills that are there already."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from skillsync.cli.main import cli
from skillsync.demo.sample import CHECKED_OUT
from skillsync.server import accounts
from skillsync.server.app import create_app
from skillsync.server.serve import running
from tests.world import git, make_repository, tree_of

KEY = "phx_the_first_key_of_this_test"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    create_app(database)
    accounts.first_start(key=KEY)
    with running(database) as server:
        yield server.url


def skillsync(where: Path, *words: str, exits: int = 0) -> str:
    result = CliRunner().invoke(cli, ["-C", str(where), *words], env={"SKILLSYNC_API_KEY": KEY})
    assert result.exit_code == exits, result.output
    assert KEY not in result.output
    return result.stdout


def with_sample(path: Path) -> Path:
    """Make a repository with the sample's skills and datasets, and no settings of skillsync."""
    make_repository(path, commit=False)
    for part in ("skills", "datasets"):
        shutil.copytree(
            CHECKED_OUT / part, path / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "what we have")
    return path


def is_clean(where: Path) -> bool:
    document = json.loads(skillsync(where, "status", "--json"))
    return bool(document["clean"]) and not document["objects"]


def test_existing_skills_are_clean_after_init_push_status(url: str, tmp_path: Path) -> None:
    root = with_sample(tmp_path / "mine")
    before = tree_of(root)
    said = skillsync(root, "init", "--host", url, "--project", "1")
    assert {path: data for path, data in tree_of(root).items() if path in before} == before
    assert tree_of(root).keys() - before.keys() == {"skillsync.toml"}
    assert "push would create 5 skills and 2 datasets" in said
    assert "pull would do nothing" in said
    assert said.endswith("next: skillsync push\n")
    skillsync(root, "push")
    assert "clean: nothing to push, pull or resolve (7 in sync, 160 rows)" in skillsync(
        root, "status"
    )
    assert is_clean(root)
    assert skillsync(root, "push") == "nothing to push\n"
    assert skillsync(root, "pull") == "nothing to pull\n"


def test_an_empty_folder_is_clean_after_init_pull_status(url: str, tmp_path: Path) -> None:
    first = with_sample(tmp_path / "mine")
    skillsync(first, "init", "--host", url, "--project", "1")
    skillsync(first, "push")

    root = tmp_path / "empty"
    root.mkdir()
    said = skillsync(root, "init", "--git", "--host", url, "--project", "1")
    assert "made a git repository" in said
    assert set(tree_of(root)) == {"skillsync.toml"}
    skillsync(root, "pull")
    assert is_clean(root)
    skills = {path for path in tree_of(first) if path.startswith("skills/")}
    assert {path for path in tree_of(root) if path.startswith("skills/")} == skills
    assert skillsync(root, "push") == "nothing to push\n"


def test_an_empty_server_and_an_empty_folder_are_clean_at_once(url: str, tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    skillsync(root, "init", "--git", "--host", url, "--project", "1")
    assert skillsync(root, "pull") == "nothing to pull\n"
    assert is_clean(root)


def test_without_a_repository_init_needs_git_to_be_named(url: str, tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    skillsync(root, "init", "--host", url, "--project", "1", exits=2)
    assert list(root.iterdir()) == []
