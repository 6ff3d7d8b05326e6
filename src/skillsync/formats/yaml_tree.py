"""Reads a YAML block into a bounded tree of nodes with positions; scalars stay source text."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import yaml

from skillsync.model import Json

MAX_BLOCK = 256_000
"""The longest block that is read, in characters (sync.md 14.6, input 61)."""

MAX_DEPTH = 64
"""The deepest nesting that is read, aliases followed."""

MAX_NODES = 100_000
"""The most nodes a block may stand for, aliases followed: an alias bomb ends here, unexpanded."""

_KEPT_BLOCK = 4_000
_KEPT_BLOCKS = 1_000
"""The longest block whose tree is kept, in characters, and how many are: some tens of MiB at the very most."""

_CORE_TAGS = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")
} | {"!"}
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,4298})\Z")
_TRUE = {"yes", "true", "on"}


class YamlTrouble(ValueError):
    """The block cannot be read. ``offset`` is a character position in it; ``duplicate`` names a repeated key.

    ``syntax`` is true only for what the YAML grammar refuses, the one kind that quoting can repair. Where keys are
    repeated and nothing else is wrong, ``others`` are the further ones, and ``tree`` is what the first ones say.
    """

    others: tuple[YamlTrouble, ...] = ()
    tree: Tree | None = None

    def __init__(
        self, message: str, offset: int, *, syntax: bool = False, duplicate: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.syntax = syntax
        self.duplicate = duplicate


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as source text. ``style`` is ``""`` (plain), ``'``, ``"``, ``|`` or ``>``.

    ``start`` and ``end`` are character positions in the block; they are equal for a value left out.
    """

    text: str
    style: str
    start: int
    end: int
    forced_text: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list: ``flow`` tells ``[a, b]`` from lines with dashes."""

    items: tuple[Node, ...]
    flow: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One key of a mapping with its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping with distinct keys, in source order: ``flow`` tells ``{a: b}`` from lines."""

    pairs: tuple[Pair, ...]
    flow: bool
    start: int
    end: int

    def get(self, key: str) -> Pair | None:
        """Return the pair of ``key``, or None."""
        return next((pair for pair in self.pairs if pair.key.text == key), None)


Node: TypeAlias = "Scalar | Sequence | Map"


@dataclass(frozen=True, slots=True)
class Tree:
    """A block's root (None: nothing but comments) and why it must not be edited by span, if so."""

    root: Node | None
    unwritable: str = ""


def read_tree(block: str) -> Tree:
    """Read one YAML document into a tree; positions count characters of ``block``.

    Bounded in size, depth and expanded nodes; duplicate keys at any depth, unknown tags, keys that are not
    text, NUL and unpaired surrogates raise YamlTrouble (skill-format.md 8).
    """
    if len(block) > MAX_BLOCK:
        raise YamlTrouble(
            f"the block has {len(block):,} characters, at most {MAX_BLOCK:,} are read", 0
        )
    return _read_tree_again(block) if len(block) <= _KEPT_BLOCK else _read_tree(block)


def _read_tree(block: str) -> Tree:
    with closing(_events(block)) as events:
        return _Builder(events).tree()


_read_tree_again = lru_cache(maxsize=_KEPT_BLOCKS)(_read_tree)
"""The same for a block that was read lately: base, remote and working tree mostly have the same, a daemon's always."""


def _events(block: str) -> Generator[yaml.Event, None, None]:
    position = 0
    try:
        for event in yaml.parse(block, Loader=yaml.SafeLoader):
            position = _end(event)
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text = ": ".join(part for part in (error.context, error.problem) if part)
        raise YamlTrouble(text, mark.index if mark else position, syntax=True) from error
    except yaml.reader.ReaderError as error:
        text = "a character is not allowed in YAML"
        raise YamlTrouble(text, error.position) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an escape beyond Unicode
        raise YamlTrouble("a quoted text has an invalid escape", position) from error


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


