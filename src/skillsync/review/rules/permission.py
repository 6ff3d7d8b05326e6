"""Rules P: what a skill may do without being asked."""

from __future__ import annotations

from collections.abc import Iterator

from skillsync.review.grants import is_wildcard, lookalike, parse_grant
from skillsync.review.rules.model import Hit, Subject

_ACK = "a maintainer accepts it with the label skillsync:permissions-ok"


def check_permissions(subject: Subject) -> Iterator[Hit]:
    """Yield what is widened, too wide, ambiguous or a lookalike in the tool list and its neighbours."""
    document = subject.after.document
    if document is None:
        return
    path, found = subject.place(), subject.permissions
    line = subject.line_of("allowed-tools")
    rule = "P-NEW" if found.relation == "new" else "P-WIDENED"
    for reason in found.reasons:
        key = reason.split(" ", 1)[0]
        at = subject.line_of(key) or line
        yield Hit(rule, path, at, reason, reason, fix=_ACK)
    before = {parse_grant(text).text for text in found.before}
    for text in found.after:
        grant = parse_grant(text)
        is_new = text not in before
        if is_wildcard(grant) and is_new:
            message = f"{text} pre-approves everything that the tool can do"
            yield Hit("P-WILDCARD", path, line, text, message, fix="name what is needed")
        if (tool := lookalike(grant)) is not None:
            message = f"{text} is not {tool}, though it looks like it"
            yield Hit("P-LOOKALIKE", path, line, text, message, evidence=text, is_new=is_new)
    if pieces := _fractured(subject):
        message = "readers split this tool list in different ways"
        is_new = not subject.before.document or _source(subject.before) != _source(subject.after)
        yield Hit("P-FRACTURED", path, line, pieces, message, evidence=pieces,
                  fix="write it as a YAML list, without spaces within a tool", is_new=is_new)  # fmt: skip


def _fractured(subject: Subject) -> str:
    """Return the tokens that a reader who splits at spaces sees and we do not."""
    source = _source(subject.after)
    if isinstance(source, str):
        naive = source.split()
        ours = {grant.text for grant in map(parse_grant, subject.permissions.after)}
        return " ".join(token for token in naive if token not in ours)
    return ", ".join(text for text in subject.permissions.after if any(map(str.isspace, text)))


def _source(content: object) -> object:
    """Return the tool list as it is written: one text, or None for a list."""
    document = getattr(content, "document", None)
    pair = document.root.get("allowed-tools") if document else None
    return getattr(pair.value, "text", None) if pair else None
