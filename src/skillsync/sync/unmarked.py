"""Conflicts that were found unattended: the files stay as they are, and a record keeps the three versions (sync.md 8).

The record only tells people; that nothing is published over such a conflict follows from the base. A pull by hand shows
the conflict in the files and replaces the record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from skillsync.model import Conflict, Json, UnitKind
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.skill_conflict import parked_pointer
from skillsync.sync.workspace import Workspace

if TYPE_CHECKING:
    from skillsync.config import Target

KIND = "unmarked"


def park_unmarked(workspace: Workspace, name: str, record: Mapping[str, Json]) -> None:
    """Keep a conflict's record without touching file or index: the sides and the marked text are blobs in it.

    The same conflict again writes nothing.
    """
    store = ConflictStore(workspace.repo)
    record = {**record, "kind": KIND}
    if store.read(name) != record:
        store.write(name, record)


def unmarked_conflicts(workspace: Workspace) -> dict[str, Mapping[str, Json]]:
    """Return the records of such conflicts by skill."""
    records = ConflictStore(workspace.repo).list()
    return {name: record for name, record in records.items() if record.get("kind") == KIND}


def forget_unmarked(
    workspace: Workspace, target: Target, looked_at: Collection[str], report: Report
) -> None:
    """Drop the records of conflicts that a pull looked at again and did not find, or that show in the files now."""
    store = ConflictStore(workspace.repo)
    open_still = {one.subject for one in report.outcomes if one.exit == 4 or one.state == "held"}
    for name, record in unmarked_conflicts(workspace).items():
        pointer = parked_pointer(record)
        is_ours = pointer is None or pointer.place == target.place
        if is_ours and name in looked_at and name not in open_still:
            store.delete(name)


def as_outcome(name: str, record: Mapping[str, Json]) -> Outcome:
    """Return the conflict as `conflicts` lists it."""
    listed = record.get("conflicts")
    conflicts = tuple(
        recorded_conflict(name, one) for one in (listed if isinstance(listed, list) else [])
    )
    pointer = parked_pointer(record)
    version = f"v{pointer.number}" if pointer else "the remote's version"
    places = record.get("open")
    where = ", ".join(str(one) for one in places) if isinstance(places, list) else "its files"
    return Outcome(
        Kind.SKILL,
        name,
        f"conflict with {version} in {where}, found by watch; your files are as you left them",
        row="S10",
        state="conflict",
        exit=4,
        code="E-CONFLICT",
        fix=f"skillsync pull {name} shows it in the files; or skillsync resolve {name} --local, --remote or --union",
        conflicts=conflicts,
    )


def recorded_conflict(name: str, record: Json) -> Conflict:
    """Return one unit of a recorded conflict."""
    values = record if isinstance(record, dict) else {}

    def text(key: str) -> str | None:
        value = values.get(key)
        return value if isinstance(value, str) else None

    return Conflict(
        name,
        UnitKind(str(values.get("kind", "file"))),
        text("unit") or "",
        text("base"),
        text("local"),
        text("remote"),
        text("reason") or "",
    )
