"""Pieces of a ``git fast-import`` stream: contents, people and trees. Nothing in them depends on this clone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime


def data_block(content: bytes) -> bytes:
    """Write a content with its length."""
    return b"data %d\n%s\n" % (len(content), content)


def person_line(label: str, time: str) -> str:
    """Write ``Name <email> SECONDS +0000`` of whom a server calls ``label``, at a time of ISO 8601.

    What git could not store is left out; a label that is no address has none, and a time that is none is 0.
    """
    name = re.sub(r"[<>\x00-\x1f\x7f]", "", label).strip() or "unknown"
    return f"{name} <{name if '@' in name else ''}> {unix_seconds(time)} +0000"


def unix_seconds(time: str) -> int:
    """Return a time of ISO 8601 as Unix seconds; one that is none, or before 1970, is 0."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def quoted(path: str) -> str:
    """Write a path as the stream has it."""
    inside = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inside}"'


def file_lines(files: Mapping[str, bytes], *, executable: Collection[str] = ()) -> list[bytes]:
    """Write plain files, by path. A file that another one has for its folder is left out: no tree holds both."""
    parts = []
    for path in _without_folders_of_others(files):
        mode = 100755 if path in executable else 100644
        line = f"M {mode} inline {quoted(path)}\n"
        parts += [line.encode("utf-8", "surrogateescape"), data_block(files[path])]
    return parts


def _without_folders_of_others(paths: Collection[str]) -> list[str]:
    folders = {path[:at] for path in paths for at, char in enumerate(path) if char == "/"}
    return sorted(path for path in paths if path not in folders)
