"""How skills look in answers: summary, detail and version entries (skills-api.md 1.2, 1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillsync.server.render import render_time, render_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillsync.server.models import Skill


def render_summary(skill: Skill) -> dict[str, Any]:
    """A list item: the detail without ``body`` and ``files``. ``skill`` is a latest row."""
    return {**_head(skill), **_fields(skill), **_tail(skill, latest=skill.version)}


def render_detail(skill: Skill, *, latest: int, files: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The whole skill. ``latest`` is the name's newest version, ``files`` pairs of path and type."""
    manifest = [{"path": path, "content_type": kind} for path, kind in files]
    return {
        **_head(skill),
        "body": skill.body,
        **_fields(skill),
        "files": manifest,
        **_tail(skill, latest=latest),
    }


def render_version(skill: Skill) -> dict[str, Any]:
    """An entry of ``versions`` in resolve."""
    return {
        "id": str(skill.pk),
        "version": skill.version,
        "created_by": render_user(skill.created_by),
        "created_at": render_time(skill.created_at),
        "is_latest": skill.is_latest,
    }


def _head(skill: Skill) -> dict[str, Any]:
    return {"id": str(skill.pk), "name": skill.name, "description": skill.description}


def _fields(skill: Skill) -> dict[str, Any]:
    return {
        "license": skill.license,
        "compatibility": skill.compatibility,
        "allowed_tools": skill.allowed_tools,
        "metadata": skill.metadata,
    }


def _tail(skill: Skill, *, latest: int) -> dict[str, Any]:
    return {
        "outline": [{"level": level, "text": text} for level, text in skill.outline],
        "version": skill.version,
        "created_by": render_user(skill.created_by),
        "created_at": render_time(skill.created_at),
        "updated_at": render_time(skill.updated_at),
        "deleted": skill.deleted,
        "is_latest": skill.is_latest,
        "latest_version": latest,
        "version_count": latest,
        "first_version_created_at": render_time(skill.first_created_at),
    }
