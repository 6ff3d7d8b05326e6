"""Frozen values to JSON and back by their annotations; reading trusts nothing: kinds, lengths and counts are bounded."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from skillsync.model import Json

MAX_TEXT = 2_000_000
"""Characters of one text: longer than any body that a server takes."""

MAX_ITEMS = 200_000
"""Elements of one list."""

T = TypeVar("T")


class NotThat(ValueError):
    """The JSON is not of the expected shape; the message names the place."""


def to_json(value: Any) -> Json:
    """Return a value of `values.py` as JSON: objects in the order of the fields, tuples as lists."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [to_json(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_json(getattr(value, name)) for name, _ in _fields(type(value))}
    if value is None or isinstance(value, str | bool | int):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a review")


def from_json(cls: type[T], value: Json, place: str) -> T:
    """Read a dataclass; every field must be there and nothing else.

    Raises NotThat naming the place, such as ``plan.ops[3].kind``.
    """
    found: T = _read(cls, value, place)
    return found


@cache
def _fields(cls: type) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(cls))


def _read(kind: Any, value: Json, place: str) -> Any:
    if kind is str:
        return _text(value, place)
    if kind is bool or kind is int:
        if type(value) is not kind or (kind is int and abs(int(value)) >= 2**63):
            raise NotThat(f"{place} is no {'number' if kind is int else 'true or false'}")
        return value
    origin = typing.get_origin(kind)
    if origin is tuple:
        return _list(typing.get_args(kind)[0], value, place)
    if origin in {types.UnionType, typing.Union}:
        inner = next(one for one in typing.get_args(kind) if one is not type(None))
        return None if value is None else _read(inner, value, place)
    if issubclass(kind, StrEnum):
        try:
            return kind(_text(value, place))
        except ValueError:
            raise NotThat(f"{place} is none of {', '.join(kind)}") from None
    return _object(kind, value, place)


def _text(value: Json, place: str) -> str:
    if not isinstance(value, str):
        raise NotThat(f"{place} is no text")
    if len(value) > MAX_TEXT:
        raise NotThat(f"{place} is longer than {MAX_TEXT:,} characters")
    return value


def _list(kind: Any, value: Json, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise NotThat(f"{place} is no list")
    if len(value) > MAX_ITEMS:
        raise NotThat(f"{place} has more than {MAX_ITEMS:,} elements")
    return tuple(_read(kind, one, f"{place}[{number}]") for number, one in enumerate(value))


def _object(cls: Any, value: Json, place: str) -> Any:
    if not isinstance(value, dict):
        raise NotThat(f"{place} is no object")
    fields = _fields(cls)
    if len(value) != len(fields) or any(name not in value for name, _ in fields):
        names = ", ".join(name for name, _ in fields)
        raise NotThat(f"{place} does not have exactly the members {names}")
    return cls(**{name: _read(kind, value[name], f"{place}.{name}") for name, kind in fields})
