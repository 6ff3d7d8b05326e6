"""Merges the bundled files of a skill by path, exact renames included (sync.md 7.2, F1–F18)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.core.merge_text import TextMerger, merge_lines
from skillsync.core.merge_units import Take, choose, conflict_of
from skillsync.model import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.model import Conflict


@dataclass(frozen=True, slots=True)
class FilesMerge:
    """The merged files; ``texts`` maps a path in conflict to its text with markers, where lines could be compared."""

    files: Mapping[str, str]
    conflicts: tuple[Conflict, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def merge_files(
    base: Mapping[str, str],
    local: Mapping[str, str],
    remote: Mapping[str, str],
    *,
    subject: str,
    merge_text: TextMerger,
) -> FilesMerge:
    """Merge path → canonical text by table 7.2.

    A path in conflict keeps the local text; where one side deleted and the other edited, the edited text stays
    (F13, F14).
    """
    local_renames, remote_renames = exact_renames(base, local), exact_renames(base, remote)
    moved = {
        **_moved_edits(local_renames, other=remote),
        **_moved_edits(remote_renames, other=local),
    }
    settled = set(moved) | {path for path, _ in moved.values()}
    files = {to: text for to, (_, text) in moved.items()}
    conflicts = _rename_conflicts(local_renames, remote_renames, base, subject=subject)
    texts: dict[str, str] = {}
    for path in sorted({*base, *local, *remote} - settled):
        sides = base.get(path), local.get(path), remote.get(path)
        text, reason, marked = _merge_file(*sides, merge_text=merge_text)
        if text is not None:
            files[path] = text
        if reason:
            conflicts.append(conflict_of(subject, UnitKind.FILE, path, sides, reason=reason))
        if marked is not None:
            texts[path] = marked
    conflicts.sort(key=lambda conflict: conflict.unit)
    return FilesMerge(dict(sorted(files.items())), tuple(conflicts), texts)


def exact_renames(base: Mapping[str, str], side: Mapping[str, str]) -> dict[str, str]:
    """Return old path → new path where one deleted and one added file have exactly the same text.

    Two candidates for one text are no rename: nothing is guessed.
    """
    by_text: defaultdict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for path in base.keys() - side.keys():
        by_text[base[path]][0].append(path)
    for path in side.keys() - base.keys():
        by_text[side[path]][1].append(path)
    return {
        gone[0]: added[0] for gone, added in by_text.values() if len(gone) == 1 and len(added) == 1
    }


def _moved_edits(
    renames: Mapping[str, str], *, other: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return new path → (old path, text) where one side renamed what the ``other`` has in its place (F15–F17)."""
    return {
        to: (path, other[path]) for path, to in renames.items() if path in other and to not in other
    }


def _rename_conflicts(
    local: Mapping[str, str], remote: Mapping[str, str], base: Mapping[str, str], *, subject: str
) -> list[Conflict]:
    """F18: both sides renamed one file, to different paths; both new files stay."""
    return [
        conflict_of(
            subject,
            UnitKind.FILE,
            path,
            (base[path], None, None),
            reason=f"renamed to {local[path]} locally and to {remote[path]} remotely; both are kept",
        )
        for path in sorted(local.keys() & remote.keys())
        if local[path] != remote[path]
    ]


def _merge_file(
    base: str | None, local: str | None, remote: str | None, *, merge_text: TextMerger
) -> tuple[str | None, str, str | None]:
    """Return text (None: no file), the reason of a conflict or "", and the text with markers."""
    take = choose(base, local, remote)
    if take is not Take.CONFLICT:
        return (local if take is Take.LOCAL else remote), "", None
    if local is None:
        return remote, "deleted locally, edited remotely", None
    if remote is None:
        return local, "edited locally, deleted remotely", None
    merged = merge_lines(base, local, remote, merge_text=merge_text)
    if merged.text is not None:
        return merged.text, "", None
    reason = "edited on both sides" if base is not None else "added on both sides"
    return local, reason, merged.marked
