"""Publishes skills: one compare-and-set request each, with the outcome rules of sync.md 9.2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.api.payload import Published
from skillsync.core.claims import rename_order
from skillsync.core.reconcile_skill import PushStep, SkillState
from skillsync.core.safety import Removals, check_removals
from skillsync.errors import (
    BadAnswer,
    NotAuthenticated,
    NotFound,
    SkillsyncError,
)
from skillsync.model import Digest, Folder, Version
from skillsync.repo.pushed import PushedFiles, keep_pushed
from skillsync.sync.dropping import drop_skill
from skillsync.sync.export import export_history
from skillsync.sync.holding import Candidate, Hold, held
from skillsync.sync.local import join
from skillsync.sync.markers import Markers
from skillsync.sync.marking import RUN_ENDING, Description, Marking, head_has_taken_in
from skillsync.sync.not_sent import not_sent
from skillsync.sync.parked import Parked, parked_skills
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.settle import refuse_unmerged, still_open
from skillsync.sync.skill_outcomes import blocked, invalid, invalid_pointer, said
from skillsync.sync.skill_sender import SkillSender, local_digest
from skillsync.sync.skill_survey import name_of_another
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.stopping import check_target
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
    def sender(self) -> SkillSender:
        """What sends the skills of this run."""
        return SkillSender(self.workspace, self.target, self.remote, self.writer.journal)

    @cached_property
    def _unmerged(self) -> Collection[str]:
        return self.workspace.repo.index.unmerged()

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
                return self._blocked(view)
            case PushStep.PENDING_REMOVAL:
                return said(view, "is missing locally; its removal is pending")
            case PushStep.DROP_POINTER:
                return self._drop(view)
            case PushStep.ERROR:
                return invalid(view)
            case PushStep.REFUSE | PushStep.CONFLICT:
                return said(view, "needs your decision")
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
            return said(view, _SUPERSEDED)
        return said(view, str(view.verdict.state))

    def _blocked(self, view: SkillView) -> Outcome:
        return blocked(self.workspace, self.remote, view, now=self.writer.clock.now())

    def _drop(self, view: SkillView) -> Outcome | None:
        dropped = None
        if self.options.writes_pointer:
            dropped = drop_skill(self.workspace, self.target, self.writer, view)
        return dropped or said(view, "is gone on both sides")

    # -------------------------------------------------------------- writes

    def _create(self, view: SkillView) -> Outcome | None:
        published = self.sender.create(view)
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
        with self.sender.under_way(view, base=created.version.number, description=description):
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
        with self.sender.under_way(view, base=view.content.version.number, description=description):
            marked = self.marking.mark(view.content, description)
        if marked is None:
            return said(view, "is our own and equal; its publish marker was not stored")
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
            return self._blocked(view)
        view.version, view.renamed = self.sender.rename(view, version), None
        did = f"renamed from {old}"
        if view.verdict.push is PushStep.PUBLISH:
            outcome = self._publish(view)
            return replace(outcome, did=f"{did}; {outcome.did}", changed=True, row="S21")
        if self.options.writes_pointer and view.base is not None:
            # So that the name which it has now is the one that it had when its pointer was written.
            self._write_pointer(view, view.version, view.base.digest)
        return Outcome(Kind.SKILL, view.name, did, row="S21", state="renamed locally", changed=True)

    def _describe(self, view: SkillView, *, over: Version | None = None) -> Description:
        """Fix what a publish says before its first attempt (R19). ``over``: the version that it would replace."""
        directory, _ = view.place_in(self.workspace)
        line = view.line
        return self.marking.describe(
            view.name,
            directory,
            local_digest(view),
            words=self._words(view),
            # Without a pointer in the tree all that is known of what was taken in is in HEAD's history.
            is_over_heads=lambda: (
                over is None
                or line is None
                or head_has_taken_in(self.workspace, directory, over, line, view.name)
            ),
        )

    def _words(self, view: SkillView) -> str:  # noqa: ARG002
        """What a publish's description says to people instead of the commit's message."""
        return ""

    def _publish(self, view: SkillView) -> Outcome:
        base = view.version
        if base is None:
            raise BadAnswer("there is no version to publish over", subject=view.name)
        previous = self.sender.basis(view)
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
        published = self.sender.publish(view, previous, self._describe(view, over=base))
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
            return self._blocked(view)
        markers = Markers(self.workspace, self.remote, self.report.problems)
        markers.look_again(view)
        if view.error is not None:
            raise view.error
        state = view.verdict.state
        if view.verdict.push is PushStep.PUBLISH and self._moves[view.name] < _MOST_MOVES:
            return self._publish(view)
        if state is SkillState.IN_SYNC:
            return said(
                view, "was published meanwhile, from this commit or another of HEAD's history"
            )
        if state is SkillState.SUPERSEDED:
            return said(view, _SUPERSEDED)
        return self._blocked(view)

    def _published(self, view: SkillView, published: Published, *, did: str) -> Outcome:
        version = published.version
        digest = local_digest(view)
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
        again = self.sender.read(view, version.number)
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
        digest = view.remote_digest or local_digest(view)
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
            self.report.add(self._blocked(view))
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
                message=f"skillsync show {view.name}@N --offline prints one; skillsync undo makes it again, as v1",
            )
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
