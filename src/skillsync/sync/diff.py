"""Shows the differences a person wants: frontmatter by field, body by line, files, rows by field."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError
from skillsync.formats.canonical import canonical_json
from skillsync.model import Extra, Json, Key, Row, Skill
from skillsync.sync.dataset_survey import DatasetView, survey_datasets
from skillsync.sync.local import read_tree
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.skill_survey import SkillView, read_into, survey_skills
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target


class Mark(StrEnum):
    """What one line of a difference is."""

    HEADING = "heading"
    REMOVED = "removed"
    ADDED = "added"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: its mark and text without sign."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """One object's differences: units (frontmatter key, body, file path, row key) and the lines that show them."""

    kind: str
    subject: str
    state: str
    units: tuple[tuple[str, str | None, str | None], ...]
    lines: tuple[DiffLine, ...]

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object: each unit with its remote (before) and local (after) value."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "state": self.state,
            "changes": [
                {"unit": unit, "remote": remote, "local": local}
                for unit, remote, local in self.units
            ],
        }


def diff(
    workspace: Workspace,
    target: Target,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
) -> list[ObjectDiff]:
    """Compare the working tree with the remote's latest; offline with HEAD."""
    if remote is None:
        return _with_head(workspace, target, names)
    tree = read_tree(workspace)
    found = []
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    differing = {
        name: view
        for name, view in sorted(skills.views.items())
        if view.content is None and view.version is not None and not view.error and _differs(view)
    }
    read_into(workspace, remote, differing)
    for _, view in sorted(skills.views.items()):
        one = _skill_diff(view)
        if one is not None:
            found.append(one)
    datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    require_known(workspace, names, surveyed(workspace, skills, datasets))
    found += [one for view in datasets.views if (one := _dataset_diff(view)) is not None]
    return found


def _differs(view: SkillView) -> bool:
    same = view.local and view.base and view.version and view.base.id == view.version.id
    return not (same and view.local and view.base and view.local.digest == view.base.digest)


def _with_head(workspace: Workspace, target: Target, names: Collection[str]) -> list[ObjectDiff]:
    tree = read_tree(workspace)
    head = workspace.history.head
    old = read_tree(workspace, commit=head) if head else None
    survey = survey_skills(workspace, target, tree, remote=None, names=names)
    before = {skill.name: skill.reading.skill for skill in old.skills} if old else {}
    found = []
    for name, view in sorted(survey.views.items()):
        now = view.local.reading.skill if view.local else None
        one = _compare(name, "against HEAD", before.get(name), now)
        if one is not None:
            found.append(one)
    rows_before = {dataset.dir: dataset for dataset in old.datasets} if old else {}
    datasets = survey_datasets(workspace, target, tree, remote=None, names=names)
    require_known(workspace, names, surveyed(workspace, survey, datasets), where="here")
    for dataset in datasets.views:
        local = dataset.local
        if local is None or local.problem is not None:
            continue
        past = rows_before.get(local.dir)
        base = past.rows if past is not None and past.problem is None else {}
        one = _rows_diff(dataset.slug, "against HEAD", base, local.rows, [])
        if one is not None:
            found.append(one)
    return found


def _skill_diff(view: SkillView) -> ObjectDiff | None:
    if view.error is not None:
        return _error(view.name, view.error)
    local = view.local.reading.skill if view.local else None
    if view.local is not None and local is None:
        return ObjectDiff("skill", view.name, "invalid", (), (DiffLine(Mark.HEADING, "invalid"),))
    if view.content is None and view.version is not None:
        return None
    return _compare(
        view.name, str(view.verdict.state), view.content.content if view.content else None, local
    )


def _compare(name: str, state: str, before: Skill | None, after: Skill | None) -> ObjectDiff | None:
    units = skill_units(before, after)
    if not units:
        return None
    lines = [line for unit, old, new in units for line in _unit_lines(unit, old, new)]
    return ObjectDiff("skill", name, state, tuple(units), tuple(lines))


def skill_units(
    before: Skill | None, after: Skill | None
) -> list[tuple[str, str | None, str | None]]:
    """Return what differs between two skills: unit, old text, new text; an unknown extra is no difference."""
    old, new = _fields(before), _fields(after)
    if before is not None and after is not None and (before.extra is None or after.extra is None):
        old = {unit: text for unit, text in old.items() if not unit.startswith(EXTRA)}
        new = {unit: text for unit, text in new.items() if not unit.startswith(EXTRA)}
    return [
        (unit.removeprefix(EXTRA), old.get(unit), new.get(unit))
        for unit in [*new, *(one for one in old if one not in new)]
        if old.get(unit) != new.get(unit)
    ]


