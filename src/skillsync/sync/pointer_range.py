"""Checks that no commit range takes a pointer backwards, for CI: asks git alone (sync.md B2)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.config import parse_settings
from skillsync.config_schema import SETTINGS_FILE
from skillsync.core.pointer_moves import (
    MoveKind,
    PlacedLine,
    PointerMove,
    pointer_moves,
    worst_moves,
)
from skillsync.errors import ConfigError, ShallowClone, UsageError
from skillsync.model import Problem, SkillPointer
from skillsync.repo.pointer import POINTER, ROWS, parse_line, parse_pointer
from skillsync.sync.local import DATASET_MD, ITEMS, last_part

if TYPE_CHECKING:
    from skillsync.config import Settings
    from skillsync.model import Pointer
    from skillsync.repo.git import Repository
    from skillsync.sync.workspace import Workspace

_RANGE = re.compile(r"(?P<base>.*?[^.])\.{2,3}(?P<head>[^.].*)?")
_MAIN = ("SKILL.md", ITEMS, DATASET_MD)


@dataclass(frozen=True)
class PointersAt:
    """The pointer files of one commit: their bytes and their lines. ``paths`` is everything below the roots."""

    commit: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    lines: tuple[PlacedLine, ...] = ()
    paths: frozenset[str] = frozenset()

    @property
    def objects(self) -> set[str]:
        """The pointer files whose object is beside them."""
        return {
            path for path in self.files if any(_beside(path, name) in self.paths for name in _MAIN)
        }

    def beside(self, line: PlacedLine) -> set[Pointer]:
        """Return the other lines of a line's file."""
        return {one.pointer for one in self.lines if one.path == line.path and one != line}


@dataclass(frozen=True)
class CheckedRange:
    """What a range does to the pointers: ``bases`` are the merge bases that ``head`` was compared with."""

    bases: tuple[str, ...]
    head: str
    count: int
    moves: tuple[PointerMove, ...]
    problems: tuple[Problem, ...]


def check_pointers(workspace: Workspace, text: str) -> CheckedRange:
    """Compare the pointers at the end of ``BASE..HEAD`` with those where HEAD left BASE.

    BASE is the publish branch, or a commit of it. What BASE got since is git's to merge, by B6. Raises UsageError for
    a range that names no commits, ShallowClone when history is missing that tells where HEAD left BASE (B7).
    """
    repo = workspace.repo
    base, head = _ends(repo, text)
    settings = _settings(workspace, head)
    bases = repo.merge_bases(base, head) or [base]
    roots = sorted(
        {
            root
            for one in (workspace.settings, *settings, *_settings(workspace, base))
            for root in (*one.skills, *one.datasets)
        }
    )
    end = _read(repo, head, roots)
    starts = {commit: _read(repo, commit, roots) for commit in bases}
    unread, paths, at = _unreadable(end, starts.values())
    configured = settings or [workspace.settings]
    places = {target.place for one in configured for target in one.targets.values()}
    found = {
        commit: [
            move
            for move in pointer_moves(
                start.lines,
                end.lines,
                objects=end.objects,
                places=places,
                earlier=_earlier(repo, start, end),
            )
            if not _is_hidden(move, paths, at)
        ]
        for commit, start in starts.items()
    }
    worst = worst_moves(found)
    problems = [
        _problem(starts[commit], end, move) for commit, move in worst if move.kind.is_refused
    ]
    return CheckedRange(
        tuple(bases),
        head,
        len(end.lines),
        tuple(move for _, move in worst),
        tuple(sorted([*unread, *problems], key=lambda one: (one.path, one.line or 0))),
    )


def _ends(repo: Repository, text: str) -> tuple[str, str]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is no range of commits",
            unchanged="Nothing was checked.",
            hint="skillsync lint --pointers origin/main..HEAD",
        )
    names = match["base"], match["head"] or "HEAD"
    found = [repo.commit_id(name) for name in names]
    for name, commit in zip(names, found, strict=True):
        if commit is None and repo.is_shallow():
            raise ShallowClone(f"{name!r} names no commit of this shallow clone")
        if commit is None:
            raise UsageError(
                f"{name!r} names no commit of this repository",
                unchanged="Nothing was checked.",
                hint="git fetch origin, or name it as in origin/main..HEAD",
            )
    return found[0] or "", found[1] or ""


def _settings(workspace: Workspace, commit: str) -> list[Settings]:
    """Return the settings of a commit, none when it has none that can be read."""
    data = workspace.repo.show(commit, SETTINGS_FILE)
    try:
        return [] if data is None else [parse_settings(data, root=workspace.repo.root)]
    except ConfigError:
        return []


