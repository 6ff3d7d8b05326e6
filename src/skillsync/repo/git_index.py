"""The working tree and the index as git sees them: what it lists, ignores, holds staged, and what waits unmerged."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skillsync.errors import GitFailed
from skillsync.repo import git_formats as formats
from skillsync.repo.git_formats import ListedFile
from skillsync.repo.git_process import LITERAL, Done, below, finish_git, revision, start_git

if TYPE_CHECKING:
    from skillsync.repo.git import Repository

_DIGEST = 20
"""Bytes at the end of git's index that tell its contents apart, in a repository of SHA-256 as well; zeros say nothing."""

_SMALL = 100_000
"""Bytes of an index, some thousand files, up to which a second process costs more than it gains."""


class Index:
    """The index of one working tree. Methods raise GitFailed when git fails; paths are relative to its root."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._file = repo.state_dir.parent / "index"
        self._last_unmerged: tuple[bytes, dict[str, set[int]]] = b"", {}

    def blob_of(self, path: str) -> str:
        """Return the blob of a path in the index, "" when there is none, or several sides of a conflict."""
        listed = formats.parse_listing(
            self._repo.run_literal(["ls-files", "-z", "-t", "-s", "--cached", "--", path]).output
        )
        return next((each.blob for each in listed if each.path == path and each.stage == 0), "")

    def listing(self, roots: Sequence[str] = (".",)) -> list[ListedFile]:
        """List what git tracks, and what is untracked and not ignored, below ``roots``.

        A path with unmerged stages appears once per stage; a tracked path appears though its file is gone. A
        folder that could not be looked into appears as ``is_denied``.
        """
        listed: list[ListedFile] = []
        for done in self.listing_outputs(roots):
            listed += formats.parse_listing(done.output)
            listed += formats.parse_denied(done.complaint)
        return listed

    def listing_outputs(self, roots: Sequence[str] = (".",)) -> Iterator[Done]:
        """Yield what git prints for ``listing``.

        Of many files the tracked paths come first, while another git still looks for the rest; of few all at once.
        """
        folders = ["--", *below(roots)]
        tracked, others = ["-s", "--cached"], ["--others", "--exclude-standard"]
        if self._size() <= _SMALL:
            yield self._repo.run_literal(["ls-files", "-z", "-t", *tracked, *others, *folders])
            return
        asked = [LITERAL, "ls-files", "-z", "-t", *others, *folders]
        with start_git(self._repo.root, asked) as looking:
            yield self._repo.run_literal(["ls-files", "-z", "-t", *tracked, *folders])
            yield finish_git(looking, asked)

    def _size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0

    def changed_paths(self, roots: Sequence[str] = (".",)) -> list[str]:
        """List the paths below ``roots`` that differ from HEAD, in the index or on disk, untracked ones included."""
        asked = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames",
                 "--ignore-submodules=all"]  # fmt: skip
        done = self._repo.run_literal([*asked, "--", *below(roots)])
        return sorted(record[3:] for record in formats.names(done.output))

    def ignored(self, paths: Collection[str]) -> frozenset[str]:
        """Return the paths, whether anything lies there or not, that git ignores; a tracked file never is."""
        # Git refuses to say anything about what lies behind a symbolic link.
        asked = [path for path in paths if not self._is_behind_link(path)]
        if not asked:
            return frozenset()
        data = b"".join(os.fsencode(path) + b"\0" for path in asked)
        done = self._repo.run(["check-ignore", "-z", "--stdin"], data=data, accept=(0, 1))
        return frozenset(formats.names(done.output))

    def _is_behind_link(self, path: str) -> bool:
        return any(
            (self._repo.root / parent).is_symlink()
            for parent in PurePosixPath(path).parents
            if parent.name
        )

    def changes_since(self, commit: str, names: Sequence[str]) -> dict[str, str]:
        """Say where the index differs from a commit, for files of these names anywhere: path to the commit's blob.

        ``""`` stands for a file that the commit does not have. An unmerged path is among them.
        """
        globs = [f":(top,glob)**/{name}" for name in names]
        asked = [
            "diff-index",
            "--cached",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "-z",
            revision(commit),
        ]
        return formats.parse_index_changes(self._repo.run([*asked, "--", *globs]).output)

    def stage(self, paths: Sequence[str]) -> None:
        """Make the index hold ``paths`` as they are on disk; a missing file is removed from it.

        Ignored files are staged too: the pointer has to be tracked whatever ``.gitignore`` says.
        """
        if paths:
            names = b"".join(os.fsencode(path) + b"\0" for path in paths)
            self._repo.run(
                ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
                data=names,
                reads=False,
            )

    def stage_blobs(
        self, paths: Mapping[str, Mapping[int, str]], *, executable: Collection[str] = ()
    ) -> None:
        """Make paths unmerged, each with the blobs of its stages (1 base, 2 local, 3 remote; sync.md 8), in one step.

        The files on disk are not touched. Whoever calls looked at ``unmerged`` first: stages that a merge of
        the user's left there would be replaced.
        """
        entries = []
        for path, stages in paths.items():
            if not stages:
                raise GitFailed("git update-index --index-info", 0, f"{path}: no side to stage")
            mode = 0o100755 if path in executable else 0o100644
            entries.append((path, 0, "0" * len(next(iter(stages.values()))), 0))
            entries += [(path, mode, blob, stage) for stage, blob in sorted(stages.items())]
        if entries:
            self._write_index(entries)

    def unmerged(self) -> dict[str, set[int]]:
        """Return the unmerged paths of the whole repository with the stages each has."""
        content = self._digest()
        known, unmerged = self._last_unmerged
        if not content or content != known:
            found = formats.parse_unmerged(self._repo.run(["ls-files", "-u", "-z"]).output)
            unmerged = {path: set(stages) for path, stages in found.items()}
            # Without a second look it could be what another git has written meanwhile.
            self._last_unmerged = (content if content == self._digest() else b""), unmerged
        return {path: set(stages) for path, stages in unmerged.items()}

    def _digest(self) -> bytes:
        """Return the digest of its content that git writes at the end of an index; b"" where there is none."""
        try:
            with self._file.open("rb") as file:
                file.seek(-_DIGEST, os.SEEK_END)
                found = file.read(_DIGEST)
        except OSError:
            return b""
        return found if any(found) else b""

    def stages(self, path: str) -> dict[int, bytes]:
        """Return the contents of an unmerged path by stage (1 base, 2 local, 3 remote); empty when merged."""
        found = formats.parse_unmerged(
            self._repo.run_literal(["ls-files", "-u", "-z", "--", path]).output
        ).get(path, {})
        contents = self._repo.read_blobs({blob for _, blob in found.values()})
        return {stage: contents[blob] for stage, (_, blob) in found.items()}

    def resolved(self) -> dict[str, dict[int, str]]:
        """Return the paths whose stages were cleared by a decision (`git add`, `git rm`): stage to blob.

        Git keeps this until the whole index is read anew: after `git reset --hard` or a switch of branches nothing
        of it is left, which tells a conflict that was settled from one that was thrown away.
        """
        found = formats.parse_unmerged(self._repo.run(["ls-files", "--resolve-undo", "-z"]).output)
        return {
            path: {stage: blob for stage, (_, blob) in stages.items()}
            for path, stages in found.items()
        }

    def clear_conflict(self, paths: Collection[str]) -> None:
        """Replace the stages of unmerged ``paths`` by what HEAD has there (nothing, if HEAD has nothing).

        This is for giving a conflict up; a resolved file is staged with ``stage``, which clears them as well.
        """
        wanted = set(paths) & set(self.unmerged())
        if not wanted:
            return
        head = self._repo.head()
        kept = (
            {}
            if head is None
            else {each.path: each for each in self._repo.tree(head, sorted(wanted))}
        )
        zero = "0" * len(self._repo.write_blobs([b""])[0])
        entries = [(path, 0, zero, 0) for path in sorted(wanted)]
        entries += [(path, kept[path].mode, kept[path].blob, 0)
                    for path in sorted(wanted) if path in kept]  # fmt: skip
        self._write_index(entries)

    def _write_index(self, entries: Sequence[tuple[str, int, str, int]]) -> None:
        data = formats.index_lines(entries)
        self._repo.run(["update-index", "-z", "--index-info"], data=data, reads=False)
