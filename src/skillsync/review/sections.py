"""A Markdown body by sections: the headings where the parser sees them, and what differs between two bodies.

The line map is markdown-it-py's, so a `#` inside a code fence or an HTML comment is no heading. Only blocks are
parsed; how a heading is worded inside is its source text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from skillsync.errors import MissingExtra
from skillsync.review.differ import counts, hunks
from skillsync.review.values import Hunk, Line, Section

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_SECTIONS = 2_000
"""Sections of one body beyond which the rest is one section: a body made of headings is no document."""


@dataclass(frozen=True, slots=True)
class Part:
    """The lines under one heading (the heading included) up to the next; ``start`` is 0-based in the body."""

    path: tuple[str, ...]
    start: int
    lines: tuple[str, ...]


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise MissingExtra(
            "reviewing is an optional part of the package (markdown-it-py is missing)",
            unchanged="Nothing was written.",
            hint="pip install 'skillsync[review]'",
        ) from error
    # Inline text is not looked at: where the headings stand is all that is asked.
    return MarkdownIt("commonmark").disable(["inline", "text_join"])


def split_body(body: str) -> list[Part]:
    """Cut a body into parts whose lines joined are the body; the first has the path ()."""
    if not body:
        return []
    lines = body.split("\n")
    marks: list[tuple[int, int, str]] = []
    if "#" in body or "==" in body or "--" in body or "\n=" in body or "\n-" in body:
        tokens = _parser().parse(body)
        for token, inner in pairwise(tokens):
            if token.type == "heading_open" and token.level == 0 and token.map:
                marks.append((token.map[0], int(token.tag[1:]), inner.content.strip()))
    marks = marks[:MAX_SECTIONS]
    parts = [Part((), 0, tuple(lines[: marks[0][0] if marks else len(lines)]))]
    path: list[tuple[int, str]] = []
    for number, (start, level, text) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(lines)
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, text))
        parts.append(Part(tuple(word for _, word in path), start, tuple(lines[start:end])))
    return [part for part in parts if part.lines]


def compare_bodies(
    before: str, after: str, *, first_before: int = 1, first_after: int = 1
) -> tuple[Section, ...]:
    """Return the sections that differ, in the order of ``after``, removed ones where they stood.

    Line numbers count from the given first lines of the two files.
    """
    if before == after:
        return ()
    old, new = split_body(before), split_body(after)
    old_names, new_names = _names(old), _names(new)
    places = {name: at for at, name in enumerate(old_names)}
    kept = [name for name in new_names if name in places]
    moved = _moved(kept, [name for name in old_names if name in set(kept)])
    sections: list[Section] = []
    here = set(new_names)
    reached = 0
    for part, name in zip(new, new_names, strict=True):
        at = places.get(name)
        if at is not None:
            sections += [_removed(old[n], first_before) for n in range(reached, at)
                         if old_names[n] not in here]  # fmt: skip
            reached = max(reached, at + 1)
        sections += _one(old[at] if at is not None else None, part, name in moved,
                         first_before, first_after)  # fmt: skip
    sections += [
        _removed(old[n], first_before) for n in range(reached, len(old)) if old_names[n] not in here
    ]
    return tuple(sections)


def _names(parts: Sequence[Part]) -> list[tuple[tuple[str, ...], int]]:
    """Name each part by its path and how many of that path came before it."""
    seen: Counter[tuple[str, ...]] = Counter()
    names = []
    for part in parts:
        names.append((part.path, seen[part.path]))
        seen[part.path] += 1
    return names


def _moved(kept: Sequence[object], before: Sequence[object]) -> set[object]:
    """Return those that do not stand in the longest common order."""
    if list(kept) == list(before):
        return set()
    from skillsync.review.differ import diff

    old = [repr(one) for one in before]
    new = [repr(one) for one in kept]
    stays = {at for block in diff(old, new) if block.same for at in range(block.a1, block.a2)}
    return {one for at, one in enumerate(kept) if at not in stays}


def _one(
    old: Part | None, new: Part, is_moved: bool, first_before: int, first_after: int
) -> list[Section]:
    line = first_after + new.start
    if old is None:
        added = tuple(Line("+", text, None, line + at) for at, text in enumerate(new.lines))
        return [Section(new.path, "added", line, len(added), 0, (Hunk(added),))]
    # Blank lines before the next heading belong to nobody.
    if _stripped(old.lines) == _stripped(new.lines):
        return [Section(new.path, "moved", line, 0, 0, ())] if is_moved else []
    found = hunks(old.lines, new.lines, first_before=first_before + old.start, first_after=line)
    plus, minus = counts(found)
    return [Section(new.path, "changed", line, plus, minus, found)]


def _removed(old: Part, first_before: int) -> Section:
    start = first_before + old.start
    lines = tuple(Line("-", text, start + at, None) for at, text in enumerate(old.lines))
    return Section(old.path, "removed", None, 0, len(lines), (Hunk(lines),))


def _stripped(lines: Sequence[str]) -> Sequence[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
