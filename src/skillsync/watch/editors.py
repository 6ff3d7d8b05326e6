"""Knows the files that editors leave beside a text: which of them say nothing, and which say that it is open."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from skillsync.repo.disk import TEMP_PREFIX

PASSING = (
    *("4913", "*.swp", "*.swo", "*.swx", "*~", ".#*", "#*#", "*___jb_*", ".~lock*", "*.tmp"),
    *("*.part", "*.crdownload", ".goutputstream-*", f"{TEMP_PREFIX}*"),
)
"""Names of files that are there while somebody saves (sync.md 11.4); a change of one is no change of the object."""


def is_passing(path: str) -> bool:
    """Tell whether a path's name is one that editors use for files of a moment."""
    name = path.rsplit("/", 1)[-1]
    return any(fnmatchcase(name, pattern) for pattern in PASSING)


def open_in_editor(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of one folder's names that say that an editor has a file of it open.

    Vim's swap files (``.SKILL.md.swp``), Emacs' lock links and autosaves (``.#SKILL.md``, ``#SKILL.md#``), and
    LibreOffice's lock files (``.~lock.SKILL.md#``), each only beside the file that it is about.
    """
    there = set(names)
    return tuple(sorted(name for name in there if (subject := _subject(name)) and subject in there))


def _subject(name: str) -> str | None:
    """Return the file that a swap or lock file is about, None for any other name."""
    if name.startswith(".~lock.") and name.endswith("#"):
        return name[len(".~lock.") : -1]
    if name.startswith(".#"):
        return name[2:]
    if len(name) > 2 and name.startswith("#") and name.endswith("#"):
        return name[1:-1]
    if name.startswith(".") and name[-4:-1] == ".sw":
        return name[1:-4]
    return None
