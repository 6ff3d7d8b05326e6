"""Finds out, for every dataset in scope and every row, what base, local and remote are, and asks core."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.core.merge import changed_row_groups
from skillsync.core.reconcile_dataset import (
    Candidate,
    DatasetFacts,
    DatasetVerdict,
    FolderState,
    decide_dataset,
)
from skillsync.core.reconcile_row import (
    RowFacts,
    RowGroups,
    RowVerdict,
    decide_row,
    removable_duplicates,
    winner,
)
from skillsync.core.reconcile_skill import Absence
from skillsync.core.safety import check_dataset_listing
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    NotAllowed,
    NotFound,
    RefusedForSafety,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import info_digest, row_digest, short
from skillsync.formats.dataset_md import dataset_slug
from skillsync.model import (
    DatasetInfo,
    DatasetPointer,
    Digest,
    Key,
    Problem,
    RemoteDataset,
    RemoteRow,
    Row,
)
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.sync.evidence import Lines
from skillsync.sync.local import LocalDataset, LocalTree, join, pointer_line, row_base
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target

HISTORY_LIMIT = 50
"""At most this many commits of an items.jsonl are searched for a row."""


@dataclass
class RowView:
    """One row seen from all sides, with the verdict.

    ``losers`` are equal copies of our own making (I21). ``is_paired``: the local line has no key of its own and is
    this row by its content (I22).
    """

    key: Key
    base: str | None
    local: Row | None
    remote: RemoteRow | None
    facts: RowFacts
    base_row: Row | None = None
    losers: tuple[RemoteRow, ...] = ()
    is_paired: bool = False

    @cached_property
    def verdict(self) -> RowVerdict:
        """What push and pull do with it."""
        return decide_row(self.facts)


@dataclass
class DatasetView:
    """One dataset seen from all sides. ``base_rows`` maps a key to the short digest of what was taken in."""

    slug: str
    dir: str | None
    local: LocalDataset | None = None
    gone: LocalDataset | None = None
    line: DatasetPointer | None = None
    is_committed: bool = False
    ignored: bool = False
    base_rows: Mapping[Key, str] = field(default_factory=dict)
    remote: RemoteDataset | None = None
    candidates: tuple[RemoteDataset, ...] = ()
    ours: frozenset[str] = frozenset()
    absence: Absence = Absence.NEVER
    complete: bool = True
    rows: list[RowView] = field(default_factory=list)
    remote_rows: tuple[RemoteRow, ...] | None = None
    gone_keys: frozenset[Key] = frozenset()
    compatible: bool | None = None
    error: SkillsyncError | None = None
    problem: Problem | None = None

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

    def folder_state(self) -> FolderState:
        """Compare the folder with its base."""
        if self.local is None:
            return FolderState.MISSING
        if self.local.problem is not None:
            return FolderState.INVALID
        if self.line is None or self.line.meta != self.local.info_digest:
            return FolderState.CHANGED
        same = dict(self.local.row_digests) == dict(self.base_rows)
        return FolderState.CLEAN if same and not self.local.items.keyless else FolderState.CHANGED

    @property
    def verdict(self) -> DatasetVerdict:
        """What push and pull do with the dataset itself."""
        valid = self.local is not None and self.local.problem is None
        absence = self.absence
        return decide_dataset(
            DatasetFacts(
                self.slug,
                self.folder_state(),
                linked=self.line is not None,
                absence=absence,
                candidates=tuple(
                    Candidate(item.id, item.id in self.ours) for item in self.candidates
                ),
                is_listing_complete=self.complete,
                is_compatible=self.compatible,
                info_base=self.line.meta if self.line else None,
                info_local=self.local.info_digest if self.local and valid else None,
                info_remote=info_digest(self.remote.info) if self.remote else None,
            )
        )


@dataclass
class DatasetSurvey:
    """All datasets in scope and what is wrong with the rest."""

    views: list[DatasetView]
    problems: list[Problem]


def survey_datasets(
    workspace: Workspace,
    target: Target,
    tree: LocalTree,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
    confirm: bool = False,
) -> DatasetSurvey:
    """Look at every dataset in scope, and at all rows of those that are linked or can be.

    ``remote`` None is offline. ``confirm``: a row missing from the listing is looked for again before it counts
    as gone. Raises RemoteError when the list itself fails, RefusedForSafety when everything seems to be gone.
    """
    problems: list[Problem] = []
    views = [
        _local_view(workspace, target, dataset, tree, problems, gone=gone)
        for gone, datasets in ((False, tree.datasets), (True, tree.gone_datasets))
        for dataset in datasets
        if target.takes_dataset(dataset.name, dataset.slug)
        and chosen(
            names,
            name=dataset.slug,
            directory=dataset.dir,
            root=workspace.repo.root,
            start=workspace.start,
        )
    ]
    if remote is None:
        return DatasetSurvey(views, problems)
    if not views and names and not _may_be_remote_dataset(workspace, names):
        return DatasetSurvey(views, problems)
    listing = remote.datasets.list()
    _link(views, listing.items, remote, complete=listing.complete)
    _refuse_mass_absence(views, listing.items)
    views += _remote_only(workspace, target, views, listing.items, names)
    for view in views:
        try:
            _read_rows(workspace, view, remote, confirm=confirm)
        except (NotAllowed, BadAnswer, NotFound, InvalidContent, RefusedForSafety) as error:
            view.error = error
    return DatasetSurvey(views, problems)


def _may_be_remote_dataset(workspace: Workspace, names: Collection[str]) -> bool:
    """Names that are no local skill may be datasets that only the remote has."""
    skills = set(workspace.settings.skills)
    return not all(any(name.startswith(f"{root}/") for root in skills) for name in names)


# ---------------------------------------------------------------- linking


def _local_view(
    workspace: Workspace,
    target: Target,
    dataset: LocalDataset,
    tree: LocalTree,
    problems: list[Problem],
    *,
    gone: bool,
) -> DatasetView:
    found: list[Problem] = []
    line = pointer_line(dataset.folder, target.place, found)
    problems.extend(found)
    view = DatasetView(
        dataset.slug,
        dataset.dir,
        local=None if gone else dataset,
        gone=dataset if gone else None,
        problem=found[0] if found else None,
    )
    head_line = line
    if tree.commit is None:
        data = workspace.head_pointers.get(dataset.dir)
        at_head = parse_pointer(data, path=join(dataset.dir, POINTER)) if data else None
        head_line = at_head.lines.get(target.place) if at_head else None
    counted, view.ignored = workspace.history.tree_line(
        Lines(line, head_line), dataset.dir, "" if gone else dataset.files
    )
    if isinstance(counted, DatasetPointer):
        view.line = counted
        view.is_committed = counted == head_line
        folder = dataset.folder
        if counted != line and workspace.history.head is not None:
            folder = workspace.folder_at(workspace.history.head, dataset.dir) or folder
        bases, trouble = row_base(folder, target.place)
        view.base_rows = bases
        if trouble:
            view.problem = trouble[0]
            problems.extend(trouble)
    return view


def _link(
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    remote: Remote,
    *,
    complete: bool,
) -> None:
    by_id = {dataset.id: dataset for dataset in listed}
    for view in views:
        view.complete = complete
        if view.linked_id is not None:
            view.remote = by_id.get(view.linked_id)
            view.absence = Absence.PRESENT
            if view.remote is None:
                view.absence = _absence(view, remote, complete=complete)
        elif view.local is not None:
            same_name = [dataset for dataset in listed if dataset.info.name == view.local.name]
            view.candidates = tuple(same_name)
            view.ours = frozenset(
                dataset.id
                for dataset in same_name
                if dataset.own_slug == view.slug or remote.is_own(dataset.author)
            )
            if len(same_name) == 1:
                view.remote = same_name[0]


def _absence(view: DatasetView, remote: Remote, *, complete: bool) -> Absence:
    """A dataset that is not listed is gone only if a point read says so too (D5, R7)."""
    try:
        view.remote = remote.datasets.read(view.linked_id or "")
    except NotFound:
        return Absence.CONFIRMED if complete else Absence.UNCONFIRMED
    except NotAllowed as error:
        view.error = error
        return Absence.UNCONFIRMED
    except Unreachable:
        return Absence.UNREACHABLE
    return Absence.PRESENT


def _refuse_mass_absence(views: Iterable[DatasetView], listed: Sequence[RemoteDataset]) -> None:
    linked = [view for view in views if view.linked_id]
    missing = [view for view in linked if view.remote is None]
    if len(missing) >= 2 and len(missing) == len(linked) and not listed:
        raise RefusedForSafety(
            f"the server lists no dataset at all, and {len(missing)} are linked here; that is more likely a "
            "wrong project, a key without access or a server that was replaced than a removal",
            unchanged="Nothing was changed on either side.",
            hint="skillsync status -v (is this the right host, project and key?)",
        )


def _remote_only(
    workspace: Workspace,
    target: Target,
    views: Sequence[DatasetView],
    listed: Sequence[RemoteDataset],
    names: Collection[str],
) -> list[DatasetView]:
    """D2: datasets that no folder here is linked to or named after."""
    known = {view.linked_id for view in views}
    known |= {candidate.id for view in views for candidate in view.candidates}
    taken = {view.slug for view in views}
    root = workspace.settings.datasets[0] if workspace.settings.datasets else "datasets"
    found = []
    for dataset in sorted(listed, key=lambda item: (item.created_at, item.id)):
        if dataset.id in known:
            continue
        slug = dataset_slug(dataset.own_slug or dataset.info.name, id=dataset.id, taken=taken)
        directory = f"{root}/{slug}"
        if not target.takes_dataset(dataset.info.name, slug):
            continue
        if (
            not chosen(
                names,
                name=slug,
                directory=directory,
                root=workspace.repo.root,
                start=workspace.start,
            )
            and dataset.info.name not in names
        ):
            continue
        taken.add(slug)
        view = DatasetView(slug, None, remote=dataset, candidates=(dataset,))
        found.append(view)
    return found


# ---------------------------------------------------------------- rows


def _read_rows(workspace: Workspace, view: DatasetView, remote: Remote, *, confirm: bool) -> None:
    if view.remote is None or view.absence in {Absence.UNCONFIRMED, Absence.UNREACHABLE}:
        return
    if view.local is not None and view.local.problem is not None:
        return
    listing = remote.datasets.list_rows(view.remote.id)
    if not listing.complete:
        raise BadAnswer(
            "the listing of rows is not complete: its count and its rows disagree",
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
            hint="run the command again",
        )
    live = [row for row in listing.items if not row.deleted]
    view.remote_rows = tuple(live)
    check_dataset_listing(view.slug, base_rows=len(view.base_rows), remote_rows=len(live))
    if view.linked_id is None and view.local is not None:
        view.compatible = _fits(view, live)
    missing = {
        key
        for key in view.base_rows
        if key not in {item.row.key for item in live} and (view.local or view.gone)
    }
    gone = _confirm_rows(view, remote, missing) if missing and confirm else missing
    view.gone_keys = frozenset(gone)
    decide_rows(workspace, view, remote)


def decide_rows(workspace: Workspace, view: DatasetView, remote: Remote) -> None:
    """Decide every row of a dataset from what was read; again after id-less lines were given their keys."""
    view.rows = _row_views(workspace, view, remote, set(view.gone_keys))


def _confirm_rows(view: DatasetView, remote: Remote, missing: set[Key]) -> set[Key]:
    """Return the keys that a point read (where the id is known) and a second listing do not have either."""
    confirmed = set()
    for key in missing:
        if key.startswith("srv:"):
            try:
                found = remote.datasets.read_row(key.removeprefix("srv:"))
            except NotFound:
                confirmed.add(key)
            else:
                if found.deleted:
                    confirmed.add(key)
    others = {key for key in missing if not key.startswith("srv:")}
    if others and view.remote is not None:
        again = remote.datasets.list_rows(view.remote.id)
        seen = {item.row.key for item in again.items if not item.deleted}
        confirmed |= {key for key in others if again.complete and key not in seen}
    return confirmed


def _fits(view: DatasetView, live: Sequence[RemoteRow]) -> bool:
    """D3: rows of one side are equal to, or a pure superset of, the other's."""
    local = view.local
    if local is None:
        return False
    here = sorted(local.row_digests.values()) + sorted(
        short(row_digest(Row(Key(""), line.fields))) for line in local.items.keyless if line.fields
    )
    there = sorted(short(row_digest(item.row)) for item in live)
    return _is_within(here, there) or _is_within(there, here)


