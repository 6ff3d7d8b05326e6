"""A skill as commits have it: found by its folder or, where that was moved since, by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.model import Digest, Skill
from skillsync.sync.local import LocalSkill, join, last_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.sync.workspace import Workspace

_FILE = "/SKILL.md"


@dataclass
class SkillHistory:
    """Skills of commits, each read once per run."""

    workspace: Workspace
    _found: dict[tuple[str, str, str], LocalSkill | None] = field(default_factory=dict)
    _folders: dict[str, list[str]] = field(default_factory=dict)

    def at(self, commit: str, directory: str, name: str) -> LocalSkill | None:
        """Return a skill as a commit has it, None when it has none there and none of that name elsewhere."""
        key = (commit, directory, name)
        if key not in self._found:
            self._found[key] = self._read(commit, directory) or self._of_name(commit, name)
        return self._found[key]

    def is_at(self, commit: str, directory: str) -> bool:
        """Tell whether a commit has a skill in a folder, whatever its name; its other files are not read."""
        return self.workspace.repo.show(commit, join(directory, "SKILL.md")) is not None

    def content_at(self, commit: str, directory: str, name: str) -> Skill | None:
        """Return its content, None when it is not there or not valid."""
        found = self.at(commit, directory, name)
        return found.reading.skill if found else None

    def digest_at(self, commit: str, directory: str, name: str) -> Digest | None:
        """Return its canonical digest, None when it is not there or not valid."""
        found = self.at(commit, directory, name)
        return found.digest if found else None

    def all_at(self, commit: str) -> list[LocalSkill]:
        """Return every skill that a commit has."""
        found = (self._read(commit, folder) for folder in self._folders_of(commit))
        return [skill for skill in found if skill is not None]

    def _read(self, commit: str, directory: str) -> LocalSkill | None:
        folder = self.workspace.folder_at(commit, directory)
        carry = self.workspace.settings.carry
        return LocalSkill(folder, carry) if folder and folder.entry("SKILL.md") else None

    def _of_name(self, commit: str, name: str) -> LocalSkill | None:
        folders = sorted(self._folders_of(commit), key=lambda folder: last_part(folder) != name)
        skills = (self._read(commit, folder) for folder in folders)
        return next((skill for skill in skills if skill and skill.name == name), None)

    def _folders_of(self, commit: str) -> list[str]:
        if commit not in self._folders:
            files = self.workspace.repo.tree(commit, self.workspace.settings.skills)
            self._folders[commit] = [
                entry.path.removesuffix(_FILE) for entry in files if entry.path.endswith(_FILE)
            ]
        return self._folders[commit]

    @cached_property
    def deleted(self) -> Mapping[str, str]:
        """The folders of skills that HEAD's history has deleted, or HEAD still has, by the name that they bear.

        A name that is not among them was never a skill of this branch: nobody deleted it here.
        """
        head = self.workspace.history.head
        if head is None:
            return {}
        roots = self.workspace.settings.skills
        there = [(entry.path, entry.blob) for entry in self.workspace.repo.trees_below(head, roots)]
        gone = self.workspace.repo.history.deleted_files("SKILL.md", head=head)
        files = [(path, blob) for path, blob in [*gone, *there] if path.endswith(_FILE)]
        contents = self.workspace.repo.read_blobs({blob for _, blob in files}, missing_ok=True)
        found: dict[str, str] = {}
        for path, blob in files:
            folder = path.removesuffix(_FILE)
            found[_name_in(contents.get(blob, b"")) or last_part(folder)] = folder
        return found


def _name_in(data: bytes) -> str:
    from skillsync.model import Entry, Folder

    entry = Entry("SKILL.md", data, len(data))
    return LocalSkill(Folder("", (entry,))).name
