"""What git's merge driver does with one file of skillsync's: pointers by version, rows by key and field (sync.md 8, B6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.repo.pointer import POINTER, ROWS

if TYPE_CHECKING:
    from skillsync.config import DatasetOptions
    from skillsync.model import Conflict


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged file, None where it has to be merged as text, and what a person has to decide about."""

    data: bytes | None
    conflicts: tuple[Conflict, ...] = ()


def merge_file(root: Path, path: str, base: bytes, local: bytes, remote: bytes) -> Merged:
    """Merge three states of the file at ``path``, ``b""`` for one that is not there; writes nothing.

    ``root`` is the working tree. Raises InvalidContent when rows of a side cannot be read.
    """
    folder, _, name = path.rpartition("/")
    if name in {POINTER, ROWS}:
        return Merged(_merge_pointer(root, folder, name, (base, local, remote)))
    from skillsync.config import DatasetOptions
    from skillsync.core.merge_items import merge_items

    slug = folder.rpartition("/")[2]
    options = _options(root, slug) or DatasetOptions()
    made = merge_items(
        base,
        local,
        remote,
        path=path,
        subject=slug,
        mapping=options.fields or None,
        keys=options.keys,
        limits=options.limits,
    )
    return Merged(made.data, made.conflicts)


def _merge_pointer(
    root: Path, folder: str, name: str, contents: tuple[bytes, bytes, bytes]
) -> bytes | None:
    from skillsync.sync.pointer_sides import PointerFiles, has_datasets, merge_pointer_files

    if name == POINTER and not has_datasets(folder, *contents):
        sides = [PointerFiles(content) for content in contents]
        merged = merge_pointer_files(folder, *sides)
        return merged.pointer if merged else None
    from skillsync.repo.git import Repository
    from skillsync.sync.local import join
    from skillsync.sync.pointer_sides import file_beside

    repo, path = Repository.open(root), join(folder, name)
    beside = ROWS if name == POINTER else POINTER
    try:
        found = [file_beside(repo, path, content, beside) for content in contents]
    finally:
        repo.close()
    sides = []
    for content, other in zip(contents, found, strict=True):
        if other is None:
            return None
        pointer, rows = (content, other) if name == POINTER else (other, content)
        sides.append(PointerFiles(pointer, rows))
    merged = merge_pointer_files(folder, *sides)
    if merged is None:
        return None
    return merged.pointer if name == POINTER else merged.rows


def _options(root: Path, slug: str) -> DatasetOptions | None:
    """Return what skillsync.toml says of a dataset; settings that cannot be read are no reason to stop a merge."""
    from skillsync.config_schema import SETTINGS_FILE
    from skillsync.errors import ConfigError

    try:
        data = (root / SETTINGS_FILE).read_bytes()
    except OSError:
        return None
    if slug.encode() not in data:
        return None
    from skillsync.config import parse_settings

    try:
        return parse_settings(data, root=root).options_for(slug)
    except ConfigError:
        return None


def merge_as_text(base: Path, local: Path, remote: Path, *, marker_size: int) -> int:
    """Merge ``local`` in place as git merges text; return how many conflicts it has. Raises GitFailed."""
    from skillsync.repo.git_process import run_git

    names = ("here", "base", "there")
    labels = [word for name in names for word in ("-L", name)]
    files = [str(each.absolute()) for each in (local, base, remote)]
    asked = ["merge-file", f"--marker-size={marker_size}", *labels, *files]
    return run_git(local.absolute().parent, asked, accept=range(128), reads=False).status
