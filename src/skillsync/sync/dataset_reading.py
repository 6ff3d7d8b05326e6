"""Reads the remote rows of a dataset, and finds out which of those that should be there are gone (sync.md I13)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from skillsync.api.rows import FOREIGN
from skillsync.core.reconcile_row import RowPull, pair_by_content
from skillsync.core.reconcile_skill import Absence
from skillsync.core.row_bases import Replaced
from skillsync.core.row_states import ABSENT
from skillsync.core.safety import check_dataset_listing
from skillsync.errors import BadAnswer, NotFound
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.kept_remote import KeptRows
from skillsync.model import Key, RemoteDataset, RemoteRow, Row
from skillsync.repo.large import SPOOLS
from skillsync.repo.spool import Spool
from skillsync.sync.dataset_history import DatasetPast
from skillsync.sync.dataset_later import DatasetLater
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalDataset
from skillsync.sync.row_snapshots import recall_rows, remember_rows
from skillsync.sync.workspace import Remote, Workspace

MOST_READ = 100
"""So many missing rows are asked for one by one."""


def has_rows_to_read(view: DatasetView) -> bool:
    """Tell whether the remote rows matter: the dataset is there, and the local file can be read."""
    if view.remote is None or view.absence in {Absence.UNCONFIRMED, Absence.UNREACHABLE}:
        return False
    return view.local is None or view.local.problem is None


def list_rows(workspace: Workspace, view: DatasetView, remote: Remote) -> None:
    """Read all live rows of a linked dataset, or of one that can be linked; those of a known revision are remembered.

    Raises BadAnswer when the listing is not complete or holds a row that cannot be read.
    """
    assert view.remote is not None
    view.remote_rows = _known_rows(workspace, view, view.remote)
    if view.remote_rows is None:
        view.remote_rows = _listed_rows(workspace, view, view.remote, remote)
        remember_rows(workspace, view.remote, view.remote_rows.records())
    if view.remote.revision is not None:
        view.there = view.remote_rows.digests
    if view.linked_id is None and view.local is not None:
        view.rekeyed = rekeyed_rows(view.local, view.remote_rows)
        view.compatible = _fits(view, view.remote_rows)


def _empty_rows(workspace: Workspace, view: DatasetView) -> KeptRows:
    """Return what remote rows are put into: of a large dataset none is held."""
    spool = Spool(workspace.repo.state_dir / SPOOLS)
    like = view.local.kept_lines if view.local is not None else None
    return KeptRows(spool, held=workspace.large_from, like=like)


def _known_rows(workspace: Workspace, view: DatasetView, dataset: RemoteDataset) -> KeptRows | None:
    made = _empty_rows(workspace, view)
    return made if recall_rows(workspace, dataset, collect=lambda: made) is made else None


def _listed_rows(
    workspace: Workspace, view: DatasetView, dataset: RemoteDataset, remote: Remote
) -> KeptRows:
    walks: list[KeptRows] = []

    def collect() -> KeptRows:
        walks[:] = [_empty_rows(workspace, view)]
        return walks[0]

    listing = remote.datasets.list_rows(dataset.id, revision=dataset.revision, collect=collect)
    if not listing.complete:
        raise BadAnswer(
            "the listing of rows is not complete: its count and its rows disagree",
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
            hint="run the command again",
        )
    if listing.problems:
        # A row that cannot be read is not a row that is gone.
        raise BadAnswer(
            listing.problems[0].message,
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
        )
    return walks[0] if walks else _empty_rows(workspace, view)


def rekeyed_rows(local: LocalDataset, live: KeptRows) -> dict[Key, Key]:
    """Return local key → remote key of the lines that are rows born on the server, by their content (D3).

    A row with a key of ours is another matter: there the line was given another id (I18).
    """
    born_there = live.by_age(number for number in range(len(live)) if not live.is_own(number))
    if not born_there:
        return {}
    ours = {key for number, key in enumerate(live.keys) if live.is_own(number)}
    return pair_by_content(
        {key: digest for key, digest in local.row_digests.items() if key not in ours},
        {live.keys[number]: live.short(number) for number in born_there},
    )


def missing_rows(workspace: Workspace, view: DatasetView, remote: Remote) -> frozenset[Key]:
    """Return the keys that some base has and the listing has not; such a row is gone only once that is confirmed.

    Local rows that the remote has not and no base of this tree has either are looked for in history: what was
    removed once is not created again by itself (sync.md 10.2).
    """
    there = view.remote_rows
    assert there is not None
    if view.local is not None:
        new = {
            key
            for key in view.local.rows
            if not there.has(key) and key not in view.base_rows and key not in view.rekeyed
        }
        if view.guarantees.history:
            refused = {
                key
                for key, revision in view.base_revisions.items()
                if not revision and key in view.local.rows and not there.has(key)
            }
            _look_among_archived(workspace, view, remote, new, refused)
        else:
            _look_back(workspace, view, sorted(new))
    bases = (
        key for key, digest in view.base_rows.items() if not there.has(key) and digest != ABSENT
    )
    return frozenset(bases) | frozenset(key for key in view.older_rows if not there.has(key))


def _look_back(
    workspace: Workspace,
    view: DatasetView,
    keys: Sequence[Key],
    *,
    known: frozenset[Key] = frozenset(),
) -> None:
    """Find out which of these local rows, absent remotely and not in the base, were in a base before or later."""
    if not keys or view.remote is None:
        return
    past, later = DatasetPast(workspace, view), DatasetLater(workspace, view)
    local = view.local.row_digests if view.local else {}
    returned = {*known, *(key for key in keys if past.was_in_base(key))}
    older: dict[Key, str] = {}
    for key in keys:
        bases = later.bases(key) - {ABSENT}
        if key in returned or not bases:
            continue
        if local.get(key) in bases:
            older[key] = local[key]
        else:
            returned.add(key)
    view.returned_rows, view.older_rows = frozenset(returned), older


def _look_among_archived(
    workspace: Workspace,
    view: DatasetView,
    remote: Remote,
    new: Collection[Key],
    refused: Collection[Key],
) -> None:
    """The same where the server says what it has archived: all other new rows never were there (I1).

    ``refused`` are rows of which the pointer says that there are none. One that was there at its revision waited for
    somebody to choose; that it was archived since is a change like any other, and its base is what was there (I14).
    """
    if not (new or refused) or view.remote is None:
        return
    archived = _archived(view.remote, remote)
    if known := archived.keys() & new:
        past = DatasetPast(workspace, view)
        view.returned_rows = frozenset(key for key in known if past.was_here(key))
        _look_back(workspace, view, sorted(known - view.returned_rows), known=view.returned_rows)
    found = {
        key: short(row_digest(then.row))
        for key in archived.keys() & refused
        for then in [_row_then(remote, archived[key], view.line_revision)]
        if then is not None
    }
    if found:
        view.base_rows = Replaced(view.base_rows, found)
        view.base_revisions = {**view.base_revisions, **dict.fromkeys(found, view.line_revision)}


def _row_then(remote: Remote, ids: Iterable[str], revision: int) -> RemoteRow | None:
    """Return the first of these items that was live at a revision."""
    for number in ids:
        with suppress(NotFound):
            return remote.datasets.read_row(number, revision=revision)
    return None


def _archived(dataset: RemoteDataset, remote: Remote) -> Mapping[Key, Sequence[str]]:
    """Return the ids of the items that are archived at a dataset's revision, by key."""
    listing = remote.datasets.list_rows(dataset.id, revision=dataset.revision, archived=True)
    if not listing.complete or listing.problems:
        raise BadAnswer(
            "the listing of archived rows is not complete",
            subject=dataset.info.name,
            unchanged="Nothing of this dataset was changed.",
            hint="run the command again",
        )
    found: defaultdict[Key, list[str]] = defaultdict(list)
    for item in listing.items:
        found[item.row.key].append(item.id)
    return found


