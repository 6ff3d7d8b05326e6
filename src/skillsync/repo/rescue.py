"""Copies of what was overwritten or deleted, kept as git commits for at least 30 days (sync.md 9.1 step 3, P10).

Each rescue is one commit under ``refs/skillsync/rescue/<UTC time>-<n>``. Its tree is flat (``0``, ``1``, … and
``manifest.json``), so that no file name, however odd, can get in the way of saving a file. A pull's also holds what is
written instead (``written-0``, … and ``written.json``): the two in one commit, before either is touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from skillsync.errors import GitFailed, UsageError
from skillsync.model import Content, FileChange
from skillsync.repo.disk import REAL, Disk
from skillsync.repo.files import apply_changes, read_current
from skillsync.repo.git import Repository
from skillsync.repo.import_stream import data_block
from skillsync.repo.objects import POINTER_FILES

KEPT = timedelta(days=30)
"""How long a rescue copy can be printed at least."""

NEWEST = 1_000
"""So many rescues are looked through for what pulls overwrote."""

_LONG = 1_000_000
"""Bytes of a file beyond which only the copy is kept, not what took its place."""
_REFS = "refs/skillsync/rescue/"
_ID = re.compile(r"\d{8}T\d{6}Z-\d{1,9}")
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class RescuedFile:
    """One saved file: ``path`` relative to the repository, why and for which object it was saved, its size and mode."""

    path: str
    reason: str
    subject: str
    size: int
    blob: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Rescued:
    """One rescue: what one command saved before it changed an object. ``time`` is UTC."""

    id: str
    time: datetime
    files: tuple[RescuedFile, ...]


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What one pull overwrote, by path in the repository: ``before``, and ``after`` (None: deleted).

    ``pointers`` are the pointer files that it wrote. Files that are long are in neither.
    """

    time: datetime
    before: Mapping[str, bytes]
    after: Mapping[str, bytes | None]
    pointers: Mapping[str, bytes]


class Rescue:
    """The rescue copies of one repository."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo

    def store(
        self,
        files: Sequence[tuple[str, Content, str, str]],
        *,
        now: datetime,
        executable: Collection[str] = (),
        written: Mapping[str, Content | None] | None = None,
    ) -> str:
        """Save files (path, content, reason, subject) and return the rescue's id; no files, no rescue, ``""``.

        ``executable`` are those paths among them that have the bit; ``written`` is what takes their place, with the
        pointer files beside them (None: nothing).
        """
        if not files:
            return ""
        moment = now.astimezone(UTC)
        prefix = moment.strftime(_TIME)
        taken = {name for name in self._names() if name.startswith(f"{prefix}-")}
        number = 1 + max((int(name.rpartition("-")[2]) for name in taken), default=0)
        name = f"{prefix}-{number}"
        stream = _stream(
            f"{_REFS}{name}", files, executable, written, seconds=int(moment.timestamp())
        )
        self._repo.run(["fast-import", "--quiet"], data=stream, reads=False)
        return name

    def list(self) -> list[Rescued]:
        """List the rescues, newest first. One that cannot be read any more is left out."""
        found = []
        for name in sorted(self._names(), key=_order, reverse=True):
            files = self._files(name)
            if files is not None:
                found.append(Rescued(name, _time_of(name), files))
        return found

    def overwritten(
        self, is_wanted: Callable[[Mapping[str, bytes]], bool]
    ) -> Iterator[Overwritten]:
        """Yield what pulls overwrote, newest first; ``is_wanted`` is asked with the pointer files that each wrote."""
        names = sorted(self._names(), key=_order, reverse=True)[:NEWEST]
        lists = self._read(f"{name}:written.json" for name in names)
        for name in names:
            listed = _pairs(lists.get(f"{name}:written.json"), bool)
            places = {path: f"{name}:written-{number}" for number, (path, _) in enumerate(listed)}
            pointers = {path for path in places if path.rpartition("/")[2] in POINTER_FILES}
            found = self._read(places[path] for path in pointers)
            wrote = {path: found[places[path]] for path in pointers if places[path] in found}
            if not listed or not is_wanted(wrote):
                continue
            manifest = f"{name}:manifest.json"
            saved = _pairs(self._read([manifest]).get(manifest), str)
            olds = {f"{name}:{number}": path for number, (path, _) in enumerate(saved)}
            found = self._read([*olds, *places.values()])
            before = {path: found[at] for at, path in olds.items() if at in found}
            after = {
                path: found.get(places[path]) if is_there else None
                for path, is_there in listed
                if path not in pointers and (not is_there or places[path] in found)
            }
            yield Overwritten(_time_of(name), before, after, wrote)

    def _read(self, names: Iterable[str]) -> Mapping[str, bytes]:
        found = self._repo.named_objects((f"{_REFS}{name}" for name in names), limit=_LONG)
        return {
            name.removeprefix(_REFS): each.data
            for name, each in found.items()
            if each.kind == "blob" and each.data is not None
        }

    def files(self, copy_id: str) -> tuple[RescuedFile, ...]:
        """Name the files of a rescue; raises UsageError for an unknown id."""
        files = self._files(copy_id) if copy_id in self._names() else None
        if files is None:
            raise UsageError(f"there is no rescue copy {copy_id!r}", hint="skillsync rescue")
        return files

    def show(self, copy_id: str, path: str) -> bytes:
        """Return a saved file's content; raises UsageError when the rescue does not hold it."""
        for file in self.files(copy_id):
            if file.path == path:
                return self._repo.read_blobs([file.blob])[file.blob]
        raise UsageError(f"rescue copy {copy_id} holds no {path}", hint="skillsync rescue")

    def restore(
        self,
        copy_id: str,
        path: str | None = None,
        *,
        now: datetime,
        disk: Disk = REAL,
    ) -> tuple[str, ...]:
        """Write the saved file, or all of them, back to where they were, and return their paths.

        What stands there now is saved first. Raises LocalChanged for a file that changes meanwhile or lies
        behind a link.
        """
        chosen = {file.path: file for file in self.files(copy_id) if path in (None, file.path)}
        if not chosen:
            raise UsageError(f"rescue copy {copy_id} holds no {path}", hint="skillsync rescue")
        contents = self._repo.read_blobs({file.blob for file in chosen.values()})
        changes, modes = [], {}
        for file in chosen.values():
            current, modes[file.path] = read_current(self._repo.root, file.path)
            wants_bit = file.executable and not modes[file.path] & 0o100
            if current != contents[file.blob] or wants_bit:
                after, bit = contents[file.blob], True if file.executable else None
                changes.append(FileChange(file.path, current, after, executable=bit))
        self.store(
            [
                (change.path, change.before, "restore", chosen[change.path].subject)
                for change in changes
                if change.before is not None and change.before != change.after
            ],
            now=now,
            executable={path for path, mode in modes.items() if mode & 0o100},
        )
        apply_changes(self._repo.root, "", changes, disk=disk)
        return tuple(sorted(change.path for change in changes))

    def expire(self, now: datetime) -> tuple[str, ...]:
        """Drop rescues that are surely older than 30 days and return their ids; git removes their contents later."""
        times = {name: _time_of(name) for name in self._names()}
        limit = _surely_older(times.values(), now.astimezone(UTC))
        old = tuple(sorted(name for name, time in times.items() if limit and time < limit))
        if old:
            lines = "".join(f"delete {_REFS}{name}\n" for name in old)
            self._repo.run(["update-ref", "--stdin"], data=lines.encode(), reads=False)
        return old

    def _names(self) -> set[str]:
        done = self._repo.run(["for-each-ref", "--format=%(refname)", _REFS])
        names = {line.removeprefix(_REFS) for line in done.line.splitlines()}
        return {name for name in names if _ID.fullmatch(name) and _is_time(name)}

    def _files(self, name: str) -> tuple[RescuedFile, ...] | None:
        try:
            tree = {each.path: each for each in self._repo.tree(f"{_REFS}{name}")}
            manifest = tree["manifest.json"].blob
            records = json.loads(self._repo.read_blobs([manifest])[manifest])
            found = []
            for number, (path, reason, subject) in enumerate(records):
                entry = tree[str(number)]
                bit = entry.mode == 0o100755
                found.append(RescuedFile(path, reason, subject, entry.size, entry.blob, bit))
            return tuple(found)
        except (GitFailed, KeyError, ValueError, TypeError):
            return None


