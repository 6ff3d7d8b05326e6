"""Cuts the sides of a conflict down to where they differ, so that a person sees the decision and not the text."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

ABSENT = "(absent)"
MOST_LINES = 12
MOST_CHARACTERS = 400
_INDENT = "\n           "


def excerpts(sides: Mapping[str, str | None]) -> dict[str, str]:
    """Return for each side what to show: ``(absent)``, or its lines without those all sides begin and end with.

    At most MOST_LINES lines and MOST_CHARACTERS characters of each side; ``…`` says that there is more.
    """
    texts = {side: text.split("\n") for side, text in sides.items() if text is not None}
    head = _shared(list(texts.values()))
    tail = _shared([lines[head:][::-1] for lines in texts.values()])
    return {
        side: _shown(texts[side], head=head, tail=tail) if side in texts else ABSENT
        for side in sides
    }


def _shared(texts: list[list[str]]) -> int:
    """Return how many lines all texts begin with alike; none for a text alone or without lines."""
    if len(texts) < 2:
        return 0
    return len(list(takewhile(lambda lines: len(set(lines)) == 1, zip(*texts, strict=False))))


def _shown(lines: list[str], *, head: int, tail: int) -> str:
    kept = lines[head : len(lines) - tail]
    if not kept:
        return "(nothing there)" if head or tail else ""
    cut = kept[:MOST_LINES]
    text = "\n".join(cut)
    more = len(kept) > len(cut) or len(text) > MOST_CHARACTERS
    return text[:MOST_CHARACTERS].replace("\n", _INDENT) + ("…" if more else "")
