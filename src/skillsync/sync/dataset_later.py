"""What commits later than HEAD say about a dataset: an older commit publishes nothing over them (design.md 3, B8).

A server of the first generation gives a row neither a version nor a history, so that a row that was changed and
changed back looks as if nothing had happened, and one that was removed as if it had never been. What git still has
of the time after HEAD tells them apart: the row bases that a later commit recorded, and in team mode the publish
branch itself; and in solo mode what this clone published and HEAD's history does not have. It only ever keeps a row
from being sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from skillsync.core.row_bases import bases_digest
from skillsync.formats.canonical import row_digest, short
from skillsync.model import DatasetPointer, Digest, Key, Row
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows
from skillsync.sync.dataset_history import HISTORY_LIMIT, dataset_at
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalDataset, join
from skillsync.sync.rows_pushed import PushedRows, pushed_rows
from skillsync.sync.workspace import Workspace


class DatasetLater:
    """Asks git once, and only when something would be sent.

    With ``view.commit`` (team mode's push) the commits after it on the publish branch count; else every commit that
    descends from HEAD and touches the folder, wherever git still has it.
    """

    def __init__(self, workspace: Workspace, view: DatasetView) -> None:
        self._workspace = workspace
        self._view = view

    def bases(self, key: Key) -> frozenset[str]:
        """Return the short digests that later commits recorded as the base of a row of this dataset."""
        return frozenset(self._recorded[0].get(key, ()))

    @property
    def infos(self) -> frozenset[Digest]:
        """The digests of name, description and metadata that later commits recorded as the base."""
        return frozenset(self._recorded[1])

    def went_back_to(self, key: Key, digest: str) -> bool:
        """Tell whether this clone published this row, and HEAD has had another one ever since."""
        return self.thrown_away.rows.get(key) == digest and not self._is_here(
            lambda dataset: dataset.row_digests.get(key) == digest
        )

    def went_back_to_info(self, digest: Digest) -> bool:
        """As ``went_back_to``, of name, description and metadata."""
        return self.thrown_away.info == digest and not self._is_here(
            lambda dataset: bool(dataset.folder.entries) and dataset.info_digest == digest
        )

    @property
    def is_linked(self) -> bool:
        """Whether a later commit linked the folder, to whichever dataset."""
        return any(self._pointer(commit) is not None for commit in self._commits)

    def has_other_row(self, key: Key, local: Row | None) -> bool:
        """Team mode: whether the newest commit of the publish branch has another line of this key, or none."""
        tip = self._tip
        if tip is None:
            return False
        there = tip.rows.get(key)
        return _digest(there) != _digest(local)

    def has_other_info(self, local: Digest) -> bool:
        """Team mode: whether the newest commit of the publish branch has another DATASET.md, or no folder at all."""
        return self._tip is not None and (
            not self._tip.folder.entries or self._tip.info_digest != local
        )

    @property
    def is_removed(self) -> bool:
        """Team mode: whether the newest commit of the publish branch has no such folder any more."""
        return self._tip is not None and not self._tip.folder.entries

    # ---------------------------------------------------------------- git

    @cached_property
    def thrown_away(self) -> PushedRows:
        """What this clone published of this dataset last, of rows that the server had."""
        view = self._view
        remote = view.remote.id if view.remote is not None else ""
        return pushed_rows(self._workspace, view.home, place=view.place, dataset=remote)

    def _is_here(self, has_it: Callable[[LocalDataset], bool]) -> bool:
        return any(map(has_it, self._since_pushed))

    @cached_property
    def _since_pushed(self) -> Sequence[LocalDataset]:
        """The dataset in HEAD's history, from where the commit that was published upon parted."""
        commit, head = self.thrown_away.commit, self._workspace.history.head
        if not commit or head is None:
            return ()
        view, repo = self._view, self._workspace.repo
        parted = repo.merge_bases(commit, head)
        since = [
            one
            for one in repo.history.commits_touching(view.home, head=head, since=commit)
            if one not in parted
        ]
        local = view.local or view.gone
        return [
            dataset_at(self._workspace, one, view.home, like=local)
            for one in (*parted, *since[:HISTORY_LIMIT])
        ]

    @cached_property
    def _upstream(self) -> str | None:
        """The publish branch, where the commit that is read is one of its ancestors."""
        repo, branch = self._workspace.repo, self._workspace.settings.publish_branch
        upstream = repo.upstream_of(branch) if branch and self._view.commit else None
        commit = self._view.commit or ""
        return upstream if upstream and repo.is_ancestor(commit, upstream) else None

    @cached_property
    def _commits(self) -> list[str]:
        """The later commits that touch the folder, newest first."""
        repo, view, head = self._workspace.repo, self._view, self._workspace.history.head
        if head is None or not view.home:
            return []
        if view.commit is None:
            return repo.history.commits_after(view.home, head=head)[:HISTORY_LIMIT]
        if self._upstream is None:
            return []
        return repo.history.commits_touching(view.home, head=self._upstream, since=head)[
            :HISTORY_LIMIT
        ]

    @cached_property
    def _tip(self) -> LocalDataset | None:
        """The dataset as the publish branch has it now, None where it has not moved on from HEAD."""
        if self._view.commit is None or not self._commits or self._upstream is None:
            return None
        local = self._view.local or self._view.gone
        return dataset_at(self._workspace, self._upstream, self._view.home, like=local)

    @cached_property
    def _recorded(self) -> tuple[Mapping[Key, set[str]], set[Digest]]:
        rows: defaultdict[Key, set[str]] = defaultdict(set)
        infos: set[Digest] = set()
        for commit in self._commits:
            pointer = self._pointer(commit)
            if pointer is None or self._view.remote is None:
                continue
            if pointer.dataset != self._view.remote.id:
                continue
            if pointer.revision is not None and pointer.revision <= self._view.line_revision:
                continue  # this tree has taken in as much, or more
            infos.add(pointer.meta)
            for key, digest in self._rows_of(commit, pointer).items():
                rows[key].add(digest)
        return rows, infos

    def _rows_of(self, commit: str, pointer: DatasetPointer) -> Mapping[Key, str]:
        """Return the bases that a commit recorded.

        Where it names a revision alone its rows are those that were taken in, if they have the digest that it names;
        a line that was edited since, there or in a commit before, is nobody's base.
        """
        home = self._view.home
        if pointer.revision is not None:
            local = self._view.local or self._view.gone
            there = dataset_at(self._workspace, commit, home, like=local).row_digests
            return there if bases_digest(there) == pointer.digest else {}
        data = self._workspace.repo.show(commit, join(home, ROWS)) or b""
        return parse_rows(data, path=home).get(self._view.place, {})

    def _pointer(self, commit: str) -> DatasetPointer | None:
        data = self._workspace.repo.show(commit, join(self._view.home, POINTER)) or b""
        line = parse_pointer(data, path=self._view.home).lines.get(self._view.place)
        return line if isinstance(line, DatasetPointer) else None


def _digest(row: Row | None) -> str | None:
    return short(row_digest(row)) if row else None
