"""Merges the pointer files beside one object from the three sides of a git merge, rebase or cherry-pick (sync.md B6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.pointer_merge import Taken, merge_taken
from skillsync.formats.canonical import rows_digest
from skillsync.model import DatasetPointer, Digest, Pointer, SkillPointer
from skillsync.repo.pointer import (
    POINTER,
    ROWS,
    parse_pointer,
    parse_rows,
    render_pointer,
    render_rows,
)
from skillsync.sync.local import join

if TYPE_CHECKING:
    from skillsync.model import Key
    from skillsync.repo.git import Repository


@dataclass(frozen=True, slots=True)
class PointerFiles:
    """Both pointer files of one side, ``b""`` for one that is not there; ``rows`` None: nobody knows what it was."""

    pointer: bytes
    rows: bytes | None = None


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """Both files as they become, ``b""`` for one that goes, and the lines that the pointer holds then."""

    pointer: bytes
    rows: bytes
    lines: Mapping[str, Pointer]


def merge_pointer_files(
    directory: str, ancestor: PointerFiles, here: PointerFiles, other: PointerFiles
) -> MergedFiles | None:
    """Return what both files become, None where a side cannot be read or its files do not belong together."""
    sides = [_read(directory, side) for side in (ancestor, here, other)]
    found = [side for side in sides if side is not None]
    if len(found) < len(sides):
        return None
    places = sorted({place for side in found for place in side})
    nothing = Taken()
    merged = {place: merge_taken(*(side.get(place, nothing) for side in found)) for place in places}
    lines = {place: taken.line for place, taken in merged.items() if taken.line is not None}
    rows = {place: merged[place].rows for place in lines if merged[place].rows}
    return MergedFiles(
        render_pointer(lines) if lines else b"", render_rows(rows) if rows else b"", lines
    )


def has_datasets(directory: str, *pointers: bytes) -> bool:
    """Tell whether a line in these pointer files is a dataset's, so that the row bases are needed as well."""
    return any(
        isinstance(line, DatasetPointer)
        for data in pointers
        for line in parse_pointer(data, path=join(directory, POINTER)).lines.values()
    )


def _read(directory: str, side: PointerFiles) -> dict[str, Taken] | None:
    parsed = parse_pointer(side.pointer, path=join(directory, POINTER))
    if parsed.problems or parsed.unknown:
        return None
    bases = None
    if side.rows is not None:
        found = parse_rows(side.rows, path=join(directory, ROWS))
        bases = None if found.problems else found
    taken: dict[str, Taken] = {}
    for place, line in parsed.lines.items():
        if isinstance(line, SkillPointer):
            taken[place] = Taken(line)
            continue
        rows = None if bases is None else bases.get(place, {})
        if rows is None or not _belong(rows, line):
            return None
        taken[place] = Taken(line, rows)
    return taken


def _belong(rows: Mapping[Key, str], line: DatasetPointer) -> bool:
    """Tell whether the bases are those that the line was written with; with revisions the line alone says enough."""
    if line.revision is not None:
        return True
    return rows_digest((key, Digest(base)) for key, base in rows.items()) == line.digest


def file_beside(repo: Repository, path: str, content: bytes, name: str) -> bytes | None:
    """Return what lay beside a file in the newest commit where it had that content: ``b""`` nothing, None unknown.

    ``path`` is a pointer file, ``name`` the other one's. No file (``b""``) had nothing beside it.
    """
    if not content:
        return b""
    commit = repo.commit_holding(path, content)
    if commit is None:
        return None
    return repo.show(commit, join(path.rpartition("/")[0], name)) or b""
