"""Carries the daemon's steps out with the engine of pull, push and status, and says what came of them."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.errors import GitFailed, Locked, SkillsyncError
from skillsync.model import Content, FileChange, Folder, Severity
from skillsync.repo.lock import DAEMON
from skillsync.repo.worktree import StatEntry
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.writing import Writer
from skillsync.watch.editors import is_passing, open_in_editor
from skillsync.watch.looking import git_seen, look
from skillsync.watch.settle import in_hand, in_hand_until, versions_left
from skillsync.watch.stale import taken_in
from skillsync.watch.values import (
    Fact,
    Kept,
    Look,
    ObjectSeen,
    Options,
    Publish,
    Published,
    Pull,
    Pulled,
    Recalled,
    Report,
    Reported,
    Said,
    Sent,
    TakenIn,
    Trouble,
)

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.model import Problem
    from skillsync.sync.holding import Candidate
    from skillsync.sync.workspace import Connect, Workspace

AGAIN = frozenset({"E-LOCAL-CHANGED", "E-REMOTE-MOVED", "E-UNREACHABLE", "E-THROTTLED"})
"""Codes of one object's failure after which the step is done again."""
SAVING = "it is being saved"
MOVED = "git moved"
STRAY_PAUSE = 5.0
"""Seconds after which it is looked again whether an editor's file beside a text is gone."""


