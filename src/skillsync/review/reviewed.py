"""What was reviewed, as commits whose trees somebody saw whole, and whether an object of HEAD is among it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from skillsync.model import Digest, Key
from skillsync.repo.git import Repository
from skillsync.review.dataset_changes import open_dataset
from skillsync.review.values import Mode, Review
from skillsync.sync.local import join, last_part
from skillsync.sync.workspace import Workspace

_MOST_COMMITS = 20
"""Commits that touch one object whose reviews are looked for: what several pull requests brought between two pushes."""

_POINTERS = (".skillsync", ".skillsync.rows")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One review that passed. ``ops`` are the ids of its operations, as far as they are known.

    ``merge_base`` is what ``head`` was compared with, ``""`` where nobody says it. ``source`` is for people.
    """

    head: str
    merge_base: str
    mode: Mode
    ops: frozenset[str]
    source: str

    @classmethod
    def of(cls, review: Review, source: str) -> Reviewed:
        """Return what a review.json says of itself."""
        ops = frozenset(op.op_id for op in review.plan.ops)
        return cls(review.range.head, review.range.merge_base, review.mode, ops, source)


Find = Callable[[str], Sequence[Reviewed]]
"""Which reviews that passed there are of a commit, or of the pull requests that brought it."""


@dataclass
class Seen:
    """Answers whether what HEAD has of an object was seen whole by reviews.

    ``find`` None: only ``known`` counts, because a person named it. ``fetch`` brings a commit into the clone that is
    not there, as the head of a pull request that was squashed. ``strict``: a review that did not ask the store does
    not count; ``offline`` names those that were found.
    """

    workspace: Workspace
    head: str
    known: list[Reviewed] = field(default_factory=list)
    find: Find | None = None
    fetch: Callable[[str], None] = lambda _: None
    strict: bool = True
    offline: list[str] = field(default_factory=list)
    _asked: dict[str, bool] = field(default_factory=dict)
    _files: dict[tuple[str, str], Mapping[str, tuple[int, str]]] = field(default_factory=dict)
    _rows: dict[tuple[str, str], Mapping[Key, Digest]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort out what does not count."""
        self.known = self._counted(self.known)

    def _counted(self, found: Iterable[Reviewed]) -> list[Reviewed]:
        counted = []
        for one in found:
            if one.mode is Mode.OFFLINE:
                self.offline.append(one.source)
            if one.mode is Mode.ONLINE or not self.strict:
                counted.append(one)
        return counted

    @property
    def repo(self) -> Repository:
        """The clone."""
        return self.workspace.repo

    # ------------------------------------------------------------ which reviews

    def ask(self, commit: str) -> bool:
        """Learn the reviews of a commit, each once, and tell whether there are any.

        Their commits are brought here where that is possible.
        """
        if self.find is None:
            return False
        if commit not in self._asked:
            found = self._counted(self.find(commit))
            self._asked[commit] = bool(found)
            for one in found:
                if one not in self.known:
                    self.known.append(one)
                    if not self.repo.commit_exists(one.head):
                        self.fetch(one.head)
        return self._asked[commit]

    def is_covered(self, folder: str) -> bool:
        """Tell whether what changed a folder last on the branch itself came with a review.

        Without this a commit that nobody reviewed could bring back a text that was reviewed once, also a merge that
        takes the side of a branch which was merged long ago.
        """
        if self.find is None:
            return bool(self.known)
        self.ask(self.head)
        newest = self._on_branch(folder)[:1]
        if not newest:
            return False
        if any(self._holds(one, newest[0]) for one in self.known) or self.ask(newest[0]):
            return True
        return any(self.ask(parent) for parent in self._merged_by(newest[0]))

    def _merged_by(self, commit: str) -> list[str]:
        """Return what a merge commit brought that the branch did not have: merged by hand, a forge knows no more of it."""
        first, *others = self.repo.run(["rev-parse", f"{commit}^@"]).line.splitlines() or [commit]
        return [one for one in others if not self.repo.is_ancestor(one, first)]

    def _holds(self, one: Reviewed, commit: str) -> bool:
        if not self._is_here(one.head):
            return False
        if not self.repo.is_ancestor(commit, one.head):
            return False
        return not one.merge_base or not self.repo.is_ancestor(commit, one.merge_base)

    def _on_branch(self, folder: str) -> list[str]:
        """Return the commits of the branch itself that touch a folder, newest first: a merge counts for what it brought."""
        asked = ["log", "--first-parent", f"--max-count={_MOST_COMMITS}", "--format=%H", self.head]
        return self.repo.run([*asked, "--", folder]).line.splitlines()

    def commits(self, folder: str) -> list[str]:
        """Return the newest commits that touch a folder, on the branch itself and on what was merged."""
        merged = self.repo.history.commits_touching(folder, head=self.head)[:_MOST_COMMITS]
        return list(dict.fromkeys([*self._on_branch(folder), *merged]))

    def _is_here(self, commit: str) -> bool:
        return bool(commit) and self.repo.commit_exists(commit)

    def _until(self, folder: str, holds: Callable[[], bool]) -> bool:
        """Ask for one review after the other until it holds."""
        if holds():
            return True
        for commit in self.commits(folder) if self.find is not None else ():
            count = len(self.known)
            self.ask(commit)
            if len(self.known) > count and holds():
                return True
        return False

    @property
    def _ranges(self) -> list[Reviewed]:
        return [one for one in self.known if self._is_here(one.head)]

    # ------------------------------------------------------------ files

    def files(self, commit: str, folder: str) -> Mapping[str, tuple[int, str]]:
        """Return mode and blob of each file of an object in a commit, without its pointers."""
        at = (commit, folder)
        if at not in self._files:
            found = self.repo.tree_below(commit, folder) if self._is_here(commit) else []
            self._files[at] = {
                each.path: (each.mode, each.blob)
                for each in found
                if last_part(each.path) not in _POINTERS
            }
        return self._files[at]

    def has_seen_folder(self, folder: str, *, only: str = "") -> bool:
        """Tell whether every file of a folder was in a reviewed tree, and every file that went went with a review.

        ``only`` names one file to which the question is limited.
        """
        return self._until(folder, lambda: not self.unseen(folder, only=only))

    def unseen(self, folder: str, *, only: str = "") -> list[str]:
        """Return the paths that no known review saw as HEAD has them: changed, new or gone."""
        now = self.files(self.head, folder)
        ranges = self._ranges
        paths = {path for one in ranges for path in self.files(one.head, folder)} | now.keys()
        if only:
            paths &= {join(folder, only)}
        return sorted(path for path in paths if not self._was_seen(ranges, folder, path))

    def _was_seen(self, ranges: Iterable[Reviewed], folder: str, path: str) -> bool:
        now = self.files(self.head, folder).get(path)
        if now is not None:
            return any(self.files(one.head, folder).get(path) == now for one in ranges)
        return any(self._went(one, folder, path) for one in ranges)

    def _went(self, one: Reviewed, folder: str, path: str) -> bool:
        there = path in self.files(one.merge_base, folder)
        return there and path not in self.files(one.head, folder)

    def has_seen_removal(self, folder: str, file: str) -> bool:
        """Tell whether a review removed an object: its main file is in what the review began with, and not after it."""
        path = join(folder, file)
        return self._until(folder, lambda: any(self._went(o, folder, path) for o in self._ranges))

    # ------------------------------------------------------------ rows

    def rows(self, commit: str, folder: str) -> Mapping[Key, Digest]:
        """Return the digest of every row of a dataset in a commit."""
        at = (commit, folder)
        if at not in self._rows:
            options = self.workspace.settings.options_for(last_part(folder))
            found = self.workspace.folder_at(commit, folder) if self._is_here(commit) else None
            content = open_dataset(
                found,
                mapping=options.fields or None,
                content_keys=options.keys == "content",
                limits=options.limits,
            )
            self._rows[at] = content.digests
        return self._rows[at]

    def has_seen_rows(self, folder: str, keys: Iterable[Key]) -> list[Key]:
        """Return those of these rows of HEAD that no review saw with the same content."""
        left = set(keys)
        now = self.rows(self.head, folder)

        def holds() -> bool:
            for one in self._ranges:
                there = self.rows(one.head, folder)
                seen = [key for key in left if key in now and there.get(key) == now[key]]
                left.difference_update(seen)
            return not left

        self._until(folder, holds)
        return sorted(left)

    def has_seen_row_removals(self, folder: str, keys: Iterable[Key]) -> list[Key]:
        """Return those of these rows that no review removed."""
        left = set(keys)

        def holds() -> bool:
            for one in self._ranges:
                before, after = self.rows(one.merge_base, folder), self.rows(one.head, folder)
                left.difference_update([key for key in left if key in before and key not in after])
            return not left

        self._until(folder, holds)
        return sorted(left)
