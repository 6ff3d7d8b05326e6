"""One skill as seen from base, local and remote, with what push and pull make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from skillsync.core.base import Bases
from skillsync.core.claims import Renamed
from skillsync.core.reconcile_skill import (
    Absence,
    BaseFact,
    LocalFact,
    RemoteFact,
    SkillFacts,
    Verdict,
    decide_skill,
)
from skillsync.errors import RemoteError, RenamedHere, SkillsyncError
from skillsync.formats.canonical import skill_digest
from skillsync.model import Digest, Folder, Problem, RemoteSkill, SkillPointer, Version
from skillsync.sync.aside import set_aside
from skillsync.sync.local import LocalSkill

if TYPE_CHECKING:
    from skillsync.sync.markers import Markers
    from skillsync.sync.workspace import Workspace


class _Digested(NamedTuple):
    """A remote version's digest, and what it was made of: asked several times, it is made once."""

    remote: RemoteSkill
    local: LocalSkill | None
    digest: Digest


@dataclass
class SkillView:
    """One skill seen from all sides, with the verdict.

    ``line`` is the tree's pointer line that counts; ``ignored`` tells that a line was there and does not. ``stray`` is the
    tree's line then: of what was taken in it says nothing, but still which skill it was.
    ``content`` is the latest version read whole, when a decision or an action needed it. ``pointed`` is the base by
    pointers alone, ``by_marker``: the base is
    what a marker names, and its content was not compared yet; ``unmarked``: the base or the latest is our own version
    1, to which a marker is still missing (B9). ``bases`` are all common ancestors of the tree and the latest version,
    where they were looked for, and ``alike`` what they have where commits are among them ("": they differ).
    ``made_from``: the commit that the latest version's marker names, where
    this clone does not have it. ``name_is_taken``: what the server has under its name is another folder's skill.
    """

    name: str
    dir: str | None
    local: LocalSkill | None = None
    line: SkillPointer | None = None
    ignored: bool = False
    stray: SkillPointer | None = None
    base: BaseFact | None = None
    pointed: BaseFact | None = None
    bases: Bases | None = None
    alike: Digest | None = None
    version: Version | None = None
    content: RemoteSkill | None = None
    absence: Absence = Absence.NEVER
    own: bool = False
    by_marker: bool = False
    unmarked: bool = False
    superseded: bool = False
    made_from: str = ""
    renamed: Renamed | None = None
    name_is_taken: bool = False
    error: SkillsyncError | None = None
    problem: Problem | None = None
    _digested: _Digested | None = field(default=None, repr=False)

    @property
    def named(self) -> SkillPointer | None:
        """The tree's line that says which skill it is, whether what it says was taken in counts or not."""
        return self.line or self.stray

    @property
    def remote_digest(self) -> Digest | None:
        """The latest content's digest; an unknown extra is the local one (sync.md 6)."""
        if self.version and self.base and self.version.id == self.base.id:
            return self.base.digest
        return self.digest_of(self.content) if self.content else None

    def digest_of(self, remote: RemoteSkill) -> Digest:
        """Return a remote version's digest with the local extra standing in for an unknown one."""
        known = self._digested
        if known is None or known.remote is not remote or known.local is not self.local:
            local = self.local.reading.skill if self.local else None
            digest = skill_digest(remote.content, stand_in=local.extra if local else None)
            known = self._digested = _Digested(remote, self.local, digest)
        return known.digest

    def as_taken_in(self, content: RemoteSkill, was_here: Callable[[str], bool]) -> RemoteSkill:
        """Return the base's version without files that were ignored by git when it was taken in, and are no more.

        They were never written here, so that their absence is no deletion. The base's digest tells: it fits only
        without them. ``was_here`` tells of a path whether some commit of HEAD's history has it.
        """
        base, skill = self.base, self.local.reading.skill if self.local else None
        if base is None or content.version.id != base.id or self.digest_of(content) == base.digest:
            return content
        missing = content.content.files.keys() - (skill.files.keys() if skill else set())
        without = set_aside(content, [path for path in missing if not was_here(path)])
        return without if self.digest_of(without) == base.digest else content

    def place_in(self, workspace: Workspace) -> tuple[str, Folder | None]:
        """Return where it lies here, or would lie, and what lies there."""
        directory = self.dir or f"{workspace.settings.skills[0]}/{self.name}"
        return directory, self.local.folder if self.local else None

    @property
    def known_ids(self) -> frozenset[str] | None:
        """The ids of the live skill's versions; None unless they were read back to the base's (S24)."""
        versions = self.content.versions if self.content else ()
        if self.base is None or not any(one.number <= self.base.number for one in versions):
            return None
        return frozenset(one.id for one in versions)

    @property
    def facts(self) -> SkillFacts:
        """The facts as core wants them."""
        local = None
        if self.local is not None:
            local = LocalFact(self.local.digest, self.local.is_valid)
        remote = None
        if self.version is not None:
            remote = RemoteFact(
                self.version.number,
                self.version.id,
                self.version.first,
                self.remote_digest,
                self.own,
            )
        base = self.base
        if base is not None and self.alike is not None:
            base = replace(base, digest=self.alike)
        return SkillFacts(
            self.name,
            base,
            local,
            remote,
            self.absence,
            superseded=self.superseded,
            unmarked=self.unmarked,
            renamed=self.renamed,
            known_ids=self.known_ids,
        )

    @property
    def row(self) -> str:
        """The row of sync.md 7.1 that it is in: the verdict's, or what kept the skill from being decided."""
        if isinstance(self.error, RenamedHere):
            return "S21"
        return "S25" if isinstance(self.error, RemoteError) else self.verdict.row

    @property
    def verdict(self) -> Verdict:
        """What push and pull do with it."""
        return decide_skill(self.facts)


@dataclass
class SkillSurvey:
    """All skills in scope, by name, and what is wrong with the rest.

    ``markers`` is what was found out about markers, where the server was asked.
    """

    views: dict[str, SkillView]
    problems: list[Problem]
    listed: bool
    complete: bool = True
    markers: Markers | None = field(default=None, repr=False)
