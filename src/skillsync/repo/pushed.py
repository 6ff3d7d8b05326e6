"""Keeps what was published last of a folder, as a commit upon HEAD that no branch has: ``refs/skillsync/pushed/…``.

Where a server keeps no marker, an own publish is recognised by a content that HEAD's history has, and a revert has such
a content. A reflog tells of one that was committed and thrown away, but not whether it was published, and nothing of one
that was not committed. This does. As with a reflog, what is deleted here is forgotten; it only ever keeps something from
being published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from skillsync.errors import GitFailed
from skillsync.repo.git import Repository
from skillsync.repo.import_stream import data_block, file_lines, quoted


@dataclass(frozen=True, slots=True)
class PushedFiles:
    """The files of an object as they were published, by path in the repository."""

    directory: str
    files: Mapping[str, bytes]
    executable: Collection[str] = field(default=())


def keep_pushed(
    repo: Repository, objects: Iterable[PushedFiles], *, head: str | None, now: datetime
) -> None:
    """Keep what was published last of each folder, in one process. It is a precaution: what fails stops nothing.

    ``head`` is the commit that it was published upon; without one there is nothing to go back to.
    """
    seconds = int(now.timestamp())
    parts: list[bytes] = []
    for one in objects:
        parts += [
            f"commit {_ref(one.directory)}\n".encode(),
            f"committer skillsync <skillsync@localhost> {seconds} +0000\n".encode(),
            data_block(b"skillsync: published\n"),
            f"from {head}\n".encode(),
            _without(one.directory),
            *file_lines(one.files, executable=one.executable),
            b"\n",
        ]
    if parts and head is not None:
        with suppress(GitFailed):
            repo.run(["fast-import", "--quiet", "--force"], data=b"".join(parts), reads=False)


def find_pushed(repo: Repository, directory: str) -> str | None:
    """Return the commit that keeps what was published last of a folder, None if nothing was kept; no process."""
    ref = _ref(directory)
    found = repo.named_objects([ref], limit=0).get(ref)
    return found.id if found is not None and found.kind == "commit" else None


def _without(directory: str) -> bytes:
    command = f"D {quoted(directory)}" if directory else "deleteall"
    return f"{command}\n".encode("utf-8", "surrogateescape")


def _ref(directory: str) -> str:
    name = sha256(directory.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"refs/skillsync/pushed/{name}"
