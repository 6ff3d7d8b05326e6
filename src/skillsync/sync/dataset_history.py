"""What HEAD's history holds of one dataset: the content of a base, what was published from here, what was removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from skillsync.errors import ShallowClone
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.row_names import ID
from skillsync.model import DatasetInfo, DatasetPointer, Digest, Folder, Key, Row
from skillsync.repo.pointer import POINTER, ROWS, parse_line, parse_pointer, parse_rows
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.evidence import UNBORN
from skillsync.sync.local import ITEMS, LocalDataset, join
from skillsync.sync.workspace import Workspace

HISTORY_LIMIT = 50
"""At most this many commits of an items.jsonl are searched for a row."""


class DatasetPast:
    """Asks git only when first needed, and reads no older commit than the answer takes (sync.md 5.5, 7.3)."""

    def __init__(self, workspace: Workspace, view: DatasetView) -> None:
        self._workspace = workspace
        self._view = view
        self._read: dict[tuple[str, str], LocalDataset] = {}

    # ---------------------------------------------------------------- contents

    def info(self, digest: Digest) -> DatasetInfo | None:
        """Return the newest DATASET.md content of that digest."""
        for dataset in self.versions():
            if dataset.folder.entries and dataset.info_digest == digest:
                return dataset.document.info
        return None

    def row(self, key: Key, digest: str) -> Row | None:
        """Return the row of that key and short digest from the newest commit that has it."""
        for dataset in self.versions():
            row = dataset.rows.get(key)
            if row is not None and short(row_digest(row)) == digest:
                return row
        return None

    # ---------------------------------------------------------------- what may have been published (sync.md 5.5)

    def has_published(self, key: Key, digest: str) -> bool:
        """Tell whether a commit not older than the pointer's last change holds exactly this row."""
        return any(
            (row := dataset.rows.get(key)) is not None and short(row_digest(row)) == digest
            for dataset in self._versions_since_pointer()
        )

    def may_have_published(self, key: Key, digest: str) -> bool:
        """Tell whether HEAD's history holds exactly this row since a pointer's line was written that is not committed.

        That line may have been written before a job published the row, or after somebody took it back there.
        """
        view, history = self._view, self._workspace.history
        stamp = view.line.stamp if view.line is not None else None
        if (
            view.is_committed
            or stamp is None
            or not view.home
            or not history.is_in_history(stamp.at)
        ):
            return False
        is_born = stamp.at != UNBORN
        since = history.touching(view.home, since=stamp.at if is_born else None)[:HISTORY_LIMIT]
        commits = [*since, stamp.at] if is_born else since
        versions = (self._dataset_at(commit, view.home) for commit in commits)
        rows = (dataset.rows.get(key) for dataset in versions)
        return any(row is not None and short(row_digest(row)) == digest for row in rows)

    def others(self, key: Key, digest: str) -> list[str]:
        """Return the short digests of other lines of this key in commits not older than the pointer's last change.

        Newest first.
        """
        rows = (dataset.rows.get(key) for dataset in self._versions_since_pointer())
        found = dict.fromkeys(short(row_digest(row)) for row in rows if row is not None)
        return [one for one in found if one != digest]

    def came_back(self, key: Key, digest: str) -> bool:
        """Tell whether commits not older than the pointer's last change left this row and came back to it.

        The commit of the pointer itself holds what was taken in, so that alone says nothing.
        """
        has_left = has_it = False
        for dataset in self._versions_since_pointer():  # newest first
            row = dataset.rows.get(key)
            is_it = row is not None and short(row_digest(row)) == digest
            if is_it and has_left:
                return True
            has_it = has_it or is_it
            has_left = has_left or (has_it and not is_it)
        return False

    def has_published_info(self, digest: Digest) -> bool:
        """Tell whether a commit not older than the pointer's last change holds this DATASET.md."""
        return any(
            dataset.folder.entries and dataset.info_digest == digest
            for dataset in self._versions_since_pointer()
        )

    def held(self, key: Key) -> str | None:
        """Return the short digest of this key's newest line in a commit not older than the pointer's last change."""
        rows = (dataset.rows.get(key) for dataset in self._versions_since_pointer())
        row = next((row for row in rows if row is not None), None)
        return short(row_digest(row)) if row is not None else None

    # ---------------------------------------------------------------- what was in a base (sync.md 10.2)

    def was_in_base(self, key: Key) -> bool:
        """Tell whether a base of this very dataset, in HEAD's history, had the key.

        Raises ShallowClone when the history that would tell is not here (B7).
        """
        return key in self._left

    def was_here(self, key: Key) -> bool:
        """Tell whether HEAD's history, or the working tree since HEAD, took a line with this key out of the file.

        Where the server keeps revisions no file names every row's base. What it has archived, and a commit took
        out, had been taken in.
        """
        return key in self._taken_out

    @cached_property
    def _taken_out(self) -> frozenset[Key]:
        found: set[Key] = set()
        for head, home, start in self._linked_homes():
            path = join(home, ITEMS)
            removed = self._workspace.repo.history.removed_lines(path, head=head, since=start)
            found.update(map(_key_of, removed))
            local = self._view.local or self._view.gone
            found.update(dataset_at(self._workspace, head, home, like=local).rows)
        return frozenset(found)

    def _linked_homes(self) -> Iterator[tuple[str, str, str]]:
        """Yield (HEAD, folder, oldest commit with a pointer there) of every folder that was linked.

        Raises ShallowClone when the history that would tell is not here (B7).
        """
        repo, head = self._workspace.repo, self._workspace.history.head
        if head is None or self._view.line is None:
            return
        if repo.is_shallow():
            raise self._shallow()
        for home in self._homes:
            start = self._linked_at(home)
            if start is not None:
                yield head, home, start

    def _shallow(self) -> ShallowClone:
        return ShallowClone(
            f"whether a new row of {self._view.slug} was removed before is not in this clone",
            subject=self._view.slug,
            unchanged="Nothing was changed.",
        )

    @cached_property
    def _left(self) -> frozenset[Key]:
        """The keys whose base some commit, or the working tree since HEAD, took out."""
        found: set[Key] = set()
        for head, home, start in self._linked_homes():
            path = join(home, ROWS)
            for line in self._workspace.repo.history.removed_lines(path, head=head, since=start):
                found |= parse_rows(line.encode(), path=path).get(self._view.place, {}).keys()
            found |= self._rows_at_head(head, home)
        return frozenset(found)

    def _linked_at(self, home: str) -> str | None:
        """Return the oldest commit whose pointer in this folder names the dataset."""
        path, found = join(home, POINTER), None
        for line in self._workspace.history.added_lines:
            if line.path == path and self._is_of_this(line.line):
                found = line.commit
        return found

    def _rows_at_head(self, head: str, home: str) -> frozenset[Key]:
        """Return the keys of HEAD's row bases, where those are of this dataset."""
        pointer = self._workspace.repo.show(head, join(home, POINTER)) or b""
        line = parse_pointer(pointer, path=home).lines.get(self._view.place)
        rows = self._workspace.repo.show(head, join(home, ROWS))
        if not isinstance(line, DatasetPointer) or line.dataset != self._view.linked_id or not rows:
            return frozenset()
        return frozenset(parse_rows(rows, path=home).get(self._view.place, {}))

    def _is_of_this(self, text: str) -> bool:
        if f" dataset={self._view.linked_id} " not in text:
            return False
        line = parse_line(text)
        return isinstance(line, DatasetPointer) and line.place == self._view.place

    # ---------------------------------------------------------------- commits

    @cached_property
    def _homes(self) -> list[str]:
        """The folder, and those it was in before: where the history has a pointer to the same dataset."""
        homes = [self._view.home]
        if self._view.line is not None and self._workspace.history.head is not None:
            suffix = f"/{POINTER}"
            homes += [
                line.path.removesuffix(suffix)
                for line in self._workspace.history.added_lines
                if line.path.endswith(suffix) and self._is_of_this(line.line)
            ]
        return list(dict.fromkeys(home for home in homes if home))

    def _commits(self) -> Iterator[tuple[str, str]]:
        """Yield (commit, folder), newest first in each folder the dataset was in, the present one first."""
        history = self._workspace.history
        if history.head is None or not self._view.home:
            return
        home = self._view.home
        for commit in history.touching(home, since=None)[:HISTORY_LIMIT]:
            yield commit, home
        for before in self._homes:
            if before != home:
                for commit in history.touching(before, since=None)[:HISTORY_LIMIT]:
                    yield commit, before

    @cached_property
    def _since_pointer(self) -> frozenset[str]:
        """The commit that changed the pointer last, and those made upon it; all, if there never was a pointer.

        A branch from before it that was merged since has rows as they were before.
        Empty while a pointer line is there that is not committed or does not count: then it alone decides.
        """
        view, history = self._view, self._workspace.history
        if view.ignored or history.head is None or not view.home:
            return frozenset()
        path = join(view.home, POINTER)
        newest = next(
            (
                line.line
                for line in history.added_lines
                if line.path == path and line.line.startswith(f"{view.place} ")
            ),
            None,
        )
        if view.line is None:
            everything = history.touching(view.home, since=None)[:HISTORY_LIMIT]
            return frozenset() if newest else frozenset(everything)
        if not view.is_committed or newest is None:
            return frozenset()
        last = history.put_in_at(newest, path)
        assert last is not None
        return frozenset({last, *history.touching(view.home, since=last, made_upon=True)})

    def versions(self) -> Iterator[LocalDataset]:
        """Yield the dataset as each commit has it, newest first; what was read once is kept."""
        for commit, home in self._commits():
            yield self._dataset_at(commit, home)

    def _versions_since_pointer(self) -> Iterator[LocalDataset]:
        if self._since_pointer:
            commits = self._workspace.history.touching(self._view.home, since=None)
            for commit in commits[:HISTORY_LIMIT]:
                if commit in self._since_pointer:
                    yield self._dataset_at(commit, self._view.home)

    def _dataset_at(self, commit: str, home: str) -> LocalDataset:
        """Return the dataset of a commit; one without rows where it is missing or cannot be read."""
        if (commit, home) not in self._read:
            local = self._view.local or self._view.gone
            self._read[commit, home] = dataset_at(self._workspace, commit, home, like=local)
        return self._read[commit, home]


def _key_of(text: str) -> Key:
    """Return the key of a line that a commit took out, "" when it has none."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return Key("")
    number = row.get(ID) if isinstance(row, dict) else None
    return Key(str(number)) if isinstance(number, str | int) else Key("")


def dataset_at(
    workspace: Workspace, commit: str, home: str, *, like: LocalDataset | None
) -> LocalDataset:
    """Return a folder's dataset as a commit has it, without rows where it is missing or cannot be read.

    ``like`` is the dataset whose options (field names, derived keys) hold. Row bases are left out.
    """
    folder = workspace.light_folder_at(commit, home) or Folder(home, ())
    dataset = LocalDataset(folder)
    if like:
        dataset = replace(like, folder=replace(folder, rows=None))
    return dataset if dataset.problem is None else LocalDataset(Folder(home, ()))


def base_info(workspace: Workspace, view: DatasetView) -> DatasetInfo | None:
    """Return name, description and metadata as the pointer's ``meta=`` says, found in history; None if not there."""
    if view.line is None:
        return None
    return DatasetPast(workspace, view).info(view.line.meta)
