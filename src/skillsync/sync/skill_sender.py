"""Sends one skill: one compare-and-set request, and a look before a silence is taken for a failure (sync.md 9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.api.payload import Published, SkillPayload, skill_payload
from skillsync.core.reconcile_skill import Absence
from skillsync.errors import BadAnswer, NotFound, RemoteError, SkillsyncError, VersionConflict
from skillsync.formats.canonical import skill_digest
from skillsync.formats.paths import is_never_sent
from skillsync.model import Digest, Json, RemoteSkill, Version
from skillsync.sync.marking import Description
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import name_taken, renamed_here
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.repo.journal import Journal


@dataclass
class SkillSender:
    """What one push asks of the server. ``journal`` holds what is under way, for the run after a crash."""

    workspace: Workspace
    target: Target
    remote: Remote
    journal: Journal

    def create(self, view: SkillView) -> Published | None:
        """POST; look before it is repeated (a name is unique, so at most one is made). None: somebody else's is there.

        ``view`` then has the version that is there, so that S4 and S5 decide.
        """
        payload = _payload(view, previous=None)
        with self.under_way(view, base=None):
            return self._create(view, payload)

    def _create(self, view: SkillView, payload: SkillPayload) -> Published | None:
        for attempt in (1, 2):
            try:
                return self.remote.skills.create(payload)
            except RemoteError as error:
                if not (error.indeterminate or error.reason == "unique"):
                    raise
                try:
                    latest = self.read(view)
                except NotFound:
                    if error.indeterminate and attempt == 1:
                        continue
                    raise error from None
                view.version, view.content = latest.version, latest
                view.absence, view.own = Absence.PRESENT, self.remote.is_own(latest.version.author)
                if (
                    view.own
                    and latest.version.number == 1
                    and view.remote_digest == local_digest(view)
                ):
                    return Published(latest.version, latest)
                return None
        return None

    def rename(self, view: SkillView, version: Version) -> Version:
        """Rename, and look before a silence is taken for a failure: the version's id tells."""
        try:
            return self.remote.skills.rename(version.name, view.name)
        except NotFound as error:
            if error.reason == "endpoint":
                raise renamed_here(view.name, version.name) from error
            raise
        except RemoteError as error:
            if error.reason == "unique":
                raise name_taken(version.name, view.name) from error
            if not error.indeterminate:
                raise
            with suppress(NotFound):
                now = self.remote.skills.head(view.name)
                if now.id == version.id:
                    return now
            raise

    def basis(self, view: SkillView) -> RemoteSkill:
        """Read what a publish builds upon, right before it: which version is the latest, and its manifest.

        Files are read only where the payload depends on their text: paths that are never written here, and
        those that are empty here (sync.md A2).
        """
        skill = view.local.reading.skill if view.local else None
        empty = skill.extra.empty if skill and skill.extra else frozenset()
        directory, folder = view.place_in(self.workspace)
        aside = self.workspace.aside

        def needed(path: str) -> bool:
            is_ours = not is_never_sent(path) and path not in empty
            return not is_ours or bool(aside.ignored(directory, folder, [path]))

        basis = self.remote.skills.read_basis(view.name, needed=needed)
        previous = aside.put_aside([(directory, folder, basis)])[0]
        removed = previous.content.files.keys() - (skill.files.keys() if skill else set()) - empty
        history = self.workspace.history
        if all(history.has(directory, path) for path in removed):
            return previous  # what is missing was deleted (F10)
        whole = self.read(view, previous.version.number)
        return view.as_taken_in(whole, lambda path: history.has(directory, path))

    def publish(
        self, view: SkillView, previous: RemoteSkill, description: Description
    ) -> Published | None:
        """PATCH over ``previous`` once; look before it is repeated. None: somebody else's version is the latest now.

        ``view`` then has that version.
        """
        base, payload = previous.version, _payload(view, previous=previous)
        with self.under_way(view, base=base.number, description=description):
            return self._publish(view, base, payload, description)

    def _publish(
        self, view: SkillView, base: Version, payload: SkillPayload, description: Description
    ) -> Published | None:
        for attempt in (1, 2):
            try:
                return self.remote.skills.publish(
                    view.name, base=base.number, payload=payload, description=description.text
                )
            except (VersionConflict, NotFound):
                # 404 is how the loser of a race is answered, too (skills-api.md 9).
                return self._ours_or_moved(view, base, description)
            except RemoteError as error:
                if not error.indeterminate:
                    raise
                latest = self.remote.skills.head(view.name)
                if latest.id == base.id and attempt == 1:
                    continue
                if latest.id == base.id:
                    raise
                ours = self._ours_or_moved(view, base, description)
                if ours is None and error.reason in {"incarnation", "unexpected-version"}:
                    raise
                return ours
        return None

    def _ours_or_moved(
        self, view: SkillView, base: Version, description: Description
    ) -> Published | None:
        """After a refusal or silence: the next version with our nonce is ours, and where the server keeps none, the
        one with our digest (sync.md 9.2); else drift."""
        latest = self.read(view)
        view.version, view.content = latest.version, latest
        is_next = latest.version.number == base.number + 1 and latest.version.first == base.first
        is_equal = view.digest_of(latest) == local_digest(view)
        is_ours = description.is_of(latest.version) if description.text else is_equal
        return Published(latest.version, latest) if is_next and is_ours else None

    def read(self, view: SkillView, number: int | None = None) -> RemoteSkill:
        """Read a version, the latest by default, as it is seen from here; raises NotFound, RemoteError."""
        return read_version(self.workspace, self.remote, view, number=number)

    @contextmanager
    def under_way(
        self, view: SkillView, *, base: int | None, description: Description | None = None
    ) -> Iterator[None]:
        """Keep a journal entry while a request is under way; a crash leaves it, a known outcome does not."""
        facts: dict[str, Json] = {
            "digest": local_digest(view),
            "base": base,
            "place": self.target.place,
        }
        if description is not None:
            facts |= {"nonce": description.marker.nonce, "commit": description.marker.commit}
        entry = self.journal.begin_push(view.name, facts)
        try:
            yield
        except SkillsyncError:
            self.journal.finish(entry)
            raise
        self.journal.finish(entry)


def _payload(view: SkillView, *, previous: RemoteSkill | None) -> SkillPayload:
    if view.local is None:
        raise BadAnswer("there is no local content", subject=view.name)
    return skill_payload(view.local.reading, previous=previous)


def local_digest(view: SkillView) -> Digest:
    """Return the digest of what would be sent; raises BadAnswer when nothing valid is here."""
    skill = view.local.reading.skill if view.local else None
    if skill is None:
        raise BadAnswer("there is no local content", subject=view.name)
    return skill_digest(skill)
