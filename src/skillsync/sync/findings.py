"""What `doctor` finds: one value for each thing looked at, with how bad it is and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skillsync.model import Json


class Level(StrEnum):
    """How bad a finding is; only a problem makes the exit code 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: which check, how it is, in words, about what, and the next command or edit."""

    check: str
    level: Level
    message: str
    subject: str = ""
    fix: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {
            "check": self.check,
            "level": str(self.level),
            "message": self.message,
            "subject": self.subject,
            "fix": self.fix,
        }


def ok(check: str, message: str, *, subject: str = "") -> Finding:
    """Nothing to mend."""
    return Finding(check, Level.OK, message, subject)


def warning(check: str, message: str, *, subject: str = "", fix: str = "") -> Finding:
    """It works, and may surprise somebody."""
    return Finding(check, Level.WARNING, message, subject, fix)


def problem(check: str, message: str, *, subject: str = "", fix: str = "") -> Finding:
    """Something does not work, or not safely, until it is mended."""
    return Finding(check, Level.PROBLEM, message, subject, fix)
