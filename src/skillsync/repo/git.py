"""A git repository: where its HEAD is, how its commits lie to each other, and the objects it holds.

Lists are NUL-separated and pathspecs literal. What is asked of the past is in ``history``, of the working tree and
the index in ``index``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from skillsync.errors import GitFailed, NotARepository, ShallowClone
from skillsync.repo import git_formats as formats
from skillsync.repo.git_formats import Commit, HistoryLine, ListedFile, TextMerge, TreeEntry
from skillsync.repo.git_history import History
from skillsync.repo.git_index import Index
from skillsync.repo.git_process import (
    LITERAL,
    Done,
    below,
    revision,
    run_git,
    start_git,
    widen_pipe,
)
from skillsync.repo.object_reader import GitObject, ObjectReader

__all__ = ["Commit", "Done", "HistoryLine", "ListedFile", "Repository", "TextMerge", "TreeEntry"]

_FEW_BLOBS = 50
"""Up to so many are given to git as files: ``fast-import`` would start another git that unpacks what it has packed."""

_OFFLINE = {"GIT_NO_LAZY_FETCH": "1"}

_Listed: TypeAlias = tuple[tuple[str, tuple[str, ...]] | None, tuple[TreeEntry, ...]]
"""What was listed last: of which commit, below which folders, and what."""


class Repository:
    """One git working tree. ``root`` is its top folder, ``state_dir`` our folder in its git directory.

    Methods raise GitFailed when git fails. Paths are relative to ``root``, with ``/``; file names that are no
    UTF-8 carry lone surrogates as from ``os.fsdecode``.
    """

    def __init__(self, root: Path, state_dir: Path) -> None:
        self.root = root
        self.state_dir = state_dir
        self._objects = ObjectReader(lambda: start_git(root, ["cat-file", "--batch"]))
        self._kinds = ObjectReader(
            # A clone with promised objects would ask its remote for what nobody has.
            lambda: start_git(root, ["cat-file", "--batch-check"], environment=_OFFLINE),
            contents=False,
        )
        # What was here once stays here for as long as a command runs.
        self._known_commits: set[str] = set()
        # A command asks for HEAD's files again and again; a commit never holds others.
        self._last_tree: _Listed = None, ()
        self._last_trees: _Listed = None, ()
        self.history = History(self)
        self.index = Index(self)

    @classmethod
    def open(cls, start: Path) -> Repository:
        """Find the repository that ``start`` lies in; raises NotARepository when there is none."""
        asked = ["rev-parse", "--git-path", "skillsync", "--show-toplevel"]
        if not start.is_dir():
            raise NotARepository(f"{start} is not a folder")
        try:
            done = run_git(start, asked)
        except GitFailed as error:
            if error.status != 128 or "dubious ownership" in error.output:
                raise
            raise NotARepository(
                f"{start} is not in the working tree of a git repository"
            ) from error
        state, _, root = done.line.partition("\n")
        return cls(Path(root), (start / state).resolve())

    @classmethod
    def init(cls, path: Path) -> Repository:
        """Make ``path`` a git repository (nothing changes if it is one) and open it."""
        run_git(path, ["init", "--quiet"], reads=False)
        return cls.open(path)

    def run(
        self,
        arguments: Sequence[str],
        *,
        data: bytes | None = None,
        accept: Collection[int] = (0,),
        reads: bool = True,
        environment: Mapping[str, str] = {},
    ) -> Done:
        """Run git at the root, as ``run_git``."""
        return run_git(
            self.root, arguments, data=data, accept=accept, reads=reads, environment=environment
        )

    def run_literal(self, arguments: Sequence[str]) -> Done:
        """Run git at the root with pathspecs that are paths, not patterns; raises as ``run_git``."""
        return self.run([LITERAL, *arguments])

    # ------------------------------------------------------------ where we are

    def head(self) -> str | None:
        """Return HEAD's commit id, None before the first commit; costs no process."""
        return self.commit_of("HEAD")

    def branch(self) -> str | None:
        """Return the checked-out branch's name (also while it has no commit), None when HEAD is detached."""
        done = self.run(["symbolic-ref", "--quiet", "HEAD"], accept=(0, 1))
        return done.line.removeprefix("refs/heads/") or None

    def is_shallow(self) -> bool:
        """Tell whether history is cut off in this clone."""
        return self.run(["rev-parse", "--is-shallow-repository"]).line == "true"

    def upstream_of(self, branch: str) -> str | None:
        """Return the full name of the ref that HEAD is compared with for ``branch`` (sync.md B3).

        The configured upstream, else the branch of that name on ``origin`` or on the only remote (a clone made
        for CI has no local branch), else the local branch. None when there is no such ref at all.
        """
        done = self.run(
            ["for-each-ref", "--format=%(refname)%00%(upstream)", "refs/heads/", "refs/remotes/"]
        )
        refs = dict(line.split("\0") for line in done.line.splitlines())
        upstream = refs.get(f"refs/heads/{branch}", "")
        if upstream in refs:
            return upstream
        same = [
            ref
            for ref in refs
            if ref.startswith("refs/remotes/")
            and ref.removeprefix("refs/remotes/").partition("/")[2] == branch
        ]
        origin, local = f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"
        if origin in same:
            return origin
        if len(same) == 1:
            return same[0]
        return local if local in refs else None

    def operations_in_progress(self) -> list[str]:
        """Name what the user is in the middle of: merge, rebase, am, cherry-pick, revert, bisect."""
        signs = {
            "MERGE_HEAD": "merge",
            "rebase-merge": "rebase",
            "rebase-apply": "rebase",
            "CHERRY_PICK_HEAD": "cherry-pick",
            "REVERT_HEAD": "revert",
            "BISECT_LOG": "bisect",
        }
        here = self.state_dir.parent
        return sorted({word for sign, word in signs.items() if (here / sign).exists()})

    def has_modes(self) -> bool:
        """Tell whether the executable bit of a file on disk means anything here (``core.fileMode``)."""
        asked = ["config", "--type=bool", "--default=true", "--get", "core.fileMode"]
        return self.run(asked).line != "false"

    # ------------------------------------------------------------ commits

    def commit_of(self, name: str) -> str | None:
        """Return the id of the commit that a revision names, None when it names none; costs no process."""
        if "\n" in name:
            return None
        found = self._objects.read(f"{revision(name)}^{{commit}}", limit=0)
        if found is None or found.kind != "commit":
            return None
        self._known_commits.add(found.id)
        return found.id

    def commit_exists(self, commit: str) -> bool:
        """Tell whether ``commit`` is the full id of a commit in this clone; anything else is not (14.6 #107)."""
        return bool(self.existing_commits([commit]))

    def commit_id(self, revision: str) -> str | None:
        """Return the full id of the commit that a revision names, None when there is none of that name here."""
        if revision.startswith("-") or "\0" in revision:
            return None
        asked = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
        return self.run(asked, accept=(0, 1, 128)).line or None

    def existing_commits(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of ``ids`` that are the full id of a commit in this clone, none fetched for it (14.6 #107)."""
        asked = [each for each in ids if formats.is_object_id(each)]
        found = self._kinds.read_many(each for each in asked if each not in self._known_commits)
        self._known_commits |= {name for name, one in found.items() if one and one.kind == "commit"}
        return frozenset(asked) & self._known_commits

    def outside(self, commits: Collection[str], *, head: str) -> frozenset[str]:
        """Return those of ``commits``, all of this clone, that ``head`` does not contain, with one process."""
        if not commits:
            return frozenset()
        asked = _id_lines(commits) + f"^{revision(head)}\n".encode()
        beyond = self.run(["rev-list", "--stdin"], data=asked).line.splitlines()
        return frozenset(beyond) & frozenset(commits)

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Tell whether ``descendant`` is or contains ``ancestor``; a commit that is not here is no ancestor.

        Raises ShallowClone when the answer lies beyond the cut (sync.md B7).
        """
        if ancestor == descendant and self.commit_exists(ancestor):
            return True
        if self.is_known(ancestor):
            asked = ["merge-base", "--is-ancestor", revision(ancestor), revision(descendant)]
            if self.run(asked, accept=(0, 1)).status == 0:
                return True
        if self.is_shallow():
            raise ShallowClone(f"whether {ancestor[:12]} is in the history of {descendant[:12]}"
                               " cannot be told in a shallow clone")  # fmt: skip
        return False

    def is_known(self, rev: str) -> bool:
        """Tell whether a full id is that of a commit in this clone; git itself is to say so of any other name."""
        return not formats.is_object_id(rev) or self.commit_exists(rev)

    def message(self, commit: str) -> str:
        """Return a commit's message, without a process; "" when it is not here."""
        found = self._objects.read(revision(commit))
        if found is None or found.kind != "commit" or found.data is None:
            return ""
        return found.data.partition(b"\n\n")[2].decode("utf-8", "replace")

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent, None for a root commit.

        Raises ShallowClone for a commit at the cut, whose parents are missing (sync.md B7).
        """
        parent = self.commit_of(f"{revision(commit)}^1")
        if parent is None and self._is_cut(commit):
            raise ShallowClone(f"the parent of {commit[:12]} is not in this shallow clone")
        return parent

    def parents(self, commit: str) -> list[str]:
        """Return the parents that a commit names, whether they are here or not; none of a commit that is not."""
        found = self._objects.read(revision(commit))
        return (
            formats.parents_of(found.data) if found is not None and found.data is not None else []
        )

    def _is_cut(self, commit: str) -> bool:
        """Tell whether a shallow clone leaves the parents of ``commit`` out."""
        listed = self.root / self.run(["rev-parse", "--git-path", "shallow"]).line
        whole = self.run(["rev-parse", "--verify", f"{revision(commit)}^{{commit}}"]).line
        return listed.is_file() and whole in listed.read_text().split()

    def merge_bases(self, one: str, other: str) -> list[str]:
        """Return all best common ancestors (sync.md B4). Raises ShallowClone when history is cut off."""
        if self.is_shallow():
            raise ShallowClone("common ancestors cannot be told in a shallow clone")
        asked = ["merge-base", "--all", revision(one), revision(other)]
        return self.run(asked, accept=(0, 1)).line.splitlines()

    # ------------------------------------------------------------ trees and blobs

    def tree(self, commit: str, roots: Sequence[str] = (".",)) -> list[TreeEntry]:
        """List the files of a commit below the folders (or at the paths) ``roots``, sorted by path."""
        wanted = (commit, tuple(roots))
        known, entries = self._last_tree
        if known != wanted:
            asked = [
                "ls-tree",
                "-r",
                "-z",
                "-l",
                "--full-tree",
                revision(commit),
                "--",
                *below(roots),
            ]
            entries = tuple(formats.parse_tree(self.run_literal(asked).output))
            if formats.is_object_id(commit):  # a name may mean another commit the next time
                self._last_tree = wanted, entries
        return list(entries)

    def show(self, commit: str, path: str) -> bytes | None:
        """Return a file's content in a commit, None when it has no such file."""
        if "\n" not in path:
            found = self._objects.read(f"{revision(commit)}:{path}")
            if found is not None:
                return found.data if found.kind == "blob" else None
            if self._objects.read(f"{revision(commit)}^{{tree}}") is not None:
                return None
        for entry in self.tree(commit, [path]):
            if entry.path == path and entry.size >= 0:
                return self.read_blobs([entry.blob])[entry.blob]
        return None

    def tree_below(self, commit: str, folder: str) -> list[TreeEntry]:
        """List the files of one folder of a commit, as ``tree`` does but without a process; none: no such folder.

        Their sizes are not known (0). Raises GitFailed when ``commit`` names none.
        """
        if "\n" in folder:
            return [replace(each, size=min(each.size, 0)) for each in self.tree(commit, [folder])]
        top = self._objects.read(f"{revision(commit)}:{folder}")
        if top is None and self._objects.read(f"{commit}^{{tree}}") is None:
            raise GitFailed("git cat-file --batch", 128, f"{commit} is not here")
        return [] if top is None or top.kind != "tree" else self._below_tree(top, folder)

    def trees_below(self, commit: str, folders: Iterable[str]) -> list[TreeEntry]:
        """List the files of several folders of a commit, each once, as ``tree_below`` does; ``"."`` is all of it.

        What ``tree`` has just listed is not read again.
        """
        wanted = (commit, tuple(folders))
        for known, entries in (self._last_tree, self._last_trees):
            if known == wanted:
                return list(entries)
        asked = {"" if folder == "." else folder for folder in wanted[1]}
        found = {each.path: each for one in asked for each in self.tree_below(commit, one)}
        if formats.is_object_id(commit):
            self._last_trees = wanted, tuple(found.values())
        return list(found.values())

    def _below_tree(self, top: GitObject, folder: str) -> list[TreeEntry]:
        """List what is below a tree, sorted as git sorts it; all folders of one depth are asked for at once."""
        found: list[TreeEntry] = []
        trees = [(f"{folder}/" if folder else "", top)]
        while trees:
            inner: list[tuple[str, str]] = []
            for above, tree in trees:
                for mode, name, id in formats.parse_tree_object(tree.data or b"", tree.id):  # noqa: A001
                    if mode == formats.TREE:
                        inner.append((f"{above}{name}/", id))
                    else:
                        size = -1 if mode == formats.GITLINK else 0
                        found.append(TreeEntry(above + name, mode, id, size))
            objects = self.read_objects({id for _, id in inner})  # noqa: A001
            trees = [(above, objects[id]) for above, id in inner]  # noqa: A001
        return sorted(found, key=lambda each: os.fsencode(each.path))

    def read_blobs(self, ids: Collection[str], *, missing_ok: bool = False) -> dict[str, bytes]:
        """Read blobs, without a process of their own: id to content. A missing one raises GitFailed, or is left out."""
        found = self.read_objects(ids, missing_ok=missing_ok)
        return {blob: each.data for blob, each in found.items() if each.data is not None}

    def read_objects(
        self, ids: Collection[str], *, missing_ok: bool = False, limit: int | None = None
    ) -> dict[str, GitObject]:
        """As ``read_blobs``, with the sizes; the content of one longer than ``limit`` bytes is None."""
        found = self._objects.read_many(_checked(ids), limit=limit)
        missing = next((each for each, object in found.items() if object is None), None)  # noqa: A001
        if missing is not None and not missing_ok:
            raise GitFailed("git cat-file --batch", 0, f"{missing} is missing")
        return {each: object for each, object in found.items() if object is not None}  # noqa: A001

    @contextmanager
    def opened_blob(self, blob: str) -> Iterator[BinaryIO]:
        """Hold a blob's content as a stream from a git process of its own, so that nobody holds it whole.

        Raises GitFailed, when the block is left at the latest, unless all of it came. A block that is left by another
        error, or before the end, ends the process.
        """
        if not formats.is_object_id(blob):
            raise GitFailed("git cat-file", 128, f"{blob!r} is not an object id")
        # Git itself would hold a blob that is shorter than this.
        asked = ["-c", "core.bigFileThreshold=1m", "cat-file", "blob", blob]
        child = start_git(self.root, asked)
        assert child.stdin is not None  # started with pipes
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.close()
        widen_pipe(child.stdout.fileno())
        try:
            yield cast("BinaryIO", child.stdout)
            is_whole = not child.stdout.read(1)
        except BaseException:
            child.kill()
            raise
        finally:
            child.stdout.close()
            complaint = child.stderr.read()
            child.stderr.close()
            status = child.wait()
        if is_whole and status:
            raise GitFailed("git cat-file blob", status, os.fsdecode(complaint))

    def named_objects(
        self, names: Iterable[str], *, limit: int | None = None
    ) -> dict[str, GitObject]:
        """Read objects by name (a ref, ``COMMIT:PATH``), without a process of their own; missing ones are left out.

        A name must not hold a line end. ``limit``: bytes beyond which an object's content is left out.
        """
        found = self._objects.read_many(names, limit=limit)
        return {name: each for name, each in found.items() if each is not None}

    def close(self) -> None:
        """End the processes that read objects; a later question starts others."""
        self._objects.close()
        self._kinds.close()
        self._known_commits.clear()

    def blob_sizes(self, ids: Collection[str]) -> dict[str, int]:
        """Return the sizes of blobs in bytes; missing ones are left out."""
        sizes = self._sizes_here(ids)
        # What a clone has only been promised is looked for where it was promised.
        missing = [each for each in dict.fromkeys(ids) if each not in sizes]
        if missing:
            asked = ["cat-file", "--batch-check"]
            sizes |= formats.parse_sizes(self.run(asked, data=_id_lines(missing)).output)
        return sizes

    def existing_blobs(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of ``ids`` that are in this clone; none is fetched for it."""
        return frozenset(self._sizes_here(ids))

    def _sizes_here(self, ids: Collection[str]) -> dict[str, int]:
        found = self._kinds.read_many(_checked(ids))
        return {each: one.size for each, one in found.items() if one is not None}

    def has_long_ids(self) -> bool:
        """Tell whether git names its objects by SHA-256 here."""
        return len(self.run(["hash-object", "--stdin"], data=b"").line) == 64

    def write_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store contents as blobs, as they are (no filter, no line-end conversion), and return their ids."""
        if not contents:
            return []
        asked = ["hash-object", "-w", "--no-filters"]
        if len(contents) == 1:
            return [self.run([*asked, "--stdin"], data=contents[0], reads=False).line]
        if len(contents) <= _FEW_BLOBS:
            with tempfile.TemporaryDirectory(prefix="skillsync-blobs-") as folder:
                paths = [Path(folder) / str(number) for number in range(len(contents))]
                for path, content in zip(paths, contents, strict=True):
                    path.write_bytes(content)
                done = self.run([*asked, "--", *map(str, paths)], reads=False)
            return done.line.splitlines()
        stream = formats.blob_stream(contents)
        done = self.run(["fast-import", "--quiet"], data=stream, reads=False)
        return done.line.splitlines()

    def write_blob_of(self, path: Path) -> str:
        """Store a file's content as a blob, as it is, so that no process holds it; returns its id."""
        asked = ["-c", "core.bigFileThreshold=16m", "hash-object", "-w", "--no-filters", "--"]
        return self.run([*asked, str(path)], reads=False).line

    # ------------------------------------------------------------ text

    def merge_file(
        self,
        local: str,
        base: str,
        remote: str,
        *,
        labels: tuple[str, str, str] = ("local", "base", "remote"),
        marker_size: int = 7,
    ) -> TextMerge:
        """Merge two texts line by line against their base, in diff3 style (sync.md 8). Texts have LF.

        ``labels`` name local, base and remote in the markers. ``marker_size`` is the least length of a marker;
        it grows until nothing in the texts looks like one.
        """
        size = formats.marker_size((local, base, remote), minimum=marker_size)
        sides = (("local", local), ("base", base), ("remote", remote))
        with tempfile.TemporaryDirectory(prefix="skillsync-merge-") as folder:
            for name, text in sides:
                (Path(folder) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
            named = [word for label in labels for word in ("-L", " ".join(label.split()) or "?")]
            done = self.run(
                ["merge-file", "-p", "--diff3", f"--marker-size={size}", *named,
                 *(str(Path(folder) / name) for name, _ in sides)],
                accept=range(128),
            )  # fmt: skip
        return TextMerge(done.output.decode("utf-8", "surrogatepass"), done.status, size)


def _id_lines(ids: Collection[str]) -> bytes:
    return "".join(f"{each}\n" for each in _checked(ids)).encode()


def _checked(ids: Collection[str]) -> Collection[str]:
    """Pass ids on; raises GitFailed for anything else, which could say something to git."""
    for each in ids:
        if not formats.is_object_id(each):
            raise GitFailed("git cat-file", 128, f"{each!r} is not an object id")
    return ids
