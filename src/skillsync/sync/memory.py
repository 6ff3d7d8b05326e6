"""What an earlier status knew: one look at the working tree, and what may be believed because it saw the same.

A status that finds everything in sync remembers just that, together with all it saw and HEAD. The next one that sees
the same says so, without understanding, reading or deciding anything again. A cache in the strict sense (P7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync import __version__
from skillsync.repo.cache import Cache, is_racy_stat
from skillsync.repo.look import Look, take_look
from skillsync.repo.objects import Roots, make_roots

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.status import Status
    from skillsync.sync.workspace import Workspace

_FORM = "facts-4"


@dataclass(frozen=True, slots=True)
class Memory:
    """The open cache, and the look that what is in it is compared with. ``clock``: when the look began."""

    workspace: Workspace
    cache: Cache
    clock: int
    roots: Roots
    look: Look

    def in_sync(self, target: Target) -> tuple[int, int] | None:
        """Return how many objects and rows were all in sync when the same was seen; None: not known."""
        match self.cache.recall(*self._question(target)):
            case [int(objects), int(rows)]:
                return objects, rows
        return None

    def remember(self, target: Target, found: Status) -> None:
        """Keep that everything is in sync, unless a later change could look the same as what was seen."""
        look = self.look
        if not look.troubled and not any(
            is_racy_stat(info, scanned_at=self.clock) for info in look.stats.values()
        ):
            self.cache.remember(*self._question(target), [found.in_sync, found.rows])

    def _question(self, target: Target) -> tuple[str, str]:
        settings = f"{self.workspace.settings!r} {target!r} {self.workspace.repo.head()}"
        return target.name, f"{self.look.digest} {hashlib.sha256(settings.encode()).hexdigest()}"


@contextmanager
def open_memory(workspace: Workspace) -> Iterator[Memory]:
    """Take a look at the working tree, with the cache open."""
    settings = workspace.settings
    options = f"{settings.dataset_options!r}" if settings.dataset_options else ""
    options += "" if settings.carry == "metadata" else settings.carry
    roots = make_roots(settings.skills, settings.datasets)
    with Cache(workspace.repo.state_dir, version=f"{_FORM} {__version__} {options}") as cache:
        clock = cache.clock()
        yield Memory(workspace, cache, clock, roots, take_look(workspace.repo, roots))
