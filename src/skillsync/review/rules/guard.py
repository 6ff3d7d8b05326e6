"""Rules G: changes to what the review itself depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skillsync.config_schema import SETTINGS_FILE
from skillsync.model import DatasetPointer, Folder, Pointer, SkillPointer
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.review.baseline import FILE
from skillsync.review.rules.model import Hit
from skillsync.review.skill_changes import shown_path
from skillsync.review.values import Level
from skillsync.sync.local import join


def check_guarded(paths: Iterable[str]) -> Iterator[Hit]:
    """Yield the changed files that decide how things are reviewed or published."""
    for path in paths:
        is_policy = path in {SETTINGS_FILE, FILE}
        what = (
            "the rules of reviews" if path == FILE else "what is published and how it is reviewed"
        )
        message = (
            f"the range changes {what if is_policy else 'what runs in CI'}; an owner should look"
        )
        rule = "G-POLICY" if is_policy else "G-WORKFLOW"
        yield Hit(rule, shown_path(path), None, path, message)


def check_pointer(before: Folder | None, after: Folder | None) -> Iterator[Hit]:
    """Yield changed pointer lines, those that go backwards as errors (sync.md B2)."""
    if after is None or after.pointer is None:
        return
    path = join(after.dir, POINTER)
    old = parse_pointer(before.pointer, path=path).lines if before and before.pointer else {}
    new = parse_pointer(after.pointer, path=path).lines
    for place, line in new.items():
        was = old.get(place)
        if line == was:
            continue
        if was is not None and _goes_back(was, line):
            message = f"the pointer for {place} goes back from {_said(was)} to {_said(line)}"
            yield Hit(
                "G-POINTER-BACK", path, None, message, message, fix=f"skillsync pull {after.dir}"
            )
        else:
            from_there = f" (it was {_said(was)})" if was else ""
            message = f"the pointer says that {_said(line)} of {place} was taken in{from_there}"
            yield Hit("G-POINTER", path, None, message, message, level=Level.NOTE)


def _goes_back(was: Pointer, line: Pointer) -> bool:
    if isinstance(was, SkillPointer) and isinstance(line, SkillPointer):
        return line.first == was.first and line.number < was.number
    if isinstance(was, DatasetPointer) and isinstance(line, DatasetPointer):
        return line.dataset == was.dataset and (line.revision or 0) < (was.revision or 0)
    return False


def _said(line: Pointer) -> str:
    if isinstance(line, SkillPointer):
        return f"v{line.number}"
    return f"revision {line.revision}" if line.revision is not None else f"{line.rows} rows"
