"""What a file of rows holds, as a table sorted by key: the digest of it, and what edits make of both. Pure.

A table is made once for a content that was read whole and is valid. What another content differs in from it can then
be judged without reading the rest again: the digest of all rows, and whether every key is there once.
"""

from __future__ import annotations

import json
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
    """Put lines together into blocks that are worth a step each: JSON pairs of key and digest, commas between them.

    So does ``canonical.rows_digest`` see them, and a table is kept and digested as it is. No block holds a line feed.
    """
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield _block_of(block)
            block, size = [], 0
    if block:
        yield _block_of(block)


def _block_of(lines: list[bytes]) -> bytes:
    text = b"".join(lines)
    if b'"' in text or b"\\" in text:
        pairs = [line[:-1].decode().split("\t") for line in lines]
        return ",".join(canonical_json([key, digest]) for key, digest in pairs).encode()
    return b'["' + text[:-1].replace(b"\t", b'","').replace(b"\n", b'"],["') + b'"]'


def lines_of(block: bytes) -> list[bytes]:
    """Return the lines of a block. Raises TableTrouble for what is none."""
    try:
        return [table_line(key, digest) for key, digest in json.loads(b"[%b]" % block)]
    except (ValueError, TypeError, AttributeError) as error:
        raise TableTrouble from error


_BETWEEN = b'"],["'
"""Stands between two pairs, after the last digit of a digest. As a key, or a part of one, it stands after a bracket."""


def _ends_of(block: bytes) -> tuple[bytes, bytes]:
    """Return the first and the last line of a block. Raises TableTrouble for what is none."""
    first, last = block.find(_BETWEEN), block.rfind(_BETWEEN)
    while first >= 0 and block[:first].endswith(b"["):
        first = block.find(_BETWEEN, first + 1)
    while last >= 0 and block[:last].endswith(b"["):
        last = block.rfind(_BETWEEN, 0, last + len(_BETWEEN) - 1)
    ends = lines_of(block[: first + 2] if first >= 0 else block)
    ends += lines_of(block[last + 3 :] if last >= 0 else block)
    if not ends:
        raise TableTrouble
    return ends[0], ends[-1]


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
    """The digest of all rows, ``canonical.rows_digest``, from a table's blocks in order."""

    def __init__(self) -> None:
        self._hash = sha256(b"[")
        self._between = b""

    def add(self, block: bytes) -> None:
        """Count the next block in."""
        self._hash.update(self._between)
        self._hash.update(block)
        self._between = b","

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
        first, last = _ends_of(block)
        leaving = out[taken_out : bisect_right(out, last, taken_out)]
        coming = into[put_in : bisect_right(into, last, put_in)]
        if not (leaving or coming or wanted.may_be_in(block, first, last)):
            yield block
            continue
        lines = set(lines_of(block))
        if not lines.issuperset(leaving):
            raise TableTrouble
        lines.difference_update(leaving)
        wanted.check(lines)
        lines.update(coming)
        if lines:
            yield _block_of(sorted(lines))
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

    def may_be_in(self, block: bytes, first: bytes, last: bytes) -> bool:
        """Tell whether a line of a block, of which these are the first and the last, may have such a key."""
        if not self._starts:
            return False
        at = bisect_left(self._starts, first.partition(b"\t")[0])
        return (at < len(self._starts) and self._starts[at] <= last) or not block.isascii()

    def check(self, lines: Collection[bytes]) -> None:
        """Raise TableTrouble where a line has such a key, or none at all."""
        try:
            is_there = any(fold_id(key_of(line)) in self._folded for line in lines)
        except UnicodeDecodeError as error:
            raise TableTrouble from error
        if is_there:
            raise TableTrouble
