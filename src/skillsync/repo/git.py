"""Everything asked of git, through child processes that GitPython starts; no other module imports GitPython.

GitPython costs 60–110 ms to import and its own object model is slow, so it is imported at the first question
and used for nothing but ``Git.execute`` (performance.md, "What follows"). Lists are NUL-separated, pathspecs
literal, hooks off, prompts off; a read takes no lock. Works from git 2.25 on.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from skillsync.errors import GitFailed, NotARepository, ShallowClone
from skillsync.repo import git_formats as formats
from skillsync.repo.git_formats import (
    Commit,
    HistoryLine,
    ListedFile,
    TextMerge,
    TreeEntry,
)
from skillsync.repo.object_reader import GitObject, ObjectReader

if TYPE_CHECKING:
    from git.cmd import Git

__all__ = ["Commit", "Done", "HistoryLine", "ListedFile", "Repository", "TextMerge", "TreeEntry"]

_DIGEST = 20
"""Bytes at the end of git's index that tell its contents apart, in a repository of SHA-256 as well; zeros say nothing."""

_SMALL_INDEX = 100_000
"""Bytes of an index, some thousand files, up to which a second process costs more than it gains."""

_FEW_BLOBS = 50
"""Up to so many are given to git as files: ``fast-import`` would start another git that unpacks what it has packed."""

_HISTORY_BLOB_LIMIT = 1_000_000
"""Bytes of a file in the history beyond which its lines are not read: no pointer is that long."""

_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "advice.detachedHead=false"),
)

_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_PAGER": "cat",
    # Replacements and grafts are local to one clone: what they say about ancestry is no evidence.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
}

_OFFLINE = {"GIT_NO_LAZY_FETCH": "1"}

_POINTS_ELSEWHERE = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"),
    *("GIT_SHALLOW_FILE", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_CONFIG"),
    *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
    *("GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS"),
)
"""Variables a hook or an outer git leaves behind that would make git answer about another repository."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a git process ended: exit code, what it printed, and what it said on stderr."""

    status: int
    output: bytes
    complaint: str

    @property
    def line(self) -> str:
        """The output as text without its final line end."""
        return os.fsdecode(self.output).removesuffix("\n")


