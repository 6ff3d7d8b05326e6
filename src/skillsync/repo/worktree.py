"""Reads skills and datasets as bytes, from the working tree or from a commit, following no link.

What counts is what git tracks, or what is untracked and not ignored (skill-format.md 11). Every working-tree
file is read through folder handles with a torn-read check (stat, read, stat: sync.md 9.2); a file that cannot
be read costs its own object alone and is never mistaken for a deleted one.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from skillsync.errors import LocalChanged
from skillsync.model import Entry, Folder, Problem
from skillsync.repo.git import ListedFile, Repository, TreeEntry
from skillsync.repo.git_formats import GITLINK, SYMLINK
from skillsync.repo.handles import (
    NotRegular,
    open_file,
    opened_folder,
    opened_root,
    read_descriptor,
    split_path,
)
from skillsync.repo.large import GitFile, WorkingFile
from skillsync.repo.look import Look, take_look
from skillsync.repo.object_reader import GitObject
from skillsync.repo.objects import (
    DATASET_FILES,
    DATASET_MD,
    ITEMS,
    ITEMS_LIMIT,
    POINTER_FILES,
    SKILL_MD,
    Grouping,
    Link,
    Members,
    Roots,
    case_problems,
    find_links,
    group_paths,
    make_roots,
)
from skillsync.repo.pointer import POINTER, ROWS

__all__ = [
    "Link",
    "QuickScan",
    "Scan",
    "StatEntry",
    "quick_scan",
    "read_folder",
    "read_folders",
    "stat_scan",
]

SKILL_FILE_LIMIT = 8_000_000
"""Bytes of a skill's file beyond which it is not read: servers refuse 1 MB already (skill-format.md 11)."""
_POINTER_LIMIT = 10_000_001
_TRIES = 4
_FEW_HERE = 200
"""Up to so many objects HEAD's folders are read without a process; beyond, one that lists them all costs less."""
_FEW = 50
"""Up to so many folders git is asked about these alone: a command line has an end."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a tree holds. Folders are sorted by path.

    ``gone`` are objects whose folder is not in the working tree though HEAD or the index still has their
    pointer: ``pointer`` and ``rows`` are those bytes, ``entries`` only HEAD's SKILL.md or DATASET.md (for the
    name). ``unread`` are folders that are there but could not be read; ``problems`` says why.
    """

    skills: tuple[Folder, ...] = ()
    datasets: tuple[Folder, ...] = ()
    problems: tuple[Problem, ...] = ()
    links: tuple[Link, ...] = ()
    gone: tuple[Folder, ...] = ()
    unread: frozenset[str] = frozenset()


class StatEntry(NamedTuple):
    """A file's stat data: equal data, equal content, unless it is racy (see ``Cache``). ``mtime_ns`` and
    ``ctime_ns`` in nanoseconds since 1970, ``path`` relative to the object's folder."""

    path: str
    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int
    mode: int


def read_folders(
    repo: Repository,
    *,
    skill_roots: Sequence[str] | None = None,
    dataset_roots: Sequence[str] | None = None,
    commit: str | None = None,
    only: Collection[str] | None = None,
    items_limit: int = ITEMS_LIMIT,
    look: Look | None = None,
    large_from: int | None = None,
) -> Scan:
    """Read the objects below the roots of the working tree, or of ``commit``.

    ``only`` narrows the reading to these folders; ``look`` is one at these roots that was taken a moment ago.
    Roots: None for the default ones (``skills``, ``.agents/skills``; no datasets); ``"."`` for the whole repository,
    which alone makes a SKILL.md at its root a skill. ``large_from``: an ``items.jsonl`` of so many bytes is not held, its entry says where it lies.
    Raises ConfigError for a root outside the repository, GitFailed.
    """
    roots = make_roots(skill_roots, dataset_roots, items_limit=items_limit, large_from=large_from)
    if commit is not None:
        return _read_commit(repo, roots, commit, only)
    return _read_worktree(repo, roots, only, look or take_look(repo, roots))