def _read(repo: Repository, commit: str, roots: Collection[str]) -> PointersAt:
    entries = {entry.path: entry for entry in repo.tree(commit, list(roots))}
    pointers = {path: each for path, each in entries.items() if last_part(path) == POINTER}
    contents = repo.read_blobs({each.blob for each in pointers.values()})
    files = {path: contents[each.blob] for path, each in pointers.items()}
    return PointersAt(
        commit,
        files,
        tuple(line for path, data in files.items() for line in _lines(path, data)),
        frozenset(entries),
    )


def _lines(path: str, data: bytes) -> list[PlacedLine]:
    counted = set(parse_pointer(data, path=path).lines.values())
    return [
        PlacedLine(path, number, pointer)
        for number, text in enumerate(data.decode(errors="replace").split("\n"), start=1)
        if (pointer := parse_line(text.removesuffix("\r"))) in counted and pointer is not None
    ]


def _beside(path: str, name: str) -> str:
    return f"{path.removesuffix(POINTER)}{name}"


def _earlier(repo: Repository, start: PointersAt, end: PointersAt) -> set[Pointer]:
    """Return the lines that the publish branch once held; only datasets without revisions need them."""
    kept = {line.pointer for line in end.lines}
    if all(isinstance(one.pointer, SkillPointer) or one.pointer in kept for one in start.lines):
        return set()
    added = repo.history.lines_of([f"**/{POINTER}"], head=start.commit)
    return {pointer for line in added if (pointer := parse_line(line.line)) is not None}


def _unreadable(
    end: PointersAt, starts: Iterable[PointersAt]
) -> tuple[list[Problem], set[str], set[tuple[str, str]]]:
    """Return what the range made unreadable, and the files and the lines of which nothing can be said then."""
    before = {(path, data) for start in starts for path, data in start.files.items()}
    problems: list[Problem] = []
    paths: set[str] = set()
    lines: set[tuple[str, str]] = set()
    for path, data in end.files.items():
        for problem in parse_pointer(data, path=path).problems:
            if problem.subject:
                lines.add((path, problem.subject))
            else:
                paths.add(path)
            if (path, data) not in before:
                problems.append(problem)
    return problems, paths, lines


def _is_hidden(move: PointerMove, paths: set[str], lines: set[tuple[str, str]]) -> bool:
    """Tell whether a line seems to be gone only because nothing of its file, or of its place, can be read."""
    before = move.before
    return (
        move.after is None and before is not None and (before.path in paths or before.at in lines)
    )


# ---------------------------------------------------------------- words


def _problem(start: PointersAt, end: PointersAt, move: PointerMove) -> Problem:
    before, after = move.before, move.after
    assert before is not None  # what was added is never refused
    shown = after or before
    was = version_words(before.pointer)
    if after is None:
        what = f"the pointer line for {before.pointer.place} ({was}) was removed, and what it was for is still here"
    elif move.kind is MoveKind.REPLACED:
        what = (
            f"the pointer for {after.pointer.place} names another version of the same number: "
            f"{was} became {version_words(after.pointer)}"
        )
    else:
        what = (
            f"the pointer for {after.pointer.place} goes back from {was} to "
            f"{version_words(after.pointer)}"
        )
    return Problem(
        "E-POINTER-BACK",
        f"{what}. What the publish branch has taken in stays taken in, also when its content is reverted",
        subject=last_part(shown.path.removesuffix(f"/{POINTER}")),
        path=shown.path,
        line=after.line if after else None,
        fix=_fix(start, end, before, after),
    )


def version_words(pointer: Pointer) -> str:
    """Name what a pointer says was taken in: a number where there is one, else the id or the digest."""
    if isinstance(pointer, SkillPointer):
        return f"v{pointer.number} ({pointer.id})"
    if pointer.revision is not None:
        return f"revision {pointer.revision} of {pointer.dataset}"
    return f"{pointer.rows} rows of {pointer.dataset} ({pointer.digest[-12:]})"


def _fix(start: PointersAt, end: PointersAt, before: PlacedLine, after: PlacedLine | None) -> str:
    """Name the git command that brings the line back, or the line where others of its file went forward."""
    commit, path = start.commit[:12], (after or before).path
    others = end.beside(after) if after else {one.pointer for one in end.lines if one.path == path}
    old = shlex.quote(f"{commit}:{before.path}")
    if start.beside(before) != others:
        return f"put the line for {before.pointer.place} in `git show {old}` back into {path}, and commit it"
    if path != before.path:
        return f"git show {old} > {shlex.quote(path)}, and commit it"
    rows = _beside(path, ROWS)
    paths = [path, *([rows] if rows in start.paths else [])]
    return f"git checkout {commit} -- {shlex.join(paths)}, and commit it"
