"""Which dialects of the server a test asks: the seed's at once, the current one's in the slow tier but for a handful."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def seed_only(why: str) -> Callable[[F], F]:
    """Mark a test of what the current dialect does not have; ``why`` says what that is."""
    assert why

    def mark(function: F) -> F:
        function.__dict__["dialects"] = ["seed"]
        return function

    return mark


def current_only(why: str) -> Callable[[F], F]:
    """Mark a test of what the seed does not have; ``why`` says what that is."""
    assert why

    def mark(function: F) -> F:
        function.__dict__["dialects"] = ["current"]
        return function

    return mark


def both_at_once(function: F) -> F:
    """Mark a test whose current variant is worth its time in the fast tier."""
    function.__dict__["dialects"] = ["seed", "current"]
    return function


def dialects_of(module: ModuleType, function: Callable[..., Any]) -> list[Any]:
    """Return the parameters of a test: none where its module does not ask for both dialects (``BOTH_DIALECTS``)."""
    if not getattr(module, "BOTH_DIALECTS", False):
        return []
    chosen: list[Any] | None = function.__dict__.get("dialects")
    return chosen or ["seed", pytest.param("current", marks=pytest.mark.slow)]
