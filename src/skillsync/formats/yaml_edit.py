"""Changes single values of a YAML block by replacing their spans; every other character stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass

from skillsync.formats.yaml_text import (
    after_key,
    flow_text,
    is_literal,
    literal,
    spell,
    spell_key,
    spell_leaf,
)
from skillsync.formats.yaml_tree import Map, Node, Pair, Scalar, Sequence
from skillsync.model import Json

_HEADER_COMMENT = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)")


class CannotEdit(ValueError):
    """The block is laid out so that a value has no lines of its own."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters from ``start`` to ``end`` by ``text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Spelling:
    """How new text is written: the block's line end, whether literal blocks are allowed, how nodes are read."""

    newline: str
    block: bool
    value_of: Callable[[Node], Json]


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """Carry out edits that do not overlap; insertions at one place keep their order."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        if edit.start < at:
            raise CannotEdit("two changes overlap")
        parts += (source[at : edit.start], edit.text)
        at = edit.end
    return "".join((*parts, source[at:]))


def same_json(one: Json, other: Json) -> bool:
    """Compare JSON values by value and type; ``1`` equals ``1.0`` and no boolean equals a number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


# ---------------------------------------------------------------- where things lie


def line_start(source: str, at: int) -> int:
    """Return where the line holding position ``at`` starts."""
    return source.rfind("\n", 0, at) + 1


def line_end(source: str, at: int) -> int:
    """Return where the line after the one holding position ``at`` starts."""
    found = source.find("\n", at)
    return len(source) if found < 0 else found + 1


def content_end(source: str, node: Node) -> int:
    """Return where a value's last character ends, without the blank and comment lines after it."""
    if isinstance(node, Scalar):
        return _scalar_end(source, node)
    if node.flow:
        return node.end
    last = node.items[-1] if isinstance(node, Sequence) else node.pairs[-1].value
    end = content_end(source, last)
    return end if end > node.start else node.end


def _scalar_end(source: str, node: Scalar) -> int:
    if node.style not in {"|", ">"}:
        return node.end
    text = source[node.start : node.end]
    kept = text.rstrip("\r\n")
    header = text[: line_end(text, 0)]
    if "+" in header.partition("#")[0] or not kept.rpartition("\n")[2].strip():
        kept = text.removesuffix("\n").removesuffix("\r")  # blank lines are content, or hold spaces
    return node.start + len(kept)


def pair_range(source: str, pair: Pair) -> tuple[int, int]:
    """Return the whole lines of a key in a block mapping: from its line's start to after its value's last line."""
    start = line_start(source, pair.key.start)
    if source[start : pair.key.start].strip():
        raise CannotEdit(f"{pair.key.text!r} does not start its line")
    return start, line_end(source, max(pair.key.end, content_end(source, pair.value)))


# ---------------------------------------------------------------- mappings


def edit_map(
    source: str,
    node: Map,
    want: Mapping[str, Json],
    *,
    spelling: Spelling,
    owned: Callable[[str], bool],
) -> list[Edit]:
    """Return the edits that make the keys for which ``owned`` holds equal ``want``: values, removals, additions."""
    edits: list[Edit] = []
    if node.flow and any(owned(pair.key.text) and pair.key.text not in want for pair in node.pairs):
        values = {pair.key.text: spelling.value_of(pair.value) for pair in node.pairs}
        left = {key: value for key, value in values.items() if not owned(key)}
        return [Edit(node.start, node.end, flow_text({**left, **want}))]
    for pair in node.pairs:
        key = pair.key.text
        if not owned(key):
            continue
        if key not in want:
            edits += remove_key(source, node, pair)
        elif not same_json(spelling.value_of(pair.value), want[key]):
            edits += set_value(source, node, pair, want[key], spelling=spelling)
    for key, value in want.items():
        if node.get(key) is None:
            edits += add_key(source, node, key, value, spelling=spelling)
    return edits


def set_value(source: str, node: Map, pair: Pair, value: Json, *, spelling: Spelling) -> list[Edit]:
    """Return the edits that give one key of ``node`` another value, keeping its style."""
    old = pair.value
    if isinstance(old, Map) and isinstance(value, dict) and value and old.pairs:
        return edit_map(source, old, value, spelling=spelling, owned=lambda _key: True)
    if isinstance(old, Scalar) and not isinstance(value, dict | list):
        return [
            set_scalar(
                source, old, value, column=_column(source, pair), flow=node.flow, spelling=spelling
            )
        ]
    colon = source.index(":", pair.key.end)
    end = max(colon + 1, content_end(source, old))
    if node.flow:
        return [Edit(colon + 1, end, " " + flow_text(value))]
    room = spelling.block and not _rest(source, end)
    text = after_key(value, column=_column(source, pair), newline=spelling.newline, block=room)
    return [Edit(colon + 1, end, text)]


