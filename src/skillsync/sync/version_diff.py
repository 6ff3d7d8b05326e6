"""The differences between two versions of skills, or between a version and the working tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent, UsageError
from skillsync.model import Json, Skill
from skillsync.sync.diff import ObjectDiff, compare_skills
from skillsync.sync.diff_lines import Sides
from skillsync.sync.local import read_tree
from skillsync.sync.revision import find_skill, parse_revision, read_version

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_survey import SkillView
    from skillsync.sync.workspace import Remote, Workspace


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What differs between two sides, each named as the user would: ``NAME@3``, or ``the working tree``."""

    before: str
    after: str
    diff: ObjectDiff | None

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object: each unit with its value before and after."""
        units = self.diff.units if self.diff else ()
        return {
            "before": self.before,
            "after": self.after,
            "changes": [
                {"unit": unit, "before": before, "after": after} for unit, before, after in units
            ],
        }


def diff_versions(
    workspace: Workspace, target: Target, remote: Remote, words: Sequence[str]
) -> VersionDiff:
    """Compare ``NAME@3 NAME@5``, or ``NAME@3`` with the working tree; a NAME alone is its latest version.

    Raises UsageError for more than two, NotFound, InvalidContent when the working tree's skill is invalid.
    """
    if len(words) > 2:
        raise UsageError(
            f"two versions can be compared, not {len(words)}",
            hint="skillsync diff NAME@3 NAME@5, or NAME@3 against the working tree",
        )
    tree = read_tree(workspace)
    sides: list[tuple[str, Skill]] = []
    view: SkillView | None = None
    for word in words:
        revision = parse_revision(word)
        if view is None or view.name != revision.name:
            view = find_skill(workspace, target, remote, revision.name, tree=tree)
        content = read_version(workspace, remote, view, revision.number)
        number = content.version.number
        sides.append((f"{view.name}@{number}", content.content))
    assert view is not None
    if len(sides) == 1:
        sides.append(("the working tree", _local(view)))
    (before, one), (after, other) = sides
    name = view.name if len(words) == 1 or one.name == other.name else f"{one.name}, {other.name}"
    local = view.local if len(words) == 1 else None
    called = Sides(f"only in {before}", f"only in {after}")
    state = f"{before} → {after}"
    return VersionDiff(
        before, after, compare_skills(name, state, one, other, local=local, sides=called)
    )


def _local(view: SkillView) -> Skill:
    if view.local is None:
        raise UsageError(
            f"{view.name} is not in the working tree",
            subject=view.name,
            hint=f"name two versions: skillsync diff {view.name}@1 {view.name}@2",
        )
    skill = view.local.reading.skill
    if skill is None:
        raise InvalidContent(
            f"{view.name} is invalid in the working tree, so it cannot be compared",
            subject=view.name,
            path=view.local.dir,
            hint=f"skillsync lint {view.name}",
        )
    return skill
