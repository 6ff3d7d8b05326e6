"""Version rows of skills: finding them, and adding the next one."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, CharField, UUIDField

from skillsync.server.dialects import DIALECTS
from skillsync.server.exceptions import BareError
from skillsync.server.models import Skill, SkillFile
from skillsync.server.outline import outline_of
from skillsync.server.prepared import Prepared, PreparedUpdate, Slot, insert_row
from skillsync.server.skills_limits import MAX_VERSIONS, size_of
from skillsync.server.skills_missing import skill_missing
from skillsync.server.writes import now_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project, User

CONTENT = (
    "description",
    "body",
    "license",
    "compatibility",
    "allowed_tools",
    "metadata",
)
"""The fields that a publish carries forward unless they are given."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A bundled file as it will be stored."""

    path: str
    content: str
    content_type: str


def active_skills(project: Project) -> QuerySet[Skill]:
    """The version rows that the API shows; archived ones leave no trace (skills-api.md 6)."""
    return Skill.objects.filter(project=project, deleted=False).select_related("created_by")


def versions_named(project: Project, name: str) -> QuerySet[Skill]:
    """The active version rows of a name; none for a name that no database could hold."""
    rows = active_skills(project)
    return rows.none() if "\0" in name else rows.filter(name=name)


def _named() -> QuerySet[Skill]:
    """``versions_named``, of a project and a name that are given later."""
    return Skill.objects.filter(
        project_id=Slot("project", BigIntegerField()), name=Slot("name", CharField()), deleted=False
    )


_LATEST = Prepared(lambda: _named().filter(is_latest=True).select_related("created_by"))
_ANY = Prepared(lambda: _named().values_list("pk")[:1])


def _files_with(*fields: str) -> Prepared[tuple[Any, ...]]:
    of_skill = {"skill_id": Slot("skill", UUIDField())}
    return Prepared(
        lambda: SkillFile.objects.filter(**of_skill).order_by("path").values_list(*fields)
    )


_FILES = _files_with("path", "content", "content_type")
_MANIFESTS = {
    dialect.file_fields: _files_with(*dialect.file_fields) for dialect in DIALECTS.values()
}
_NO_LONGER_LATEST = PreparedUpdate(
    lambda: Skill.objects.filter(pk=Slot("pk", UUIDField())), is_latest=False
)


def find_skill(
    project: Project, name: str, *, dialect: Dialect, version: int | None = None
) -> Skill:
    """The version of the name, or its latest; BareError 404 when there is none."""
    if version is not None:
        skill = versions_named(project, name).filter(version=version).first()
    else:
        skill = None if "\0" in name else _LATEST.first(project=project.pk, name=name)
    if skill is None:
        raise skill_missing(project, name, dialect=dialect, version=version)
    return skill


def require_skill(project: Project, name: str, *, dialect: Dialect) -> None:
    """BareError 404 when no active skill bears the name."""
    if "\0" in name or not _ANY.rows(project=project.pk, name=name):
        raise skill_missing(project, name, dialect=dialect)


def skill_of_id(project: Project, text: str) -> Skill | None:
    """The active version row whose id this is; None for an unknown id and for what is none."""
    try:
        number = uuid.UUID(text)
    except ValueError:
        return None
    return active_skills(project).filter(pk=number).first()


def latest_version_of(skill: Skill) -> int:
    """The number of the newest active version of the skill's name."""
    if skill.is_latest:
        return skill.version
    latest = (
        active_skills(skill.project)
        .filter(name=skill.name, is_latest=True)
        .values_list("version", flat=True)
        .first()
    )
    return latest or skill.version  # archived between two reads: the row itself is what is known


def find_file(skill: Skill, path: str) -> SkillFile | None:
    """The version's file of this path, or None."""
    return None if "\0" in path else skill.files.filter(path=path).first()


def manifest_of(skill: Skill, dialect: Dialect) -> list[dict[str, Any]]:
    """What the dialect tells of each file of a version, by path."""
    rows = _MANIFESTS[dialect.file_fields].rows(skill=skill.pk)
    return [dict(zip(dialect.file_fields, row, strict=True)) for row in rows]


def files_of(skill: Skill) -> list[FileText]:
    """The files of a version with their contents, by path."""
    return [FileText(*row) for row in _FILES.rows(skill=skill.pk)]


def latest_for_write(
    project: Project, name: str, *, base_version: int | None, dialect: Dialect
) -> Skill:
    """The latest version under the write lock; refuses a stale base (409), then a full history (400)."""
    latest = find_skill(project, name, dialect=dialect)
    require_base(latest, base_version)
    if latest.version >= MAX_VERSIONS:
        raise BareError(
            400,
            {
                "detail": f"Skill has reached the maximum of {MAX_VERSIONS} versions. Archive and "
                "recreate the skill to continue publishing."
            },
        )
    return latest


def require_base(latest: Skill, base_version: int | None) -> None:
    """BareError 409 when ``base_version`` is given and not the latest version."""
    if base_version is not None and base_version != latest.version:
        raise BareError(
            409,
            {
                "detail": "The skill changed since you opened it. Reload the latest version and "
                "try again.",
                "current_version": latest.version,
            },
        )


def require_short_description(description: str, *, dialect: Dialect) -> None:
    """BareError 400 when a new version would carry a description that is too long (skills-api.md 3)."""
    if dialect.refuses_long_descriptions and len(description) > dialect.max_description:
        raise BareError(
            400,
            {
                "detail": f"Shorten the skill description to {dialect.max_description} characters "
                "before creating a new version."
            },
        )


def insert_next(
    latest: Skill, *, user: User, content: Mapping[str, Any], files: Sequence[FileText]
) -> Skill:
    """Make ``content`` and ``files`` the next version; other fields of ``CONTENT`` are carried forward."""
    _NO_LONGER_LATEST.run(pk=latest.pk)
    now = now_after(latest.created_at)
    carried = {field: getattr(latest, field) for field in CONTENT}
    return insert(
        Skill(
            project_id=latest.project_id,
            name=latest.name,
            version=latest.version + 1,
            created_by=user,
            created_at=now,
            updated_at=now,
            first_created_at=latest.first_created_at,
            **{**carried, **content},
        ),
        files,
    )


def insert(skill: Skill, files: Sequence[FileText]) -> Skill:
    """Store a version row with its outline and files."""
    skill.outline = outline_of(skill.body)
    insert_row(skill)
    if files:
        SkillFile.objects.bulk_create(_file_row(skill, file) for file in files)
    return skill


def _file_row(skill: Skill, file: FileText) -> SkillFile:
    return SkillFile(
        skill=skill,
        path=file.path,
        content=file.content,
        content_type=file.content_type,
        size=size_of(file.content),
        sha256=hashlib.sha256(file.content.encode()).hexdigest(),
        char_count=len(file.content),
        line_count=file.content.count("\n") + 1,
    )
