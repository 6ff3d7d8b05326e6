"""Carries file changes out safely: rescue, journal, files, pointer last (sync.md 9.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.errors import GitFailed, InvalidContent, LocalChanged, SkillsyncError
from skillsync.formats.short_digests import ShortDigests
from skillsync.formats.skill_rules import marker_line
from skillsync.model import (
    Content,
    DatasetPointer,
    Digest,
    Entry,
    FileChange,
    Folder,
    Json,
    Key,
    Pointer,
    SkillPointer,
    Stamp,
    Version,
)
from skillsync.repo.conflicts import ConflictStore, stage_record, unstage_record
from skillsync.repo.disk import TEMP_PREFIX
from skillsync.repo.files import (
    REAL,
    Disk,
    apply_all,
    apply_changes,
    clean_leftovers,
    read_current,
    same_content,
)
from skillsync.repo.journal import Journal, LoggedChange, PullEntry
from skillsync.repo.pointer import (
    POINTER,
    ROWS,
    is_rendered,
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

MOST_OBJECTS = 1_000
MOST_BYTES = 32 * 1024 * 1024
"""How many objects, and how many bytes of new content, one batch of writes holds."""


def refuse_left_out(folder: Folder, subject: str) -> None:
    """Raise InvalidContent for an object that a sparse checkout leaves out: it is compared, but has no file to write.

    A file written there would be one of many, so that the rest looks deleted; nor is anything sent whose pointer
    could not be written.
    """
    if folder.is_left_out:
        raise InvalidContent(
            f"a sparse checkout leaves {folder.dir} out of the working tree",
            subject=subject,
            path=folder.dir,
            unchanged="Nothing of it was sent or written.",
            hint=f"git sparse-checkout add {folder.dir}, then run the command again",
        )


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
        entries[change.path] = _entry(change.path, change.after, executable=executable)
    ordered = tuple(entries[path] for path in sorted(entries))
    return Folder(folder.dir, ordered, folder.pointer, folder.rows)


def _entry(path: str, content: Content, *, executable: bool) -> Entry:
    if isinstance(content, bytes):
        return Entry(path, content, len(content), executable)
    return Entry(path, None, content.size, executable, large=content)


def stamp_for(workspace: Workspace, folder: Folder) -> Stamp:
    """Return the stamp of a line written now beside these files (design.md 3)."""
    return Stamp(workspace.history.head or UNBORN, folder_files_digest(folder))


def skill_line(place: str, version: Version, digest: Digest, stamp: Stamp) -> SkillPointer:
    """Return the pointer line that says: this tree has taken in ``version``."""
    return SkillPointer(place, version.number, version.id, version.first, digest, stamp)


def pointer_change(
    folder: Folder, line: Pointer | None, *, place: str, places: Collection[str] = ()
) -> FileChange | None:
    """Return the change that sets (or, with None, drops) the line for one place; None when nothing changes.

    Lines of other targets, whose ``places`` are given, stay as they are; a line for any other host that names the same
    version is corrected.
    """
    path = join(folder.dir, POINTER)
    parsed = parse_pointer(folder.pointer or b"", path=path)
    lines = dict(parsed.lines)
    lines.pop(place, None)
    if line is not None:
        lines = {
            at: other
            for at, other in lines.items()
            if at in places or not _same_identity(other, line)
        }
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
    """Return the change that sets the row bases for one place; None when nothing changes.

    Raises InvalidContent when the file cannot be read: what it says of other places would be lost.
    """
    if base and folder.rows is not None and is_rendered({place: base}, folder.rows):
        return None  # as mostly: there is no need to read it
    path = join(folder.dir, ROWS)
    like = base.like if isinstance(base, ShortDigests) else None
    parsed = parse_rows(folder.rows or b"", path=path, like=like)
    for problem in parsed.problems:
        raise InvalidContent(problem.message, path=path, line=problem.line, hint=problem.fix)
    all_rows = dict(parsed)
    all_rows.pop(place, None)
    if base:
        all_rows[place] = base
    if folder.rows is not None and all_rows and is_rendered(all_rows, folder.rows):
        return None
    after = render_rows(all_rows) if all_rows else None
    if after == folder.rows:
        return None
    return FileChange(ROWS, folder.rows, after)


@dataclass(frozen=True, slots=True)
class _Intent:
    """One object's writes, as they were planned: its files, then its pointer files."""

    subject: str
    folder: Folder
    changes: tuple[FileChange, ...]
    pointers: tuple[FileChange, ...]
    reason: str

    @property
    def size(self) -> int:
        """How many bytes it holds in memory until it is written."""
        held = (change.after for change in self.changes if isinstance(change.after, bytes))
        return sum(map(len, held))

    @property
    def overwritten(self) -> list[tuple[str, Content, str, str]]:
        """What a rescue copy is kept of: path, content, reason, subject."""
        return [
            (join(self.folder.dir, change.path), change.before, self.reason, self.subject)
            for change in self.changes
            if change.before is not None and not same_content(change.before, change.after)
        ]

    @property
    def written(self) -> dict[str, Content | None]:
        """What a pull writes over files that are there, with the pointers beside them: a save may undo it (R12)."""
        changes = [change for change in self.changes if change.before is not None]
        if self.reason != "pull" or not changes:
            return {}
        return {
            join(self.folder.dir, change.path): change.after
            for change in (*changes, *self.pointers)
        }


