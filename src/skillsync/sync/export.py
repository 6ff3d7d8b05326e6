"""Keeps every version of a skill in git before it is archived: archiving hides its whole history (S13, sync.md A6)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from skillsync.errors import InvalidContent, RemoteError
from skillsync.formats.skill_md import new_skill_md
from skillsync.model import RemoteSkill
from skillsync.repo.versions import KeptVersion, keep_versions, kept_versions, version_ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.sync.workspace import Remote, Workspace

MOST_VERSIONS = 2_000
_AT_ONCE = 50
"""How many versions are in memory at one time."""


def export_history(workspace: Workspace, remote: Remote, name: str) -> tuple[int, str]:
    """Keep all versions of a skill that are not kept yet; return how many there are, and the ref.

    Raises RemoteError when one cannot be read whole: then it must not be archived.
    """
    ref = version_ref(remote.target.place, name)
    there = kept_versions(workspace.repo, ref)
    versions = sorted(
        remote.skills.versions(name, newest=MOST_VERSIONS), key=lambda one: one.number
    )
    missing = [version.number for version in versions if version.id not in there]
    for start in range(0, len(missing), _AT_ONCE):
        read = _read(remote, name, missing[start : start + _AT_ONCE])
        keep_versions(workspace.repo, ref, name, [_kept(skill) for skill in read])
    return len(versions), ref


def _read(remote: Remote, name: str, numbers: Sequence[int]) -> list[RemoteSkill]:
    found = []
    for _, result in remote.skills.read_many([(name, number) for number in numbers]):
        if isinstance(result, RemoteError):
            raise result
        found.append(result)
    return sorted(found, key=lambda skill: skill.version.number)


def _kept(skill: RemoteSkill) -> KeptVersion:
    version, content = skill.version, skill.content
    files = {file.path: file.text.encode() for file in skill.files}
    with suppress(InvalidContent):  # the record has all of it
        files["SKILL.md"] = new_skill_md(content)
    record: dict[str, Any] = {
        "version": asdict(version),
        "description": content.description,
        "body": content.body,
        "license": content.license,
        "compatibility": content.compatibility,
        "allowed_tools": [*content.allowed_tools],
        "stored_tools": [*skill.stored_tools],
        "metadata": dict(content.metadata),
        "frontmatter": dict(content.extra.frontmatter) if content.extra else {},
        "executable": sorted(content.extra.executable) if content.extra else [],
        "empty": sorted(content.extra.empty) if content.extra else [],
        "files": [asdict(file) for file in skill.files],
    }
    return KeptVersion(
        version.number, version.id, version.author.label, version.created_at, record, files
    )
