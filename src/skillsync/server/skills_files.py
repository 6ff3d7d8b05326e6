"""Bundled files of a skill: adding, deleting, renaming and editing one makes a version (skills-api.md 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skillsync.server.exceptions import BareError
from skillsync.server.skills_edits import edited_file
from skillsync.server.skills_versions import (
    FileText,
    files_of,
    insert_next,
    latest_for_write,
    require_short_description,
)
from skillsync.server.writes import writing_skills

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project, Skill, User


def add_file(
    project: Project,
    name: str,
    *,
    file: FileText,
    base_version: int | None,
    user: User,
    dialect: Dialect,
) -> Skill:
    """The next version with one more file; 409 when the path is taken, 400 when the skill is full."""
    with writing_skills(project):
        latest = latest_for_write(project, name, base_version=base_version, dialect=dialect)
        files = files_of(latest)
        _require_free(files, file.path, name=name)
        if len(files) >= dialect.max_files:
            raise BareError(400, {"detail": dialect.skill_is_full()})
        require_short_description(latest.description, dialect=dialect)
        return insert_next(latest, user=user, content={}, files=[*files, file])


def delete_file(
    project: Project,
    name: str,
    *,
    path: str,
    base_version: int | None,
    user: User,
    dialect: Dialect,
) -> Skill:
    """The next version without the file; BareError 404 when there is no such file."""
    with writing_skills(project):
        latest = latest_for_write(project, name, base_version=base_version, dialect=dialect)
        files = files_of(latest)
        _require_file(files, path, name=name)
        kept = [file for file in files if file.path != path]
        require_short_description(latest.description, dialect=dialect)
        return insert_next(latest, user=user, content={}, files=kept)


def rename_file(
    project: Project,
    name: str,
    *,
    paths: tuple[str, str],
    base_version: int | None,
    user: User,
    dialect: Dialect,
) -> Skill:
    """The next version with the file ``paths[0]`` called ``paths[1]``; content and type stay."""
    old_path, new_path = paths
    with writing_skills(project):
        latest = latest_for_write(project, name, base_version=base_version, dialect=dialect)
        files = files_of(latest)
        _require_file(files, old_path, name=name)
        _require_free(files, new_path, name=name)
        renamed = [
            replace(file, path=new_path) if file.path == old_path else file for file in files
        ]
        require_short_description(latest.description, dialect=dialect)
        return insert_next(latest, user=user, content={}, files=renamed)


def files_from(entries: Iterable[Mapping[str, str]]) -> list[FileText]:
    """Files from validated FileInput values."""
    return [
        FileText(path=entry["path"], content=entry["content"], content_type=entry["content_type"])
        for entry in entries
    ]


def edited_files(
    files: Sequence[FileText], file_edits: Iterable[Mapping[str, Any]]
) -> list[FileText]:
    """The files after a publish's ``file_edits``; BareError 400 for a path that is not there."""
    by_path = {file.path: file for file in files}
    for entry in file_edits:
        path = entry["path"]
        if path not in by_path:
            raise BareError(
                400,
                {
                    "detail": f"File '{path}' not found in the current skill version.",
                    "file_path": path,
                },
            )
        edited = edited_file(by_path[path].content, entry["edits"], path=path)
        by_path[path] = replace(by_path[path], content=edited)
    return list(by_path.values())


def file_not_found(path: str, name: str) -> BareError:
    """404 for a file that the version does not have (skills-api.md 5)."""
    return BareError(404, {"detail": f"File '{path}' not found in skill '{name}'."})


def _require_file(files: Sequence[FileText], path: str, *, name: str) -> None:
    if all(file.path != path for file in files):
        raise file_not_found(path, name)


def _require_free(files: Sequence[FileText], path: str, *, name: str) -> None:
    if any(file.path == path for file in files):
        raise BareError(409, {"detail": f"File '{path}' already exists in skill '{name}'."})