@cache
def _wrapper(folder: Path) -> Git:
    """Make GitPython's process starter for one folder; raises GitFailed when there is no git."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git.cmd import Git

    return Git(folder)


def start_git(
    folder: Path,
    arguments: Sequence[str],
    *,
    reads: bool = True,
    environment: Mapping[str, str] = {},
) -> Popen[bytes]:
    """Start git in ``folder`` with pipes for its stdin, stdout and stderr.

    Raises GitFailed when git cannot be started. ``reads`` keeps git from taking optional locks, so that a
    question never disturbs another git.
    """
    stray = [name for name in _POINTS_ELSEWHERE if name in os.environ]
    # GitPython can add variables to a child's environment but not remove one.
    clean = ["env", *(word for name in stray for word in ("-u", name))] if stray else []
    # GitPython would fall back to the current folder if this one is gone; -C fails instead.
    command = [*clean, "git", "-C", str(folder.absolute()), *_OPTIONS, *arguments]
    variables = {**_ENVIRONMENT, "GIT_OPTIONAL_LOCKS": "0" if reads else "1", **environment}
    try:
        process = _wrapper(folder).execute(
            command, istream=PIPE, as_process=True, env=variables, start_new_session=False
        )
    except Exception as error:  # GitPython's own classes would cost its import here
        raise GitFailed(_shown(arguments), 127, f"git could not be started: {error}") from error
    child: Popen[bytes] | None = process.proc
    assert child is not None  # set by the call that made it; the type covers finished ones
    # The wrapper would terminate the child when it is forgotten; from here on the child is ours.
    process.proc = None
    return child


def finish_git(
    child: Popen[bytes],
    arguments: Sequence[str],
    *,
    data: bytes | None = None,
    accept: Collection[int] = (0,),
) -> Done:
    """Give ``data`` to what ``start_git`` started and wait for its end; raises as ``run_git``."""
    with child:
        output, complaint = child.communicate(data)
    done = Done(child.returncode, output, os.fsdecode(complaint))
    if done.status not in accept:
        raise GitFailed(_shown(arguments), done.status, done.complaint)
    return done


def run_git(
    folder: Path,
    arguments: Sequence[str],
    *,
    data: bytes | None = None,
    accept: Collection[int] = (0,),
    reads: bool = True,
    environment: Mapping[str, str] = {},
) -> Done:
    """Run git in ``folder`` with ``data`` on its stdin. ``accept`` names the exit codes that are answers.

    Raises GitFailed for any other exit code, and when git cannot be started. ``reads`` as for ``start_git``.
    """
    child = start_git(folder, arguments, reads=reads, environment=environment)
    return finish_git(child, arguments, data=data, accept=accept)


def widen_pipe(descriptor: int) -> None:
    """Let a pipe hold a megabyte where the system can: each side then waits for the other less often."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 1 << 20)


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(["git", *[word for word in arguments if word != _LITERAL][:3]])


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
        self._index = state_dir.parent / "index"
        self._objects = ObjectReader(lambda: start_git(root, ["cat-file", "--batch"]))
        self._kinds = ObjectReader(
            # A clone with promised objects would ask its remote for what nobody has.
            lambda: start_git(root, ["cat-file", "--batch-check"], environment=_OFFLINE),
            contents=False,
        )
        # What was here once stays here for as long as a command runs.
        self._known_commits: set[str] = set()
        self._last_unmerged: tuple[bytes, dict[str, set[int]]] = b"", {}
        # A command asks for HEAD's files again and again; a commit never holds others.
        self._last_tree: _Listed = None, ()
        self._last_trees: _Listed = None, ()

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

    def commit_of(self, revision: str) -> str | None:
        """Return the id of the commit that a revision names, None when it names none; costs no process."""
        if "\n" in revision:
            return None
        found = self._objects.read(f"{_rev(revision)}^{{commit}}", limit=0)
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
        asked = _id_lines(commits) + f"^{_rev(head)}\n".encode()
        beyond = self.run(["rev-list", "--stdin"], data=asked).line.splitlines()
        return frozenset(beyond) & frozenset(commits)

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Tell whether ``descendant`` is or contains ``ancestor``; a commit that is not here is no ancestor.

        Raises ShallowClone when the answer lies beyond the cut (sync.md B7).
        """
        if ancestor == descendant and self.commit_exists(ancestor):
            return True
        if self._is_known(ancestor):
            asked = ["merge-base", "--is-ancestor", _rev(ancestor), _rev(descendant)]
            if self.run(asked, accept=(0, 1)).status == 0:
                return True
        if self.is_shallow():
            raise ShallowClone(f"whether {ancestor[:12]} is in the history of {descendant[:12]}"
                               " cannot be told in a shallow clone")  # fmt: skip
        return False

    def _is_known(self, rev: str) -> bool:
        return not formats.is_object_id(rev) or self.commit_exists(rev)

    def message(self, commit: str) -> str:
        """Return a commit's message, without a process; "" when it is not here."""
        found = self._objects.read(_rev(commit))
        if found is None or found.kind != "commit" or found.data is None:
            return ""
        return found.data.partition(b"\n\n")[2].decode("utf-8", "replace")

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent, None for a root commit.

        Raises ShallowClone for a commit at the cut, whose parents are missing (sync.md B7).
        """
        parent = self.commit_of(f"{_rev(commit)}^1")
        if parent is None and self._is_cut(commit):
            raise ShallowClone(f"the parent of {commit[:12]} is not in this shallow clone")
        return parent

    def _is_cut(self, commit: str) -> bool:
        """Tell whether a shallow clone leaves the parents of ``commit`` out."""
        listed = self.root / self.run(["rev-parse", "--git-path", "shallow"]).line
        whole = self.run(["rev-parse", "--verify", f"{_rev(commit)}^{{commit}}"]).line
        return listed.is_file() and whole in listed.read_text().split()

    def merge_bases(self, one: str, other: str) -> list[str]:
        """Return all best common ancestors (sync.md B4). Raises ShallowClone when history is cut off."""
        if self.is_shallow():
            raise ShallowClone("common ancestors cannot be told in a shallow clone")
        asked = ["merge-base", "--all", _rev(one), _rev(other)]
        return self.run(asked, accept=(0, 1)).line.splitlines()

    def log_paths(
        self, revisions: str, paths: Sequence[str] = (), *, limit: int | None = None
    ) -> list[Commit]:
        """List the commits of ``revisions`` (a commit or ``a..b``) that touch ``paths``, newest first.

        Children come before parents; side branches that were merged are included. No paths: all commits.
        """
        count = [] if limit is None else [f"--max-count={limit}"]
        asked = ["log", "-z", *_LOG, *count, f"--format={formats.LOG_FORMAT}", _rev(revisions)]
        return formats.parse_log(self._literal([*asked, "--", *paths]).output)

    def had_lately(self, head: str, path: str, *, newest: int = 64) -> bool | None:
        """Tell, without a process of its own, whether a commit of ``head``'s history has something at ``path``.

        None: the ``newest`` commits cannot tell, as older ones or those beyond a cut may have it.
        """
        if path in {"", "."} or "\n" in path:
            return None
        seen: set[str] = set()
        level = [_rev(head)]
        while level:
            seen.update(level)
            if len(seen) > newest:
                return None
            there = self._objects.read_many([f"{each}:{path}" for each in level], limit=0)
            if any(found is not None for found in there.values()):
                return True
            parents: set[str] = set()
            for found in self._objects.read_many(level).values():
                if found is None or found.kind != "commit" or found.data is None:
                    return None
                parents.update(formats.parents_of(found.data))
            level = sorted(parents - seen)
        return False

    def commits_touching(self, folder: str, *, head: str, since: str | None = None) -> list[str]:
        """List the ids of commits in ``head``'s history, not in ``since``'s, that touch ``folder``, newest first."""
        if since is not None and not self._is_known(since):
            raise ShallowClone(f"commit {since[:12]} is not in this clone")
        revisions = head if since is None else f"{since}..{head}"
        asked = ["log", *_LOG, "--format=%H", _rev(revisions), "--", *_below([folder])]
        return self._literal(asked).line.splitlines()

    def commits_elsewhere(self, roots: Sequence[str], *, head: str | None) -> dict[str, list[str]]:
        """Return the commits that ``head`` does not contain (None: all) and the paths below ``roots`` each touches.

        Newest first, from every ref but our own, every stash and every reflog.
        """
        beyond = [] if head is None else [f"^{_rev(head)}"]
        asked = ["log", "-z", "-m", "--name-only", "--no-renames", *_LOG, "--format=%x01%H",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", *beyond]  # fmt: skip
        return formats.parse_named_log(self._literal([*asked, "--", *_below(roots)]).output)

    def commit_holding(self, path: str, content: bytes) -> str | None:
        """Return the newest commit, of any ref or reflog, that wrote this content to ``path``; None: there is none."""
        blob = self.run(["hash-object", "--stdin", "--no-filters"], data=content).line
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", *_LOG, "--format=%x01%H",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", "HEAD", "--", path]  # fmt: skip
        added = formats.parse_raw_log(self._literal(asked).output)
        return next((each.commit for each in added if each.blob == blob), None)

    def paths_of_commits(self, roots: Sequence[str], *, head: str) -> dict[str, list[str]]:
        """Return the commits of ``head``'s history that touch something below ``roots``, newest first, and what."""
        asked = ["log", "-z", "-m", "--name-only", "--no-renames", *_LOG, "--format=%x01%H",
                 _rev(head), "--", *_below(roots)]  # fmt: skip
        return formats.parse_named_log(self._literal(asked).output)

    def commits_after(self, folder: str, *, head: str) -> list[str]:
        """List the commits that touch ``folder`` and descend from ``head``, newest first.

        They are looked for from every ref but our own, every stash and every reflog.
        """
        asked = ["log", *_LOG, "--format=%H", "--ancestry-path",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", f"^{_rev(head)}"]  # fmt: skip
        return self._literal([*asked, "--", *_below([folder])]).line.splitlines()

    def stashes(self) -> list[str]:
        """List the commits of all stashes, newest first."""
        return self.run(["stash", "list", "--format=%H"]).line.splitlines()

    def history_of(self, path_globs: Sequence[str], *, head: str) -> list[HistoryLine]:
        """List every line that the history of ``head`` added to files named by the globs, newest commit first.

        A glob is git's (``**/.skillsync``, also with its ``:(glob)`` in front), from the root. Merges count against each of their parents, so a
        line that only a merge made is found. Lines of files over 1 MB are left out.
        """
        pathspecs = [f":(top,glob){glob.removeprefix(':(glob)')}" for glob in path_globs]
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", *_LOG,
                 "--format=%x01%H", _rev(head), "--", *pathspecs]  # fmt: skip
        added = list(formats.parse_raw_log(self.run(asked).output))
        blobs = {blob for each in added for blob in (each.blob, each.before) if blob}
        sizes = self.blob_sizes(sorted(blobs))
        small = [blob for blob, size in sizes.items() if size <= _HISTORY_BLOB_LIMIT]
        contents = self.read_blobs(small)
        return [line for each in added for line in formats.added_lines(each, contents)]

    def deleted_files(self, name: str, *, head: str) -> list[tuple[str, str]]:
        """List the files of one name that the history of ``head`` deleted, oldest first: path and the blob before."""
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", "--diff-filter=D", "--reverse", *_LOG,
                 "--format=%x01%H", _rev(head), "--", f":(top,glob)**/{name}"]  # fmt: skip
        return list(formats.parse_deleted(self.run(asked).output))

    def removed_lines(self, path: str, *, head: str, since: str | None = None) -> list[str]:
        """List every line that a commit in ``head``'s history, not in ``since``'s, took out of a file, newest first.

        Merges count against each of their parents. The lines come without their ends.
        """
        revisions = _rev(head) if since is None else f"{_rev(since)}..{_rev(head)}"
        asked = ["log", "-p", "-U0", "-m", "--text", "--no-renames", *_LOG, "--format=", revisions,
                 "--", path]  # fmt: skip
        text = self._literal(asked).output.decode("utf-8", "replace")
        return [
            line[1:].removesuffix("\r")
            for line in text.split("\n")
            if line.startswith("-") and not line.startswith("--- ")
        ]

    # ------------------------------------------------------------ trees and blobs

    def tree(self, commit: str, roots: Sequence[str] = (".",)) -> list[TreeEntry]:
        """List the files of a commit below the folders (or at the paths) ``roots``, sorted by path."""
        wanted = (commit, tuple(roots))
        known, entries = self._last_tree
        if known != wanted:
            asked = ["ls-tree", "-r", "-z", "-l", "--full-tree", _rev(commit), "--", *_below(roots)]
            entries = tuple(formats.parse_tree(self._literal(asked).output))
            if formats.is_object_id(commit):  # a name may mean another commit the next time
                self._last_tree = wanted, entries
        return list(entries)

    def show(self, commit: str, path: str) -> bytes | None:
        """Return a file's content in a commit, None when it has no such file."""
        if "\n" not in path:
            found = self._objects.read(f"{_rev(commit)}:{path}")
            if found is not None:
                return found.data if found.kind == "blob" else None
            if self._objects.read(f"{_rev(commit)}^{{tree}}") is not None:
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
        top = self._objects.read(f"{_rev(commit)}:{folder}")
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

    def index_blob(self, path: str) -> str:
        """Return the blob of a path in the index, "" when there is none, or several sides of a conflict."""
        listed = formats.parse_listing(
            self._literal(["ls-files", "-z", "-t", "-s", "--cached", "--", path]).output
        )
        return next((each.blob for each in listed if each.path == path and each.stage == 0), "")

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

    # ------------------------------------------------------------ working tree and index

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
        below = ["--", *_below(roots)]
        tracked, others = ["-s", "--cached"], ["--others", "--exclude-standard"]
        if self._index_size() <= _SMALL_INDEX:
            yield self._literal(["ls-files", "-z", "-t", *tracked, *others, *below])
            return
        asked = [_LITERAL, "ls-files", "-z", "-t", *others, *below]
        with start_git(self.root, asked) as looking:
            yield self._literal(["ls-files", "-z", "-t", *tracked, *below])
            yield finish_git(looking, asked)

    def _index_size(self) -> int:
        try:
            return self._index.stat().st_size
        except OSError:
            return 0

    def tracked_and_untracked(self, roots: Sequence[str] = (".",)) -> list[str]:
        """Return the paths of ``listing`` that are on disk, each once, sorted."""
        paths = {each.path for each in self.listing(roots)}
        return sorted(path for path in paths if os.path.lexists(self.root / path))

    def index_changes(self, commit: str, names: Sequence[str]) -> dict[str, str]:
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
            _rev(commit),
        ]
        return formats.parse_index_changes(self.run([*asked, "--", *globs]).output)

    def ignored(self, paths: Collection[str]) -> frozenset[str]:
        """Return the paths, whether anything lies there or not, that git ignores; a tracked file never is."""
        # Git refuses to say anything about what lies behind a symbolic link.
        asked = [path for path in paths if not self._is_behind_link(path)]
        if not asked:
            return frozenset()
        data = b"".join(os.fsencode(path) + b"\0" for path in asked)
        done = self.run(["check-ignore", "-z", "--stdin"], data=data, accept=(0, 1))
        return frozenset(formats.names(done.output))

    def _is_behind_link(self, path: str) -> bool:
        return any(
            (self.root / parent).is_symlink()
            for parent in PurePosixPath(path).parents
            if parent.name
        )

    def changed_paths(self, roots: Sequence[str] = (".",)) -> list[str]:
        """List the paths below ``roots`` that differ from HEAD, in the index or on disk, untracked ones included."""
        asked = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames",
                 "--ignore-submodules=all"]  # fmt: skip
        done = self._literal([*asked, "--", *_below(roots)])
        return sorted(record[3:] for record in formats.names(done.output))

    def stage(self, paths: Sequence[str]) -> None:
        """Make the index hold ``paths`` as they are on disk; a missing file is removed from it.

        Ignored files are staged too: the pointer has to be tracked whatever ``.gitignore`` says.
        """
        if paths:
            names = b"".join(os.fsencode(path) + b"\0" for path in paths)
            self.run(
                ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
                data=names,
                reads=False,
            )

    def stage_conflict(
        self,
        path: str,
        *,
        base: bytes | None,
        local: bytes | None,
        remote: bytes | None,
        executable: bool = False,
    ) -> None:
        """Make ``path`` unmerged with stages 1, 2 and 3 (sync.md 8); None leaves that stage out.

        The file on disk is not touched. Whoever calls looked at ``unmerged`` first: stages that a merge of
        the user's left there would be replaced.
        """
        sides = [(stage, side) for stage, side in ((1, base), (2, local), (3, remote))
                 if side is not None]  # fmt: skip
        blobs = self.write_blobs([side for _, side in sides])
        stages = {stage: blob for (stage, _), blob in zip(sides, blobs, strict=True)}
        self.stage_blobs({path: stages}, executable={path} if executable else set())

    def stage_blobs(
        self, paths: Mapping[str, Mapping[int, str]], *, executable: Collection[str] = ()
    ) -> None:
        """Make paths unmerged, each with the blob of each stage, all in one step; as ``stage_conflict`` otherwise."""
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
        content = self._index_digest()
        known, unmerged = self._last_unmerged
        if not content or content != known:
            found = formats.parse_unmerged(self.run(["ls-files", "-u", "-z"]).output)
            unmerged = {path: set(stages) for path, stages in found.items()}
            # Without a second look it could be what another git has written meanwhile.
            self._last_unmerged = (content if content == self._index_digest() else b""), unmerged
        return {path: set(stages) for path, stages in unmerged.items()}

    def _index_digest(self) -> bytes:
        """Return the digest of its content that git writes at the end of an index; b"" where there is none."""
        try:
            with self._index.open("rb") as file:
                file.seek(-_DIGEST, os.SEEK_END)
                found = file.read(_DIGEST)
        except OSError:
            return b""
        return found if any(found) else b""

    def stages(self, path: str) -> dict[int, bytes]:
        """Return the contents of an unmerged path by stage (1 base, 2 local, 3 remote); empty when merged."""
        found = formats.parse_unmerged(
            self._literal(["ls-files", "-u", "-z", "--", path]).output
        ).get(path, {})
        contents = self.read_blobs({blob for _, blob in found.values()})
        return {stage: contents[blob] for stage, (_, blob) in found.items()}

    def resolved(self) -> dict[str, dict[int, str]]:
        """Return the paths whose stages were cleared by a decision (`git add`, `git rm`): stage to blob.

        Git keeps this until the whole index is read anew: after `git reset --hard` or a switch of branches nothing
        of it is left, which tells a conflict that was settled from one that was thrown away.
        """
        found = formats.parse_unmerged(self.run(["ls-files", "--resolve-undo", "-z"]).output)
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
        head = self.head()
        kept = {} if head is None else {each.path: each for each in self.tree(head, sorted(wanted))}
        zero = "0" * len(self.write_blobs([b""])[0])
        entries = [(path, 0, zero, 0) for path in sorted(wanted)]
        entries += [(path, kept[path].mode, kept[path].blob, 0)
                    for path in sorted(wanted) if path in kept]  # fmt: skip
        self._write_index(entries)

    def _write_index(self, entries: Sequence[tuple[str, int, str, int]]) -> None:
        data = formats.index_lines(entries)
        self.run(["update-index", "-z", "--index-info"], data=data, reads=False)

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

    def _literal(self, arguments: Sequence[str]) -> Done:
        return self.run([_LITERAL, *arguments])


_LITERAL = "--literal-pathspecs"
_LOG = ("--topo-order", "--full-history", "--no-color", "--no-ext-diff", "--no-textconv")


def _rev(revision: str) -> str:
    """Pass a revision on unless it would be read as an option."""
    if not revision or revision.startswith("-") or "\0" in revision:
        raise GitFailed("git rev-parse", 128, f"{revision!r} is not a revision")
    return revision


def _below(roots: Sequence[str]) -> list[str]:
    """Return pathspecs for the folders; the root of the repository needs none."""
    return [] if any(root in ("", ".") for root in roots) else list(roots)


def _id_lines(ids: Collection[str]) -> bytes:
    return "".join(f"{each}\n" for each in _checked(ids)).encode()


def _checked(ids: Collection[str]) -> Collection[str]:
    """Pass ids on; raises GitFailed for anything else, which could say something to git."""
    for each in ids:
        if not formats.is_object_id(each):
            raise GitFailed("git cat-file", 128, f"{each!r} is not an object id")
    return ids
