"""Turns the versions of a skill into commits on a branch of their own: same versions, same hashes in every clone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skillsync.errors import (
    BadAnswer,
    GitFailed,
    InvalidContent,
    RefusedForSafety,
    RemoteError,
)
from skillsync.formats.paths import name_problem
from skillsync.model import RemoteSkill, Version
from skillsync.repo.import_stream import data_block, person_line
from skillsync.repo.lock import locked
from skillsync.sync.revision import find_skill
from skillsync.sync.show import lay_out

if TYPE_CHECKING:
    from skillsync.api.skills import Wanted
    from skillsync.config import Target
    from skillsync.repo.git import Repository
    from skillsync.sync.workspace import Connect, Remote, Workspace

BRANCHES = "skillsync-history/"
"""Where the branches go unless the user names one."""

MOST_VERSIONS = 2_000
_BATCH = 50
_MOST_BYTES = 64 * 1024 * 1024
"""Versions that are read before they are written, and bytes that are held: an interruption loses no more."""

_TRAILER = "Skillsync-Version"
_LINE = re.compile(
    rf"^{_TRAILER}: (?P<place>\S+) (?P<name>\S+) v(?P<number>\d+) (?P<id>\S+)$", re.MULTILINE
)


@dataclass(frozen=True)
class ImportRequest:
    """What the user asked for. ``branch`` None: ``skillsync-history/NAME``. ``on_version`` hears each one read."""

    name: str
    branch: str | None = None
    on_version: Callable[[int], None] = lambda _: None


@dataclass
class Imported:
    """What is on the branch now: ``first`` to ``last`` were added by this run (0: none), ``tip`` is its commit."""

    name: str
    branch: str
    versions: int = 0
    first: int = 0
    last: int = 0
    tip: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def added(self) -> int:
        """How many commits this run made."""
        return self.last - self.first + 1 if self.first else 0


def import_history(
    workspace: Workspace, target: Target, connect: Connect, request: ImportRequest
) -> Imported:
    """Write each version that the branch does not have yet as a commit with its author and date.

    The commits hold the skill's files alone, and no pointer: they are for people and prove nothing. A run that ends
    early leaves the versions it got to, and the next one goes on there. Raises RefusedForSafety when the branch
    holds something else, NotFound, UsageError, InvalidContent for a version that must not be written, RemoteError.
    """
    with locked(workspace.repo.state_dir, command="history import"), connect(target) as remote:
        view = find_skill(workspace, target, remote, request.name)
        if trouble := name_problem(view.name):
            raise InvalidContent(trouble, subject=view.name, unchanged="No commit was made.")
        versions = sorted(
            remote.skills.versions(view.name, newest=MOST_VERSIONS), key=lambda one: one.number
        )
        _require_whole(view.name, versions)
        branch = request.branch or f"{BRANCHES}{view.name}"
        _check_branch(workspace.repo, branch)
        done = _done_before(workspace.repo, branch, target.place, versions)
        found = Imported(view.name, branch, versions=len(versions))
        writer = _Import(workspace, target.place, branch, found)
        for batch in _batches(versions[done:]):
            writer.add(_read(remote, batch, request.on_version))
        found.tip = _tip(workspace.repo, branch) or ""
    return found


def _require_whole(name: str, versions: Sequence[Version]) -> None:
    if [version.number for version in versions] != list(range(1, len(versions) + 1)):
        raise BadAnswer(
            f"the server does not list every version of {name}",
            subject=name,
            unchanged="No commit was made.",
            hint=f"skillsync log {name}",
        )


def _batches(versions: Sequence[Version]) -> Iterator[Sequence[Version]]:
    for at in range(0, len(versions), _BATCH):
        yield versions[at : at + _BATCH]


def _read(
    remote: Remote, versions: Sequence[Version], on_version: Callable[[int], None]
) -> Iterator[RemoteSkill]:
    """Yield the versions in order; an error is raised where it stands, so that those before it are kept."""
    results: dict[int, RemoteSkill | RemoteError] = {}
    stopped: RemoteError | None = None
    try:
        listed: dict[Wanted, Version] = {
            (version.name, version.number): version for version in versions
        }
        for (_, number), result in remote.skills.read_many([*listed], listed=listed):
            results[number or 0] = result
            on_version(number or 0)
    except RemoteError as error:
        stopped = error
    for version in versions:
        found = results.get(version.number, stopped)
        if not isinstance(found, RemoteSkill):
            raise found or BadAnswer(f"v{version.number} was not read", subject=version.name)
        if found.version.id != version.id:
            raise BadAnswer(
                f"v{version.number} of {version.name} was replaced while it was read",
                subject=version.name,
                hint="run the command again",
            )
        yield found


# ---------------------------------------------------------------- the branch


def _check_branch(repo: Repository, branch: str) -> None:
    done = repo.run(["check-ref-format", f"refs/heads/{branch}"], accept=(0, 1))
    if done.status or branch.startswith("-"):
        raise RefusedForSafety(
            f"{branch!r} cannot be the name of a branch", unchanged="No commit was made."
        )
    checked_out = f"branch refs/heads/{branch}"
    if checked_out in repo.run(["worktree", "list", "--porcelain"]).line.splitlines():
        raise RefusedForSafety(
            f"the branch {branch} is checked out",
            subject=branch,
            unchanged="No commit was made.",
            hint="git switch to another branch, or name one with --branch",
        )


def _tip(repo: Repository, branch: str) -> str | None:
    asked = ["rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}"]
    return repo.run(asked, accept=(0, 1)).line or None


def _done_before(repo: Repository, branch: str, place: str, versions: Sequence[Version]) -> int:
    """Return how many versions the branch holds already; it must hold nothing else."""
    if _tip(repo, branch) is None:
        return 0
    asked = ["log", "-z", "--reverse", "--topo-order", "--format=%P%x01%B", f"refs/heads/{branch}"]
    records = [
        one for one in repo.run([*asked, "--"]).output.decode("utf-8", "replace").split("\0") if one
    ]
    is_default = branch.startswith(BRANCHES)  # another one may be anybody's work
    for at, record in enumerate(records):
        parents, _, message = record.partition("\x01")
        match = _LINE.search(message)
        is_ours = match is not None and at < len(versions) and len(parents.split()) == min(at, 1)
        if match is None or not is_ours or not _names(match, place, versions[at]):
            raise RefusedForSafety(
                f"the branch {branch} holds commits that are not versions of this skill at {place}",
                subject=branch,
                unchanged="No commit was made.",
                hint="name another branch with --branch"
                + (f", or delete this one: git branch -D {branch}" if is_default else ""),
            )
    return len(records)


def _names(match: re.Match[str], place: str, version: Version) -> bool:
    told = (match["place"], match["name"], int(match["number"]), match["id"])
    return told == (place, version.name, version.number, version.id)


# ---------------------------------------------------------------- the commits


@dataclass
class _Import:
    """Writes versions as commits through `git fast-import`, as many at once as fit into memory."""

    workspace: Workspace
    place: str
    branch: str
    found: Imported
    _ignored: set[str] = field(default_factory=set)

    def add(self, skills: Iterator[RemoteSkill]) -> None:
        """Write the versions; when reading one fails, those before it are written first."""
        parts: list[bytes] = []
        size = 0
        numbers: list[int] = []
        try:
            for skill in skills:
                if size > _MOST_BYTES:
                    self._flush(parts, numbers)
                    parts, size, numbers = [], 0, []
                part = self._commit(skill)
                parts.append(part)
                size += len(part)
                numbers.append(skill.version.number)
        finally:
            self._flush(parts, numbers)

    def _flush(self, parts: list[bytes], numbers: list[int]) -> None:
        if not parts:
            return
        repo = self.workspace.repo
        tip = _tip(repo, self.branch)
        stream = [f"reset refs/heads/{self.branch}\nfrom {tip}\n\n".encode()] if tip else []
        asked = ["fast-import", "--quiet", "--date-format=raw"]
        repo.run(asked, data=b"".join([*stream, *parts, b"done\n"]), reads=False)
        if _tip(repo, self.branch) == tip:
            raise GitFailed("git fast-import", 0, f"the branch {self.branch} did not move")
        self.found.first = self.found.first or numbers[0]
        self.found.last = numbers[-1]

    def _commit(self, skill: RemoteSkill) -> bytes:
        """Return the stream of one commit; nothing in it depends on this clone, its settings or the time."""
        version = skill.version
        person = person_line(version.author.label, version.created_at)
        message = (
            f"{version.name} v{version.number}\n\n"
            f"{_TRAILER}: {self.place} {version.name} v{version.number} {version.id}\n"
        )
        folder = PurePosixPath(self.workspace.settings.skills[0]) / version.name
        lines = [
            f"commit refs/heads/{self.branch}\n".encode(),
            f"author {person}\ncommitter {person}\n".encode(),
            data_block(message.encode()),
            b"deleteall\n",
        ]
        try:
            entries = lay_out(skill, None).folder.entries
        except InvalidContent as error:
            raise InvalidContent(
                f"v{version.number} of {version.name} must not be written: {error.message}",
                subject=version.name,
                path=error.path,
                unchanged="The versions before it are on the branch.",
            ) from error
        self._note_ignored(str(folder), [entry.path for entry in entries])
        for entry in entries:
            mode = "100755" if entry.executable else "100644"
            lines.append(f"M {mode} inline {folder / entry.path}\n".encode())
            lines.append(data_block(entry.data or b""))
        return b"".join([*lines, b"\n"])

    def _note_ignored(self, folder: str, paths: Sequence[str]) -> None:
        """Say once which files git ignores here; they stay in the commits, which must not depend on this clone."""
        new = self.workspace.aside.ignored(folder, None, paths) - self._ignored
        if new:
            self._ignored |= new
            self.found.notes.append(
                f"git ignores {', '.join(sorted(new)[:5])} here; the commits hold it all the same"
            )
