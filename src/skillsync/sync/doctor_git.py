"""Looks at git, its settings and the state of the clone, for `doctor`; asks nobody and writes nothing."""

from __future__ import annotations

import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.repo.git_formats import ListedFile
from skillsync.repo.pointer import POINTER
from skillsync.sync.findings import Finding, ok, problem, warning
from skillsync.sync.git_drivers import DRIVER, MERGE
from skillsync.sync.local import ITEMS, join

if TYPE_CHECKING:
    from skillsync.repo.git import Repository
    from skillsync.sync.local import LocalTree
    from skillsync.sync.workspace import Workspace

OLDEST_GIT = (2, 25)
_FEW_WATCHES = 8_192
"""inotify watches below which a developer's other tools usually use up what there is."""


def git_findings(workspace: Workspace, tree: LocalTree) -> Iterator[Finding]:
    """Yield what there is to say about git and this clone."""
    repo = workspace.repo
    yield version_finding(repo.run(["--version"]).line)
    yield _depth(workspace)
    yield _operations(repo)
    yield from _index_lock(repo)
    yield from _line_ends(workspace, tree)
    listed = list(repo.index.listing((*workspace.settings.skills, *workspace.settings.datasets)))
    yield _unicode_setting(repo, platform=sys.platform)
    yield from clash_findings([entry.path for entry in listed])
    yield from _unmerged(listed)
    yield git_drivers(repo, workspace.settings.datasets)
    if workspace.is_team:
        yield _publish_branch(workspace)


def version_finding(line: str) -> Finding:
    """Judge what ``git --version`` printed."""
    match = re.search(r"(\d+)\.(\d+)", line)
    if match is None:
        return warning("git", f"its version cannot be read: {line[:80]!r}")
    if (int(match[1]), int(match[2])) < OLDEST_GIT:
        return problem("git", f"{line} is too old", fix="install git 2.25 or newer")
    return ok("git", line)


def _setting(repo: Repository, name: str) -> str:
    return repo.run(["config", "--get", name], accept=(0, 1)).line


def _depth(workspace: Workspace) -> Finding:
    if not workspace.repo.is_shallow():
        return ok("history", "the whole history is here")
    said = "this clone is shallow: what was taken in before the cut cannot be told"
    fix = "git fetch --unshallow --filter=blob:none (in CI: fetch-depth: 0)"
    judge = problem if workspace.is_team else warning
    return judge("history", said, fix=fix)


def _operations(repo: Repository) -> Finding:
    running = repo.operations_in_progress()
    if not running:
        return ok("operations", "git is in the middle of nothing")
    return warning(
        "operations",
        f"git is in the middle of: {', '.join(running)}",
        fix=f"git status, then finish it or git {running[0]} --abort",
    )


def _index_lock(repo: Repository) -> Iterator[Finding]:
    """A git command that was killed leaves it, and no pointer can be staged while it is there."""
    lock = repo.state_dir.parent / "index.lock"
    if lock.exists():
        yield warning(
            "operations",
            "git's index is locked: a git command is at work, or one was killed",
            subject=str(lock),
            fix=f"wait for it; if no git is running: rm {shlex.quote(str(lock))}",
        )


def _publish_branch(workspace: Workspace) -> Finding:
    branch = workspace.settings.publish_branch
    assert branch is not None
    upstream = workspace.repo.upstream_of(branch)
    if upstream is None:
        return problem(
            "publish branch",
            f"there is no branch {branch!r} here and none on a remote",
            fix=f"git fetch origin {branch}, or correct publish_branch in skillsync.toml",
        )
    return ok("publish branch", f"{branch} is compared with {upstream}")


# ---------------------------------------------------------------- line ends and names


def _line_ends(workspace: Workspace, tree: LocalTree) -> Iterator[Finding]:
    setting = _setting(workspace.repo, "core.autocrlf") or "false"
    yield ok("line ends", f"core.autocrlf is {setting}")
    paths = [join(dataset.dir, ITEMS) for dataset in tree.datasets if dataset.has_items_file]
    if not paths:
        return
    loose = _without_attribute(workspace.repo, paths)
    if not loose:
        yield ok("line ends", "*.jsonl keeps its line ends whatever core.autocrlf says")
        return
    is_rewritten = setting == "true"
    said = (
        "git rewrites its line ends at checkout (core.autocrlf=true), so its bytes differ from machine to machine"
        if is_rewritten
        else "on a machine with core.autocrlf=true git would rewrite its line ends"
    )
    yield warning(
        "line ends", said, subject=loose[0], fix="add to .gitattributes: *.jsonl text eol=lf"
    )


