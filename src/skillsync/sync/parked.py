"""Parked skill conflicts: which files a person has still to decide about, and which were thrown away (sync.md 8)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.formats.skill_rules import marker_line
from skillsync.model import Json, SkillPointer
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.local import join
from skillsync.sync.skill_conflict import parked_pointer
from skillsync.sync.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

_GITS_MARKERS = re.compile(rb"^(?:<{7,} ours|>{7,} theirs)$", re.MULTILINE)
"""What ``git checkout --merge`` writes when it makes a conflict again from the stages."""


def has_markers(data: bytes) -> bool:
    """Tell whether a file still holds markers that we wrote."""
    return marker_line(data.decode("utf-8", "replace")) is not None


@dataclass(frozen=True, slots=True)
class ParkedFile:
    """One file that the pull changed, by its contents with LF: ``path`` is relative to the skill, None is no file.

    ``before``: as the pull found it, ``head``: in the commit that was checked out then, ``after``: as the pull left
    it. ``local`` and ``remote``: the sides of a conflict. ``settled``: what a word of ours made of it.
    """

    path: str
    in_conflict: bool
    now: bytes | None
    before: bytes | None
    head: bytes | None
    after: bytes | None
    local: bytes | None
    remote: bytes | None
    is_settled: bool
    settled: bytes | None

    @property
    def is_marked(self) -> bool:
        """It holds our markers, or git's own where no side of the conflict has such lines."""
        if not self.in_conflict or self.now is None:
            return False
        if has_markers(self.now):
            return True
        sides = (self.local or b"") + b"\n" + (self.remote or b"")
        return bool(_GITS_MARKERS.search(self.now)) and not _GITS_MARKERS.search(sides)

    @property
    def is_thrown_back(self) -> bool:
        """It is what it was before the pull, or HEAD's then, and neither a side to choose nor what was chosen.

        ``git checkout HEAD -- FILE`` ends the stages just as ``git add`` does, but nobody decided: the remote's edits
        that merged cleanly are gone as well.
        """
        accepted = [self.local, self.remote] if self.in_conflict else [self.after]
        if self.is_settled:
            accepted.append(self.settled)
        return self.now in (self.before, self.head) and self.now not in accepted


