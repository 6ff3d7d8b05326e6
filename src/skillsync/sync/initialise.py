"""Writes skillsync.toml for a repository: finds the roots, checks the key, and says what push and pull would do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skillsync.config import Target, write_settings
from skillsync.errors import ConfigError, GitFailed, NotARepository
from skillsync.repo.git import Repository
from skillsync.repo.git_process import run_git
from skillsync.sync.workspace import CONFIG

SKIPPED = frozenset({".git", "node_modules", ".venv", "__pycache__", "site-packages"})
DEFAULT_ROOT = "skills"


@dataclass(frozen=True)
class Initialised:
    """What init found and wrote."""

    repo: Repository
    path: Path
    skills: tuple[str, ...]
    datasets: tuple[str, ...]
    made_repository: bool


def open_or_make(start: Path, *, git: bool) -> tuple[Repository, bool]:
    """Open the repository around ``start``; with ``git`` make one there when there is none.

    Raises NotARepository (exit 2) without one and without ``git``.
    """
    try:
        return Repository.open(start), False
    except NotARepository:
        if not git:
            raise NotARepository(
                f"{start} is not in a git repository",
                unchanged="Nothing was written.",
                hint="skillsync init --git makes one here",
            ) from None
    if is_inside_git(start):
        raise NotARepository(
            f"{start} is inside of git's own folder, or of a repository without files",
            unchanged="Nothing was written.",
            hint="change to a folder of your own files and run skillsync init --git there",
        )
    return Repository.init(start), True


def is_inside_git(start: Path) -> bool:
    """Tell whether ``start`` belongs to git itself, where no working tree may be made."""
    try:
        return run_git(start, ["rev-parse", "--is-inside-git-dir"]).line == "true"
    except GitFailed:
        return False


def find_roots(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return skill roots and dataset roots found by looking for SKILL.md and items.jsonl.

    A root is the folder that holds the skill folders, cut to what has no other root above it. Symlinks are not
    followed. Nothing found: the default ``skills`` and ``datasets``.
    """
    skills, datasets = set(), set()
    for folder, names, files in os.walk(root):
        names[:] = sorted(
            name for name in names if name not in SKIPPED and not (Path(folder) / name).is_symlink()
        )
        relative = Path(folder).relative_to(root)
        if not relative.parts:
            continue
        if "SKILL.md" in files:
            skills.add(_root_of(relative))
        if "items.jsonl" in files:
            datasets.add(_root_of(relative))
    return _topmost(skills) or (DEFAULT_ROOT,), _topmost(datasets) or ("datasets",)


def _root_of(folder: Path) -> str:
    for index, part in enumerate(folder.parts[:-1]):
        if part in {"skills", "datasets"}:
            return "/".join(folder.parts[: index + 1])
    return "/".join(folder.parts[:-1]) or folder.parts[0]


def _topmost(folders: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for folder in sorted(folders):
        if not any(folder == above or folder.startswith(f"{above}/") for above in found):
            found.append(folder)
    return tuple(found)


def initialise(start: Path, *, target: Target | None, git: bool) -> Initialised:
    """Write skillsync.toml and nothing else. Raises ConfigError when it is there already and no target is new."""
    repo, made = open_or_make(start, git=git)
    path = repo.root / CONFIG
    if path.exists() and target is None:
        raise ConfigError(
            f"{CONFIG} is there already",
            unchanged="Nothing was written.",
            hint="skillsync init --target NAME --host URL --project N adds or changes a target",
        )
    skills, datasets = find_roots(repo.root)
    if path.exists():
        write_settings(repo.root, target=target)
    else:
        write_settings(repo.root, target=target, skills=skills, datasets=datasets)
    return Initialised(repo, path, skills, datasets, made)