def read_folder(
    repo: Repository,
    commit: str,
    folder: str,
    *,
    skill_roots: Sequence[str] | None = None,
    dataset_roots: Sequence[str] | None = None,
    items_limit: int = ITEMS_LIMIT,
    large_from: int | None = None,
) -> Folder | None:
    """Read one object's folder as ``commit`` has it, without looking at the rest; None: no object is there.

    Costs no process, so that it may be asked for every object. Otherwise as ``read_folders``.
    """
    roots = make_roots(skill_roots, dataset_roots, items_limit=items_limit, large_from=large_from)
    tree = {each.path: each for each in repo.tree_below(commit, folder)}
    files = {path for path, each in tree.items() if each.mode not in {SYMLINK, GITLINK}}
    if not any(posixpath.join(folder, name) in files for name in (SKILL_MD, *DATASET_FILES)):
        if posixpath.join(folder, POINTER) not in files:
            return None
        # What lies beside a pointer alone may belong to an object above it.
        scan = _read_commit(repo, roots, commit, {folder})
        return next((one for one in (*scan.skills, *scan.datasets) if one.dir == folder), None)
    grouping = group_paths(list(tree), roots, files=files)
    members = grouping.skills.get(folder) or grouping.datasets.get(folder)
    if members is None:
        return None
    return _tree_folder(repo, roots, members, *_with_contents(repo, roots, members, tree), [])


def _with_contents(
    repo: Repository, roots: Roots, members: Members, tree: Mapping[str, TreeEntry]
) -> tuple[Mapping[str, TreeEntry], Mapping[str, bytes]]:
    """Return the members' entries with their sizes, and the contents of those that are not too long."""
    paths = {posixpath.join(members.dir, name): name for name in members.paths}
    large = _large_sizes(repo, roots, {path: tree[path] for path in paths})
    limits: dict[str, int] = {}
    for path, name in paths.items():
        if tree[path].mode != GITLINK and tree[path].blob not in large:
            limits[tree[path].blob] = max(_limit(name, roots), limits.get(tree[path].blob, 0))
    objects: dict[str, GitObject] = {}
    for limit in set(limits.values()):
        wanted = [blob for blob, its_limit in limits.items() if its_limit == limit]
        objects |= repo.read_objects(wanted, limit=limit)
    sized = {
        path: tree[path]
        if tree[path].mode == GITLINK
        else replace(tree[path], size=large.get(blob) or objects[blob].size)
        for path in paths
        for blob in [tree[path].blob]
    }
    return sized, {blob: each.data for blob, each in objects.items() if each.data is not None}


def _large_sizes(
    repo: Repository, roots: Roots, entries: Mapping[str, TreeEntry]
) -> Mapping[str, int]:
    """Return the sizes of files of rows that are not held: a content must not come through a pipe to be thrown away."""
    if roots.large_from is None:
        return {}
    items = {each.blob for path, each in entries.items() if posixpath.basename(path) == ITEMS}
    others = {each.blob for path, each in entries.items() if posixpath.basename(path) != ITEMS}
    sizes = repo.blob_sizes(sorted(items - others))
    return {blob: size for blob, size in sizes.items() if roots.is_large(ITEMS, size)}


def _wanted(folders: Iterable[str], only: Collection[str] | None) -> list[str]:
    return sorted(folder for folder in folders if only is None or folder in only)


# ---------------------------------------------------------------- the working tree


@dataclass(slots=True)
class _Listing:
    """The paths of the working tree with what the disk says about them.

    ``skipped`` stand in the index only (sparse checkout); ``denied`` are there but could not be looked at.
    """

    stats: dict[str, os.stat_result] = field(default_factory=dict)
    indexed: dict[str, ListedFile] = field(default_factory=dict)
    skipped: dict[str, ListedFile] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)

    @property
    def paths(self) -> list[str]:
        """Every path that is there."""
        return [*self.stats, *self.skipped]

    @property
    def files(self) -> list[str]:
        """The paths that are regular files."""
        there = [path for path, info in self.stats.items() if stat.S_ISREG(info.st_mode)]
        return there + [path for path, each in self.skipped.items() if each.mode & 0o100000 == 0o100000
                        and each.mode not in {SYMLINK, GITLINK}]  # fmt: skip


def _list_worktree(look: Look) -> _Listing:
    """Understand what was seen; what is below a link is not there."""
    listing = _Listing(look.stats, denied=set(look.troubled))
    for each in look.listing():
        path = each.path
        if each.mode:
            listing.indexed[path] = each
        if each.is_denied:
            listing.denied.add(path)
        elif each.is_skipped and path not in look.stats and path not in look.troubled:
            listing.skipped[path] = each
    return listing


def _read_worktree(
    repo: Repository, roots: Roots, only: Collection[str] | None, look: Look
) -> Scan:
    listing = _list_worktree(look)
    grouping = group_paths(listing.paths, roots, files=listing.files)
    reader = _Reader(repo, listing, roots)
    with opened_root(repo.root) as root:
        skills = reader.folders(root, grouping.skills, only)
        datasets = reader.folders(root, grouping.datasets, only)
    links = _links(repo.root, listing, grouping)
    problems = [*case_problems(grouping, roots), *reader.problems]
    problems += [
        _unreadable("", path, PermissionError())
        for path in sorted(listing.denied)
        if not any(_is_hidden(folder, {path}) for folder in reader.unread)
    ]
    gone = _gone(repo, roots, listing, grouping, only)
    return Scan(skills, datasets, tuple(problems), links, gone, frozenset(reader.unread))