@dataclass(frozen=True)
class Parked:
    """One skill's record, with its files as repository paths.

    ``open`` are still unmerged in git's index, ``marked`` still hold markers, and ``dropped`` have neither, but
    without anybody's decision (``git reset --hard``, another branch, ``git checkout HEAD -- FILE``).
    """

    name: str
    dir: str
    pointer: SkillPointer
    record: Mapping[str, Json]
    open: tuple[str, ...]
    marked: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool:
        """No stage is left in the index, no marker in the files, and each file was decided about."""
        return not (self.open or self.marked or self.dropped)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The files that a person still has to decide about."""
        return tuple(dict.fromkeys((*self.open, *self.marked, *self.dropped)))

    @property
    def is_abandoned(self) -> bool:
        """The whole conflict was thrown away with git: the files are not what a decision left."""
        return bool(self.dropped) and not self.open and not self.marked

    @property
    def in_conflict(self) -> tuple[str, ...]:
        """The files in conflict, relative to the skill."""
        return _texts(self.record.get("open"))

    @property
    def changes(self) -> list[dict[str, Json]]:
        """What the pull wrote: path, blob before and after, and the old mode where it changed."""
        return _changes(self.record)

    def sides(self, path: str) -> dict[str, str | None] | None:
        """Return the blobs that a choice takes for one file, relative to the skill; None for any other file.

        A file that merged without conflict is what the merge made of it, or what was there before.
        """
        sides = _mapping(_mapping(self.record.get("sides")).get(path))
        if sides:
            return {side: _text(sides.get(side)) for side in ("base", "local", "remote")}
        for one in self.changes:
            if one.get("path") == path and "after" in one:
                return {
                    "base": None,
                    "local": _text(one.get("blob")),
                    "remote": _text(one.get("after")),
                }
        return None


def parked_skills(workspace: Workspace) -> list[Parked]:
    """List the skill conflicts that a pull has left, with what is still open in each."""
    records = [
        (record, pointer)
        for record in ConflictStore(workspace.repo).list().values()
        if record.get("kind") == "skill" and (pointer := parked_pointer(record)) is not None
    ]
    if not records:
        return []
    unmerged, resolved = workspace.repo.index.unmerged(), workspace.repo.index.resolved()
    return [_parked(workspace, record, pointer, unmerged, resolved) for record, pointer in records]


def _parked(
    workspace: Workspace,
    record: Mapping[str, Json],
    pointer: SkillPointer,
    unmerged: Mapping[str, Collection[int]],
    resolved: Mapping[str, Mapping[int, str]],
) -> Parked:
    directory = str(record.get("dir", ""))
    files = _files(workspace, record, directory)
    is_open = {file.path: join(directory, file.path) in unmerged for file in files}
    sides = _mapping(record.get("sides"))

    def is_dropped(file: ParkedFile) -> bool:
        if is_open[file.path]:
            return False
        if record.get("aborting") or file.is_thrown_back:
            return True
        decided = file.is_settled or _was_decided(
            sides.get(file.path), resolved, join(directory, file.path)
        )
        return file.in_conflict and not decided

    return Parked(
        str(record.get("name", "")),
        directory,
        pointer,
        record,
        tuple(join(directory, file.path) for file in files if is_open[file.path]),
        tuple(join(directory, file.path) for file in files if file.is_marked),
        tuple(join(directory, file.path) for file in files if is_dropped(file)),
    )


def _was_decided(sides: Json, resolved: Mapping[str, Mapping[int, str]], path: str) -> bool:
    """Tell whether git remembers that exactly these stages were resolved, as `git add` and `git rm` do."""
    if not isinstance(sides, dict):
        return False
    blobs = {stage: sides.get(name) for stage, name in ((1, "base"), (2, "local"), (3, "remote"))}
    return resolved.get(path) == {stage: blob for stage, blob in blobs.items() if blob is not None}


# ---------------------------------------------------------------- the record's files


def _files(workspace: Workspace, record: Mapping[str, Json], directory: str) -> list[ParkedFile]:
    """Return every file that the record says the pull changed, those in conflict first."""
    conflicting = _texts(record.get("open"))
    changes = {str(one.get("path")): one for one in _changes(record)}
    # A record without "after" is an older one: of the files that merged cleanly it does not say how they were left.
    clean = [path for path, one in changes.items() if path not in conflicting and "after" in one]
    paths = [*conflicting, *clean]
    sides, head = _mapping(record.get("sides")), _mapping(record.get("head"))
    settled = _settled(record)
    blobs = {
        path: {
            "before": _text(changes.get(path, {}).get("blob")),
            "after": _text(changes.get(path, {}).get("after")),
            "local": _text(_mapping(sides.get(path)).get("local")),
            "remote": _text(_mapping(sides.get(path)).get("remote")),
            "head": _text(head.get(path)),
            "settled": settled.get(path),
        }
        for path in paths
    }
    wanted = {blob for each in blobs.values() for blob in each.values() if blob}
    contents = workspace.repo.read_blobs(wanted, missing_ok=True)
    found = []
    for path in paths:
        held = {
            word: _folded(contents.get(blob)) if blob else None
            for word, blob in blobs[path].items()
        }
        # A file in conflict that the pull left as it was is not among the changes.
        before = held["before"] if path in changes else held["local"]
        found.append(
            ParkedFile(
                path,
                in_conflict=path in conflicting,
                now=_content(workspace.repo.root / directory / path),
                before=before,
                head=held["head"] if path in head else before,
                after=held["after"],
                local=held["local"],
                remote=held["remote"],
                is_settled=path in settled,
                settled=held["settled"],
            )
        )
    return found


def _settled(record: Mapping[str, Json]) -> dict[str, str | None]:
    return {path: _text(blob) for path, blob in _mapping(record.get("settled")).items()}


def _content(file: Path) -> bytes | None:
    return _folded(file.read_bytes()) if file.is_file() and not file.is_symlink() else None


def _folded(data: bytes | None) -> bytes | None:
    """Line ends do not count: git may write others than it stores."""
    return None if data is None else data.replace(b"\r\n", b"\n")


def _changes(record: Mapping[str, Json]) -> list[dict[str, Json]]:
    listed = record.get("before")
    return [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _text(value: Json) -> str | None:
    return str(value) if value is not None else None
