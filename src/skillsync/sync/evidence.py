"""Collects what git knows about a pointer line, so that core/base.py can decide whether it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TypeAlias

from skillsync.core.base import LineEvidence, line_counts
from skillsync.formats.canonical import digest_of_digests
from skillsync.model import DatasetPointer, Entry, Folder, Pointer, SkillPointer, Stamp
from skillsync.repo.git import HistoryLine, Repository
from skillsync.repo.pointer import POINTER, parse_line
from skillsync.sync.elsewhere import Elsewhere, folded

FilesNow: TypeAlias = str | Callable[[], str]
"""The digest of an object's files for a stamp, or how to find it out where that takes long."""

UNBORN = "unborn"
"""Stands for HEAD in a stamp before the first commit."""


def folder_files_digest(folder: Folder, *, known: Mapping[str, str] = {}) -> str:
    """Return the digest of an object's files for a stamp: content only, line ends folded (design.md 3).

    ``known`` are the digests of files, by path, that need not be read for it.
    """
    return digest_of_digests(
        (entry.path, known.get(entry.path) or _folded_digest(entry)) for entry in folder.entries
    )


def _folded_digest(entry: Entry) -> str:
    if entry.data is None and entry.large is not None:
        return entry.large.folded()
    return sha256(folded(entry).replace(b"\r\n", b"\n")).hexdigest()


def _object_of(pointer: Pointer | None) -> str:
    """Return what names the skill or dataset that a line is about, whatever its version."""
    if isinstance(pointer, SkillPointer):
        return pointer.first
    return pointer.dataset if pointer is not None else ""


def _pointer_path(directory: str) -> str:
    return f"{directory}/{POINTER}" if directory else POINTER


@dataclass(slots=True)
class Lines:
    """The line for one target in the tree that is read and in HEAD, for one object."""

    tree: Pointer | None
    head: Pointer | None


