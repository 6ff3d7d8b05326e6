"""Keeps every version of a skill in git before it is archived: archiving hides its whole history (S13, sync.md A6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.errors import GitFailed, RemoteError
from skillsync.repo.versions import find_kept, version_ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.model import Version
    from skillsync.sync.workspace import Remote, Workspace

MOST_VERSIONS = 2_000
_AT_ONCE = 50
"""How many versions are in memory at one time."""


def export_history(workspace: Workspace, remote: Remote, name: str) -> tuple[int, str]:
    """Keep all versions of a skill that are not kept yet; return how many there are, and the ref.

    Raises RemoteError when one cannot be read whole, GitFailed when one cannot be kept: then it must not be archived.
    """
    place = remote.target.place
    versions = sorted(
        remote.skills.versions(name, newest=MOST_VERSIONS), key=lambda one: one.number
    )
    missing = _missing(workspace, place, name, versions)
    for start in range(0, len(missing), _AT_ONCE):
        _read(remote, missing[start : start + _AT_ONCE])
    ref = version_ref(place, name)
    if left := _missing(workspace, place, name, versions):
        raise GitFailed("git fast-import", 1, f"v{left[0].number} of {name} is not in {ref}")
    return len(versions), ref


def _missing(
    workspace: Workspace, place: str, name: str, versions: Sequence[Version]
) -> list[Version]:
    tip = find_kept(workspace.repo, place, [name]).get(name)
    there = {kept.id for kept in tip.versions} if tip else set()
    return [version for version in versions if version.id not in there]


def _read(remote: Remote, versions: Sequence[Version]) -> None:
    """Read versions: whatever is read is kept."""
    for _, result in remote.skills.read_many([(one.name, one.number) for one in versions]):
        if isinstance(result, RemoteError):
            raise result
