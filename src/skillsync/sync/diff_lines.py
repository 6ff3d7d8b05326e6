"""Turns what differs into lines for people: values one above the other, texts by line, JSON by the field within."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.model import Json

CONTEXT_LINES = 2

Unit = tuple[str, "str | None", "str | None"]
"""What differs (a frontmatter key, ``body``, a path, a row's field), its remote text and its local one."""


class Mark(StrEnum):
    """What one line of a difference is."""

    HEADING = "heading"
    PLACE = "place"
    REMOVED = "removed"
    ADDED = "added"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: its mark, its text without sign, and how deep it stands below the object."""

    mark: Mark
    text: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Sides:
    """What it is called when only one side has something."""

    only_before: str = "only on the server"
    only_after: str = "only here"


def unit_lines(
    unit: Unit, sides: Sides, *, depth: int = 1, first_line: int | None = None
) -> Iterator[DiffLine]:
    """Yield the lines of one unit. ``first_line`` is where a text starts in its file, None for a value."""
    name, old, new = unit
    yield DiffLine(Mark.HEADING, name + _only(old, new, sides), depth)
    before, after = _lines(old), _lines(new)
    if len(before) <= 1 and len(after) <= 1:  # a value, not a text: a place says nothing
        yield from (DiffLine(Mark.REMOVED, line, depth + 1) for line in before)
        yield from (DiffLine(Mark.ADDED, line, depth + 1) for line in after)
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT_LINES)):
        if first_line is not None:
            yield DiffLine(Mark.PLACE, f"line {first_line + group[0][3]}", depth + 1)
        elif number:
            yield DiffLine(Mark.PLACE, "…", depth + 1)
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from _marked(Mark.CONTEXT, after[new_from:new_to], depth)
            else:
                yield from _marked(Mark.REMOVED, before[old_from:old_to], depth)
                yield from _marked(Mark.ADDED, after[new_from:new_to], depth)


def row_lines(key: str, units: Sequence[Unit], words: str) -> Iterator[DiffLine]:
    """Yield the lines of one row: its key, then each field that differs, objects by the field within."""
    yield DiffLine(Mark.HEADING, f"{key}{f' ({words})' if words else ''}")
    for name, old, new in units:
        for within in _within(name, _value(old), _value(new)):
            yield from unit_lines(within, Sides("", ""), depth=2)


def _within(name: str, old: Json, new: Json) -> Iterator[Unit]:
    """Yield the fields within two values that differ; anything but two objects differs as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*new, *old)):
            if key not in old or key not in new or not _same(old[key], new[key]):
                yield from _within(f"{name}.{key}", old.get(key), new.get(key))
        return
    both_texts = isinstance(old, str | None) and isinstance(new, str | None)
    show: Callable[[Json], str | None] = _text if both_texts else _json
    yield name, show(old), show(new)


def _same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _value(text: str | None) -> Json:
    return None if text is None else json.loads(text)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _json(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _only(old: str | None, new: str | None, sides: Sides) -> str:
    words = sides.only_after if old is None else sides.only_before if new is None else ""
    return f" ({words})" if words else ""


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _marked(mark: Mark, lines: Sequence[str], depth: int) -> Iterator[DiffLine]:
    return (DiffLine(mark, line, depth + 1) for line in lines)
