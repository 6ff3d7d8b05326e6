"""The versions of a skill or dataset with authors, dates and the commits that equal them; else what git has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import ShallowClone
from skillsync.model import DatasetRevision, Digest, Json, Problem, RemoteSkill, Version
from skillsync.repo.git_formats import Commit
from skillsync.repo.pointer import POINTER
from skillsync.sync.local import read_lean_tree
from skillsync.sync.markers import Markers
from skillsync.sync.revision import dataset_of, find_one, living
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.api.skills import Wanted
    from skillsync.config import Target

MOST_COMMITS = 200
"""So many commits of a skill's folder, the newest, are compared with its versions."""


@dataclass(frozen=True, slots=True)
class Match:
    """A commit whose folder holds a version's content. ``how`` it is known: by the version's ``marker``, exactly, or
    because HEAD's history has the same ``content``."""

    commit: Commit
    how: str = "content"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One version. ``commits`` are those that equal it, oldest first; None: its content is not known here."""

    version: Version | DatasetRevision
    is_latest: bool
    taken_in: bool
    commits: tuple[Match, ...] | None

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        version = self.version
        return {
            "version": version.number,
            "id": version.id,
            "author": version.author.label,
            "author_id": version.author.id,
            "created_at": version.created_at,
            "latest": self.is_latest,
            "taken_in": self.taken_in,
            "commits": None
            if self.commits is None
            else [
                {"id": one.commit.id, "subject": one.commit.subject, "how": one.how}
                for one in self.commits
            ],
        }


@dataclass(frozen=True, slots=True)
class RowsCommit:
    """One commit of a dataset's folder: how many rows it added, changed and removed; None: it cannot be read."""

    commit: Commit
    rows: tuple[int, int, int] | None

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        names = ("added", "changed", "removed")
        return {
            "commit": self.commit.id,
            "author": self.commit.author,
            "subject": self.commit.subject,
            "time": self.commit.time,
            "rows": None if self.rows is None else dict(zip(names, self.rows, strict=True)),
        }


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one object, newest first: its ``versions``, or the ``commits`` of a dataset that has none.

    ``more`` tells that older ones were left out.
    """

    name: str
    kind: str
    versions: tuple[LogEntry, ...] = ()
    commits: tuple[RowsCommit, ...] = ()
    more: bool = False
    notes: tuple[str, ...] = ()


def log(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    name: str,
    *,
    most: int,
    read: bool = False,
) -> Log:
    """List at most ``most`` versions of a skill or dataset, or commits of a dataset that has none; writes nothing.

    ``read``: versions whose content no pointer in git's history names are read, to find the commits that equal
    them. Raises NotFound, UsageError, RemoteError.
    """
    tree = read_lean_tree(workspace)
    found = find_one(workspace, target, remote, name, tree=tree)
    dataset = dataset_of(workspace, target, remote, tree, found)
    if dataset is not None:
        from skillsync.sync.log_rows import dataset_log

        return dataset_log(workspace, remote, dataset, most=most, read=read)
    view = living(found)
    versions = list(remote.skills.versions(view.name, newest=most + 1))
    shown = versions[:most]
    digests = _known_digests(workspace, view)
    if read:
        digests |= _read_digests(
            workspace, remote, view, [one for one in shown if one.id not in digests]
        )
    matches = _matches(workspace, view, {digests[one.id] for one in shown if one.id in digests})
    marked, problems = _marked(workspace, remote, view, shown)
    entries = [
        LogEntry(
            version,
            is_latest=view.version is not None and version.id == view.version.id,
            taken_in=view.base is not None and version.id == view.base.id,
            commits=marked.get(version.id)
            or (tuple(matches.get(digests[version.id], ())) if version.id in digests else None),
        )
        for version in shown
    ]
    never_linked = view.base is None and view.local is not None
    notes = notes_of(view.problem, entries, never_linked=never_linked, unread="content")
    return Log(
        view.name,
        "skill",
        versions=tuple(entries),
        more=len(versions) > most,
        notes=(*notes, *problems),
    )


def _marked(
    workspace: Workspace, remote: Remote, view: SkillView, versions: Sequence[Version]
) -> tuple[Mapping[str, tuple[Match, ...]], list[str]]:
    """Return the commit that each version's valid marker names, and what is said of those that are not."""
    problems: list[Problem] = []
    markers = Markers(workspace, remote, problems)
    found: dict[str, tuple[Match, ...]] = {}
    try:
        commits = markers.commits_of(view, versions)
    except ShallowClone as error:
        return {}, [error.message]
    for number, commit in commits.items():
        named = workspace.repo.history.log_paths(commit, limit=1)
        found[number] = tuple(Match(one, "marker") for one in named)
    return found, [problem.message for problem in problems]


def notes_of(
    problem: Problem | None, entries: Sequence[LogEntry], *, never_linked: bool, unread: str
) -> tuple[str, ...]:
    """Say what a log leaves open: which version is taken in, and the commits of versions whose content is not known.

    ``unread``: what of a version would have to be read, in one word.
    """
    notes = []
    if problem is not None:
        notes.append(f"which version is taken in is not known: {problem.message}")
    elif never_linked:
        notes.append("it was never linked, so no version is taken in here")
    if any(entry.commits is None for entry in entries):
        them = "them" if unread.endswith("s") else "it"
        notes.append(
            f"where no commit is named, no pointer in git's history tells the {unread} of that version; "
            f"--read reads {them} from the server and compares"
        )
    return tuple(notes)


def _known_digests(workspace: Workspace, view: SkillView) -> dict[str, Digest]:
    """Return version id to digest, as pointer lines of HEAD's history and of the tree say, asking nobody."""
    version = view.version
    found: dict[str, Digest] = {}
    if version is None:
        return found
    for _, pointer in workspace.history.pointers_for(version.first):
        found.setdefault(pointer.id, pointer.digest)
    for known in (view.line, view.base):
        if known is not None and known.first == version.first:
            found[known.id] = known.digest
    return found


def _read_digests(
    workspace: Workspace, remote: Remote, view: SkillView, versions: list[Version]
) -> dict[str, Digest]:
    found: dict[str, Digest] = {}
    listed: dict[Wanted, Version] = {(view.name, version.number): version for version in versions}
    for _, result in remote.skills.read_many([*listed], listed=listed):
        if isinstance(result, RemoteSkill):
            placed = (*view.place_in(workspace), result)
            seen = workspace.aside.put_aside([placed])[0]
            found[result.version.id] = view.digest_of(seen)
        else:
            raise result
    return found


def _matches(
    workspace: Workspace, view: SkillView, wanted: set[Digest]
) -> Mapping[Digest, list[Match]]:
    """Return the commits of HEAD's history that hold one of the contents, oldest first."""
    found: dict[Digest, list[Match]] = {}
    head = workspace.history.head
    if head is None or not wanted:
        return found
    for directory in _folders(workspace, view):
        for commit in workspace.repo.history.log_paths(head, [directory], limit=MOST_COMMITS):
            digest = workspace.skill_history.digest_at(commit.id, directory, view.name)
            if digest in wanted:
                found.setdefault(digest, []).insert(0, Match(commit))
    return found


def _folders(workspace: Workspace, view: SkillView) -> list[str]:
    """Where the skill is and was: its folder, and those in which HEAD's history has its pointer."""
    folders = [view.dir] if view.dir else []
    if view.version is not None:
        folders += [
            line.path.removesuffix(f"/{POINTER}")
            for line, _ in workspace.history.pointers_for(view.version.first)
        ]
    return list(dict.fromkeys(folders))
