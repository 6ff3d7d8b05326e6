"""Says which rows a server of a generation cannot store (skill-format.md 14.3), before any request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.formats.canonical import canonical_json, canonical_time

if TYPE_CHECKING:
    from skillsync.formats.row_names import Spelling
    from skillsync.model import Json, Row

_MAX_REFERENCE = 255
_REFERENCES = ("source_trace_id", "source_event_id", "source_timestamp")


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


def row_problem(row: Row, *, generation: Spelling, most_bytes: int | None = None) -> str | None:
    """Return why a row must not be sent to a server of this generation, None if it may (skill-format.md 14.3).

    ``most_bytes`` is what a row's content may have there, None where nobody knows.
    """
    problem = reference_problem(row)
    if problem is not None:
        return problem
    if generation == "seed":
        return _seed_problem(row)
    if row.fields.get("input") is None:
        return "input must not be null or missing"
    if not isinstance(row.fields.get("metadata"), dict | None):
        return "metadata must be an object"
    return _reference_set_problem(row) or _size_problem(row, most_bytes)


def row_size(row: Row) -> int:
    """Return the bytes of a row's content as the current generation counts them (datasets-api.md 3.3)."""
    fields = row.fields
    content: dict[str, Json] = {
        name: fields.get(name) for name in ("input", "expected_output", "source_output")
    }
    return len(canonical_json({**content, "metadata": fields.get("metadata") or {}}).encode())


def _size_problem(row: Row, most_bytes: int | None) -> str | None:
    if most_bytes is None or (size := row_size(row)) <= most_bytes:
        return None
    return (
        f"its content has {size:,} bytes, {size - most_bytes:,} more than the {most_bytes:,} that this server "
        "takes in one row"
    )


def _reference_set_problem(row: Row) -> str | None:
    """A trace goes with its time, and what is of a trace goes with it (datasets-api.md 3.3)."""
    has = {name for name in _REFERENCES if row.fields.get(name) is not None}
    if "source_trace_id" in has and "source_timestamp" not in has:
        return "source_trace_id needs a source_timestamp on this server"
    if has and "source_trace_id" not in has:
        return f"{min(has)} needs a source_trace_id on this server"
    blank = [name for name in sorted(has) if not str(row.fields[name]).strip()]
    return f"{blank[0]} must not be empty on this server" if blank else None


def _seed_problem(row: Row) -> str | None:
    if row.fields.get("source_output") is not None:
        return "source_output cannot be stored by this server: its API has no such field"
    return None
