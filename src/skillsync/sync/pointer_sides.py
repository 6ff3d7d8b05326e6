"""Merges the pointer files beside one object from the three sides of a git merge, rebase or cherry-pick (sync.md B6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def merge_rows_alone(directory: str, pointer: bytes, sides: Sequence[bytes]) -> MergedFiles | None:
    """Return both files where git merged the pointer, or somebody did, and the row bases alone are in conflict.

    ``sides`` are the row bases of the three stages. Of a first generation's dataset those count that the line was
    written with, which its digest tells; without any a person has to look. Where revisions count, a row that one of the
    merged sides left behind stays behind, at the older revision: to claim less than was taken in costs a needless
    merge, to claim more an edit.
    """
    lines = parse_pointer(pointer, path=join(directory, POINTER))
    bases = [parse_rows(side, path=join(directory, ROWS)) for side in sides]
    if lines.problems or lines.unknown or any(one.problems for one in bases):
        return None
    rows: dict[str, Mapping[Key, str]] = {}
    for place, line in lines.lines.items():
        if isinstance(line, SkillPointer):
            continue
        known = [side.get(place, {}) for side in bases]
        if line.revision is not None:
            rows[place] = _behind(known[1:])
        else:
            fitting = [side for side in (*known[1:], known[0]) if _belong(side, line)]
            if not fitting:
                return None
            rows[place] = fitting[0]
    left = {place: there for place, there in rows.items() if there}
    return MergedFiles(pointer, render_rows(left) if left else b"", lines.lines)


def _behind(sides: Sequence[Mapping[Key, str]]) -> Mapping[Key, str]:
    """Return every row that a side has a base of, at the oldest; a base of no revision is the older one."""
    found: dict[Key, str] = {}
    for side in sides:
        for key, base in side.items():
            found[key] = min(found.get(key, base), base, key=_revision)
    return found


def _revision(base: str) -> int:
    return int(base.removeprefix("@")) if base.startswith("@") else -1


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
    commit = repo.history.commit_holding(path, content)
    if commit is None:
        return None
    return repo.show(commit, join(path.rpartition("/")[0], name)) or b""
