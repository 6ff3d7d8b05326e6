"""Writes markers: the description of a publish, and the version that gives a new skill its marker (sync.md 5.3, B9)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import NotAllowed, NotAuthenticated, NotFound, RemoteError, VersionConflict
from skillsync.formats.marker import Marker, read_marker, short_digest, words_of, write_marker
from skillsync.model import Digest
from skillsync.sync.evidence import UNBORN

if TYPE_CHECKING:
    from skillsync.api.payload import Published
    from skillsync.model import RemoteSkill, SkillPointer, Version
    from skillsync.sync.workspace import Remote, Workspace

RUN_ENDING = (NotAuthenticated, NotAllowed)
"""A write that ends so stops the whole run (sync.md 9.2: 401/403)."""


def new_nonce() -> str:
    """Return eight random hex digits."""
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Description:
    """What a publish will say: fixed before its first attempt (R19). ``text`` "" on a server without the field."""

    marker: Marker
    text: str = ""

    def is_of(self, version: Version) -> bool:
        """Tell whether a version is the one that was published with this."""
        found = read_marker(version.description)
        return bool(self.text) and isinstance(found, Marker) and found.nonce == self.marker.nonce


def head_has_taken_in(
    workspace: Workspace, directory: str, version: Version, line: SkillPointer, name: str
) -> bool:
    """Tell whether HEAD's history itself has taken a version in: by a pointer, as what it was made from, or as its text.

    What only the working tree's pointer (``line``) says was decided there. Where a person kept the text of HEAD
    against the version, whoever else has HEAD has not decided so, and may have taken the version in otherwise.
    """
    history = workspace.history
    committed = workspace.head_pointer(directory)
    if committed is not None and f" {version.id} ".encode() in committed:
        return True
    marker = read_marker(version.description)
    if isinstance(marker, Marker) and marker.commit and history.is_in_history(marker.commit):
        return True
    if any(pointer.id == version.id for _, pointer in history.pointers_for(version.first)):
        return True
    if line.stamp is None or not history.is_in_history(line.stamp.at):
        return False
    since = None if line.stamp.at == UNBORN else line.stamp.at
    return any(
        workspace.skill_history.digest_at(commit, directory, name) == line.digest
        for commit in history.touching(directory, since=since)
    )


@dataclass
class Marking:
    """Makes the descriptions of one run."""

    workspace: Workspace
    remote: Remote
    nonce: Callable[[], str] = new_nonce

    @property
    def is_offered(self) -> bool:
        """Whether the server has shown that it keeps descriptions; where it has not, none is ever sent (5.5)."""
        return self.remote.skills.capabilities.version_description is True

    def describe(
        self,
        name: str,
        directory: str,
        digest: Digest,
        *,
        words: str = "",
        is_over_heads: Callable[[], bool] = lambda: True,
    ) -> Description:
        """Return the description of a publish of this content, made now.

        It names HEAD only if HEAD's files are what is published, and what they are published over was taken in there
        (``is_over_heads``): whoever has HEAD then has both. ``words`` replace those of HEAD's message.
        """
        head = self.workspace.history.head
        at_head = self.workspace.skill_history.digest_at(head, directory, name) if head else None
        is_heads = head is not None and at_head == digest and is_over_heads()
        marker = Marker(
            self.nonce(), head if is_heads else None, short_digest(digest) if is_heads else None
        )
        if not self.is_offered:
            return Description(marker)
        subject = words_of(self.workspace.repo.message(head)) if head else ""
        if not is_heads:
            subject = f"uncommitted changes after: {subject}" if subject else "uncommitted changes"
        return Description(marker, write_marker(marker, words or subject))

    def mark(self, basis: RemoteSkill, description: Description) -> Published | None:
        """Make a version of the same content as ``basis``, our own version 1, that carries its marker (B9).

        None: it was not made, because somebody else's version is there by now or the server refused; the next run
        looks again. Raises only what ends the run.
        """
        for attempt in (1, 2):
            try:
                return self.remote.skills.mark(basis, description=description.text)
            except RUN_ENDING:
                raise
            except (VersionConflict, NotFound):
                return self._ours(basis, description)
            except RemoteError as error:
                if not error.indeterminate:
                    return None
                ours = self._ours(basis, description)
                if ours is not None or attempt == 2:
                    return ours
        return None

    def _ours(self, basis: RemoteSkill, description: Description) -> Published | None:
        from skillsync.api.payload import Published

        try:
            latest = self.remote.skills.head(basis.version.name)
            if not description.is_of(latest):
                return None
            return Published(latest, self.remote.skills.read(latest.name, number=latest.number))
        except RUN_ENDING:
            raise
        except RemoteError:
            return None
