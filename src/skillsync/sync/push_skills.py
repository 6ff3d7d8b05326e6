"""Publishes skills: one compare-and-set request each, with the outcome rules of sync.md 9.2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.api.payload import Published, SkillPayload, skill_payload
from skillsync.core.claims import rename_order
from skillsync.core.reconcile_skill import Absence, PushStep, SkillState
from skillsync.core.safety import Removals, check_removals
from skillsync.errors import (
    BadAnswer,
    NotAuthenticated,
    NotFound,
    RefusedForSafety,
    RemoteError,
    SkillsyncError,
    Unreachable,
    VersionConflict,
)
from skillsync.formats.canonical import skill_digest
from skillsync.formats.paths import is_never_sent
from skillsync.model import Digest, Folder, Json, RemoteSkill, Version
from skillsync.repo.pushed import PushedFiles, keep_pushed
from skillsync.sync.describe import changed_units, version_words
from skillsync.sync.dropping import drop_skill
from skillsync.sync.export import export_history
from skillsync.sync.holding import Candidate, Hold, held
from skillsync.sync.local import join
from skillsync.sync.markers import Markers
from skillsync.sync.marking import RUN_ENDING, Description, Marking
from skillsync.sync.not_sent import not_sent
from skillsync.sync.parked import Parked, parked_skills
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.settle import refuse_unmerged, still_open
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import name_of_another, name_taken, renamed_here
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import (
    Writer,
    pointer_change,
    refuse_left_out,
    skill_line,
    stamp_for,
)

if TYPE_CHECKING:
    from skillsync.config import Target

__all__ = ["RUN_ENDING", "PushOptions", "SkillPush"]

_WRITES_POINTER = {PushStep.CREATE, PushStep.PUBLISH, PushStep.RENAME, PushStep.LINK}
"""What ends with a pointer in the working tree, in solo mode."""
_SUPERSEDED = "superseded: a later commit was published already"
_MOST_MOVES = 4
"""How often a publish is decided again because somebody else's came first."""


@dataclass
class PushOptions:
    """What the user asked for. ``writes_pointer``: solo mode, or --from-branch (design.md 3)."""

    writes_pointer: bool
    archive: Collection[str] = ()
    max_removals: int | None = None
    republish: Collection[str] = ()
    verify: bool = False
    all_or_nothing: bool = False
    hold: Hold | None = None


