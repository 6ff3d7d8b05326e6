"""Keeps the versions of a target's skills that were read, in git, so that none is asked for twice (sync.md 5.3, 9.1).

A cache in the strict sense (P7): what is gone or damaged costs requests. A version is believed only where an answer of
this very run names its id, and its record names the same id, number, incarnation and target, and has the digest that
its commit names; what one target's refs hold never stands for another's, be it the same server under another name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.api.reading import skill_from
from skillsync.api.shelf import KEPT_FIELDS, StoredVersion, Wish
from skillsync.errors import GitFailed, InvalidContent
from skillsync.formats.skill_md import new_skill_md
from skillsync.model import Author, Json, RemoteFile, Version
from skillsync.repo.versions import (
    Kept,
    KeptVersion,
    Tip,
    find_kept,
    keep_versions,
    read_records,
)

if TYPE_CHECKING:
    from skillsync.repo.git import Repository

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class VersionShelf:
    """The kept versions of one target; ``place`` is ``HOST/PROJECT``."""

    repo: Repository
    place: str

    def recall(self, wishes: Collection[Wish]) -> Mapping[Wish, StoredVersion]:
        """Return what is kept of the versions; no process of its own for any number of them."""
        try:
            tips = find_kept(self.repo, self.place, {wish.name for wish in wishes})
            chosen = {wish: kept for wish in wishes if (kept := _choose(tips, wish))}
            records = read_records(self.repo, {kept.commit for kept in chosen.values()})
        except GitFailed:
            return {}
        found = {}
        for wish, kept in chosen.items():
            stored = self._stored(wish.name, kept, records.get(kept.commit))
            if stored is not None:
                found[wish] = stored
        return found

    def keep(self, versions: Sequence[StoredVersion]) -> None:
        """Keep versions, as far as git can."""
        with suppress(GitFailed, OSError):
            keep_versions(self.repo, self.place, [self._kept(one) for one in versions])

    # ---------------------------------------------------------------- records

    def _kept(self, stored: StoredVersion) -> KeptVersion:
        version = stored.version
        skill = skill_from(dict(stored.fields), stored.files, version=version)
        files = {file.path: file.text.encode() for file in stored.files}
        with suppress(InvalidContent):  # the record has all of it
            files["SKILL.md"] = new_skill_md(skill.content)
        record: dict[str, Json] = {
            "format": _FORMAT,
            "place": self.place,
            "name": version.name,
            "number": version.number,
            "id": version.id,
            "first": version.first,
            "author": [version.author.id, version.author.label],
            "created_at": version.created_at,
            "version_description": version.description,
            "fields": dict(stored.fields),
            "files": [[file.path, file.content_type, file.text] for file in stored.files],
        }
        label, time = version.author.label, version.created_at
        return KeptVersion(version.name, version.number, version.id, label, time, record, files)

    def _stored(self, name: str, kept: Kept, record: Json) -> StoredVersion | None:
        try:
            if not isinstance(record, dict) or record["format"] != _FORMAT:
                return None
            told = (record["place"], record["name"], record["number"], record["id"])
            if told != (self.place, name, kept.number, kept.id):
                return None
            return StoredVersion(
                _version(record),
                {field: record["fields"][field] for field in KEPT_FIELDS},  # type: ignore[index, call-overload]  # TypeError is none
                tuple(RemoteFile(*_texts(one)) for one in record["files"]),  # type: ignore[union-attr]  # as above
            )
        except (KeyError, TypeError, ValueError):
            return None


def _choose(tips: Mapping[str, Tip], wish: Wish) -> Kept | None:
    versions = tips[wish.name].versions if wish.name in tips else ()
    if wish.id:
        return next((one for one in versions if one.id == wish.id), None)
    of_number = (one for one in versions if wish.number in (None, one.number))
    return next(of_number, None)


def _version(record: Mapping[str, Json]) -> Version:
    author = record["author"]
    number, label = author if isinstance(author, list) else (None, "")
    description = record["version_description"]
    return Version(
        name=str(record["name"]),
        id=str(record["id"]),
        number=int(str(record["number"])),
        first=str(record["first"]),
        author=Author(number if isinstance(number, int) else None, str(label)),
        created_at=str(record["created_at"]),
        description=None if description is None else str(description),
    )


def _texts(value: Json) -> tuple[str, str, str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("not as it was written")
    path, kind, text = value
    return str(path), str(text), str(kind)
