"""What a file of rows holds, as sorted lines of key and digest: its digest, and what edits make of both. Pure.

A table is made once for a content that was read whole and is valid. What another content differs in from it can then
be judged without reading the rest again: the digest of all rows, and whether every key is there once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.formats.canonical import ALGORITHM, canonical_json
from skillsync.formats.row_keys import fold_id
from skillsync.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_BLOCK = 1 << 17
"""Bytes, or some more, of one block."""


class TableTrouble(Exception):
    """The table and the edits do not go together: a key that goes is not in it, or one that comes is there twice."""


def table_line(key: Key, digest: str) -> bytes:
    """Return a row's line: no key holds a control character, so that lines sort as their keys do."""
    return b"%b\t%b\n" % (key.encode(), digest.encode())


def key_of(line: bytes) -> Key:
    """Return the key of a line of a table."""
    return Key(line.partition(b"\t")[0].decode())


def blocks_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Put lines together into blocks that are worth a step each."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


def lines_of(block: bytes) -> list[bytes]:
    """Return the lines of a block."""
    return [line + b"\n" for line in block[:-1].split(b"\n")]


def once(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield those lines of two tables, merged in order, that only one of them has."""
    held: bytes | None = None
    for line in lines:
        if line == held:
            held = None
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


class Bodies:
    """Writes blocks as ``canonical.rows_digest`` sees them; one that two digests count in one after the other, once."""

    def __init__(self) -> None:
        self._last: tuple[bytes, bytes] | None = None

    def of(self, block: bytes) -> bytes:
        """Return the pairs of a block as JSON, with commas between them."""
        if self._last is None or self._last[0] is not block:
            self._last = block, _body(block)
        return self._last[1]


def _body(block: bytes) -> bytes:
    if b'"' in block or b"\\" in block:
        pairs = [line[:-1].decode().split("\t") for line in lines_of(block)]
        return ",".join(canonical_json([key, digest]) for key, digest in pairs).encode()
    return b'["' + block[:-1].replace(b"\t", b'","').replace(b"\n", b'"],["') + b'"]'


class TableDigest:
    """The digest of all rows, ``canonical.rows_digest``, from a table's blocks in order, and how many rows these are."""

    def __init__(self, bodies: Bodies | None = None) -> None:
        self._hash = sha256(b"[")
        self._bodies = bodies or Bodies()
        self.rows = 0

    def add(self, block: bytes) -> None:
        """Count the next block in."""
        if self.rows:
            self._hash.update(b",")
        self._hash.update(self._bodies.of(block))
        self.rows += block.count(b"\n")

    @property
    def digest(self) -> Digest:
        """The digest of what was added."""
        whole = self._hash.copy()
        whole.update(b"]")
        return Digest(ALGORITHM + whole.hexdigest())


def with_edits(
    blocks: Iterable[bytes], *, gone: Mapping[Key, str], new: Mapping[Key, str]
) -> Iterator[bytes]:
    """Yield a table's blocks as they are without the rows ``gone``, and with the ``new`` ones (key to digest).

    Raises TableTrouble for a row that goes and is not there, and for one that comes whose key another row has.
    """
    out = sorted(table_line(key, digest) for key, digest in gone.items())
    into = sorted(table_line(key, digest) for key, digest in new.items())
    wanted = _Wanted(new)
    taken_out = put_in = 0
    for block in blocks:
        last = block[block.rfind(b"\n", 0, -1) + 1 :]
        leaving = out[taken_out : bisect_right(out, last, taken_out)]
        coming = into[put_in : bisect_right(into, last, put_in)]
        if not (leaving or coming or wanted.may_be_in(block, last)):
            yield block
            continue
        lines = set(lines_of(block))
        if not lines.issuperset(leaving):
            raise TableTrouble
        lines.difference_update(leaving)
        wanted.check(lines)
        lines.update(coming)
        if lines:
            yield b"".join(sorted(lines))
        taken_out += len(leaving)
        put_in += len(coming)
    if taken_out != len(out):
        raise TableTrouble
    yield from blocks_of(into[put_in:])


class _Wanted:
    """The keys that come, each to be in no line that stays: case counts, Unicode normalisation does not."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._folded = {fold_id(key) for key in keys}
        self._starts = sorted(f"{key}\t".encode() for key in self._folded)

    def may_be_in(self, block: bytes, last: bytes) -> bool:
        """Tell whether a line of a block, of which this is the last, may have such a key."""
        if not self._starts:
            return False
        at = bisect_left(self._starts, block[: block.index(b"\t")])
        return (at < len(self._starts) and self._starts[at] <= last) or not block.isascii()

    def check(self, lines: Collection[bytes]) -> None:
        """Raise TableTrouble where a line has such a key."""
        if any(fold_id(key_of(line)) in self._folded for line in lines):
            raise TableTrouble
