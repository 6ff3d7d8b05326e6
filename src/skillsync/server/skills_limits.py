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
NAME_TAKEN = "A skill with this name already exists."

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def require_name(value: str, *, dialect: Dialect) -> None:
    """Reserved, then pattern, then ``--``; ValidationError otherwise (skills-api.md 2.4)."""
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


def require_path(value: str) -> None:
    """Neither ``..`` segments nor a leading slash, ``\\`` read as ``/``; kept as typed (skills-api.md 2.5)."""
    slashed = value.replace("\\", "/")
    if ".." in slashed.split("/"):
        raise ValidationError("File paths must not contain '..' traversal segments.")
    if slashed.startswith("/"):
        raise ValidationError("File paths must be relative, not absolute.")


def is_looked_up(path: str) -> bool:
    """Whether a path in a URL is one that GET and DELETE look for at all (skills-api.md 5)."""
    slashed = path.replace("\\", "/")
    return not slashed.startswith("/") and ".." not in slashed.split("/")


def size_of(text: str) -> int:
    """Bytes of the text in UTF-8, the unit of the size limits."""
    return len(text.encode())
