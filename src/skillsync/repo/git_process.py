"""Starts git and waits for it: GitPython is its starter here, and no other module imports GitPython.

GitPython costs 60–110 ms to import and its own object model is slow, so it is imported at the first question
and used for nothing but ``Git.execute`` (performance.md, "What follows"). Hooks are off, prompts are off; a read
takes no lock. Works from git 2.25 on.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

from skillsync.errors import GitFailed

if TYPE_CHECKING:
    from git.cmd import Git

LITERAL = "--literal-pathspecs"
"""Goes before git's command: paths are no patterns."""

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

_POINTS_ELSEWHERE = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"),
    *("GIT_SHALLOW_FILE", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_CONFIG"),
    *("GITLITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
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
    return " ".join(["git", *[word for word in arguments if word != LITERAL][:3]])


def revision(name: str) -> str:
    """Pass a revision on unless it would be read as an option, which raises GitFailed."""
    if not name or name.startswith("-") or "\0" in name:
        raise GitFailed("git rev-parse", 128, f"{name!r} is not a revision")
    return name


def below(roots: Sequence[str]) -> list[str]:
    """Return pathspecs for the folders; the root of the repository needs none."""
    return [] if any(root in ("", ".") for root in roots) else list(roots)
