"""The door to datasets of whichever generation: what every implementation takes, returns and raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from skillsync.api.listing import Collected, Listing
from skillsync.formats.row_names import Spelling
from skillsync.model import DatasetInfo, DatasetRevision, Json, RemoteDataset, RemoteRow, Row

Collect: TypeAlias = Callable[[], Collected[RemoteRow]]
"""Makes what rows are put into while there may be a million of them."""


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a server's datasets promise; the engine asks for these and never for a generation (P21).

    ``guarded``: an update, a removal and a restoration name the version that they build upon, and are refused when
    another one is there. ``idempotent``: a creation with a key may be repeated. ``history``: every version of a row
    and every revision of a dataset can be read; what is removed can be read as well.
    """

    guarded: bool = False
    idempotent: bool = False
    history: bool = False


LAST_WRITER_WINS = Guarantees()
VERSIONED = Guarantees(guarded=True, idempotent=True, history=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a server's datasets may hold, archived things included: nothing can be deleted there.

    ``datasets`` in a project, ``items`` in a dataset, ``versions`` of a row (the last one is kept for restoring it),
    ``bytes`` of a row's content.
    """

    datasets: int
    items: int
    versions: int
    bytes: int


DOCUMENTED_LIMITS = Limits(datasets=20, items=5_000, versions=40, bytes=40_000)
"""PostHog's own (datasets-api.md 3.5)."""

LIMITS_HEADER = "x-dataset-limits"
"""Where a server of our own says what it allows: ``datasets=20 items=5000 versions=40 bytes=40000``."""


def parse_limits(text: str) -> Limits | None:
    """Read the header, None where it does not say all of it."""
    words = dict(word.partition("=")[::2] for word in text.split())
    try:
        return Limits(**{name: int(words[name]) for name in Limits.__dataclass_fields__})
    except (KeyError, ValueError):
        return None


class DatasetsPort(Protocol):
    """The calls that differ between the generations. Each raises a RemoteError when the server refuses or fails.

    A row or dataset is *live* unless it is deleted or archived; the two words mean the same here. A live one that
    is not there is NotFound, with the reason ``archived`` where the server can tell.
    """

    guarantees: Guarantees
    spelling: Spelling

    def parse(self, value: Json, *, dataset_id: str | None = None) -> RemoteDataset:
        """Read a dataset from an answer."""
        ...

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        """Create a dataset that carries ``slug`` for us."""
        ...

    def patch(self, remote: RemoteDataset, changes: Mapping[str, Json]) -> RemoteDataset:
        """Change fields of a dataset."""
        ...

    def delete(self, dataset_id: str) -> None:
        """Archive a dataset; its rows stay as they are. BadAnswer when it lives on."""
        ...

    def undelete(self, dataset_id: str) -> RemoteDataset:
        """Bring an archived dataset back. BadAnswer when it is still archived."""
        ...

    def list_rows(
        self, dataset: str, *, revision: int | None, archived: bool, page: int, collect: Collect
    ) -> Listing[RemoteRow]:
        """List a dataset's live rows, or the archived ones; at a revision where there is history.

        What ``collect`` makes is given each row as it comes, and is then what is listed.
        """
        ...

    def count_archived(self, dataset: str | None) -> int:
        """Count the archived rows of a dataset, or (None) the project's archived datasets; 0 where none shows."""
        ...

    def read_row(self, item_id: str, *, revision: int | None) -> RemoteRow:
        """Read a live row, now or as it was at a revision."""
        ...

    def read_any(self, item_id: str) -> RemoteRow:
        """Read a row, archived or not; NotFound when there never was one."""
        ...

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        """Create a row with its key. KeyTaken where keys are unique and an item of another content has it."""
        ...

    def update_row(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Change fields, named as in ROW_FIELDS, of a row that is as ``now``; null clears one.

        VersionConflict where writes are guarded and the row has moved on.
        """
        ...

    def delete_row(self, now: RemoteRow) -> RemoteRow:
        """Archive a row that is as ``now``. BadAnswer when it lives on; VersionConflict as above."""
        ...

    def undelete_row(self, item_id: str) -> RemoteRow:
        """Bring an archived row back as it was. BadAnswer when it is still archived."""
        ...

    def bring_back(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        """Bring the archived row ``now`` back with these fields changed."""
        ...

    def revisions(self, dataset: str, *, newest: int, skip: int = 0) -> Sequence[DatasetRevision]:
        """List at most ``newest`` revisions of a dataset, newest first, after ``skip``; none without history."""
        ...

    def versions(self, item_id: str) -> Listing[RemoteRow]:
        """List every version of a row, newest first; empty where there is no history."""
        ...
