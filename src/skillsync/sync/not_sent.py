"""Names what a publish leaves behind: files that no server can hold, and keys that no server applies (F21, skill-format.md 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.formats.checks import check_skill
from skillsync.model import Problem, Severity

if TYPE_CHECKING:
    from skillsync.formats.skill_folder import SkillReading

_COMES_BACK = {"W-SKILL-EXTRA-KEY"}
"""Carried along and restored in every checkout, and nobody's behaviour depends on it."""


def not_sent(reading: SkillReading) -> list[Problem]:
    """Return one warning for each file that stays local and each key or tool that the server does not apply."""
    return [
        problem
        for problem in check_skill(reading)
        if problem.severity is Severity.WARNING and problem.code not in _COMES_BACK
    ]
