"""Cuts a Markdown file with YAML frontmatter into parts whose concatenation is the file."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Parts:
    """The five parts of a file, each possibly with CRLF: joined in this order they are the text."""

    bom: str
    opening: str
    block: str
    closing: str
    body: str

    @property
    def text(self) -> str:
        """The whole file."""
        return self.bom + self.opening + self.block + self.closing + self.body

    @property
    def first_line(self) -> int:
        """The 1-based number of the block's first line."""
        return 2


def split_fences(text: str) -> Parts | None:
    """Cut at the first line ``---`` and the next one; None without both (skill-format.md 8).

    A fence is exactly three hyphens and optional blanks. Later fences belong to the body; ``...`` is none.
    """
    bom = _BOM if text.startswith(_BOM) else ""
    rest = text.removeprefix(_BOM)
    opening = _FENCE.match(rest)
    closing = _FENCE.search(rest, opening.end()) if opening else None
    if opening is None or closing is None or closing.start() < opening.end():
        return None
    return Parts(
        bom, opening[0], rest[opening.end() : closing.start()], closing[0], rest[closing.end() :]
    )
