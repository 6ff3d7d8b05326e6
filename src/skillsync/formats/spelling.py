"""Keeps how a text is spelled locally: its edges, its byte order mark and its line ends."""

from __future__ import annotations

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text

BOM = "\ufeff"

Edges = tuple[str, str]
"""The whitespace (and byte order mark) before and after a text."""

USUAL: Edges = ("", "\n")
"""What a new file gets: nothing before, one line feed after (skill-format.md 11)."""


def edges_of(raw: str) -> Edges:
    """Return what ``canonical_text`` takes off at both ends; a blank text is all leading edge."""
    rest = raw
    while (less := rest.lstrip().removeprefix(BOM)) != rest:
        rest = less
    return raw[: len(raw) - len(rest)], rest[len(rest.rstrip()) :]


def portable_edges(raw: str) -> Edges:
    """Return the edges with LF line ends, as the carry entry stores them."""
    leading, trailing = edges_of(raw)
    return leading.replace("\r\n", "\n"), trailing.replace("\r\n", "\n")


def line_end_of(raw: str) -> str:
    """Return the line end that most lines have; LF when there is none or a tie."""
    windows = raw.count("\r\n")
    return "\r\n" if windows > raw.count("\n") - windows else "\n"


def respell(raw: str, text: str, *, newline: str | None = None) -> str:
    """Write canonical ``text`` the way ``raw`` is written: its edges, its line ends, unchanged lines as they are.

    ``newline`` is used when ``raw`` has no line end of its own. Raises InvalidContent when the result would not
    read back as ``text``.
    """
    if canonical_text(raw) == text:
        return raw
    leading, trailing = edges_of(raw)
    inner = raw[len(leading) : len(raw) - len(trailing)]
    usual = line_end_of(raw) if "\n" in raw or newline is None else newline
    spelled = leading + _lines_of(inner, text, usual) + trailing
    if canonical_text(spelled) != text:
        raise InvalidContent("the text cannot be written so that it reads back the same")
    return spelled


def _lines_of(inner: str, text: str, newline: str) -> str:
    old, new = inner.split("\n"), text.split("\n")
    plain = [line.rstrip("\r") for line in old]
    # The last line of either has no line end to copy, so it takes no part.
    most = min(len(old), len(new)) - 1
    head = 0
    while head < most and plain[head] == new[head]:
        head += 1
    tail = 1
    while tail < most - head + 1 and plain[-1 - tail] == new[-1 - tail]:
        tail += 1
    ending = newline.removesuffix("\n")
    lines = [
        *old[:head],
        *(line + ending for line in new[head : len(new) - tail]),
        *old[len(old) - tail : -1],
        new[-1],
    ]
    return "\n".join(lines)
