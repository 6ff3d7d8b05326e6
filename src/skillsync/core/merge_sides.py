"""Takes one side in a conflict: out of a text with markers, and unit by unit out of a skill (sync.md 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from skillsync.core.merge import BODY
from skillsync.formats.canonical import canonical_text
from skillsync.model import Conflict, Extra, Json, Skill, UnitKind

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_OPENING = re.compile(r"(?P<marks><{7,}) (?:local|ours)\b")


class Side(StrEnum):
    """Whose text a conflict gets; UNION is the local lines and then the remote ones."""

    BASE = "base"
    LOCAL = "local"
    REMOTE = "remote"
    UNION = "union"


def take_text_side(marked: str, side: Side) -> str:
    """Return a text with diff3 markers (labels ``local``, ``base``, ``remote``) with every conflict decided.

    Git's own labels, ``ours`` and ``theirs``, are understood, too, with or without the base.

    The longest markers are ours: what looks like shorter ones is text (they are made longer than any of its runs).
    Text without a complete set of markers is left as it is, so that nothing is dropped by mistake.
    """
    result: list[str] = []
    every = _LINE.findall(marked)
    size = max(
        (len(found["marks"]) for line in every if (found := _OPENING.match(line))), default=0
    )
    lines = iter(every)
    for line in lines:
        opening = _OPENING.match(line)
        if not opening or len(opening["marks"]) < size:
            result.append(line)
            continue
        parts, raw, closed = _hunk(lines, size)
        if not closed:
            result += [line, *raw]
            break
        if side is Side.UNION:
            result += parts[Side.LOCAL] + parts[Side.REMOTE]
        else:
            result += parts[side]
    return "".join(result)


def _hunk(lines: Iterable[str], size: int) -> tuple[dict[Side, list[str]], list[str], bool]:
    parts: dict[Side, list[str]] = {Side.LOCAL: [], Side.BASE: [], Side.REMOTE: []}
    raw: list[str] = []
    current = Side.LOCAL
    for line in lines:
        raw.append(line)
        bare = line.rstrip("\r\n")
        if bare.startswith("|" * size + " base"):
            current = Side.BASE
        elif bare == "=" * size:
            current = Side.REMOTE
        elif bare.startswith((">" * size + " remote", ">" * size + " theirs")):
            return parts, raw, True
        else:
            parts[current].append(line)
    return parts, raw, False


def take_skill_side(
    merged: Skill,
    conflicts: Iterable[Conflict],
    source: Skill,
    *,
    side: Side,
    texts: Mapping[str, str],
) -> Skill:
    """Return the merged skill with every conflicting unit as ``source`` has it.

    ``source`` is that side's skill, ``texts`` the texts with markers by path or BODY: where there is one, only
    its conflicting lines take the side and its clean lines stay merged.
    """
    for conflict in conflicts:
        match conflict.kind:
            case UnitKind.BODY:
                body = take_text_side(texts[BODY], side) if BODY in texts else source.body
                merged = replace(merged, body=canonical_text(body))
            case UnitKind.FILE:
                merged = _take_file(merged, conflict.unit, source, side=side, texts=texts)
            case UnitKind.FRONTMATTER | UnitKind.EXTRA:
                merged = _take_key(merged, conflict.unit, source)
            # Rows and datasets are no parts of a skill.
    return merged


def _take_file(
    merged: Skill, path: str, source: Skill, *, side: Side, texts: Mapping[str, str]
) -> Skill:
    files = dict(merged.files)
    if path in texts:
        files[path] = canonical_text(take_text_side(texts[path], side))
    elif path in source.files:
        files[path] = source.files[path]
    else:
        files.pop(path, None)
    return replace(merged, files=files)


def _take_key(merged: Skill, key: str, source: Skill) -> Skill:
    extra = merged.extra or Extra()
    other = source.extra or Extra()
    if key in {"description", "license", "compatibility"}:
        return replace(merged, **{key: getattr(source, key)})
    if key == "allowed-tools":
        exact = replace(extra, allowed_tools=other.allowed_tools)
        return replace(merged, allowed_tools=source.allowed_tools, extra=exact)
    if key.startswith("metadata."):
        name = key.removeprefix("metadata.")
        return replace(merged, metadata=_with_key(merged.metadata, name, source.metadata))
    return replace(
        merged,
        extra=replace(extra, frontmatter=_with_key(extra.frontmatter, key, other.frontmatter)),
    )


def _with_key(mapping: Mapping[str, Json], key: str, source: Mapping[str, Json]) -> dict[str, Json]:
    result = dict(mapping)
    if key in source:
        result[key] = source[key]
    else:
        result.pop(key, None)
    return result
