"""One version of a skill as the files that pull or restore would write here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import UsageError
from skillsync.formats.skill_folder import SKILL_FILE, write_skill
from skillsync.model import Folder, RemoteSkill
from skillsync.sync.revision import Revision, find_skill, read_version
from skillsync.sync.writing import folder_after

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.local import LocalSkill
    from skillsync.sync.workspace import Remote, Workspace


@dataclass(frozen=True, slots=True)
class Shown:
    """A version and its folder as it would be written, files that never leave this machine included."""

    skill: RemoteSkill
    folder: Folder
    local_only: frozenset[str]

    @property
    def paths(self) -> tuple[str, ...]:
        """The version's own files, SKILL.md first."""
        found = [e.path for e in self.folder.entries if e.path not in self.local_only]
        return tuple(sorted(found, key=lambda path: (path != SKILL_FILE, path)))

    def data(self, path: str) -> bytes:
        """Return one file's bytes; UsageError when the version has no such file."""
        entry = self.folder.entry(path)
        if entry is None or entry.data is None or path in self.local_only:
            version = self.skill.version
            raise UsageError(
                f"v{version.number} of {version.name} has no file {path!r}",
                subject=version.name,
                hint=f"skillsync show {version.name}@{version.number} --files",
            )
        return entry.data


def show(workspace: Workspace, target: Target, remote: Remote, revision: Revision) -> Shown:
    """Read one version (None: the latest) and lay it out as it would be written; writes nothing.

    Raises NotFound, UsageError for a dataset, InvalidContent when it must not be written here, RemoteError.
    """
    view = find_skill(workspace, target, remote, revision.name)
    skill = read_version(workspace, remote, view, revision.number)
    return lay_out(skill, view.local)


def lay_out(skill: RemoteSkill, local: LocalSkill | None) -> Shown:
    """Return a version as the local folder would hold it: edits in place, other bytes kept (design.md 2).

    Without a local skill, or beside one whose SKILL.md cannot be read, as a new folder.
    """
    reading = local.reading if local is not None and local.reading.document else None
    folder = local.folder if local is not None and reading is not None else Folder("", ())
    changes = write_skill(reading, skill.content, edges=skill.edges)
    omitted = frozenset(each.path for each in reading.omitted) if reading else frozenset()
    return Shown(skill, folder_after(folder, changes), omitted)
