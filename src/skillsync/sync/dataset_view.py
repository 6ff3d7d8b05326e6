"""One dataset and one row as seen from base, local and remote, with what push and pull make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skillsync.api.dataset_port import LAST_WRITER_WINS, Guarantees
from skillsync.core.reconcile_dataset import (
    Candidate,
    DatasetFacts,
    DatasetVerdict,
    FolderState,
    decide_dataset,
)
from skillsync.core.reconcile_skill import Absence
from skillsync.core.row_states import ABSENT
from skillsync.errors import SkillsyncError
from skillsync.formats.canonical import info_digest
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.row_names import Spelling
from skillsync.formats.short_digests import same_digests
from skillsync.model import (
    DatasetInfo,
    DatasetPointer,
    Key,
    Problem,
    RemoteDataset,
)
from skillsync.sync.local import LocalDataset
from skillsync.sync.row_views import RowViews, no_rows

UNKNOWN_INFO = info_digest(DatasetInfo(""))
"""``meta=`` of a dataset that was linked though its name, description or metadata differ: no dataset has this
digest, so that what differs is a conflict and never a take-over (D6)."""


@dataclass
class DatasetView:
    """One dataset seen from all sides. ``base_rows`` maps a key to the short digest of what was taken in.

    ``made_again`` is the tree's line instead of ``line`` where it says that its dataset is gone and shall be made again.
    ``home`` is the folder whose history counts: the old one while a move is not committed. ``ignored``: a pointer
    line is there and does not count. ``info_known``: name, description and metadata on the server are what a commit
    of ours holds, not older than the pointer (sync.md 5.5). ``commit``: the tree is this commit's, not the working
    tree. ``returned_rows``: local rows absent remotely whose key was in a base before; ``older_rows``: those that a
    later commit took in as they are here, with that digest. ``rekeyed``: local key → key of the remote row that a
    line of a folder that was never linked is by its content (D3). ``info_older``: what is local of the three is what a later commit took in or replaced. ``superseded``: a
    later commit linked or removed the folder. Where the server keeps revisions, ``base_revisions`` are those of rows
    whose base is not the pointer's, ``unread`` says that the bases are not known before the server was asked, and
    ``erased_keys`` are rows that it has not even archived, and ``there`` are the short digests of its live rows; where it keeps none,
    ``known_ids`` are the ids that items of our keys had.
    """

    slug: str
    dir: str | None
    home: str = ""
    place: str = ""
    local: LocalDataset | None = None
    gone: LocalDataset | None = None
    commit: str | None = None
    line: DatasetPointer | None = None
    made_again: DatasetPointer | None = None
    is_committed: bool = False
    ignored: bool = False
    base_rows: Mapping[Key, str] = field(default_factory=dict)
    base_revisions: Mapping[Key, int] = field(default_factory=dict)
    unread: bool = False
    guarantees: Guarantees = LAST_WRITER_WINS
    spelling: Spelling = "seed"
    remote: RemoteDataset | None = None
    candidates: tuple[RemoteDataset, ...] = ()
    ours: frozenset[str] = frozenset()
    absence: Absence = Absence.NEVER
    complete: bool = True
    rows: RowViews = field(default_factory=no_rows)
    remote_rows: KeptRows | None = None
    there: Mapping[Key, str] = field(default_factory=dict)
    known_ids: Mapping[Key, str] = field(default_factory=dict)
    gone_keys: frozenset[Key] = frozenset()
    returned_rows: frozenset[Key] = frozenset()
    older_rows: Mapping[Key, str] = field(default_factory=dict)
    erased_keys: frozenset[Key] = frozenset()
    compatible: bool | None = None
    rekeyed: Mapping[Key, Key] = field(default_factory=dict)
    info_known: bool = False
    info_older: bool = False
    superseded: bool = False
    error: SkillsyncError | None = None
    problem: Problem | None = None
    _compared: tuple[Mapping[Key, str], Mapping[Key, str], bool] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """The dataset's name: the folder's, or the remote's for one that is not here."""
        if self.local is not None:
            return self.local.name
        return self.remote.info.name if self.remote else self.slug

    @property
    def linked_id(self) -> str | None:
        """The remote id that the pointer names."""
        return self.line.dataset if self.line else None

    @property
    def is_usable(self) -> bool:
        """Whether its files can be read at all."""
        return self.local is not None and self.local.problem is None

    @property
    def info_differs(self) -> bool:
        """Whether name, description or metadata differ on the two sides."""
        if self.local is None or self.remote is None:
            return False
        return self.local.info_digest != info_digest(self.remote.info)

    @property
    def line_revision(self) -> int:
        """The revision that the pointer names; 0 where there is none, or no revisions."""
        return (self.line.revision if self.line else None) or 0

    def was_there(self, key: Key) -> bool:
        """Tell whether the server had a live row of this key when it was asked."""
        return key in self.there or (self.remote_rows is not None and self.remote_rows.has(key))

    def base_revision(self, key: Key) -> int:
        """The revision at which the remote row was taken in; 0 where there is none, or no revisions."""
        return self.base_revisions.get(key, self.line_revision)

    @property
    def base_count(self) -> int:
        """How many rows were there when the dataset was last in sync."""
        return sum(digest != ABSENT for digest in self.base_rows.values())

    def folder_state(self) -> FolderState:
        """Compare the folder with its base."""
        if self.local is None:
            return FolderState.MISSING
        if self.local.problem is not None:
            return FolderState.INVALID
        if self.line is None or self.line.meta != self.local.info_digest:
            return FolderState.CHANGED
        same = self._is_as_base(self.local.row_digests)
        return FolderState.CLEAN if same and not self.local.items.keyless else FolderState.CHANGED

    def _is_as_base(self, here: Mapping[Key, str]) -> bool:
        """Tell whether these digests are those that were taken in; the same are not compared twice."""
        base = self.base_rows
        if self._compared is None or self._compared[0] is not here or self._compared[1] is not base:
            self._compared = here, base, same_digests(here, base)
        return self._compared[2]

    @property
    def verdict(self) -> DatasetVerdict:
        """What push and pull do with the dataset itself."""
        info_remote = info_digest(self.remote.info) if self.remote else None
        info_local = self.local.info_digest if self.local and self.is_usable else None
        info_base = self.line.meta if self.line else None
        if self.info_older:
            info_base = info_local
        return decide_dataset(
            DatasetFacts(
                self.slug,
                self.folder_state(),
                linked=self.line is not None or (self.gone is not None and self.remote is not None),
                absence=self.absence,
                candidates=tuple(
                    Candidate(item.id, item.id in self.ours) for item in self.candidates
                ),
                is_listing_complete=self.complete,
                is_compatible=self.compatible,
                info_base=info_remote if self.info_known else info_base,
                info_local=info_local,
                info_remote=info_remote,
                superseded=self.superseded,
            )
        )


@dataclass
class DatasetSurvey:
    """All datasets in scope and what is wrong with the rest."""

    views: list[DatasetView]
    problems: list[Problem]
