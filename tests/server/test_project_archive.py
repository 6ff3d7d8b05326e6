"""A project moves to another database with every id, version and time."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.models import Project, Skill, User
from skillsync.server.project_archive import export_project, import_project
from tests.server.conftest import Clients
from tests.server.facts import a_file, create, publish

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

READS = [
    "llm_skills?order_by=name",
    "llm_skills/name/greet",
    "llm_skills/name/greet?version=1",
    "llm_skills/name/greet/files/a.md",
    "llm_skills/resolve/name/greet",
    "llm_skills/tags",
    "datasets",
]


def fill(seed: httpx.Client, current: httpx.Client) -> list[str]:
    """Some of everything; the paths that show it."""
    create(current, files=[a_file("a.md", "é\n x")], tags=["t"], metadata={"k": 1e22})
    publish(current, base=1, body="two", version_description="why")
    create(current, "gone")
    current.post("llm_skills/name/gone/archive")
    made = current.post("datasets", json={"name": "d", "metadata": {"m": [1]}}).json()["id"]
    item = {"dataset": made, "input": {"é": None}, "client_item_id": "k"}
    number = current.post("dataset_items", json=item).json()["id"]
    current.patch(f"dataset_items/{number}", json={"base_version": 1, "expected_output": False})
    member = current.get("http://server.test/api/users/@me/").json()["uuid"]
    grant = {"access_level": "viewer", "organization_member": member}
    assert current.put(f"datasets/{made}/access_controls", json=grant).status_code == 200
    old = seed.post("datasets", json={"name": "old"}).json()["id"]
    seed.post("dataset_items", json={"dataset": old, "input": 1, "ref_timestamp": "2024-01-01"})
    return [
        *READS,
        f"dataset_items?dataset={made}&revision=1",
        f"dataset_items/{number}/versions",
        f"datasets/{made}/revisions",
        f"datasets/{made}/access_controls",
    ]


def seen(client: httpx.Client, paths: list[str]) -> list[Any]:
    answers = [client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return [without_places(answer.json()) for answer in answers]


def without_places(value: Any) -> Any:
    """The value without what another database numbers for itself."""
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "distinct_id" in value:
        return value["email"]
    places = {"team", "team_id", "organization_member"}
    return {k: without_places(v) for k, v in value.items() if k not in places}


def test_what_is_imported_reads_as_what_was_exported(tmp_path: Path, database: str) -> None:
    source = [create_app(database, dialect=name) for name in ("seed", "current")]
    accounts.first_start(key="phx_first_key")
    seed, current = (Clients(app)() for app in source)
    paths = fill(seed, current)
    before, before_seed = seen(current, paths), seen(seed, ["datasets", "dataset_items"])
    archive = "".join(export_project(1))
    for app in source:
        app.close()

    target_url = new_database(tmp_path / "target.sqlite3")
    target = [create_app(target_url, dialect=name) for name in ("seed", "current")]
    accounts.first_start(key="phx_first_key")
    made = import_project(io.StringIO(archive), name="copy")
    base = f"http://server.test/api/projects/{made.pk}/"
    seed, current = (Clients(app)(base=base) for app in target)
    assert (made.pk, made.name) == (2, "copy")
    assert seen(current, paths) == before
    assert seen(seed, ["datasets", "dataset_items"]) == before_seed
    assert publish(current, base=2)["version"] == 3
    assert current.get("llm_skills/name/gone").status_code == 404
    assert Skill.objects.filter(project=made, name="gone", deleted=True).count() == 1
    assert User.objects.count() == 1, "people are found by their address"
    for app in target:
        app.close()


def test_an_archive_holds_no_key(current: httpx.Client) -> None:
    create(current)
    lines = "".join(export_project(1))
    assert "phx_" not in lines
    assert "phc_" not in lines
    assert '"digest"' not in lines
    assert all(isinstance(json.loads(line), dict) for line in lines.splitlines())


def test_people_that_are_unknown_are_made(tmp_path: Path, current_clients: Clients) -> None:
    create(current_clients.scoped("llm_skill:write", user="Bea Muster"))
    archive = "".join(export_project(1))
    target = create_app(new_database(tmp_path / "target.sqlite3"), dialect="current")
    accounts.first_start(key="phx_first_key")
    import_project(io.StringIO(archive))
    client = Clients(target)(base="http://server.test/api/projects/2/")
    assert client.get("llm_skills/name/greet").json()["created_by"]["last_name"] == "Muster"
    target.close()


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        ("", "line 1: this is no JSON"),
        ("{}", "line 1: this is no archive"),
        ("[]", "line 1: this is no JSON object"),
        ('{"schema":"skillsync.project/2"}', "no archive of a project"),
        ('{"schema":"skillsync.project/1","name":"p"}', "damaged"),
        ('{"schema":"skillsync.project/1","name":"p","users":[]}\n{"table":"x"}', "line 2: there is no table 'x'"),
        ('{"schema":"skillsync.project/1","name":"p","users":[]}\n{"table":"skill","row":{}}', "damaged"),
        ('{"schema":"skillsync.project/1","name":"p","users":[]}\n{"table":"skill_tag","row":{"name":"a","tag":"b"}}\nx', "line 3"),
    ],
)  # fmt: skip
def test_what_is_no_archive_is_refused_and_leaves_nothing(
    current: httpx.Client, archive: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        import_project(io.StringIO(archive))
    assert Project.objects.count() == 1


def test_rows_that_are_there_already_are_not_imported_again(current: httpx.Client) -> None:
    create(current)
    archive = "".join(export_project(1))
    with pytest.raises(ValueError, match="in the database already"):
        import_project(io.StringIO(archive))
    assert Project.objects.count() == 1
    with pytest.raises(ValueError, match="no project 7"):
        list(export_project(7))
