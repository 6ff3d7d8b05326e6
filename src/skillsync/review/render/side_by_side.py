"""Hunks as rows of two columns, with marks at the words that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from skillsync.review.differ import word_runs
from skillsync.review.values import Hunk, Line, Words

_LONGEST_LINE = 4_000
"""Characters beyond which a line is marked as a whole."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of a row: ``sign`` is ``=``, ``-`` or ``+``; a word's ``op`` is ``=`` where it did not change."""

    number: int | None
    sign: str
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Two lines side by side; None where a side has none."""

    before: Cell | None
    after: Cell | None


def rows(hunk: Hunk) -> list[Row]:
    """Return the rows of a hunk: removed lines stand beside those added in their place."""
    found: list[Row] = []
    removed: list[Line] = []
    added: list[Line] = []
    for line in hunk.lines:
        if line.op == "=":
            found += _paired(removed, added)
            removed, added = [], []
            same = (Words("=", line.text),)
            found.append(Row(Cell(line.before, "=", same), Cell(line.after, "=", same)))
        else:
            (removed if line.op == "-" else added).append(line)
    return [*found, *_paired(removed, added)]


def _paired(removed: list[Line], added: list[Line]) -> Iterator[Row]:
    for old, new in zip_longest(removed, added):
        words = _words(old, new)
        yield Row(
            None if old is None else _cell(old.before, "-", words),
            None if new is None else _cell(new.after, "+", words),
        )


def _words(old: Line | None, new: Line | None) -> tuple[Words, ...]:
    if old is None or new is None or max(len(old.text), len(new.text)) > _LONGEST_LINE:
        found = [Words("-", old.text)] if old is not None else []
        return (*found, *([Words("+", new.text)] if new is not None else []))
    return word_runs(old.text, new.text)


def _cell(number: int | None, sign: str, words: tuple[Words, ...]) -> Cell:
    return Cell(number, sign, tuple(one for one in words if one.op in {"=", sign}))


def text_of(hunk: Hunk, sign: str) -> str:
    """Return the lines of one side: ``-`` the text before, ``+`` the text after."""
    return "\n".join(line.text for line in hunk.lines if line.op in {"=", sign})
