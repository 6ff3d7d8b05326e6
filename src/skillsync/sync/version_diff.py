"""The differences between two versions of skills or datasets, or between a version and the working tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent, UsageError
from skillsync.model import Json, Key, Row, Skill
from skillsync.sync.dataset_versions import rows_at
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.diff import ObjectDiff, compare_skills, rows_diff
from skillsync.sync.diff_lines import Sides
from skillsync.sync.local import LocalSkill, LocalTree, read_lean_tree
from skillsync.sync.revision import (
    Found,
    Revision,
    dataset_of,
    find_one,
    living,
    parse_revision,
    read_kept,
    read_version,
)

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_view import SkillView
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
    workspace: Workspace, target: Target, remote: Remote | None, words: Sequence[str]
) -> VersionDiff:
    """Compare ``NAME@3 NAME@5``, or ``NAME@3`` with the working tree; a NAME alone is its latest version.

    ``remote`` None is offline: versions of skills that were read before are kept. Raises UsageError for more than two, NotFound, InvalidContent when the working tree's skill is invalid.
    """
    if len(words) > 2:
        raise UsageError(
            f"two versions can be compared, not {len(words)}",
            hint="skillsync diff NAME@3 NAME@5, or NAME@3 against the working tree",
        )
    reader = _Reader(workspace, target, remote)
    sides = [reader.side(parse_revision(word)) for word in words]
    if len(sides) == 1:
        sides.append(reader.here(sides[0]))
    before, after = sides
    names = (before.name, after.name)
    name = names[0] if names[0] == names[1] else ", ".join(names)
    called = Sides(f"only in {before.label}", f"only in {after.label}")
    state = f"{before.label} → {after.label}"
    if before.skill is not None and after.skill is not None:
        found = compare_skills(
            name, state, before.skill, after.skill, local=after.local, sides=called
        )
    elif before.rows is not None and after.rows is not None:
        found = rows_diff(name, state, before.rows, after.rows, [], called)
    else:
        raise UsageError(
            f"{names[0]} and {names[1]} are a skill and a dataset, which cannot be compared",
            hint="name two versions of one of them",
        )
    return VersionDiff(before.label, after.label, found)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side: what it is called, and its skill or its rows; ``local`` is the skill in files that it was read from."""

    name: str
    label: str
    skill: Skill | None = None
    rows: Mapping[Key, Row] | None = None
    local: LocalSkill | None = None


@dataclass
class _Reader:
    """Reads the sides; what a name means is found out once."""

    workspace: Workspace
    target: Target
    remote: Remote | None
    _found: dict[str, Found | DatasetView] = field(default_factory=dict)

    @cached_property
    def tree(self) -> LocalTree:
        """The working tree."""
        return read_lean_tree(self.workspace)

    def side(self, revision: Revision) -> _Side:
        """Read one version."""
        found, remote = self._view(revision.name), self.remote
        if isinstance(found, DatasetView):
            assert remote is not None  # offline none is found
            then = rows_at(self.workspace, remote, found, revision.number)
            return _Side(found.slug, f"{found.slug}@{then.revision.number}", rows=then.rows)
        if remote is None:
            content = read_kept(self.workspace, self.target, found, revision.number)
        else:
            content = read_version(self.workspace, remote, living(found), revision.number)
        assert found.skill is not None  # else nothing was read
        name = found.skill.name
        return _Side(name, f"{name}@{content.version.number}", content.content)

    def here(self, other: _Side) -> _Side:
        """Return the same object in the working tree."""
        [view] = self._found.values()
        label = "the working tree"
        if isinstance(view, DatasetView):
            return _Side(other.name, label, rows=_rows_here(view))
        assert view.skill is not None  # else the other side had not been found
        return _Side(other.name, label, _local(view.skill), local=view.skill.local)

    def _view(self, name: str) -> Found | DatasetView:
        if name not in self._found:
            here = (self.workspace, self.target, self.remote)
            found = find_one(*here, name, tree=self.tree)
            dataset = dataset_of(*here, self.tree, found)
            self._found[name] = dataset if dataset is not None else found
        return self._found[name]


def _rows_here(view: DatasetView) -> Mapping[Key, Row]:
    local = view.local
    if local is None:
        raise UsageError(
            f"{view.slug} is not in the working tree",
            subject=view.slug,
            hint=f"name two versions: skillsync diff {view.slug}@1 {view.slug}@2",
        )
    if local.problem is not None:
        raise local.problem
    return local.rows


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