class _Builder:
    """Turns parser events into nodes, counting what aliases would expand to."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._unwritable = ""
        self._repeated: list[YamlTrouble] = []

    def tree(self) -> Tree:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlTrouble("there is more than one YAML document", _start(event))
                root, _, _ = self._node(next(self._events), 1)
        empty = isinstance(root, Scalar) and root.start == root.end and not root.style
        tree = Tree(None if empty else root, self._unwritable)
        if self._repeated:
            first, *others = self._repeated
            first.others, first.tree = tuple(others), tree
            raise first
        return tree

    def _node(self, event: yaml.Event, depth: int) -> tuple[Node, int, int]:
        """Return a node, how many nodes it stands for, and its height."""
        if depth > MAX_DEPTH:
            raise YamlTrouble(f"values are nested deeper than {MAX_DEPTH} levels", _start(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        forced_text = self._tag(event)
        built: tuple[Node, int, int]
        if isinstance(event, yaml.ScalarEvent):
            built = self._scalar(event, forced_text=forced_text), 1, 1
        elif isinstance(event, yaml.SequenceStartEvent):
            built = self._sequence(event, depth)
        else:
            built = self._map(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._unwritable = self._unwritable or "an anchor"
            self._anchors[anchor] = built
        return built

    def _alias(self, event: yaml.AliasEvent, depth: int) -> tuple[Node, int, int]:
        at = _start(event)
        self._unwritable = "an alias"
        if event.anchor not in self._anchors:
            raise YamlTrouble(f"the alias *{event.anchor} has no anchor before it", at)
        node, size, height = self._anchors[event.anchor]
        self._bound(size, depth + height, at)
        return node, size, height

    def _tag(self, event: yaml.Event) -> bool:
        tag = getattr(event, "tag", None)
        if tag is None:
            return False
        if tag not in _CORE_TAGS:
            raise YamlTrouble(f"the tag {tag} is not accepted", _start(event))
        self._unwritable = self._unwritable or "an explicit tag"
        return bool(tag == "!" or tag.endswith(":str"))

    @staticmethod
    def _scalar(event: yaml.ScalarEvent, *, forced_text: bool = False) -> Scalar:
        start, end = _start(event), _end(event)
        if bad := _UNSENDABLE.search(event.value):
            raise YamlTrouble(f"a text holds U+{ord(bad[0]):04X}, which no server stores", start)
        return Scalar(event.value, event.style or "", start, end, forced_text)

    def _sequence(self, event: yaml.SequenceStartEvent, depth: int) -> tuple[Node, int, int]:
        items: list[Node] = []
        size, height = 1, 1
        while not isinstance(following := next(self._events), yaml.SequenceEndEvent):
            item, item_size, item_height = self._node(following, depth + 1)
            items.append(item)
            size, height = size + item_size, max(height, item_height + 1)
            self._bound(size, depth, _start(following))
        start, end = _start(event), _end(following)
        return Sequence(tuple(items), bool(event.flow_style), start, end), size, height

    def _map(self, event: yaml.Event, depth: int) -> tuple[Node, int, int]:
        pairs: dict[str, Pair] = {}
        merged: list[Pair] = []
        size, height = 1, 1
        while not isinstance(following := next(self._events), yaml.MappingEndEvent):
            at = _start(following)
            if not isinstance(following, yaml.ScalarEvent):
                raise YamlTrouble("a key must be a plain or quoted text", at)
            self._tag(following)
            key = self._scalar(following)
            value, value_size, value_height = self._node(next(self._events), depth + 1)
            size, height = size + value_size + 1, max(height, value_height + 1)
            self._bound(size, depth, at)
            if key.text == "<<" and not key.style:
                merged += self._merge(value, at)
            elif key.text in pairs:
                said = f"the key {key.text!r} is there twice"
                self._repeated.append(YamlTrouble(said, at, duplicate=key.text))
            else:
                pairs[key.text] = Pair(key, value)
        for pair in merged:
            pairs.setdefault(pair.key.text, pair)
        flow = bool(getattr(event, "flow_style", False))
        start, end = _start(event), _end(following)
        return Map(tuple(pairs.values()), flow, start, end), size, height

    def _merge(self, value: Node, at: int) -> list[Pair]:
        self._unwritable = "a merge key"
        sources = value.items if isinstance(value, Sequence) else (value,)
        pairs: list[Pair] = []
        for source in sources:
            if not isinstance(source, Map):
                raise YamlTrouble("the merge key << needs a mapping", at)
            pairs += source.pairs
        return pairs

    @staticmethod
    def _bound(size: int, depth: int, at: int) -> None:
        if size > MAX_NODES or depth > MAX_DEPTH:
            raise YamlTrouble("aliases expand to more than is read", at)


# ---------------------------------------------------------------- what a node says


def text_value(node: Node) -> Json:
    """Return the node with every scalar as its source text (skill-format.md 5.2)."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [text_value(item) for item in node.items]
    return {pair.key.text: text_value(pair.value) for pair in node.pairs}


def typed_value(node: Node) -> Json:
    """Return the node with bare booleans, nulls and numbers as that type, everything else as text.

    A number whose digits JSON would not give back (``1.10``, ``0o17``, ``12:30:00``) stays text, so that
    nothing changes on its way through a server (skill-format.md 10, sync.md 14.6 input 59).
    """
    if isinstance(node, Scalar):
        return typed_scalar(node)
    if isinstance(node, Sequence):
        return [typed_value(item) for item in node.items]
    return {pair.key.text: typed_value(pair.value) for pair in node.pairs}


def typed_scalar(node: Scalar) -> Json:
    """Return one scalar as ``typed_value`` does."""
    if node.style or node.forced_text:
        return node.text
    kind = scalar_type(node.text)
    if kind == "null":
        return None
    if kind == "bool":
        return node.text.lower() in _TRUE
    if kind == "int" and _INTEGER.match(node.text) and node.text != "-0":
        return int(node.text)
    if kind == "float" and (number := _exact_float(node.text)) is not None:
        return number
    return node.text


def scalar_type(text: str) -> str:
    """Return what YAML 1.1 takes a plain scalar for: ``str``, ``int``, ``float``, ``bool``, ``null``, …"""
    first = text[:1]
    resolvers: Mapping[str, list[tuple[str, re.Pattern[str]]]]
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in resolvers.get(first, []):
        if pattern.match(text):
            return str(tag).removeprefix("tag:yaml.org,2002:")
    return "str"


def _exact_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    exact = repr(number) == text or "e" in text.lower()
    return number if exact and math.isfinite(number) else None