@dataclass(slots=True)
class _Reader:
    """Reads the folders of one listing; what goes wrong collects in ``problems`` and ``unread``."""

    repo: Repository
    listing: _Listing
    roots: Roots
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    skipped_blobs: dict[str, bytes] = field(default_factory=dict)
    _has_modes: bool | None = None

    def has_modes(self) -> bool:
        """Tell whether executable bits on the disk mean anything; git is asked once, when the first one matters."""
        if self._has_modes is None:
            self._has_modes = self.repo.has_modes()
        return self._has_modes

    def folders(
        self, root: int, found: Mapping[str, Members], only: Collection[str] | None
    ) -> tuple[Folder, ...]:
        wanted = [found[each] for each in _wanted(found, only)]
        self._fetch_skipped(wanted)
        return tuple(folder for each in wanted if (folder := self._folder(root, each)) is not None)

    def _fetch_skipped(self, wanted: Iterable[Members]) -> None:
        """Read from the index what a sparse checkout leaves out of the working tree."""
        if self.listing.skipped:
            paths = [posixpath.join(each.dir, path) for each in wanted for path in each.paths]
            blobs = {
                self.listing.skipped[path].blob
                for path in paths
                if path in self.listing.skipped and self.listing.skipped[path].mode != GITLINK
            }
            self.skipped_blobs.update(self.repo.read_blobs(blobs))

    def _folder(self, root: int, members: Members) -> Folder | None:
        for path in self.listing.denied:
            if not members.dir or path.startswith(f"{members.dir}/"):
                # Without this the files behind it would look deleted.
                self.unread.add(members.dir)
                self.problems.append(_unreadable(members.dir, path, PermissionError()))
                return None
        entries = []
        beside: dict[str, bytes | None] = {}
        path = ""
        try:
            for name in members.paths:
                path = posixpath.join(members.dir, name)
                entry = self._entry(root, path, name)
                if entry is None:
                    continue
                if name in POINTER_FILES:
                    beside[name] = entry.data
                    self.problems.extend(_pointer_problems(path, entry))
                else:
                    entries.append(entry)
        except (LocalChanged, OSError) as error:
            self.unread.add(members.dir)
            self.problems.append(_unreadable(members.dir, path, error))
            return None
        return Folder(members.dir, tuple(entries), beside.get(POINTER), beside.get(ROWS))

    def _entry(self, root: int, path: str, name: str) -> Entry | None:
        indexed = self.listing.indexed.get(path)
        if path in self.listing.skipped:
            left_out = _blob_entry(name, self.listing.skipped[path], self.skipped_blobs)
            return replace(left_out, left_out=True)
        if indexed is not None and indexed.mode == GITLINK:
            return Entry(name, None, 0, kind="other")
        *parents, last = split_path(path)
        try:
            with opened_folder(root, tuple(parents)) as at:
                read = _read_settled(at, last, _limit(name, self.roots), path)
        except FileNotFoundError:
            return None
        entry = replace(read, path=name)
        if read.kind == "file" and read.data is None and self.roots.is_large(name, read.size):
            entry = replace(entry, large=WorkingFile(self.repo, path, read.size))
        executable = indexed is not None and indexed.mode & 0o111 != 0
        if read.kind != "file" or executable == entry.executable or self.has_modes():
            return entry
        return replace(entry, executable=executable)


def _limit(name: str, roots: Roots) -> int:
    limit = roots.limit_of(name)
    if limit is None:
        limit = _POINTER_LIMIT if name == POINTER else SKILL_FILE_LIMIT
    return limit


def _read_settled(at: int, name: str, limit: int, path: str) -> Entry:
    """Read one file, again if it changes under us; raises LocalChanged when it never holds still."""
    for _ in range(_TRIES):
        try:
            descriptor = open_file(at, name)
        except NotRegular:
            return _special(at, name)
        try:
            before = os.fstat(descriptor)
            data = None if before.st_size > limit else read_descriptor(descriptor, limit)
            after = os.stat(name, dir_fd=at, follow_symlinks=False)
        finally:
            os.close(descriptor)
        if _is_same(before, after) and (data is None or len(data) == before.st_size):
            return Entry(name, data, before.st_size, bool(before.st_mode & 0o100))
    raise LocalChanged(f"{path} changes while it is read", subject=path)


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_mtime_ns, one.st_ctime_ns, one.st_size, one.st_ino, one.st_dev) == (
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_size,
        other.st_ino,
        other.st_dev,
    )


