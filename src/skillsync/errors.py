"""The exception tree: each class has a stable code, an exit code (design.md 6) and a hint.

SkillsyncError
├── UsageError            E-USAGE            2   wrong words on the command line
│   ├── ConfigError       E-CONFIG           2   skillsync.toml or the environment is wrong
│   ├── NotARepository    E-NO-REPOSITORY    2
│   ├── MissingExtra      E-MISSING-EXTRA    2   an optional part is not installed
│   ├── PlanUnreadable    E-PLAN             2   a sealed plan's file is damaged or not one
│   └── ReviewUnreadable  E-REVIEW           2   a review.json is damaged or not one
├── GitFailed             E-GIT              1   git answered with an error
│   └── ShallowClone      E-SHALLOW          2   history is missing that a decision needs
├── Locked                E-LOCKED           75  another command works on this clone
│   └── AlreadyWatched    E-WATCHED          75  another daemon watches this clone
├── RefusedForSafety      E-REFUSED          6   ceiling, wrong branch, remote went backwards
│   ├── StalePlan         E-STALE-PLAN       6   a sealed plan no longer says how things are
│   └── NotReviewed       E-NOT-REVIEWED     6   what would be published is not what was reviewed
├── RemoteAhead           E-REMOTE-AHEAD     3   all or nothing, and an object was not taken in
├── InvalidContent        E-INVALID          1   one object cannot be read or must not be written
├── LocalChanged          E-LOCAL-CHANGED    1   a file changed while we worked on it
├── RenamedHere           E-RENAMED          1   a name was changed that the server cannot change
├── SystemRefused         E-SYSTEM           1   disk full, no permission, too many open files
├── DemoFailed            E-DEMO             1   a step of the demo did not do what it says
└── RemoteError                                  everything the other side can do
    ├── NotAuthenticated  E-AUTH             7
    ├── NotAllowed        E-FORBIDDEN        7
    ├── HostNotTrusted    E-HOST-NOT-TRUSTED 7
    ├── NotFound          E-NOT-FOUND        1
    ├── VersionConflict   E-REMOTE-MOVED     3   409 with current_version
    ├── Refused           E-REMOTE-REFUSED   1   400, 413, 422 and other 4xx
    │   ├── KeyTaken      E-KEY-TAKEN        4   409: another row, or an archived one, has this key
    │   └── LimitReached  E-QUOTA            1   409: the project, the dataset or the row is full
    ├── BadAnswer         E-BAD-ANSWER       1   truncated, HTML, too large, inconsistent
    ├── Throttled         E-THROTTLED        75
    └── Unreachable       E-UNREACHABLE      75  no answer, or 5xx; a write is then indeterminate

Raise the most specific class with the facts as attributes and keep the cause. Only ``cli/boundary.py`` prints
and exits.
"""

from __future__ import annotations

from typing import ClassVar

from skillsync.model import joined_place


class SkillsyncError(Exception):
    """What every error carries: what failed, on which object, why, what was not changed, what to run next.

    ``message`` says what failed and why; ``subject`` names it; ``unchanged`` says what was not touched;
    ``hint`` is the next command. None of them may contain a secret.
    """

    code: ClassVar[str] = "E-INTERNAL"
    exit_code: ClassVar[int] = 70
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        unchanged: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.unchanged = unchanged
        self.hint = hint or self.default_hint


class UsageError(SkillsyncError):
    """The command line does not say something that can be done."""

    code = "E-USAGE"
    exit_code = 2


class ConfigError(UsageError):
    """A setting is wrong; the message names file, section and option."""

    code = "E-CONFIG"


class NotARepository(UsageError):
    """There is no git repository, or no skillsync.toml in it."""

    code = "E-NO-REPOSITORY"
    default_hint = "skillsync init --git"


class MissingExtra(UsageError):
    """An optional part of the package is needed and not installed."""

    code = "E-MISSING-EXTRA"


class PlanUnreadable(UsageError):
    """A sealed plan's file cannot be used: it is damaged, was edited, or is something else."""

    code = "E-PLAN"


class ReviewUnreadable(UsageError):
    """A review.json cannot be used: it is damaged, was edited, or is something else."""

    code = "E-REVIEW"


class GitFailed(SkillsyncError):
    """A git command failed. Carries the command, its exit code and what it printed."""

    code = "E-GIT"
    exit_code = 1
    default_hint = "git status shows what is wrong with the repository"

    def __init__(self, command: str, status: int, output: str) -> None:
        super().__init__(
            f"`{command}` failed with exit code {status}: {output.strip() or 'no output'}"
        )
        self.command = command
        self.status = status
        self.output = output


class ShallowClone(SkillsyncError):
    """A decision needs history that this shallow clone does not have (sync.md B7)."""

    code = "E-SHALLOW"
    exit_code = 2
    default_hint = "git fetch --unshallow --filter=blob:none (in CI: fetch-depth: 0)"


class Locked(SkillsyncError):
    """Another command is working on this clone."""

    code = "E-LOCKED"
    exit_code = 75


class AlreadyWatched(Locked):
    """Another daemon watches this clone; the message names its process."""

    code = "E-WATCHED"


class RefusedForSafety(SkillsyncError):
    """The plan as a whole is refused: too many removals, wrong branch, a remote that went backwards."""

    code = "E-REFUSED"
    exit_code = 6


class StalePlan(RefusedForSafety):
    """What a sealed plan was made from is no longer so, or the plan was applied before (sync.md 12.5)."""

    code = "E-STALE-PLAN"


class NotReviewed(RefusedForSafety):
    """What a push would do is not what somebody reviewed (review.md 5.10)."""

    code = "E-NOT-REVIEWED"


class RemoteAhead(SkillsyncError):
    """The remote has edits that were not taken in, and the run was to publish all or nothing."""

    code = "E-REMOTE-AHEAD"
    exit_code = 3


