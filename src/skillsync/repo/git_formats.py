"""What git prints and reads, as values: NUL-separated lists, object batches, index lines. No process here."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

GITLINK = 0o160000
SYMLINK = 0o120000
TREE = 0o040000
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256 = 64
"""Digits of an id in a repository of that object format."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file of a commit's tree. ``mode`` as git keeps it (0o100644, 0o100755, 0o120000, 0o160000).

    ``size`` in bytes; -1 for a submodule, which has no blob.
    """

    path: str
    mode: int
    blob: str
    size: int

    @property
    def executable(self) -> bool:
        """Tell whether the file has the executable bit."""
        return self.mode & 0o170100 == 0o100100


class ListedFile(NamedTuple):
    """One path of the working tree: in the index (then with mode, blob, stage), or untracked (mode 0).

    ``is_skipped`` tells that a sparse checkout leaves it out of the working tree. ``is_folder`` marks an
    untracked repository inside this one, which git lists as one path; ``is_denied`` a folder that git could not
    look into.
    """

    path: str
    mode: int = 0
    blob: str = ""
    stage: int = 0
    is_skipped: bool = False
    is_folder: bool = False
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: ``time`` is the committer's, in seconds since 1970 UTC (for display, never evidence)."""

    id: str
    parents: tuple[str, ...]
    subject: str
    author: str
    time: int


@dataclass(frozen=True, slots=True)
class AddedBlob:
    """A file as a commit made it: ``before`` is the blob it replaced in one of the parents, ``""`` for none."""

    commit: str
    path: str
    blob: str
    before: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A line that ``commit`` added to the file ``path``, without its line end."""

    commit: str
    path: str
    line: str


@dataclass(frozen=True, slots=True)
class TextMerge:
    """A merged text (LF) and how many conflicts it holds, marked with runs of ``marker_size`` characters."""

    text: str
    conflicts: int
    marker_size: int = 7


def blob_hash(pieces: Iterable[bytes], size: int, *, like: str) -> str:
    """Return git's id of a content of so many bytes, by the algorithm of another id (git-hash-object(1))."""
    found = hashlib.new("sha256" if len(like) == _SHA256 else "sha1", usedforsecurity=False)
    found.update(b"blob %d\0" % size)
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def is_object_id(text: str) -> bool:
    """Tell whether ``text`` is a full object id (SHA-1 or SHA-256), not a name, an option or a short id."""
    return _ID.fullmatch(text) is not None


def names(output: bytes) -> list[str]:
    """Split a NUL-terminated list; bytes that are no UTF-8 become lone surrogates (``os.fsdecode``)."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def parse_tree(output: bytes) -> list[TreeEntry]:
    """Read ``git ls-tree -z -l``."""
    entries = []
    for record in names(output):
        facts, path = record.split("\t", 1)
        mode, _kind, blob, size = facts.split()
        entries.append(TreeEntry(path, int(mode, 8), blob, -1 if size == "-" else int(size)))
    return entries


def parse_tree_object(data: bytes, own_id: str) -> Iterator[tuple[int, str, str]]:
    """Read a tree object: mode, name and id of each entry. ``own_id``, the tree's own, says how long ids are."""
    length = len(own_id) // 2
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        name = os.fsdecode(data[space + 1 : end])
        yield int(data[position:space], 8), name, data[end + 1 : end + 1 + length].hex()
        position = end + 1 + length


def parents_of(data: bytes) -> list[str]:
    """Read the parents that a commit object names."""
    header = data.partition(b"\n\n")[0].splitlines()
    return [line[7:].decode("ascii") for line in header if line.startswith(b"parent ")]


def parse_listing(output: bytes) -> Iterator[ListedFile]:
    """Read ``git ls-files -z -t -s --cached --others``: tag, then index facts and a tab unless untracked."""
    modes: dict[str, int] = {}
    for record in os.fsdecode(output).split("\0"):
        if record.startswith("?"):
            path = record[2:].removesuffix("/")
            yield ListedFile(path, is_folder=record.endswith("/"))
        elif record:
            facts, path = record.split("\t", 1)
            tag, mode, blob, stage = facts.split(" ")
            number = modes.get(mode) or modes.setdefault(mode, int(mode, 8))
            yield ListedFile(path, number, blob, int(stage), tag == "S")


def listed_paths(output: bytes) -> Iterator[str]:
    """Name the paths of such a listing and nothing else: a third of the work."""
    for record in os.fsdecode(output).split("\0"):
        if record.startswith("?"):
            yield record[2:].removesuffix("/")
        elif record:
            yield record[record.index("\t") + 1 :]


_DENIED = re.compile(r"^warning: could not open directory '(.+?)/?': ", re.MULTILINE)


def parse_denied(complaint: str) -> list[ListedFile]:
    """Read from git's warnings which folders it could not look into; it exits with 0 all the same."""
    return [ListedFile(path, is_folder=True, is_denied=True) for path in _DENIED.findall(complaint)]


def parse_unmerged(output: bytes) -> dict[str, dict[int, tuple[int, str]]]:
    """Read ``git ls-files -u -z``: path to stage (1 base, 2 local, 3 remote) to mode and blob."""
    found: dict[str, dict[int, tuple[int, str]]] = {}
    for record in names(output):
        facts, path = record.split("\t", 1)
        mode, blob, stage = facts.split(" ")
        found.setdefault(path, {})[int(stage)] = (int(mode, 8), blob)
    return found


