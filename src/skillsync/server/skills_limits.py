"""The limits of skills that all dialects share, and the rules for names and paths (skills-api.md 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rest_framework.exceptions import ValidationError

if TYPE_CHECKING:
    from skillsync.server.dialects import Dialect

MAX_BODY_BYTES = 1_000_000
MAX_FILE_BYTES = 1_000_000
MAX_NAME = 64
MAX_LICENSE = 255
MAX_COMPATIBILITY = 500
MAX_PATH = 500
MAX_CONTENT_TYPE = 100
MAX_VERSIONS = 2000
MAX_VERSION_DESCRIPTION = 400
MAX_OWNERS = 25
MAX_TAGS = 20
MAX_TAG = 64
NAME_TAKEN = "A skill with this name already exists."

CATEGORIES = {"signals-scout-": "scout", "review-hog-": "review_hog"}
"""Categories by the prefix of the name; such names are neither given nor taken by a rename."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def require_name(value: str, *, dialect: Dialect) -> None:
    """Reserved, pattern, ``--``, bundled, in this order; ValidationError otherwise (skills-api.md 2.4)."""
    if value.lower() in dialect.reserved_names:
        raise ValidationError(dialect.reserved_name_text(value), code="reserved_name")
    if not _NAME.fullmatch(value):
        raise ValidationError(
            "Only lowercase letters, numbers, and hyphens are allowed. Must not start or end with "
            "a hyphen or contain consecutive hyphens.",
            code="invalid_name",
        )
    if "--" in value:
        raise ValidationError("Consecutive hyphens are not allowed.", code="invalid_name")
    if value in dialect.bundled_names:
        raise ValidationError(
            f"PostHog already ships a skill named '{value}'. Choose another name.",
            code="bundled_skill_name",
        )


def accepted_path(value: str, *, dialect: Dialect) -> str:
    """The path as it is stored; ValidationError when it breaks a rule (skills-api.md 2.5)."""
    problem = path_problem(value, dialect=dialect)
    if problem is not None:
        raise ValidationError(problem)
    return value.replace("\\", "/") if dialect.has_canonical_paths else value


def path_problem(value: str, *, dialect: Dialect) -> str | None:
    """The first rule that a path breaks, ``\\`` read as ``/``; None when there is none."""
    slashed = value.replace("\\", "/")
    return _strict_problem(slashed) if dialect.has_canonical_paths else _seed_problem(slashed)


def _seed_problem(slashed: str) -> str | None:
    if ".." in slashed.split("/"):
        return "File paths must not contain '..' traversal segments."
    if slashed.startswith("/"):
        return "File paths must be relative, not absolute."
    return None


def _strict_problem(slashed: str) -> str | None:
    if not slashed or slashed != slashed.strip():
        return "File path must be a non-empty, trimmed relative path."
    if slashed.startswith("/"):
        return "File paths must be relative, not absolute."
    if slashed.endswith("/"):
        return "File paths must not end with a slash."
    if {"", ".", ".."} & set(slashed.split("/")):
        return "File paths must not contain empty, '.', or '..' segments."
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in slashed):
        return "File paths must not contain control characters."
    if slashed.lower() == "skill.md":
        return f"'{slashed}' is a reserved file path and cannot be used."
    return None


def is_looked_up(path: str) -> bool:
    """Whether a path in a URL is one that GET and DELETE look for at all (skills-api.md 5)."""
    return _seed_problem(path.replace("\\", "/")) is None


def size_of(text: str) -> int:
    """Bytes of the text in UTF-8, the unit of the size limits."""
    return len(text.encode())


def category_of(name: str) -> str:
    """The category that the server stamps on a name; ``""`` for most (skills-api.md 4)."""
    for prefix, category in CATEGORIES.items():
        if name.startswith(prefix):
            return category
    return ""
