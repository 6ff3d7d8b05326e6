"""Looks at pointers, journal, lock and open conflicts, for `doctor`; asks nobody and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skillsync.model import Pointer
from skillsync.repo.conflicts import ConflictStore
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows
from skillsync.sync.evidence import UNBORN, Lines
from skillsync.sync.findings import Finding, ok, problem, warning
from skillsync.sync.local import LocalDataset, LocalSkill, LocalTree, join

if TYPE_CHECKING:
    from skillsync.sync.workspace import Workspace


def state_findings(workspace: Workspace, tree: LocalTree) -> Iterator[Finding]:
    """Yield what there is to say about skillsync's own files here."""
    yield _lock(workspace)
    yield _journal(workspace)
    yield from _open_conflicts(workspace)
    yield from pointer_findings(workspace, tree)


def _lock(workspace: Workspace) -> Finding:
    """The kernel lets go of the lock of a dead process, so that only a living one can hold it."""
    from filelock import FileLock, Timeout

    path = workspace.repo.state_dir / "lock"
    if not path.exists():
        return ok("lock", "nobody works in this clone")
    try:
        with FileLock(path, timeout=0):
            return ok("lock", "nobody works in this clone")
    except Timeout:
        return warning(
            "lock", f"another command works in this clone: {_holder(workspace)}", fix="wait for it"
        )


def _holder(workspace: Workspace) -> str:
    try:
        holder = json.loads((workspace.repo.state_dir / "lock.holder").read_text())
        return f"{str(holder['command'])[:100]} (process {int(holder['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that did not say its name"


def _journal(workspace: Workspace) -> Finding:
    folder = workspace.repo.state_dir / "journal"
    waiting = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
    aside = folder / "unreadable"
    broken = len(list(aside.iterdir())) if aside.is_dir() else 0
    if waiting:
        return warning(
            "journal",
            f"{len(waiting)} writes were begun by a command that was interrupted",
            fix="the next skillsync pull or push finishes them, or plans them anew",
        )
    if broken:
        return warning(
            "journal",
            f"{broken} notes of interrupted commands could not be read and were set aside",
            fix=f"skillsync status shows what is so; then delete {aside}",
        )
    return ok("journal", "no command was interrupted")


def _open_conflicts(workspace: Workspace) -> Iterator[Finding]:
    names = sorted(ConflictStore(workspace.repo).list())
    if names:
        shown = ", ".join(names[:5])
        yield warning(
            "conflicts",
            f"{len(names)} wait for a person: {shown}",
            subject=names[0],
            fix="skillsync conflicts",
        )


# ---------------------------------------------------------------- pointers


def pointer_findings(workspace: Workspace, tree: LocalTree) -> Iterator[Finding]:
    """Yield the pointer lines that do not count, each with why, and those that cannot be read."""
    objects: list[LocalSkill | LocalDataset] = [*tree.skills, *tree.datasets]
    places = {target.place for target in workspace.settings.targets.values()}
    found: list[Finding] = []
    lines = 0
    for thing in objects:
        if thing.folder.pointer is None:
            continue
        path = join(thing.dir, POINTER)
        parsed = parse_pointer(thing.folder.pointer, path=path)
        found += [
            problem("pointers", one.message, subject=one.where or path, fix=one.fix)
            for one in parsed.problems
        ]
        lines += len(parsed.lines)
        for place, line in parsed.lines.items():
            reason = ignored_because(workspace, thing, place, line)
            if reason:
                found.append(_ignored(path, place, reason, known=place in places))
        if thing.folder.rows is not None:
            rows = join(thing.dir, ROWS)
            found += [
                problem("pointers", one.message, subject=one.where or rows, fix=one.fix)
                for one in parse_rows(thing.folder.rows, path=rows).problems
            ]
    yield from found or [ok("pointers", f"{lines} lines, and all of them count")]


def _ignored(path: str, place: str, reason: str, *, known: bool) -> Finding:
    said = f"the line for {place} is ignored: {reason}"
    if not known:
        return ok("pointers", f"{said} (no target here is {place})", subject=path)
    return warning(
        "pointers",
        f"{said}; HEAD's history says what was taken in",
        subject=path,
        fix="skillsync pull writes it anew; commit .skillsync together with your files",
    )


def ignored_because(
    workspace: Workspace, thing: LocalSkill | LocalDataset, place: str, line: Pointer
) -> str:
    """Say why a pointer line of the working tree does not count (design.md 3), "" when it does."""
    history = workspace.history
    data = workspace.head_pointers.get(thing.dir)
    head = parse_pointer(data, path=join(thing.dir, POINTER)).lines.get(place) if data else None
    counted, _ = history.tree_line(Lines(line, head), thing.dir, thing.files)
    if counted == line:
        return ""
    if line == head:
        return "it was committed without the files that it was written with"
    stamp = line.stamp
    if stamp is None:
        return "it is not committed and does not say where it was written"
    if not history.is_in_history(stamp.at):
        known = stamp.at != UNBORN and workspace.repo.commit_exists(stamp.at)
        where = "which HEAD does not contain" if known else "which is not in this clone"
        return f"it was written on commit {stamp.at[:12]}, {where}"
    return "it was written beside other files than these"
