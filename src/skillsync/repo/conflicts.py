"""Conflicts that wait for a person when there is no index to keep them in: ``.git/skillsync/conflicts`` (sync.md 8).

Records are a convenience: everything in them can be computed again from the base and the two sides (P7).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import quote

from skillsync.model import Json
from skillsync.repo.disk import REAL, TEMP_PREFIX, Disk
from skillsync.repo.files import write_atomic
from skillsync.repo.git import Repository
from skillsync.repo.handles import opened_root

_LONGEST = 200
_SIDES = ("base", "local", "remote")
"""The sides in the order of git's stages 1, 2 and 3."""


class ConflictStore:
    """The parked conflicts of one working tree, one JSON object per skill or dataset."""

    def __init__(self, repo: Repository, *, disk: Disk = REAL) -> None:
        self._folder = repo.state_dir / "conflicts"
        self._disk = disk

    def write(self, subject: str, record: Mapping[str, Json]) -> None:
        """Park a conflict of ``subject``, replacing what was parked before."""
        text = json.dumps({"subject": subject, "record": dict(record)}, indent=1)
        write_atomic(self._folder / _file_name(subject), text.encode(), disk=self._disk)

    def read(self, subject: str) -> dict[str, Json] | None:
        """Return the parked record, None when there is none or it cannot be read."""
        return self._load(_file_name(subject)).get(subject)

    def list(self) -> dict[str, dict[str, Json]]:
        """Return all parked records by subject."""
        found: dict[str, dict[str, Json]] = {}
        if self._folder.is_dir():
            for path in sorted(self._folder.glob("*.json")):
                found |= self._load(path.name)
        return found

    def delete(self, subject: str) -> bool:
        """Forget a parked conflict; returns whether there was one."""
        try:
            with opened_root(self._folder) as at:
                self._disk.unlink(_file_name(subject), at=at)
        except FileNotFoundError:
            return False
        return True

    def clean(self) -> None:
        """Remove the temporary files that a crash left here; only while holding the lock."""
        if self._folder.is_dir():
            for path in self._folder.glob(f"{TEMP_PREFIX}*"):
                path.unlink(missing_ok=True)

    def _load(self, name: str) -> dict[str, dict[str, Json]]:
        try:
            parked = json.loads((self._folder / name).read_bytes())
            subject, record = parked["subject"], parked["record"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        if isinstance(subject, str) and isinstance(record, dict):
            return {subject: record}
        return {}


def stage_record(repo: Repository, record: Mapping[str, Json]) -> None:
    """Write the index stages that a parked record names (its ``sides`` are blob ids), all with one process.

    Raises GitFailed when git refuses, because another git command holds the index for example.
    """
    executable = record.get("executable")
    modes = set(executable) if isinstance(executable, list) else set()
    repo.index.stage_blobs(
        {
            path: {number: str(sides[name]) for number, name in enumerate(_SIDES, 1) if sides[name]}
            for path, sides in _sides(record).items()
        },
        executable={path for path in _sides(record) if path in modes},
    )


def unstage_record(repo: Repository, record: Mapping[str, Json]) -> None:
    """Give the index back what HEAD has for the paths of a record that is given up."""
    repo.index.clear_conflict(list(_sides(record)))


def _sides(record: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """Return the blob ids of each conflicting file, by its path in the repository."""
    sides, folder = record.get("sides"), str(record.get("dir", ""))
    found = {}
    for path, blobs in sides.items() if isinstance(sides, dict) else ():
        if isinstance(blobs, dict):
            found[f"{folder}/{path}" if folder else path] = {
                name: blobs.get(name) for name in _SIDES
            }
    return found


def _file_name(subject: str) -> str:
    """Make a file name of any subject: nothing in it leads elsewhere, and case alone never joins two."""
    safe = "".join(f"%{ord(char):02X}" if char.isupper() and char.isascii() else quote(char, safe="", errors="surrogatepass")
                   for char in subject)  # fmt: skip
    if len(safe) > _LONGEST:
        digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
        safe = f"{safe[:100]}~{digest}"
    return f"{safe}.json"
