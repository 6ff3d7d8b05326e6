"""``skillsync server-admin``: more projects, people and keys."""

from __future__ import annotations

import json
import stat
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


def test_keys_are_listed_and_revoked(database: str) -> None:
    made = run(database, "add-key", "--user", "Bea")
    listed = run(database, "list-keys")
    assert listed["schema"] == "skillsync.server-admin.keys/1"
    assert [key["user_email"] for key in listed["keys"]] == ["admin@localhost", "bea@localhost"]
    assert made["key"] not in json.dumps(listed)
    assert run(database, "revoke-key", made["id"]) == {
        "schema": "skillsync.server-admin.revoked-key/1",
        "id": made["id"],
    }
    assert run(database, "list-keys")["keys"][1]["revoked_at"].endswith("Z")
    shown = CliRunner().invoke(server_admin, ["--database", database, "list-keys"]).stdout
    assert f"{made['id']}  phx_...{made['key'][-4:]}  bea@localhost  revoked" in shown


def test_an_organisation_owns_projects_and_limits_keys(database: str) -> None:
    made = run(database, "add-organization", "Other")
    assert list(made) == ["schema", "organization", "name"]
    assert run(database, "add-project", "Two", "--organization", "Other")["project"] == 2
    run(database, "add-key", "--user", "Bea", "--organization", made["organization"])
    limits = [key["scoped_organizations"] for key in run(database, "list-keys")["keys"]]
    assert limits == [[], [made["organization"]]]


def test_a_project_is_exported_and_imported(database: str, tmp_path: Path) -> None:
    file = tmp_path / "project.jsonl"
    arguments = ["--database", database, "export-project", "1"]
    assert CliRunner().invoke(server_admin, [*arguments, str(file)]).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = CliRunner().invoke(server_admin, [*arguments, "-"]).stdout
    assert text == file.read_text()
    assert run(database, "import-project", str(file), "--name", "Copy") == {
        "schema": "skillsync.server-admin.project/1",
        "project": 2,
        "name": "Copy",
    }
    failed = ["--database", database, "export-project", "9", str(file)]
    assert CliRunner().invoke(server_admin, failed).exit_code == 2
    assert file.read_text() == text, "what was there stays"
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_migrating_says_when_it_is_done(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/new.sqlite3"
    result = CliRunner().invoke(server_admin, ["--database", database, "migrate"])
    assert (result.exit_code, result.stdout) == (0, "The database is up to date.\n")


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
        ["add-key", "--user", "Bea", "--organization", "None"],
        ["add-project"],
        ["add-project", " "],
        ["add-project", "x", "--organization", "None"],
        ["add-organization", "skillsync"],
        ["revoke-key", "nothing"],
        ["export-project", "7", "-"],
        ["import-project", __file__],
    ],
)
def test_what_cannot_be_is_a_usage_error(database: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(server_admin, ["--database", database, *arguments])
    assert result.exit_code == 2
