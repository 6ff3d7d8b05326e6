"""Finds what a tree has taken in by the markers of remote versions, and all bases of a merge (sync.md 5.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.core.base import (
    Bases,
    MarkedVersion,
    MarkerStanding,
    bases,
    is_superseded,
    judge_marker,
    taken_in,
)
from skillsync.core.claims import Renamed
from skillsync.core.skill_states import Absence, BaseFact
from skillsync.core.stitched import REPORTED
from skillsync.errors import BadAnswer, NotAllowed, NotFound, SkillsyncError
from skillsync.formats.marker import Mangled, Marker, read_marker, short_digest
from skillsync.model import Digest, Problem, RemoteSkill, Severity, Version
from skillsync.sync.ancestry import GitAncestry
from skillsync.sync.predecessors import would_be_created
from skillsync.sync.skill_reading import read_version

if TYPE_CHECKING:
    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Remote, Workspace

MOST_RENAMED = 50
"""Of so many skills that nothing here is the versions are looked through for one that was published from here."""
FIRST_MARKED = 2
"""The first version that can carry a marker: a creation takes none (B9)."""
_PAGE = 100


@dataclass
class Markers:
    """The marker evidence of one run; ``problems`` receives a warning for each marker that nobody's publish explains."""

    workspace: Workspace
    remote: Remote
    problems: list[Problem] = field(default_factory=list)
    _judged: dict[tuple[str, Digest | None], str | None] = field(default_factory=dict)
    _reported: set[str] = field(default_factory=set)

    @cached_property
    def graph(self) -> GitAncestry:
        """The clone's commits."""
        return GitAncestry(self.workspace.repo, self.workspace.history.head)

    @property
    def _deleted(self) -> Mapping[str, str]:
        return self.workspace.skill_history.deleted

    def look(self, views: Iterable[SkillView]) -> None:
        """Look at the latest version of each skill: is it published from HEAD's history, or from a descendant?

        Costs two git processes for all of them and no request. What a shallow clone cannot tell is the skill's error.
        """
        asked = [view for view in views if view.version and self._matters(view, view.version)]
        self._prepare(view.version for view in asked if view.version)
        for view in asked:
            try:
                self._look(view)
            except SkillsyncError as error:
                view.error = error

    def find_renamed(
        self, views: dict[str, SkillView], listed: Iterable[Version], *, here: Collection[str]
    ) -> None:
        """Find skills that no pointer names and that were renamed on the server since they were published from here.

        A version that only the server has, and whose marker names a commit of HEAD's history, is the skill that has
        that content there. Without this a job would create the old name once more (S20). ``listed`` are the latest
        versions of all skills, ``here`` the names that folders bear. Where the latest version has no such marker, as
        it was edited there as well, the earlier ones are asked for: only while some skill would be created, and of
        MOST_RENAMED skills at most, those that were made last.
        """
        unclaimed = [one for one in listed if one.name not in here and not _base(views, one.name)]
        self._prepare(unclaimed)
        unclaimed = [one for one in unclaimed if not self._claim(views, one, one)]
        edited = [
            one for one in unclaimed if one.number > FIRST_MARKED and one.description is not None
        ]
        for latest in sorted(edited, key=lambda one: one.first, reverse=True)[:MOST_RENAMED]:
            if not any(would_be_created(view) for view in views.values()):
                return
            # One that cannot be read keeps no other skill from being looked at (P17).
            with suppress(NotAllowed, NotFound, BadAnswer):
                for one in self._versions(latest.name, down_to=FIRST_MARKED):
                    if self._claim(views, latest, one):
                        break

    def _claim(self, views: dict[str, SkillView], latest: Version, marked: Version) -> bool:
        """Give a skill to the folder that one of its versions was published from, if there is one."""
        owner = self._owner(views, marked)
        if owner is None:
            return False
        views.pop(latest.name, None)
        owner.version, owner.absence, owner.renamed = latest, Absence.PRESENT, Renamed.THERE
        return True

    def _owner(self, views: Mapping[str, SkillView], version: Version) -> SkillView | None:
        marker = read_marker(version.description)
        head = self.graph.head
        if not isinstance(marker, Marker) or marker.commit is None or head is None:
            return None
        if not self.graph.is_known(marker.commit) or not self.graph.contains(head, marker.commit):
            return None
        for skill in self.workspace.skill_history.all_at(marker.commit):
            owner = views.get(skill.name)
            if owner is None or not would_be_created(owner):
                continue
            if skill.digest and short_digest(skill.digest) == marker.digest:
                owner.base = BaseFact(version.number, version.id, version.first, skill.digest)
                return owner
        return None

    def _matters(self, view: SkillView, version: Version) -> bool:
        is_pointed_at = view.base is not None and view.base.id == version.id
        return bool(version.description) and not (is_pointed_at or view.error or view.renamed)

    def _look(self, view: SkillView) -> None:
        version = view.version
        assert version is not None
        marked = MarkedVersion(version.number, version.id, self.commit_of(view, version))
        head = self.graph.head
        if taken_in((), [marked], head=head, graph=self.graph):
            self._take(view, version)
        elif is_superseded(marked, head=head, graph=self.graph):
            view.superseded = self._is_heads(view)

    def _is_heads(self, view: SkillView) -> bool:
        """Tell whether what would be published is what HEAD has: only that is out of date, an edit of it is not (B8)."""
        head = self.graph.head
        assert head is not None
        if view.local is None:
            return self.workspace.is_team or self._digest_at(view, head) is None
        return view.local.digest == self._digest_at(view, head)

    def _take(self, view: SkillView, version: Version) -> None:
        commit = self.commit_of(view, version)
        digest = self._digest_at(view, commit) if commit else None
        assert digest is not None  # else the marker were not valid
        view.base = BaseFact(version.number, version.id, version.first, digest)
        view.by_marker = True

    def look_again(self, view: SkillView) -> None:
        """Decide anew what was taken in, from the pointer alone and the version that is the latest now.

        A latest version that says nothing of itself is no less a reason to look at the earlier ones.
        """
        view.base, view.by_marker, view.superseded = view.pointed, False, False
        view.bases = view.alike = None
        if view.version is not None and not (view.error or view.renamed):
            try:
                if self._matters(view, view.version):
                    self._look(view)
                self.look_back(view)
            except SkillsyncError as error:
                view.error = error

    def refute(self, view: SkillView) -> None:
        """Take back what the latest version's marker claimed if its content, read by now, is another's (14.6 #107)."""
        base, content = view.base, view.content
        if base is None or content is None or not view.by_marker or content.version.id != base.id:
            return
        if view.digest_of(content) != base.digest:
            self.look_again(view)

    # ------------------------------------------------------------ earlier versions

    def look_back(self, view: SkillView) -> None:
        """Find the newest earlier version that was published from HEAD's history, down to the pointer's.

        For a skill whose latest version is neither. Where nothing was ever taken in but a later version was published
        from a commit that shares some with HEAD, the base is what they share: no version, number 0.
        """
        version, base = view.version, view.base
        if version is None or view.error or not self._takes_markers(version):
            return
        if view.renamed not in {None, Renamed.THERE}:
            return  # what was renamed there has its old name in every commit so far
        if base is not None and (base.id == version.id or version.number <= base.number):
            return
        if base is None and view.local is None and view.name not in self._deleted:
            return  # it was never here
        known = base.number if base and base.first == version.first else 0
        later: list[MarkedVersion] = []
        newest = view.content.versions if view.content else ()
        for one in self._versions(version.name, newest, down_to=known + 1):
            marked = MarkedVersion(one.number, one.id, self.commit_of(view, one))
            if taken_in((), [marked], head=self.graph.head, graph=self.graph):
                self._take(view, one)
                return
            later.append(marked)
        if base is None and view.local is not None:
            view.base = self._shared(view, version, later)

    def _shared(
        self, view: SkillView, version: Version, later: Sequence[MarkedVersion]
    ) -> BaseFact | None:
        found = bases(0, later, head=self.graph.head, graph=self.graph, taken_at=lambda _: 0)
        digests = {self._digest_at(view, commit) for commit in found.commits} - {None}
        if not digests:
            return None
        only = digests.pop() if len(digests) == 1 else None
        return BaseFact(0, "", version.first, only or Digest(""))

    def _takes_markers(self, version: Version) -> bool:
        return version.description is not None

    def _versions(
        self, name: str, known: Sequence[Version] = (), *, down_to: int
    ) -> Iterator[Version]:
        """Yield a skill's versions from the latest down to a number, newest first; ``known`` are the newest."""
        page = known or self.remote.skills.versions(name, newest=_PAGE)
        while page:
            self._prepare(one for one in page if one.number >= down_to)
            for one in page:
                if one.number < down_to:
                    return
                yield one
            last = page[-1].number
            if last <= max(1, down_to):
                return
            page = self.remote.skills.versions(name, newest=_PAGE, before=last)

    # ------------------------------------------------------------ the bases of a merge

    def find_bases(self, view: SkillView) -> None:
        """Note all bases of a skill whose latest version is not taken in, and what they have alike (B4).

        Needs the latest version's content: where it was not read, it does not decide.
        """
        base, version, content = view.base, view.version, view.content
        if base is None or version is None or content is None or content.version.id != version.id:
            return
        if view.local is None or view.error or view.renamed or base.first != version.first:
            return
        if base.id == version.id:
            return
        view.bases = self.bases_of(view, content)
        if view.bases.commits:
            alike = {self._digest_at(view, commit) or Digest("") for commit in view.bases.commits}
            alike |= {base.digest} if view.bases.version else set()
            view.alike = alike.pop() if len(alike) == 1 else Digest("")

    def bases_of(self, view: SkillView, content: RemoteSkill) -> Bases:
        """Return all bases of a merge of the tree with ``content``, the latest version (B4).

        Where commits are among them, each later version that was published from one is read, because here a marker on
        foreign content would make somebody's edit look like an old text.
        """
        taken = view.base.number if view.base else 0
        if content.version.description is None or self.graph.head is None:
            return Bases(taken)
        versions = content.versions or self.remote.skills.versions(view.name, newest=_PAGE)
        claimed = [MarkedVersion(one.number, one.id, self.commit_of(view, one)) for one in versions]
        found = self._bases(taken, claimed, content.version.first)
        if not found.commits:
            return found  # fewer markers would make no more of them
        proven = [
            self._proven(view, content, one) if one.number > taken else marked
            for one, marked in zip(versions, claimed, strict=True)
        ]
        return self._bases(taken, proven, content.version.first)

    def _proven(self, view: SkillView, content: RemoteSkill, version: Version) -> MarkedVersion:
        commit = self.commit_of(view, version)
        if commit is not None:
            read = content if version.id == content.version.id else self._read(view, version)
            commit = self.commit_of(view, version, content=view.digest_of(read))
        return MarkedVersion(version.number, version.id, commit)

    def _bases(self, taken: int, marked: Sequence[MarkedVersion], first: str) -> Bases:
        pointers = [
            (pointer.number, line.commit)
            for line, pointer in self.workspace.history.pointers_for(first)
            if pointer.number >= taken
        ]

        def taken_at(commit: str) -> int:
            there = [number for number, at in pointers if self.graph.contains(commit, at)]
            return taken_in(there, marked, head=commit, graph=self.graph)

        return bases(taken, marked, head=self.graph.head, graph=self.graph, taken_at=taken_at)

    def _read(self, view: SkillView, version: Version) -> RemoteSkill:
        return read_version(self.workspace, self.remote, view, number=version.number)

    # ------------------------------------------------------------ one marker

    def commits_of(self, view: SkillView, versions: Sequence[Version]) -> Mapping[str, str]:
        """Return the commits that the versions' valid markers name, by version id."""
        self._prepare(versions)
        found = {version.id: self.commit_of(view, version) for version in versions}
        return {number: commit for number, commit in found.items() if commit is not None}

    def commit_of(
        self, view: SkillView, version: Version, *, content: Digest | None = None
    ) -> str | None:
        """Return the commit that a version's valid marker names, None for a foreign version.

        ``content`` is the version's digest where it was read; the latest's is known if it was. Raises ShallowClone.
        """
        if content is None and view.content and view.content.version.id == version.id:
            content = view.digest_of(view.content)
        key = (version.id, content)
        if key not in self._judged:
            self._judged[key] = self._judge(view, version, content)
        return self._judged[key]

    def _judge(self, view: SkillView, version: Version, content: Digest | None) -> str | None:
        marker = read_marker(version.description)
        commit = marker.commit if isinstance(marker, Marker) else None
        is_here = commit is not None and self.graph.is_here(commit)
        standing = judge_marker(
            marker,
            at_commit=self._digest_at(view, commit) if commit and is_here else None,
            is_here=is_here,
            content=content,
        )
        if standing is MarkerStanding.UNKNOWN_COMMIT and view.version is version:
            view.made_from = commit or ""
        if standing in REPORTED and version.id not in self._reported:
            self._reported.add(version.id)
            self.problems.append(_problem(view.name, version, standing, marker))
        return commit if standing is MarkerStanding.VALID else None

    def _digest_at(self, view: SkillView, commit: str) -> Digest | None:
        directory, _ = view.place_in(self.workspace)
        return self.workspace.skill_history.digest_at(commit, directory, view.name)

    def _prepare(self, versions: Iterable[Version]) -> None:
        markers = [read_marker(version.description) for version in versions]
        self.graph.prepare(
            [one.commit for one in markers if isinstance(one, Marker) and one.commit]
        )


def _base(views: Mapping[str, SkillView], name: str) -> BaseFact | None:
    view = views.get(name)
    return view.base if view else None


def _problem(
    name: str, version: Version, standing: MarkerStanding, marker: Marker | Mangled | None
) -> Problem:
    why = marker.why if isinstance(marker, Mangled) else f"its marker {standing}"
    author = f" by {version.author.label}" if version.author.label else ""
    return Problem(
        "W-MARKER",
        f"v{version.number}{author}: {why}; it counts as an edit from elsewhere",
        subject=name,
        path=f"remote:{name}",
        severity=Severity.WARNING,
        fix=f"skillsync diff {name}",
    )
