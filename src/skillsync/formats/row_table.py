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
    from collections.abc import Iterable, Iterator, Mapping

_ESCAPED = (b'"', b"\\")
_LINES = 4_096
"""Lines in one block."""


class TableTrouble(Exception):
    """The table and the edits do not go together: a key that goes is not in it, or one that comes is there twice."""


def table_line(key: Key, digest: str) -> bytes:
    """Return a row's line: no key holds a control character, so that lines sort as their keys do."""
    return b"%b\t%b\n" % (key.encode(), digest.encode())


def key_of(line: bytes) -> Key:
    """Return the key of a line of a table."""
    return Key(line.partition(b"\t")[0].decode())


def blocks_of(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Put lines together into lists that are worth a step each."""
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) >= _LINES:
            yield block
            block = []
    if block:
        yield block


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


class TableDigest:
    """The digest of all rows, ``canonical.rows_digest``, from a table's lines in order, and their number."""

    def __init__(self) -> None:
        self._hash = sha256(b"[")
        self.rows = 0

    def add(self, block: list[bytes]) -> None:
        """Count the next lines in."""
        text = b"".join(block)
        if _ESCAPED[0] in text or _ESCAPED[1] in text:
            pairs = [line[:-1].decode().split("\t") for line in block]
            body = ",".join(canonical_json([key, digest]) for key, digest in pairs).encode()
        else:
            body = b'["' + text[:-1].replace(b"\t", b'","').replace(b"\n", b'"],["') + b'"]'
        self._hash.update(b"," + body if self.rows else body)
        self.rows += len(block)

    @property
    def digest(self) -> Digest:
        """The digest of what was added."""
        whole = self._hash.copy()
        whole.update(b"]")
        return Digest(ALGORITHM + whole.hexdigest())


def with_edits(
    blocks: Iterable[list[bytes]], *, gone: Mapping[Key, str], new: Mapping[Key, str]
) -> Iterator[list[bytes]]:
    """Yield a table's blocks as they are without the rows ``gone``, and with the ``new`` ones (key to digest).

    Raises TableTrouble for a row that goes and is not there, and for one that comes whose key another row has.
    """
    out = sorted(table_line(key, digest) for key, digest in gone.items())
    into = sorted(table_line(key, digest) for key, digest in new.items())
    wanted = _Wanted(new)
    taken_out = put_in = 0
    for block in blocks:
        last = block[-1]
        ends = bisect_right(out, last, taken_out)
        if ends > taken_out:
            leaving = set(out[taken_out:ends])
            kept = [line for line in block if line not in leaving]
            if len(block) - len(kept) != ends - taken_out:
                raise TableTrouble
            taken_out = ends
            block = kept
        wanted.check(block)
        ends = bisect_right(into, last, put_in)
        if ends > put_in:
            block = sorted([*block, *into[put_in:ends]])
            put_in = ends
        if block:
            yield block
    if taken_out != len(out):
        raise TableTrouble
    if put_in != len(into):
        yield into[put_in:]


class _Wanted:
    """The keys that come, each to be in no line that stays: case counts, Unicode normalisation does not."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._folded = {fold_id(key) for key in keys}
        self._starts = sorted(f"{key}\t".encode() for key in self._folded)

    def check(self, block: list[bytes]) -> None:
        """Raise TableTrouble where a line has such a key."""
        if not block or not self._starts:
            return
        if not b"".join(block).isascii():
            if any(fold_id(key_of(line)) in self._folded for line in block):
                raise TableTrouble
            return
        first = bisect_left(self._starts, block[0].partition(b"\t")[0])
        for start in self._starts[first : bisect_right(self._starts, block[-1])]:
            at = bisect_left(block, start)
            if at < len(block) and block[at].startswith(start):
                raise TableTrouble