def set_scalar(
    source: str, old: Scalar, value: Json, *, column: int, flow: bool, spelling: Spelling
) -> Edit:
    """Return the edit that replaces a scalar's span, in the style it had (skill-format.md 9)."""
    end = _scalar_end(source, old)
    room = spelling.block and not flow and (old.style in {"|", ">"} or not _rest(source, end))
    indent = column + 2
    if not isinstance(value, str):
        text = spell_leaf(value, indent=indent, newline=spelling.newline, flow=flow, block=room)
    elif old.style in {"|", ">"} and room and is_literal(value):
        found = _HEADER_COMMENT.match(source, old.start)
        comment = found[1] if found else ""
        text = literal(value, indent=indent, newline=spelling.newline, comment=comment)
    else:
        text = spell(
            value, style=old.style, indent=indent, newline=spelling.newline, flow=flow, block=room
        )
    if old.start == old.end:
        text = " " + text
    return Edit(old.start, end, text)


def remove_key(source: str, node: Map, pair: Pair) -> list[Edit]:
    """Return the edit that removes a key of a block mapping with its lines."""
    if node.flow:
        raise CannotEdit(f"{pair.key.text!r} has no line of its own")
    start, end = pair_range(source, pair)
    return [Edit(start, end, "")]


def add_key(
    source: str, node: Map, key: str, value: Json, *, spelling: Spelling, after: Pair | None = None
) -> list[Edit]:
    """Return the edit that adds a key after the pair ``after``, else at the end, in the mapping's indentation."""
    previous = after or (node.pairs[-1] if node.pairs else None)
    if node.flow:
        text = f"{spell_key(key, flow=True)}: {flow_text(value)}"
        at = _flow_end(source, previous) if previous else node.start + 1
        return [Edit(at, at, f", {text}" if previous else text)]
    if previous is None:
        raise CannotEdit("the mapping is empty")
    column = _column(source, previous)
    _, at = pair_range(source, previous)
    if isinstance(previous.value, Scalar) and previous.value.style in {"|", ">"}:
        at = max(at, line_end(source, _scalar_end(source, previous.value)))
    tail = after_key(value, column=column, newline=spelling.newline, block=spelling.block)
    return [Edit(at, at, f"{' ' * column}{spell_key(key)}:{tail}{spelling.newline}")]


def _flow_end(source: str, pair: Pair) -> int:
    return max(pair.key.end, content_end(source, pair.value))


def _column(source: str, pair: Pair) -> int:
    return pair.key.start - line_start(source, pair.key.start)


def _rest(source: str, at: int) -> str:
    """Return what else stands on the line after position ``at``."""
    return source[at : line_end(source, at)].strip()


# ---------------------------------------------------------------- lists of words


def set_words(
    source: str, node: Sequence, words: SequenceOf[str], *, spelling: Spelling
) -> list[Edit]:
    """Return the edit that makes a list of one-word items hold ``words``: kept items keep their lines."""
    if node.flow:
        kept = {item.text: source[item.start : item.end] for item in _scalars(node)}
        text = ", ".join(kept.get(word) or flow_text(word) for word in words)
        return [Edit(node.start, node.end, f"[{text}]")]
    column = node.start - line_start(source, node.start)
    if source[line_start(source, node.start) : node.start].strip():
        raise CannotEdit("a list starts on its key's line")
    start = at = line_start(source, node.start)
    lines: dict[str, str] = {}
    for item in _scalars(node):
        end = line_end(source, content_end(source, item))
        lines[item.text] = source[at:end]  # with the comment lines above it
        at = end
    pad = " " * column
    new = (
        lines.get(word)
        or f"{pad}- {spell(word, indent=column + 2, newline=spelling.newline)}{spelling.newline}"
        for word in words
    )
    return [Edit(start, at, "".join(new))]


def _scalars(node: Sequence) -> list[Scalar]:
    return [item for item in node.items if isinstance(item, Scalar)]
