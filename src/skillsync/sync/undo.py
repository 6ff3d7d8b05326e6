"""Takes back the last push of this clone, always as something newer and never over somebody's newer edit (design.md 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from skillsync.sync.so_far import Counter, says_what_was_done
from skillsync.sync.undo_pointers import UndoPointers
from skillsync.sync.undo_rows import DatasetUndo, folders_of, names_of
from skillsync.sync.undo_skills import SKILL_WRITES, SkillUndo
from skillsync.sync.watched import WriteKind, watched
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.workspace import chosen as is_chosen
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_view import SkillView

CREATIONS = {
    WriteKind.CREATE_SKILL,
    WriteKind.CREATE_DATASET,
    WriteKind.CREATE_ROW,
    WriteKind.UNDELETE_ROW,
}


@dataclass(frozen=True)
class UndoRequest:
    """What the user asked for.

    ``names`` (names or paths) none: the whole last push; ``archive``: creations to take back, too.
    """

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

    A skill that is named and not in the record is taken back if its latest version is by our own account, and is not
    itself what an undo made. Raises UsageError when there is nothing to go by, or for an ``archive`` that the push did
    not create, RemoteError when the run cannot go on.
    """
    writer = writer or Writer(workspace, clock=request.clock)
    report = Report("undo", target.name)
    with locked(workspace.repo.state_dir, command="undo"):
        if not request.dry_run:
            for subject in writer.recover():
                report.note(f"finished what an interrupted command had begun: {subject}")
        record = read_record(workspace)
        _check(record, target, request)
        counter = Counter()
        ending = says_what_was_done(writer, lambda: counter.accepted)
        with ending, watched(connect, counter)(target) as remote:
            try:
                _undo(workspace, target, remote, request, writer, report, record)
            finally:
                writer.stage()
    return report


def _check(record: PushRecord | None, target: Target, request: UndoRequest) -> None:
    if record is not None and record.place != target.place and not request.names:
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
    why = _no_record_because(record, target)
    if why and not request.names:
        raise UsageError(
            why,
            unchanged="Nothing was changed.",
            hint="skillsync undo NAME takes back a skill's latest version, if your own account wrote it"
            + _candidates(remote),
        )
    written = record.written if record is not None and not why else ()
    named = (*request.names, *request.archive) if request.names else ()
    words = {word: _meant(word, written, pointers) for word in named}
    _check_archive(request.archive, written, pointers)
    # Looked up before anything is written: a misspelt name must not be told of after others were taken back.
    unknown = {
        word: find_skill(workspace, target, remote, word)
        for word, found in words.items()
        if not found
    }
    if record is not None and not why:
        _take_back(_chosen(written, words), record, request, skills, report)
    for view in unknown.values():
        _derive(view, skills, report, why or "the last push of this clone did not write it")
    for word, found in words.items():
        if found and all(one.undone for one in found):
            report.add(_again(word, found, skills))
    if report.changed and workspace.is_team:
        report.note(
            "your commits still hold what was taken back: git revert them, or pull brings the undo in"
        )


def _no_record_because(record: PushRecord | None, target: Target) -> str:
    """Say why there is nothing to go by, "" when there is."""
    if record is None:
        return "this clone has no record of a push (it is kept under .git/skillsync, which may be deleted any time)"
    if record.place != target.place:
        return f"the last push of this clone went to {record.target} ({record.place})"
    return ""


def _meant(word: str, written: Sequence[Written], pointers: UndoPointers) -> list[Written]:
    """Return the writes whose object the user means by a name or path; both names of what was renamed mean it."""
    workspace = pointers.workspace
    renamed = [one.write for one in written if one.write.kind is WriteKind.RENAME_SKILL]
    names = {word, *(write.key for write in renamed if write.name == word)}
    return [
        one
        for one in written
        if names & set(names_of(one, pointers))
        or any(
            is_chosen(
                [word], name="", directory=folder, root=workspace.repo.root, start=workspace.start
            )
            for folder in folders_of(one, pointers)
        )
    ]


def _check_archive(
    archive: Sequence[str], written: Sequence[Written], pointers: UndoPointers
) -> None:
    """Refuse, before anything is written, to take back as a creation what the push did not create."""
    created = [one for one in written if one.write.kind in CREATIONS]
    for name in archive:
        if not any(name in names_of(one, pointers) for one in created):
            raise UsageError(
                f"the last push of this clone did not create {name!r}",
                subject=name,
                unchanged="Nothing was changed.",
                hint="skillsync undo --dry-run shows what would be taken back",
            )