def _special(at: int, name: str) -> Entry:
    info = os.stat(name, dir_fd=at, follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode):
        return Entry(name, None, info.st_size, kind="symlink", target=os.readlink(name, dir_fd=at))
    return Entry(name, None, 0, kind="other")


def _unreadable(folder: str, path: str, error: Exception) -> Problem:
    if isinstance(error, LocalChanged):
        return Problem(error.code, error.message, folder, path, fix=error.hint)
    why = (error.strerror if isinstance(error, OSError) else "") or "permission denied"
    return Problem(
        "E-UNREADABLE", f"{path} cannot be read: {why}", folder, path, fix=f"ls -ld {path}"
    )


def _pointer_problems(path: str, entry: Entry) -> list[Problem]:
    """Report a pointer file that was not read: a link, or far too large (14.6 #133)."""
    if entry.data is not None:
        return []
    why = "it is no regular file" if entry.kind != "file" else f"it has {entry.size:,} bytes"
    fix = f"git checkout HEAD -- {path}"
    return [Problem("E-POINTER", f"{path} is not used: {why}", path=path, fix=fix)]


def _links(root: Path, listing: _Listing, grouping: Grouping) -> tuple[Link, ...]:
    targets = {}
    for path in grouping.loose:
        info = listing.stats.get(path)
        if info is not None and stat.S_ISLNK(info.st_mode):
            try:
                targets[path] = str((root / path).readlink())
            except OSError:
                continue
    return find_links(targets, grouping.skills)


# ---------------------------------------------------------------- what is gone


def _gone(
    repo: Repository,
    roots: Roots,
    listing: _Listing,
    grouping: Grouping,
    only: Collection[str] | None,
) -> tuple[Folder, ...]:
    """Find objects whose pointer HEAD or the index has, and whose folder the working tree has not."""
    there = {*grouping.skills, *grouping.datasets}
    head = repo.head()
    blobs = {path: each.blob for path, each in listing.indexed.items() if each.mode != GITLINK}
    if head is not None and (only is None or only):
        # HEAD's blob wins over the index's: what is committed was agreed.
        few = only is not None and len(only) <= _FEW and "" not in only
        below = sorted(only) if few and only else roots.all
        is_small = len(there) <= _FEW_HERE
        entries = repo.trees_below(head, below) if is_small else repo.tree(head, below)
        blobs |= {each.path: each.blob for each in entries if each.size >= 0}
    folders = {
        posixpath.dirname(path)
        for path in blobs
        if posixpath.basename(path) == POINTER and posixpath.dirname(path) not in there
    }
    folders = {folder for folder in folders if not _is_hidden(folder, listing.denied)}
    wanted = {
        posixpath.join(folder, name): folder
        for folder in _wanted(folders, only)
        for name in (*POINTER_FILES, SKILL_MD, DATASET_MD)
        if posixpath.join(folder, name) in blobs
    }
    contents = repo.read_blobs({blobs[path] for path in wanted})
    found: dict[str, dict[str, bytes]] = {}
    for path, folder in wanted.items():
        found.setdefault(folder, {})[posixpath.basename(path)] = contents[blobs[path]]
    return tuple(_gone_folder(folder, files) for folder, files in sorted(found.items()))


def _is_hidden(folder: str, denied: Collection[str]) -> bool:
    """Tell whether something at, above or below a folder could not be looked at: then it may be there."""
    return any(
        path == folder or path.startswith(f"{folder}/") or folder.startswith(f"{path}/")
        for path in denied
    )


def _gone_folder(folder: str, files: Mapping[str, bytes]) -> Folder:
    entries = tuple(
        Entry(name, data, len(data))
        for name, data in sorted(files.items())
        if name not in POINTER_FILES
    )
    return Folder(folder, entries, files.get(POINTER), files.get(ROWS))


# ---------------------------------------------------------------- a commit


