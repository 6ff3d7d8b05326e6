"""What a run did: one outcome per object, notes and problems, and the exit code that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from skillsync.core.plan import exit_code
from skillsync.errors import NotAllowed, SkillsyncError, place_of
from skillsync.model import Conflict, Json, Problem, Severity

if TYPE_CHECKING:
    from skillsync.sync.narrow import Changes


class Kind(StrEnum):
    """What an outcome is about."""

    SKILL = "skill"
    DATASET = "dataset"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, or would happen, to one object.

    ``row`` is the line of sync.md 7 that decided; ``did`` is for people, in the past tense (or the present for
    a plan); ``changed`` tells whether a side was written; ``exit`` is this object's share of the exit code.
    """

    kind: Kind
    subject: str
    did: str
    row: str = ""
    state: str = ""
    changed: bool = False
    exit: int = 0
    code: str = ""
    message: str = ""
    fix: str = ""
    conflicts: tuple[Conflict, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the outcome as the JSON object every command prints."""
        return {
            "kind": str(self.kind),
            "subject": self.subject,
            "did": self.did,
            "row": self.row,
            "state": self.state,
            "changed": self.changed,
            "exit": self.exit,
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "conflicts": [
                {
                    "kind": str(conflict.kind),
                    "unit": conflict.unit,
                    "base": conflict.base,
                    "local": conflict.local,
                    "remote": conflict.remote,
                    "reason": conflict.reason,
                }
                for conflict in self.conflicts
            ],
        }


def failed(kind: Kind, subject: str, error: SkillsyncError, *, row: str = "") -> Outcome:
    """Build the outcome of an object that failed with a known error; the others go on (P17).

    A 403 for one object is that object's failure alone (sync.md S25); one for the whole run is raised instead.
    """
    place = place_of(error)
    where = f"{place}: " if place else ""
    return Outcome(
        kind,
        subject,
        "failed",
        row=row,
        state="error",
        exit=1 if isinstance(error, NotAllowed) else error.exit_code,
        code=error.code,
        message="; ".join(part for part in (f"{where}{error.message}", error.unchanged) if part),
        fix=error.hint,
    )


@dataclass(slots=True)
class Report:
    """All outcomes of one run, in the order they happened."""

    command: str
    target: str
    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    passed: int = 0
    """Objects that were looked at and had nothing to do."""
    looked_at: Changes | None = None
    """The skills that a pull looked at, None: it looked at everything."""
    _noted: set[str] = field(default_factory=set, repr=False)

    def add(self, outcome: Outcome) -> None:
        """Append one outcome."""
        self.outcomes.append(outcome)

    def note(self, text: str) -> None:
        """Append one note, once."""
        if text not in self._noted:
            self._noted.add(text)
            self.notes.append(text)

    @property
    def changed(self) -> int:
        """How many objects were written on either side."""
        return sum(outcome.changed for outcome in self.outcomes)

    @property
    def exit(self) -> int:
        """The exit code of the run, by the precedence of design.md 6.

        An object that could not even be looked at is a problem, and a failure like any other: 1, or 5 beside
        objects that went on.
        """
        failures = [1 for one in self.problems if one.severity is Severity.ERROR]
        return exit_code(
            [*(outcome.exit for outcome in self.outcomes), *failures], done=self.passed
        )
