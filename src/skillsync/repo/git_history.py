"""Questions about the past that git answers: which commits touched what, and which lines they added or took out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillsync.errors import ShallowClone
from skillsync.repo import git_formats as formats
from skillsync.repo.git_formats import Commit, HistoryLine
from skillsync.repo.git_process import below, revision

if TYPE_CHECKING:
    from skillsync.repo.git import Repository

_LOG = ("--topo-order", "--full-history", "--no-color", "--no-ext-diff", "--no-textconv")

_BLOB_LIMIT = 1_000_000
"""Bytes of a file in the history beyond which its lines are not read: no pointer is that long."""


class History:
    """The commits of one repository. Methods raise GitFailed when git fails; paths are relative to its root."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo

    def log_paths(
        self, revisions: str, paths: Sequence[str] = (), *, limit: int | None = None
    ) -> list[Commit]:
        """List the commits of ``revisions`` (a commit or ``a..b``) that touch ``paths``, newest first.

        Children come before parents; side branches that were merged are included. No paths: all commits.
        """
        count = [] if limit is None else [f"--max-count={limit}"]
        asked = ["log", "-z", *_LOG, *count, f"--format={formats.LOG_FORMAT}", revision(revisions)]
        return formats.parse_log(self._repo.run_literal([*asked, "--", *paths]).output)

    def had_lately(self, head: str, path: str, *, newest: int = 64) -> bool | None:
        """Tell, without a process of its own, whether a commit of ``head``'s history has something at ``path``.

        None: the ``newest`` commits cannot tell, as older ones or those beyond a cut may have it.
        """
        if path in {"", "."} or "\n" in path:
            return None
        seen: set[str] = set()
        level = [revision(head)]
        while level:
            seen.update(level)
            if len(seen) > newest:
                return None
            if self._repo.named_objects([f"{each}:{path}" for each in level], limit=0):
                return True
            parents: set[str] = set()
            commits = self._repo.named_objects(level)
            if len(commits) < len(level):
                return None
            for found in commits.values():
                if found.kind != "commit" or found.data is None:
                    return None
                parents.update(formats.parents_of(found.data))
            level = sorted(parents - seen)
        return False

    def commits_touching(
        self, folder: str, *, head: str, since: str | None = None, made_upon: bool = False
    ) -> list[str]:
        """List the ids of commits in ``head``'s history, not in ``since``'s, that touch ``folder``, newest first.

        ``made_upon``: only those that have ``since`` in their own history.
        """
        if since is not None and not self._repo.is_known(since):
            raise ShallowClone(f"commit {since[:12]} is not in this clone")
        revisions = head if since is None else f"{since}..{head}"
        path = ["--ancestry-path"] if made_upon and since is not None else []
        asked = ["log", *_LOG, *path, "--format=%H", revision(revisions), "--", *below([folder])]
        return self._repo.run_literal(asked).line.splitlines()

    def commits_elsewhere(self, roots: Sequence[str], *, head: str | None) -> dict[str, list[str]]:
        """Return the commits that ``head`` does not contain (None: all) and the paths below ``roots`` each touches.

        Newest first, from every ref but our own, every stash and every reflog.
        """
        beyond = [] if head is None else [f"^{revision(head)}"]
        asked = ["log", "-z", "-m", "--name-only", "--no-renames", *_LOG, "--format=%x01%H",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", *beyond]  # fmt: skip
        return formats.parse_named_log(self._repo.run_literal([*asked, "--", *below(roots)]).output)

    def commit_holding(self, path: str, content: bytes) -> str | None:
        """Return the newest commit, of any ref or reflog, that wrote this content to ``path``; None: there is none."""
        blob = self._repo.run(["hash-object", "--stdin", "--no-filters"], data=content).line
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", *_LOG, "--format=%x01%H",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", "HEAD", "--", path]  # fmt: skip
        added = formats.parse_raw_log(self._repo.run_literal(asked).output)
        return next((each.commit for each in added if each.blob == blob), None)

    def paths_of_commits(self, roots: Sequence[str], *, head: str) -> dict[str, list[str]]:
        """Return the commits of ``head``'s history that touch something below ``roots``, newest first, and what."""
        asked = ["log", "-z", "-m", "--name-only", "--no-renames", *_LOG, "--format=%x01%H",
                 revision(head), "--", *below(roots)]  # fmt: skip
        return formats.parse_named_log(self._repo.run_literal(asked).output)

    def commits_after(self, folder: str, *, head: str) -> list[str]:
        """List the commits that touch ``folder`` and descend from ``head``, newest first.

        They are looked for from every ref but our own, every stash and every reflog.
        """
        asked = ["log", *_LOG, "--format=%H", "--ancestry-path",
                 "--exclude=refs/skillsync/*", "--all", "--reflog", f"^{revision(head)}"]  # fmt: skip
        return self._repo.run_literal([*asked, "--", *below([folder])]).line.splitlines()

    def stashes(self) -> list[str]:
        """List the commits of all stashes, newest first."""
        return self._repo.run(["stash", "list", "--format=%H"]).line.splitlines()

    def lines_of(self, path_globs: Sequence[str], *, head: str) -> list[HistoryLine]:
        """List every line that the history of ``head`` added to files named by the globs, newest commit first.

        A glob is git's (``**/.skillsync``, also with its ``:(glob)`` in front), from the root. Merges count against each of their parents, so a
        line that only a merge made is found. Lines of files over 1 MB are left out.
        """
        pathspecs = [f":(top,glob){glob.removeprefix(':(glob)')}" for glob in path_globs]
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", *_LOG,
                 "--format=%x01%H", revision(head), "--", *pathspecs]  # fmt: skip
        added = list(formats.parse_raw_log(self._repo.run(asked).output))
        blobs = {blob for each in added for blob in (each.blob, each.before) if blob}
        sizes = self._repo.blob_sizes(sorted(blobs))
        small = [blob for blob, size in sizes.items() if size <= _BLOB_LIMIT]
        contents = self._repo.read_blobs(small)
        return [line for each in added for line in formats.added_lines(each, contents)]

    def deleted_files(self, name: str, *, head: str) -> list[tuple[str, str]]:
        """List the files of one name that the history of ``head`` deleted, oldest first: path and the blob before."""
        asked = ["log", "-z", "--raw", "--no-abbrev", "-m", "--no-renames", "--diff-filter=D", "--reverse", *_LOG,
                 "--format=%x01%H", revision(head), "--", f":(top,glob)**/{name}"]  # fmt: skip
        return list(formats.parse_deleted(self._repo.run(asked).output))

    def removed_lines(self, path: str, *, head: str, since: str | None = None) -> list[str]:
        """List every line that a commit in ``head``'s history, not in ``since``'s, took out of a file, newest first.

        Merges count against each of their parents. The lines come without their ends.
        """
        revisions = revision(head) if since is None else f"{revision(since)}..{revision(head)}"
        asked = ["log", "-p", "-U0", "-m", "--text", "--no-renames", *_LOG, "--format=", revisions,
                 "--", path]  # fmt: skip
        text = self._repo.run_literal(asked).output.decode("utf-8", "replace")
        return [
            line[1:].removesuffix("\r")
            for line in text.split("\n")
            if line.startswith("-") and not line.startswith("--- ")
        ]