@dataclass
class Engine:
    """The steps of one clone and target. Each opens the clone anew: nothing that git moved is remembered."""

    start: Path
    target_name: str | None
    connect: Connect
    options: Options
    clock: Clock = field(default_factory=SystemClock)
    wall: Callable[[], float] = time.time
    _near: Workspace | None = field(default=None, repr=False)
    _settings: object = field(default=None, repr=False)

    # ---------------------------------------------------------------- looking

    def look(self, asked: Look) -> Fact:
        """Look at folders. The clone stays open for it as long as skillsync.toml is the same."""

        def seen() -> Fact:
            workspace = self._open_near()
            try:
                found = look(workspace, asked)
            except GitFailed:
                if asked.dirs is None:
                    raise
                found = look(workspace, Look(None, asked.known, asked.guarded))
            finally:
                workspace.repo.close()  # it stays open for months, and no git should
            if self._settings is not None and found.settings != self._settings:
                self._near = None
            self._settings = found.settings
            return found

        return _attempted("look", seen)

    def _open_near(self) -> Workspace:
        from skillsync.sync.workspace import Workspace

        if self._near is None:
            self._near = Workspace.open(self.start)
        return self._near

    def roots(self) -> tuple[str, ...]:
        """Return the folders that objects lie in, as the settings say now; none while they cannot be read."""
        try:
            settings = self._open_near().settings
        except SkillsyncError:
            return ()
        return tuple(dict.fromkeys((*settings.skills, *settings.datasets)))

    def recall(self) -> Fact:
        """Read what pulls overwrote beside pointers that are still as they wrote them.

        It comes from the rescue copies: what was there and what took its place were stored together, before a pull
        touched either, so that no death can come in between.
        """
        from skillsync.watch.past import past_pulls

        def recalled() -> Fact:
            workspace = self._open_near()
            target = workspace.settings.target(self.target_name)
            return Recalled(tuple(past_pulls(workspace, target)))

        return _attempted("recall", recalled)

    # ---------------------------------------------------------------- the remote

    def poll(self) -> Fact:
        """Read the remote's lists."""
        from skillsync.watch.remote import poll

        def polled() -> Fact:
            target = self._open_near().settings.target(self.target_name)
            with self.connect(target) as remote:
                return poll(remote, target)

        return _attempted("poll", polled)

    def pull(self, asked: Pull) -> Fact:
        """Take the remote's edits in; conflicts are parked and the files left unmarked."""
        return _attempted("pull", lambda: self._pull(asked))

    def _pull(self, asked: Pull) -> Pulled:
        from skillsync.sync.pull import PullRequest, pull

        with self._opened() as (workspace, target):
            held: dict[str, str] = {}

            def hold(one: Candidate) -> str:
                reason = self._in_hand(workspace, one, asked)
                if reason:
                    held[one.dir] = reason
                return reason

            writer = _TellingWriter(workspace, clock=self.clock)
            request = PullRequest(
                hold=hold, park=True, command=DAEMON, changes=asked.changes, clock=self.clock
            )
            report = pull(workspace, target, self.connect, request, writer=writer)
        words = {one.subject: _version_words(one.did) for one in report.outcomes if one.changed}
        return Pulled(
            said=tuple(_said(report.outcomes, report.problems, report.notes)),
            held=held,
            taken_in=tuple(writer.taken(words)),
            looked_at=report.looked_at,
            retry=_is_retried(report.outcomes),
            exit=report.exit,
        )

    def _in_hand(self, workspace: Workspace, one: Candidate, asked: Pull) -> str:
        if one.dir in asked.unsettled:
            return SAVING
        if _is_git_busy(workspace):
            return "git is in the middle of something"
        if one.folder is None:
            return ""
        return in_hand(_hand_look(workspace.repo.root, one.folder), self.options, self.wall())

    def publish(self, asked: Publish) -> Fact:
        """Publish what is ready and still as it settled."""
        return _attempted("publish", lambda: self._publish(asked))

    def _publish(self, asked: Publish) -> Published:
        from skillsync.sync.push import PushRequest, push

        with self._opened() as (workspace, target):
            workspace.check_publish_branch()
            held: dict[str, Kept] = {}
            passed_by = set[str]()
            sending: dict[str, Sent] = {}

            def hold(one: Candidate) -> str:
                kept = self._not_ready(workspace, one, asked)
                if kept is not None:
                    held[one.dir] = kept
                    passed_by.add(one.subject)
                    return kept.reason
                sending[one.dir] = Sent(one.subject, _files_digest(one.folder), one.number)
                return ""

            request = PushRequest(hold=hold, command=DAEMON, clock=self.clock)
            report = push(workspace, target, self.connect, request)
        done = {one.subject for one in report.outcomes if one.changed and one.did.strip()}
        subjects = done | {subject.partition(":")[0] for subject in done}
        mattering = {
            directory: kept
            for directory, kept in held.items()
            if asked.ready is None or directory in asked.ready
        }
        return Published(
            ready=None if asked.ready is None else frozenset(asked.ready),
            sent={at: sent for at, sent in sending.items() if sent.subject in subjects},
            held=mattering,
            said=tuple(_said(report.outcomes, report.problems, report.notes)),
            passed_by=frozenset(passed_by),
            blocked=any(one.exit == 3 for one in report.outcomes),
            retry=_is_retried(report.outcomes),
            exit=report.exit,
        )

    def _not_ready(self, workspace: Workspace, one: Candidate, asked: Publish) -> Kept | None:
        """Return why an object is not sent, looked at right before: the plan may be older than a save or a checkout."""
        if reason := versions_left(one.number) if one.kind is Kind.SKILL else "":
            return Kept(reason, math.inf)
        if asked.ready is None:
            if reason := asked.withheld.get(one.dir, ""):
                return Kept(reason)
            return Kept(MOVED) if git_seen(workspace.repo) != asked.git else None
        settled = asked.ready.get(one.dir)
        if settled is None:
            return Kept(asked.withheld.get(one.dir, SAVING))
        found = look(workspace, Look(frozenset({one.dir})))
        now = found.objects.get(one.dir)
        if now is None or not now.is_same(settled):
            return Kept(SAVING)
        if found.git != asked.git:
            return Kept(MOVED)
        if stray := _stray(one.folder):
            words = "looks like an editor's file of a moment: remove it, or let git ignore it"
            return Kept(f"{stray} {words}", STRAY_PAUSE)
        if one.writes_files and (reason := in_hand(now, self.options, self.wall())):
            left = in_hand_until(now, self.options) - self.wall()
            return Kept(reason, left if left > 0 and not now.open_in else STRAY_PAUSE)
        return None

    def report(self, asked: Report) -> Fact:
        """Say how the files differ from what was taken in last; asks nobody."""

        def reported() -> Fact:
            from skillsync.sync.status import status

            with self._opened() as (workspace, target):
                found = status(workspace, target, remote=None)
            return Reported(asked.ready, tuple(_said(found.lines, found.problems, ())))

        return _attempted("report", reported)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Workspace, Target]]:
        from skillsync.sync.workspace import Workspace

        workspace = Workspace.open(self.start)
        try:
            yield workspace, workspace.settings.target(self.target_name)
        finally:
            workspace.repo.close()


