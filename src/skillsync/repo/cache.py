"""Remembers facts about folders whose stat data has not changed, so that a status reads no file twice.

A cache in the strict sense: it may be deleted or damaged at any time and changes no decision (P7); commands
that write read the files themselves. An entry counts only if every file's stat data is the same and none of
them was touched so shortly before the scan that a later change could show the same times: git's rule for racy
timestamps (performance.md, "What follows").
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.model import Json
    from skillsync.repo.worktree import StatEntry

_SECOND = 1_000_000_000
_FINE = 50_000_000
_COARSE = 2 * _SECOND


class Cache:
    """Facts by folder in ``cache.sqlite``. ``version`` names what the facts mean: another one, an empty cache.

    Never raises for trouble with its file: then it remembers nothing. Close it, or use it in ``with``.
    """

    def __init__(self, state_dir: Path, *, version: str = "1") -> None:
        self._path = state_dir / "cache.sqlite"
        self._probe = state_dir / "cache.clock"
        self._version = version
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError):
            state_dir.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def clock(self) -> int:
        """Return the file system's time in nanoseconds: ask before a scan, give it to ``put``.

        Not this computer's clock, which may differ from the one that stamps the files.
        """
        try:
            self._probe.write_bytes(b"")
            os.utime(self._probe)
            return self._probe.stat().st_mtime_ns
        except OSError:
            return 0

    def get(self, stats: Mapping[str, tuple[StatEntry, ...]]) -> dict[str, Json]:
        """Return what is remembered of folders whose stat data is still the same."""
        try:
            rows = self._all()
        except sqlite3.OperationalError:
            return {}
        except sqlite3.DatabaseError:
            self._start_anew()
            return {}
        known = {
            folder: facts
            for folder, kept, facts in rows
            if folder in stats and kept == stamp_of(stats[folder])
        }
        with suppress(ValueError, RecursionError):
            # One text is read much faster than a thousand short ones.
            values = json.loads(f"[{','.join(known.values())}]")
            if len(values) == len(known):
                return dict(zip(known, values, strict=True))
        return {folder: value for folder, facts in known.items() if (value := _value(facts))}

    def put(
        self, found: Iterable[tuple[str, tuple[StatEntry, ...], Json]], *, scanned_at: int
    ) -> None:
        """Remember facts (folder, stat data from before reading, facts) of a scan begun at ``scanned_at``.

        Racy folders are not remembered: the next scan reads them again.
        """
        rows = [
            (folder, stamp_of(stats), json.dumps(facts))
            for folder, stats, facts in found
            if not any(is_racy(entry, scanned_at=scanned_at) for entry in stats)
        ]
        if self._connection is None or not rows:
            return
        try:
            with self._connection:
                self._connection.executemany("replace into folders values (?, ?, ?)", rows)
        except sqlite3.OperationalError:
            return
        except sqlite3.DatabaseError:
            self._start_anew()

    def keep_only(self, folders: Iterable[str]) -> None:
        """Forget every folder but these."""
        kept = set(folders)
        with suppress(sqlite3.DatabaseError):
            gone = [(folder,) for folder, _, _ in self._all() if folder not in kept]
            if self._connection is not None and gone:
                with self._connection:
                    self._connection.executemany("delete from folders where folder = ?", gone)

    def recall(self, question: str, seen: str) -> Json:
        """Return what was remembered as the answer when the same was seen (``Look.digest``); None: nothing was."""
        if self._connection is None:
            return None
        asked = "select answer from answers where question = ? and seen = ?"
        with suppress(sqlite3.DatabaseError, ValueError, RecursionError):
            found = self._connection.execute(asked, (question, seen)).fetchone()
            answer: Json = json.loads(found[0]) if found else None
            return answer
        return None

    def remember(self, question: str, seen: str, answer: Json) -> None:
        """Remember the answer to a question about the whole tree. The caller knows that nothing seen is racy."""
        if self._connection is None:
            return
        with suppress(sqlite3.DatabaseError), self._connection:
            self._connection.execute(
                "replace into answers values (?, ?, ?)", (question, seen, json.dumps(answer))
            )

    def _all(self) -> list[tuple[str, bytes, str]]:
        if self._connection is None:
            return []
        return self._connection.execute("select folder, stamp, facts from folders").fetchall()

    def _open(self) -> sqlite3.Connection | None:
        """Open the file, making a new one when it is damaged or means something else."""
        for _ in range(2):
            connection: sqlite3.Connection | None = None
            try:
                connection = sqlite3.connect(self._path, timeout=0.5)
                self._prepare(connection)
            except sqlite3.OperationalError:
                # Busy, read-only or out of space: the file may be fine, so it is left alone.
                if connection is not None:
                    connection.close()
                return None
            except sqlite3.DatabaseError:
                if connection is not None:
                    connection.close()
                self._remove()
            else:
                return connection
        return None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("pragma synchronous = normal")
        known = connection.execute("pragma user_version").fetchone()[0]
        wanted = int.from_bytes(hashlib.sha256(self._version.encode()).digest()[:4], "big") >> 1
        if known == wanted:
            return
        with connection:
            connection.execute("drop table if exists folders")
            connection.execute("drop table if exists answers")
            connection.execute(
                "create table folders (folder text primary key, stamp blob, facts text)"
                " without rowid"
            )
            connection.execute(
                "create table answers (question text primary key, seen text, answer text)"
                " without rowid"
            )
            connection.execute(f"pragma user_version = {wanted}")

    def _remove(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _start_anew(self) -> None:
        self.close()
        self._remove()
        self._connection = self._open()


def _value(facts: str) -> Json:
    """Read one folder's facts, None for damaged ones."""
    with suppress(ValueError, RecursionError):
        value: Json = json.loads(facts)
        return value
    return None


def stamp_of(entries: tuple[StatEntry, ...]) -> bytes:
    """Return 16 bytes that stand for the stat data of a folder's files, names included."""
    parts = [f"{path}\0{mtime} {ctime} {size} {inode} {mode}"
             for path, mtime, ctime, size, inode, mode in entries]  # fmt: skip
    text = "\0\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=16).digest()


def is_racy(entry: StatEntry, *, scanned_at: int) -> bool:
    """Tell whether a change after the scan could leave the entry's times as they are.

    Times may have whole seconds, or two (14.6 #37), and the clock's ticks have some length. A time far in the
    past or in the future (14.6 #35) is not racy: the change time, which nobody can set, decides.
    """
    return _is_racy(entry.mtime_ns, entry.ctime_ns, scanned_at)


def is_racy_stat(info: os.stat_result, *, scanned_at: int) -> bool:
    """As ``is_racy``, of stat data as the system gives it."""
    return _is_racy(info.st_mtime_ns, info.st_ctime_ns, scanned_at)


def _is_racy(mtime: int, ctime: int, scanned_at: int) -> bool:
    for time in (mtime, ctime):
        slack = _COARSE if time % _SECOND == 0 else _FINE
        if scanned_at - slack <= time <= scanned_at + slack:
            return True
    return ctime > scanned_at
