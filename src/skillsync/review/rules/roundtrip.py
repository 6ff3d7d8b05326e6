"""Rules R: what does not come back from the store as it went there."""

from __future__ import annotations

from collections.abc import Iterator

from skillsync.formats.checks import BEHAVIOURAL_KEYS
from skillsync.model import Json
from skillsync.review.dataset_changes import SOURCE_FIELDS, RowChange
from skillsync.review.rules.model import Hit, Subject

_MOST = 20


def check_round_trip(subject: Subject) -> Iterator[Hit]:
    """Yield the frontmatter keys that the store has no field for."""
    document = subject.after.document
    if document is None:
        return
    old: dict[str, Json] = (
        dict(subject.before.document.extra_keys) if subject.before.document else {}
    )
    for key, value in document.extra_keys.items():
        is_new = key not in old or old[key] != value
        rule = "R-DENY" if key == "disallowed-tools" else "R-CARRIED"
        what = "changes what an agent may do, and " if key in BEHAVIOURAL_KEYS else ""
        message = f"{key} {what}is carried to the store and back, but not applied there"
        yield Hit(rule, subject.place(), document.line_of(key), key, message, is_new=is_new)


def check_sources(path: str, rows: tuple[RowChange, ...]) -> Iterator[Hit]:
    """Yield rows whose source fields changed: newer servers take them at creation only."""
    said = 0
    for row in rows:
        if row.status != "changed" or row.before is None or row.after is None:
            continue
        before, after = row.before.fields, row.after.fields
        if SOURCE_FIELDS.isdisjoint(before) and SOURCE_FIELDS.isdisjoint(after):
            continue
        fields = sorted(name for name in SOURCE_FIELDS if before.get(name) != after.get(name))
        if fields and said < _MOST:
            said += 1
            message = f"{', '.join(fields)} of an existing row cannot be changed on newer servers"
            yield Hit("R-SOURCE", path, row.line, str(row.key), message)
