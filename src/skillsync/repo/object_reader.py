"""Reads git objects through one `git cat-file --batch` that stays: hundreds of questions cost one process.

A process for each question costs 3 ms and more, a question to this one some 30 µs (performance.md, "Git objects").
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from subprocess import Popen

from skillsync.errors import GitFailed

_AHEAD = 4_000
"""Bytes of questions that are written before their answers are read: every pipe holds them, so neither side waits."""

_CHUNK = 1 << 20
_COMPLAINT_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object as git has it: ``kind`` is blob, tree, commit or tag, ``size`` in bytes.

    ``data`` is None when it is longer than was asked for, or when contents were not asked for.
    """

    id: str
    kind: str
    size: int
    data: bytes | None


class ObjectReader:
    """One git process that is started at the first question. Safe to share between threads.

    ``start`` starts it with pipes; ``contents`` tells whether it gives them, as ``--batch-check`` does not. It ends
    with ``close``, when this object is forgotten, or with our process.
    """

    def __init__(self, start: Callable[[], Popen[bytes]], *, contents: bool = True) -> None:
        self._start = start
        self._contents = contents
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._finalizer: weakref.finalize[[], ObjectReader] | None = None

    def read(self, name: str, *, limit: int | None = None) -> GitObject | None:
        """Return the object of that name (an id, ``COMMIT:PATH``), None when there is none."""
        return self.read_many([name], limit=limit)[name]

    def read_many(
        self, names: Iterable[str], *, limit: int | None = None
    ) -> dict[str, GitObject | None]:
        """Return the objects by name. ``limit``: bytes beyond which an object's content is left out.

        A name must not hold a line end. Raises GitFailed when git fails, as for a damaged object.
        """
        with self._lock:
            found: dict[str, GitObject | None] = {}
            try:
                for batch in _batches(dict.fromkeys(names)):
                    found.update(zip(batch, self._ask(batch, limit), strict=True))
            except BaseException:
                # Answers nobody read would be taken for those of the next question.
                self._stop()
                raise
            return found

    def close(self) -> None:
        """End the process; a later question starts another."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._running = self._finalizer = None

    def _ask(self, names: list[str], limit: int | None) -> Iterator[GitObject | None]:
        if self._running is None:
            self._running = _Running(self._start(), contents=self._contents)
            self._finalizer = weakref.finalize(self, self._running.stop)
        running = self._running
        running.write(b"".join(_question(name) for name in names))
        return (running.answer(limit) for _ in names)


class _Running:
    """The process and its pipes. What it says on stderr is read as it comes, so that it never waits for us."""

    def __init__(self, process: Popen[bytes], *, contents: bool) -> None:
        assert process.stdin is not None  # started with pipes
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._contents = contents
        self._questions, self._answers = process.stdin, process.stdout
        self._complaints = process.stderr
        self._complaint = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while line := self._complaints.readline(_COMPLAINT_KEPT):
            self._complaint = (self._complaint + line)[-_COMPLAINT_KEPT:]

    def write(self, questions: bytes) -> None:
        try:
            self._questions.write(questions)
            self._questions.flush()
        except OSError as error:
            raise self._failed() from error

    def answer(self, limit: int | None) -> GitObject | None:
        words = self._answers.readline().removesuffix(b"\n").split(b" ")
        if words[-1] in {b"missing", b"ambiguous"}:
            return None
        try:
            name, kind, size = words[0].decode(), words[1].decode(), int(words[2])
        except (IndexError, ValueError) as error:
            raise self._failed() from error
        is_kept = limit is None or size <= limit
        data = self._content(size, keep=is_kept) if self._contents else None
        return GitObject(name, kind, size, data)

    def _content(self, size: int, *, keep: bool) -> bytes | None:
        """Read one content and the line end after it; what is too long is read and thrown away."""
        if keep:
            data = self._answers.read(size + 1)
            if len(data) != size + 1:
                raise self._failed()
            return data[:-1]
        left = size + 1
        while left:
            part = self._answers.read(min(left, _CHUNK))
            if not part:
                raise self._failed()
            left -= len(part)
        return None

    def _failed(self) -> GitFailed:
        self._close_pipes()
        status = self._process.wait()
        self._listener.join()
        return GitFailed("git cat-file --batch", status, os.fsdecode(self._complaint))

    def _close_pipes(self) -> None:
        for pipe in (self._questions, self._answers):
            try:
                pipe.close()
            except OSError:
                continue  # it has gone; what was not sent was not asked

    def stop(self) -> None:
        self._close_pipes()
        self._process.wait()
        self._listener.join()
        self._complaints.close()


def _question(name: str) -> bytes:
    return os.fsencode(name) + b"\n"


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for name in names:
        size += len(_question(name))
        if batch and size > _AHEAD:
            yield batch
            batch, size = [], len(_question(name))
        batch.append(name)
    if batch:
        yield batch