def _without_attribute(repo: Repository, paths: Sequence[str]) -> list[str]:
    """Return the paths for which .gitattributes settles nothing: neither ``-text`` nor ``eol=lf``."""
    asked = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    done = repo.run(["check-attr", "-z", "--stdin", "text", "eol"], data=asked)
    words = done.output.decode("utf-8", "surrogateescape").split("\0")
    settled = {
        words[at]
        for at in range(0, len(words) - 2, 3)
        if (words[at + 1], words[at + 2]) in {("text", "unset"), ("eol", "lf")}
    }
    return [path for path in paths if path not in settled]


def _unicode_setting(repo: Repository, *, platform: str) -> Finding:
    setting = _setting(repo, "core.precomposeunicode")
    if platform == "darwin" and setting != "true":
        return warning(
            "file names",
            "core.precomposeunicode is off: names with accents look different to git here and elsewhere",
            fix="git config core.precomposeunicode true",
        )
    return ok("file names", f"core.precomposeunicode is {setting or 'not set'}")


def clash_findings(paths: Sequence[str]) -> Iterator[Finding]:
    """Yield the files and folders that are one and the same where case or accents do not count."""
    seen: dict[str, str] = {}
    clashes: dict[str, tuple[str, str]] = {}
    for path in sorted(set(paths)):
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            folded = unicodedata.normalize("NFC", name).casefold()
            first = seen.setdefault(folded, name)
            if first != name:
                clashes.setdefault(folded, (first, name))
    if not clashes:
        yield ok("name clashes", "no two names differ only in case or accents")
    for folded, (one, other) in sorted(clashes.items()):
        if not any(folded.startswith(f"{above}/") for above in clashes):
            yield problem(
                "name clashes",
                f"{one} and {other} are one file on systems that ignore case or accents",
                subject=one,
                fix=f"git mv {shlex.quote(other)} to another name",
            )


def _unmerged(listed: Sequence[ListedFile]) -> Iterator[Finding]:
    paths = sorted({entry.path for entry in listed if entry.stage})
    if paths:
        yield warning(
            "conflicts",
            f"unmerged: {', '.join(paths[:5])}",
            subject=paths[0],
            fix="skillsync conflicts, or git status",
        )


def git_drivers(repo: Repository, datasets: Sequence[str]) -> Finding:
    """Judge how git merges pointers and rows: by .gitattributes, and by what this clone knows of it."""
    paths = [POINTER, *(f"{root}/x/{ITEMS}" for root in datasets)]
    asked = ["check-attr", "-z", "merge", "--", *paths]
    ways = set(repo.run(asked).output.decode("utf-8", "replace").split("\0")[2::3])
    fix = "skillsync init --merge-drivers"
    if "union" in ways:
        said = "merge=union in .gitattributes puts two rows of one id, or two rows on one line, into a file"
        return warning("merge drivers", said, fix=f"take it out; {fix}")
    if DRIVER not in ways:
        return ok("merge drivers", f"git merges pointers and rows as text ({fix} teaches it)")
    program = re.match(r"if test -x (\S+|'[^']*'); then", setting := _setting(repo, MERGE))
    if not setting:
        said = ".gitattributes names skillsync's driver, which this clone does not know: text is merged"
        return warning("merge drivers", said, fix=fix)
    if program and not os.access(program[1].strip("'").replace("%%", "%"), os.X_OK):
        said = f"the program of git's merge driver is gone ({program[1]}): text is merged"
        return warning("merge drivers", said, fix=fix)
    return ok("merge drivers", "git merges pointers and rows with skillsync")


# ---------------------------------------------------------------- watch limits


def watch_findings(
    workspace: Workspace, *, read: Callable[[str], str | None] | None = None
) -> Iterator[Finding]:
    """Yield whether the system lets us watch every folder (Linux: inotify). ``read`` reads a file of /proc."""
    limit = (read or _proc)("/proc/sys/fs/inotify/max_user_watches")
    if limit is None or not limit.strip().isdigit():
        yield ok("watch limits", "this system sets none that could be read")
        return
    roots = (*workspace.settings.skills, *workspace.settings.datasets)
    folders = sum(_folders(workspace.repo.root / root) for root in roots)
    most = int(limit)
    said = f"{folders} folders to watch, at most {most:,} watches for all programs of this user"
    fix = "sudo sysctl fs.inotify.max_user_watches=524288"
    if folders > most:
        yield problem("watch limits", said, fix=fix)
    elif folders * 2 > most or most < _FEW_WATCHES:
        yield warning("watch limits", said, fix=fix)
    else:
        yield ok("watch limits", said)


def _proc(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def _folders(root: Path) -> int:
    if not root.is_dir() or root.is_symlink():
        return 0
    return 1 + sum(len(folders) for _, folders, _ in os.walk(root))
