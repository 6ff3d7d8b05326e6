"""Publishes an old version's content as a new one, fast-forward only, and writes it here (design.md 6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import BadAnswer, LocalChanged, RefusedForSafety, SkillsyncError, UsageError
from skillsync.formats.canonical import skill_digest
from skillsync.formats.skill_folder import write_skill
from skillsync.model import Digest, FileChange, Folder, RemoteSkill, Version
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.describe import changed_units
from skillsync.sync.local import LocalSkill, read_tree
from skillsync.sync.parked import parked_skills, refuse_unmerged, settle_parked, still_open
from skillsync.sync.push_record import Recorder
from skillsync.sync.push_skills import (
    RUN_ENDING,
    PushOptions,
    SkillPush,
    invalid,
    invalid_pointer,
    stop_target,
)
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.revision import find_skill, read_version
from skillsync.sync.skill_survey import SkillSurvey, SkillView
from skillsync.sync.watched import watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target


@dataclass(frozen=True)
class RestoreRequest:
    """What the user asked for.

    ``files_only`` writes the content here and publishes nothing; ``from_branch`` publishes in team mode, too;
    ``discard_edits`` lets it replace edits of the files that were never published.
    """

    name: str
    number: int
    dry_run: bool = False
    files_only: bool = False
    from_branch: bool = False
    discard_edits: bool = False
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True)
class Restoration:
    """What is going to be done: the version's content, and the folder before and after.

    ``publishes``: the latest version says something else; ``units`` are what then changes there.
    """

    view: SkillView
    content: RemoteSkill
    before: Folder
    changes: tuple[FileChange, ...]
    after: LocalSkill
    publishes: bool
    units: tuple[str, ...]
    loses_edits: bool

    @property
    def number(self) -> int:
        """The version that is restored."""
        return self.content.version.number


@dataclass
class RestoringPush(SkillPush):
    """A publish of the restored folder, which is written only once the remote has accepted it."""

    restoration: Restoration | None = None

    def _write_pointer(self, view: SkillView, version: Version, digest: Digest) -> None:
        """Write the restored files and then the pointer, as one journalled step."""
        restoration = self.restoration
        assert restoration is not None
        line = skill_line(
            self.target.place, version, digest, stamp_for(self.workspace, restoration.after.folder)
        )
        change = pointer_change(restoration.before, line, place=self.target.place)
        try:
            self.writer.write(
                view.name, restoration.before, restoration.changes, [change], reason="restore"
            )
        except LocalChanged as error:
            raise LocalChanged(
                f"v{version.number} was published with the content of v{restoration.number}, but {error.message}",
                subject=view.name,
                unchanged="Your files and the pointer stay as they are.",
                hint=f"skillsync pull {view.name}",
            ) from error


def restore(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: RestoreRequest,
    *,
    writer: Writer | None = None,
) -> Report:
    """Make the content of an old version the latest again, here and on the server.

    Refuses (exit 3) when the remote has edits that were not taken in. Raises RefusedForSafety where team mode does
    not allow it or edits would be lost, NotFound, UsageError, RemoteError.
    """
    report = Report("restore", target.name)
    _check_mode(workspace, request)
    if request.dry_run:
        with connect(target) as remote:
            found = _prepare(workspace, target, remote, request)
            if isinstance(found, Restoration):
                _note_unknown(found, report)
                found = _would(found, request)
            report.add(found)
        return report
    writer = writer or Writer(workspace, clock=request.clock)
    with locked(workspace.repo.state_dir, command="restore"):
        for subject in writer.recover():
            report.note(f"finished what an interrupted command had begun: {subject}")
        recorder = Recorder(workspace, target, request.clock)
        with watched(connect, recorder)(target) as remote:
            settle_parked(workspace, target, writer, report)
            try:
                found = _prepare(workspace, target, remote, request)
                if isinstance(found, Outcome):
                    report.add(found)
                else:
                    _note_unknown(found, report)
                    _carry_out(workspace, target, remote, writer, report, found, request)
            finally:
                writer.stage()
    return report


def _check_mode(workspace: Workspace, request: RestoreRequest) -> None:
    """Team mode publishes commits of the publish branch; a restored text is none before it is merged."""
    if not workspace.is_team or request.files_only or request.from_branch:
        return
    raise RefusedForSafety(
        f"in team mode only commits of {workspace.settings.publish_branch!r} are published, "
        "and a restored version is not one yet",
        subject=request.name,
        unchanged="Nothing was published and no file was written.",
        hint="--files-only writes it here, to be committed and merged; "
        "--from-branch publishes it now and writes files and pointer, to be merged afterwards",
    )


# ---------------------------------------------------------------- decide


def _prepare(
    workspace: Workspace, target: Target, remote: Remote, request: RestoreRequest
) -> Restoration | Outcome:
    """Look at all sides and decide: a restoration, or the outcome that says why there is none."""
    tree = read_tree(workspace)
    view = find_skill(workspace, target, remote, request.name, tree=tree)
    if view.verdict.state is SkillState.BACKWARDS:
        raise stop_target(view)
    if any(parked.name == view.name for parked in parked_skills(workspace)):
        return still_open(view.name)
    if view.problem is not None:
        return invalid_pointer(view)
    local = view.local
    if local is None:
        raise UsageError(
            f"{view.name} is not in the working tree",
            subject=view.name,
            unchanged="Nothing was changed.",
            hint=f"skillsync pull {view.name}"
            if view.base is None
            else f"git checkout -- {view.dir}",
        )
    refuse_unmerged(workspace.repo.unmerged(), local.dir, view.name)
    if not local.is_valid:
        return invalid(view)
    if not view.facts.is_latest_taken_in:
        return _not_taken_in(workspace, target, remote, request, view)
    if workspace.is_team:
        _require_committed(workspace, local)
    return _restoration(remote, view, local, request)


def _restoration(
    remote: Remote, view: SkillView, local: LocalSkill, request: RestoreRequest
) -> Restoration | Outcome:
    assert view.base is not None
    content = read_version(remote, view, request.number)
    changes = write_skill(local.reading, content.content, edges=content.edges)
    after = LocalSkill(folder_after(local.folder, changes))
    if not after.is_valid:
        return replace(invalid(replace(view, local=after)), did="not restored: it is invalid today")
    skill = after.reading.skill
    wanted = skill_digest(content.content, stand_in=skill.extra if skill else None)
    if after.digest != wanted:
        raise BadAnswer(
            f"v{content.version.number} would read back different from what it is",
            subject=view.name,
            unchanged="Nothing was changed.",
            hint=f"skillsync diff {view.name}@{content.version.number}",
        )
    loses = local.digest not in {view.base.digest, wanted}
    if loses and not request.discard_edits:
        raise RefusedForSafety(
            f"{view.name} has edits here that were never published, and restoring would replace them",
            subject=view.name,
            unchanged="Nothing was published and no file was written.",
            hint=f"skillsync push {view.name} first, or --discard-edits (a rescue copy is kept)",
        )
    same = wanted == view.base.digest
    if same and not changes:
        return Outcome(
            Kind.SKILL,
            view.name,
            f"v{view.base.number} holds the content of v{content.version.number} already",
            row=view.verdict.row,
            state=str(view.verdict.state),
        )
    units: list[str] = []
    if not same:
        latest = local.reading.skill if local.digest == view.base.digest else None
        latest = latest or read_version(remote, view, None).content
        units = changed_units(latest, content.content)
    return Restoration(view, content, local.folder, changes, after, not same, tuple(units), loses)


def _not_taken_in(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: RestoreRequest,
    view: SkillView,
) -> Outcome:
    """The remote has something that this tree never had in front of it: as push, say who changed what."""
    if view.base is None:
        return Outcome(
            Kind.SKILL,
            view.name,
            "not restored: it was never linked",
            row=view.verdict.row,
            state=str(view.verdict.state),
            exit=view.verdict.push_exit or 3,
            code=view.verdict.code or "E-REMOTE-AHEAD",
            fix=view.verdict.fix,
        )
    writer = Writer(workspace, clock=request.clock)
    push = SkillPush(
        workspace, target, remote, writer, PushOptions(writes_pointer=False), Report("", "")
    )
    outcome = push.blocked(view)
    code = outcome.code if outcome.code.startswith("E-") else "E-REMOTE-AHEAD"
    return replace(outcome, code=code)


def _require_committed(workspace: Workspace, local: LocalSkill) -> None:
    """Team mode starts from HEAD: what is edited and not committed was in front of nobody else."""
    if not workspace.repo.changed_paths((local.dir,)):
        return
    raise RefusedForSafety(
        f"{local.name} has changes that are not committed",
        subject=local.name,
        unchanged="Nothing was published and no file was written.",
        hint="commit or stash them first",
    )


# ---------------------------------------------------------------- act


def _note_unknown(found: Restoration, report: Report) -> None:
    """Say so when the version does not tell what the API cannot hold: then that stays as it is here."""
    skill = found.after.reading.skill
    if found.content.content.extra is None and skill is not None and skill.extra:
        report.note(
            f"{found.view.name}: v{found.number} does not say what its frontmatter keys beyond the API's, executable "
            "bits and empty files were; they stay as they are here"
        )


def _would(found: Restoration, request: RestoreRequest) -> Outcome:
    latest = found.view.version.number if found.view.version else 0
    publishes = found.publishes and not request.files_only
    steps = [f"publish v{latest + 1}"] if publishes else []
    if found.changes:
        steps.append("write " + ", ".join(sorted(change.path for change in found.changes)))
    return Outcome(
        Kind.SKILL,
        found.view.name,
        f"would restore v{found.number}: {' and '.join(steps)}",
        row=found.view.verdict.row,
        state=str(found.view.verdict.state),
        message=_message(found),
    )


def _message(found: Restoration) -> str:
    words = f"changes {', '.join(found.units)}" if found.units else ""
    lost = "edits that were never published are replaced" if found.loses_edits else ""
    return "; ".join(part for part in (words, lost) if part)


def _carry_out(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    writer: Writer,
    report: Report,
    found: Restoration,
    request: RestoreRequest,
) -> None:
    name = found.view.name
    if found.publishes and not request.files_only:
        outcome = _publish(workspace, target, remote, writer, report, found)
    else:
        outcome = _write_files(workspace, target, writer, found)
    if outcome.changed and found.loses_edits:
        report.note(
            f"{name}: your unpublished edits were replaced; skillsync rescue lists the copy"
        )
    report.add(outcome)


def _publish(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    writer: Writer,
    report: Report,
    found: Restoration,
) -> Outcome:
    inner = Report("restore", target.name)
    push = RestoringPush(
        workspace,
        target,
        remote,
        writer,
        PushOptions(writes_pointer=True),
        inner,
        restoration=found,
    )
    view = replace(found.view, local=found.after)
    push.run(SkillSurvey({view.name: view}, [], listed=True))
    for note in inner.notes:
        report.note(note)
    outcome = inner.outcomes[0]
    if not outcome.changed:
        return outcome
    return replace(outcome, did=f"restored v{found.number}: {outcome.did}", message=_message(found))


def _write_files(
    workspace: Workspace, target: Target, writer: Writer, found: Restoration
) -> Outcome:
    """Write the files, and the pointer that says: the latest version was taken in, and this text chosen over it.

    The line is written anew even if it named that version: its stamp has to fit the files of now.
    """
    name, version, base = found.view.name, found.view.version, found.view.base
    assert version is not None
    assert base is not None
    stamp = stamp_for(workspace, found.after.folder)
    line = skill_line(target.place, version, base.digest, stamp)
    change = pointer_change(found.before, line, place=target.place)
    try:
        writer.write(name, found.before, found.changes, [change], reason="restore")
    except RUN_ENDING:
        raise
    except SkillsyncError as error:
        return failed(Kind.SKILL, name, error)
    words = "your files hold it again"
    if found.publishes:
        words += "; the next push publishes it"
    return Outcome(
        Kind.SKILL,
        name,
        f"restored v{found.number}: {words}",
        row=found.view.verdict.row,
        state=str(found.view.verdict.state),
        changed=True,
        message=_message(found),
    )
