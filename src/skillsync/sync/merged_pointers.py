"""Settles pointer files that a git merge, rebase or cherry-pick left in conflict (sync.md B6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.core.base import after_git_merge
from skillsync.model import FileChange, Folder, SkillPointer
from skillsync.repo.pointer import POINTER, parse_pointer, render_pointer
from skillsync.sync.local import join, last_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.sync.report import Report
    from skillsync.sync.workspace import Workspace
    from skillsync.sync.writing import Writer

_STAGES = (1, 2, 3)


def settle_pointers(workspace: Workspace, writer: Writer, report: Report) -> None:
    """Write and stage the line of each target for every skill's pointer that is unmerged in git's index.

    A file with anything else in it (a dataset's line, which has no order, or what cannot be read) is left to the user.
    """
    repo = workspace.repo
    for path in sorted(repo.unmerged()):
        directory = path.rpartition("/")[0]
        below = any(f"{path}/".startswith(f"{root}/") for root in workspace.settings.skills)
        if last_part(path) != POINTER or not below:
            continue
        lines = _merged(repo.stages(path), path)
        if lines is None:
            continue
        file = repo.root / path
        before = file.read_bytes() if file.is_file() and not file.is_symlink() else None
        after = render_pointer(lines) if lines else None
        if after != before:
            folder = Folder(directory, (), before)
            change = FileChange(POINTER, before, after)
            writer.write(last_part(directory), folder, (), [change], reason="merge")
        repo.stage([join(directory, POINTER)])
        shown = ", ".join(f"v{line.number}" for line in lines.values()) or "none"
        report.note(f"{directory}: git left two pointers in conflict; what counts now: {shown}")


def _merged(stages: Mapping[int, bytes], path: str) -> dict[str, SkillPointer] | None:
    """Return the lines by place, None when a stage holds something other than lines of skills."""
    found: dict[int, dict[str, SkillPointer]] = {}
    for stage in _STAGES:
        parsed = parse_pointer(stages.get(stage, b""), path=path)
        lines = {at: one for at, one in parsed.lines.items() if isinstance(one, SkillPointer)}
        if parsed.problems or parsed.unknown or len(lines) < len(parsed.lines):
            return None
        found[stage] = lines
    places = {place for lines in found.values() for place in lines}
    merged = {
        place: after_git_merge(*(found[stage].get(place) for stage in _STAGES)) for place in places
    }
    return {place: line for place, line in merged.items() if line is not None}
