"""Holds what was sent against a serializer. Serializers are kept, one of each kind per thread: making one copies its fields."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ValidationError

if TYPE_CHECKING:
    from rest_framework.serializers import Serializer

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Project

_kept = threading.local()


def accepted(
    kind: type[Serializer[Any]],
    data: Any,
    *,
    dialect: Dialect,
    project: Project,
    partial: bool = False,
) -> dict[str, Any]:
    """The validated values; ValidationError (400) otherwise. Dialect and project are the serializer's context."""
    key = (kind, dialect.name, partial)
    kept: dict[Any, tuple[Serializer[Any], dict[str, Any]]] = vars(_kept)
    if key not in kept:
        context: dict[str, Any] = {"dialect": dialect}
        kept[key] = kind(partial=partial, context=context), context
    serializer, context = kept[key]
    context["project"] = project
    try:
        values: dict[str, Any] = serializer.run_validation(data)
    except ValidationError:  # told as the framework tells it
        refusing = kind(data=data, partial=partial, context=context)
        refusing.is_valid(raise_exception=True)
        values = refusing.validated_data
    return values
