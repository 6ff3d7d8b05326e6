"""Cuts the sides of a conflict down to where they differ, so that a person sees the decision and not the text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.model import Json

Sides = Mapping[str, "str | None"]
"""What each side has, None where it has nothing: ``base``, ``local``, ``remote``."""

ABSENT = "(absent)"
MOST_LINES = 12
MOST_CHARACTERS = 400


def by_field(sides: Sides) -> dict[str, Sides]:
    """Return what differs between the sides' JSON objects: each field by its dotted name.

    One entry with the name "" for sides that are no objects: they differ as a whole.
    """
    values: dict[str, Json] = {}
    for side, text in sides.items():
        try:
            values[side] = json.loads(text) if text is not None else None
        except (ValueError, RecursionError):
            return {"": sides}
    there = [value for value in values.values() if value is not None]
    if not there or not all(isinstance(value, dict) for value in there):
        return {"": sides}
    leaves = {side: _leaves(value) for side, value in values.items()}
    names = dict.fromkeys(name for found in leaves.values() for name in found)
    differing: dict[str, Sides] = {}
    for name in names:
        found = [leaves[side].get(name, _NOTHING) for side in sides]
        if any(value != found[0] or type(value) is not type(found[0]) for value in found):
            differing[name] = dict(zip(sides, map(_text, found), strict=True))
    return differing


_NOTHING = object()


def _leaves(value: Json, name: str = "") -> dict[str, object]:
    """Return the values that are no objects, by the dotted name of where they stand."""
    if not isinstance(value, dict) or not value:
        return {} if not name and value is None else {name: value}
    return {
        path: leaf
        for key, below in value.items()
        for path, leaf in _leaves(below, f"{name}.{key}" if name else key).items()
    }


def _text(value: object) -> str | None:
    if value is _NOTHING:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def excerpts(sides: Sides) -> dict[str, list[str]]:
    """Return for each side the lines to show: ``(absent)``, or those between what all differing texts share.

    At most MOST_LINES lines and MOST_CHARACTERS characters of each side; ``…`` says that there is more.
    """
    texts = {side: text.split("\n") for side, text in sides.items() if text is not None}
    different = [list(lines) for lines in dict.fromkeys(map(tuple, texts.values()))]
    head = _shared(different)
    tail = _shared([lines[head:][::-1] for lines in different])
    return {
        side: _shown(texts[side], head=head, tail=tail) if side in texts else [ABSENT]
        for side in sides
    }


def _shared(texts: list[list[str]]) -> int:
    """Return how many lines all texts begin with alike; none for a text alone or without lines."""
    if len(texts) < 2:
        return 0
    return len(list(takewhile(lambda lines: len(set(lines)) == 1, zip(*texts, strict=False))))


def _shown(lines: list[str], *, head: int, tail: int) -> list[str]:
    kept = lines[head : len(lines) - tail]
    if lines == [""]:
        return ["(empty)"]
    if not kept:
        return ["(nothing there)"]
    cut = kept[:MOST_LINES]
    text = "\n".join(cut)
    more = len(kept) > len(cut) or len(text) > MOST_CHARACTERS
    return (text[:MOST_CHARACTERS] + ("…" if more else "")).split("\n")
