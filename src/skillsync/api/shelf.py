"""The door to versions of skills that were read before: what is kept of one, and how one is asked for again.

A version never changes (skills-api.md 1.3), and its UUID is its own: what was read once under an id need not be read
again. What is kept is what came: the fields as the server stores them, and the whole text of every file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from skillsync.api.reading import ManifestEntry, check_text
from skillsync.errors import BadAnswer
from skillsync.model import Json, RemoteFile, Version

KEPT_FIELDS = (
    *("description", "body", "license", "compatibility"),
    *("allowed_tools", "metadata"),
)
"""The fields of a detail that are a version's content; the others move with the skill, or are of its whole."""


class Wish(NamedTuple):
    """A version that is about to be read: its number, or None for the newest, and its id where that is known."""

    name: str
    number: int | None
    id: str = ""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version as it was read whole; ``fields`` are those of KEPT_FIELDS, as they came."""

    version: Version
    fields: Mapping[str, Json] = field(repr=False)
    files: tuple[RemoteFile, ...] = field(default=(), repr=False)

    def file(self, entry: ManifestEntry) -> RemoteFile | None:
        """Return the file that an entry of this version's manifest lists, None where it is not just that file."""
        for one in self.files:
            if (one.path, one.content_type) == (entry.path, entry.content_type):
                try:
                    check_text(one.text, entry, name=self.version.name)
                except BadAnswer:
                    return None
                return one
        return None


class Shelf(Protocol):
    """Keeps versions of one target. Nothing is raised: what cannot be kept or found costs requests, nothing else."""

    def recall(self, wishes: Collection[Wish]) -> Mapping[Wish, StoredVersion]:
        """Return what is kept of the versions, by wish.

        Where a wish names an id it is that very version. Else it is the newest of that number that is kept, which may
        be another incarnation's: whoever asks compares the id with what the server says.
        """
        ...

    def keep(self, versions: Sequence[StoredVersion]) -> None:
        """Keep versions; those that are kept already stay as they are."""
        ...


class NoShelf:
    """Keeps nothing."""

    def recall(self, wishes: Collection[Wish]) -> Mapping[Wish, StoredVersion]:  # noqa: ARG002
        """Nothing was kept."""
        return {}

    def keep(self, versions: Sequence[StoredVersion]) -> None:
        """Forget them at once."""
