"""How skills look in answers: summary, detail and version entries (skills-api.md 1.2 to 1.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skillsync.server.render import render_time, render_user
from skillsync.server.skills_limits import category_of
from skillsync.server.skills_owners import Belongings
from skillsync.server.skills_spec import spec_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Skill


@dataclass(frozen=True, slots=True)
class BodyPage:
    """The part of a body that is shown, in characters; ``length`` None for all the rest."""

    start: int = 0
    length: int | None = None

    def cut(self, body: str) -> str:
        """The part itself."""
        return body[self.start : self._end(body)]

    def following(self, body: str) -> int | None:
        """Where the next part starts; None when this one reaches the end."""
        end = self._end(body)
        return end if end < len(body) else None

    def _end(self, body: str) -> int:
        return len(body) if self.length is None else self.start + self.length


@dataclass(frozen=True, slots=True)
class Shown:
    """A version row with what its answer needs from elsewhere."""

    skill: Skill
    latest: int
    """The newest version of the name."""
    files: Sequence[Mapping[str, Any]] = ()
    """The manifest by path, with the dialect's fields; lists need ``path`` only."""
    belongings: Belongings = field(default_factory=Belongings)
    page: BodyPage = field(default_factory=BodyPage)


def render_summary(shown: Shown, dialect: Dialect) -> dict[str, Any]:
    """A list item: the detail without the body and the files."""
    return {name: _FIELDS[name](shown) for name in dialect.summary_fields}


def render_detail(shown: Shown, dialect: Dialect) -> dict[str, Any]:
    """The whole skill."""
    return {name: _FIELDS[name](shown) for name in dialect.detail_fields}


def render_version(skill: Skill, dialect: Dialect) -> dict[str, Any]:
    """An entry of ``versions`` in resolve."""
    shown = Shown(skill, latest=skill.version)
    return {name: _FIELDS[name](shown) for name in dialect.version_fields}


_FIELDS: dict[str, Callable[[Shown], Any]] = {
    "id": lambda shown: str(shown.skill.pk),
    "name": lambda shown: shown.skill.name,
    "description": lambda shown: shown.skill.description,
    "body_total_length": lambda shown: len(shown.skill.body),
    "body_next_offset": lambda shown: shown.page.following(shown.skill.body),
    "body": lambda shown: shown.page.cut(shown.skill.body),
    "license": lambda shown: shown.skill.license,
    "compatibility": lambda shown: shown.skill.compatibility,
    "allowed_tools": lambda shown: shown.skill.allowed_tools,
    "metadata": lambda shown: shown.skill.metadata,
    "category": lambda shown: category_of(shown.skill.name),
    "tags": lambda shown: list(shown.belongings.tags),
    "owners": lambda shown: [render_user(user) for user in shown.belongings.owners],
    "files": lambda shown: [dict(file) for file in shown.files],
    "outline": lambda shown: [{"level": lvl, "text": text} for lvl, text in shown.skill.outline],
    "spec_problems": lambda shown: spec_problems(
        shown.skill.name, shown.skill.description, [file["path"] for file in shown.files]
    ),
    "version": lambda shown: shown.skill.version,
    "version_description": lambda shown: shown.skill.version_description,
    "created_by": lambda shown: render_user(shown.skill.created_by),
    "created_at": lambda shown: render_time(shown.skill.created_at),
    "updated_at": lambda shown: render_time(shown.skill.updated_at),
    "deleted": lambda shown: shown.skill.deleted,
    "is_latest": lambda shown: shown.skill.is_latest,
    "latest_version": lambda shown: shown.latest,
    "version_count": lambda shown: shown.latest,
    "first_version_created_at": lambda shown: render_time(shown.skill.first_created_at),
}