@dataclass
class SkillPush:
    """One run's publishing of skills."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    options: PushOptions
    report: Report
    _moves: Counter[str] = field(default_factory=Counter)
    _pushed: list[PushedFiles] = field(default_factory=list)

    @cached_property
    def marking(self) -> Marking:
        """What writes the markers of this run."""
        return Marking(self.workspace, self.remote)

    @cached_property
    def _unmerged(self) -> Collection[str]:
        return self.workspace.repo.unmerged()

    @cached_property
    def in_conflict(self) -> Mapping[str, Parked]:
        """The skills whose conflict in the working tree is open."""
        return {parked.name: parked for parked in parked_skills(self.workspace)}

    def run(self, survey: SkillSurvey) -> None:
        """Publish what may be published; removals come last and only by name.

        Raises RefusedForSafety or Unreachable before anything is written when one skill shows that the target as a
        whole cannot be trusted (S24) or reached (S25).
        """
        views = [survey.views[name] for name in sorted(survey.views)]
        check_target(views, step=lambda view: view.verdict.push is PushStep.STOP_TARGET)
        removals = [view for view in views if self._is_removal(view)]
        check_removals(Removals(skills=len(removals)), max_removals=self.options.max_removals)
        try:
            for view in _making_room(views):
                if view not in removals:
                    self._one(view)
            for view in removals:
                self._archive(view)
        finally:
            self._keep_pushed()

    def _is_removal(self, view: SkillView) -> bool:
        return (
            view.verdict.push is PushStep.PENDING_REMOVAL
            and view.name in self.options.archive
            and view.error is None
        )

    def _one(self, view: SkillView) -> None:
        try:
            outcome = self._decided(view) if view.error is None else self._unreadable(view)
        except RUN_ENDING:
            raise
        except SkillsyncError as error:
            outcome = failed(Kind.SKILL, view.name, error, row=view.row)
        if outcome is None:
            self.report.passed += view.local is not None
        else:
            self.report.add(outcome)

    def _unreadable(self, view: SkillView) -> Outcome:
        """S25: a read that was refused for this skill alone fails this skill alone; an unknown key ends the run."""
        assert view.error is not None
        if isinstance(view.error, NotAuthenticated):
            raise view.error
        return failed(Kind.SKILL, view.name, view.error, row=view.row)

    def _decided(self, view: SkillView) -> Outcome | None:
        if view.problem is not None:
            return invalid_pointer(view)
        if not self.workspace.is_team and view.local is not None:
            if view.name in self.in_conflict:
                return still_open(self.in_conflict[view.name])
            refuse_unmerged(self._unmerged, view.local.dir, view.name)
            if view.verdict.push in _WRITES_POINTER:
                refuse_left_out(view.local.folder, view.name)
        verdict = view.verdict
        if verdict.warning:
            self.report.note(
                f"{view.name} has {view.version.number if view.version else 0} of 2,000 versions"
            )
        match verdict.push:
            case PushStep.CREATE:
                return self._held(view) or self._create(view)
            case PushStep.PUBLISH:
                with _says_what_went(view):
                    return self._held(view) or self._publish(view)
            case PushStep.LINK:
                return self._link(view)
            case PushStep.RENAME:
                return self._rename(view)
            case PushStep.MARK:
                return self._mark_creation(view)
            case PushStep.BLOCK:
                return self.blocked(view)
            case PushStep.PENDING_REMOVAL:
                return self._said(view, "is missing locally; its removal is pending")
            case PushStep.DROP_POINTER:
                return self._drop(view)
            case PushStep.ERROR:
                return invalid(view)
            case PushStep.REFUSE | PushStep.CONFLICT:
                return self._said(view, "needs your decision")
            case PushStep.NOTHING | PushStep.WAIT | PushStep.STOP_TARGET:
                return self._nothing(view)

    def _held(self, view: SkillView) -> Outcome | None:
        if self.options.hold is None:
            return None
        directory, folder = view.place_in(self.workspace)
        number = view.version.number if view.version else 0
        candidate = Candidate(
            Kind.SKILL, view.name, directory, folder, writes_files=False, number=number
        )
        reason = self.options.hold(candidate)
        return held(Kind.SKILL, view.name, reason) if reason else None

    def _nothing(self, view: SkillView) -> Outcome | None:
        if view.name in self.options.republish and view.verdict.state is SkillState.IN_SYNC:
            return self._publish(view)
        if view.verdict.state in {SkillState.IN_SYNC, SkillState.NOTHING, SkillState.REMOTE_ONLY}:
            return None
        is_equal = view.verdict.state is SkillState.BOTH_EQUAL and self.options.writes_pointer
        if is_equal and view.version and self.remote.is_own(view.version.author):
            return self._link(view)
        if view.verdict.state is SkillState.SUPERSEDED:
            return self._said(view, _SUPERSEDED)
        return self._said(view, str(view.verdict.state))

    def _drop(self, view: SkillView) -> Outcome | None:
        dropped = None
        if self.options.writes_pointer:
            dropped = drop_skill(self.workspace, self.target, self.writer, view)
        return dropped or self._said(view, "is gone on both sides")

    def _said(self, view: SkillView, did: str) -> Outcome:
        verdict = view.verdict
        return Outcome(
            Kind.SKILL,
            view.name,
            did,
            row=verdict.row,
            state=str(verdict.state),
            exit=verdict.push_exit,
            code=verdict.code,
            fix=verdict.fix,
        )

    # -------------------------------------------------------------- writes

    def _create(self, view: SkillView) -> Outcome | None:
        payload = self._payload(view, previous=None)
        with self._journalled(view, base=None):
            published = self._send_new(view, payload)
        if published is not None:
            return self._published(view, self._marked(view, published), did="created")
        if view.name_is_taken:
            raise name_of_another(view.name)
        return self._decided(view)

    def _marked(self, view: SkillView, created: Published) -> Published:
        """Return the creation, or the version after it that carries the marker which a creation cannot (B9).

        Only a marker that names a commit says anything; where the server could not take it the next run looks again.
        """
        description = self._describe(view)
        if not description.text or description.marker.commit is None:
            return created
        with self._journalled(view, base=created.version.number, description=description):
            marked = self.marking.mark(created.skill, description)
        if marked is None:
            self.report.note(
                f"{view.name}: its publish marker was not stored; a later push adds it"
            )
        return marked or created

    def _mark_creation(self, view: SkillView) -> Outcome | None:
        """S4 of a job that died before it could mark what it had created; what writes a pointer needs no marker."""
        if self.options.writes_pointer or view.content is None:
            return self._link(view)
        description = self._describe(view)
        with self._journalled(view, base=view.content.version.number, description=description):
            marked = self.marking.mark(view.content, description)
        if marked is None:
            return self._said(view, "is our own and equal; its publish marker was not stored")
        return Outcome(
            Kind.SKILL,
            view.name,
            f"marked: v{marked.version.number} says which commit it was made from",
            row=view.verdict.row,
            state=str(view.verdict.state),
            changed=True,
        )

    def _rename(self, view: SkillView) -> Outcome:
        """S21: give the skill on the server the name that it has here, then publish what else changed.

        The call takes no base, so look right before (sync.md A7, 5.6).
        """
        version = view.version
        assert version is not None  # a skill that is not there was not renamed
        old = version.name
        if self.remote.skills.head(old).id != version.id:
            return self.blocked(view)
        view.version, view.renamed = self._renamed(view, version), None
        did = f"renamed from {old}"
        if view.verdict.push is PushStep.PUBLISH:
            outcome = self._publish(view)
            return replace(outcome, did=f"{did}; {outcome.did}", changed=True, row="S21")
        if self.options.writes_pointer and view.base is not None:
            # So that the name which it has now is the one that it had when its pointer was written.
            self._write_pointer(view, view.version, view.base.digest)
        return Outcome(Kind.SKILL, view.name, did, row="S21", state="renamed locally", changed=True)

    def _renamed(self, view: SkillView, version: Version) -> Version:
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

    def _describe(self, view: SkillView) -> Description:
        """Fix what a publish says before its first attempt (R19)."""
        directory, _ = view.place_in(self.workspace)
        return self.marking.describe(
            view.name, directory, self._digest(view), words=self._words(view)
        )

    def _words(self, view: SkillView) -> str:  # noqa: ARG002
        """What a publish's description says to people instead of the commit's message."""
        return ""

    def _send_new(self, view: SkillView, payload: SkillPayload) -> Published | None:
        """POST; look before it is repeated (a name is unique, so at most one is made). None: somebody else's is there.

        ``view`` then has the version that is there, so that S4 and S5 decide.
        """
        for attempt in (1, 2):
            try:
                return self.remote.skills.create(payload)
            except RemoteError as error:
                if not (error.indeterminate or error.reason == "unique"):
                    raise
                try:
                    latest = self._read(view)
                except NotFound:
                    if error.indeterminate and attempt == 1:
                        continue
                    raise error from None
                view.version, view.content = latest.version, latest
                view.absence, view.own = Absence.PRESENT, self.remote.is_own(latest.version.author)
                if (
                    view.own
                    and latest.version.number == 1
                    and view.remote_digest == self._digest(view)
                ):
                    return Published(latest.version, latest)
                return None
        return None

    @contextmanager
    def _journalled(
        self, view: SkillView, *, base: int | None, description: Description | None = None
    ) -> Iterator[None]:
        """Keep a journal entry while a request is under way; a crash leaves it, a known outcome does not."""
        facts: dict[str, Json] = {
            "digest": self._digest(view),
            "base": base,
            "place": self.target.place,
        }
        if description is not None:
            facts |= {"nonce": description.marker.nonce, "commit": description.marker.commit}
        entry = self.writer.journal.begin_push(view.name, facts)
        try:
            yield
        except SkillsyncError:
            self.writer.journal.finish(entry)
            raise
        self.writer.journal.finish(entry)

    def _publish(self, view: SkillView) -> Outcome:
        base = view.version
        if base is None:
            raise BadAnswer("there is no version to publish over", subject=view.name)
        previous = self._previous(view)
        if previous.version.id != base.id:
            view.version, view.content = previous.version, None
            return self._moved(view)
        if previous.version.number != base.number:
            raise BadAnswer(
                f"the list says v{base.number} and the skill itself v{previous.version.number}",
                subject=view.name,
                unchanged="Nothing was published.",
                hint="run the command again",
            )
        payload = self._payload(view, previous=previous)
        description = self._describe(view)
        with self._journalled(view, base=base.number, description=description):
            published = self._send(view, base, payload, description)
        if published is None:
            return self._moved(view)
        return self._published(view, published, did="published")

    def _moved(self, view: SkillView) -> Outcome:
        """Somebody's version is there since we looked: decide again from scratch, by its marker if it has one (R1).

        It may be another job's publish of this very commit, of a later one (B8), or of an earlier one, which is
        taken in: then ours is due again, a few times at most.
        """
        self._moves[view.name] += 1
        if view.version is None or view.version.description is None:
            return self.blocked(view)
        markers = Markers(self.workspace, self.remote, self.report.problems)
        markers.look_again(view)
        if view.error is not None:
            raise view.error
        state = view.verdict.state
        if view.verdict.push is PushStep.PUBLISH and self._moves[view.name] < _MOST_MOVES:
            return self._publish(view)
        if state is SkillState.IN_SYNC:
            return self._said(
                view, "was published meanwhile, from this commit or another of HEAD's history"
            )
        if state is SkillState.SUPERSEDED:
            return self._said(view, _SUPERSEDED)
        return self.blocked(view)

    def _send(
        self, view: SkillView, base: Version, payload: SkillPayload, description: Description
    ) -> Published | None:
        """PATCH once; look before anything is repeated. None: somebody else's version is the latest now."""
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
        latest = self._read(view)
        view.version, view.content = latest.version, latest
        is_next = latest.version.number == base.number + 1 and latest.version.first == base.first
        is_equal = view.digest_of(latest) == self._digest(view)
        is_ours = description.is_of(latest.version) if description.text else is_equal
        return Published(latest.version, latest) if is_next and is_ours else None

    def _published(self, view: SkillView, published: Published, *, did: str) -> Outcome:
        version = published.version
        digest = self._digest(view)
        answered = view.digest_of(published.skill)
        if answered != digest:
            self.report.note(
                f"{view.name}: the server keeps this content in another form than it was sent; its form is "
                "recorded as the base"
            )
        if self.options.verify:
            self._verify(view, version, answered)
        if self.options.writes_pointer:
            self._write_pointer(view, version, answered)
        if view.local is not None:
            self.report.problems.extend(not_sent(view.local.reading))
        return Outcome(
            Kind.SKILL,
            view.name,
            f"{did} v{version.number}",
            row=view.verdict.row,
            state=str(view.verdict.state),
            changed=True,
        )

    def _verify(self, view: SkillView, version: Version, digest: Digest) -> None:
        again = self._read(view, version.number)
        if view.digest_of(again) != digest:
            raise BadAnswer(
                f"v{version.number} reads back different from what was sent",
                subject=view.name,
                unchanged="The pointer was not moved.",
                hint=f"skillsync diff {view.name}",
            )

    def _link(self, view: SkillView) -> Outcome | None:
        if not self.options.writes_pointer or view.version is None:
            return None
        digest = view.remote_digest or self._digest(view)
        self._write_pointer(view, view.version, digest)
        return Outcome(
            Kind.SKILL,
            view.name,
            f"linked to v{view.version.number}, which is our own and equal",
            row=view.verdict.row,
            state=str(view.verdict.state),
            changed=True,
        )

    def _write_pointer(self, view: SkillView, version: Version, digest: Digest) -> None:
        if view.local is None:
            return
        folder, head = view.local.folder, self.workspace.history.head
        if head and self.workspace.skill_history.digest_at(head, folder.dir, view.name) != digest:
            self._pushed.append(_as_pushed(folder))
        line = skill_line(self.target.place, version, digest, stamp_for(self.workspace, folder))
        self.writer.write(
            view.name,
            folder,
            (),
            [
                pointer_change(
                    folder, line, place=self.target.place, places=self.workspace.settings.places
                )
            ],
            reason="push",
        )

    def _keep_pushed(self) -> None:
        """Remember what was published of files that HEAD does not have so: a ``reset --hard`` forgets its pointer."""
        keep_pushed(
            self.workspace.repo,
            self._pushed,
            head=self.workspace.history.head,
            now=self.writer.clock.now(),
        )
        self._pushed.clear()

    def _archive(self, view: SkillView) -> None:
        """Archive by name only, and keep its history here first.

        It is not compare-and-set, so look right before (sync.md 5.6).
        """
        try:
            kept, ref = export_history(self.workspace, self.remote, view.name)
            latest = self.remote.skills.head(view.name)
        except NotAuthenticated:
            raise
        except SkillsyncError as error:
            self.report.add(failed(Kind.SKILL, view.name, error, row="S13"))
            return
        if view.version is None or latest.id != view.version.id:
            view.version = latest
            self.report.add(self.blocked(view))
            return
        try:
            self.remote.skills.archive(view.name)
        except RUN_ENDING:
            raise
        except SkillsyncError as error:
            self.report.add(failed(Kind.SKILL, view.name, error, row="S13"))
            return
        self.report.add(
            Outcome(
                Kind.SKILL,
                view.name,
                f"archived (was v{latest.number}; versions kept in {ref}: {kept})",
                row="S13",
                state=str(view.verdict.state),
                changed=True,
            )
        )

    # -------------------------------------------------------------- words

    def blocked(self, view: SkillView) -> Outcome:
        """S10, S11, S14: say who changed what; nothing was written."""
        words = self._who(view)
        if view.made_from:
            words += (
                f"; it was published from commit {view.made_from[:12]}, which is not in this clone"
                " (git fetch, then run the command again, tells whether this one is older)"
            )
        return Outcome(
            Kind.SKILL,
            view.name,
            "blocked: the remote has edits that were not taken in",
            row=view.verdict.row,
            state=str(view.verdict.state),
            exit=view.verdict.push_exit or 3,
            code=view.verdict.code or "E-REMOTE-AHEAD",
            message=words,
            fix=view.verdict.fix or f"skillsync pull {view.name}",
        )

    def _who(self, view: SkillView) -> str:
        if view.version is None or view.base is None:
            return ""
        words = version_words(view.version, now=self.writer.clock.now())
        if not view.base.number:
            return words
        try:
            before = self._read(view, view.base.number)
            after = view.content or self._read(view, view.version.number)
        except SkillsyncError:
            return f"v{view.base.number} → {words}"
        changed = changed_units(before.content, after.content)
        return f"v{view.base.number} → {words}" + (f": {', '.join(changed)}" if changed else "")

    # -------------------------------------------------------------- values

    def _digest(self, view: SkillView) -> Digest:
        skill = view.local.reading.skill if view.local else None
        if skill is None:
            raise BadAnswer("there is no local content", subject=view.name)
        return skill_digest(skill)

    def _payload(self, view: SkillView, *, previous: RemoteSkill | None) -> SkillPayload:
        if view.local is None:
            raise BadAnswer("there is no local content", subject=view.name)
        return skill_payload(view.local.reading, previous=previous)

    def _previous(self, view: SkillView) -> RemoteSkill:
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
        whole = self._read(view, previous.version.number)
        return view.as_taken_in(whole, lambda path: history.has(directory, path))

    def _read(self, view: SkillView, number: int | None = None) -> RemoteSkill:
        return read_version(self.workspace, self.remote, view, number=number)


