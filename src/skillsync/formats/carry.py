"""The carry entry: what the API cannot hold, as one JSON text in a skill's metadata (skill-format.md 10)."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_json
from skillsync.formats.paths import path_problem
from skillsync.formats.spelling import BOM, USUAL, Edges
from skillsync.formats.tools_list import tool_tokens
from skillsync.model import Extra, Json

CARRY_KEY = "skillsync"
"""Our key in a skill's metadata on the server; it never shows in SKILL.md."""

MAX_CARRY = 20_000
"""Bytes of UTF-8 of a carry entry; above that nothing is carried."""

STANDARD_KEYS = (
    "name",
    "description",
    "license",
    "compatibility",
    "metadata",
    "allowed-tools",
)
"""The six frontmatter keys of the Agent Skills standard, in the order a new file has them."""

_TOOLS = "allowed-tools"
_VERSION = 1
_MAX_DEPTH = 64
_MAX_EDGE = 1_000


@dataclass(frozen=True, slots=True)
class Omitted:
    """A local file that no server can hold: ``reason`` is a word such as ``binary``; ``sha256`` is hex or empty."""

    path: str
    sha256: str
    bytes: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Carry:
    """A carry entry, read: ``extra`` is content; ``edges`` and ``omitted`` are help for a fresh checkout."""

    extra: Extra
    edges: Mapping[str, Edges] = field(default_factory=dict)
    omitted: tuple[Omitted, ...] = ()


def fitting_extra(extra: Extra, *, files: Collection[str]) -> Extra:
    """Return ``extra`` without what does not fit the files beside it.

    After an edit elsewhere an entry may name files that are gone, or call a file empty that has text.
    """
    empty = frozenset(extra.empty) - set(files)
    executable = frozenset(path for path in extra.executable if path in files or path in empty)
    return replace(extra, empty=empty, executable=executable)


# ---------------------------------------------------------------- writing


def encode_carry(
    extra: Extra,
    *,
    omitted: Iterable[Omitted] = (),
    edges: Mapping[str, Edges] | None = None,
    force: bool = False,
) -> str | None:
    """Return the entry's text: compact JSON, sorted keys, only parts that are not empty.

    None when there is nothing to carry (unless ``force``, which gives ``{"v":1}``), and when it would exceed
    MAX_CARRY: ``carry_is_too_large`` tells the two apart. Edges, then the omitted list, are left out before that,
    as they are no content.
    """
    content = _content_parts(extra)
    missing: dict[str, Json] = {}
    if listed := sorted(omitted, key=lambda each: each.path):
        missing["omitted"] = [
            {"path": each.path, "sha256": each.sha256, "bytes": each.bytes} for each in listed
        ]
    ends: dict[str, Json] = {}
    if odd := {path: list(pair) for path, pair in (edges or {}).items() if pair != USUAL}:
        ends["edges"] = {path: [*pair] for path, pair in odd.items()}
    if not (content or missing or ends or force):
        return None
    for parts in ({**content, **missing, **ends}, {**content, **missing}, content):
        if (content or force or parts) and _fits(text := _dump({"v": _VERSION, **parts})):
            return text
    return None


def carry_is_too_large(extra: Extra) -> bool:
    """Tell whether ``extra`` does not fit into a carry entry, so that it stays local (skill-format.md 10)."""
    return not _fits(_dump({"v": _VERSION, **_content_parts(extra)}))


def _content_parts(extra: Extra) -> dict[str, Json]:
    frontmatter: dict[str, Json] = dict(extra.frontmatter)
    if extra.allowed_tools is not None:
        frontmatter[_TOOLS] = list(extra.allowed_tools)
    parts: dict[str, Json] = {}
    if frontmatter:
        parts["frontmatter"] = frontmatter
    if extra.executable:
        parts["executable"] = [*sorted(extra.executable)]
    if extra.empty:
        parts["empty"] = [*sorted(extra.empty)]
    return parts


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_CARRY


def _dump(value: Json) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


# ---------------------------------------------------------------- reading


class _Malformed(ValueError):
    """The entry is not one of ours."""


def decode_carry(text: Json) -> Carry | None:
    """Read an entry as found on a server; anything malformed, oversized or of another version gives None.

    It is hostile input: paths, keys, types and depth are checked. None means unknown, never empty.
    """
    if not isinstance(text, str) or len(text) > MAX_CARRY:
        return None
    try:
        entry = json.loads(
            text, object_pairs_hook=_distinct, parse_constant=_refuse, parse_float=_finite
        )
        return _carry(entry)
    except (ValueError, RecursionError, InvalidContent):
        return None


def _carry(entry: Json) -> Carry:
    if not isinstance(entry, dict) or type(entry.get("v")) is not int or entry["v"] != _VERSION:
        raise _Malformed
    canonical_json(entry).encode()  # refuses unpaired surrogates and absurd numbers
    frontmatter = _frontmatter(entry.get("frontmatter", {}))
    tools = _tools(frontmatter.pop(_TOOLS, None))
    extra = Extra(
        frontmatter=frontmatter,
        allowed_tools=tools,
        executable=frozenset(_paths(entry.get("executable", []))),
        empty=frozenset(_paths(entry.get("empty", []))),
    )
    return Carry(extra, _edges(entry.get("edges", {})), _omitted(entry.get("omitted", [])))


def _frontmatter(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict) or any(key in STANDARD_KEYS[:-1] for key in value):
        raise _Malformed
    _check_texts(value, 1)
    return dict(value)


def _check_texts(value: Json, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise _Malformed
    if isinstance(value, str) and "\0" in value:
        raise _Malformed
    if isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key, depth)
            _check_texts(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item, depth + 1)


def _tools(value: Json) -> tuple[str, ...] | None:
    if value is None:
        return None
    tools = tuple(_texts(value))
    if not tools or tool_tokens(tools) != tools:
        raise _Malformed
    return tools


def _texts(value: Json) -> list[str]:
    if not isinstance(value, list):
        raise _Malformed
    return [_text(item) for item in value]


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise _Malformed
    return value


def _paths(value: Json) -> list[str]:
    return [_path(path) for path in _texts(value)]


def _path(value: Json) -> str:
    path = _text(value)
    if path_problem(path):
        raise _Malformed
    return path


def _edges(value: Json) -> dict[str, Edges]:
    if not isinstance(value, dict):
        raise _Malformed
    edges: dict[str, Edges] = {}
    for path, pair in value.items():
        leading, trailing = _texts(pair) if isinstance(pair, list) and len(pair) == 2 else _fail()
        blank = leading.replace(BOM, "") + trailing
        if blank.strip() or len(leading) > _MAX_EDGE or len(trailing) > _MAX_EDGE:
            raise _Malformed
        edges[_path(path)] = (leading, trailing)
    return edges


def _omitted(value: Json) -> tuple[Omitted, ...]:
    if not isinstance(value, list):
        raise _Malformed
    found: list[Omitted] = []
    for each in value:
        if not isinstance(each, dict):
            raise _Malformed
        size = each.get("bytes")
        if type(size) is not int or size < 0:
            raise _Malformed
        found.append(Omitted(_path(each.get("path")), _text(each.get("sha256")), size))
    return tuple(found)


def _fail() -> list[str]:
    raise _Malformed


def _distinct(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Malformed
    return dict(pairs)


def _refuse(_text: str) -> float:
    raise _Malformed


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Malformed
    return number
