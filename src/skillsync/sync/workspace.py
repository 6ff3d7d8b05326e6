"""Opens what a command works on: the repository with its settings, and the connection to one target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.config import Settings, Target, load_settings
from skillsync.errors import NotARepository, RefusedForSafety
from skillsync.model import Author, Folder
from skillsync.repo.git import Repository
from skillsync.repo.pointer import POINTER

if TYPE_CHECKING:
    from skillsync.api.datasets import DatasetsApi
    from skillsync.api.detect import KeyInfo
    from skillsync.api.skills import SkillsApi
    from skillsync.api.transport import Transport
    from skillsync.sync.aside import Aside
    from skillsync.sync.evidence import History
    from skillsync.sync.made_later import MadeLater
    from skillsync.sync.skill_history import SkillHistory

CONFIG = "skillsync.toml"


@dataclass(frozen=True)
class Workspace:
    """One clone: its repository and settings. ``start`` was the folder the command was run from.

    ``at`` is the commit that stands for HEAD, where a command looks at another one; None is HEAD itself.
    """

    repo: Repository
    settings: Settings
    start: Path
    at: str | None = None

    @classmethod
    def open(cls, start: Path) -> Workspace:
        """Open the clone around ``start``.

        Raises NotARepository without git or without skillsync.toml, ConfigError when settings are wrong.
        """
        repo = Repository.open(start)
        if not (repo.root / CONFIG).is_file():
            raise NotARepository(
                f"there is no {CONFIG} at the top of this repository ({repo.root})",
                unchanged="Nothing was changed.",
                hint="skillsync init",
            )
        return cls(repo, load_settings(repo.root), start)

    @property
    def is_team(self) -> bool:
        """Team mode: a publish branch is configured (design.md 3)."""
        return self.settings.publish_branch is not None

    @cached_property
    def history(self) -> History:
        """HEAD's history, asked once per run."""
        from skillsync.sync.evidence import History

        roots = (*self.settings.skills, *self.settings.datasets)
        return History(self.repo, self.folder_at, roots=roots, at=self.at)

    @cached_property
    def skill_history(self) -> SkillHistory:
        """Skills as commits have them, each read once per run."""
        from skillsync.sync.skill_history import SkillHistory

        return SkillHistory(self)

    @cached_property
    def made_later(self) -> MadeLater:
        """What commits beyond HEAD went back to."""
        from skillsync.sync.made_later import MadeLater

        return MadeLater(self)

    @cached_property
    def aside(self) -> Aside:
        """What the server has and git ignores here."""
        from skillsync.sync.aside import Aside

        return Aside(self.repo)

    @cached_property
    def head_pointers(self) -> dict[str, bytes]:
        """The pointer files of HEAD's tree: folder to content."""
        head = self.history.head
        if head is None:
            return {}
        roots = (*self.settings.skills, *self.settings.datasets)
        blobs = {
            entry.path.removesuffix(f"/{POINTER}"): entry.blob
            for entry in self.repo.tree(head, roots)
            if entry.path.endswith(f"/{POINTER}")
        }
        contents = self.repo.read_blobs(list(blobs.values()))
        return {directory: contents[blob] for directory, blob in blobs.items()}

    def folder_at(self, commit: str | None, directory: str) -> Folder | None:
        """Return one object's folder as a commit (None: the working tree) has it, None when it has none."""
        from skillsync.repo.worktree import read_folder, read_folders

        settings = self.settings
        if commit is not None:
            return read_folder(
                self.repo,
                commit,
                directory,
                skill_roots=settings.skills,
                dataset_roots=settings.datasets,
                items_limit=settings.items_limit,
            )
        scan = read_folders(
            self.repo,
            skill_roots=settings.skills,
            dataset_roots=settings.datasets,
            only={directory},
            items_limit=settings.items_limit,
        )
        return next(
            (folder for folder in (*scan.skills, *scan.datasets) if folder.dir == directory), None
        )

    def were_here(self, roots: Iterable[str]) -> bool:
        """Tell whether HEAD's history had anything below these: what went with a commit is still a removal (S13, D4)."""
        return any(self.history.has("", root) for root in roots)

    def check_publish_branch(self) -> None:
        """Refuse to publish from a HEAD that the publish branch does not contain (sync.md B3).

        Raises RefusedForSafety (exit 6). In solo mode every branch may publish.
        """
        branch = self.settings.publish_branch
        if branch is None:
            return
        head = self.repo.head()
        upstream = self.repo.upstream_of(branch)
        if head and upstream and self.repo.is_ancestor(head, upstream):
            return
        raise RefusedForSafety(
            f"HEAD is not on the publish branch {branch!r}"
            + (
                f" ({upstream} does not contain it)"
                if upstream
                else " (there is no such branch here)"
            ),
            unchanged="Nothing was published.",
            hint=f"merge into {branch} first, or publish this branch knowingly with --from-branch",
        )


@dataclass
class Remote:
    """One target's connection. Answers are asked for once per run."""

    target: Target
    transport: Transport
    _publishers: frozenset[int] | None = field(default=None, repr=False)

    @cached_property
    def skills(self) -> SkillsApi:
        """The skills side of the API."""
        from skillsync.api.skills import SkillsApi

        return SkillsApi(self.transport, self.target.project, carries=self.target.carry != "local")

    @cached_property
    def datasets(self) -> DatasetsApi:
        """The datasets side of the API."""
        from skillsync.api.datasets import DatasetsApi

        return DatasetsApi(self.transport, self.target.project)

    @cached_property
    def key_info(self) -> KeyInfo | None:
        """What the server says about our key (platform.md 9); None when it cannot be asked."""
        from skillsync.api.detect import key_info

        return key_info(self.transport)

    def is_own(self, author: Author) -> bool:
        """Tell whether a version's author is our own account or one of the target's publishers (sync.md 5.5)."""
        if author.id is None:
            return False
        if author.id in self.target.publishers:
            return True
        info = self.key_info
        return info is not None and info.user_id == author.id

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


Connect = Callable[[Target], AbstractContextManager[Remote]]
"""How a command gets its connection; the command line finds the key, tests hand one in."""


def chosen(names: Iterable[str], *, name: str, directory: str, root: Path, start: Path) -> bool:
    """Tell whether an object is among the names or paths a command was given (none given: all).

    A path is taken relative to ``start`` and matches the object's folder, anything in it or above it.
    """
    names = tuple(names)
    if not names:
        return True
    if name in names or directory in names:
        return True
    folder = (root / directory).resolve()
    for given in names:
        if "/" in given or given in {".", ".."} or (start / given).exists():
            path = (start / given).resolve()
            if path == folder or path in folder.parents or folder in path.parents:
                return True
    return False
