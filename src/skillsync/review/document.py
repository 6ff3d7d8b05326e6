"""`review.json`: canonical bytes of a review, its plan's ids, and a reader that takes every input for hostile.

The bytes are pure ASCII (everything else is escaped), so no hidden character is ever in them raw; members stand in
the order of `values.py`, one operation, change or finding a line, so that two reviews can be compared line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import NoReturn

from skillsync.errors import ReviewUnreadable
from skillsync.formats.canonical import ALGORITHM, canonical_json
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.model import Digest, Json
from skillsync.review.codec import NotThat, from_json, to_json
from skillsync.review.values import SCHEMA, Kind, Mode, Op, OpBase, Plan, Review, Standing, Verb

MAX_BYTES = 64 * 1024 * 1024
_IDS = {
    "op": re.compile(r"sha256:[0-9a-f]{64}"),
    "commit": re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?"),
}
_WORDS = {"=", "-", "+"}
_ORDER = {kind: place for place, kind in enumerate(Kind)}


# ---------------------------------------------------------------- the plan's ids


def make_op(
    kind: Kind,
    name: str,
    op: Verb,
    *,
    key: str = "",
    base: OpBase | None = None,
    target: str = "",
    new_version: int | None = None,
    standing: Standing,
) -> Op:
    """Return an operation with its id: the hash of kind, name, key, op, base, target, new version and standing."""
    made = _op_hash(kind, name, key, op, base, target, new_version, standing)
    return Op(made, kind, name, key, op, base, target, new_version, standing)


def op_id(op: Op) -> str:
    """Return ``sha256:<hex>`` over everything that an operation does, its own id left out."""
    return _op_hash(
        op.kind, op.name, op.key, op.op, op.base, op.target, op.new_version, op.standing
    )


def _op_hash(
    kind: Kind,
    name: str,
    key: str,
    op: Verb,
    base: OpBase | None,
    target: str,
    new_version: int | None,
    standing: Standing,
) -> str:
    # Canonical JSON of the list, put together by hand: a dataset may have a hundred thousand of them.
    start = "null"
    if base is not None:
        at = "null" if base.version is None else base.version
        start = f"[{at},{_quoted(base.id)},{_quoted(base.digest)}]"
    what = f"{_quoted(kind)},{_quoted(name)},{_quoted(key)},{_quoted(op)}"
    new = "null" if new_version is None else new_version
    return _sha256(f"[{what},{start},{_quoted(target)},{new},{_quoted(standing)}]")


def make_plan(mode: Mode, place: str, ops: Iterable[Op]) -> Plan:
    """Return the plan of these operations in their canonical order, with its id."""
    found = tuple(sorted(ops, key=_op_order))
    return Plan(plan_id(mode, place, found), mode, place, found)


def plan_id(mode: Mode, place: str, ops: Iterable[Op]) -> str:
    """Return ``sha256:<hex>`` over effects only: place, mode and the sorted op ids."""
    return _hash([SCHEMA, mode, place, [*sorted(op.op_id for op in ops)]])


def dataset_digest(info: Digest, rows: Digest) -> str:
    """Return one digest for a dataset: its own fields and its rows, as a pointer has the two."""
    return ALGORITHM + sha256(f"{info} {rows}".encode()).hexdigest()


def _op_order(op: Op) -> tuple[int, str, str, str]:
    return _ORDER[op.kind], op.name, op.key, op.op_id


def _hash(value: list[Json]) -> str:
    return _sha256(canonical_json(value))


def _sha256(text: str) -> str:
    return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ---------------------------------------------------------------- writing


def render_review(review: Review) -> bytes:
    """Return the file: the same review, the same bytes."""
    content = {"schema": SCHEMA, **_as_dict(to_json(review))}
    lines = ["{"]
    for name, value in content.items():
        lines.append(f"  {_dump(name)}: {_part(value)},")
    lines[-1] = lines[-1].removesuffix(",")
    return ("\n".join([*lines, "}"]) + "\n").encode("ascii")


def _part(value: Json) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_dump(one)}" for one in value) + "\n  ]"
    if isinstance(value, dict) and isinstance(ops := value.get("ops"), list):
        head = {name: one for name, one in value.items() if name != "ops"}
        return f'{_dump(head).removesuffix("}")}, "ops": {_part(ops)}}}'
    return _dump(value)


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True)


def _as_dict(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


# ---------------------------------------------------------------- reading


def parse_review(data: bytes, *, path: str) -> Review:
    """Read a review.json, trusting nothing in it: size, depth, members, kinds, counts and ids are checked.

    Raises ReviewUnreadable naming what is wrong. What passes may still say anything in its texts: escape them.
    """
    if len(data) > MAX_BYTES:
        _bad(path, f"it is larger than {MAX_BYTES:,} bytes")
    try:
        value = read_json(data.decode("utf-8"))
    except UnicodeDecodeError:
        _bad(path, "it is not UTF-8 text")
    except JsonTrouble as trouble:
        _bad(path, f"it is no JSON that may be read: {trouble.message}")
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        _bad(path, f"its schema is not {SCHEMA}")
    del value["schema"]
    try:
        review = from_json(Review, value, "review")
        _check(review)
    except NotThat as trouble:
        _bad(path, str(trouble))
    return review


def _check(review: Review) -> None:
    """Check what annotations cannot say."""
    for name in ("base", "head", "merge_base", "policy"):
        if not _IDS["commit"].fullmatch(getattr(review.range, name)):
            raise NotThat(f"review.range.{name} is no commit id")
    plan = review.plan
    if plan.mode != review.mode or plan.place != review.project.place:
        raise NotThat("review.plan is of another mode or place than the review")
    for number, op in enumerate(plan.ops):
        if op.op_id != op_id(op):
            raise NotThat(f"review.plan.ops[{number}] does not fit its op_id: it was edited")
    if plan.plan_id != plan_id(plan.mode, plan.place, plan.ops):
        raise NotThat("review.plan does not fit its plan_id: it was edited or cut off")
    for skill in review.skills:
        parts = [*(skill.trigger.words if skill.trigger else ())]
        hunks = [hunk for section in skill.sections for hunk in section.hunks]
        hunks += [hunk for file in skill.files for hunk in file.hunks]
        ops = {one.op for one in parts} | {line.op for hunk in hunks for line in hunk.lines}
        if ops - _WORDS:
            raise NotThat("a part of a text is neither =, - nor +")


def _bad(path: str, why: str) -> NoReturn:
    raise ReviewUnreadable(
        f"{path} is no review that can be used: {why}",
        subject=path,
        unchanged="Nothing was written.",
        hint="skillsync review --format json makes one",
    )
