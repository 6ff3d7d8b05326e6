"""Reads out of the rescue copies what earlier pulls did to files, so that an old buffer is told after a restart as well."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from skillsync.model import SkillPointer
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.repo.rescue import Overwritten, Rescue
from skillsync.watch.stale import taken_in
from skillsync.watch.values import PastPull

if TYPE_CHECKING:
    from pathlib import Path

    from skillsync.config import Target
    from skillsync.sync.workspace import Workspace


def past_pulls(workspace: Workspace, target: Target) -> Iterator[PastPull]:
    """Yield the newest pull of each file since which its object's pointers are as that pull wrote them.

    Another pointer: something was published, taken in or checked out since, so that its text is nobody's old buffer.
    """
    root = workspace.repo.root
    known = set[str]()
    for one in Rescue(workspace.repo).overwritten(lambda wrote: _are_there(root, wrote)):
        for path in sorted(one.before.keys() & one.after.keys() - known):
            directory = _folder_of(path, one.pointers)
            if directory is None or not _are_there(root, _below(directory, one.pointers)):
                continue
            known.add(path)
            taken = taken_in(
                directory,
                path.removeprefix(f"{directory}/"),
                _words(directory, one, target),
                before=one.before[path],
                after=one.after[path],
            )
            yield PastPull(taken, one.time.timestamp(), _changed_at(root / path))


def _are_there(root: Path, pointers: Mapping[str, bytes]) -> bool:
    """Tell whether one of these files is as it was written: of a batch of many objects the others may not be."""
    return any(_read(root / path) == data for path, data in pointers.items())


def _below(directory: str, pointers: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {path: data for path, data in pointers.items() if posixpath.dirname(path) == directory}


def _folder_of(path: str, pointers: Mapping[str, bytes]) -> str | None:
    """Return the object's folder that a file lies in: the nearest one whose pointer was written along with it."""
    folders = {posixpath.dirname(one) for one in pointers}
    above = posixpath.dirname(path)
    while above not in folders:
        if not above:
            return None
        above = posixpath.dirname(above)
    return above


def _words(directory: str, one: Overwritten, target: Target) -> str:
    path = posixpath.join(directory, POINTER)
    line = parse_pointer(one.pointers.get(path, b""), path=path).lines.get(target.place)
    if isinstance(line, SkillPointer):
        return f"v{line.number}"
    return f"what was taken in at {one.time:%H:%M} UTC"


def _read(path: Path) -> bytes | None:
    try:
        return None if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def _changed_at(path: Path) -> float:
    """Return when a file was changed last, in seconds since 1970; 0 when it is gone, which nobody dated."""
    try:
        info = path.stat()
    except OSError:
        return 0.0
    return max(info.st_mtime, info.st_ctime)