def _attempted(step: str, call: Callable[[], Fact]) -> Fact:
    """Return what a step came to; what is understood and may go by, or needs a person, is a value here."""
    try:
        return call()
    except SkillsyncError as error:
        message = ": ".join(part for part in (error.subject, error.message) if part)
        return Trouble(
            step,
            message,
            error.code,
            error.hint,
            waits=error.exit_code == 75,
            brief=isinstance(error, Locked),
            retry_after=float(getattr(error, "retry_after", None) or 0.0),
            error=error,
        )
    except OSError as error:
        return Trouble(
            step, f"the system refused: {error.strerror or error}", "E-SYSTEM", waits=True
        )


# ---------------------------------------------------------------- looking closely


def _is_git_busy(workspace: Workspace) -> bool:
    lock = workspace.repo.state_dir.parent / "index.lock"
    return lock.exists() or bool(workspace.repo.operations_in_progress())


def _hand_look(root: Path, folder: Folder) -> ObjectSeen:
    """Look at the files of a folder that was read, and at what lies beside them, without asking git."""
    entries: list[StatEntry] = []
    names: dict[Path, list[str]] = {}
    for entry in folder.entries:
        path = root / folder.dir / entry.path
        try:
            info = os.lstat(path)
            if path.parent not in names:
                names[path.parent] = [one.name for one in path.parent.iterdir()]
        except OSError:
            continue
        entries.append(
            StatEntry(
                entry.path,
                info.st_mtime_ns,
                info.st_ctime_ns,
                info.st_size,
                info.st_ino,
                info.st_mode,
            )
        )
    opened = tuple(name for listed in names.values() for name in open_in_editor(listed))
    return ObjectSeen(folder.dir, tuple(entries), open_in=opened)


def _stray(folder: Folder | None) -> str:
    """Return a file of the moment that would be published along with the object."""
    return next(
        (one.path for one in (folder.entries if folder else ()) if is_passing(one.path)), ""
    )


def _files_digest(folder: Folder | None) -> str:
    from skillsync.sync.evidence import folder_files_digest

    return folder_files_digest(folder) if folder is not None else ""


# ---------------------------------------------------------------- saying


def _said(
    outcomes: Iterable[Outcome], problems: Iterable[Problem], notes: Iterable[str]
) -> Iterator[Said]:
    for one in outcomes:
        if one.state == "held":
            if " looks like " in one.did or "versions" in one.did:
                yield Said(one.subject, one.did, one.code, one.fix, person=True)
            continue
        if one.code == "N-BEHIND":
            continue  # a pull takes it in, or says why not
        words = "; ".join(part for part in (one.did, one.message.partition("\n")[0]) if part)
        yield Said(
            one.subject,
            words,
            one.code,
            one.fix,
            person=one.exit in {1, 4, 6, 7},
            changed=one.changed,
        )
    for problem in problems:
        if problem.severity is Severity.ERROR:
            where = problem.where or problem.subject
            yield Said(where, problem.message, problem.code, problem.fix, person=True)
    for note in notes:
        yield Said(note, "", "")


def _is_retried(outcomes: Iterable[Outcome]) -> bool:
    return any(one.exit == 75 or one.code in AGAIN for one in outcomes)


def _version_words(did: str) -> str:
    """Return "v14 by web" out of what a pull says it did."""
    found = re.search(r"v\d+ by [^,(]*", did)
    return found.group().strip() if found else f"the pull ({did})"


@dataclass
class _TellingWriter(Writer):
    """Remembers which lines of which files a pull changed."""

    changes: list[tuple[str, str, FileChange]] = field(default_factory=list)

    def write(
        self,
        subject: str,
        folder: Folder,
        changes: Sequence[FileChange],
        pointers: Sequence[FileChange | None],
        *,
        reason: str,
    ) -> None:
        """Write as always, and keep what changes in files that were there before."""
        super().write(subject, folder, changes, pointers, reason=reason)
        self.changes += [
            (subject, folder.dir, one)
            for one in changes
            if reason == "pull" and one.before is not None
        ]

    def taken(self, words: dict[str, str]) -> Iterator[TakenIn]:
        """Yield what was changed of the objects that were written in the end, with their versions' words."""
        for subject, directory, one in self.changes:
            if subject in words:
                yield taken_in(
                    directory,
                    one.path,
                    words[subject],
                    before=_whole(one.before),
                    after=_whole(one.after),
                )


def _whole(content: Content | None) -> bytes | None:
    return content if isinstance(content, bytes | None) else content.read()
