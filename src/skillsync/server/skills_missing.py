"""The 404 of a skill or a version that is not there, with what a person may have meant (skills-api.md 8)."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from skillsync.server.exceptions import BareError
from skillsync.server.models import Skill

if TYPE_CHECKING:
    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project

_SUGGESTIONS = 3
_SIMILARITY = 0.6


def skill_missing(
    project: Project, name: str, *, dialect: Dialect, version: int | None = None
) -> BareError:
    """The error to raise: there is no active skill ``name``, or it has no such version."""
    plain = f"Skill with name '{name}' not found."
    if not dialect.explains_not_found:
        return BareError(404, {"detail": plain})
    active = Skill.objects.filter(project=project, deleted=False)
    if "\0" in name:  # no column could hold it, so the database is not asked
        return BareError(404, _skill_missing(name, plain, []))
    versions = list(active.filter(name=name).order_by("version").values_list("version", flat=True))
    if versions and version is not None:
        return BareError(404, _version_missing(name, version, versions))
    names = active.filter(is_latest=True).exclude(name=name).values_list("name", flat=True)
    near = difflib.get_close_matches(name, sorted(names), n=_SUGGESTIONS, cutoff=_SIMILARITY)
    return BareError(404, _skill_missing(name, plain, near))


def _skill_missing(name: str, plain: str, near: list[str]) -> dict[str, object]:
    meant = f" Did you mean {', '.join(repr(other) for other in near)}?" if near else ""
    return {
        "detail": plain + meant,
        "type": "skill_not_found",
        "skill_name": name,
        "suggestions": near,
    }


def _version_missing(name: str, version: int, versions: list[int]) -> dict[str, object]:
    available = ", ".join(str(number) for number in versions)
    return {
        "detail": f"Skill with name '{name}' has no version {version}. "
        f"Available versions: {available}.",
        "type": "skill_version_not_found",
        "skill_name": name,
        "available_versions": versions,
    }
