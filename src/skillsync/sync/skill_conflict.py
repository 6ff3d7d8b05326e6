"""Shows a skill's merge conflict the way git shows one: marked text in the files, three stages in the index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.core.merge import BODY, SkillMerge
from skillsync.core.merge_sides import Side, take_skill_side
from skillsync.formats.canonical import canonical_text
from skillsync.formats.skill_folder import SkillReading, write_skill
from skillsync.formats.skill_md import key_lines, key_range, parse_skill_md
from skillsync.model import Conflict, FileChange, Folder, Json, Skill, SkillPointer, UnitKind, held
from skillsync.repo.pointer import parse_line, render_line
from skillsync.sync.local import join

if TYPE_CHECKING:
    from skillsync.repo.git import Repository

SKILL_MD = "SKILL.md"
MARKER = 7


@dataclass(frozen=True, slots=True)
class Labels:
    """What the markers call the sides; each begins with its side's word."""

    local: str
    base: str
    remote: str

    def as_tuple(self) -> tuple[str, str, str]:
        """Return local, base and remote in the order that git takes them."""
        return self.local, self.base, self.remote


@dataclass(frozen=True, slots=True)
class Stages:
    """The three contents of one conflicting file, as git's index holds them; None: absent on that side."""

    path: str
    base: bytes | None
    local: bytes | None
    remote: bytes | None


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a conflict puts on disk and into the index."""

    changes: tuple[FileChange, ...]
    stages: tuple[Stages, ...]


def present(
    reading: SkillReading,
    merge: SkillMerge,
    *,
    base: Skill | None,
    remote: Skill,
    labels: Labels,
    edges: Mapping[str, tuple[str, str]],
    size: int = MARKER,
) -> Presentation:
    """Return the changes that show the conflict; clean units are merged already on all three sides.

    ``size`` is the length of the markers in ``merge``'s texts; those of frontmatter keys have the same.

    So ``git checkout --ours`` and ``--theirs`` keep the other side's clean edits, and the marked file differs
    from both only where a person has to choose.
    """
    local = reading.skill
    if local is None:
        raise ValueError("a conflict needs a valid local skill")
    sides = {Side.LOCAL: local, Side.REMOTE: remote, Side.BASE: base or Skill(local.name, "", "")}
    resolved = {
        side: take_skill_side(
            merge.skill, merge.conflicts, source, side=side, texts=merge.merged_texts
        )
        for side, source in sides.items()
    }
    written = {change.path: change for change in write_skill(reading, merge.skill, edges=edges)}
    stages = []
    for path in conflict_paths(merge.conflicts):
        contents = {
            side: _content(reading, skill, path, edges=edges)
            for side, skill in resolved.items()
            if side is not Side.BASE or base is not None
        }
        stages.append(
            Stages(path, contents.get(Side.BASE), contents[Side.LOCAL], contents[Side.REMOTE])
        )
        marked = _marked(
            reading, merge, path, resolved=resolved, labels=labels, edges=edges, size=size
        )
        if marked is not None:
            before = reading.folder.entry(path)
            written[path] = FileChange(path, before.data if before else None, marked)
    return Presentation(tuple(written[path] for path in sorted(written)), tuple(stages))


def conflict_paths(conflicts: Sequence[Conflict]) -> list[str]:
    """Return the files, relative to the skill, that conflicts are in."""
    return sorted(
        {conflict.unit if conflict.kind is UnitKind.FILE else SKILL_MD for conflict in conflicts}
    )


def _content(
    reading: SkillReading, skill: Skill, path: str, *, edges: Mapping[str, tuple[str, str]]
) -> bytes | None:
    """Return a file's bytes as the folder would have them with that content."""
    for change in write_skill(reading, _writable(skill), edges=edges):
        if change.path == path:
            return held(change.after)
    entry = reading.folder.entry(path)
    return entry.data if entry else None


def _writable(skill: Skill) -> Skill:
    """A blank description or body cannot be written; the base of a two-way merge has neither."""
    return replace(skill, description=skill.description or "-", body=skill.body or "-")


def _marked(
    reading: SkillReading,
    merge: SkillMerge,
    path: str,
    *,
    resolved: Mapping[Side, Skill],
    labels: Labels,
    edges: Mapping[str, tuple[str, str]],
    size: int,
) -> bytes | None:
    """Return the file with markers; None leaves the merged file as it is (a deletion against an edit)."""
    if path != SKILL_MD:
        text = merge.merged_texts.get(path)
        if text is None:
            return None
        return _content(
            reading,
            replace(merge.skill, files={**merge.skill.files, path: canonical_text(text)}),
            path,
            edges=edges,
        )
    body = canonical_text(merge.merged_texts.get(BODY, merge.skill.body))
    data = _content(reading, replace(merge.skill, body=body), SKILL_MD, edges=edges) or b""
    keys = {
        "metadata" if conflict.unit.startswith("metadata.") else conflict.unit
        for conflict in merge.conflicts
        if conflict.kind in {UnitKind.FRONTMATTER, UnitKind.EXTRA}
    }
    return _mark_keys(data, keys, resolved=resolved, labels=labels, size=size)


