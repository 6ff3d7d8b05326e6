"""Tells whether the files that a pointer line was written with went elsewhere and left the line behind (design.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from skillsync.core.merge_text import TextMerger

Files: TypeAlias = Mapping[str, bytes]
"""The files of one object by path, with LF."""


def with_what_changed(now: Files, *, there: Files, before: Files) -> dict[str, bytes]:
    """Return the files of now, but those that were changed ``there`` (since ``before``) as they are there.

    A commit of one file, or a stash of it, takes a part of what a pull wrote along; the rest is still here.
    """
    return {
        path: data
        for path in {*now, *there}
        if (data := _side(path, now, there, before)) is not None
    }


def _side(path: str, now: Files, there: Files, before: Files) -> bytes | None:
    return now.get(path) if there.get(path) == before.get(path) else there.get(path)


def contains_changes(now: Files, *, taken: Files, before: Files, merge_text: TextMerger) -> bool:
    """Tell whether everything that changed from ``before`` to ``taken`` is in the files of now.

    It is if merging it would change nothing: a file has it whole, or its text merges to what it is. A file in
    conflict does not have it: whether it was edited from the one text or from the other cannot be told.
    """
    return all(
        _contains(before.get(path), taken.get(path), now.get(path), merge_text)
        for path in {*before, *taken}
    )


def _contains(
    before: bytes | None, taken: bytes | None, now: bytes | None, merge_text: TextMerger
) -> bool:
    if taken in (before, now):
        return True
    if before is None or taken is None or now is None or now == before:
        return False
    try:
        texts = [each.decode() for each in (before, now, taken)]
    except UnicodeDecodeError:
        return False
    merged = merge_text(*texts)
    return not merged.conflicts and merged.text == texts[1]
