"""``skillsync server-admin``: more projects, people and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from skillsync.cli.cmd_server_admin import server_admin
from skillsync.server import accounts
from skillsync.server.app import create_app, new_database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = new_database(tmp_path / "server.sqlite3")
    app = create_app(url)
    accounts.first_start(key=None)
    app.close()
    return url


def run(database: str, *arguments: str) -> Any:
    result = CliRunner().invoke(server_admin, ["--database", database, *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_is_made_for_a_person(database: str) -> None:
    from skillsync.server.models import ApiKey

    made = run(database, "add-key", "--user", "Bea", "--scopes", "llm_skill:write, dataset:read")
    assert list(made) == ["schema", "key", "id", "user_id", "user_email"]
    assert made["schema"] == "skillsync.server-admin.key/1"
    assert made["key"].startswith("phx_")
    assert (made["user_id"], made["user_email"]) == (2, "bea@localhost")
    app = create_app(database)
    stored = ApiKey.objects.get(pk=made["id"])
    assert (stored.scopes, stored.scoped_teams) == (["llm_skill:write", "dataset:read"], [])
    app.close()


def test_a_key_may_be_limited_to_a_project(database: str) -> None:
    from skillsync.server.models import ApiKey

    project = run(database, "add-project", "Second one")
    assert project == {
        "schema": "skillsync.server-admin.project/1",
        "project": 2,
        "name": "Second one",
    }
    made = run(database, "add-key", "--user", "Bea", "--project", "2")
    app = create_app(database)
    assert ApiKey.objects.get(pk=made["id"]).scoped_teams == [2]
    app.close()


def test_people_get_a_line(database: str) -> None:
    arguments = ["--database", database]
    key = CliRunner().invoke(server_admin, [*arguments, "add-key", "--user", "Bea"])
    assert key.stdout.startswith("phx_")
    assert "bea@localhost" in key.stdout
    project = CliRunner().invoke(server_admin, [*arguments, "add-project", "Two"])
    assert project.stdout == "Project 2: Two\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["add-key", "--user", "Bea", "--scopes", "everything"],
        ["add-key", "--user", "Bea", "--scopes", ""],
        ["add-key", "--user", "Bea", "--project", "7"],
        ["add-key", "--user", " "],
        ["add-key"],
        ["add-project"],
    ],
)
def test_what_cannot_be_is_a_usage_error(database: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(server_admin, ["--database", database, *arguments])
    assert result.exit_code == 2
