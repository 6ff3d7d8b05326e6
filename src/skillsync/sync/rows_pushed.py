"""Keeps which rows were published without being committed: a ``git reset --hard`` forgets their pointer (design.md 3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.model import DatasetPointer, Digest, Key
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows, render_rows
from skillsync.repo.pushed import PushedFiles, find_pushed, keep_pushed
from skillsync.sync.local import join

if TYPE_CHECKING:
    from skillsync.sync.clock import Clock
    from skillsync.sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PushedRows:
    """The commit that keeps them ("" for none), the digest of the dataset's own fields, and short digests by key."""

    commit: str = ""
    info: Digest | None = None
    rows: Mapping[Key, str] = field(default_factory=dict)


def pushed_rows(workspace: Workspace, directory: str, *, place: str, dataset: str) -> PushedRows:
    """Return what is kept of a folder as published to one dataset; no process, and none of it in team mode."""
    commit = find_pushed(workspace.repo, directory) if not workspace.is_team and directory else None
    if commit is None:
        return PushedRows()
    pointer, rows = _kept(workspace, commit, directory)
    line = parse_pointer(pointer, path=directory).lines.get(place)
    if not isinstance(line, DatasetPointer) or line.dataset != dataset:
        return PushedRows()
    return PushedRows(commit, line.meta, parse_rows(rows, path=directory).get(place, {}))


def published_rows(
    workspace: Workspace, directory: str, *, pointer: bytes, place: str, rows: Mapping[Key, str]
) -> PushedFiles:
    """Return what is to be kept: the pointer, and these rows beside those that other places have been sent."""
    places: dict[str, Mapping[Key, str]] = {}
    commit = find_pushed(workspace.repo, directory)
    if commit is not None:
        places = dict(parse_rows(_kept(workspace, commit, directory)[1], path=directory))
    places[place] = rows
    files = {join(directory, POINTER): pointer, join(directory, ROWS): render_rows(places)}
    return PushedFiles(directory, files)


def forget_rows(
    workspace: Workspace, clock: Clock, directory: str, *, place: str, rows: Collection[Key]
) -> None:
    """Forget that these rows were published: a pull has looked at them, and nothing else would say so."""
    commit = find_pushed(workspace.repo, directory) if rows else None
    if commit is None:
        return
    pointer, data = _kept(workspace, commit, directory)
    kept = parse_rows(data, path=directory).get(place, {})
    left = {key: digest for key, digest in kept.items() if key not in rows}
    again = published_rows(workspace, directory, pointer=pointer, place=place, rows=left)
    upon = workspace.repo.first_parent(commit)
    keep_pushed(workspace.repo, [again], head=upon, now=clock.now())


def _kept(workspace: Workspace, commit: str, directory: str) -> tuple[bytes, bytes]:
    paths = [f"{commit}:{join(directory, name)}" for name in (POINTER, ROWS)]
    found = workspace.repo.named_objects(paths)
    pointer, rows = (found[path].data or b"" if path in found else b"" for path in paths)
    return pointer, rows
