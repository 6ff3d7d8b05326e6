"""What a command was about to do, written before it did: lets the next run finish it after a crash (sync.md 9).

One file per intent under ``.git/skillsync/journal``, whole or not there. A pull's entry is a redo log: for each
file the contents before and after, as git blobs; those of short pointer files stand in the entry itself, so that
a publish, which writes nothing else, needs no git process. The journal is help, never evidence: deleting it costs time
only, because a crashed pull left the pointer alone and its files are planned anew (P7).
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from skillsync.errors import GitFailed, InvalidContent, LocalChanged
from skillsync.model import Content, FileChange, Json, Problem, Severity
from skillsync.repo.disk import REAL, TEMP_PREFIX, Disk
from skillsync.repo.files import apply_changes, look_at, same_content, write_all_atomic
from skillsync.repo.git import Repository
from skillsync.repo.git_formats import is_object_id
from skillsync.repo.handles import opened_root
from skillsync.repo.large import GitFile

_FORMAT = 1

_SHORT = 4_096
"""Bytes of a pointer file's content up to which it stands in the entry."""

_HELD = 8_000_000
"""Bytes of a content up to which it is held while a pull is finished."""

Logged: TypeAlias = str | bytes | None


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One file's change with its contents: a blob's id, or the bytes themselves; None where there is no file."""

    path: str
    before: Logged
    after: Logged
    executable: bool | None = None


@dataclass(frozen=True, slots=True)
class PullEntry:
    """A pull that was begun: the files of one object in ``dir``, then its pointer files.

    ``head`` was HEAD's commit then (None before the first). ``conflict`` is the record of a conflict that these
    files show, parked once they do.
    """

    id: str
    subject: str
    dir: str
    head: str | None
    changes: tuple[LoggedChange, ...]
    pointer_changes: tuple[LoggedChange, ...]
    conflict: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class PushEntry:
    """A publish that was begun, with the facts its caller wants to see again (sync.md 9.2 step 3)."""

    id: str
    subject: str
    facts: Mapping[str, Json] = field(default_factory=dict)


Entry: TypeAlias = PullEntry | PushEntry


class Journal:
    """The journal of one working tree. Use it while holding the lock.

    ``head`` says what HEAD is when a pull begins, for a run that has asked already; None asks git.
    ``set_aside`` collects problems about entries that could not be read.
    """

    def __init__(
        self,
        repo: Repository,
        *,
        disk: Disk = REAL,
        head: Callable[[], str | None] | None = None,
    ) -> None:
        self._repo = repo
        self._head = head or repo.head
        self._disk = disk
        self._folder = repo.state_dir / "journal"
        self.set_aside: list[Problem] = []

    def begin_pull(
        self,
        subject: str,
        *,
        dir: str,  # noqa: A002  the word of Folder.dir
        changes: Sequence[FileChange],
        pointer_changes: Sequence[FileChange] = (),
        conflict: Mapping[str, Json] | None = None,
    ) -> PullEntry:
        """Record that ``changes`` and then ``pointer_changes`` are about to be made below ``dir``."""
        intent = (subject, dir, changes, pointer_changes)
        return self.begin_pulls([intent], conflict=conflict)[0]

    def begin_pulls(
        self,
        intents: Iterable[tuple[str, str, Sequence[FileChange], Sequence[FileChange]]],
        *,
        conflict: Mapping[str, Json] | None = None,
    ) -> list[PullEntry]:
        """Record many pulls (subject, dir, changes, pointer changes), storing all blobs with one process."""
        wanted = list(intents)
        logged = self._store([files for _, _, files, _ in wanted], short=False)
        pointers_logged = self._store([pointers for _, _, _, pointers in wanted], short=True)
        head = self._head()
        first = self._next_number()
        entries = [
            PullEntry(
                _id(first + offset),
                subject,
                folder,
                head,
                logged[offset],
                pointers_logged[offset],
                conflict,
            )
            for offset, (subject, folder, _, _) in enumerate(wanted)
        ]
        # A single pointer is one rename: if a power loss takes both back, the next run writes it again.
        is_needed = any(
            entry.changes or len(entry.pointer_changes) > 1 or conflict for entry in entries
        )
        self._write([(entry.id, _pull_json(entry)) for entry in entries], names_last=is_needed)
        return entries

    def begin_push(self, subject: str, facts: Mapping[str, Json]) -> PushEntry:
        """Record that a publish of ``subject`` is about to be sent; the nonce is among the facts (R19)."""
        entry = PushEntry(_id(self._next_number()), subject, dict(facts))
        record: dict[str, Json] = {"kind": "push", "subject": subject, "facts": dict(facts)}
        self._write([(entry.id, record)], names_last=False)
        return entry

    def finish(self, *entries: Entry) -> None:
        """Forget entries: they were carried out, or given up. Forgetting twice is nothing."""
        if entries and self._folder.is_dir():
            with opened_root(self._folder) as at:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        self._disk.unlink(f"{entry.id}.json", at=at)

    @property
    def is_there(self) -> bool:
        """Whether this clone has a journal: none before the first command, and after somebody deleted it (P7)."""
        return self._folder.is_dir()

    def make(self) -> None:
        """Make the empty journal."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def pending(self) -> list[Entry]:
        """List what was begun and not finished, oldest first.

        An entry that cannot be read is moved to ``journal/unreadable`` and reported in ``set_aside``.
        """
        if not self._folder.is_dir():
            return []
        found: list[Entry] = []
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith(TEMP_PREFIX):
                path.unlink(missing_ok=True)
            elif path.suffix == ".json":
                entry = _read(path)
                if entry is None:
                    self._put_aside(path)
                else:
                    found.append(entry)
        return found

    def pending_pulls(self) -> list[PullEntry]:
        """List the pulls that were begun and not finished, oldest first."""
        return [entry for entry in self.pending() if isinstance(entry, PullEntry)]

    def pending_pushes(self) -> list[PushEntry]:
        """List the publishes that were begun and not finished, oldest first."""
        return [entry for entry in self.pending() if isinstance(entry, PushEntry)]

    def recover_pull(self, entry: PullEntry) -> bool:
        """Finish a pull: files still as before get their new content, the pointer files last.

        Returns False, with nothing (more) written, when HEAD moved, a blob is gone, or any file is neither as
        before nor as after: somebody edited it, and a new plan has to include that. The caller finishes the
        entry either way.
        """
        try:
            files, pointers = self._changes(entry)
            if not self._is_as_left(entry, (*files, *pointers)):
                return False
            apply_changes(self._repo.root, entry.dir, files, disk=self._disk)
            apply_changes(self._repo.root, entry.dir, pointers, disk=self._disk)
        except (LocalChanged, InvalidContent, GitFailed):
            return False
        return True

    def _changes(self, entry: PullEntry) -> tuple[list[FileChange], list[FileChange]]:
        every = (*entry.changes, *entry.pointer_changes)
        ids = {
            side for each in every for side in (each.before, each.after) if isinstance(side, str)
        }
        contents: dict[str, Content] = {}
        for blob, found in self._repo.read_objects(ids, limit=_HELD).items():
            data = found.data
            contents[blob] = GitFile(self._repo, blob, found.size) if data is None else data
        return (
            [_restored(each, contents) for each in entry.changes],
            [_restored(each, contents) for each in entry.pointer_changes],
        )

    def _is_as_left(self, entry: PullEntry, changes: Iterable[FileChange]) -> bool:
        """Tell whether HEAD and every file are as the crash left them: nobody was here since."""
        if self._repo.head() != entry.head:
            return False
        for change in changes:
            path = f"{entry.dir}/{change.path}" if entry.dir else change.path
            sides = (change.before, change.after)
            like = next((one.blob for one in sides if not isinstance(one, bytes | None)), "")
            now, _ = look_at(self._repo.root, path, like=like)
            if not any(same_content(now, side) for side in sides):
                return False
        return True

    # ------------------------------------------------------------ files of our own

    def _store(
        self, objects: Sequence[Sequence[FileChange]], *, short: bool
    ) -> list[tuple[LoggedChange, ...]]:
        """Store the contents of changes as blobs, all in one process; with ``short`` only those that are long."""
        sides = {
            side
            for changes in objects
            for each in changes
            for side in (each.before, each.after)
            if isinstance(side, bytes)
        }
        long = [side for side in sides if not (short and len(side) <= _SHORT)]
        ids: dict[bytes, str | bytes] = dict(zip(long, self._repo.write_blobs(long), strict=True))

        def logged(side: Content | None) -> Logged:
            if side is None:
                return None
            return ids.get(side, side) if isinstance(side, bytes) else side.blob

        return [
            tuple(
                LoggedChange(each.path, logged(each.before), logged(each.after), each.executable)
                for each in changes
            )
            for changes in objects
        ]

    def _next_number(self) -> int:
        stems = [path.stem for path in self._folder.glob("*.json")]
        return 1 + max((int(stem) for stem in stems if re.fullmatch(r"\d{1,12}", stem)), default=0)

    def _write(
        self, records: Sequence[tuple[str, Mapping[str, Json]]], *, names_last: bool
    ) -> None:
        """Write entry files, each whole or not at all; with ``names_last`` they are on the disk before we go on."""
        files = {
            f"{name}.json": json.dumps({"format": _FORMAT, **record}).encode()
            for name, record in records
        }
        write_all_atomic(self._folder, files, names_last=names_last, disk=self._disk)

    def _put_aside(self, path: Path) -> None:
        aside = self._folder / "unreadable"
        aside.mkdir(exist_ok=True)
        path.replace(aside / path.name)
        self.set_aside.append(
            Problem(
                "E-JOURNAL",
                f"a journal entry could not be read and was set aside as {aside / path.name};"
                " what it began is planned anew",
                path=str(aside / path.name),
                severity=Severity.WARNING,
            )
        )


