"""Prints the action's outputs from what a run left in its folder: numbers, hashes and addresses, nothing foreign."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PLAN = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_VERSION = re.compile(r"\bv([0-9]{1,9})\Z")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?(?:#[a-z_-]+[0-9]+)?")


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object, an empty one where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def of_review(review: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """What a review counts."""
    plan = str(review["plan"]["plan_id"])
    ops = review["plan"]["ops"]
    whole = [op["op"] for op in ops if op["kind"] != "row"]
    open_ones = [one["level"] for one in review["findings"] if one["accepted"] is None]
    yield "plan-id", plan if _PLAN.fullmatch(plan) else ""
    yield "changed", len(ops)
    yield "creates", whole.count("create")
    yield "updates", whole.count("update") + whole.count("rename")
    yield "archives", whole.count("archive")
    yield "item-changes", sum(op["kind"] == "row" for op in ops)
    yield "conflicts", sum(op["standing"] == "conflict" and op["kind"] != "row" for op in ops)
    yield "widened", sum(one["permissions"]["relation"] == "widened" for one in review["skills"])
    yield "errors", open_ones.count("error")
    yield "warnings", open_ones.count("warning")


def published(push: dict[str, Any]) -> dict[str, int]:
    """The version that each skill got."""
    found = {}
    for one in push.get("outcomes", ()):
        version = _VERSION.search(str(one.get("did", "")))
        name = str(one.get("subject", ""))
        if one.get("kind") == "skill" and one.get("changed") and version and _NAME.fullmatch(name):
            found[name] = int(version[1])
    return found


def address(value: object) -> str:
    """An address that is one, else nothing."""
    return value if isinstance(value, str) and _URL.fullmatch(value) else ""


def outputs(folder: Path) -> Iterator[tuple[str, object]]:
    """Every output that this run has something for."""
    review, push = read(folder / "review.json"), read(folder / "push.json")
    comment, pull = read(folder / "comment.json"), read(folder / "pull.json")
    if review:
        yield from of_review(review)
    if push:
        yield "published", json.dumps(published(push), sort_keys=True, separators=(",", ":"))
    if comment:
        yield "comment-url", address(comment.get("url"))
    requests = [one for one in pull.get("requests", ()) if one.get("action") != "closed"]
    if requests:
        yield "pr-url", address(requests[0].get("url"))


if __name__ == "__main__":
    for name, value in outputs(Path(sys.argv[1])):
        sys.stdout.write(f"{name}={value}\n")
