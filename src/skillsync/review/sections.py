"""A Markdown body by sections: the headings where the parser sees them, and what differs between two bodies.

The line map is markdown-it-py's, so a `#` inside a code fence or an HTML comment is no heading. Only blocks are
parsed; how a heading is worded inside is its source text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from skillsync.errors import MissingExtra
from skillsync.review.differ import counts, diff, hunks
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A heading outside of lists and quotes: its 0-based line, level and source text."""

    line: int
    level: int
    text: str


def split_body(body: str) -> list[Part]:
    """Cut a body into parts whose lines joined are the body; the first has the path ()."""
    return _parts(body.split("\n"), headings(body)) if body else []


def headings(body: str) -> list[Mark]:
    """Return where the parser sees headings."""
    if not _MAY_HAVE_HEADINGS.search(body):
        return []
    tokens = _parser().parse(body)
    return [
        Mark(token.map[0], int(token.tag[1:]), inner.content.strip())
        for token, inner in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ][:MAX_SECTIONS]


_MAY_HAVE_HEADINGS = re.compile(r"^[ ]{0,3}(?:#|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE)


def _parts(lines: Sequence[str], marks: Sequence[Mark]) -> list[Part]:
    parts = [Part((), 0, tuple(lines[: marks[0].line if marks else len(lines)]))]
    path: list[tuple[int, str]] = []
    for number, mark in enumerate(marks):
        end = marks[number + 1].line if number + 1 < len(marks) else len(lines)
        while path and path[-1][0] >= mark.level:
            path.pop()
        path.append((mark.level, mark.text))
        words = tuple(word for _, word in path)
        parts.append(Part(words, mark.line, tuple(lines[mark.line : end])))
    return [part for part in parts if part.lines]


_PLAIN = re.compile(r"[^\W\d_][^<>`~]*")
_UNDERLINE = re.compile(r"[ ]{0,3}(?:=+|-+)[ \t]*")


def carried_marks(
    before: Sequence[str], after: Sequence[str], marks: Sequence[Mark]
) -> list[Mark] | None:
    """Return the headings of ``before``, known from those of ``after``; None where only a parser can tell.

    Where lines of plain prose became other such lines, at least one for at least one, every other line means what it
    meant before: both begin with a letter, so that neither opens, closes or continues anything but a paragraph.
    Parsing is what costs most in a review, and most edits are of this kind.
    """
    places: dict[int, int] = {}
    for block in diff(before, after):
        if block.same:
            places.update(zip(range(block.a1, block.a2), range(block.b1, block.b2), strict=True))
            continue
        lines = [*before[block.b1 : block.b2], *after[block.a1 : block.a2]]
        if block.b1 == block.b2 or block.a1 == block.a2:
            return None
        if not all(map(_PLAIN.fullmatch, lines)) or _is_underlined(after, block.a2):
            return None
    if any(mark.line not in places for mark in marks):
        return None
    return [Mark(places[mark.line], mark.level, mark.text) for mark in marks]


def _is_underlined(lines: Sequence[str], start: int) -> bool:
    """Tell whether the paragraph that goes on at a line is a heading by the line below it."""
    for line in lines[start:]:
        if not line.strip():
            return False
        if _UNDERLINE.fullmatch(line):
            return True
    return False


def compare_bodies(
    before: str, after: str, *, first_before: int = 1, first_after: int = 1
) -> tuple[Section, ...]:
    """Return the sections that differ, in the order of ``after``, removed ones where they stood.

    Line numbers count from the given first lines of the two files.
    """
    if before == after:
        return ()
    new_lines, old_lines = after.split("\n"), before.split("\n")
    marks = headings(after)
    new = _parts(new_lines, marks) if after else []
    old_marks = carried_marks(old_lines, new_lines, marks) if before and after else None
    old = _parts(old_lines, headings(before) if old_marks is None else old_marks) if before else []
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