def _is_within(part: Sequence[str], whole: Sequence[str]) -> bool:
    rest = list(whole)
    for item in part:
        if item not in rest:
            return False
        rest.remove(item)
    return True


def _row_views(
    workspace: Workspace, view: DatasetView, remote: Remote, gone: set[Key]
) -> list[RowView]:
    by_key: dict[Key, list[RemoteRow]] = {}
    for item in view.remote_rows or ():
        by_key.setdefault(item.row.key, []).append(item)
    local = dict(view.local.rows) if view.local else {}
    paired = pair_keyless(view, by_key)
    local.update(paired)
    created = sorted(
        (key for key in by_key if key not in local), key=lambda key: _age(winner(by_key[key]))
    )
    order = [
        *local,
        *(key for key in view.base_rows if key not in local and key not in by_key),
        *created,
    ]
    past = _Past(workspace, view)
    rows = [
        _row_view(view, remote, key, local.get(key), by_key.get(key, []), gone, past)
        for key in order
    ]
    for row in rows:
        row.is_paired = row.key in paired
    return rows


def pair_keyless(view: DatasetView, by_key: Mapping[Key, Sequence[RemoteRow]]) -> dict[Key, Row]:
    """Return the rows that id-less lines are by their content: base rows first, then remote ones (sync.md 10.1)."""
    if view.local is None or not view.local.items.keyless:
        return {}
    waiting: dict[str, list[Key]] = {}
    known = [(key, digest) for key, digest in view.base_rows.items()]
    known += [(key, short(row_digest(winner(items).row))) for key, items in by_key.items()]
    for key, digest in known:
        keys = waiting.setdefault(digest, [])
        if key not in view.local.rows and key not in keys:
            keys.append(key)
    paired: dict[Key, Row] = {}
    for line in view.local.items.keyless:
        row = Row(Key(""), line.fields or {})
        keys = [key for key in waiting.get(short(row_digest(row)), []) if key not in paired]
        if keys:
            paired[keys[0]] = Row(keys[0], row.fields)
    return paired


