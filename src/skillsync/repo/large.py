"""Files that are too large to hold: where their content lies, in the working tree or in git, and how it is streamed."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from skillsync.errors import LocalChanged
from skillsync.repo.disk import temp_name
from skillsync.repo.files import write_atomic
from skillsync.repo.handles import NotRegular, open_file, opened_folder, opened_root, split_path
from skillsync.repo.spool import Spool

if TYPE_CHECKING:
    from skillsync.model import Content, Readable, Store
    from skillsync.repo.git import Repository

T = TypeVar("T")

PIECE = 1 << 18
"""Bytes that are read at once."""

_FOLDER = "folded"
_MOST_KEPT = 64


SPOOLS = "spool"
"""Where what is not held in memory lies while a command runs."""

_TRIES = 4


class WorkingFile:
    """A file of the working tree. ``path`` is relative to its top, ``size`` as of when it was looked at last."""

    blob = ""

    def __init__(self, repo: Repository, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self._repo = repo
        self._folded = ""

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Hold the content as a stream.

        Raises LocalChanged, when the block is left at the latest, for a file that changed meanwhile or is none any more.
        """
        *parents, name = split_path(self.path)
        try:
            with opened_root(self._repo.root) as root, opened_folder(root, tuple(parents)) as at:
                with open(open_file(at, name), "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
                    before = os.fstat(stream.fileno())
                    self.size = before.st_size
                    yield stream
                after = os.stat(name, dir_fd=at, follow_symlinks=False)
        except (FileNotFoundError, NotRegular) as error:
            raise self._changed() from error
        if _seen(before) != _seen(after):
            raise self._changed()

    def _changed(self) -> LocalChanged:
        return LocalChanged(f"{self.path} changes while it is read", subject=self.path)

    def read(self) -> bytes:
        """Return the whole content; raises as ``opened``."""
        with self.opened() as stream:
            return b"".join(pieces_of(stream))

    def folded(self) -> str:
        """Return the SHA-256 of the content with LF line ends, as a stamp counts it; raises as ``opened``."""
        if not self._folded:
            with self.opened() as stream:
                self._folded = folded_digest(pieces_of(stream))
        return self._folded

    def stored(self, pieces: Iterable[bytes]) -> GitFile:
        """Put what was read of the content into git, piece by piece."""
        return stored(self._repo, pieces)

    def spooled(self, take: Callable[[Readable, Store], T]) -> T:
        """Read the content once, for ``take`` to keep what it wants of it; ``folded`` is of the same look.

        Raises as ``opened``, and what ``take`` raises.
        """
        for attempt in range(_TRIES):
            digest = FoldedHash()
            try:
                with self.opened() as stream:
                    found = take(buffered(stream, digest), Spool(self._repo.state_dir / SPOOLS))
            except LocalChanged:
                if attempt == _TRIES - 1:
                    raise
                continue
            self._folded = digest.hexdigest()
            return found
        raise AssertionError("not reached")


class GitFile:
    """A blob."""

    def __init__(self, repo: Repository, blob: str, size: int) -> None:
        self.blob = blob
        self.size = size
        self._repo = repo

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Hold the content as a stream; raises GitFailed."""
        with self._repo.opened_blob(self.blob) as stream:
            yield stream

    def read(self) -> bytes:
        """Return the whole content; raises GitFailed."""
        return self._repo.read_blobs([self.blob])[self.blob]

    def stored(self, pieces: Iterable[bytes]) -> GitFile:  # noqa: ARG002
        """It lies in git already."""
        return self

    def spooled(self, take: Callable[[Readable, Store], T]) -> T:
        """As of a working file."""
        with self.opened() as stream:
            return take(buffered(stream), Spool(self._repo.state_dir / SPOOLS))

    def folded(self) -> str:
        """As of a working file; what was read once is remembered under the blob's id."""
        known = recall_folded(self._repo, self.blob)
        if known is None:
            with self.opened() as stream:
                known = folded_digest(pieces_of(stream))
            remember_folded(self._repo, self.blob, known)
        return known


def stored(repo: Repository, pieces: Iterable[bytes]) -> GitFile:
    """Put a content into git piece by piece, so that nobody holds it."""
    folder = repo.state_dir / SPOOLS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / temp_name()
    try:
        size, folded = 0, FoldedHash()
        with path.open("xb", buffering=PIECE) as file:
            for piece in pieces:
                size += file.write(piece)
                folded.update(piece)
        found = GitFile(repo, repo.write_blob_of(path), size)
        remember_folded(repo, found.blob, folded.hexdigest())
        return found
    finally:
        path.unlink(missing_ok=True)


def content_of(repo: Repository, pieces: Iterable[bytes], *, large_from: int) -> Content:
    """Return a content as its bytes, or, where these are ``large_from`` or more, as it lies in git."""
    begun: list[bytes] = []
    size = 0
    rest = iter(pieces)
    for piece in rest:
        begun.append(piece)
        size += len(piece)
        if size >= large_from:
            return stored(repo, chain(begun, rest))
    return b"".join(begun)


def _seen(info: os.stat_result) -> tuple[int, ...]:
    return info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino, info.st_dev


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream's content piece by piece."""
    while piece := stream.read(PIECE):
        yield piece


def buffered(stream: BinaryIO, *hashes: Watching) -> io.BufferedReader:
    """Return the stream as one to read lines from, which shows what is read to the hashes."""
    return io.BufferedReader(Watched(stream, *hashes), PIECE)


class Watching(Protocol):
    """What sees the pieces of a content as they come, such as a hash."""

    def update(self, piece: bytes, /) -> None:
        """See the next piece."""


class Watched(io.RawIOBase):
    """A stream that shows what is read from it to hashes, as it comes."""

    def __init__(self, stream: BinaryIO, *hashes: Watching) -> None:
        super().__init__()
        self._stream = stream
        self._hashes = hashes

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; returns how many bytes."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        for one in self._hashes:
            one.update(data)
        return len(data)


# ---------------------------------------------------------------- line ends


class FoldedHash:
    """The SHA-256 of a content whose line ends are folded as often as those of smaller files are."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._folds = (_Fold(), _Fold())

    def update(self, piece: bytes) -> None:
        """Count the next piece in."""
        for fold in self._folds:
            piece = fold.next(piece)
        self._hash.update(piece)

    def hexdigest(self) -> str:
        """End the content and return its digest."""
        first, second = self._folds
        self._hash.update(second.next(first.rest()) + second.rest())
        return self._hash.hexdigest()


class _Fold:
    """CR LF becomes LF, wherever pieces are cut."""

    def __init__(self) -> None:
        self._held = b""

    def next(self, piece: bytes) -> bytes:
        if self._held:
            piece, self._held = self._held + piece, b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        return piece.replace(b"\r\n", b"\n") if b"\r" in piece else piece

    def rest(self) -> bytes:
        held, self._held = self._held, b""
        return held


def prefixed_reading(begun: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return what reads the bytes that were read already, and then the others."""
    start = io.BytesIO(begun)
    return lambda size: start.read(size) or read(size)


def folded_reading(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return what reads a content, so many bytes at most at once, with CR LF as LF."""
    fold = _Fold()
    there = b""

    def next_piece(size: int) -> bytes:
        nonlocal there
        while not there and (piece := read(PIECE)):
            there = fold.next(piece)
        there = there or fold.rest()
        taken, there = there[:size], there[size:]
        return taken

    return next_piece


def folded_digest(pieces: Iterable[bytes]) -> str:
    """Return the SHA-256 of a content with LF line ends, as a stamp counts it (design.md 3)."""
    found = FoldedHash()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


# ---------------------------------------------------------------- remembering


def recall_folded(repo: Repository, blob: str) -> str | None:
    """Return what ``remember_folded`` kept of a blob, None when that is nothing or damaged."""
    with suppress(OSError, ValueError):
        digest, check = (repo.state_dir / _FOLDER / blob).read_text("ascii").split()
        if check == _check(blob, digest):
            return digest
    return None


def remember_folded(repo: Repository, blob: str, digest: str) -> None:
    """Keep the digest of a blob; it holds forever, because an id stands for one content (P7)."""
    folder = repo.state_dir / _FOLDER
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / blob, f"{digest} {_check(blob, digest)}\n".encode())
        kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_MOST_KEPT]:
            path.unlink(missing_ok=True)


def _check(blob: str, digest: str) -> str:
    return hashlib.sha256(f"{blob} {digest}".encode()).hexdigest()