def invalid(view: SkillView) -> Outcome:
    """S26: this object cannot be sent or written; each error is listed with file and line."""
    problems = view.local.problems if view.local else ()
    errors = [problem for problem in problems if problem.severity == "error"]
    verdict = view.verdict
    message = "; ".join(
        f"{problem.where}: {problem.message}" if problem.where else problem.message
        for problem in errors
    )
    return Outcome(
        Kind.SKILL,
        view.name,
        "not synced: invalid" if errors else "not synced",
        row=verdict.row,
        state=str(verdict.state),
        exit=verdict.push_exit or 1,
        code=(errors[0].code if errors else verdict.code),
        message=message,
        fix=(errors[0].fix if errors and errors[0].fix else verdict.fix),
    )


def invalid_pointer(view: SkillView) -> Outcome:
    """The pointer file cannot be read: nothing is published over what it may have said."""
    problem = view.problem
    assert problem is not None
    return Outcome(
        Kind.SKILL,
        view.name,
        "not synced: its pointer cannot be read",
        row="S26",
        state="error",
        exit=1,
        code=problem.code,
        message=f"{problem.where}: {problem.message}",
        fix=problem.fix,
    )


@contextmanager
def _says_what_went(view: SkillView) -> Iterator[None]:
    """A skill that was listed a moment ago and is not found was archived or renamed; its host is the right one."""
    try:
        yield
    except NotFound as error:
        if error.reason not in {"endpoint", "project"}:
            error.hint = f"it was archived or renamed meanwhile: skillsync status {view.name}"
        raise


