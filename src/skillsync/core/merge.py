"""Merges base, local and remote of a skill; the door of every merge (sync.md 8, laws P22).

``merge(b, x, b) = x``, ``merge(b, b, y) = y``, ``merge(b, x, x) = x``; symmetric but for the labels; no unit comes
from nowhere. Text is compared by line only where both sides changed it differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.core.merge_bases import common_base
from skillsync.core.merge_files import FilesMerge, exact_renames, merge_files
from skillsync.core.merge_rows import (
    InfoMerge,
    RowMerge,
    changed_row_groups,
    incoming_groups,
    merge_info,
    merge_row,
    settle_row,
)
from skillsync.core.merge_text import TextMerge, TextMerger, merge_lines
from skillsync.core.merge_units import Take, choose, conflict_of, merge_mapping, merge_set, shown
from skillsync.model import Extra, Skill, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillsync.model import Conflict, Json

__all__ = [
    "BODY",
    "InfoMerge",
    "RowMerge",
    "SkillMerge",
    "TextMerge",
    "TextMerger",
    "changed_row_groups",
    "common_base",
    "exact_renames",
    "incoming_groups",
    "merge_info",
    "merge_row",
    "merge_skill",
    "settle_row",
]

BODY = "SKILL.md:body"
"""The key of the body in ``SkillMerge.merged_texts``; no bundled file can have that path (sync.md F23)."""


@dataclass(frozen=True, slots=True)
class SkillMerge:
    """``skill`` is clean, without markers: units in conflict have the local value (a file that one side deleted and
    the other edited has the edited text: F13, F14).

    ``merged_texts`` maps a file's path, or BODY, to its text with markers.
    """

    skill: Skill
    conflicts: tuple[Conflict, ...] = ()
    merged_texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Tell whether nobody has to choose."""
        return not self.conflicts


def merge_skill(
    base: Skill | Sequence[Skill] | None,
    local: Skill,
    remote: Skill,
    *,
    merge_text: TextMerger,
) -> SkillMerge:
    """Merge by unit: frontmatter by key, metadata by sub-key, the tool list as a whole, body and files by line.

    ``base`` may be several common ancestors: a unit about which their verdicts differ is a conflict (B4). None, or
    no ancestor, is the two-way merge of ``adopt --merge``: what only one side has is kept, what both have
    differently is a conflict. The name is identity, not content: it stays the local one.
    """
    if isinstance(base, Sequence):
        base = common_base(base, sides=(local, remote))
    ancestor = base or Skill(local.name, "", "")
    scalars, conflicts = _merge_scalars(ancestor, local, remote)
    metadata, metadata_conflicts = merge_mapping(ancestor.metadata, local.metadata, remote.metadata)
    conflicts += _key_conflicts(
        metadata_conflicts,
        (ancestor.metadata, local.metadata, remote.metadata),
        subject=local.name,
        prefix="metadata.",
    )
    body, body_conflicts, texts = _merge_body(ancestor, local, remote, merge_text=merge_text)
    files = merge_files(
        ancestor.files, local.files, remote.files, subject=local.name, merge_text=merge_text
    )
    extra, extra_conflicts = _merge_extra(ancestor, local, remote, files=files)
    tools = _merge_tools(ancestor, local, remote)
    if tools is None:
        conflicts.append(_tools_conflict(ancestor, local, remote))
        tools = _tools(local)
    if extra is not None:
        # A file that goes was in the base; one that is neither there nor in the result the API cannot hold.
        gone, empty = ancestor.files.keys() - files.files.keys(), extra.empty - files.files.keys()
        executable = extra.executable - (gone - empty)
        extra = Extra(extra.frontmatter, tools.carried, executable, empty)
    skill = Skill(
        name=local.name,
        description=scalars["description"],
        body=body,
        license=scalars["license"],
        compatibility=scalars["compatibility"],
        allowed_tools=tools.exact,
        metadata=metadata,
        files=files.files,
        extra=extra,
    )
    every = (*conflicts, *extra_conflicts, *body_conflicts, *files.conflicts)
    return SkillMerge(skill, every, {**texts, **files.texts})


