"""The outline of a skill's body: its ATX headings, read line by line (skills-api.md 7)."""

from __future__ import annotations

import re

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)", re.DOTALL)
_CLOSING = re.compile(r"[ \t]#+[ \t]*\Z")


def outline_of(body: str) -> list[tuple[int, str]]:
    """Pairs of level (1 to 6) and raw text. Fences, comments and setext headings are not known."""
    found = (_heading(line) for line in body.split("\n") if "#" in line)
    return [heading for heading in found if heading is not None]


def _heading(line: str) -> tuple[int, str] | None:
    match = _HEADING.fullmatch(line.strip())
    if match is None:
        return None
    text = match[2]
    closing = _CLOSING.search(text)
    if closing is not None:
        text = text[: closing.start()]
    text = text.rstrip()
    return (len(match[1]), text) if text else None