def _making_room(views: Sequence[SkillView]) -> list[SkillView]:
    """Return the views with those first that are renamed, each after the one that gives its new name up."""
    renamed = {
        view.name: view
        for view in views
        if view.error is None and view.verdict.push is PushStep.RENAME and view.version is not None
    }
    order = rename_order(
        {name: view.version.name for name, view in renamed.items() if view.version}
    )
    return [renamed[name] for name in order] + [view for view in views if view.name not in renamed]


def _as_pushed(folder: Folder) -> PushedFiles:
    files = {join(folder.dir, one.path): one for one in folder.entries if one.data is not None}
    return PushedFiles(
        folder.dir,
        {path: one.data or b"" for path, one in files.items()},
        {path for path, one in files.items() if one.executable},
    )


def check_target(views: Iterable[SkillView], *, step: Callable[[SkillView], bool]) -> None:
    """Raise when some skill's verdict stops the whole target (S24 before S25: a wrong project is never retried)."""
    stopping = [
        view for view in views if view.error is None and view.problem is None and step(view)
    ]
    stopping.sort(key=lambda view: view.verdict.state is not SkillState.BACKWARDS)
    if stopping:
        raise stop_target(stopping[0])


def refuse_backwards(survey: SkillSurvey) -> None:
    """Refuse everything for this target when a skill went backwards on the server (S24), before anything is written."""
    for view in survey.views.values():
        if view.error is None and view.verdict.state is SkillState.BACKWARDS:
            raise stop_target(view)


def stop_target(view: SkillView) -> SkillsyncError:
    """Return the error that ends the run for this target (S24, S25)."""
    verdict = view.verdict
    if verdict.state is SkillState.BACKWARDS:
        return RefusedForSafety(
            f"{view.name}: the server's latest version contradicts what was taken in before; it went backwards, "
            "or this is another project",
            subject=view.name,
            unchanged="Nothing more was changed on either side.",
            hint=verdict.fix,
        )
    return Unreachable(
        f"{view.name}: the server gave no usable answer",
        subject=view.name,
        hint=verdict.fix,
    )
