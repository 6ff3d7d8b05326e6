"""Opens what a command works on: the repository with its settings, and the connection to one target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from skillsync.config import Settings, Target, load_settings
from skillsync.errors import NotARepository, RefusedForSafety
from skillsync.model import Author, Folder
from skillsync.repo.git import Repository
from skillsync.repo.pointer import POINTER

if TYPE_CHECKING:
    from skillsync.api.datasets import DatasetsApi
    from skillsync.api.detect import KeyInfo
    from skillsync.api.kept_pages import Pages
    from skillsync.api.shelf import Shelf
    from skillsync.api.skills import SkillsApi
    from skillsync.api.transport import Transport
    from skillsync.model import Content, Pointer
    from skillsync.sync.aside import Aside
    from skillsync.sync.evidence import History
    from skillsync.sync.made_later import MadeLater
    from skillsync.sync.skill_history import SkillHistory

CONFIG = "skillsync.toml"

LARGE_FROM = 1_000_000
"""A shorter items.jsonl is read whole at no cost worth a word."""


class SkillOptions(TypedDict):
    """What ``SkillsApi`` takes beside the transport and the project."""

    carries: bool
    pages: Pages | None
    shelf: Shelf | None


@dataclass(frozen=True)
class Workspace:
    """One clone: its repository and settings. ``start`` was the folder the command was run from.

    ``at`` is the commit that stands for HEAD, where a command looks at another one; None is HEAD itself.
    ``large_from``: bytes of an items.jsonl from which it is not held where a stream does.
    """

    repo: Repository
    settings: Settings
    start: Path
    at: str | None = None
    large_from: int = LARGE_FROM

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
        return History(
            self.repo,
            self.folder_at,
            roots=roots,
            at=self.at,
            light_at=self.light_folder_at,
            is_version_at=self._is_version_at,
        )

    def _is_version_at(self, pointer: Pointer, commit: str, directory: str) -> bool:
        from skillsync.sync.version_at import is_version_at

        return is_version_at(self, pointer, commit, directory)

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
            for entry in self.repo.trees_below(head, roots)
            if entry.path.endswith(f"/{POINTER}")
        }
        contents = self.repo.read_blobs(list(blobs.values()))
        return {directory: contents[blob] for directory, blob in blobs.items()}

    def head_pointer(self, directory: str) -> bytes | None:
        """Return one pointer file of HEAD's tree, without asking for the others."""
        head = self.history.head
        return (
            self.repo.show(head, f"{directory}/{POINTER}" if directory else POINTER)
            if head
            else None
        )

    def folder_at(self, commit: str | None, directory: str) -> Folder | None:
        """Return one object's folder as a commit (None: the working tree) has it, None when it has none."""
        return self._folder_at(commit, directory, large_from=None)

    def light_folder_at(self, commit: str | None, directory: str) -> Folder | None:
        """As ``folder_at``, but a large file of rows is not held: its entry says where it lies."""
        return self._folder_at(commit, directory, large_from=self.large_from)

    def content_of(self, pieces: Iterable[bytes]) -> Content:
        """Return what a file of these pieces holds; a large one is put into git as they come."""
        from skillsync.repo.large import content_of

        return content_of(self.repo, pieces, large_from=self.large_from)

    def _folder_at(
        self, commit: str | None, directory: str, *, large_from: int | None
    ) -> Folder | None:
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
                large_from=large_from,
            )
        scan = read_folders(
            self.repo,
            skill_roots=settings.skills,
            dataset_roots=settings.datasets,
            only={directory},
            items_limit=settings.items_limit,
            large_from=large_from,
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
    """One target's connection. Answers are asked for once per run.

    ``repo`` is where what was read is kept for later runs; None: nowhere.
    """

    target: Target
    transport: Transport
    repo: Repository | None = None
    _publishers: frozenset[int] | None = field(default=None, repr=False)

    @cached_property
    def skills(self) -> SkillsApi:
        """The skills side of the API."""
        from skillsync.api.skills import SkillsApi

        return SkillsApi(self.transport, self.target.project, **self.skill_options)

    @property
    def skill_options(self) -> SkillOptions:
        """How the skills side is opened, for whoever opens one of its own."""
        from skillsync.sync.kept_lists import KeptLists
        from skillsync.sync.version_shelf import VersionShelf

        repo, place = self.repo, self.target.place
        return {
            "carries": self.target.carry != "local",
            "pages": KeptLists(repo.state_dir, place) if repo else None,
            "shelf": VersionShelf(repo, place) if repo else None,
        }

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
