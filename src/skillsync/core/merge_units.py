"""The one three-way rule that every merge uses, unit by unit, and how a unit's value is shown (sync.md 8)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from skillsync.formats.canonical import canonical_json
from skillsync.model import Conflict, UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.model import Json

Sides: TypeAlias = tuple[str | None, str | None, str | None]
"""What a unit is in base, local and remote, as text; None means absent."""


class Take(Enum):
    """Which side's value a unit has after the merge."""

    LOCAL = "local"
    REMOTE = "remote"
    CONFLICT = "conflict"


def choose(base: object, local: object, remote: object) -> Take:
    """Return whose value to take; None means absent. Both changed alike is agreement, and local is taken.

    The values must compare by ``==`` exactly as their contents do: texts, or canonical JSON texts (``1 == True``).
    """
    if local == remote or remote == base:
        return Take.LOCAL
    return Take.REMOTE if local == base else Take.CONFLICT


def conflict_of(
    subject: str, kind: UnitKind, unit: str, sides: Sides, *, reason: str = "edited on both sides"
) -> Conflict:
    """Return the conflict about one unit."""
    base, local, remote = sides
    return Conflict(subject, kind, unit, base, local, remote, reason)


def canonical_value(mapping: Mapping[str, Json], key: str) -> str | None:
    """Return the canonical JSON text of a value, None when the mapping does not have the key."""
    return canonical_json(mapping[key]) if key in mapping else None


def shown(mapping: Mapping[str, Json], key: str) -> str | None:
    """Return a value as text for people: a string as it is, anything else as JSON, None when absent."""
    value = mapping.get(key)
    return value if isinstance(value, str) else canonical_value(mapping, key)


def merge_mapping(
    base: Mapping[str, Json], local: Mapping[str, Json], remote: Mapping[str, Json]
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Merge key by key; return the result and the keys in conflict, which keep the local value.

    Local keys keep their order, keys that only the remote has follow in sorted order (the server keeps none).
    """
    result, conflicts = dict(local), []
    for key in [*local, *sorted(set(remote) - set(local))]:
        values = [canonical_value(side, key) for side in (base, local, remote)]
        take = choose(*values)
        if take is Take.CONFLICT:
            conflicts.append(key)
        elif take is Take.REMOTE and key in remote:
            result[key] = remote[key]
        elif take is Take.REMOTE:
            del result[key]
    return result, tuple(sorted(conflicts))


def merge_set(
    base: frozenset[str], local: frozenset[str], remote: frozenset[str]
) -> frozenset[str]:
    """Merge members one by one: what one side added is in, what one side removed is out; no conflict is possible."""
    return (local & remote) | (local - base) | (remote - base)