def confirm_gone(view: DatasetView, remote: Remote, missing: Iterable[Key]) -> frozenset[Key]:
    """Return the keys that a point read (where the id is known) and a second listing do not have either (I13).

    Where the server shows what it has archived, a row that it does not even have there was erased (I17).
    """
    if view.guarantees.history:
        return _confirm_archived(view, remote, frozenset(missing))
    keys = sorted(missing)
    ids = {key: key.removeprefix(FOREIGN) for key in keys if key.startswith(FOREIGN)}
    known = {key: view.known_ids[key] for key in keys if key in view.known_ids}
    if len(known) > MOST_READ:
        known = {}  # above every ceiling: nobody lets so many go without a word, and the second list decides
    alive = {key for key, number in (ids | known).items() if _lives(view, remote, number, key)}
    gone = {*keys} - alive
    if (others := gone - ids.keys()) and view.remote is not None:
        again = remote.datasets.list_rows(view.remote.id)
        seen = {item.row.key for item in again.items if not item.deleted}
        if not again.complete or again.problems:
            seen = others
        gone -= seen
    return frozenset(gone)


def _lives(view: DatasetView, remote: Remote, number: str, key: Key) -> bool:
    """Tell whether an item is there, in this dataset, and still has this key."""
    try:
        found = remote.datasets.read_row(number)
    except NotFound:
        return False
    is_here = view.remote is not None and found.dataset == view.remote.id
    return is_here and not found.deleted and found.row.key == key


def _confirm_archived(view: DatasetView, remote: Remote, missing: frozenset[Key]) -> frozenset[Key]:
    """Ask once more, and what is archived now: what was brought back meanwhile is not gone."""
    assert view.remote is not None
    now = remote.datasets.read(view.remote.id)
    archived = missing & _archived(now, remote).keys()
    if now.revision != view.remote.revision:
        return archived
    view.erased_keys = missing - archived
    return missing


def refuse_emptied(view: DatasetView, *, for_push: bool, max_removals: int | None) -> None:
    """Raise RefusedForSafety when the rows that were there are suddenly all gone and lines would go for it."""
    if view.remote_rows:
        return  # nothing is counted for a list that holds rows
    removals = sum(row.verdict.pull is RowPull.REMOVE for row in view.rows.open)
    check_dataset_listing(
        view.slug,
        base_rows=view.base_count,
        remote_rows=0,
        removals=None if for_push else removals,
        max_removals=max_removals,
    )


def _fits(view: DatasetView, live: KeptRows) -> bool:
    """D3: rows of one side are equal to, or a pure superset of, the other's.

    Rows pair by key, then by equal content: those whose key the other side has not, and lines without id.
    """
    local = view.local
    if local is None:
        return False
    there, here = live.digests, local.row_digests
    if any(there.get(key, digest) != digest for key, digest in here.items()):
        return False
    loose = Counter(
        short(row_digest(Row(Key(""), line.fields))) for line in local.items.keyless if line.fields
    )
    rekeyed = set(view.rekeyed.values())
    others = Counter(
        digest
        for key, digest in there.items()
        if key not in rekeyed and (key not in here or key in view.rekeyed)
    )
    here_only = any(view.rekeyed.get(key, key) not in there for key in here) or bool(loose - others)
    return not here_only or not others - loose
