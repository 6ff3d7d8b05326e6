"""Says where every value of a JSON text lies, so that single values can be replaced."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\[\]{}:\"]+")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object or array; an array's has no name and ``start == key_end == value.start``."""

    name: str
    start: int
    key_end: int
    value: Span


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value lies in its text, and its members."""

    kind: Literal["leaf", "object", "array"]
    start: int
    end: int
    members: tuple[Member, ...] = ()


def scan(text: str) -> Span:
    """Return where every value of a JSON text lies. The text must be valid JSON; else ValueError or IndexError."""
    return _scan_value(text, skip_space(text, 0))


def skip_space(text: str, at: int) -> int:
    """Return the position of the first character at or after ``at`` that is not JSON whitespace."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _scan_value(text: str, at: int) -> Span:
    if text[at] == "{":
        return _scan_members(text, at, "object", "}")
    if text[at] == "[":
        return _scan_members(text, at, "array", "]")
    return Span("leaf", at, _scan_leaf(text, at))


def _scan_leaf(text: str, at: int) -> int:
    found = (_STRING if text[at] == '"' else _SCALAR).match(text, at)
    if found is None:
        raise ValueError(f"no value at {at}")
    return found.end()


def _scan_members(text: str, start: int, kind: Literal["object", "array"], closing: str) -> Span:
    members: list[Member] = []
    at = skip_space(text, start + 1)
    while text[at] != closing:
        if members:
            if text[at] != ",":
                raise ValueError(f"no comma at {at}")
            at = skip_space(text, at + 1)
        member = _scan_member(text, at, kind)
        members.append(member)
        at = skip_space(text, member.value.end)
    return Span(kind, start, at + 1, tuple(members))


def _scan_member(text: str, at: int, kind: Literal["object", "array"]) -> Member:
    if kind == "array":
        return Member("", at, at, _scan_value(text, at))
    key_end = _scan_leaf(text, at)
    colon = skip_space(text, key_end)
    if text[colon] != ":":
        raise ValueError(f"no colon at {colon}")
    name = json.loads(text[at:key_end])
    return Member(str(name), at, key_end, _scan_value(text, skip_space(text, colon + 1)))