def _merge_scalars(
    base: Skill, local: Skill, remote: Skill
) -> tuple[dict[str, str], list[Conflict]]:
    """Merge the text fields of the frontmatter; an empty one is an absent one."""
    names = ("description", "license", "compatibility")
    sides: list[dict[str, Json]] = [
        {name: value for name in names if (value := getattr(side, name))}
        for side in (base, local, remote)
    ]
    merged, keys = merge_mapping(*sides)
    conflicts = _key_conflicts(keys, (sides[0], sides[1], sides[2]), subject=local.name)
    return {name: str(merged.get(name, "")) for name in names}, conflicts


def _key_conflicts(
    keys: Iterable[str],
    sides: tuple[Mapping[str, Json], Mapping[str, Json], Mapping[str, Json]],
    *,
    subject: str,
    prefix: str = "",
) -> list[Conflict]:
    """Return a conflict per key, with what it is in base, local and remote."""
    base, local, remote = sides
    kind = UnitKind.FRONTMATTER
    return [
        conflict_of(
            subject, kind, prefix + key, (shown(base, key), shown(local, key), shown(remote, key))
        )
        for key in keys
    ]


@dataclass(frozen=True, slots=True)
class _Tools:
    """A side's tool list, and the same list as the carry entry has it, None where the API's own suffices."""

    exact: tuple[str, ...]
    carried: tuple[str, ...] | None


def _tools(side: Skill, *, stand_in: Skill | None = None) -> _Tools:
    """Return the list that counts: the carried one; an unknown carry entry is the ``stand_in``'s (sync.md 6)."""
    extra = side.extra
    if extra is None and stand_in is not None:
        extra = stand_in.extra
    carried = extra.allowed_tools if extra is not None else None
    return _Tools(side.allowed_tools if carried is None else carried, carried)


def _merge_tools(base: Skill, local: Skill, remote: Skill) -> _Tools | None:
    """Choose one list as a whole, None in a conflict: half a permission list would permit something else."""
    old, ours, other = _tools(base), _tools(local, stand_in=remote), _tools(remote, stand_in=local)
    take = choose(old.exact or None, ours.exact or None, other.exact or None)
    return {Take.LOCAL: ours, Take.REMOTE: other, Take.CONFLICT: None}[take]


def _tools_conflict(base: Skill, local: Skill, remote: Skill) -> Conflict:
    old, ours, other = (", ".join(_tools(side).exact) or None for side in (base, local, remote))
    return conflict_of(local.name, UnitKind.FRONTMATTER, "allowed-tools", (old, ours, other))


def _merge_body(
    base: Skill, local: Skill, remote: Skill, *, merge_text: TextMerger
) -> tuple[str, list[Conflict], dict[str, str]]:
    take = choose(base.body, local.body, remote.body)
    if take is not Take.CONFLICT:
        return (local if take is Take.LOCAL else remote).body, [], {}
    merged = merge_lines(base.body, local.body, remote.body, merge_text=merge_text)
    if merged.text is not None:
        return merged.text, [], {}
    sides = base.body or None, local.body, remote.body
    conflict = conflict_of(local.name, UnitKind.BODY, "body", sides)
    return local.body, [conflict], {} if merged.marked is None else {BODY: merged.marked}


def _merge_extra(
    base: Skill, local: Skill, remote: Skill, *, files: FilesMerge
) -> tuple[Extra | None, list[Conflict]]:
    """Merge what the API cannot hold but the tools. An unknown side counts as equal to the other one (sync.md 6)."""
    if local.extra is None or remote.extra is None:
        return remote.extra if local.extra is None else local.extra, []
    old, ours, other = base.extra or Extra(), local.extra, remote.extra
    frontmatter, keys = merge_mapping(old.frontmatter, ours.frontmatter, other.frontmatter)
    conflicts = _key_conflicts(
        keys, (old.frontmatter, ours.frontmatter, other.frontmatter), subject=local.name
    )
    disputed = frozenset(conflict.unit for conflict in files.conflicts)
    kept_local = disputed & local.files.keys()
    kept_remote = disputed - kept_local
    executable = merge_set(old.executable, ours.executable, other.executable) - disputed
    executable |= (ours.executable & kept_local) | (other.executable & kept_remote)
    empty = merge_set(old.empty, ours.empty, other.empty)
    return Extra(frontmatter, None, executable, empty), conflicts
