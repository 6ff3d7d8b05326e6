"""Which files belong to which skill or dataset: a pure grouping of paths below the configured roots.

A skill is a folder with a file named exactly ``SKILL.md``; a file belongs to the nearest object above it
(skill-format.md 12). A dataset has ``items.jsonl`` or ``DATASET.md``. A pointer alone keeps its folder an
object, so that a deletion can be told from nothing; inside a skill it is listed with no files of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from skillsync.errors import ConfigError
from skillsync.formats.paths import is_never_sent
from skillsync.model import Problem, Severity
from skillsync.repo.pointer import POINTER, ROWS

SKILL_MD = "SKILL.md"
ITEMS = "items.jsonl"
DATASET_MD = "DATASET.md"
DATASET_FILES = (ITEMS, DATASET_MD)
POINTER_FILES = (POINTER, ROWS)

DEFAULT_SKILL_ROOTS = ("skills", ".agents/skills")
"""Where skills are looked for when nothing is configured (skill-format.md 12)."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link below a root that leads to a skill: not followed, only named."""

    path: str
    target: str


ITEMS_LIMIT = 2_000_000_000
"""Bytes of ``items.jsonl`` and of ``.skillsync.rows`` that are read, unless a dataset's settings allow more."""


@dataclass(frozen=True, slots=True)
class Roots:
    """The folders that are searched, relative to the repository; ``"."`` is the repository itself.

    ``items_limit``: bytes of ``items.jsonl`` and of ``.skillsync.rows`` that are read. ``large_from``: an
    ``items.jsonl`` of so many bytes is not held, its entry only says where it lies; None: all are held.
    """

    skills: tuple[str, ...]
    datasets: tuple[str, ...]
    items_limit: int = ITEMS_LIMIT
    large_from: int | None = None

    def limit_of(self, name: str) -> int | None:
        """Return how many bytes of a dataset's file are held, None for a file of no dataset."""
        if name == ITEMS and self.large_from is not None:
            return min(self.large_from - 1, self.items_limit)
        return self.items_limit if name in (ITEMS, ROWS) else None

    def is_large(self, name: str, size: int) -> bool:
        """Tell whether a file of this name and size is one that is not held but may be read."""
        held = self.limit_of(name)
        return name == ITEMS and held is not None and held < size <= self.items_limit

    @property
    def all(self) -> tuple[str, ...]:
        """Every root once."""
        return tuple(dict.fromkeys((*self.skills, *self.datasets)))


def make_roots(
    skills: Sequence[str] | None,
    datasets: Sequence[str] | None,
    *,
    items_limit: int = ITEMS_LIMIT,
    large_from: int | None = None,
) -> Roots:
    """Normalise configured roots; None or nothing for skills means the default ones.

    Raises ConfigError for a root outside the repository or inside ``.git``.
    """
    return Roots(
        tuple(_root(each) for each in (skills or DEFAULT_SKILL_ROOTS)),
        tuple(_root(each) for each in (datasets or ())),
        items_limit,
        large_from,
    )


def _root(text: str) -> str:
    path = posixpath.normpath(text) if text else "."
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or ".git" in (part.lower() for part in parts):
        raise ConfigError(f"the root {text!r} is not a folder of this repository")
    return path