def _age(item: RemoteRow) -> tuple[str, str]:
    return item.created_at.removesuffix("Z"), item.id


def _row_view(
    view: DatasetView,
    remote: Remote,
    key: Key,
    local: Row | None,
    items: Sequence[RemoteRow],
    gone: set[Key],
    past: _Past,
) -> RowView:
    base = view.base_rows.get(key)
    chosen_item = winner(items) if items else None
    digest = row_digest(chosen_item.row) if chosen_item else None
    local_digest = row_digest(local) if local else None
    absence = Absence.PRESENT if chosen_item else Absence.NEVER
    if chosen_item is None and base is not None:
        absence = Absence.CONFIRMED if key in gone else Absence.UNCONFIRMED
    losers: tuple[RemoteRow, ...] | None = ()
    if len(items) > 1:
        own = {
            item.author.id
            for item in items
            if remote.is_own(item.author) and item.author.id is not None
        }
        losers = removable_duplicates([(item, row_digest(item.row)) for item in items], own_ids=own)
    groups = None
    base_row = None
    taken_in = False
    both = local_digest and digest and local_digest != digest and base is not None
    if both and short(_digest(digest)) != base and short(_digest(local_digest)) != base:
        taken_in = past.has_published(key, short(_digest(digest)))
        base_row = past.row(key, base or "")
        if base_row is not None and local is not None and chosen_item is not None:
            groups = RowGroups(*changed_row_groups(base_row, local, chosen_item.row))
    elif digest and local_digest is None and base is not None and short(digest) != base:
        taken_in = past.has_published(key, short(digest))
    return RowView(
        key,
        base,
        local,
        chosen_item,
        RowFacts(
            key,
            base=base,
            local=local_digest,
            remote=digest,
            was_in_base=base is not None,
            absence=absence,
            groups=groups,
            duplicates=losers is None,
            taken_in=taken_in,
        ),
        base_row=base_row,
        losers=losers or (),
    )


