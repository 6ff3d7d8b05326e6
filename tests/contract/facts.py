"""Rows of case tables, and the error bodies and texts that many of them expect (the API notes: platform.md 5, skills-api.md 8)."""

from __future__ import annotations

from typing import Any

import pytest

SEED = "seed"
CURRENT = "current"

REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
NOT_A_STRING = "Not a valid string."
NOT_AN_INTEGER = "A valid integer is required."
NOT_A_UUID = "Must be a valid UUID."
NOT_JSON = "Value must be valid JSON."
NOT_A_BOOLEAN = "Must be a valid boolean."
NUL = "Null characters are not allowed."
SURROGATE = "Surrogate characters are not allowed: U+D800."
NOT_AN_OBJECT = "Invalid data. Expected a dictionary, but got {}."
NOT_A_LIST = 'Expected a list of items but got type "str".'
NAME_RULE = (
    "Only lowercase letters, numbers, and hyphens are allowed. Must not start or end with a hyphen "
    "or contain consecutive hyphens."
)
NAME_TAKEN = "A skill with this name already exists."
TRAVERSAL = "File paths must not contain '..' traversal segments."
ABSOLUTE = "File paths must be relative, not absolute."
DUPLICATE_PATHS = "Duplicate file paths are not allowed."
NOT_SUPPORTED = "This field is not supported."
NO_KEY_ACCESS = "This action does not support personal API key access"
NO_EDITS = "At least one edit operation is required."
BIG_BODY = "Skill body must be 1000000 bytes or fewer."
BIG_FILE = "File content must be 1000000 bytes or fewer."
STALE = "The skill changed since you opened it. Reload the latest version and try again."
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


def at_most(characters: int) -> str:
    return f"Ensure this field has no more than {characters} characters."


def at_least(number: int) -> str:
    return f"Ensure this value is greater than or equal to {number}."


def case(section: str, name: str, *values: Any, only: str = "") -> Any:
    """One row of a table. ``section`` is that of the API notes; ``only`` names the dialect it is for."""
    marks = [pytest.mark.dialect(only)] if only else []
    return pytest.param(*values, id=f"{section}: {name}", marks=marks)


def invalid(code: str, attr: str | None, detail: str) -> dict[str, Any]:
    """400, the envelope of a validation error."""
    return {"type": "validation_error", "code": code, "detail": detail, "attr": attr}


def denied(code: str, detail: str) -> dict[str, Any]:
    """401 or 403."""
    return {"type": "authentication_error", "code": code, "detail": detail, "attr": None}


def wrong(code: str, detail: str) -> dict[str, Any]:
    """404, 405, 406, 415, and what is not even syntax."""
    return {"type": "invalid_request", "code": code, "detail": detail, "attr": None}


def missing(detail: str = "Not found.") -> dict[str, Any]:
    """404, the envelope."""
    return wrong("not_found", detail)


def no_skill(name: str) -> dict[str, str]:
    """404, bare."""
    return {"detail": f"Skill with name '{name}' not found."}


def no_file(path: str, name: str) -> dict[str, str]:
    """404, bare."""
    return {"detail": f"File '{path}' not found in skill '{name}'."}


def stale(current: int) -> dict[str, Any]:
    """409, bare."""
    return {"detail": STALE, "current_version": current}
