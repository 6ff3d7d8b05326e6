"""Writes JSON on one line in the style that is there, and rewrites only the values that changed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.formats.canonical import canonical_json
from skillsync.formats.json_spans import scan, skip_space
from skillsync.formats.json_text import JsonTrouble, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.formats.json_spans import Span
    from skillsync.model import Json

_SEPARATORS = re.compile(r'"(?:[^"\\]++|\\.)*+"|(?P<key>\s*:\s*)|(?P<item>\s*,\s*)', re.DOTALL)
_ESCAPED = re.compile(r"\\u(?!00[0-7]|0085|2028|2029)")
_CARELESS = {"\u0085": r"\u0085", "\u2028": r"\u2028", "\u2029": r"\u2029"}


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """How JSON is spelled: the separators, and whether characters beyond ASCII are escaped."""

    item: str = ", "
    key: str = ": "
    ascii_only: bool = False


USUAL = JsonStyle()
"""What a new file gets (skill-format.md 14.4)."""


def style_of(text: str, *, default: JsonStyle = USUAL) -> JsonStyle:
    """Return the style of a JSON text by its first separators and its characters; ``default`` where it is silent."""
    item = key = None
    for found in _SEPARATORS.finditer(text):
        key = found["key"] if key is None else key
        item = found["item"] if item is None else item
        if item is not None and key is not None:
            break
    if key is None:
        item, key = default.item if item is None else item, default.key
    elif item is None:
        item = "," if key.endswith(":") else ", "
    return JsonStyle(item, key, ascii_style_of(text, default=default.ascii_only))


def ascii_style_of(text: str, *, default: bool = False) -> bool:
    """Tell whether a text escapes what is not ASCII; ``default`` when it holds nothing of the kind."""
    if not text.isascii():
        return False
    return True if _ESCAPED.search(text) else default


def write_json(value: Json, style: JsonStyle) -> str:
    """Write a value on one line. U+2028, U+2029 and U+0085 are escaped, so that careless readers survive.

    Raises JsonTrouble for a number that is not finite or has too many digits.
    """
    try:
        text = json.dumps(
            value,
            ensure_ascii=style.ascii_only,
            allow_nan=False,
            separators=(style.item, style.key),
        )
    except (ValueError, RecursionError) as error:
        raise JsonTrouble(f"the value cannot be written as JSON: {error}") from error
    for character, escape in _CARELESS.items():
        if character in text:
            text = text.replace(character, escape)
    return text


def rewrite(text: str, value: Json, style: JsonStyle) -> str:
    """Return ``text`` changed so that it reads as ``value``: equal parts keep their bytes, at every depth.

    Objects keep their key order, new keys come last; arrays are compared place by place.
    """
    root = scan(text)
    new = _rewritten(text, root, read_json(text), value, style)
    return text[: root.start] + new + text[root.end :]


def insert_first(text: str, name: str, value: Json, style: JsonStyle) -> str:
    """Return the text of an object with one more member in front; nothing else on the line changes."""
    brace = text.index("{") + 1
    at = skip_space(text, brace)
    member = write_json(name, style) + style.key + write_json(value, style)
    if text[at] == "}":
        return text[:brace] + member + text[brace:]
    return text[:at] + member + style.item + text[at:]


def _rewritten(text: str, span: Span, old: Json, new: Json, style: JsonStyle) -> str:
    if canonical_json(old) == canonical_json(new):
        return text[span.start : span.end]
    if isinstance(old, dict) and isinstance(new, dict):
        return _joined(text, span, _object_parts(text, span, old, new, style), style)
    if isinstance(old, list) and isinstance(new, list):
        return _joined(text, span, _array_parts(text, span, old, new, style), style)
    return write_json(new, style)


def _object_parts(
    text: str, span: Span, old: Mapping[str, Json], new: Mapping[str, Json], style: JsonStyle
) -> list[tuple[int | None, str]]:
    parts: list[tuple[int | None, str]] = []
    for place, member in enumerate(span.members):
        if member.name in new:
            lead = text[member.start : member.value.start]
            value = _rewritten(text, member.value, old[member.name], new[member.name], style)
            parts.append((place, lead + value))
    for name, item in new.items():
        if name not in old:
            parts.append((None, write_json(name, style) + style.key + write_json(item, style)))
    return parts


def _array_parts(
    text: str, span: Span, old: list[Json], new: list[Json], style: JsonStyle
) -> list[tuple[int | None, str]]:
    parts: list[tuple[int | None, str]] = []
    for place, item in enumerate(new):
        if place < len(old):
            member = span.members[place]
            parts.append((place, _rewritten(text, member.value, old[place], item, style)))
        else:
            parts.append((None, write_json(item, style)))
    return parts


def _joined(text: str, span: Span, parts: list[tuple[int | None, str]], style: JsonStyle) -> str:
    """Put parts between the brackets of ``span``: a kept part keeps the separator that stood before it."""
    if not span.members or not parts:
        inner = style.item.join(part for _, part in parts)
        return text[span.start] + inner + text[span.end - 1]
    pieces = [text[span.start : span.members[0].start]]
    for count, (place, part) in enumerate(parts):
        if count:
            pieces.append(_separator(text, span, place, style))
        pieces.append(part)
    pieces.append(text[span.members[-1].value.end : span.end])
    return "".join(pieces)


def _separator(text: str, span: Span, place: int | None, style: JsonStyle) -> str:
    if not place:
        return style.item
    return text[span.members[place - 1].value.end : span.members[place].start]
