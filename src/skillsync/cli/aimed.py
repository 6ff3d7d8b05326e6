"""Names the target in the commands that are shown, where the user named one: without it they would go to another."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.model import Json

_VERBS = (
    "adopt|conflicts|diff|doctor|history import|log|plan|pull|push|resolve|restore|show|status|undo"
)
_COMMAND = re.compile(rf"\bskillsync (?:{_VERBS})\b(?![\w-])")
_NEXT = re.compile(r"^\s*(?:next|fix): ")
_KEYS = {"fix", "hint", "next"}


def aimed(text: str, target: str) -> str:
    """Return a text in which each command that takes a target has ``--target``; as it is without a target."""
    if not target or "--target" in text:
        return text
    return _COMMAND.sub(lambda found: f"{found[0]} --target {shlex.quote(target)}", text)


def aimed_line(line: str, target: str) -> str:
    """Return a line as ``aimed``, if it is one of ours that says what to do next; others may be foreign text."""
    return aimed(line, target) if target and _NEXT.match(line) else line


def aimed_json(value: Json, target: str) -> Json:
    """Return a document in which the commands under our own names for them have their target."""
    if not target:
        return value
    if isinstance(value, list):
        return [aimed_json(one, target) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: aimed(one, target)
        if key in _KEYS and isinstance(one, str)
        else aimed_json(one, target)
        for key, one in value.items()
    }
