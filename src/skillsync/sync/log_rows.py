"""The log of a dataset: its revisions where the server keeps any, and which commits hold the same rows; else git's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.core.row_bases import bases_digest
from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.model import DatasetPointer, Digest, Key
from skillsync.repo.git_formats import Commit
from skillsync.repo.pointer import POINTER, parse_line
from skillsync.sync.dataset_versions import keeps_versions, rows_at
from skillsync.sync.local import ITEMS, LocalDataset, join, row_base
from skillsync.sync.log import Log, LogEntry, Match, RowsCommit, notes_of

if TYPE_CHECKING:
    from skillsync.sync.dataset_view import DatasetView
    from skillsync.sync.workspace import Remote, Workspace

MOST_COMMITS = 50
"""So many commits of a file of rows, the newest, are compared with its versions: each is read and digested."""


def dataset_log(
    workspace: Workspace, remote: Remote, view: DatasetView, *, most: int, read: bool
) -> Log:
    """List at most ``most`` versions, newest first, or git's commits where there are none. RemoteError as for ``log``.

    ``read``: the rows of versions that no pointer in git's history tells are read, all of them, to find the commits.
    """
    if not keeps_versions(remote):
        note = "this server keeps no history of a dataset: it has the rows as they are now; these are git's commits"
        return _git_log(workspace, view, note, most=most)
    if view.remote is None or not view.remote.revision:
        why = "has no such dataset" if view.remote is None else "never had a row of it"
        note = f"the server {why}, so there are no versions; these are git's commits"
        return _git_log(workspace, view, note, most=most)
    versions = remote.datasets.revisions(view.remote.id, newest=most + 1)
    shown = versions[:most]
    digests = _known_digests(workspace, view)
    if read:
        for one in shown:
            if one.number not in digests:
                rows = rows_at(workspace, remote, view, one.number).rows
                digests[one.number] = bases_digest(
                    {key: short(row_digest(row)) for key, row in rows.items()}
                )
    matches = _matches(
        workspace, view, {digests[one.number] for one in shown if one.number in digests}
    )
    entries = tuple(
        LogEntry(
            version,
            is_latest=version.number == view.remote.revision,
            taken_in=view.line is not None and version.number == view.line.revision,
            commits=tuple(matches.get(digests[version.number], ()))
            if version.number in digests
            else None,
        )
        for version in shown
    )
    never_linked = view.line is None and view.local is not None
    notes = notes_of(view.problem, entries, never_linked=never_linked, unread="rows")
    return Log(view.slug, "dataset", versions=entries, more=len(versions) > most, notes=notes)


def _known_digests(workspace: Workspace, view: DatasetView) -> dict[int, Digest]:
    """Return revision to the digest of its rows, as pointer lines of HEAD's history say, asking nobody.

    A line beside which some rows have an older base says nothing of the revision's own rows.
    """
    found: dict[int, Digest] = {}
    for line in workspace.history.added_lines:
        pointer = parse_line(line.line)
        if not isinstance(pointer, DatasetPointer) or pointer.place != view.place:
            continue
        is_it = view.remote is not None and pointer.dataset == view.remote.id
        if not is_it or pointer.revision is None or pointer.revision in found:
            continue
        folder = workspace.folder_at(line.commit, line.path.removesuffix(f"/{POINTER}"))
        if folder is not None and not any(row_base(folder, view.place)):
            found[pointer.revision] = pointer.digest
    return found


def _matches(
    workspace: Workspace, view: DatasetView, wanted: set[Digest]
) -> Mapping[Digest, list[Match]]:
    """Return the commits of HEAD's history that hold one of the contents, oldest first."""
    found: dict[Digest, list[Match]] = {}
    head, local = workspace.history.head, view.local or view.gone
    if head is None or local is None or not wanted:
        return found
    directory = view.home or local.dir
    for commit in workspace.repo.history.log_paths(
        head, [join(directory, ITEMS)], limit=MOST_COMMITS
    ):
        try:
            digest = bases_digest(_digests_at(workspace, local, directory, commit.id))
        except InvalidContent:
            continue
        if digest in wanted:
            found.setdefault(digest, []).insert(0, Match(commit))
    return found


# ---------------------------------------------------------------- git alone


def _git_log(workspace: Workspace, view: DatasetView, note: str, *, most: int) -> Log:
    head, local = workspace.history.head, view.local or view.gone
    commits: Sequence[Commit] = ()
    if head is not None and local is not None:
        commits = workspace.repo.history.log_paths(head, [local.dir], limit=most + 1)
    return Log(
        view.slug,
        "dataset",
        commits=tuple(
            RowsCommit(commit, _row_changes(workspace, local, commit) if local else None)
            for commit in commits[:most]
        ),
        more=len(commits) > most,
        notes=(note,),
    )


def _row_changes(
    workspace: Workspace, dataset: LocalDataset, commit: Commit
) -> tuple[int, int, int] | None:
    """Count rows added, changed and removed against the first parent, None when either cannot be read."""
    try:
        after = _digests_at(workspace, dataset, dataset.dir, commit.id)
        before = (
            _digests_at(workspace, dataset, dataset.dir, commit.parents[0])
            if commit.parents
            else {}
        )
    except InvalidContent:
        return None
    changed = sum(before[key] != after[key] for key in before.keys() & after.keys())
    return len(after.keys() - before.keys()), changed, len(before.keys() - after.keys())


def _digests_at(
    workspace: Workspace, dataset: LocalDataset, directory: str, commit: str
) -> Mapping[Key, str]:
    folder = workspace.folder_at(commit, directory)
    return {} if folder is None else replace(dataset, folder=folder).row_digests
