"""Creating, publishing, archiving and duplicating skills: each one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError
from rest_framework.exceptions import ValidationError

from skillsync.server.exceptions import BareError
from skillsync.server.models import Skill
from skillsync.server.skills_edits import edited_body
from skillsync.server.skills_files import edited_files, files_from
from skillsync.server.skills_limits import NAME_TAKEN
from skillsync.server.skills_versions import (
    CONTENT,
    FileText,
    active_skills,
    files_of,
    find_skill,
    insert,
    insert_next,
    latest_for_write,
)
from skillsync.server.writes import now_after, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project, User


def create(
    project: Project,
    *,
    user: User,
    name: str,
    content: Mapping[str, Any],
    files: Sequence[FileText],
) -> Skill:
    """Version 1 of a new skill, also of a name that was archived (skills-api.md 4).

    ``content`` has every field of ``CONTENT``. ValidationError ``unique`` when an active skill has the name.
    """
    try:
        with writing(project):
            if active_skills(project).filter(name=name).exists():
                raise _name_taken()
            now = now_after(None)
            return insert(
                Skill(
                    project=project,
                    name=name,
                    version=1,
                    created_by=user,
                    created_at=now,
                    updated_at=now,
                    first_created_at=now,
                    **{field: content[field] for field in CONTENT},
                ),
                files,
            )
    except IntegrityError as error:
        raise _name_taken() from error


def publish(
    project: Project,
    name: str,
    *,
    user: User,
    changes: Mapping[str, Any],
    dialect: Dialect,
) -> Skill:
    """The next version with ``changes`` (a validated PublishInput); what is absent is carried forward.

    Checks in the order of skills-api.md 3: 404, stale base 409, version limit 400, edits 400. Every accepted
    publish makes a version, also when nothing changes.
    """
    with writing(project):
        latest = latest_for_write(
            project, name, base_version=changes["base_version"], dialect=dialect
        )
        content = {field: changes[field] for field in CONTENT if field in changes}
        if "edits" in changes:
            content["body"] = edited_body(latest.body, changes["edits"])
        if "files" in changes:
            files = files_from(changes["files"])
        else:
            files = edited_files(files_of(latest), changes.get("file_edits", ()))
        return insert_next(latest, user=user, content=content, files=files)


def archive(project: Project, name: str, *, dialect: Dialect) -> None:
    """Take every version of the name out of sight, unconditionally; BareError 404 without one."""
    with writing(project):
        if not active_skills(project).filter(name=name).update(deleted=True):
            raise BareError(404, dialect.skill_not_found(name))


def duplicate(project: Project, name: str, *, new_name: str, user: User, dialect: Dialect) -> Skill:
    """Version 1 of ``new_name`` with the latest content and files; a taken name is a bare 400."""
    source = find_skill(project, name, dialect=dialect)
    content = {field: getattr(source, field) for field in CONTENT}
    try:
        return create(project, user=user, name=new_name, content=content, files=files_of(source))
    except ValidationError as error:
        raise BareError(400, {"attr": "new_name", "detail": NAME_TAKEN}) from error


def _name_taken() -> ValidationError:
    return ValidationError({"name": [NAME_TAKEN]}, code="unique")