class InvalidContent(SkillsyncError):
    """One object's content cannot be read or must not be written; ``path``, ``line`` and ``column`` say where."""

    code = "E-INVALID"
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        unchanged: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, subject=subject, unchanged=unchanged, hint=hint)
        self.path = path
        self.line = line
        self.column = column


def place_of(error: Exception) -> str:
    """Return ``path:line:column`` as far as an error knows it."""
    parts = (getattr(error, name, None) for name in ("path", "line", "column"))
    return joined_place(*parts)


class LocalChanged(SkillsyncError):
    """A file is no longer what the plan was made from; it was left alone."""

    code = "E-LOCAL-CHANGED"
    exit_code = 1
    default_hint = "run the command again: it plans with your edit included"


class RenamedHere(SkillsyncError):
    """A skill's ``name`` was changed locally and the server offers no rename (sync.md S21)."""

    code = "E-RENAMED"
    exit_code = 1


class SystemRefused(SkillsyncError):
    """The operating system refused: disk full, no permission, read-only, too many open files."""

    code = "E-SYSTEM"
    exit_code = 1
    default_hint = "make room or give permission, then run the command again"


class DemoFailed(SkillsyncError):
    """A step of `skillsync demo` did not do what it says; the demo ends there."""

    code = "E-DEMO"
    exit_code = 1


class RemoteError(SkillsyncError):
    """The other side refused, failed or could not be understood. ``status`` is the HTTP status, if any.

    ``reason`` is the server's own code (``unique``, ``blank``) or one of ours (``endpoint``, ``project``,
    ``redirect``, ``truncated``, ``too-large``, ``generation``); ``field`` the field it is about.
    ``indeterminate`` tells that a write may have happened all the same: look before repeating (sync.md 9.2).
    """

    code = "E-REMOTE"
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        subject: str = "",
        unchanged: str = "",
        hint: str = "",
        reason: str = "",
        field: str = "",
        indeterminate: bool = False,
    ) -> None:
        super().__init__(message, subject=subject, unchanged=unchanged, hint=hint)
        self.status = status
        self.reason = reason
        self.field = field
        self.indeterminate = indeterminate


class NotAuthenticated(RemoteError):
    """No key, or the server does not know it (401)."""

    code = "E-AUTH"
    exit_code = 7
    default_hint = "skillsync status -v shows which key was used and where it came from"


class NotAllowed(RemoteError):
    """The key lacks a scope, a project or a permission (403)."""

    code = "E-FORBIDDEN"
    exit_code = 7
    default_hint = "give the key the scope or project that is named, or use another key (skillsync status -v shows which one was used)"


class HostNotTrusted(RemoteError):
    """A key would go to an origin it does not belong to; nothing was sent."""

    code = "E-HOST-NOT-TRUSTED"
    exit_code = 7


class NotFound(RemoteError):
    """404: missing, archived, or invisible to this key; by itself never a proof of deletion (sync.md A9)."""

    code = "E-NOT-FOUND"
    default_hint = "are host and project in skillsync.toml right, and may this key see them? (skillsync status -v)"


class VersionConflict(RemoteError):
    """409 with ``current_version``: somebody published meanwhile. Plan again, never send again (R1)."""

    code = "E-REMOTE-MOVED"
    exit_code = 3

    def __init__(self, message: str, *, current: int | None, subject: str = "") -> None:
        super().__init__(message, status=409, subject=subject)
        self.current = current


class Refused(RemoteError):
    """The server understood and refused (400, 405, 409 without version, 413, 415, 422)."""

    code = "E-REMOTE-REFUSED"


class KeyTaken(Refused):
    """409 of a creation: the item ``item`` has this key, with other content or archived (datasets-api.md 3.3)."""

    code = "E-KEY-TAKEN"
    exit_code = 4

    def __init__(self, message: str, *, item: str, subject: str = "") -> None:
        super().__init__(message, status=409, subject=subject, reason="client_item_id_conflict")
        self.item = item


class LimitReached(Refused):
    """A quota is used up: ``count`` of ``limit`` things of the kind ``resource`` are there (datasets-api.md 3.5)."""

    code = "E-QUOTA"

    def __init__(
        self,
        message: str,
        *,
        resource: str = "",
        count: int = 0,
        limit: int = 0,
        status: int | None = 409,
        subject: str = "",
        unchanged: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(
            message,
            status=status,
            subject=subject,
            unchanged=unchanged,
            hint=hint,
            reason="limit_reached",
        )
        self.resource = resource
        self.count = count
        self.limit = limit


class BadAnswer(RemoteError):
    """The answer is truncated, of the wrong type, too large, or contradicts itself; nothing was changed by it."""

    code = "E-BAD-ANSWER"
    default_hint = "is the host in skillsync.toml the API itself, and not a login page or a proxy?"


class Throttled(RemoteError):
    """429 beyond the deadline. ``retry_after`` in seconds."""

    code = "E-THROTTLED"
    exit_code = 75
    default_hint = "wait a little and run the command again"

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, status=429, hint=hint)
        self.retry_after = retry_after


class Unreachable(RemoteError):
    """No answer, a broken connection, or 5xx. A write that ends so is indeterminate: look before repeating.

    ``retry_after`` in seconds, where the server named it.
    """

    code = "E-UNREACHABLE"
    exit_code = 75
    default_hint = (
        "is the host in skillsync.toml right, and is it up? (`skillsync serve` runs one on this machine) "
        "Then run the command again"
    )

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        subject: str = "",
        hint: str = "",
        reason: str = "",
        indeterminate: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            subject=subject,
            hint=hint,
            reason=reason,
            indeterminate=indeterminate,
        )
        self.retry_after = retry_after