EXTRA = "\0extra:"


def _fields(skill: Skill | None) -> dict[str, str]:
    if skill is None:
        return {}
    fields: dict[str, str] = {"description": skill.description}
    fields |= {
        name: value for name in ("license", "compatibility") if (value := getattr(skill, name))
    }
    if skill.allowed_tools:
        fields["allowed-tools"] = " ".join(skill.allowed_tools)
    fields |= {f"metadata.{key}": _text(value) for key, value in sorted(skill.metadata.items())}
    extra = skill.extra or Extra()
    fields |= {f"{EXTRA}{key}": _text(value) for key, value in sorted(extra.frontmatter.items())}
    fields |= {f"{EXTRA}executable {path}": "yes" for path in sorted(extra.executable)}
    fields |= {f"{EXTRA}empty file {path}": "yes" for path in sorted(extra.empty)}
    fields["body"] = skill.body
    fields |= dict(sorted(skill.files.items()))
    return fields


def _text(value: Json) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _unit_lines(unit: str, old: str | None, new: str | None) -> list[DiffLine]:
    lines = [DiffLine(Mark.HEADING, unit)]
    one, other = (old or "").split("\n") if old else [], (new or "").split("\n") if new else []
    if len(one) <= 1 and len(other) <= 1:  # a value, not a text: a position says nothing
        lines += [DiffLine(Mark.REMOVED, line) for line in one]
        return lines + [DiffLine(Mark.ADDED, line) for line in other]
    for line in list(difflib.unified_diff(one, other, lineterm="", n=2))[2:]:
        mark = {"+": Mark.ADDED, "-": Mark.REMOVED}.get(line[:1], Mark.CONTEXT)
        lines.append(DiffLine(mark, line if line.startswith("@@") else line[1:]))
    return lines


def _dataset_diff(view: DatasetView) -> ObjectDiff | None:
    error = view.error or (view.local.problem if view.local else None)
    if error is not None:
        return _error(view.slug, error, kind="dataset")
    remote = {row.key: row.remote.row for row in view.rows if row.remote is not None}
    local = {row.key: row.local for row in view.rows if row.local is not None}
    if view.remote_rows is None and view.local is not None:
        local = dict(view.local.rows)
    info: list[tuple[str, str | None, str | None]] = []
    if view.local is not None and view.remote is not None:
        mine, theirs = view.local.document.info, view.remote.info
        info = [
            (f"DATASET.md {name}", old, new)
            for name, old, new in (
                ("name", theirs.name, mine.name),
                ("description", theirs.description, mine.description),
                ("metadata", canonical_json(theirs.metadata), canonical_json(mine.metadata)),
            )
            if old != new and not (name == "metadata" and {old, new} <= {"null", "{}"})
        ]
    return _rows_diff(view.slug, str(view.verdict.push), remote, local, info)


def _rows_diff(
    slug: str,
    state: str,
    before: Mapping[Key, Row],
    after: Mapping[Key, Row],
    info: list[tuple[str, str | None, str | None]],
) -> ObjectDiff | None:
    units = list(info)
    for key in [*after, *(one for one in before if one not in after)]:
        units += row_units(str(key), before.get(key), after.get(key))
    if not units:
        return None
    lines = [line for unit, old, new in units for line in _unit_lines(unit, old, new)]
    return ObjectDiff("dataset", slug, state, tuple(units), tuple(lines))


def row_units(
    key: str, before: Row | None, after: Row | None
) -> list[tuple[str, str | None, str | None]]:
    """Return what differs between two rows, field by field; metadata by key."""
    old, new = _row_fields(before), _row_fields(after)
    return [
        (f"{key} {name}", old.get(name), new.get(name))
        for name in [*new, *(one for one in old if one not in new)]
        if old.get(name) != new.get(name)
    ]


def _row_fields(row: Row | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in (row.fields if row else {}).items():
        if name == "metadata" and isinstance(value, dict):
            fields |= {f"metadata.{key}": canonical_json(one) for key, one in value.items()}
        elif value is not None:
            fields[name] = canonical_json(value)
    return fields


def _error(subject: str, error: SkillsyncError, *, kind: str = "skill") -> ObjectDiff:
    return ObjectDiff(
        kind,
        subject,
        "error",
        (),
        (DiffLine(Mark.HEADING, f"cannot be compared: {error.message}"),),
    )
