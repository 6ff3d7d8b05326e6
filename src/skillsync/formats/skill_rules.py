"""What makes a skill's own texts unfit to be sent: the errors of skill-format.md 13 for one document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skillsync.formats.canonical import canonical_text
from skillsync.formats.paths import name_problem
from skillsync.formats.skill_document import SkillDocument

MAX_DESCRIPTION = 1_024
MAX_LICENSE = 255
MAX_COMPATIBILITY = 500
MAX_TEXT_BYTES = 1_000_000
"""Bytes of UTF-8 of a trimmed body or bundled file."""

MAX_FILES = 200
MANY_FILES = 50
"""Older servers take no more files than this (skills-api.md 2.5)."""

MARKERS = re.compile(r"^(?:<{7,} local\b|>{7,} remote\b)", re.MULTILINE)
"""How a line of our own conflict markers starts, of any marker size (sync.md 8)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in one file: its code, what is wrong, the 1-based line if known, and what helps."""

    code: str
    message: str
    line: int | None = None
    fix: str = ""


def marker_line(text: str) -> int | None:
    """Return the 1-based line of the first of our conflict markers, None without any."""
    found = MARKERS.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def document_faults(doc: SkillDocument) -> Iterator[Fault]:
    """Yield every error of a readable document; lengths count trimmed characters, of the body bytes."""
    yield from _quoting(doc)
    if trouble := name_problem(doc.name):
        yield Fault(
            "E-SKILL-NAME", trouble, doc.line_of("name"), "set name: in SKILL.md to a valid name"
        )
    yield from _description(doc)
    for key, most in (("license", MAX_LICENSE), ("compatibility", MAX_COMPATIBILITY)):
        length = len(canonical_text(getattr(doc, key)))
        if length > most:
            message = f"{key} has {length:,} characters, at most {most} are accepted"
            yield Fault("E-SKILL-FIELD", message, doc.line_of(key), f"shorten {key}:")
    yield from _body(doc)


def _quoting(doc: SkillDocument) -> Iterator[Fault]:
    for repair in doc.repairs:
        message = (
            f"this is no YAML: {_short(repair.before)}\n"
            f"it reads as meant when quoted: {_short(repair.after)}"
        )
        yield Fault("E-SKILL-QUOTES", message, repair.line, "skillsync fmt")


def _short(text: str, most: int = 200) -> str:
    text = text.strip()
    return text if len(text) <= most else text[: most - 1] + "…"


def _description(doc: SkillDocument) -> Iterator[Fault]:
    text = canonical_text(doc.description)
    line = doc.line_of("description")
    if not text:
        message = "the description is missing" if line is None else "the description is blank"
        yield Fault(
            "E-SKILL-DESCRIPTION",
            message,
            line,
            "add description: with what the skill does and when to use it",
        )
    elif len(text) > MAX_DESCRIPTION:
        message = (
            f"the description has {len(text):,} characters, at most {MAX_DESCRIPTION:,} are accepted; "
            "while it is longer, servers refuse every write to this skill"
        )
        yield Fault("E-SKILL-DESCRIPTION", message, line, "shorten description:")


def _body(doc: SkillDocument) -> Iterator[Fault]:
    size = len(doc.body.strip().encode())
    if not canonical_text(doc.body):
        yield Fault(
            "E-SKILL-BODY",
            "there is no text after the frontmatter",
            doc.body_line,
            "write the instructions below the second line ---",
        )
    elif size > MAX_TEXT_BYTES:
        message = f"the text has {size:,} bytes, at most {MAX_TEXT_BYTES:,} are accepted"
        yield Fault(
            "E-SKILL-BODY", message, doc.body_line, "move parts of it into files beside SKILL.md"
        )
