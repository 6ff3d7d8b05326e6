"""Compares with what is kept in tests/cli/snapshots; ``SNAPSHOTS=write`` keeps what is there now, for a look at the diff."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

KEPT = Path(__file__).parent / "snapshots"

Shape: TypeAlias = "str | list[Shape] | dict[str, Shape]"
"""A type's name, a list's one element shape (none for an empty list), or an object's keys."""

OPEN = frozenset({"changed", "counts", "servers", "skills_published", "datasets_published"})
"""Keys whose objects hold data as keys: paths, counted things, names."""


def check_text(name: str, text: str) -> None:
    """Fail with the differences when ``text`` is not what is kept under ``name``."""
    path = KEPT / name
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    kept = path.read_text("utf-8")
    lines = difflib.unified_diff(kept.split("\n"), text.split("\n"), "kept", "now", lineterm="")
    assert text == kept, "SNAPSHOTS=write keeps what is there now\n" + "\n".join(lines)


def check_shapes(name: str, shapes: Mapping[str, Shape]) -> None:
    """Fail when a document's shape is not the kept one, and tell what was taken away from what was added."""
    path = KEPT / name
    if os.environ.get("SNAPSHOTS") == "write":
        lines = [f"{json.dumps(case)}: {json.dumps(shape)}" for case, shape in shapes.items()]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    kept = json.loads(path.read_text("utf-8"))
    gone = [one for case in kept for one in _missing(case, kept[case], shapes.get(case, {}))]
    assert not gone, f"changes are additive (design.md 6), but these are gone: {gone}"
    new = [one for case in shapes for one in _missing(case, shapes[case], kept.get(case, {}))]
    assert not new, f"SNAPSHOTS=write keeps what was added: {new}"


def shape_of(value: Any, key: str = "") -> Shape:
    """Return the shape of a JSON value; lists hold the union of what their elements are."""
    if isinstance(value, dict):
        shapes = {name: shape_of(each, name) for name, each in value.items()}
        return {"*": _union(list(shapes.values()))} if key in OPEN else shapes
    if isinstance(value, list):
        return [_union([shape_of(each) for each in value])] if value else []
    return {str: "text", bool: "bool", int: "number", float: "number", type(None): "null"}[
        type(value)
    ]


def _union(shapes: list[Shape]) -> Shape:
    objects = [shape for shape in shapes if isinstance(shape, dict)]
    lists = [shape for shape in shapes if isinstance(shape, list)]
    words = sorted({shape for shape in shapes if isinstance(shape, str)})
    if objects and not words and not lists:
        keys = dict.fromkeys(key for one in objects for key in one)
        return {key: _union([one[key] for one in objects if key in one]) for key in keys}
    if lists and not words and not objects:
        inner = [each for one in lists for each in one]
        return [_union(inner)] if inner else []
    names = [*words, *(["object"] if objects else []), *(["list"] if lists else [])]
    return "|".join(dict.fromkeys(part for name in names for part in name.split("|")))


def _missing(at: str, wanted: Shape, there: Shape) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(there, dict):
        for key, shape in wanted.items():
            if key in there:
                yield from _missing(f"{at}.{key}", shape, there[key])
            else:
                yield f"{at}.{key}"
    elif isinstance(wanted, list) and isinstance(there, list):
        if wanted and there:
            yield from _missing(f"{at}[]", wanted[0], there[0])
        elif wanted:
            yield f"{at}[]"
    elif wanted != there:
        yield f"{at} ({wanted})"


_CHANGING = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"(127\.0\.0\.1:PORT/)\d+", r"\g<1>1"),
    (r"127\.0\.0\.1_\d+/\d+", "127.0.0.1_PORT/1"),
    (r"project \d+", "project 1"),
    (r"(?m)^(  project +)\d+$", r"\g<1>1"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b[0-9a-f]{32}\b", "NEW-KEY"),
    (r"\d{8}T\d{6}Z-\d+", "TIME-N"),
    (r"\b\d+ (second|minute)s? ago", "just now"),
    (r"phx_(…|\.\.\.)\S{4}", r"phx_\1KEY!"),
    (r"(local \(main@)[0-9a-f]+", r"\1COMMIT"),
    (r"wrote \S+/", "wrote /"),
)


def steady(text: str) -> str:
    """Return a text without what differs from run to run: ports, numbers, ids and times."""
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text)
    return text
