"""Which names and bundled paths are fit to be sent to a server or written to a disk."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_PATH = 500
"""Characters of a bundled path (skill-format.md 11)."""

MAX_PART = 255
"""Bytes of one part of a path: what common file systems hold."""

MAX_LEVELS = 50
"""Parts of a path."""

MAX_NAME = 64
"""Characters of a skill's name (skills-api.md 2.4)."""

RESERVED_NAMES = frozenset({"new", "scouts", "review-hog", "community"})
"""Names that some generation of the server keeps for itself (skills-api.md 2.4)."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_DRIVE = re.compile(r"[A-Za-z]:")
_IGNORABLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD]
)
_BIDI = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_NEVER_SENT = frozenset({".git", ".ds_store", "thumbs.db", "__pycache__"})


def path_problem(path: str) -> str | None:
    """Return why a bundled path must not be sent or written, None if it is fine.

    Remote paths are hostile input (skill-format.md 11; sync.md F23 and 14.6 inputs 1 to 21): nothing may leave
    the folder, hide in git's or our own files, or differ from what a file system would store.
    """
    return _known_problem(path) if len(path) <= MAX_PATH else _find_problem(path)


def _find_problem(path: str) -> str | None:
    return _text_problem(path) or _shape_problem(path) or _reserved_problem(path)


_known_problem = lru_cache(maxsize=4_096)(_find_problem)
"""Skills have files of the same few names, and each is asked about several times."""


def _text_problem(path: str) -> str | None:
    if not path:
        return "the path is empty"
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "the file name is not UTF-8"
    if any(unicodedata.category(char) == "Cc" for char in path):
        return "the path holds a control character"
    if any(char in "\u2028\u2029" or char in _BIDI for char in path):
        return "the path holds a line separator or an invisible direction mark"
    if path != path.strip():
        return "the path starts or ends with a space"
    if len(path) > MAX_PATH:
        return f"the path has {len(path):,} characters, at most {MAX_PATH} are accepted"
    return None


def _shape_problem(path: str) -> str | None:
    if "\\" in path:
        return "a backslash would become a slash on the server"
    if path.startswith("/") or _DRIVE.match(path):
        return "the path is absolute"
    parts = path.split("/")
    if ".." in parts:
        return "the path leaves the skill's folder"
    if "" in parts or "." in parts:
        return "the path has an empty or '.' part"
    if len(parts) > MAX_LEVELS:
        return f"the path has {len(parts)} levels, at most {MAX_LEVELS} are accepted"
    if any(len(part.encode()) > MAX_PART for part in parts):
        return f"a part of the path is longer than {MAX_PART} bytes"
    return None


def _reserved_problem(path: str) -> str | None:
    for part in path.split("/"):
        plain = _disguised(part)
        if plain in {".git", "git~1"}:
            return "the path lies in git's own directory"
        if plain.startswith(".skillsync"):
            return "names that start with .skillsync are ours"
    if is_skill_file(path):
        return "SKILL.md itself cannot be a bundled file"
    return None


def is_skill_file(path: str) -> bool:
    """Tell whether some file system may take ``path`` for SKILL.md in the skill's own folder."""
    return _fold(path.translate(_IGNORABLE)) == "skill.md"


def _disguised(part: str) -> str:
    """Return what common file systems may take ``part`` for: ignorable characters, streams, dots dropped."""
    return _fold(part.translate(_IGNORABLE)).partition(":")[0].rstrip(". ")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def is_never_sent(path: str) -> bool:
    """Tell whether ``path`` is on the fixed list of what never takes part in a sync (skill-format.md 11)."""
    plain = path.lower()
    if plain.endswith(".pyc") or "/.skillsync" in f"/{plain}":
        return True
    return not _NEVER_SENT.isdisjoint(plain.split("/"))


def is_environment_file(path: str) -> bool:
    """Tell whether ``path`` is a ``.env`` file, which usually holds secrets; ``.env.example`` is not."""
    return path.rpartition("/")[2].lower() == ".env"


def collisions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of paths that common file systems cannot hold together (sync.md F19).

    Equal after case folding or Unicode normalisation, or a file that is also another one's directory. Sorted.
    """
    by_fold: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    ordered = sorted(set(paths))
    for path in ordered:
        other = by_fold.setdefault(_fold(path), path)
        if other != path:
            pairs.append((other, path))
    for path in ordered:
        parts = _fold(path).split("/")
        above = ("/".join(parts[:length]) for length in range(1, len(parts)))
        pairs += [(by_fold[folder], path) for folder in above if folder in by_fold]
    return pairs


def same_place(one: str, other: str) -> bool:
    """Tell whether two paths may name one file on some file system."""
    return _fold(one) == _fold(other)


def name_problem(name: str) -> str | None:
    """Return why ``name`` cannot be a skill's name on any generation of the server, None if it can.

    The rules of skill-format.md 5: lower-case ASCII letters, digits and single hyphens, at most 64 characters.
    """
    if not name:
        return "the name is missing"
    if len(name) > MAX_NAME:
        return f"the name has {len(name)} characters, at most {MAX_NAME} are accepted"
    if name.lower() in RESERVED_NAMES:
        return f"{name!r} is a reserved name"
    if not _NAME.fullmatch(name):
        return (
            f"{name!r} is not accepted: only lower-case letters a-z, digits and hyphens, "
            "no hyphen at an end"
        )
    if "--" in name:
        return f"{name!r} has two hyphens in a row"
    return None


_CONTENT_TYPES = {
    "bash": "text/x-sh",
    "c": "text/x-c",
    "cfg": "text/plain",
    "cpp": "text/x-c++",
    "cs": "text/x-csharp",
    "css": "text/css",
    "csv": "text/csv",
    "go": "text/x-go",
    "h": "text/x-c",
    "htm": "text/html",
    "html": "text/html",
    "ini": "text/plain",
    "java": "text/x-java",
    "js": "text/javascript",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "jsx": "text/javascript",
    "kt": "text/x-kotlin",
    "md": "text/markdown",
    "mdx": "text/markdown",
    "mjs": "text/javascript",
    "php": "text/x-php",
    "ps1": "text/x-powershell",
    "py": "text/x-python",
    "rb": "text/x-ruby",
    "rs": "text/x-rust",
    "sh": "text/x-sh",
    "sql": "application/sql",
    "svg": "image/svg+xml",
    "swift": "text/x-swift",
    "toml": "application/toml",
    "ts": "text/typescript",
    "tsv": "text/tab-separated-values",
    "tsx": "text/typescript",
    "txt": "text/plain",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zsh": "text/x-sh",
}


def content_type(path: str) -> str:
    """Return the content type that a new bundled file is sent with, by our own table (skill-format.md 11)."""
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return _CONTENT_TYPES.get(extension.lower(), "text/plain") if dot and stem else "text/plain"
