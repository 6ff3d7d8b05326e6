"""One version of a skill, or of a dataset's rows, as the files that pull or restore would write here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import UsageError
from skillsync.formats.jsonl import append_rows, remove_rows, replace_rows
from skillsync.formats.row_lines import empty_items, render_items
from skillsync.formats.skill_folder import SKILL_FILE, write_skill
from skillsync.model import DatasetRevision, Folder, RemoteSkill, Version
from skillsync.sync.dataset_versions import RowsAt, rows_at
from skillsync.sync.local import ITEMS, read_lean_tree
from skillsync.sync.revision import (
    Revision,
    dataset_of,
    find_one,
    living,
    read_kept,
    read_version,
)
from skillsync.sync.writing import folder_after

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.formats.row_names import Spelling
    from skillsync.sync.local import LocalDataset, LocalSkill
    from skillsync.sync.workspace import Remote, Workspace


@dataclass(frozen=True, slots=True)
class Shown:
    """A version and its folder as it would be written, files that never leave this machine included."""

    skill: RemoteSkill
    folder: Folder
    local_only: frozenset[str]

    main = SKILL_FILE

    @property
    def name(self) -> str:
        """The skill's name."""
        return self.skill.version.name

    @property
    def version(self) -> Version:
        """Which version it is."""
        return self.skill.version

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


@dataclass(frozen=True, slots=True)
class ShownRows:
    """The rows of a dataset at one of its versions, as items.jsonl would hold them; nothing else is of a version."""

    name: str
    version: DatasetRevision
    text: bytes

    main = ITEMS

    @property
    def paths(self) -> tuple[str, ...]:
        """The one file."""
        return (ITEMS,)

    def data(self, path: str) -> bytes:
        """Return its bytes; UsageError for another file."""
        if path != ITEMS:
            raise UsageError(
                f"v{self.version.number} of {self.name} has no file {path!r}: a version of a dataset is its rows",
                subject=self.name,
                hint=f"skillsync show {self.name}@{self.version.number}",
            )
        return self.text


def show(
    workspace: Workspace, target: Target, remote: Remote | None, revision: Revision
) -> Shown | ShownRows:
    """Read one version (None: the latest) and lay it out as it would be written; writes nothing.

    ``remote`` None is offline: a version of a skill that was read before is kept. Raises NotFound, UsageError for a dataset where the server keeps no versions of one, InvalidContent when it must
    not be written here, RemoteError.
    """
    tree = read_lean_tree(workspace)
    found = find_one(workspace, target, remote, revision.name, tree=tree)
    dataset = dataset_of(workspace, target, remote, tree, found)
    if dataset is not None and remote is not None:
        rows = rows_at(workspace, remote, dataset, revision.number)
        text = lay_out_rows(rows, dataset.local, spelling=remote.datasets.spelling)
        return ShownRows(rows.name, rows.revision, text)
    if remote is None:
        kept = read_kept(workspace, target, found, revision.number)
        return lay_out(kept, found.skill.local if found.skill else None)
    view = living(found)
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


def lay_out_rows(found: RowsAt, local: LocalDataset | None, *, spelling: Spelling) -> bytes:
    """Return rows as the local items.jsonl would hold them: its lines and their order, then what it does not have.

    Without a file that can be read, as a new one. Raises InvalidContent for a row that no line can hold.
    """
    is_readable = local is not None and local.problem is None
    file = local.items if local is not None and is_readable else empty_items(ITEMS)
    kept = remove_rows(file, [key for key in file.by_key if key not in found.rows], keyless=True)
    changed = replace_rows(kept, [found.rows[key] for key in kept.by_key], spelling=spelling)
    new = [row for key, row in found.rows.items() if key not in kept.by_key]
    return render_items(append_rows(changed, new, spelling=spelling))
