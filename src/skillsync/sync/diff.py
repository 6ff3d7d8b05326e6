"""Shows the differences a person wants: frontmatter by field, body by line, files, rows by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError, place_of
from skillsync.formats.canonical import canonical_json
from skillsync.model import Extra, Json, Key, Row, Severity, Skill
from skillsync.sync.dataset_survey import DatasetView, survey_datasets
from skillsync.sync.describe import SKILL_STATES
from skillsync.sync.diff_lines import DiffLine, Mark, Sides, Unit, row_lines, unit_lines
from skillsync.sync.local import LocalSkill, read_lean_tree
from skillsync.sync.merged_pointers import as_settled
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.skill_reading import read_into
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skillsync.config import Target


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """One object's differences: units (frontmatter key, body, file path, row key) and the lines that show them.

    ``words`` say for people how the object stands.
    """

    kind: str
    subject: str
    state: str
    units: tuple[Unit, ...]
    lines: tuple[DiffLine, ...]
    words: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object: each unit with its remote (before) and local (after) value."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "state": self.state,
            "words": self.words,
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
        from skillsync.sync.diff_head import diff_with_head

        return diff_with_head(workspace, target, names)
    tree = as_settled(workspace, read_lean_tree(workspace))
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    require_known(workspace, names, surveyed(workspace, skills, datasets))
    differing = {
        name: view
        for name, view in sorted(skills.views.items())
        if view.content is None and view.version is not None and not view.error and _differs(view)
    }
    read_into(workspace, remote, differing)
    found = [_skill_diff(view) for _, view in sorted(skills.views.items())]
    found += [_dataset_diff(view) for view in datasets.views]
    return [one for one in found if one is not None]


def _differs(view: SkillView) -> bool:
    same = view.local and view.base and view.version and view.base.id == view.version.id
    return not (same and view.local and view.base and view.local.digest == view.base.digest)


# ---------------------------------------------------------------- skills


def _skill_diff(view: SkillView) -> ObjectDiff | None:
    if view.error is not None:
        return error_diff(view.name, view.error)
    if view.local is not None and (invalid := invalid_skill(view.local)):
        return invalid
    if view.content is None and view.version is not None:
        return None
    before = view.content.content if view.content else None
    words = SKILL_STATES.get(view.verdict.state, "")
    if view.version is not None:
        words += f" (v{view.version.number} by {view.version.author.label})"
    return compare_local(view.name, str(view.verdict.state), words, before, view.local, Sides())


def invalid_skill(local: LocalSkill) -> ObjectDiff | None:
    """Return what is said of a skill that cannot be compared, None for a valid one."""
    errors = [one for one in local.problems if one.severity is Severity.ERROR]
    if local.reading.skill is not None or not errors:
        return None
    said = tuple(
        DiffLine(Mark.HEADING, f"{one.where or one.subject}: {one.message}") for one in errors
    )
    words = "cannot be compared: it is not valid"
    return ObjectDiff("skill", local.name, "invalid", (), said, words)


def compare_local(
    name: str,
    state: str,
    words: str,
    before: Skill | None,
    local: LocalSkill | None,
    sides: Sides,
) -> ObjectDiff | None:
    """As ``compare_skills``, with the skill as it is here as the second side."""
    after = local.reading.skill if local else None
    return compare_skills(name, state, before, after, words=words, local=local, sides=sides)


def compare_skills(
    name: str,
    state: str,
    before: Skill | None,
    after: Skill | None,
    *,
    words: str = "",
    local: LocalSkill | None = None,
    sides: Sides | None = None,
) -> ObjectDiff | None:
    """Return what differs between two contents of a skill, None when nothing does.

    ``local`` is where ``after`` was read from, if from files: its lines are then counted as they stand there.
    """
    sides = sides or Sides()
    units = skill_units(before, after)
    if not units:
        return None
    if before is None or after is None:
        words = words or (sides.only_after if before is None else sides.only_before)
        sides = Sides("", "")
    lines: list[DiffLine] = []
    for unit in units:
        lines += unit_lines(unit, sides, first_line=_first_line(local, unit[0]))
    return ObjectDiff("skill", name, state, tuple(units), tuple(lines), words)


def _first_line(local: LocalSkill | None, unit: str) -> int | None:
    """Return the line in the local file where a text's first line stands; None where there is no such place."""
    document = local.reading.document if local else None
    if local is None or document is None:
        return None
    raw = document.body if unit == "body" else local.reading.raw_files.get(unit)
    if raw is None:
        return None
    start = document.body_line if unit == "body" else 1
    return start + raw[: len(raw) - len(raw.lstrip())].count("\n")


def skill_units(before: Skill | None, after: Skill | None) -> list[Unit]:
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


# ---------------------------------------------------------------- datasets


def _dataset_diff(view: DatasetView) -> ObjectDiff | None:
    error = view.error or (view.local.problem if view.local else None)
    if error is not None:
        return error_diff(view.slug, error, kind="dataset")
    remote = {row.key: row.remote.row for row in view.rows if row.remote is not None}
    local = {row.key: row.local for row in view.rows if row.local is not None}
    if view.remote_rows is None and view.local is not None:
        local = dict(view.local.rows)
    info: list[Unit] = []
    if view.local is not None and view.remote is not None:
        here, there = view.local.document.info, view.remote.info
        info = [
            (f"DATASET.md {name}", old, new)
            for name, old, new in (
                ("name", there.name, here.name),
                ("description", there.description, here.description),
                ("metadata", canonical_json(there.metadata), canonical_json(here.metadata)),
            )
            if old != new and not (name == "metadata" and {old, new} <= {"null", "{}"})
        ]
    return rows_diff(view.slug, str(view.verdict.push), remote, local, info, Sides())


def rows_diff(
    slug: str,
    state: str,
    before: Mapping[Key, Row],
    after: Mapping[Key, Row],
    info: list[Unit],
    sides: Sides,
) -> ObjectDiff | None:
    """Return what differs between the rows of two sides, after what differs of the dataset itself; None: nothing."""
    units = list(info)
    lines = [line for unit in info for line in unit_lines(unit, sides)]
    rows = 0
    for key in [*after, *(one for one in before if one not in after)]:
        found = row_units(str(key), before.get(key), after.get(key))
        if found:
            units += found
            lines += _one_row(str(key), found, before.get(key), after.get(key), sides)
            rows += 1
    if not units:
        return None
    words = f"{rows} {'row differs' if rows == 1 else 'rows differ'}" if rows else ""
    return ObjectDiff("dataset", slug, state, tuple(units), tuple(lines), words)


def _one_row(
    key: str, units: list[Unit], before: Row | None, after: Row | None, sides: Sides
) -> Iterator[DiffLine]:
    words = sides.only_after if before is None else sides.only_before if after is None else ""
    fields = [(name.removeprefix(f"{key} "), old, new) for name, old, new in units]
    return row_lines(key, fields, words)


def row_units(key: str, before: Row | None, after: Row | None) -> list[Unit]:
    """Return what differs between two rows, field by field, as JSON texts; metadata by key."""
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


def error_diff(subject: str, error: SkillsyncError, *, kind: str = "skill") -> ObjectDiff:
    """Return what is said of an object that cannot be compared because of an error."""
    place = place_of(error)
    where = f"{place}: " if place else ""
    said = (DiffLine(Mark.HEADING, f"{where}{error.message}"),)
    return ObjectDiff(kind, subject, "error", (), said, "cannot be compared")
