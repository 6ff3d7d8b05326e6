"""Statements compiled once: they ask, and answer, as the query sets do that they are made of."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import BigIntegerField, CharField, F, UUIDField
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import NotFound

from skillsync.server.models import Project, Skill, SkillFile, User
from skillsync.server.prepared import Prepared, PreparedUpdate, Slot, insert_row
from skillsync.server.writes import now_after, writing_skills
from tests.server.facts import a_file, create

if TYPE_CHECKING:
    import httpx
    from django.db.models import QuerySet

_SKILLS = Prepared(
    lambda: (
        Skill.objects.filter(project_id=Slot("project", BigIntegerField()), deleted=False)
        .select_related("created_by")
        .order_by("name")
    )
)
_FILES = Prepared(
    lambda: SkillFile.objects.filter(
        skill_id=Slot("skill", UUIDField()), path__startswith="a"
    ).values_list("path", "content")
)


def _skill(name: str, **fields: object) -> Skill:
    now = now_after(None)
    times = {"created_at": now, "updated_at": now, "first_created_at": now}
    return Skill(project_id=1, name=name, description="d", body="b", version=1, **times, **fields)


def test_the_objects_are_those_of_the_query_set(client: httpx.Client) -> None:
    create(client, "a", metadata={"long": [1.5, None], "k": "é"}, allowed_tools=["A"])
    create(client, "b")
    Skill.objects.filter(name="b").update(created_by=None)
    usual = list(Skill.objects.select_related("created_by").order_by("name"))
    found = _SKILLS.rows(project=1)
    assert [vars(row) | {"_state": None} for row in found] == [vars(row) | {"_state": None} for row in usual]  # fmt: skip
    assert [row.created_by for row in found] == [row.created_by for row in usual]
    assert found[1].created_by is None
    assert not found[0]._state.adding
    assert _SKILLS.first(project=1) == found[0]
    assert _SKILLS.first(project=2) is None


def test_chosen_columns_come_as_tuples(client: httpx.Client) -> None:
    made = create(client, files=[a_file("a.md", "x"), a_file("b.md", "y")])
    assert _FILES.rows(skill=uuid.UUID(made["id"])) == [("a.md", "x")]
    assert _FILES.rows(skill=uuid.uuid4()) == []


def test_the_first_rows_are_as_many_as_are_asked_for_and_bring_annotations(
    client: httpx.Client,
) -> None:
    create(client, "a")
    create(client, "b")
    annotated = Prepared(lambda: Skill.objects.annotate(twice=F("version") * 2).order_by("name"))
    found: list[Any] = annotated.first_rows(1)
    assert [(row.name, row.twice) for row in found] == [("a", 2)]
    assert [row.name for row in _SKILLS.first_rows(9, project=1)] == ["a", "b"]


def test_a_statement_is_compiled_once_and_asks_every_time(client: httpx.Client) -> None:
    asked = []

    def users() -> QuerySet[User]:
        asked.append(1)
        return User.objects.filter(email=Slot("email", CharField()))

    statement = Prepared(users)
    client.get("llm_skills")  # binds this thread to the test's database
    user = User.objects.get()
    with CaptureQueriesContext(connection) as queries:
        assert statement.first(email=user.email) == user
        assert statement.first(email="nobody' OR '1'='1") is None
        User.objects.update(is_active=False)
        found = statement.first(email=user.email)
    assert found is not None
    assert not found.is_active
    assert (len(asked), len(queries)) == (1, 4)


def test_an_update_says_how_many_rows_it_changed(client: httpx.Client) -> None:
    create(client)
    grow = PreparedUpdate(
        lambda: Project.objects.filter(pk=Slot("pk", BigIntegerField())),
        skills_revision=F("skills_revision") + 2,
    )
    before = Project.objects.get(pk=1).skills_revision
    assert [grow.run(pk=1), grow.run(pk=1), grow.run(pk=99)] == [1, 1, 0]
    assert Project.objects.get(pk=1).skills_revision == before + 4


def test_an_inserted_row_is_as_a_saved_one(client: httpx.Client) -> None:
    client.get("llm_skills")
    metadata = {"longer": 1e300, "k": [True, None, "\u2028"]}
    tagged = {"metadata": metadata, "outline": [[1, "T"]], "created_by": User.objects.get()}
    saved = _skill("saved", **tagged)
    saved.save(force_insert=True)
    inserted = insert_row(_skill("inserted", **tagged))
    assert not inserted._state.adding
    stored, usual = Skill.objects.get(pk=inserted.pk), Skill.objects.get(pk=saved.pk)
    assert (stored.metadata, stored.created_by) == (usual.metadata, usual.created_by)
    assert inserted.metadata == metadata
    inserted.body = "changed"
    inserted.save()
    assert Skill.objects.get(pk=inserted.pk).body == "changed"


def test_a_constraint_refuses_an_inserted_row(client: httpx.Client) -> None:
    client.get("llm_skills")
    insert_row(_skill("twice"))
    with pytest.raises(IntegrityError):
        insert_row(_skill("twice"))


def test_a_write_of_a_project_that_was_taken_away_meanwhile_is_a_404(client: httpx.Client) -> None:
    client.get("llm_skills")
    gone = Project(pk=77, organization=Project.objects.get(pk=1).organization)
    with pytest.raises(NotFound), writing_skills(gone):
        pass


def test_a_list_a_read_a_publish_and_a_new_item_compile_nothing_anew(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes them fast (`python -m benchmarks`), without a clock."""
    create(client, files=[])
    dataset = client.post("datasets/", json={"name": "d"}).json()["id"]
    version = 1

    def ask() -> list[int]:
        nonlocal version
        sent = {"base_version": version, "body": "# New"}
        version += 1
        answers = [
            client.get("datasets/"),
            client.get("llm_skills/name/greet"),
            client.patch("llm_skills/name/greet", json=sent),
            client.post("dataset_items/", json={"dataset": dataset, "input": 1}),
        ]
        return [answer.status_code for answer in answers]

    assert ask() == [200, 200, 200, 201]
    compiled: list[str] = []
    for kind in (SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler):
        original = kind.as_sql

        def noted(self: Any, *given: Any, _original: Any = original, **named: Any) -> Any:
            compiled.append(type(self).__name__)
            return _original(self, *given, **named)

        monkeypatch.setattr(kind, "as_sql", noted)
    with CaptureQueriesContext(connection) as queries:
        assert ask() == [200, 200, 200, 201]
    assert compiled == []
    locks = 2 * connection.features.has_select_for_update
    assert len(queries) == 4 + 5 + 11 + 7 + locks
