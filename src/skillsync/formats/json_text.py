"""Reads one JSON text strictly: what would not survive a server is refused, with its column."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NoReturn

from skillsync.formats.json_spans import scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillsync.formats.json_spans import Span
    from skillsync.model import Json

MAX_DEPTH = 64
"""Objects and arrays may be nested this deeply, the outermost counted (sync.md 10.5)."""

# A text without its closing quote takes the rest: looking for one again and again would be quadratic.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class JsonTrouble(ValueError):
    """The text is not JSON that may be kept. ``column`` is 1-based, None where it is not known."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class _Found(Exception):
    """What a decoder hook objects to; where it stands is looked up afterwards."""


def read_json(text: str) -> Json:
    """Read one JSON value; everything that would not survive a server raises JsonTrouble (skill-format.md 14.4).

    That is: a key twice in one object, NaN and infinities (``1e400`` too), NUL, unpaired surrogates, integers
    of more than 4,300 digits, and more than MAX_DEPTH levels.
    """
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(text)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonTrouble(_plain_words(error, text), error.pos + 1) from error
    except _Found as error:
        raise JsonTrouble(str(error), _column(text)) from error
    except ValueError as error:
        raise JsonTrouble("an integer has too many digits", _column(text)) from error
    if _SUSPECT.search(text):
        _check_texts(text, value)
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(x for x, _ in pairs).items() if count > 1)
        raise _Found(f"the key {_quoted(twice)} is there twice in one object")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Found(f"the number {digits[:40]} is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise _Found(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_constant
)


def _plain_words(error: json.JSONDecodeError, text: str) -> str:
    rest = text[error.pos :].strip()
    if error.msg == "Extra data":
        return f"there is more on the line after its value: {_quoted(rest[:20])}"
    return f"not valid JSON: {error.msg}"


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else text[:60] + "…")


def _check_depth(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[1]:
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonTrouble(
                    f"values are nested deeper than {MAX_DEPTH} levels", found.start() + 1
                )
        elif found[2]:
            depth -= 1


def _check_texts(text: str, value: Json) -> None:
    """Raise JsonTrouble if a decoded text holds NUL or an unpaired surrogate, which only escapes can spell."""
    for leaf in _texts(value):
        if reason := _text_trouble(leaf):
            raise JsonTrouble(reason, _column(text))


def _texts(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _text_trouble(text: str) -> str | None:
    if "\0" in text:
        return "a text holds NUL (U+0000), which no server stores"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "a text holds an unpaired surrogate, which is not Unicode"
    return None


def _column(text: str) -> int | None:
    """Return the column of the first leaf or repeated key that is bad, or None."""
    try:
        root = scan(text)
    except (ValueError, IndexError, RecursionError):
        return None
    at = _bad_place(text, root)
    return None if at is None else at + 1


def _bad_place(text: str, span: Span) -> int | None:
    if span.kind == "leaf":
        return span.start if _is_bad(text[span.start : span.end]) else None
    seen: set[str] = set()
    for member in span.members:
        source = text[member.start : member.key_end]
        if span.kind == "object" and (member.name in seen or _is_bad(source)):
            return member.start
        seen.add(member.name)
        if (at := _bad_place(text, member.value)) is not None:
            return at
    return None


def _is_bad(source: str) -> bool:
    try:
        value = _DECODER.decode(source)
    except (ValueError, _Found):
        return True
    return isinstance(value, str) and _text_trouble(value) is not None