def _digest(digest: Digest | None) -> Digest:
    return digest or Digest("")


class _Past:
    """What HEAD's history holds of one dataset's rows, read when first asked (sync.md 5.5, 7.3)."""

    def __init__(self, workspace: Workspace, view: DatasetView) -> None:
        self._workspace = workspace
        self._view = view

    @cached_property
    def _commits(self) -> list[str]:
        history = self._workspace.history
        head = history.head
        if head is None or not self._view.dir:
            return []
        return history.touching(self._view.dir, since=None)[:HISTORY_LIMIT]

    @cached_property
    def _since_pointer(self) -> frozenset[str]:
        """Commits not older than the one that changed the pointer last."""
        history = self._workspace.history
        if not self._view.is_committed:
            return frozenset()
        path = f"{self._view.dir}/{POINTER}"
        last = next((line.commit for line in history.added_lines if line.path == path), None)
        if last is None:
            return frozenset()
        return frozenset({last, *history.touching(self._view.dir or "", since=last)})

    @cached_property
    def _versions(self) -> list[tuple[str, LocalDataset]]:
        found = []
        for commit in self._commits:
            folder = self._workspace.folder_at(commit, self._view.dir or "")
            if folder is None:
                continue
            dataset = LocalDataset(
                folder,
                mapping=self._view.local.mapping if self._view.local else None,
                content_keys=self._view.local.content_keys if self._view.local else False,
            )
            if dataset.problem is None:
                found.append((commit, dataset))
        return found

    def info(self, digest: Digest) -> DatasetInfo | None:
        """Return the newest DATASET.md content of that digest."""
        for _, dataset in self._versions:
            if dataset.info_digest == digest:
                return dataset.document.info
        return None

    def row(self, key: Key, digest: str) -> Row | None:
        """Return the row of that key and short digest from the newest commit that has it."""
        for _, dataset in self._versions:
            row = dataset.rows.get(key)
            if row is not None and short(row_digest(row)) == digest:
                return row
        return None

    def has_published(self, key: Key, digest: str) -> bool:
        """Tell whether a commit not older than the pointer's last change holds exactly this row."""
        for commit, dataset in self._versions:
            row = dataset.rows.get(key)
            if (
                commit in self._since_pointer
                and row is not None
                and short(row_digest(row)) == digest
            ):
                return True
        return False


def base_info(workspace: Workspace, view: DatasetView) -> DatasetInfo | None:
    """Return name, description and metadata as the pointer's ``meta=`` says, found in history; None if not there."""
    if view.line is None:
        return None
    return _Past(workspace, view).info(view.line.meta)
