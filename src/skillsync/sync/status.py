"""Says where every object stands, reading only: offline from the stat cache, online with the remote's versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.model import Problem, Severity
from skillsync.sync.memory import open_memory

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.report import Kind, Outcome
    from skillsync.sync.workspace import Remote, Workspace

IGNORED = (
    "its pointer line is ignored, because the files it was written with never came along; HEAD's history decides "
    "(skillsync pull writes a new one)"
)


@dataclass
class Status:
    """One line per object that is not in sync, counts of those that are, notes and problems.

    ``rows`` counts the rows of the datasets in sync. ``uncommitted`` are the folders of objects whose pointer
    files differ from HEAD's. ``servers`` says what each side of the API is, ``guarantees`` what it cannot promise
    (P21), and ``in_short`` the same in one line.
    """

    target: str
    offline: bool
    lines: list[Outcome] = field(default_factory=list)
    in_sync: int = 0
    rows: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    uncommitted: set[str] = field(default_factory=set)
    servers: dict[str, str] = field(default_factory=dict)
    guarantees: list[str] = field(default_factory=list)
    in_short: str = ""

    @property
    def is_clean(self) -> bool:
        """Nothing to push, pull or resolve."""
        return not self.lines and not any(
            problem.severity is Severity.ERROR for problem in self.problems
        )

    def note(self, text: str) -> None:
        """Append one note, once."""
        if text not in self.notes:
            self.notes.append(text)


def invalid(kind: Kind, subject: str, row: str, problems: Iterable[Problem]) -> Outcome:
    """Return the line of an object that cannot be published: its first error, and how to see the others."""
    from skillsync.sync.report import Outcome

    errors = [one for one in problems if one.severity is Severity.ERROR]
    first = errors[0]
    others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Outcome(
        kind,
        subject,
        "cannot be published: it is not valid",
        row=row,
        state="invalid",
        code=first.code,
        message=": ".join(part for part in (first.where, first.message) if part) + others,
        fix=f"skillsync lint {subject}",
    )


def status(
    workspace: Workspace,
    target: Target,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
) -> Status:
    """Return where everything stands. Writes nothing but the cache (P19)."""
    found = Status(target.name, offline=remote is None)
    if remote is None:
        _offline(workspace, target, names, found)
    else:
        from skillsync.sync.status_online import look_online

        look_online(workspace, target, remote, names, found)
    _show_parked(workspace, target, names, found)
    found.lines.sort(key=lambda line: line.kind != "skill")
    _note_unmerged(workspace, found)
    _note_uncommitted(found)
    return found


def _offline(workspace: Workspace, target: Target, names: Collection[str], found: Status) -> None:
    with open_memory(workspace) as memory:
        known = None if names else memory.in_sync(target)
        if known is not None:
            found.in_sync, found.rows = known
            return
        from skillsync.sync.status_offline import look_offline

        is_plain = look_offline(workspace, target, names, found, memory)
        if is_plain and not (names or found.lines or found.problems or found.notes):
            memory.remember(target, found)


def _show_parked(
    workspace: Workspace, target: Target, names: Collection[str], found: Status
) -> None:
    """Put a conflict that waits for a person in the place of whatever else is said about that skill."""
    if not (workspace.repo.state_dir / "conflicts").is_dir():
        return
    from skillsync.sync.parked import parked_skills
    from skillsync.sync.report import Kind, Outcome
    from skillsync.sync.workspace import chosen

    for parked in parked_skills(workspace):
        if parked.pointer.place != target.place or not chosen(
            names,
            name=parked.name,
            directory=parked.dir,
            root=workspace.repo.root,
            start=workspace.start,
        ):
            continue
        if parked.is_abandoned:
            found.note(f"{parked.name}: its conflict was thrown away with git; pull shows it again")
            continue
        words = "conflict settled; the next pull or push records it"
        if not parked.is_settled:
            words = f"in conflict: {', '.join(parked.unsettled)}"
        found.lines = [
            line
            for line in found.lines
            if not (line.kind is Kind.SKILL and line.subject == parked.name)
        ]
        marked = set(parked.unsettled)
        found.problems = [
            one for one in found.problems if one.code != "E-MARKERS" or one.path not in marked
        ]
        found.lines.append(
            Outcome(
                Kind.SKILL,
                parked.name,
                words,
                row="S10",
                state="conflict",
                code="E-CONFLICT",
                fix=("edit the marked lines, then " if parked.marked else "")
                + f"skillsync resolve {parked.name}",
            )
        )


def _note_unmerged(workspace: Workspace, found: Status) -> None:
    """Say what makes an object invalid that git has in conflict: no command of ours settles that."""
    if any(line.state == "invalid" for line in found.lines) and (
        paths := sorted(workspace.repo.index.unmerged())
    ):
        more = " …" if len(paths) > 3 else ""
        found.note(
            f"git has unmerged entries: {', '.join(paths[:3])}{more}; finish the merge with git (edit, git add), or undo it"
        )


def _note_uncommitted(found: Status) -> None:
    count = len(found.uncommitted)
    if count:
        found.note(
            f"the {'pointer of 1 object is' if count == 1 else f'pointers of {count} objects are'} "
            "not committed yet: "
            "commit .skillsync together with your files"
        )
