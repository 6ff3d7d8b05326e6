"""Keeps the tables of large files of rows that were read whole and are valid, each under git's id of the content.

A cache in the strict sense (P7): an id stands for one content, so that its table holds as long as the rules of reading
are the same, and a table is believed only if it has the digest that it was written with: a line says which content it
is of, and each one after it holds a block of the table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from skillsync import __version__
from skillsync.formats.row_table import TableDigest, TableTrouble, blocks_of
from skillsync.model import Digest
from skillsync.repo.disk import temp_name

if TYPE_CHECKING:
    from skillsync.sync.local import LocalDataset
    from skillsync.sync.row_outlines import NewOutline
    from skillsync.sync.workspace import Workspace

FOLDER = "tables"
MOST_FILES = 32
MOST_BYTES = 512_000_000
"""So many tables and outlines, and bytes of them, are kept; the oldest go, never the newest of each."""

_FORMAT = 3
_OUTLINE = "outline-"
_PIECE = 1 << 18
_LONGEST = 1 << 20
"""Bytes of a line, which holds one block: a longer one is none of ours."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a valid file of rows holds: the digest of its rows, how many there are, and how many lines have no key."""

    digest: Digest
    rows: int
    keyless: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is there. ``blob`` is the content's id, ``outline`` where an outline of it may be."""

    blob: str
    contents: Contents
    path: Path
    outline: Path

    @contextmanager
    def opened(self) -> Iterator[Iterator[bytes]]:
        """Hold its blocks.

        Raises TableTrouble, once all were taken, if they are not what was written; OSError.
        """
        with self.path.open("rb", buffering=_PIECE) as stream:
            stream.readline()
            yield self._checked(stream)

    def _checked(self, stream: BinaryIO) -> Iterator[bytes]:
        found = TableDigest()
        while line := stream.readline(_LONGEST):
            block = line[:-1]
            found.add(block)
            yield block
        if found.digest != self.contents.digest:
            raise TableTrouble


class RowTables:
    """The tables of one dataset's items.jsonl, as long as it is read by the same rules."""

    def __init__(self, workspace: Workspace, dataset: LocalDataset) -> None:
        self._folder = workspace.repo.state_dir / FOLDER
        fields = sorted((dataset.mapping or {}).items())
        rules = f"{_FORMAT} {__version__} {dataset.dir} {fields} {dataset.content_keys} {dataset.limits}"
        self._rules = hashlib.sha256(rules.encode()).hexdigest()[:32]

    def of(self, blob: str) -> Table | None:
        """Return the table of a content, None when there is none."""
        path = self._folder / f"{self._rules}-{blob}"
        with suppress(OSError, ValueError, KeyError, TypeError):
            with path.open("rb") as stream:
                head = json.loads(stream.readline())
            known = {**head, "check": ""}
            if head["check"] == _check(known) and head["blob"] == blob:
                contents = Contents(Digest(head["digest"]), head["rows"], head["keyless"])
                return Table(blob, contents, path, self._outline_of(blob))
        return None

    def newest(self) -> list[Table]:
        """Return all tables, the one that was written last first."""
        with suppress(OSError):
            paths = sorted(self._folder.glob(f"{self._rules}-*"), key=_age, reverse=True)
            tables = [self.of(path.name.rpartition("-")[2]) for path in paths]
            return [table for table in tables if table is not None]
        return []

    def _outline_of(self, blob: str) -> Path:
        return self._folder / f"{_OUTLINE}{self._rules}-{blob}"

    def keep(
        self, blob: str, contents: Contents, lines: Iterable[bytes], outline: NewOutline
    ) -> None:
        """Keep a table and an outline; what cannot be kept costs time, nothing else."""
        head = {
            "blob": blob,
            "digest": contents.digest,
            "rows": contents.rows,
            "keyless": contents.keyless,
            "check": "",
        }
        head["check"] = _check(head)
        path = self._folder / f"{self._rules}-{blob}"
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._written(self._outline_of(blob)) as stream:
                outline.write(blob, stream)
            with self._written(path) as stream:
                stream.write(json.dumps(head).encode() + b"\n")
                for block in blocks_of(lines):
                    stream.write(block)
                    stream.write(b"\n")
            self._tidy()

    @contextmanager
    def _written(self, path: Path) -> Iterator[BinaryIO]:
        """Write a file aside; it is there as a whole or not at all. Raises OSError."""
        aside = self._folder / temp_name()
        try:
            with aside.open("xb") as stream:
                yield stream
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    def _tidy(self) -> None:
        size = 0
        for place, path in enumerate(sorted(self._folder.iterdir(), key=_age, reverse=True)):
            size += path.stat().st_size
            if place > 1 and (place >= MOST_FILES or size > MOST_BYTES):
                path.unlink(missing_ok=True)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _check(head: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()
