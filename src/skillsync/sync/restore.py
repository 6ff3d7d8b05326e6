"""Publishes an old version's content as a new one, fast-forward only, and writes it here (design.md 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.errors import LocalChanged, RefusedForSafety, SkillsyncError
from skillsync.model import Digest, Version
from skillsync.repo.lock import locked
from skillsync.sync.marking import RUN_ENDING
from skillsync.sync.push_record import Recorder
from skillsync.sync.push_skills import PushOptions, SkillPush
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.restore_plan import Restoration, RestoreRequest, prepare
from skillsync.sync.settle import settle_parked
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.so_far import says_what_was_done
from skillsync.sync.watched import watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target


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
        change = pointer_change(
            restoration.before, line, place=self.target.place, places=self.workspace.settings.places
        )
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
            found = prepare(workspace, target, remote, request)
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
        ending = says_what_was_done(writer, lambda: recorder.accepted)
        with ending, watched(connect, recorder)(target) as remote:
            settle_parked(workspace, target, writer, report)
            try:
                found = prepare(workspace, target, remote, request)
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
    change = pointer_change(
        found.before, line, place=target.place, places=workspace.settings.places
    )
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


__all__ = ["RestoreRequest", "RestoringPush", "restore"]