@dataclass
class _Batch:
    """The objects that wait for the next flush; ``failed`` are those of earlier flushes, by subject."""

    waiting: dict[str, _Intent] = field(default_factory=dict)
    failed: dict[str, SkillsyncError] = field(default_factory=dict)
    size: int = 0

    def has_room_for(self, intent: _Intent) -> bool:
        is_new = intent.folder.dir not in self.waiting
        fits = self.size + intent.size <= MOST_BYTES
        return is_new and len(self.waiting) < MOST_OBJECTS and fits

    def add(self, intent: _Intent) -> None:
        self.waiting[intent.folder.dir] = intent
        self.size += intent.size

    def take(self) -> list[_Intent]:
        """Return what waits, and wait for nothing more."""
        taken = list(self.waiting.values())
        self.waiting, self.size = {}, 0
        return taken


@dataclass
class Writer:
    """Writes the objects of one run, alone or in batches; ``staged`` collects pointers for one `git add`.

    The journal keeps the entries of those pointers until then: a crash before it is finished by the next command.
    """

    workspace: Workspace
    clock: Clock = field(default_factory=SystemClock)
    disk: Disk = REAL
    staged: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """The objects that were written by now."""
    conflicts: list[str] = field(default_factory=list)
    """Those of them whose conflict was shown."""
    _unstaged: list[PullEntry] = field(default_factory=list, repr=False)
    _batch: _Batch | None = field(default=None, repr=False)

    @property
    def journal(self) -> Journal:
        """The journal of this clone."""
        return Journal(
            self.workspace.repo, disk=self.disk, head=lambda: self.workspace.history.head
        )

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
        longer what the plan saw: the object is then left to the next run. Within ``batched()`` the writing, and
        such an error, may come later.
        """
        last = tuple(change for change in pointers if change is not None)
        if not changes and not last:
            return
        refuse_left_out(folder, subject)
        intent = _Intent(subject, folder, tuple(changes), last, reason)
        batch = self._batch
        if batch is not None:
            if not batch.has_room_for(intent):
                self._flush(batch)
            batch.add(intent)
            return
        for error in self._carry_out([intent]).values():
            raise error

    @contextmanager
    def batched(self) -> Iterator[Mapping[str, SkillsyncError]]:
        """Collect the writes made inside, so that many objects cost few processes and flushes.

        All are carried out when the block is left, also by an error; only an interruption drops what waits (it is
        planned again). Yields the objects that could not be written, by subject, complete after the block.
        """
        batch = self._batch = _Batch()
        try:
            yield batch.failed
            self._flush(batch)
        except SkillsyncError:
            self._flush(batch)
            raise
        finally:
            self._batch = None

    def _flush(self, batch: _Batch) -> None:
        intents = batch.take()
        failed = self._carry_out(intents)
        batch.failed.update(
            {
                intent.subject: failed[intent.folder.dir]
                for intent in intents
                if intent.folder.dir in failed
            }
        )

    def _carry_out(self, intents: Sequence[_Intent]) -> dict[str, SkillsyncError]:
        """Rescue, journal, all files, then all pointers; returns the errors by folder (sync.md 9.1).

        After a system error or a crash the journal's entries stay: the next command finishes them.
        """
        if not intents:
            return {}
        self._rescue(intents)
        journal = self.journal
        entries = journal.begin_pulls(
            (intent.subject, intent.folder.dir, intent.changes, intent.pointers)
            for intent in intents
        )
        root = self.workspace.repo.root
        failed = apply_all(
            root, {intent.folder.dir: intent.changes for intent in intents}, disk=self.disk
        )
        written = [intent for intent in intents if intent.folder.dir not in failed]
        failed |= apply_all(
            root, {intent.folder.dir: intent.pointers for intent in written}, disk=self.disk
        )
        self.written += [one.subject for one in intents if one.folder.dir not in failed]
        done: list[PullEntry] = []
        for intent, entry in zip(intents, entries, strict=True):
            folder = intent.folder.dir
            waits = folder not in failed and self._to_stage(folder, intent.pointers)
            (self._unstaged if waits else done).append(entry)
        journal.finish(*done)
        return failed

    def _rescue(self, intents: Iterable[_Intent]) -> str:
        overwritten: list[tuple[str, Content, str, str]] = []
        written: dict[str, Content | None] = {}
        executable: set[str] = set()
        for intent in intents:
            overwritten += intent.overwritten
            written |= intent.written
            entries = intent.folder.entries
            executable |= {join(intent.folder.dir, one.path) for one in entries if one.executable}
        return Rescue(self.workspace.repo).store(
            overwritten,
            now=self.clock.now(),
            executable=executable,
            written=written or None,
        )

    def write_conflict(
        self,
        subject: str,
        folder: Folder,
        changes: Sequence[FileChange],
        record: Mapping[str, Json],
    ) -> None:
        """Show a conflict: rescue copy, journal, index stages, marked files, and the parked record last.

        The stages come before the files: from then on git itself holds the local text, and a commit is refused.
        Raises LocalChanged, with the stages taken back, when a file is no longer what the plan saw.
        """
        refuse_left_out(folder, subject)
        intent = _Intent(subject, folder, tuple(changes), (), "conflict")
        record = {**record, "rescue": self._rescue([intent])}
        journal, repo = self.journal, self.workspace.repo
        entry = journal.begin_pull(subject, dir=folder.dir, changes=intent.changes, conflict=record)
        try:
            stage_record(repo, record)
            apply_changes(repo.root, folder.dir, intent.changes, disk=self.disk)
        except SkillsyncError:
            unstage_record(repo, record)
            journal.finish(entry)
            raise
        self._conflicts.write(subject, record)
        self.written.append(subject)
        self.conflicts.append(subject)
        journal.finish(entry)

    @property
    def _conflicts(self) -> ConflictStore:
        return ConflictStore(self.workspace.repo, disk=self.disk)

    def _to_stage(self, folder: str, pointers: Iterable[FileChange | LoggedChange]) -> bool:
        """Remember pointers for the next ``stage``; returns whether there are any.

        One that was removed is among them where no commit has it: else the index alone would still have it.
        """
        written = [join(folder, change.path) for change in pointers if change.after]
        removed = {join(folder, change.path) for change in pointers if not change.after}
        paths = [*written, *sorted(removed - self._committed(folder) if removed else ())]
        self.staged.extend(paths)
        return bool(paths)

    def unstage(self, folder: str) -> None:
        """Let the next ``stage`` take the folder's pointer files out of the index that are on no disk and in no commit."""
        paths, root = {join(folder, name) for name in (POINTER, ROWS)}, self.workspace.repo.root
        if paths & self._committed(folder):
            return
        self.staged.extend(sorted(path for path in paths if not (root / path).exists()))

    def _committed(self, folder: str) -> set[str]:
        head, repo = self.workspace.history.head, self.workspace.repo
        return {entry.path for entry in repo.tree_below(head, folder)} if head else set()

    def stage(self) -> None:
        """Stage the pointers written, so that stash and reset take them along (design.md 3)."""
        if self.staged:
            self.workspace.repo.index.stage(self.staged)
            self.staged.clear()
        self.journal.finish(*self._unstaged)
        self._unstaged.clear()

    # ---------------------------------------------------------------- after a crash

    def recover(self) -> list[str]:
        """Finish what a crashed run had begun to write; return the subjects finished.

        A file that somebody edited in between is left alone, and that object is planned anew. Without anything
        to do it looks at one folder. What a crashed publish had begun is found again by content (sync.md 9.2).
        """
        journal = self.journal
        if not journal.is_there:
            # The first command in this clone, or somebody deleted the journal (P7): look for leftovers everywhere.
            settings = self.workspace.settings
            self._clean({*settings.skills, *settings.datasets})
            journal.make()
            return []
        pending = journal.pending()
        pulls = [entry for entry in pending if isinstance(entry, PullEntry)]
        self._clean({entry.dir for entry in pulls})
        self._conflicts.clean()
        self._clean_caches()
        finished = []
        for entry in pulls:
            if self._finish_conflict(entry) if entry.conflict else journal.recover_pull(entry):
                finished.append(entry.subject)
                self._to_stage(entry.dir, entry.pointer_changes)
        if not all((self.workspace.repo.root / entry.dir).is_dir() for entry in pulls):
            self.staged += self._moved_pointers()
        self.stage()
        journal.finish(*pending)
        return finished

    def _clean_caches(self) -> None:
        """Remove the temporary files that a crash left among what is only remembered.

        A command that reads, and waits for no lock, may lose one of its own: what it cannot keep costs requests alone.
        """
        for path in self.workspace.repo.state_dir.glob(f"*/{TEMP_PREFIX}*"):
            path.unlink(missing_ok=True)

    def _moved_pointers(self) -> list[str]:
        """Return the pointers that git does not know as they are: a folder was moved, and then the run died (S20)."""
        settings = self.workspace.settings
        changed = self.workspace.repo.index.changed_paths((*settings.skills, *settings.datasets))
        return [path for path in changed if path.rpartition("/")[2] == POINTER]

    def _clean(self, dirs: Collection[str]) -> None:
        if dirs:
            clean_leftovers(self.workspace.repo.root, dirs, disk=self.disk)

    def _finish_conflict(self, entry: PullEntry) -> bool:
        """Finish showing a conflict, unless somebody edited a file that was not marked yet.

        A file that was edited while it showed our markers stays as it is; the others get their new content.
        """
        repo, record = self.workspace.repo, entry.conflict or {}
        rest = replace(
            entry,
            changes=tuple(change for change in entry.changes if not self._is_marked(entry, change)),
        )
        try:
            stage_record(repo, record)
            if self.journal.recover_pull(rest):
                self._conflicts.write(entry.subject, record)
                return True
        except GitFailed:
            pass  # the blobs are gone, or another git command holds the index: planned anew
        unstage_record(repo, record)
        return False

    def _is_marked(self, entry: PullEntry, change: LoggedChange) -> bool:
        with suppress(LocalChanged, InvalidContent):
            data, _ = read_current(self.workspace.repo.root, join(entry.dir, change.path))
            return data is not None and marker_line(data.decode("utf-8", "replace")) is not None
        return False
