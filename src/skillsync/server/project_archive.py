"""A whole project as lines of JSON, out of one database and into another, with every id and time kept."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from skillsync.server import accounts
from skillsync.server.models import (
    Dataset,
    DatasetGrant,
    DatasetItem,
    DatasetRevision,
    ItemVersion,
    Project,
    Skill,
    SkillFile,
    SkillOwner,
    SkillTag,
    User,
    VersionedDataset,
    VersionedItem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA = "skillsync.project/1"
_BATCH = 200

_TABLES: dict[str, tuple[type[models.Model], str]] = {
    "skill": (Skill, "project"),
    "skill_file": (SkillFile, "skill__project"),
    "skill_tag": (SkillTag, "project"),
    "skill_owner": (SkillOwner, "project"),
    "dataset": (Dataset, "project"),
    "dataset_item": (DatasetItem, "project"),
    "versioned_dataset": (VersionedDataset, "project"),
    "dataset_revision": (DatasetRevision, "dataset__project"),
    "versioned_item": (VersionedItem, "dataset__project"),
    "item_version": (ItemVersion, "dataset__project"),
    "dataset_grant": (DatasetGrant, "dataset__project"),
}
"""Each table and its way to the project, those first that others point to."""


def export_project(number: int) -> Iterator[str]:
    """The lines of the archive: a header with name and people, then a row each; nothing of keys.

    Everything is of one moment, and writers may go on meanwhile. ValueError without such a project.
    """
    project = Project.objects.filter(pk=number).first()
    if project is None:
        raise ValueError(f"there is no project {number}")
    with _snapshot():
        people = {user.pk: user for user in User.objects.all()}
        yield _line(
            {
                "schema": SCHEMA,
                "name": project.name,
                "users": [_person(user) for user in people.values()],
            }
        )
        for table, (model, way) in _TABLES.items():
            rows = model._default_manager.filter(**{way: project}).order_by("pk")
            for row in rows.iterator(chunk_size=_BATCH):
                yield _line({"table": table, "row": _plain_row(row, people)})


def import_project(source: IO[str], *, name: str | None = None) -> Project:
    """A new project of the archive's rows, or nothing at all.

    People are found by address and made when unknown. ValueError for what is no archive, and when its rows are in
    this database already.
    """
    try:
        with transaction.atomic():
            header = _parsed(source.readline(), number=1)
            if header.get("schema") != SCHEMA:
                raise ValueError(f"line 1: this is no archive of a project ({SCHEMA})")
            project = accounts.create_project(name or header["name"])
            people = {person["uuid"]: _local_user(person) for person in header["users"]}
            for table, rows in _batches(source):
                model, _ = _TABLES[table]
                model._default_manager.bulk_create(
                    [_row(model, row, project, people) for row in rows]
                )
            Project.objects.filter(pk=project.pk).update(skills_revision=1)
            return project
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the archive is damaged: {error}") from error
    except ValidationError as error:
        raise ValueError(f"the archive is damaged: {'; '.join(error.messages)}") from error
    except IntegrityError as error:
        raise ValueError("rows of this project are in the database already") from error


@contextmanager
def _snapshot() -> Iterator[None]:
    """One state of the database for all reads, without keeping writers out."""
    begin = "BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("COMMIT")


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _parsed(line: str, *, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: this is no JSON") from error
    if not isinstance(value, dict):
        raise ValueError(f"line {number}: this is no JSON object")  # noqa: TRY004 - a wrong file
    return value


def _person(user: User) -> dict[str, str]:
    return {
        "uuid": str(user.uuid),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
    }


def _local_user(person: Mapping[str, str]) -> int:
    user, _ = User.objects.get_or_create(
        email=person["email"],
        defaults={
            "distinct_id": str(uuid.uuid4()),
            "first_name": person["first_name"],
            "last_name": person["last_name"],
        },
    )
    return user.pk


def _plain_row(row: models.Model, people: Mapping[int, User]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(field, models.AutoField) or field.related_model is Project:
            continue
        if field.related_model is User and value is not None:
            value = people[value].uuid
        values[field.attname] = _plain(value)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _batches(source: IO[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    table = ""
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(source, start=2):
        entry = _parsed(line, number=number)
        if entry.get("table") not in _TABLES:
            raise ValueError(f"line {number}: there is no table {entry.get('table')!r}")
        if rows and (entry["table"] != table or len(rows) == _BATCH):
            yield table, rows
            rows = []
        table = entry["table"]
        rows.append(entry["row"])
    if rows:
        yield table, rows


def _row(
    model: type[models.Model],
    values: Mapping[str, Any],
    project: Project,
    people: Mapping[str, int],
) -> models.Model:
    row = model()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        if field.related_model is Project:
            setattr(row, field.attname, project.pk)
        elif field.related_model is User:
            number = values[field.attname]
            setattr(row, field.attname, None if number is None else people[number])
        else:
            setattr(row, field.attname, field.to_python(values[field.attname]))
    return row
