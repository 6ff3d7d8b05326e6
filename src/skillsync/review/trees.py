"""Two trees of a repository as the objects in them: which skills and datasets differ, read from git objects only.

No work tree, no index, no attributes, filters or hooks take part: paths come from `git ls-tree`, contents from one
`git cat-file --batch`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from skillsync.config import Settings
from skillsync.config_schema import SETTINGS_FILE
from skillsync.model import Folder
from skillsync.repo.git import Repository, TreeEntry
from skillsync.repo.git_formats import GITLINK, SYMLINK
from skillsync.repo.objects import SKILL_MD, Grouping, Members, Roots, group_paths, make_roots
from skillsync.repo.worktree import read_folder, read_folders
from skillsync.review.baseline import FILE as BASELINE

_GUARDED = re.compile(
    r"\.github/(?:workflows|actions)/.*|\.gitlab-ci\.yml|\.gitlab/.*|action\.ya?ml|(?:.*/)?CODEOWNERS|\.pre-commit-config\.yaml"
)
_NAME_LINE = re.compile(rb"^name:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_HEAD_BYTES = 16_000
_FEW = 20
"""So many folders are read one by one, which costs no process."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One folder on both sides, None where it is not."""

    dir: str
    before: Folder | None
    after: Folder | None


@dataclass(frozen=True, slots=True)
class Trees:
    """What a range does to the repository's objects.

    ``skills`` and ``datasets`` are the folders that differ, sorted. ``guarded`` are changed files that the review
    itself depends on. ``names`` maps every skill folder of head to its name, as far as a look at its first lines
    tells, and ``descriptions`` to these lines; both are empty where no skill differs. ``on_base`` are the folders
    that the base changed since the merge base.
    """

    skills: tuple[Pair, ...]
    datasets: tuple[Pair, ...]
    guarded: tuple[str, ...]
    names: Mapping[str, str]
    on_base: frozenset[str] = frozenset()
    descriptions: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Side:
    commit: str
    files: Mapping[str, TreeEntry]
    grouping: Grouping

    @property
    def folders(self) -> dict[str, Members]:
        return {**self.grouping.skills, **self.grouping.datasets}

    def content(self, folder: str) -> dict[str, tuple[int, str]]:
        """The modes and blobs of one object's files."""
        members = self.folders.get(folder)
        paths = [posixpath.join(folder, name) for name in members.paths] if members else []
        return {path: (self.files[path].mode, self.files[path].blob) for path in paths}


def read_trees(
    repo: Repository,
    settings: Settings,
    *,
    before: str,
    after: str,
    base: str,
    only: Collection[str] = (),
) -> Trees:
    """Compare commit ``before`` with ``after``. ``only`` are globs over folders and names; none: everything.

    ``base`` is where it would be merged: what differs there from ``before`` too was not reviewed whole.
    """
    roots = make_roots(settings.skills, settings.datasets)
    one, two = _side(repo, before, roots), _side(repo, after, roots)
    changed = _changed(one, two)
    # Other skills are compared with the skills that differ, and with nothing else.
    has_skills = any(side.grouping.skills.keys() & changed for side in (one, two))
    names, heads = _heads(repo, two) if has_skills else ({}, {})
    wanted = {folder for folder in changed if _is_chosen(folder, names.get(folder, ""), only)}
    olds = _folders(repo, settings, before, wanted & one.folders.keys())
    news = _folders(repo, settings, after, wanted & two.folders.keys())
    skills: list[Pair] = []
    datasets: list[Pair] = []
    for folder in sorted(wanted):
        pair = Pair(folder, olds.get(folder), news.get(folder))
        is_skill = folder in (two.grouping.skills if pair.after else one.grouping.skills)
        (skills if is_skill else datasets).append(pair)
    moved = _changed(one, _side(repo, base, roots)) if base != before else set()
    guarded = _guarded(repo, before, after)
    return Trees(tuple(skills), tuple(datasets), guarded, names, frozenset(moved & wanted), heads)


def _side(repo: Repository, commit: str, roots: Roots) -> _Side:
    files = {each.path: each for each in repo.tree(commit, roots.all)}
    regular = [path for path, each in files.items() if each.mode not in {SYMLINK, GITLINK}]
    return _Side(commit, files, group_paths(list(files), roots, files=regular))


def _changed(one: _Side, two: _Side) -> set[str]:
    old, new = one.folders, two.folders
    return {
        folder for folder in old.keys() | new.keys() if one.content(folder) != two.content(folder)
    }


def _folders(
    repo: Repository, settings: Settings, commit: str, wanted: Collection[str]
) -> dict[str, Folder]:
    if len(wanted) <= _FEW:
        one_by_one = (
            read_folder(
                repo,
                commit,
                folder,
                skill_roots=settings.skills,
                dataset_roots=settings.datasets,
                items_limit=settings.items_limit,
            )
            for folder in sorted(wanted)
        )
        return {folder.dir: folder for folder in one_by_one if folder and folder.entries}
    scan = read_folders(
        repo,
        skill_roots=settings.skills,
        dataset_roots=settings.datasets,
        commit=commit,
        only=set(wanted),
        items_limit=settings.items_limit,
    )
    return {folder.dir: folder for folder in (*scan.skills, *scan.datasets) if folder.entries}


def _heads(repo: Repository, side: _Side) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the names, and the first bytes of SKILL.md, of every skill of a tree: for what shows beside others."""
    blobs = {}
    for folder in side.grouping.skills:
        entry = side.files.get(posixpath.join(folder, SKILL_MD))
        if entry is not None and 0 <= entry.size <= 2_000_000:
            blobs[folder] = entry.blob
    contents = repo.read_blobs(set(blobs.values()))
    names, heads = {}, {}
    for folder, blob in blobs.items():
        head = contents[blob][:_HEAD_BYTES]
        found = _NAME_LINE.search(head)
        name = found[1].decode("utf-8", "replace").strip("\"'") if found else ""
        names[folder] = name or posixpath.basename(folder)
        heads[folder] = head
    return names, heads


def _is_chosen(folder: str, name: str, only: Collection[str]) -> bool:
    return not only or any(
        fnmatchcase(folder, each.rstrip("/"))
        or fnmatchcase(name or posixpath.basename(folder), each)
        or fnmatchcase(folder, each.rstrip("/") + "/*")
        for each in only
    )


def _guarded(repo: Repository, before: str, after: str) -> tuple[str, ...]:
    """Return the changed files that the review itself depends on."""
    asked = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff",
             "--no-textconv", before, after]  # fmt: skip
    paths = repo.run(asked).output.decode("utf-8", "surrogateescape").split("\0")
    return tuple(
        path
        for path in paths
        if path in {SETTINGS_FILE, BASELINE} or _GUARDED.fullmatch(path) is not None
    )
