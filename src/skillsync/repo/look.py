"""Looks at the paths of the working tree without opening a file: what git lists, and what the disk says of each."""

from __future__ import annotations

import hashlib
import marshal
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.repo.git_formats import ListedFile, listed_paths, parse_denied, parse_listing

if TYPE_CHECKING:
    from skillsync.repo.git import Repository
    from skillsync.repo.git_process import Done
    from skillsync.repo.objects import Roots


@dataclass(slots=True)
class Look:
    """What one look saw, before any of it is understood.

    ``outputs`` are git's answers, ``stats`` the stat data of every listed path that is there and not behind a
    link, ``troubled`` the paths that could not be looked at.
    """

    outputs: list[Done] = field(default_factory=list)
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    troubled: set[str] = field(default_factory=set)

    def listing(self) -> Iterator[ListedFile]:
        """Yield what git listed."""
        for done in self.outputs:
            yield from parse_listing(done.output)
            yield from parse_denied(done.complaint)

    @property
    def digest(self) -> str:
        """Stands for everything that was seen: equal digests, nothing changed between two looks (unless racy)."""
        seen = hashlib.blake2b(digest_size=16)
        for done in self.outputs:
            seen.update(b"%d %b\0" % (len(done.output), done.output))
            seen.update(os.fsencode(done.complaint))
        seen.update(os.fsencode("\0".join([*self.stats, "", *sorted(self.troubled)])))
        numbers = [
            number
            for info in self.stats.values()
            for number in (
                info.st_mtime_ns,
                info.st_ctime_ns,
                info.st_size,
                info.st_ino,
                info.st_mode,
            )
        ]
        # Version 2 of the format writes equal numbers alike; later ones write references to the same object.
        seen.update(marshal.dumps(numbers, 2))
        return seen.hexdigest()


def take_look(repo: Repository, roots: Roots) -> Look:
    """Look at everything below the roots: one git process or two, and one ``lstat`` a file and a folder."""
    look = Look()
    stats = look.stats
    real: dict[str, bool] = {"": True}
    root = os.fspath(repo.root)
    for done in repo.index.listing_outputs(roots.all):
        look.outputs.append(done)
        for path in listed_paths(done.output):
            folder = path.rpartition("/")[0]
            try:
                if real.get(folder) or _is_real(root, folder, real):
                    stats[path] = os.lstat(f"{root}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                look.troubled.add(path)
    return look


def _is_real(root: str, folder: str, real: dict[str, bool]) -> bool:
    """Tell whether a folder and all above it are folders and not links, remembering the answers."""
    known = real.get(folder)
    if known is None:
        known = _is_real(root, posixpath.dirname(folder), real)
        if known:
            try:
                known = stat.S_ISDIR(os.lstat(f"{root}/{folder}").st_mode)
            except (FileNotFoundError, NotADirectoryError):
                known = False
        real[folder] = known
    return known
