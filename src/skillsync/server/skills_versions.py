"""Version rows of skills: finding them, and adding the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillsync.server.exceptions import BareError
from skillsync.server.models import Skill, SkillFile
from skillsync.server.outline import outline_of
from skillsync.server.skills_limits import MAX_VERSIONS
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


def find_skill(
    project: Project, name: str, *, dialect: Dialect, version: int | None = None
) -> Skill:
    """The version of the name, or its latest; BareError 404 when there is none."""
    rows = active_skills(project).filter(name=name)
    rows = rows.filter(is_latest=True) if version is None else rows.filter(version=version)
    skill = rows.first()
    if skill is None:
        raise BareError(404, dialect.skill_not_found(name))
    return skill


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


def files_of(skill: Skill) -> list[FileText]:
    """The files of a version with their contents, by path."""
    rows = skill.files.order_by("path").values_list("path", "content", "content_type")
    return [FileText(*row) for row in rows]


def latest_for_write(
    project: Project, name: str, *, base_version: int | None, dialect: Dialect
) -> Skill:
    """The latest version under the write lock; refuses a stale base (409), then a full history (400)."""
    latest = find_skill(project, name, dialect=dialect)
    if base_version is not None and base_version != latest.version:
        raise BareError(
            409,
            {
                "detail": "The skill changed since you opened it. Reload the latest version and "
                "try again.",
                "current_version": latest.version,
            },
        )
    if latest.version >= MAX_VERSIONS:
        raise BareError(
            400,
            {
                "detail": f"Skill has reached the maximum of {MAX_VERSIONS} versions. Archive and "
                "recreate the skill to continue publishing."
            },
        )
    return latest


def insert_next(
    latest: Skill, *, user: User, content: Mapping[str, Any], files: Sequence[FileText]
) -> Skill:
    """Make ``content`` and ``files`` the next version; other fields are carried forward."""
    Skill.objects.filter(pk=latest.pk).update(is_latest=False)
    now = now_after(latest.created_at)
    carried = {field: getattr(latest, field) for field in CONTENT}
    return insert(
        Skill(
            project=latest.project,
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
    skill.save(force_insert=True)
    SkillFile.objects.bulk_create(
        SkillFile(skill=skill, path=file.path, content=file.content, content_type=file.content_type)
        for file in files
    )
    return skill
