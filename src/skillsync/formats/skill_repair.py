"""Quotes single-line values that YAML refuses, such as a description with a colon in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skillsync.formats.yaml_text import quoted
from skillsync.formats.yaml_tree import Map, YamlTrouble, read_tree

# A value that begins with a quote has lost the other one: only its author knows where that belongs.
_LINE = re.compile(r"( *)([A-Za-z_][\w.-]*):[ \t]+([^\s\[{|>&*!#'\"].*?)[ \t]*")


@dataclass(frozen=True, slots=True)
class Repair:
    """One line that was quoted: ``line`` is its 1-based number in the file, the texts have no line end."""

    line: int
    before: str
    after: str


def repair_block(block: str, *, first_line: int) -> tuple[str, tuple[Repair, ...]] | None:
    """Return the block with each single-line ``key: rest`` that fails alone quoted, and what was done.

    None when that does not make it a mapping (skill-format.md 8.4). ``first_line`` numbers the block's lines.
    """
    lines = block.split("\n")
    repairs: list[Repair] = []
    for number, line in enumerate(lines):
        text = line.removesuffix("\r")
        fixed = _fixed(text, following=lines[number + 1 :])
        if fixed is not None:
            repairs.append(Repair(first_line + number, text, fixed))
            lines[number] = fixed + line[len(text) :]
    mended = "\n".join(lines)
    if not repairs or not _is_mapping(mended):
        return None
    return mended, tuple(repairs)


def _fixed(line: str, *, following: list[str]) -> str | None:
    found = _LINE.fullmatch(line)
    if found is None or _goes_on(following, len(found[1])):
        return None
    if _is_mapping(line.strip()):
        return None
    return f"{found[1]}{found[2]}: {quoted(found[3])}"


def _goes_on(following: list[str], indent: int) -> bool:
    """Tell whether the next line with text belongs to the value."""
    text = next((line for line in following if line.strip()), "")
    return len(text) - len(text.lstrip(" ")) > indent


def _is_mapping(text: str) -> bool:
    try:
        return isinstance(read_tree(text).root, Map)
    except YamlTrouble:
        return False