def _stream(
    ref: str,
    files: Sequence[tuple[str, Content, str, str]],
    executable: Collection[str],
    written: Mapping[str, Content | None] | None,
    *,
    seconds: int,
) -> bytes:
    """Write the ``git fast-import`` stream of one commit that holds the files by number."""
    manifest = json.dumps([[path, reason, subject] for path, _, reason, subject in files])
    message = b"skillsync: copies of what was overwritten or deleted\n"
    parts = [
        f"commit {ref}\ncommitter skillsync <skillsync@localhost> {seconds} +0000\n".encode(),
        data_block(message),
        b"M 100644 inline manifest.json\n",
        data_block(manifest.encode()),
    ]
    for number, (path, content, _, _) in enumerate(files):
        mode = b"100755" if path in executable else b"100644"
        if isinstance(content, bytes):
            parts += [b"M %s inline %d\n" % (mode, number), data_block(content)]
        else:
            parts.append(b"M %s %b %d\n" % (mode, content.blob.encode(), number))
    short = {
        path: data
        for path, data in (written or {}).items()
        if data is None or (isinstance(data, bytes) and len(data) <= _LONG)
    }
    if written is not None:
        listed = json.dumps([[path, data is not None] for path, data in short.items()])
        parts += [b"M 100644 inline written.json\n", data_block(listed.encode())]
    for number, data in enumerate(short.values()):
        if data is not None:
            parts += [b"M 100644 inline written-%d\n" % number, data_block(data)]
    return b"".join([*parts, b"\n"])


def _pairs(data: bytes | None, kind: type) -> list[tuple[str, Any]]:
    """Read the first two values of each entry of a JSON list, the second of one kind; nothing of a damaged one."""
    try:
        listed = json.loads(data or b"[]")
        found = [(entry[0], entry[1]) for entry in listed]
    except (ValueError, TypeError, LookupError, RecursionError):
        return []
    is_sound = all(isinstance(one, str) and isinstance(two, kind) for one, two in found)
    return found if is_sound else []


def _surely_older(times: Iterable[datetime], now: datetime) -> datetime | None:
    """Return the moment of which one may say that whatever was stored before is older than 30 days; None: of none.

    One look at a clock that is ahead makes everything look old. So another rescue has to tell as well: one that was
    stored 30 days later, by the clock of then, and is 30 days old itself. A clock that went ahead between the two
    and stayed there has run for that long since.
    """
    witness = max((time for time in times if time <= now - KEPT), default=None)
    return witness - KEPT if witness else None


def _time_of(name: str) -> datetime:
    return datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)


def _is_time(name: str) -> bool:
    try:
        _time_of(name)
    except ValueError:
        return False
    return True


def _order(name: str) -> tuple[str, int]:
    time, _, number = name.partition("-")
    return time, int(number)
