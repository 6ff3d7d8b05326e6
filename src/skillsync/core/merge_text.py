"""Merges two canonical texts by line through a merger that the caller gives (sync.md 8: ``git merge-file``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from skillsync.formats.canonical import canonical_text


class TextMerge(Protocol):
    """What a line merge returns: the text, with markers where it has conflicts, and how many there are."""

    @property
    def text(self) -> str:
        """The merged text with LF."""

    @property
    def conflicts(self) -> int:
        """How many places are in conflict."""


TextMerger: TypeAlias = Callable[[str, str, str], TextMerge]
"""(base, local, remote) → the merge; every text given ends in LF or is empty."""


@dataclass(frozen=True, slots=True)
class LineMerge:
    """``text`` is the clean canonical result, None in a conflict; then ``marked`` is the text with markers, if any."""

    text: str | None
    marked: str | None = None


def merge_lines(base: str | None, local: str, remote: str, *, merge_text: TextMerger) -> LineMerge:
    """Merge two texts that both differ from the base and from each other.

    Without a base (None or "") it is always a conflict: two additions, shown with two-way markers. A result that
    is blank is one, too: no field and no file may be blank on the server (sync.md A5).
    """
    merged = merge_text(*(f"{text}\n" if text else "" for text in (base, local, remote)))
    clean = canonical_text(merged.text)
    if base and not merged.conflicts and clean:
        return LineMerge(clean)
    return LineMerge(None, merged.text if merged.conflicts else None)