def _take_back(
    chosen: Sequence[Written],
    record: PushRecord,
    request: UndoRequest,
    skills: SkillUndo,
    report: Report,
) -> None:
    """Take the chosen writes back, the last first, and note in the record which are done with."""
    if record.damaged:
        report.note(
            "a part of the record of the last push cannot be read; what it says is taken back"
        )
    if not chosen:
        if record.written and not request.names:
            report.note("the last push of this clone was taken back already")
        return
    pointers, remote = skills.pointers, skills.remote
    datasets = DatasetUndo(remote, pointers, skills.archive, request.dry_run, _made(record))
    after = {one.write: one for one in record.written}
    skills.ours |= {number for one in record.written for number in (one.id, one.made) if number}
    try:
        for written in reversed(chosen):
            outcome, is_settled = _one(written, skills, datasets)
            report.add(outcome)
            if is_settled:
                made = skills.made.get(outcome.subject, "")
                after[written.write] = replace(written, undone=True, made=made)
    finally:
        if not request.dry_run:
            for dataset, undone in datasets.undone.items():
                pointers.dataset(dataset, undone, remote)
            write_record(skills.workspace, replace(record, written=tuple(after.values())))


def _one(written: Written, skills: SkillUndo, datasets: DatasetUndo) -> tuple[Outcome, bool]:
    is_skill = written.write.kind in SKILL_WRITES
    try:
        return skills.one(written) if is_skill else datasets.one(written)
    except RUN_ENDING:
        raise
    except SkillsyncError as error:
        write = written.write
        name = write.key if write.kind is WriteKind.RENAME_SKILL else write.name
        name = name or write.key or write.id
        return failed(Kind.SKILL if is_skill else Kind.ROW, name, error), False


def _chosen(written: Sequence[Written], words: Mapping[str, Sequence[Written]]) -> list[Written]:
    """Return the writes to take back; rows of a dataset that the push created go with it.

    A row that was brought back was looked at with an empty patch before: that changed nothing.
    """
    new = {one.id for one in written if one.write.kind is WriteKind.CREATE_DATASET}
    back = {one.write.id for one in written if one.write.kind is WriteKind.UNDELETE_ROW}
    named = {one.write for found in words.values() for one in found}
    return [
        one
        for one in written
        if not one.undone
        and not (one.write.kind is WriteKind.CREATE_ROW and one.write.id in new)
        and not (one.write.kind is WriteKind.PATCH_ROW and one.write.id in back)
        and (not words or one.write in named)
    ]


def _made(record: PushRecord) -> dict[str, dict[str, str]]:
    """Return the rows that the push created and that are still there: dataset to item id to digest."""
    made: dict[str, dict[str, str]] = {}
    for one in record.written:
        if one.write.kind is WriteKind.CREATE_ROW and one.done and not one.undone:
            made.setdefault(one.write.id, {})[one.id] = one.digest
    return made


# ---------------------------------------------------------------- what the record does not say


def _again(word: str, found: Sequence[Written], skills: SkillUndo) -> Outcome:
    """A second undo of the same is none: taking back what the first one made would publish the edit again."""
    said = "was taken back already"
    if found[0].write.kind not in SKILL_WRITES:
        return Outcome(Kind.ROW if ":" in word else Kind.DATASET, word, said, state="undo")
    name, made = found[0].write.name, {one.made for one in found if one.made}
    if not made:
        return Outcome(Kind.SKILL, name, said, state="undo")
    latest = skills.remote.skills.head(name)
    if latest.id in made:
        said = f"{said}: v{latest.number} is what came of it"
        return Outcome(Kind.SKILL, name, said, state="undo")
    return replace(skills.blocked(name, latest), did=f"{said}, and something newer is there")


def _derive(view: SkillView, skills: SkillUndo, report: Report, why: str) -> None:
    """Derive what can be derived: the latest version of a skill that is named, if our own account wrote it."""
    remote = skills.remote
    assert view.version is not None
    latest = remote.skills.read(view.name, number=view.version.number)
    version = latest.version
    if not remote.is_own(version.author) or version.number == 1:
        other = (
            "is its first version"
            if version.number == 1
            else f"is by {version.author.label or 'somebody else'}"
        )
        report.add(
            Outcome(
                Kind.SKILL,
                view.name,
                f"not undone: v{version.number} {other}",
                state="unknown",
                exit=3,
                code="E-REMOTE-AHEAD",
                message=why,
                fix=f"skillsync log {view.name}; skillsync restore {view.name} --version N",
            )
        )
        return
    outcome, _ = skills.take_back(latest, version.number - 1)
    report.add(outcome)
    report.note(
        f"{view.name}: {why}; what was taken back is its latest version, "
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
