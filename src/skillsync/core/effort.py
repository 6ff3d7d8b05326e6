"""How many requests a push takes, so that it can be said how long that is before it begins (sync.md 10.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.core.plan import Effect, Side, What

if TYPE_CHECKING:
    from skillsync.core.plan import Plan

_SKILL = 2
"""A publish: the latest version is looked at, then written; a creation: it is written, then marked (B9)."""
_UNGUARDED_UPDATE = 3
"""Read, compared and written, then read again (sync.md 10.3)."""
_UNGUARDED_REMOVAL = 2


@dataclass(frozen=True, slots=True)
class Effort:
    """What a push writes: how many skills, and how many rows are created, updated and removed."""

    skills: int = 0
    created: int = 0
    updated: int = 0
    removed: int = 0

    @property
    def rows(self) -> int:
        """How many rows are written."""
        return self.created + self.updated + self.removed

    @property
    def words(self) -> str:
        """Return ``2 skills and 10,000 rows``, "" for nothing."""
        parts = [
            f"{count:,} {word}{'' if count == 1 else 's'}"
            for count, word in ((self.skills, "skill"), (self.rows, "row"))
            if count
        ]
        return " and ".join(parts)

    def requests(self, *, guarded: bool) -> int:
        """About how many requests it takes; ``guarded``: each write of a row names the version it builds upon."""
        update, removal = (1, 1) if guarded else (_UNGUARDED_UPDATE, _UNGUARDED_REMOVAL)
        rows = self.created + self.updated * update + self.removed * removal
        return self.skills * _SKILL + rows


def effort_of(plan: Plan) -> Effort:
    """Count what a plan of push writes to the remote."""
    skills, rows = 0, dict.fromkeys(Effect, 0)
    for action in plan.actions:
        if action.side is Side.REMOTE:
            skills += action.what is What.SKILL
            rows[action.effect] += action.what is What.ROW
    return Effort(skills, rows[Effect.CREATE], rows[Effect.UPDATE], rows[Effect.REMOVE])