def _id(number: int) -> str:
    return f"{number:08d}"


def _restored(change: LoggedChange, contents: Mapping[str, Content]) -> FileChange:
    return FileChange(
        change.path,
        contents[change.before] if isinstance(change.before, str) else change.before,
        contents[change.after] if isinstance(change.after, str) else change.after,
        change.executable,
    )


def _pull_json(entry: PullEntry) -> dict[str, Json]:
    return {
        "kind": "pull",
        "conflict": dict(entry.conflict) if entry.conflict is not None else None,
        "subject": entry.subject,
        "dir": entry.dir,
        "head": entry.head,
        "changes": [_change_json(each) for each in entry.changes],
        "pointer_changes": [_change_json(each) for each in entry.pointer_changes],
    }


def _change_json(change: LoggedChange) -> Json:
    return [change.path, _side_json(change.before), _side_json(change.after), change.executable]


def _side_json(side: Logged) -> Json:
    return {"base64": b64encode(side).decode()} if isinstance(side, bytes) else side


def _read(path: Path) -> Entry | None:
    """Read one entry file; None for anything but what this version writes."""
    try:
        record = json.loads(path.read_bytes())
        if record["format"] != _FORMAT or not isinstance(record["subject"], str):
            return None
        if record["kind"] == "push":
            return PushEntry(path.stem, record["subject"], dict(record["facts"]))
        if record["kind"] != "pull" or not isinstance(record["dir"], str):
            return None
        return PullEntry(
            path.stem,
            record["subject"],
            record["dir"],
            _blob(record["head"]),
            tuple(_change(each) for each in record["changes"]),
            tuple(_change(each) for each in record["pointer_changes"]),
            _conflict(record.get("conflict")),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _change(record: Json) -> LoggedChange:
    match record:
        case [str(path), before, after, bool() | None as executable]:
            return LoggedChange(path, _side(before), _side(after), executable)
    raise ValueError("not a change")


def _side(record: Json) -> Logged:
    match record:
        case {"base64": str(text)}:
            return b64decode(text, validate=True)
    return _blob(record)


def _conflict(value: Json) -> Mapping[str, Json] | None:
    if value is None or isinstance(value, dict):
        return value
    raise ValueError("not a record")


def _blob(value: Json) -> str | None:
    if value is None or (isinstance(value, str) and is_object_id(value)):
        return value
    raise ValueError("not an object id")