@dataclass
class History:
    """Questions about HEAD's history, each answered once per run.

    ``folder_at(commit, dir)`` returns the object's files in that commit (None: in the working tree), None when it
    has none, and ``light_at`` does so without holding large files. ``is_version_at(pointer, commit, dir)`` tells
    whether a commit's object is what a line says was taken in. All objects lie below the ``roots``. ``at`` is the commit that stands for HEAD; None is HEAD itself.
    """

    repo: Repository
    folder_at: Callable[[str | None, str], Folder | None]
    roots: Sequence[str] = (".",)
    at: str | None = None
    light_at: Callable[[str | None, str], Folder | None] | None = None
    is_version_at: Callable[[Pointer, str, str], bool] | None = None
    _digests: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _touching: dict[tuple[str, str | None, bool], list[str]] = field(default_factory=dict)
    _put_in: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _contained: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    _ancestor: dict[str, bool] = field(default_factory=dict)
    _parents: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def head(self) -> str | None:
        """HEAD's commit, None before the first commit."""
        return self.at or self.repo.head()

    @cached_property
    def elsewhere(self) -> Elsewhere:
        """What HEAD does not contain: other branches, reflogs, stashes."""
        return Elsewhere(self.repo, self.roots, self.head, self.folder_at)

    @cached_property
    def added_lines(self) -> Sequence[HistoryLine]:
        """Every pointer line that some commit in HEAD's history added, newest first."""
        return (
            self.repo.history.lines_of([":(glob)**/.skillsync"], head=self.head)
            if self.head
            else ()
        )

    @cached_property
    def _lines_at(self) -> Mapping[str, Sequence[HistoryLine]]:
        """The added lines of each pointer file by its path, newest first."""
        found: dict[str, list[HistoryLine]] = {}
        for line in self.added_lines:
            found.setdefault(line.path, []).append(line)
        return found

    @cached_property
    def _lines_of(self) -> Mapping[str, Sequence[HistoryLine]]:
        """The added lines of each incarnation of a skill by its ``first``, newest first."""
        found: dict[str, list[HistoryLine]] = {}
        for line in self.added_lines:
            _, is_skill, rest = line.line.partition(" first=")
            if is_skill:
                found.setdefault(rest.partition(" ")[0], []).append(line)
        return found

    def pointers_for(self, first: str) -> list[tuple[HistoryLine, SkillPointer]]:
        """Return the pointer lines of one incarnation in HEAD's history, newest first."""
        found = []
        for line in self._lines_of.get(first, ()):
            pointer = parse_line(line.line)
            if isinstance(pointer, SkillPointer) and pointer.first == first:
                found.append((line, pointer))
        return found

    def dataset_line(self, directory: str, place: str) -> tuple[DatasetPointer, str] | None:
        """Return the newest pointer line of a dataset in HEAD's history that counts, and the commit that added it.

        It decides where the line of the tree and HEAD's own were ignored (design.md 3).
        """
        for line in self._lines_at.get(_pointer_path(directory), ()):
            if not line.line.startswith(f"{place} "):
                continue
            pointer = parse_line(line.line)
            if isinstance(pointer, DatasetPointer) and self.committed_counts(
                pointer, directory, None
            ):
                return pointer, line.commit
        return None

    def introduced_at(self, version_id: str, directory: str) -> str | None:
        """Return the newest commit of HEAD's history that put a line with that version id into a pointer."""
        return self.put_in_at(f" {version_id} ", _pointer_path(directory))

    def put_in_at(self, text: str, path: str) -> str | None:
        """Return the newest commit of HEAD's history that put a line with this text into a pointer file.

        A merge does so too, but not one that only brought the line along to a side that never had it.
        """
        key = (text, path)
        if key not in self._put_in:
            added = (line.commit for line in self._lines_at.get(path, ()) if text in line.line)
            commits = [*dict.fromkeys(added)]
            while len(commits) > 1 and self._only_brought(commits[0], commits[1:], text, path):
                commits = commits[1:]
            self._put_in[key] = next(iter(commits), None)
        return self._put_in[key]

    def _only_brought(self, commit: str, earlier: Sequence[str], text: str, path: str) -> bool:
        """Tell whether a merge has the line from one side, and the others come from before it was put in."""
        parents = self.repo.parents(commit)
        if len(parents) < 2 or self.repo.is_shallow():
            return False
        found = text.encode()
        without = [one for one in parents if found not in (self.repo.show(one, path) or b"")]
        return len(without) < len(parents) and not any(
            self._contains_any(parent, tuple(earlier)) for parent in without
        )

    def _contains_any(self, commit: str, others: tuple[str, ...]) -> bool:
        """Ask git once for all the objects whose lines came with the same commits."""
        if (commit, others) not in self._contained:
            outside = self.repo.outside(others, head=commit)
            self._contained[commit, others] = not outside.issuperset(others)
        return self._contained[commit, others]

    def files_digest_at(self, commit: str, directory: str) -> str | None:
        """Return the stamp digest of an object's files in a commit, None when it is not there."""
        key = (commit, directory)
        if key not in self._digests:
            folder = (self.light_at or self.folder_at)(commit, directory)
            self._digests[key] = folder_files_digest(folder) if folder else None
        return self._digests[key]

    def touching(self, directory: str, *, since: str | None, made_upon: bool = False) -> list[str]:
        """Return the commits of HEAD's history after ``since`` that changed the folder, newest first.

        ``made_upon``: only those that have ``since`` in their own history.
        """
        if self.head is None:
            return []
        key = (directory, since, made_upon)
        if key not in self._touching:
            self._touching[key] = self.repo.history.commits_touching(
                directory, head=self.head, since=since, made_upon=made_upon
            )
        return self._touching[key]

    def may_have_changed(self, directory: str, *, since: str) -> bool:
        """Tell whether ``touching`` can find anything; costs one process for all folders together."""
        at, newest = self._touched
        return newest.get(directory, len(at)) < at.get(since, len(at))

    @cached_property
    def _touched(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """The place of each commit that touches an object, newest first, and of the newest for each folder."""
        found = self.repo.history.paths_of_commits(self.roots, head=self.head) if self.head else {}
        newest: dict[str, int] = {}
        for place, paths in enumerate(found.values()):
            for path in paths:
                for end, letter in enumerate(path):
                    if letter == "/":
                        newest.setdefault(path[:end], place)
        return {commit: place for place, commit in enumerate(found)}, newest

    def has(self, directory: str, path: str) -> bool:
        """Tell whether some commit of HEAD's history has, or had, a file of an object."""
        place = f"{directory}/{path}" if directory else path
        if self.head is None:
            return False
        lately = self.repo.history.had_lately(self.head, place)
        return (
            bool(self.repo.history.log_paths(self.head, [place], limit=1))
            if lately is None
            else lately
        )

    def is_in_history(self, commit: str) -> bool:
        """Tell whether ``commit`` is HEAD or an ancestor of it; ``unborn`` precedes every commit."""
        if commit == UNBORN:
            return True
        if self.head is None:
            return False
        if commit not in self._ancestor:
            self._ancestor[commit] = self.repo.commit_exists(commit) and self.repo.is_ancestor(
                commit, self.head
            )
        return self._ancestor[commit]

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent, None for a root commit."""
        if commit not in self._parents:
            self._parents[commit] = self.repo.first_parent(commit)
        return self._parents[commit]

    def held_after(self, start: str | None, directory: str, files: str) -> bool:
        """Tell whether a commit after ``start`` in HEAD's history holds the files with that digest."""
        since = None if start in {None, UNBORN} else start
        return any(
            self.files_digest_at(commit, directory) == files
            for commit in self.touching(directory, since=since)
        )

    # ------------------------------------------------------------ does a line count?

    def uncommitted_counts(self, pointer: Pointer, directory: str, files_now: FilesNow) -> bool:
        """Decide whether a line that differs from HEAD's counts (design.md 3)."""
        stamp = pointer.stamp
        if stamp is None:
            return False
        if callable(files_now):
            files_now = files_now()
        at_in_history = self.is_in_history(stamp.at)
        head_is_at = stamp.at == (self.head or UNBORN)
        match = files_now == stamp.files
        differ = bool(
            head_is_at
            and not match
            and (self.head is None or self.files_digest_at(self.head, directory) != files_now)
        )
        left = differ and self.elsewhere.have_left(
            pointer,
            directory,
            now=lambda: self.folder_at(None, directory) if files_now else None,
            before=lambda: self.folder_at(self.head, directory) if self.head else None,
        )
        held = bool(
            at_in_history
            and not match
            and (left or not differ)
            and self.held_after(stamp.at, directory, stamp.files)
        )
        held_at = bool(
            at_in_history
            and not (match or held or (differ and not left))
            and self._holds_version(pointer, stamp, directory)
        )
        return line_counts(
            LineEvidence(
                pointer=pointer,
                committed=False,
                at_in_history=at_in_history,
                head_is_at=head_is_at,
                files_now_match=match,
                files_differ_from_head=differ,
                later_commit_holds=held,
                left_elsewhere=left,
                at_holds_version=held_at,
            )
        )

    def _holds_version(self, pointer: Pointer, stamp: Stamp, directory: str) -> bool:
        """Tell whether a line was written upon its version's very text, which HEAD's text was made of (design.md 3)."""
        if pointer.gone or stamp.at == UNBORN or self.is_version_at is None:
            return False
        is_clean = self.files_digest_at(stamp.at, directory) == stamp.files
        return is_clean and self.is_version_at(pointer, stamp.at, directory)

    def committed_counts(
        self, pointer: Pointer, directory: str, files_now: FilesNow | None
    ) -> bool:
        """Decide whether a line that HEAD's tree or history holds counts: not when its files never came along."""
        stamp = pointer.stamp
        if stamp is None or files_now == stamp.files:
            return True
        intro = self._introduced(pointer, directory)
        if intro is None:
            return True
        at_intro = self.files_digest_at(intro, directory)
        if at_intro == stamp.files or (callable(files_now) and files_now() == stamp.files):
            return True
        before = self.first_parent(intro)
        changed = before is None or self.files_digest_at(before, directory) != at_intro
        left = changed and self._have_left_commit(pointer, directory, intro, before)
        since = stamp.at if self.is_in_history(stamp.at) else intro
        held = bool((left or not changed) and self.held_after(since, directory, stamp.files))
        return line_counts(
            LineEvidence(
                pointer=pointer,
                committed=True,
                files_now_match=False,
                intro_files_match=False,
                intro_changed_files=changed,
                later_commit_holds=held,
                left_elsewhere=left,
            )
        )

    def _have_left_commit(
        self, pointer: Pointer, directory: str, intro: str, parent: str | None
    ) -> bool:
        """Tell whether the files of a line went elsewhere before it was committed beside others in ``intro``."""
        assert pointer.stamp is not None
        at = pointer.stamp.at
        start = at if at != UNBORN and self.repo.commit_exists(at) else parent
        if start == at and not self.is_in_history(at):
            # It was written elsewhere: what its own commits changed is what has to be here as well.
            start = next(iter(self.repo.merge_bases(at, intro)), None)
        return self.elsewhere.have_left(
            pointer,
            directory,
            now=lambda: self.folder_at(intro, directory),
            before=lambda: self.folder_at(start, directory) if start else None,
        )

    def _introduced(self, pointer: Pointer, directory: str) -> str | None:
        path = _pointer_path(directory)
        for line in self._lines_at.get(path, ()):
            if parse_line(line.line) == pointer:
                return self.put_in_at(line.line, path)
        return None

    def tree_line(
        self, lines: Lines, directory: str, files_now: FilesNow
    ) -> tuple[Pointer | None, bool]:
        """Return the line of the tree that counts, and whether a line was ignored.

        A line equal to HEAD's, or to that of the folder that was moved here, is committed; another counts only by its
        stamp. Else HEAD's stands, unless what is here names another object: then HEAD's is about what was here before.
        """
        ignored = False
        if lines.tree is not None and lines.tree != lines.head:
            if self.uncommitted_counts(lines.tree, directory, files_now):
                return lines.tree, False
            home = self._committed_home(lines.tree, directory)
            if home is not None and self.committed_counts(lines.tree, home, files_now):
                return lines.tree, False
            ignored = True
        is_of_another = lines.tree is not None and _object_of(lines.tree) != _object_of(lines.head)
        if lines.head is not None and not is_of_another:
            if self.committed_counts(lines.head, directory, files_now):
                return lines.head, ignored
            ignored = True
        return None, ignored

    def _committed_home(self, pointer: Pointer, directory: str) -> str | None:
        """Return the other folder beside which HEAD has the very line, None when there is none."""
        named, head = _object_of(pointer), self.head
        if head is None:
            return None
        for line in self.added_lines:
            home = line.path.removesuffix(f"/{POINTER}")
            if home == directory or named not in line.line or parse_line(line.line) != pointer:
                continue
            if line.line.encode() in (self.repo.show(head, line.path) or b"").splitlines():
                return home
        return None
