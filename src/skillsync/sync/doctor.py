"""Looks at everything that skillsync depends on and says what is wrong and what mends it; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.doctor_git import git_findings, watch_findings
from skillsync.sync.doctor_remote import remote_findings
from skillsync.sync.doctor_state import state_findings
from skillsync.sync.findings import Finding, Level, ok, problem
from skillsync.sync.local import LocalTree, name_clashes, read_lean_tree
from skillsync.sync.workspace import Connect, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target

KeyWords = Callable[["Target"], str]
"""Finds the key of a target and says where it comes from, masked; raises what keeps it from being used."""


@dataclass(frozen=True)
class Checkup:
    """Everything that was looked at, in order."""

    findings: tuple[Finding, ...]

    @property
    def exit(self) -> int:
        """1 when there is a problem, else 0."""
        return int(any(one.level is Level.PROBLEM for one in self.findings))


def examine(
    workspace: Workspace,
    target: Target,
    connect: Connect | None,
    describe_key: KeyWords,
    *,
    clock: Clock | None = None,
) -> Checkup:
    """Look at git, the files, the key and, unless ``connect`` is None (offline), the server. Writes nothing."""
    clock = clock or SystemClock()
    tree = read_lean_tree(workspace)
    found = [
        *_guarded("git", lambda: git_findings(workspace, tree)),
        *_guarded("watch limits", lambda: watch_findings(workspace)),
        *_guarded("skills", lambda: _skill_names(tree)),
        *_guarded("state", lambda: state_findings(workspace, tree)),
    ]
    key = list(_guarded("key", lambda: iter([_key(target, describe_key)])))
    found += key
    if connect is not None and all(one.level is Level.OK for one in key):
        found += _guarded("host", lambda: _remote(target, connect, tree, clock))
    return Checkup(tuple(found))


def _remote(target: Target, connect: Connect, tree: LocalTree, clock: Clock) -> Iterator[Finding]:
    with connect(target) as remote:
        yield from remote_findings(target, remote, tree, now=clock.now())


def _key(target: Target, describe_key: KeyWords) -> Finding:
    return ok("key", f"from {describe_key(target)}", subject=target.name)


def _skill_names(tree: LocalTree) -> Iterator[Finding]:
    for name, skills in sorted(name_clashes(tree.skills).items()):
        places = ", ".join(sorted(skill.dir for skill in skills))
        yield problem(
            "skills",
            f"several folders hold a skill of this name: {places}; none of them is synced",
            subject=name,
            fix="rename or remove all but one",
        )


def _guarded(check: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Carry one group of checks out; an error ends the group and is its last finding."""
    found: list[Finding] = []
    try:
        for one in look():
            found.append(one)  # noqa: PERF402  what was found before an error counts
    except SkillsyncError as error:
        found.append(problem(check, error.message, subject=error.subject, fix=error.hint))
    return found