def _read_commit(repo: Repository, roots: Roots, commit: str, only: Collection[str] | None) -> Scan:
    tree = {each.path: each for each in repo.tree(commit, roots.all)}
    files = [path for path, each in tree.items() if each.mode not in {SYMLINK, GITLINK}]
    grouping = group_paths(list(tree), roots, files=files)
    wanted_skills = [grouping.skills[each] for each in _wanted(grouping.skills, only)]
    wanted_datasets = [grouping.datasets[each] for each in _wanted(grouping.datasets, only)]
    paths = [
        (posixpath.join(each.dir, name), name)
        for each in (*wanted_skills, *wanted_datasets)
        for name in each.paths
    ]
    loose = [path for path in grouping.loose if tree[path].mode == SYMLINK]
    blobs = {tree[path].blob for path, name in paths if 0 <= tree[path].size <= _limit(name, roots)}
    contents = repo.read_blobs(blobs | {tree[path].blob for path in loose})
    problems: list[Problem] = case_problems(grouping, roots)
    return Scan(
        tuple(_tree_folder(repo, roots, each, tree, contents, problems) for each in wanted_skills),
        tuple(
            _tree_folder(repo, roots, each, tree, contents, problems) for each in wanted_datasets
        ),
        tuple(problems),
        find_links(
            {path: os.fsdecode(contents[tree[path].blob]) for path in loose}, grouping.skills
        ),
    )


def _tree_folder(
    repo: Repository,
    roots: Roots,
    members: Members,
    tree: Mapping[str, TreeEntry],
    contents: Mapping[str, bytes],
    problems: list[Problem],
) -> Folder:
    entries = []
    beside: dict[str, bytes | None] = {}
    for name in members.paths:
        path = posixpath.join(members.dir, name)
        entry = _blob_entry(name, tree[path], contents)
        if entry.data is None and entry.kind == "file" and roots.is_large(name, entry.size):
            entry = replace(entry, large=GitFile(repo, tree[path].blob, entry.size))
        if name in POINTER_FILES:
            beside[name] = entry.data
            problems.extend(_pointer_problems(path, entry))
        else:
            entries.append(entry)
    return Folder(members.dir, tuple(entries), beside.get(POINTER), beside.get(ROWS))


def _blob_entry(name: str, known: TreeEntry | ListedFile, contents: Mapping[str, bytes]) -> Entry:
    """Make an entry of a blob: links and submodules as in the working tree, no data for one not read."""
    if known.mode == GITLINK:
        return Entry(name, None, 0, kind="other")
    data = contents.get(known.blob)
    if known.mode == SYMLINK:
        target = os.fsdecode(data or b"")
        return Entry(name, None, len(data or b""), kind="symlink", target=target)
    size = known.size if isinstance(known, TreeEntry) else len(data or b"")
    return Entry(name, data, size, known.mode & 0o111 != 0)


# ---------------------------------------------------------------- the fast question


@dataclass(frozen=True, slots=True)
class QuickScan:
    """What can be said about a working tree without opening a file.

    ``folders``: the stat data of every object's files (pointers included) by folder. ``pointers``: the pointer
    files of the index by path, with their blobs. ``denied``: paths that could not be looked at, so that
    whatever lies there is neither missing nor known. ``problems``: names that make no skill.
    """

    folders: Mapping[str, tuple[StatEntry, ...]]
    pointers: Mapping[str, str] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def is_hidden(self, folder: str) -> bool:
        """Tell whether something at, above or below a folder could not be looked at."""
        return bool(self.denied) and _is_hidden(folder, self.denied)


def quick_scan(look: Look, roots: Roots) -> QuickScan:
    """Say which object's files a look saw, without reading any of them."""
    listing = _list_worktree(look)
    grouping = group_paths(listing.paths, roots, files=listing.files)
    folders = {}
    for members in (*grouping.skills.values(), *grouping.datasets.values()):
        above = f"{members.dir}/" if members.dir else ""
        folders[members.dir] = tuple(
            [_stat_entry(name, listing, above + name) for name in members.paths]
        )
    pointers = {
        path: each.blob
        for path, each in listing.indexed.items()
        if path.endswith(POINTER_FILES) and posixpath.basename(path) in POINTER_FILES
    }
    problems = case_problems(grouping, roots)
    return QuickScan(folders, pointers, frozenset(listing.denied), tuple(problems))


def stat_scan(
    repo: Repository,
    *,
    skill_roots: Sequence[str] | None = None,
    dataset_roots: Sequence[str] | None = None,
) -> Mapping[str, tuple[StatEntry, ...]]:
    """Return the stat data of every object's files (pointers included) by folder, reading none of them."""
    roots = make_roots(skill_roots, dataset_roots)
    return quick_scan(take_look(repo, roots), roots).folders


def _stat_entry(name: str, listing: _Listing, path: str) -> StatEntry:
    info = listing.stats.get(path)
    if info is None:
        # A file that a sparse checkout leaves out changes with the index: its blob stands for its times.
        number = int(listing.skipped[path].blob[:15], 16)
        return StatEntry(name, 0, 0, 0, number, listing.skipped[path].mode)
    return StatEntry(
        name, info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino, info.st_mode
    )
