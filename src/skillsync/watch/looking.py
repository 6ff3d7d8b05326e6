"""Takes the daemon's looks: stat data of folders, git's place, what editors have open. Reads only, and little."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.repo.look import take_look
from skillsync.repo.objects import POINTER_FILES, Roots, make_roots
from skillsync.repo.worktree import StatEntry, quick_scan
from skillsync.watch.editors import is_passing, open_in_editor
from skillsync.watch.stale import is_undone
from skillsync.watch.values import INDEX_LOCK, GitSeen, Look, Looked, ObjectSeen, TakenIn

if TYPE_CHECKING:
    from skillsync.repo.git import Repository
    from skillsync.sync.workspace import Workspace

MOST_HASHED = 4_000_000
"""Bytes of a file beyond which its stat data alone stands for its content."""


def look(workspace: Workspace, asked: Look) -> Looked:
    """Look at the folders that are asked for. Raises GitFailed when git cannot list them."""
    dirs, objects = asked.dirs, dict[str, ObjectSeen]()
    if dirs is None or dirs:
        objects = {
            directory: _object(workspace.repo.root, directory, entries, asked)
            for directory, entries in _folders(workspace, dirs).items()
            if dirs is None or directory in dirs
        }
    # Git last: a checkout that began meanwhile shows in its lock, and one that ended in HEAD.
    return Looked(dirs, objects, git_seen(workspace.repo), settings_seen(workspace))


def git_seen(repo: Repository) -> GitSeen:
    """Return where git stands. ``index.lock`` counts as something under way."""
    operations = repo.operations_in_progress()
    if (repo.state_dir.parent / INDEX_LOCK).exists():
        operations = [*operations, INDEX_LOCK]
    return GitSeen(repo.head(), repo.branch(), tuple(operations))


def settings_seen(workspace: Workspace) -> object:
    """Return what stands for skillsync.toml: another value, other settings (or the same written again)."""
    try:
        found = workspace.settings.path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _folders(
    workspace: Workspace, dirs: Collection[str] | None
) -> Mapping[str, tuple[StatEntry, ...]]:
    roots = make_roots(workspace.settings.skills, workspace.settings.datasets)
    asked = roots if dirs is None else Roots(tuple(one or "." for one in sorted(dirs)), ())
    return quick_scan(take_look(workspace.repo, asked), roots).folders


def _object(root: Path, directory: str, entries: tuple[StatEntry, ...], asked: Look) -> ObjectSeen:
    files = tuple(
        one for one in entries if one.path not in POINTER_FILES and not is_passing(one.path)
    )
    pointers = tuple(one for one in entries if one.path in POINTER_FILES)
    known = asked.known.get(directory)
    folder = root / directory
    is_near = asked.dirs is not None or (known is not None and bool(known.open_in))
    return ObjectSeen(
        directory,
        files,
        pointers,
        digests=_digests(folder, files, known),
        open_in=tuple(_open_in(folder, files)) if is_near else (),
        undone=_undone(root, [one for one in asked.guarded if one.dir == directory]),
    )


def _digests(
    folder: Path, files: Iterable[StatEntry], known: ObjectSeen | None
) -> Mapping[str, str]:
    if known is None:
        return {}
    before = set(known.files)
    return {
        entry.path: digest
        for entry in files
        if entry not in before and (digest := _digest(folder / entry.path, entry)) is not None
    }


def _digest(path: Path, entry: StatEntry) -> str | None:
    if entry.size > MOST_HASHED:
        return f"{entry.size} {entry.mtime_ns}"
    data = _read(path)
    return None if data is None else hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return None if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def _open_in(folder: Path, files: Iterable[StatEntry]) -> Iterator[str]:
    for parent in sorted({entry.path.rpartition("/")[0] for entry in files}):
        try:
            names = [one.name for one in (folder / parent).iterdir()]
        except OSError:
            continue
        for name in open_in_editor(names):
            yield f"{parent}/{name}" if parent else name


def _undone(root: Path, guarded: Iterable[TakenIn]) -> str:
    for taken in guarded:
        if is_undone(taken, _read(root / taken.dir / taken.path)):
            return taken.words
    return ""