@dataclass(slots=True)
class Members:
    """One object's paths, relative to its folder, by what they are to us."""

    dir: str
    entries: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Every path, sorted."""
        return sorted([*self.entries, *self.pointers])


@dataclass(frozen=True, slots=True)
class Grouping:
    """The objects found: folder to members, and the paths that lie in none of them."""

    skills: Mapping[str, Members]
    datasets: Mapping[str, Members]
    loose: tuple[str, ...]


def group_paths(paths: Collection[str], roots: Roots, *, files: Collection[str]) -> Grouping:
    """Group repository paths into skills and datasets.

    ``files`` are those of ``paths`` that are regular files; only these make a folder an object.
    """
    skills: dict[str, Members] = {}
    datasets: dict[str, Members] = {}
    nearest: dict[str, Members | None] = {}
    marked = sorted(_marked(set(files)).items())
    for folder, found in marked:
        kind = _kind(folder, found, roots)
        if kind is not None:
            members = (skills if kind == "skill" else datasets)[folder] = Members(folder)
            if found - {POINTER}:
                nearest[folder] = members
    objects = {**skills, **datasets}
    known = dict(nearest)
    # A stray pointer inside a skill must not take that skill's files away.
    nearest |= {folder: each for folder, each in objects.items() if _owner(folder, known) is None}
    loose = []
    is_left_out = cache(is_never_sent)  # objects hold files of the same few names
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name in POINTER_FILES and folder in objects:
            objects[folder].pointers.append(name)
            continue
        owner = nearest[folder] if folder in nearest else _owner(folder, nearest)
        if owner is None:
            loose.append(path)
            continue
        inside = path[len(owner.dir) + 1 :] if owner.dir else path
        if inside in DATASET_FILES if owner.dir in datasets else not is_left_out(inside):
            owner.entries.append(inside)
    return Grouping(skills, datasets, tuple(sorted(loose)))


def _marked(files: Iterable[str]) -> dict[str, set[str]]:
    """Map each folder to the marking names in it."""
    names = {SKILL_MD, POINTER, *DATASET_FILES}
    marked: dict[str, set[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        if name in names:
            marked.setdefault(folder, set()).add(name)
    return marked


def _kind(folder: str, found: Collection[str], roots: Roots) -> str | None:
    """Decide what a folder with these marking files is, by the longest root above it."""
    skill, dataset = _depth(folder, roots.skills), _depth(folder, roots.datasets)
    if SKILL_MD in found and skill >= max(dataset, 0):
        return "skill"
    if dataset > skill or (dataset >= 0 and dataset == skill and _is_dataset(found)):
        # The root itself is no dataset, however it is named.
        return "dataset" if folder not in roots.datasets else None
    return "skill" if POINTER in found and skill >= 0 else None


def _is_dataset(found: Collection[str]) -> bool:
    return any(name in found for name in DATASET_FILES)


def _depth(folder: str, roots: Iterable[str]) -> int:
    """Return the length of the longest root that holds the folder, -1 for none."""
    return max(
        (0 if root == "." else len(root) for root in roots if _holds(root, folder)), default=-1
    )


def _holds(root: str, folder: str) -> bool:
    return root == "." or folder == root or folder.startswith(f"{root}/")


def _owner(folder: str, nearest: dict[str, Members | None]) -> Members | None:
    """Find the nearest object at or above a folder, remembering what was found on the way."""
    seen = []
    while folder not in nearest:
        seen.append(folder)
        if not folder:
            break
        folder = posixpath.dirname(folder)
    owner = nearest.get(folder)
    for each in seen:
        nearest[each] = owner
    return owner


# ---------------------------------------------------------------- what is worth a word


def case_problems(grouping: Grouping, roots: Roots) -> list[Problem]:
    """Report files that differ from ``SKILL.md`` by case alone and so make no skill."""
    return [
        Problem(
            "E-SKILL-CASE",
            f"{path} makes no skill: the file must be named exactly {SKILL_MD}",
            path=path,
            severity=Severity.WARNING,
            fix=f"git mv {path} {posixpath.join(posixpath.dirname(path), SKILL_MD)}",
        )
        for path in grouping.loose
        if posixpath.basename(path) != SKILL_MD
        and posixpath.basename(path).lower() == SKILL_MD.lower()
        and _depth(posixpath.dirname(path), roots.skills) >= 0
    ]


def find_links(targets: Mapping[str, str], skills: Iterable[str]) -> tuple[Link, ...]:
    """Name the links (path to target) that lead, by their text, to a skill or to a folder of skills."""
    places = {""}
    for folder in skills:
        places.add(posixpath.join(folder, SKILL_MD) if folder else SKILL_MD)
        while folder:
            places.add(folder)
            folder = posixpath.dirname(folder)
    found = []
    for path, target in sorted(targets.items()):
        leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if not target.startswith("/") and leads.strip(".") and leads in places:
            found.append(Link(path, target))
    return tuple(found)
