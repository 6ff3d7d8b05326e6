"""Tells a save that undoes what was just pulled: an editor's old buffer written over a newer file (R12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from skillsync.watch.state import Guard
from skillsync.watch.values import Moment, Options, PastPull, TakenIn


def taken_in(
    directory: str, path: str, words: str, *, before: bytes | None, after: bytes | None
) -> TakenIn:
    """Return what a pull did to one file, by lines that are not blank; ``words`` name version and author."""
    old, new = _count(before), _count(after)
    return TakenIn(
        directory,
        path,
        words,
        removed=tuple((line, old[line]) for line in (old - new)),
        added=tuple((line, old[line]) for line in (new - old)),
    )


def is_undone(pulled: TakenIn, now: bytes | None) -> bool:
    """Tell whether a file's present lines undo the pull: every line it removed is back, or every one it added is gone.

    A line that stood there several times is back when it stands there as often as before, and gone likewise.
    """
    have = _count(now)
    restores = bool(pulled.removed) and all(have[line] >= count for line, count in pulled.removed)
    removes = bool(pulled.added) and all(have[line] <= count for line, count in pulled.added)
    return restores or removes


def guards_after(pulls: Iterable[PastPull], options: Options, now: Moment) -> tuple[Guard, ...]:
    """Return the guards that a daemon begins with, of pulls since which nothing was published or taken in.

    One holds for as long as it did, and longer where the file was last changed while it did: the first look tells
    whether that save undid the pull.
    """
    found = []
    for pull in pulls:
        until = pull.at + options.stale
        if now.wall < until or pull.changed_at <= until:
            found.append(Guard(pull.taken, now.mono + until - now.wall))
    return tuple(found)


def _count(data: bytes | None) -> Counter[str]:
    text = (data or b"").decode("utf-8", "replace")
    return Counter(line.rstrip() for line in text.split("\n") if line.strip())