def parse_index_changes(output: bytes) -> dict[str, str]:
    """Read ``git diff-index --cached --raw -z``: path to the blob on the commit's side, ``""`` for none."""
    tokens = names(output)
    changes = {}
    for facts, path in zip(tokens[::2], tokens[1::2], strict=True):
        blob = facts.split(" ")[2]
        changes[path] = blob if blob.strip("0") else ""
    return changes


def parse_sizes(output: bytes) -> dict[str, int]:
    """Read ``git cat-file --batch-check``: id to size in bytes; missing objects are left out."""
    found = {}
    for line in output.decode().splitlines():
        words = line.split(" ")
        if words[-1] != "missing":
            found[words[0]] = int(words[2])
    return found


LOG_FORMAT = "%x01%H%x00%P%x00%ct%x00%an%x00%s"


def parse_log(output: bytes) -> list[Commit]:
    """Read ``git log -z --format=LOG_FORMAT``."""
    fields = output.decode("utf-8", "replace").split("\0")
    commits = []
    for start in range(0, len(fields) - 4, 5):
        commit, parents, time, author, subject = fields[start : start + 5]
        commits.append(
            Commit(commit.lstrip("\x01"), tuple(parents.split()), subject, author, int(time))
        )
    return commits


def parse_named_log(output: bytes) -> dict[str, list[str]]:
    """Read ``git log -z -m --name-only --format=%x01%H``: commit to the paths it touches, in its order.

    A merge appears once for each parent.
    """
    found: dict[str, list[str]] = {}
    paths: list[str] = []
    for token in names(output):
        if token.startswith("\x01") and is_object_id(token[1:]):
            paths = found.setdefault(token[1:], [])
        elif path := token.removeprefix("\n"):
            paths.append(path)
    return found


def parse_raw_log(output: bytes) -> Iterator[AddedBlob]:
    """Read ``git log -z --raw --no-abbrev -m --format=%x01%H``: the files that commits wrote, in its order.

    A merge appears once for each parent. Deletions and links are left out.
    """
    commit = ""
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        token = token.lstrip(b"\n")
        if token.startswith(b"\x01"):
            commit = token[1:].decode()
        elif token.startswith(b":"):
            path = os.fsdecode(next(tokens, b""))
            _old_mode, new_mode, old, new, _status = token[1:].decode().split(" ")
            if new_mode.startswith("100"):
                yield AddedBlob(commit, path, new, "" if set(old) == {"0"} else old)


def parse_deleted(output: bytes) -> Iterator[tuple[str, str]]:
    """Read ``git log -z --raw --no-abbrev -m --diff-filter=D --format=%x01%H``: path and the blob that was deleted."""
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        token = token.lstrip(b"\n")
        if token.startswith(b":"):
            path = os.fsdecode(next(tokens, b""))
            old_mode, _new_mode, old, _new, _status = token[1:].decode().split(" ")
            if old_mode.startswith("100"):
                yield path, old


def added_lines(added: AddedBlob, contents: Mapping[str, bytes]) -> list[HistoryLine]:
    """Name the lines of the new blob that the old one lacks, in file order. Unknown blobs hold no lines."""
    before = set(_lines(contents.get(added.before, b"")))
    lines = _lines(contents.get(added.blob, b""))
    return [HistoryLine(added.commit, added.path, line) for line in lines if line not in before]


def _lines(data: bytes) -> list[str]:
    return [line.removesuffix("\r") for line in data.decode("utf-8", "replace").split("\n") if line]


def blob_stream(contents: Sequence[bytes]) -> bytes:
    """Write the ``git fast-import`` stream that stores ``contents`` and prints their ids, one a line."""
    parts = []
    for number, content in enumerate(contents, start=1):
        parts.append(b"blob\nmark :%d\ndata %d\n" % (number, len(content)))
        parts.append(content)
        parts.append(b"\nget-mark :%d\n" % number)
    return b"".join(parts)


def index_lines(entries: Iterable[tuple[str, int, str, int]]) -> bytes:
    """Write ``git update-index -z --index-info`` input from (path, mode, blob, stage). Mode 0 removes a path."""
    return b"".join(
        b"%o %s %d\t%s\0" % (mode, blob.encode(), stage, os.fsencode(path))
        for path, mode, blob, stage in entries
    )


_RUN = re.compile(r"^(<{7,}|>{7,}|\|{7,}|={7,})", re.MULTILINE)


def marker_size(texts: Iterable[str], *, minimum: int = 7) -> int:
    """Choose the length of conflict markers so that no line of ``texts`` can be taken for one (sync.md 8).

    Longer than every run of ``<``, ``>`` or ``|`` at a line's start. Runs of ``=`` are ordinary underlines in
    Markdown, so it only has to differ from their lengths.
    """
    runs = [run for text in texts for run in _RUN.findall(text)]
    underlines = {len(run) for run in runs if run[0] == "="}
    size = max([minimum, *(len(run) + 1 for run in runs if run[0] != "=")])
    while size in underlines:
        size += 1
    return size
