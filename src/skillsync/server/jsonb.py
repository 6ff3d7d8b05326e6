"""JSON as PostgreSQL's jsonb keeps it: which values are refused, and how the others come back."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

from django.db import models

MAX_DEPTH = 400
"""Deepest nesting accepted: parser, encoder and SQLite all stay well inside their own limits."""


class NotStorable(ValueError):
    """The value is JSON for the parser but cannot be kept in a jsonb column."""


def require_storable(value: object, *, depth: int = 0) -> None:
    """Raise NotStorable for NaN, infinities, NUL, lone surrogates, or nesting beyond ``MAX_DEPTH``.

    PostHog answers 500 to the characters (skills-api.md 2.3, datasets-api.md 2.3); refusing them while
    validating is the kinder form of the same rule.
    """
    if depth > MAX_DEPTH:
        raise NotStorable("nested too deeply")
    if isinstance(value, str):
        _require_storable_text(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise NotStorable("not a finite number")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _require_storable_text(key)
            require_storable(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            require_storable(inner, depth=depth + 1)


def _require_storable_text(text: str) -> None:
    if "\0" in text:
        raise NotStorable("NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotStorable("lone surrogate") from error


def jsonb_form(value: Any) -> Any:
    """The value as a later GET shows it (datasets-api.md 2.4). Pure and idempotent.

    Object keys are ordered by length in UTF-8 bytes, then by those bytes, at every level. A float whose
    shortest text has a positive exponent becomes the integer of that text; ``-0.0`` becomes ``0.0``.
    """
    if isinstance(value, dict):
        ordered = {}
        for key in sorted(value, key=_key_order):
            ordered[key] = jsonb_form(value[key])
        return ordered
    if isinstance(value, list):
        items = []
        for item in value:  # a loop, not a comprehension: one stack frame per level
            items.append(jsonb_form(item))  # noqa: PERF401
        return items
    if isinstance(value, float):
        return _number_form(value)
    return value


def _key_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def _number_form(value: float) -> float | int:
    if value == 0:
        return 0.0
    text = repr(value)
    return int(Decimal(text)) if "e+" in text else value


class JsonbEncoder(json.JSONEncoder):
    """Writes JSON text as jsonb prints it: ``", "`` and ``": "``, characters as themselves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False, "allow_nan": False})


class JsonbField(models.JSONField):
    """A JSON column that stores ``jsonb_form``; the object in memory keeps the form it was given.

    So the answer to a write echoes what was sent and a later GET shows what was stored, as PostHog's do.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["encoder"] = JsonbEncoder
        super().__init__(*args, **kwargs)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """The stored text of ``value``."""
        return super().get_db_prep_value(jsonb_form(value), connection, prepared)
