"""What a row's key may be, and the keys derived from content (skill-format.md 14.3)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from skillsync.formats.canonical import canonical_json
from skillsync.model import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillsync.model import Json

MAX_ID = 255
"""Characters in an id (skill-format.md 14.3)."""


def fold_id(text: str) -> str:
    """Return what must be unique in a file: case counts, Unicode normalisation does not."""
    return text if text.isascii() else normalize("NFC", text)


def id_problem(text: str) -> str | None:
    """Return why a text cannot be a row's id, None if it can (skill-format.md 14.3)."""
    if not text:
        return "an id must not be empty"
    if len(text) > MAX_ID:
        return f"an id has at most {MAX_ID} characters, this one {len(text)}"
    if text != text.strip():
        return f"the id {text!r} begins or ends with a space, which a server takes off"
    if not text.isprintable() and any(category(character) == "Cc" for character in text):
        return f"the id {text!r} holds a control character"
    return None


def content_key(fields: Mapping[str, Json]) -> str:
    """Return ``h-`` and 16 hex characters of SHA-256 over the canonical input (skill-format.md 14.3)."""
    return "h-" + sha256(canonical_json(fields.get("input")).encode()).hexdigest()[:16]


class DerivedKeys:
    """Hands out the keys of lines without ``id`` in file order; ``taken`` are those that stand in lines."""

    def __init__(self, taken: Iterable[Key]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def next_key(self, fields: Mapping[str, Json]) -> Key:
        """Return the key of the next line without ``id``."""
        key, base, count = self._look(fields)
        self._next[base] = count + 1
        return key

    def is_next(self, fields: Mapping[str, Json], key: Key) -> bool:
        """Tell whether ``next_key`` would return ``key``; a key that it would not is taken from now on."""
        if self._look(fields)[0] == key:
            return True
        self._taken.add(key)
        return False

    def _look(self, fields: Mapping[str, Json]) -> tuple[Key, str, int]:
        base = content_key(fields)
        count = self._next.get(base, 1)
        while (key := Key(base if count == 1 else f"{base}-{count}")) in self._taken:
            count += 1
        return key, base, count
