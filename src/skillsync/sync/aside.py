"""Sets aside what the server has and git ignores here: never written, never missed, carried in every publish (F22)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.formats.carry import fitting_extra
from skillsync.formats.paths import is_never_sent
from skillsync.sync.local import join

if TYPE_CHECKING:
    from skillsync.model import Folder, RemoteSkill
    from skillsync.repo.git import Repository


@dataclass
class Aside:
    """Asks git which paths it ignores, each at most once per run."""

    repo: Repository
    _known: dict[str, bool] = field(default_factory=dict)

    def ignored(self, directory: str, local: Folder | None, paths: Iterable[str]) -> frozenset[str]:
        """Return those of a skill's bundled ``paths`` that git ignores: such a file of ours is not sent either.

        What is among the ``local`` files is tracked or not ignored, and git is not asked.
        """
        return self.ignored_of([(directory, local, paths)])[0]

    def ignored_of(
        self, skills: Iterable[tuple[str, Folder | None, Iterable[str]]]
    ) -> list[frozenset[str]]:
        """As ``ignored`` for many skills, with one question."""
        asked: list[tuple[str, list[str]]] = []
        for directory, local, paths in skills:
            here = {entry.path for entry in local.entries} if local else set()
            asked.append((directory, [path for path in paths if path not in here]))
        places = {join(directory, path) for directory, paths in asked for path in paths}
        new = sorted(places - self._known.keys())
        found = self.repo.index.ignored(new) if new else frozenset()
        self._known.update((place, place in found) for place in new)
        return [
            frozenset(path for path in paths if self._known[join(directory, path)])
            for directory, paths in asked
        ]

    def put_aside(
        self, skills: Sequence[tuple[str, Folder | None, RemoteSkill]]
    ) -> list[RemoteSkill]:
        """Return versions as they are seen here: (folder, local files, version as it was read)."""
        ignored = self.ignored_of(
            (
                directory,
                local,
                [file.path for file in skill.files if not is_never_sent(file.path)],
            )
            for directory, local, skill in skills
        )
        return [
            set_aside(skill, paths) for (_, _, skill), paths in zip(skills, ignored, strict=True)
        ]


def set_aside(skill: RemoteSkill, paths: Collection[str]) -> RemoteSkill:
    """Return a version without some of its files in the content; the stored files stay listed."""
    if not paths:
        return skill
    content = skill.content
    files = {path: text for path, text in content.files.items() if path not in paths}
    extra = content.extra
    if extra is not None:
        extra = fitting_extra(
            replace(extra, empty=extra.empty - frozenset(paths)), files=files.keys()
        )
    return replace(
        skill, content=replace(content, files=files, extra=extra), aside=skill.aside | set(paths)
    )
