"""Creating, publishing, archiving, duplicating and renaming skills: each one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError
from rest_framework.exceptions import ValidationError

from skillsync.server.exceptions import BareError
from skillsync.server.models import Skill
from skillsync.server.skills_edits import edited_body
from skillsync.server.skills_files import edited_files, files_from
from skillsync.server.skills_input import is_logical_only
from skillsync.server.skills_limits import CATEGORIES, NAME_TAKEN
from skillsync.server.skills_missing import skill_missing
from skillsync.server.skills_owners import (
    belongings_of,
    forget,
    members,
    move,
    set_owners,
    set_tags,
)
from skillsync.server.skills_versions import (
    CONTENT,
    FileText,
    active_skills,
    files_of,
    find_skill,
    insert,
    insert_next,
    latest_for_write,
    require_base,
    require_short_description,
    versions_named,
)
from skillsync.server.writes import now_after, writing_skills

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project, User


_SEEDED = "seeded_by"
"""The metadata key that marks a skill which the server made."""


def create(
    project: Project,
    *,
    user: User,
    name: str,
    content: Mapping[str, Any],
    files: Sequence[FileText],
    owners: Sequence[uuid.UUID] | None = None,
    tags: Sequence[str] = (),
) -> Skill:
    """Version 1 of a new skill, also of a name that was archived (skills-api.md 4).

    ``content`` has every field of ``CONTENT``. ``owners`` None means the creator. ValidationError ``unique``
    when an active skill has the name, ``invalid_owner`` for an owner who is no member.
    """
    try:
        with writing_skills(project):
            if active_skills(project).filter(name=name).exists():
                raise name_taken("name")
            people = [user] if owners is None else members(project, owners)
            forget(project, name)
            set_owners(project, name, people)
            set_tags(project, name, tags)
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
        raise name_taken("name") from error


def publish(
    project: Project,
    name: str,
    *,
    user: User,
    changes: Mapping[str, Any],
    dialect: Dialect,
) -> Skill:
    """The next version with ``changes`` (a validated PublishInput); what is absent is carried forward.

    Checks in the order of skills-api.md 3: 404, stale base 409, version limit 400, long description 400, edits
    400. Every accepted publish makes a version, also when nothing changes, unless it sets owners or tags only.
    """
    base_version = changes.get("base_version")
    with writing_skills(project):
        owners = members(project, changes["owners"]) if "owners" in changes else None
        if is_logical_only(changes):
            latest = find_skill(project, name, dialect=dialect)
            require_base(latest, base_version)
            published = latest
        else:
            latest = latest_for_write(project, name, base_version=base_version, dialect=dialect)
            published = _next(latest, user=user, changes=changes, dialect=dialect)
        if owners is not None:
            set_owners(project, name, owners)
        if "tags" in changes:
            set_tags(project, name, changes["tags"])
        return published


def _next(latest: Skill, *, user: User, changes: Mapping[str, Any], dialect: Dialect) -> Skill:
    content = {field: changes[field] for field in CONTENT if field in changes}
    require_short_description(content.get("description", latest.description), dialect=dialect)
    if "metadata" in content:
        content["metadata"] = _with_provenance(content["metadata"], latest.metadata, dialect)
    if "edits" in changes:
        content["body"] = edited_body(latest.body, changes["edits"])
    if "files" in changes:
        files = files_from(changes["files"])
    else:
        files = edited_files(files_of(latest), changes.get("file_edits", ()))
    content["version_description"] = changes.get("version_description")
    return insert_next(latest, user=user, content=content, files=files)


def _with_provenance(
    sent: Mapping[str, Any], stored: Mapping[str, Any], dialect: Dialect
) -> dict[str, Any]:
    """What a seeded skill says of its origin stays as it is stored (skills-api.md 2.6)."""
    if _SEEDED not in stored:
        return dict(sent)
    kept = dialect.protected_metadata
    return {
        **{key: value for key, value in sent.items() if key not in kept},
        **{key: value for key, value in stored.items() if key in kept},
    }


def archive(project: Project, name: str, *, dialect: Dialect) -> None:
    """Take every version of the name out of sight, unconditionally; BareError 404 without one."""
    with writing_skills(project):
        rows = versions_named(project, name)
        moved = {"updated_at": now_after(None)} if dialect.archive_moves_updated_at else {}
        if not rows.update(deleted=True, **moved):
            raise skill_missing(project, name, dialect=dialect)
        forget(project, name)


def duplicate(project: Project, name: str, *, new_name: str, user: User, dialect: Dialect) -> Skill:
    """Version 1 of ``new_name`` with the latest content and files; a taken name is a bare 400."""
    source = find_skill(project, name, dialect=dialect)
    content = {field: getattr(source, field) for field in CONTENT}
    tags: Sequence[str] = ()
    if dialect.has_logical_metadata:
        tags = belongings_of(project, [name])[name].tags
        content["metadata"] = {k: v for k, v in source.metadata.items() if k != _SEEDED}
    if dialect.refuses_long_descriptions and len(source.description) > dialect.max_description:
        text = (
            f"Shorten the source skill description to {dialect.max_description} characters before "
            "duplicating it."
        )
        raise BareError(400, {"detail": text})
    try:
        return create(
            project,
            user=user,
            name=new_name,
            content=content,
            files=files_of(source),
            tags=tags,
        )
    except ValidationError as error:
        raise BareError(400, {"attr": "new_name", "detail": NAME_TAKEN}) from error


def rename(project: Project, name: str, *, new_name: str, dialect: Dialect) -> Skill:
    """Move every version to ``new_name``: ids and numbers stay, ``updated_at`` grows (skills-api.md 6)."""
    with writing_skills(project):
        latest = find_skill(project, name, dialect=dialect)
        if new_name == name:
            return latest
        _require_renamable(name, new_name)
        if active_skills(project).filter(name=new_name).exists():
            raise name_taken("new_name")
        now = now_after(latest.updated_at)
        active_skills(project).filter(name=name).update(name=new_name, updated_at=now)
        forget(project, new_name)
        move(project, name, new_name)
        return find_skill(project, new_name, dialect=dialect)


def _require_renamable(*names: str) -> None:
    for prefix in CATEGORIES:
        if any(name.startswith(prefix) for name in names):
            text = (
                f"Names starting with '{prefix}' keep product settings under the skill name, so a "
                "skill can't be renamed into or out of them. Duplicate the skill instead."
            )
            raise ValidationError({"new_name": [text]}, code="reserved_prefix")


def name_taken(attr: str) -> ValidationError:
    """400 ``unique`` on the field that holds the name."""
    return ValidationError({attr: [NAME_TAKEN]}, code="unique")
