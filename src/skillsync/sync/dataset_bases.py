"""Finds what a pointer of a server with revisions took in of each row: in the files, a cache, history, or by asking.

Wherever it is found, it is believed only if it has the digest that the pointer names (sync.md 7.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from skillsync.core.row_bases import bases_digest, parse_lagging, with_absent
from skillsync.core.row_states import ABSENT
from skillsync.errors import BadAnswer, NotFound, RefusedForSafety
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.short_digests import ShortDigests
from skillsync.model import DatasetPointer, Key, RemoteRow
from skillsync.repo.large import SPOOLS
from skillsync.repo.spool import Spool
from skillsync.sync.dataset_history import DatasetPast
from skillsync.sync.row_snapshots import recall_bases, remember_bases
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.sync.dataset_view import DatasetView

_MOST_COMMITS = 5
"""So many older states of a file are tried before the server is asked: asking is always possible."""


def take_local_bases(workspace: Workspace, view: DatasetView, lines: Mapping[Key, str]) -> bool:
    """Set the bases of ``view.line`` from what is here; False when ``lines`` are of another kind of server.

    Where nothing here has the digest, ``view.unread`` says so, and the bases are empty until the server was asked.
    """
    line = view.line
    assert line is not None
    lagging = parse_lagging(lines)
    if lagging is None:
        return False
    view.base_revisions = lagging
    view.base_rows = with_absent({}, lagging)
    view.unread = True
    for base in _known_here(workspace, view, line):
        if bases_digest(base) == line.digest:
            view.base_rows, view.unread = with_absent(base, lagging), False
            remember_bases(workspace, base)
            break
    return True


def _known_here(
    workspace: Workspace, view: DatasetView, line: DatasetPointer
) -> Iterator[Mapping[Key, str]]:
    yield {}
    here = view.local or view.gone
    if here is not None and here.problem is None:
        yield here.row_digests
    like = here.kept_lines if here is not None else None
    yield recall_bases(workspace, line.digest, like=like) or {}
    yield from _lately(workspace, view)


def _lately(workspace: Workspace, view: DatasetView) -> Iterator[Mapping[Key, str]]:
    """Yield the rows of the file as the newest commits have it."""
    for dataset in islice(DatasetPast(workspace, view).versions(), _MOST_COMMITS):
        yield dataset.row_digests


def read_bases(workspace: Workspace, view: DatasetView, remote: Remote) -> None:
    """Ask the server what the dataset held at the revisions that the pointer names.

    Raises RefusedForSafety when the server does not know them, or holds something else there.
    """
    line = view.line
    assert line is not None
    assert line.revision is not None
    base: ShortDigests | dict[Key, str] = ShortDigests(
        view.local.kept_lines if view.local is not None else None
    )
    ids: dict[Key, str] = {}
    for row in _rows_at(workspace, view, remote, line.revision):
        key = row.row.key
        base[key] = short(row_digest(row.row))
        if key in view.base_revisions:
            ids[key] = row.id
    for key, revision in view.base_revisions.items():
        then = _row_at(workspace, view, remote, ids.get(key), key, revision) if revision else None
        base[key] = ABSENT if then is None else short(row_digest(then.row))
    if bases_digest(base) != line.digest:
        base = _with_erased(workspace, view, line, base)
    view.base_rows, view.unread = base, False
    remember_bases(workspace, base)


def _with_erased(
    workspace: Workspace, view: DatasetView, line: DatasetPointer, base: Mapping[Key, str]
) -> dict[Key, str]:
    """Add the bases of rows that the server has erased, with all their versions, from what the file has, or had (I17).

    Raises RefusedForSafety when that does not make up what was taken in.
    """
    there = {key: digest for key, digest in base.items() if digest != ABSENT}
    absent = {key for key, revision in view.base_revisions.items() if not revision}
    here = view.local or view.gone
    held = [here.row_digests] if here is not None and here.problem is None else []
    for before in chain(held, _lately(workspace, view)):
        erased = {key: digest for key, digest in before.items() if key not in absent}
        found = {**erased, **there}
        if bases_digest(found) == line.digest:
            return {**base, **found}
    here_only = {key for rows in held for key in rows} - there.keys() - absent
    missing = sorted(
        {*here_only, *(key for key in view.base_revisions if key not in {*there, *absent})}
    )
    raise _not_as_taken_in(view, line, missing)


def _not_as_taken_in(
    view: DatasetView, line: DatasetPointer, missing: Sequence[Key]
) -> RefusedForSafety:
    erased = f"; it has no {', '.join(missing[:5])}, not even archived" if missing else ""
    return RefusedForSafety(
        f"the rows of revision {line.revision} on the server are not those that were taken in{erased}: rows were "
        "erased in its database, or it is another server",
        subject=view.slug,
        unchanged="Nothing of this dataset was changed.",
        hint=f"skillsync adopt {view.slug} --id {line.dataset}, if it is the right server: equal rows are linked, and "
        "the others shown as new or in conflict",
    )


def _rows_at(
    workspace: Workspace, view: DatasetView, remote: Remote, revision: int
) -> Sequence[RemoteRow]:
    if view.remote is not None and view.remote.revision == revision:
        return view.remote_rows or ()
    assert view.line is not None
    like = view.local.kept_lines if view.local is not None else None
    try:
        spool = Spool(workspace.repo.state_dir / SPOOLS)
        listing = remote.datasets.list_rows(
            view.line.dataset,
            revision=revision,
            collect=lambda: KeptRows(spool, held=workspace.large_from, like=like),
        )
    except NotFound as error:
        raise went_back(view) from error
    if not listing.complete or listing.problems:
        raise BadAnswer(
            f"the listing of revision {revision} is not complete",
            subject=view.slug,
            unchanged="Nothing of this dataset was changed.",
            hint="run the command again",
        )
    return listing.items


def _row_at(
    workspace: Workspace,
    view: DatasetView,
    remote: Remote,
    known: str | None,
    key: Key,
    revision: int,
) -> RemoteRow | None:
    """Return a row as it was at a revision: by its id where that is known, else from the whole revision."""
    number = known or _id_now(view, key)
    if number is None:
        then = _rows_at(workspace, view, remote, revision)
        return next((row for row in then if row.row.key == key), None)
    try:
        return remote.datasets.read_row(number, revision=revision)
    except NotFound:
        return None


def _id_now(view: DatasetView, key: Key) -> str | None:
    if key.startswith("srv:"):
        return key.removeprefix("srv:")
    numbers = view.remote_rows.numbers_of(key) if view.remote_rows is not None else ()
    return view.remote_rows.id_of(numbers[0]) if view.remote_rows is not None and numbers else None


def went_back(view: DatasetView) -> RefusedForSafety:
    """The error for a server that is at an older revision than the one that was taken in (sync.md S24)."""
    line, now = view.line, view.remote
    there = f"is at revision {now.revision}" if now else "does not know it"
    return RefusedForSafety(
        f"revision {line.revision if line else 0} was taken in, and the server {there}: "
        "it went backwards, or this is another server",
        subject=view.slug,
        unchanged="Nothing of this dataset was changed.",
        hint=f"if the server was set back: skillsync adopt {view.slug} --id {line.dataset if line else 'UUID'}",
    )


def other_generation(view: DatasetView) -> RefusedForSafety:
    """The error for a pointer that was written when the server spoke otherwise (datasets-api.md 0.1)."""
    return RefusedForSafety(
        "the server's datasets are of another generation than when this folder was linked: no dataset or row of "
        "before is there under its id any more",
        subject=view.slug,
        unchanged="Nothing of this dataset was changed.",
        hint=f"find the dataset in the web page, then skillsync adopt {view.slug} --id UUID",
    )