def _mark_keys(
    data: bytes,
    keys: Collection[str],
    *,
    resolved: Mapping[Side, Skill],
    labels: Labels,
    size: int,
) -> bytes:
    """Put markers around the lines of some frontmatter keys; a key that is in no line comes last."""
    document = parse_skill_md(data, path=SKILL_MD)
    source = document.readable
    newline = "\r\n" if "\r\n" in source else "\n"
    places = {key: key_range(document, key) or (len(source), len(source)) for key in keys}
    for key in sorted(keys, key=lambda key: (places[key], key), reverse=True):
        start, end = places[key]
        lines = {side: key_lines(key, skill, like=document) for side, skill in resolved.items()}
        hunk = _hunk(lines, labels, size).replace("\n", newline)
        source = source[:start] + hunk + source[end:]
    parts = document.parts
    return (parts.bom + parts.opening + source + parts.closing + parts.body).encode()


def _hunk(lines: Mapping[Side, str], labels: Labels, size: int) -> str:
    return (
        f"{'<' * size} {labels.local}\n{lines[Side.LOCAL]}"
        f"{'|' * size} {labels.base}\n{lines[Side.BASE]}"
        f"{'=' * size}\n{lines[Side.REMOTE]}"
        f"{'>' * size} {labels.remote}\n"
    )


# ---------------------------------------------------------------- the parked record


def conflict_record(
    repo: Repository,
    *,
    name: str,
    folder: Folder,
    presentation: Presentation,
    conflicts: Sequence[Conflict],
    pointer: SkillPointer,
) -> dict[str, Json]:
    """Return the record that `resolve` ends: what is open, its three sides as blobs, and the pointer to write.

    Nothing but blobs is stored yet: Writer.write_conflict makes files, stages and record appear in a safe order.
    """
    executable = {entry.path for entry in folder.entries if entry.executable}
    changes, open_paths = presentation.changes, [stages.path for stages in presentation.stages]
    contents = {
        stages.path: {"base": stages.base, "local": stages.local, "remote": stages.remote}
        for stages in presentation.stages
    }
    kept = [held(side) for change in changes for side in (change.before, change.after)]
    kept += [data for one in contents.values() for data in one.values()]
    texts = list(dict.fromkeys(data for data in kept if data is not None))
    blobs: dict[bytes | None, str] = dict(zip(texts, repo.write_blobs(texts), strict=True))
    sides = {
        path: {side: blobs.get(data) for side, data in one.items()}
        for path, one in contents.items()
    }
    return {
        "kind": "skill",
        "name": name,
        "dir": folder.dir,
        "place": pointer.place,
        "pointer": render_line(replace(pointer, stamp=None)),
        "executable": [
            join(folder.dir, stages.path)
            for stages in presentation.stages
            if stages.path in executable
        ],
        "open": open_paths,  # type: ignore[dict-item]  # nested JSON
        "head": _head(repo, folder, sorted({*open_paths, *(change.path for change in changes)})),
        "sides": sides,  # type: ignore[dict-item]  # nested JSON
        "before": [
            {
                "path": change.path,
                "blob": blobs.get(held(change.before)),
                "after": blobs.get(held(change.after)),
                "executable": None if change.executable is None else change.path in executable,
            }
            for change in changes
        ],
        "conflicts": [
            {
                "kind": str(conflict.kind),
                "unit": conflict.unit,
                "base": conflict.base,
                "local": conflict.local,
                "remote": conflict.remote,
                "reason": conflict.reason,
            }
            for conflict in conflicts
        ],
    }


def _head(repo: Repository, folder: Folder, paths: Sequence[str]) -> dict[str, Json]:
    """Return what HEAD has at the paths, as blobs: None where it has nothing."""
    head = repo.head()
    places = [join(folder.dir, path) for path in paths]
    found = {entry.path: entry.blob for entry in repo.tree(head, places)} if head else {}
    return {path: found.get(place) for path, place in zip(paths, places, strict=True)}


def parked_pointer(record: Mapping[str, Json]) -> SkillPointer | None:
    """Return the pointer that a record waits to write."""
    pointer = parse_line(str(record.get("pointer", "")))
    return pointer if isinstance(pointer, SkillPointer) else None
