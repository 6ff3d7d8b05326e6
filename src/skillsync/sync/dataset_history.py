"""What HEAD's history holds of one dataset: the content of a base, and what was published from here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from skillsync.formats.canonical import row_digest, short
from skillsync.model import DatasetInfo, Digest, Folder, Key, Row
from skillsync.repo.pointer import POINTER
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalDataset, join
from skillsync.sync.workspace import Workspace

HISTORY_LIMIT = 50
"""At most this many commits of an items.jsonl are searched for a row."""


class DatasetPast:
    """Asks git only when first needed, and reads no older commit than the answer takes (sync.md 5.5, 7.3)."""

    def __init__(self, workspace: Workspace, view: DatasetView) -> None:
        self._workspace = workspace
        self._view = view
        self._read: list[tuple[str, LocalDataset]] = []

    def info(self, digest: Digest) -> DatasetInfo | None:
        """Return the newest DATASET.md content of that digest."""
        for _, dataset in self._versions():
            if dataset.folder.entries and dataset.info_digest == digest:
                return dataset.document.info
        return None

    def row(self, key: Key, digest: str) -> Row | None:
        """Return the row of that key and short digest from the newest commit that has it."""
        for _, dataset in self._versions():
            row = dataset.rows.get(key)
            if row is not None and short(row_digest(row)) == digest:
                return row
        return None

    def has_published(self, key: Key, digest: str) -> bool:
        """Tell whether a commit not older than the pointer's last change holds exactly this row."""
        if not self._since_pointer:
            return False
        for commit, dataset in self._versions():
            row = dataset.rows.get(key)
            if (
                commit in self._since_pointer
                and row is not None
                and short(row_digest(row)) == digest
            ):
                return True
        return False

    def has_published_info(self, digest: Digest) -> bool:
        """Tell whether a commit not older than the pointer's last change holds this DATASET.md."""
        if not self._since_pointer:
            return False
        return any(
            commit in self._since_pointer
            and dataset.folder.entries
            and dataset.info_digest == digest
            for commit, dataset in self._versions()
        )

    @cached_property
    def _commits(self) -> list[str]:
        history = self._workspace.history
        if history.head is None or not self._view.home:
            return []
        return history.touching(self._view.home, since=None)[:HISTORY_LIMIT]

    @cached_property
    def _since_pointer(self) -> frozenset[str]:
        """Commits not older than the one that changed the pointer last; all, if there never was a pointer.

        Empty while a pointer line is there that is not committed or does not count: then it alone decides.
        """
        view, history = self._view, self._workspace.history
        if view.ignored or history.head is None:
            return frozenset()
        path = join(view.home, POINTER)
        last = next(
            (
                line.commit
                for line in history.added_lines
                if line.path == path and line.line.startswith(f"{view.place} ")
            ),
            None,
        )
        if view.line is None:
            return frozenset() if last else frozenset(self._commits)
        if not view.is_committed or last is None:
            return frozenset()
        return frozenset({last, *history.touching(view.home, since=last)})

    def _versions(self) -> Iterator[tuple[str, LocalDataset]]:
        """Yield the dataset as each commit has it, newest first; what was read once is kept."""
        yield from list(self._read)
        for commit in self._commits[len(self._read) :]:
            one = commit, self._dataset_at(commit)
            self._read.append(one)
            yield one

    def _dataset_at(self, commit: str) -> LocalDataset:
        """Return the dataset of a commit; one without rows where it is missing or cannot be read."""
        home, local = self._view.home, self._view.local
        dataset = LocalDataset(
            self._workspace.folder_at(commit, home) or Folder(home, ()),
            mapping=local.mapping if local else None,
            content_keys=local.content_keys if local else False,
        )
        return dataset if dataset.problem is None else LocalDataset(Folder(home, ()))


def base_info(workspace: Workspace, view: DatasetView) -> DatasetInfo | None:
    """Return name, description and metadata as the pointer's ``meta=`` says, found in history; None if not there."""
    if view.line is None:
        return None
    return DatasetPast(workspace, view).info(view.line.meta)
