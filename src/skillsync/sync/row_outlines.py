"""Keeps the outlines of large files of rows beside their tables, so that a changed file is judged without asking git.

A cache in the strict sense (P7), as the tables are: a line says which content it is of, the blocks follow, and then the
lines of the table, in the order of the file. Each part is believed only if it has the digest that it was written with.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from skillsync.formats.row_outline import Outliner, packed_blocks, unpacked_blocks
from skillsync.formats.row_table import TableTrouble
from skillsync.repo.spool import nameless_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skillsync.formats.row_lines import Line
    from skillsync.formats.row_outline import Block


class NewOutline:
    """The outline of a content while that is read; ``folder`` is where it lies meanwhile. Use it in ``with``."""

    def __init__(self, folder: Path) -> None:
        self._rows = nameless_file(folder)
        self._outliner = Outliner(self._rows.write)

    def __enter__(self) -> NewOutline:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, line: Line, row: bytes | None) -> None:
        """Take the next line, and its row's line of the table."""
        self._outliner.add(line, row)

    def write(self, blob: str, file: IO[bytes]) -> None:
        """Write the outline of what was taken, the content of that id. Raises OSError."""
        blocks = packed_blocks(self._outliner.ended())
        file.write(_head(blob, blocks))
        file.write(blocks)
        self._rows.seek(0)
        shutil.copyfileobj(self._rows, file)


@dataclass(frozen=True, slots=True)
class Outline:
    """The blocks of a content, and where the lines of the table begin in the file that these are read from."""

    blocks: Sequence[Block]
    places: Sequence[int]
    file: IO[bytes]

    def begins_with(self, line: bytes) -> bool:
        """Tell whether the content's first line is this one, its end included."""
        return bool(self.blocks) and self.blocks[0].first == hashlib.sha256(line).digest()

    def rows_of(self, number: int) -> bytes:
        """Return the lines of the table of a block. Raises TableTrouble if these are not what was written, OSError."""
        block = self.blocks[number]
        self.file.seek(self.places[number])
        rows = self.file.read(block.rows_size)
        if hashlib.sha256(rows).digest() != block.rows_digest:
            raise TableTrouble
        return rows


@contextmanager
def opened_outline(path: Path, blob: str) -> Iterator[Outline]:
    """Hold the outline of the content of that id. Raises TableTrouble if it is not what was written, OSError."""
    with path.open("rb") as file:
        head = file.readline(1_000)
        try:
            data = file.read(json.loads(head)["size"])
            blocks = unpacked_blocks(data)
        except (ValueError, KeyError, TypeError) as error:
            raise TableTrouble from error
        if head != _head(blob, data):
            raise TableTrouble
        place = len(head) + len(data)
        places = []
        for block in blocks:
            places.append(place)
            place += block.rows_size
        yield Outline(blocks, places, file)


def _head(blob: str, blocks: bytes) -> bytes:
    found = hashlib.sha256(blob.encode() + blocks).hexdigest()
    return json.dumps({"blob": blob, "size": len(blocks), "digest": found}).encode() + b"\n"
