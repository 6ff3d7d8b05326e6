"""Words for people: how a skill stands, who wrote a version and when, and what changed between two contents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from skillsync.core.reconcile_skill import SkillState
from skillsync.formats.canonical import canonical_json
from skillsync.model import Extra, Json, Skill, Version

MISSING = "not on the server's list any more"
SKILL_STATES: Mapping[SkillState, str] = {
    SkillState.LOCAL_ONLY: "new here, not published",
    SkillState.REMOTE_ONLY: "new on the server, not here",
    SkillState.AHEAD: "changed here",
    SkillState.BEHIND: "changed on the server",
    SkillState.DIVERGED: "changed on both sides",
    SkillState.BOTH_EQUAL: "changed alike on both sides",
    SkillState.SAME_UNLINKED: "the same on both sides, but not linked",
    SkillState.UNRELATED: "different on both sides and never linked",
    SkillState.NET_ZERO: "changed on the server and changed back",
    SkillState.SUPERSEDED: "older here than what was published from a later commit",
    SkillState.DELETED_LOCALLY: "deleted here, still on the server",
    SkillState.DELETED_BUT_EDITED: "deleted here, changed on the server",
    SkillState.ARCHIVED: "archived on the server, unchanged here",
    SkillState.EDITED_BUT_ARCHIVED: "archived on the server, changed here",
    SkillState.RECREATED_EQUAL: "created again on the server with the same content",
    SkillState.RECREATED_DIFFERENT: "created again on the server with other content",
    SkillState.BACKWARDS: "older on the server than what was taken in here",
    SkillState.UNREACHABLE: f"{MISSING}; pull and push look again before they believe it",
    SkillState.INVALID: "cannot be published: it is not valid",
    SkillState.RENAMED_THERE: "renamed on the server",
    SkillState.RENAMED_HERE: "renamed here",
    SkillState.RENAMED_BOTH: "renamed on both sides",
    SkillState.EXHAUSTED: "out of versions on the server",
}
"""Every state of a skill that is worth a line."""

DATASET_STATES: Mapping[str, str] = {
    "N-PENDING-REMOVAL": "deleted here, still on the server",
    "N-ARCHIVED": "archived on the server, unchanged here",
    "E-EDITED-BUT-ARCHIVED": "archived on the server, changed here",
    "E-UNRELATED": "on both sides and never linked",
    "E-ABSENCE-UNCONFIRMED": f"{MISSING}; pull and push look again before they believe it",
}
"""What its code says of a dataset as a whole, for people."""

INFO_CHANGED = "its name, description or metadata changed on both sides"

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def age_words(moment: str, *, now: datetime) -> str:
    """Return ``2 days ago`` for a server time (ISO 8601, UTC), "" when it cannot be read."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = (now - then).total_seconds()
    for size, name in _UNITS:
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def version_words(version: Version, *, now: datetime) -> str:
    """Return ``v14 by ana@example.com, 2 days ago``."""
    age = age_words(version.created_at, now=now)
    author = version.author.label or "an unknown author"
    return f"v{version.number} by {author}" + (f", {age}" if age else "")


def changed_units(before: Skill, after: Skill) -> list[str]:
    """Return the names of what differs between two contents: frontmatter keys, ``body``, file paths.

    An extra that is unknown on one side is no difference.
    """
    units = [
        name
        for name in ("description", "license", "compatibility")
        if getattr(before, name) != getattr(after, name)
    ]
    if before.allowed_tools != after.allowed_tools:
        units.append("allowed-tools")
    units += [f"metadata.{key}" for key in _keys(before.metadata, after.metadata)]
    if before.extra is not None and after.extra is not None:
        units += _keys(before.extra.frontmatter, after.extra.frontmatter)
        units += _moved("executable bit of", before.extra, after.extra, "executable")
        units += _moved("empty file", before.extra, after.extra, "empty")
    if before.body != after.body:
        units.append("body")
    units += _keys(before.files, after.files)
    return units


def _moved(words: str, before: Extra, after: Extra, name: str) -> list[str]:
    return [f"{words} {path}" for path in sorted(getattr(before, name) ^ getattr(after, name))]


def _keys(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[str]:
    return sorted(
        key
        for key in {*before, *after}
        if (key in before) != (key in after)
        or canonical_json(before[key]) != canonical_json(after[key])
    )
