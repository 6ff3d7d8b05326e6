"""Says which rows a server of a generation cannot store (skill-format.md 14.3), before any request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.formats.canonical import canonical_time

if TYPE_CHECKING:
    from skillsync.formats.row_names import Spelling
    from skillsync.model import Row

_MAX_REFERENCE = 255


def reference_problem(row: Row) -> str | None:
    """Return what is wrong with a row's references for every server, None if nothing (skill-format.md 14.3)."""
    for name in ("source_trace_id", "source_event_id"):
        value = row.fields.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= _MAX_REFERENCE):
            return f"{name} must be a text of at most {_MAX_REFERENCE} characters"
    time = row.fields.get("source_timestamp")
    if time is not None and not (isinstance(time, str) and canonical_time(time)):
        return "source_timestamp must be a text such as 2026-02-06T12:30:00Z"
    return None


def row_problem(row: Row, *, generation: Spelling) -> str | None:
    """Return why a row must not be sent to a server of this generation, None if it may (skill-format.md 14.3)."""
    problem = reference_problem(row)
    if problem is not None:
        return problem
    if generation == "seed":
        return _seed_problem(row)
    if row.fields.get("input") is None:
        return "input must not be null or missing"
    if not isinstance(row.fields.get("metadata"), dict | None):
        return "metadata must be an object"
    return None


def _seed_problem(row: Row) -> str | None:
    if row.fields.get("source_output") is not None:
        return "source_output cannot be stored by this server: its API has no such field"
    return None
