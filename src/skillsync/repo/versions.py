"""Keeps versions of remote skills as git commits under ``refs/skillsync/<host>/<project>/<name>`` (sync.md 5.3, 5.6).

They are copies: nothing is decided by them, and they may be deleted at any time. The same versions give the same
commits in every clone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from skillsync.model import Json
from skillsync.repo.git import Repository

_UNFIT = re.compile(r"[^A-Za-z0-9._/-]")
_RECORD = ".skillsync-version.json"


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """One version: ``label`` is its author as the server names it, ``time`` as the server prints it (ISO 8601).

    ``files`` are for reading; ``record`` holds everything, whatever a file system or git makes of the paths.
    """

    number: int
    id: str
    label: str
    time: str
    record: Mapping[str, Json]
    files: Mapping[str, bytes] = field(default_factory=dict)


def version_ref(place: str, name: str) -> str:
    """Return the ref that keeps a skill's versions; ``place`` is ``HOST/PROJECT``."""
    return f"refs/skillsync/{_UNFIT.sub('_', place)}/{name}"


def kept_versions(repo: Repository, ref: str) -> set[str]:
    """Return the ids of the versions that are kept under a ref."""
    there = repo.run(["rev-parse", "--verify", "--quiet", ref], accept=(0, 1)).line
    if not there:
        return set()
    return {commit.subject.rpartition(" ")[2] for commit in repo.log_paths(there)}


def keep_versions(repo: Repository, ref: str, name: str, versions: Iterable[KeptVersion]) -> None:
    """Add versions, oldest first, on top of those that are kept already."""
    before = repo.run(["rev-parse", "--verify", "--quiet", ref], accept=(0, 1)).line
    parts: list[bytes] = []
    for version in versions:
        parts += _commit(ref, name, version, parent=before if not parts else "")
    if parts:
        repo.run(["fast-import", "--quiet"], data=b"".join(parts), reads=False)


def _commit(ref: str, name: str, version: KeptVersion, *, parent: str) -> Sequence[bytes]:
    when = f"{_seconds(version.time)} +0000"
    label = re.sub(r"[<>\x00-\x1f]", "", version.label) or "unknown"
    lines = [
        f"commit {ref}",
        f"author {label} <> {when}",
        f"committer skillsync <skillsync@localhost> {when}",
    ]
    text = json.dumps(version.record, ensure_ascii=False, indent=1, sort_keys=True)
    files = {**version.files, _RECORD: text.encode()}
    return [
        "\n".join([*lines, ""]).encode(),
        _data(f"{name} v{version.number} {version.id}\n".encode()),
        f"from {parent}\n".encode() if parent else b"",
        b"deleteall\n",
        *_tree(files),
        b"\n",
    ]


def _tree(files: Mapping[str, bytes]) -> list[bytes]:
    parts = []
    for path in _without_folders_of_others(files):
        quoted = path.replace("\\", "\\\\").replace('"', '\\"')
        parts += [f'M 100644 inline "{quoted}"\n'.encode(), _data(files[path])]
    return parts


def _without_folders_of_others(paths: Collection[str]) -> list[str]:
    """Leave out a file that another one has for its folder: a tree cannot hold both."""
    folders = {path[:at] for path in paths for at, char in enumerate(path) if char == "/"}
    return sorted(path for path in paths if path not in folders)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _seconds(time: str) -> int:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
