"""Carries file changes out safely: rescue, journal, files, pointer last (sync.md 9.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError
from skillsync.model import (
    DatasetPointer,
    Digest,
    Entry,
    FileChange,
    Folder,
    Key,
    Pointer,
    SkillPointer,
    Stamp,
    Version,
)
from skillsync.repo.files import REAL, Disk, apply_changes, clean_leftovers
from skillsync.repo.journal import Journal
from skillsync.repo.pointer import (
    POINTER,
    ROWS,
    parse_pointer,
    parse_rows,
    render_pointer,
    render_rows,
)
from skillsync.repo.rescue import Rescue
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.evidence import UNBORN, folder_files_digest
from skillsync.sync.local import join
from skillsync.sync.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection


def folder_after(folder: Folder, changes: Iterable[FileChange]) -> Folder:
    """Return the folder as it will be once the changes are made; pointer files are not entries."""
    entries = {entry.path: entry for entry in folder.entries}
    for change in changes:
        if change.path in {POINTER, ROWS}:
            continue
        if change.after is None:
            entries.pop(change.path, None)
            continue
        old = entries.get(change.path)
        executable = change.executable
        if executable is None:
            executable = old.executable if old else False
        entries[change.path] = Entry(change.path, change.after, len(change.after), executable)
    ordered = tuple(entries[path] for path in sorted(entries))
    return Folder(folder.dir, ordered, folder.pointer, folder.rows)


def stamp_for(workspace: Workspace, folder: Folder) -> Stamp:
    """Return the stamp of a line written now beside these files (design.md 3)."""
    return Stamp(workspace.history.head or UNBORN, folder_files_digest(folder))


def skill_line(place: str, version: Version, digest: Digest, stamp: Stamp) -> SkillPointer:
    """Return the pointer line that says: this tree has taken in ``version``."""
    return SkillPointer(place, version.number, version.id, version.first, digest, stamp)


def pointer_change(folder: Folder, line: Pointer | None, *, place: str) -> FileChange | None:
    """Return the change that sets (or, with None, drops) the line for one place; None when nothing changes.

    Lines of other targets stay as they are; a line for another host that names the same version is corrected.
    """
    path = join(folder.dir, POINTER)
    parsed = parse_pointer(folder.pointer or b"", path=path)
    lines = dict(parsed.lines)
    lines.pop(place, None)
    if line is not None:
        lines = {at: other for at, other in lines.items() if not _same_identity(other, line)}
        lines[place] = line
    after = render_pointer(lines, parsed) if lines or parsed.unknown else None
    if after == folder.pointer:
        return None
    return FileChange(POINTER, folder.pointer, after)


def _same_identity(one: Pointer, other: Pointer) -> bool:
    if isinstance(one, SkillPointer) and isinstance(other, SkillPointer):
        return one.id == other.id
    if isinstance(one, DatasetPointer) and isinstance(other, DatasetPointer):
        return one.dataset == other.dataset
    return False


def rows_change(folder: Folder, base: Mapping[Key, str] | None, *, place: str) -> FileChange | None:
    """Return the change that sets the row bases for one place; None when nothing changes."""
    all_rows = dict(parse_rows(folder.rows or b"", path=join(folder.dir, ROWS)))
    all_rows.pop(place, None)
    if base:
        all_rows[place] = dict(base)
    after = render_rows(all_rows) if all_rows else None
    if after == folder.rows:
        return None
    return FileChange(ROWS, folder.rows, after)


@dataclass
class Writer:
    """Writes objects of one run, one after the other; ``staged`` collects pointers for one `git add`."""

    workspace: Workspace
    clock: Clock = field(default_factory=SystemClock)
    disk: Disk = REAL
    staged: list[str] = field(default_factory=list)
    rescued: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        """The journal of this clone."""
        return Journal(self.workspace.repo, disk=self.disk)

    def write(
        self,
        subject: str,
        folder: Folder,
        changes: Sequence[FileChange],
        pointers: Sequence[FileChange | None],
        *,
        reason: str,
    ) -> None:
        """Write one object's files and then its pointer files; each file is old or new at every instant.

        What is overwritten or deleted is stored as a rescue copy first. Raises LocalChanged when a file is no
        longer what the plan saw: the object is then left to the next run.
        """
        last = [change for change in pointers if change is not None]
        if not changes and not last:
            return
        overwritten = [
            (join(folder.dir, change.path), change.before)
            for change in changes
            if change.before is not None and change.before != change.after
        ]
        if overwritten:
            rescue = Rescue(self.workspace.repo)
            self.rescued.append(
                rescue.store(
                    [(path, data, reason, subject) for path, data in overwritten],
                    now=self.clock.now(),
                )
            )
        journal = self.journal
        entry = journal.begin_pull(
            subject, dir=folder.dir, changes=list(changes), pointer_changes=last
        )
        root = self.workspace.repo.root
        try:
            apply_changes(root, folder.dir, changes, disk=self.disk)
            apply_changes(root, folder.dir, last, disk=self.disk)
        except SkillsyncError:
            journal.finish(entry)
            raise
        journal.finish(entry)
        self.staged.extend(
            join(folder.dir, change.path) for change in last if change.after is not None
        )

    def stage(self) -> None:
        """Stage the pointers written, so that stash and reset take them along (design.md 3)."""
        if self.staged:
            self.workspace.repo.stage(self.staged)
            self.staged.clear()

    def recover(self) -> list[str]:
        """Finish what a crashed run had begun to write; return the subjects finished.

        A file that somebody edited in between is left alone, and that object is planned anew.
        """
        finished = []
        journal = self.journal
        dirs: set[str] = set()
        for entry in journal.pending_pulls():
            dirs.add(entry.dir)
            if journal.recover_pull(entry):
                finished.append(entry.subject)
                self.staged.extend(
                    join(entry.dir, change.path)
                    for change in entry.pointer_changes
                    if change.after is not None
                )
            journal.finish(entry)
        if dirs:
            clean_leftovers(self.workspace.repo.root, dirs)
        self.stage()
        return finished


def without(paths: Collection[str], changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """Return the changes but for some paths."""
    return tuple(change for change in changes if change.path not in paths)
