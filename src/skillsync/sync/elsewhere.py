"""Finds out whether the files beside a pointer line went elsewhere without it: another branch, a reflog, a stash (design.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.core.elsewhere import contains_changes, with_what_changed
from skillsync.formats.canonical import files_digest
from skillsync.repo.pointer import parse_pointer

if TYPE_CHECKING:
    from skillsync.core.elsewhere import Files
    from skillsync.model import Entry, Folder, Pointer
    from skillsync.repo.git import Repository, TextMerge


def folder_files(folder: Folder | None) -> dict[str, bytes]:
    """Return an object's files by path, line ends folded; one that was not read counts by size and link target."""
    return {entry.path: folded(entry) for entry in (folder.entries if folder else ())}


def folded(entry: Entry) -> bytes:
    """Return a file's content with its line ends folded, as ``folder_files`` does."""
    data = entry.data
    if data is None and entry.large is not None:
        data = entry.large.read()
    if data is None:
        return f"\0unread {entry.size} {entry.target}".encode()
    return data.replace(b"\r\n", b"\n")


@dataclass
class Elsewhere:
    """What ``head`` does not contain, below the ``roots``; git is asked for it at most once per run.

    ``folder_at(commit, dir)`` returns the object's files in that commit, None when it has none. What git has
    forgotten (a dropped stash, a deleted branch without its reflog) cannot be found, nor what never was an object
    of git's (a file that ``git checkout -- FILE`` overwrote).
    """

    repo: Repository
    roots: Sequence[str]
    head: str | None
    folder_at: Callable[[str, str], Folder | None]

    @cached_property
    def _commits(self) -> Mapping[str, Collection[str]]:
        return self.repo.history.commits_elsewhere(self.roots, head=self.head)

    @cached_property
    def _stashes(self) -> frozenset[str]:
        return frozenset(self.repo.history.stashes())

    def have_left(
        self,
        pointer: Pointer,
        directory: str,
        *,
        now: Callable[[], Folder | None],
        before: Callable[[], Folder | None],
    ) -> bool:
        """Tell whether the files that ``pointer`` was written with left it behind, and ``now`` does not have them.

        They are in a commit that HEAD does not contain, together with no line for that version, or in a stash:
        all of them, or a part beside the rest that is here. ``before`` gives what lay there when the line was
        written. Neither is read where nothing elsewhere touches the folder, which is the usual case.
        """
        if not self._touching(directory):
            return False
        here, old = folder_files(now()), folder_files(before())
        return any(
            not contains_changes(here, taken=taken, before=old, merge_text=self._merge)
            for taken in self._taken(pointer, directory, here, old)
        )

    def _taken(
        self, pointer: Pointer, directory: str, here: Files, old: Files
    ) -> Iterator[dict[str, bytes]]:
        """Yield the files with the stamp's digest that are found elsewhere."""
        assert pointer.stamp is not None
        seen = []
        for commit in self._touching(directory):
            folder = self.folder_at(commit, directory)
            there = folder_files(folder)
            if there in seen:
                continue
            for files in (there, with_what_changed(here, there=there, before=old)):
                if files_digest(files.items()) == pointer.stamp.files and (
                    commit in self._stashes or not _has_line(folder, pointer)
                ):
                    yield files
                    break
            else:
                seen.append(there)

    def _touching(self, directory: str) -> list[str]:
        below = f"{directory}/" if directory else ""
        return [
            commit
            for commit, paths in self._commits.items()
            if any(path.startswith(below) for path in paths)
        ]

    def _merge(self, base: str, local: str, remote: str) -> TextMerge:
        return self.repo.merge_file(local, base, remote)


def _has_line(folder: Folder | None, pointer: Pointer) -> bool:
    """Tell whether a line for the same version lies beside the files; where it was written does not matter."""
    if folder is None or folder.pointer is None:
        return False
    line = parse_pointer(folder.pointer, path=folder.dir).lines.get(pointer.place)
    return line is not None and replace(line, stamp=None) == replace(pointer, stamp=None)
