"""Takes back the last push of this clone, always as something newer and never over somebody's newer edit (design.md 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.errors import SkillsyncError, UsageError
from skillsync.repo.lock import locked
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.local import read_lean_tree
from skillsync.sync.marking import RUN_ENDING
from skillsync.sync.push_record import PushRecord, Written, read_record, write_record
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.revision import find_skill
from skillsync.sync.undo_pointers import UndoPointers
from skillsync.sync.undo_rows import DatasetUndo, names_of
from skillsync.sync.undo_skills import SkillUndo
from skillsync.sync.watched import WriteKind
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target

SKILL_KINDS = {WriteKind.PUBLISH, WriteKind.CREATE_SKILL, WriteKind.ARCHIVE}


@dataclass(frozen=True)
class UndoRequest:
    """What the user asked for. ``names`` none: the whole last push; ``archive``: creations to take back, too."""

    names: Sequence[str] = ()
    archive: Sequence[str] = ()
    dry_run: bool = False
    clock: Clock = field(default_factory=SystemClock)


def undo(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: UndoRequest,
    *,
    writer: Writer | None = None,
) -> Report:
    """Take back what the last push of this clone did to the remote; files of the working tree stay as they are.

    Without a record of it, a skill that is named is taken back if its latest version is by our own account.
    Raises UsageError when there is nothing to go by, RemoteError when the run cannot go on.
    """
    writer = writer or Writer(workspace, clock=request.clock)
    report = Report("undo", target.name)
    with locked(workspace.repo.state_dir, command="undo"):
        if not request.dry_run:
            for subject in writer.recover():
                report.note(f"finished what an interrupted command had begun: {subject}")
        record = read_record(workspace)
        _check(record, target)
        with connect(target) as remote:
            try:
                _undo(workspace, target, remote, request, writer, report, record)
            finally:
                writer.stage()
    return report


def _check(record: PushRecord | None, target: Target) -> None:
    if record is not None and record.place != target.place:
        raise UsageError(
            f"the last push of this clone went to {record.target} ({record.place}), not to {target.name}",
            subject=target.name,
            unchanged="Nothing was changed.",
            hint=f"skillsync undo --target {record.target}",
        )


def _undo(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: UndoRequest,
    writer: Writer,
    report: Report,
    record: PushRecord | None,
) -> None:
    pointers = UndoPointers(workspace, target, writer, read_lean_tree(workspace))
    archive = frozenset(request.archive)
    skills = SkillUndo(workspace, target, remote, writer, pointers, archive, request.dry_run)
    chosen = _chosen(record, request, pointers)
    if not chosen:
        _without_record(workspace, target, remote, request, skills, report, record)
        return
    assert record is not None
    if record.damaged:
        report.note(
            "a part of the record of the last push cannot be read; what it says is taken back"
        )
    datasets = DatasetUndo(remote, pointers, archive, request.dry_run, _made(record))
    left = {one.write: one for one in record.written}
    try:
        for written in reversed(chosen):
            outcome, is_settled = _one(written, skills, datasets)
            report.add(outcome)
            if is_settled and not request.dry_run:
                left.pop(written.write, None)
    finally:
        if not request.dry_run:
            for dataset, undone in datasets.undone.items():
                pointers.dataset(dataset, undone, remote)
            kept = _without_orphans(tuple(left.values()), datasets)
            write_record(workspace, replace(record, written=kept))
    if report.changed and workspace.is_team:
        report.note(
            "your commits still hold what was taken back: git revert them, or pull brings the undo in"
        )


def _one(written: Written, skills: SkillUndo, datasets: DatasetUndo) -> tuple[Outcome, bool]:
    is_skill = written.write.kind in SKILL_KINDS
    try:
        return skills.one(written) if is_skill else datasets.one(written)
    except RUN_ENDING:
        raise
    except SkillsyncError as error:
        name = written.write.name or written.write.key or written.write.id
        return failed(Kind.SKILL if is_skill else Kind.ROW, name, error), False


def _chosen(
    record: PushRecord | None, request: UndoRequest, pointers: UndoPointers
) -> list[Written]:
    """Return the writes to take back; rows of a dataset that the push created go with it.

    A row that was brought back was looked at with an empty patch before: that changed nothing.
    """
    if record is None:
        return []
    new = {one.id for one in record.written if one.write.kind is WriteKind.CREATE_DATASET}
    back = {one.write.id for one in record.written if one.write.kind is WriteKind.UNDELETE_ROW}
    wanted = {*request.names, *request.archive} if request.names else set()
    return [
        one
        for one in record.written
        if not (one.write.kind is WriteKind.CREATE_ROW and one.write.id in new)
        and not (one.write.kind is WriteKind.PATCH_ROW and one.write.id in back)
        and (not wanted or wanted & set(names_of(one, pointers)))
    ]


def _without_orphans(left: tuple[Written, ...], datasets: DatasetUndo) -> tuple[Written, ...]:
    """Rows of a dataset that was taken back with them are settled, too."""
    gone = {dataset for dataset, undone in datasets.undone.items() if undone.is_gone}
    return tuple(
        one for one in left if not (one.write.kind is WriteKind.CREATE_ROW and one.write.id in gone)
    )


def _made(record: PushRecord) -> dict[str, dict[str, str]]:
    """Return the rows that the push created: dataset to item id to digest."""
    made: dict[str, dict[str, str]] = {}
    for one in record.written:
        if one.write.kind is WriteKind.CREATE_ROW and one.done:
            made.setdefault(one.write.id, {})[one.id] = one.digest
    return made


def _without_record(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    request: UndoRequest,
    skills: SkillUndo,
    report: Report,
    record: PushRecord | None,
) -> None:
    """Derive what can be derived: the latest version of a skill that is named, if our own account wrote it."""
    if not request.names:
        if record is not None:
            return
        raise UsageError(
            "this clone has no record of a push (it is kept under .git/skillsync, which may be deleted any time)",
            unchanged="Nothing was changed.",
            hint="skillsync undo NAME takes back a skill's latest version, if your own account wrote it"
            + _candidates(remote),
        )
    for name in request.names:
        view = find_skill(workspace, target, remote, name)
        assert view.version is not None
        latest = remote.skills.read(view.name, number=view.version.number)
        version = latest.version
        if not remote.is_own(version.author) or version.number == 1:
            why = (
                "is its first version"
                if version.number == 1
                else f"is by {version.author.label or 'somebody else'}"
            )
            report.add(
                Outcome(
                    Kind.SKILL,
                    view.name,
                    f"not undone: the record of the push is gone, and v{version.number} {why}",
                    state="unknown",
                    exit=3,
                    code="E-REMOTE-AHEAD",
                    fix=f"skillsync log {view.name}; skillsync restore {view.name} --version N",
                )
            )
            continue
        outcome, _ = skills.take_back(latest, version.number - 1)
        report.add(outcome)
        report.note(
            f"{view.name}: the record of the push is gone; what was taken back is its latest version, "
            "which is by your own account"
        )


def _candidates(remote: Remote) -> str:
    """Name the skills whose latest version our own account wrote, the newest first."""
    own = [
        version
        for version in remote.skills.list().items
        if version.number > 1 and remote.is_own(version.author)
    ]
    own.sort(key=lambda version: version.created_at, reverse=True)
    names = ", ".join(version.name for version in own[:5])
    return f": {names}" if names else ""
