"""Foreign text made safe to print: what a terminal would obey or a person could not see becomes visible."""

from __future__ import annotations

import unicodedata

ASCII = str.maketrans(
    {
        "…": "...",
        "→": "->",
        "←": "<-",
        "↑": "^",
        "↓": "v",
        "·": "-",
        "✓": "ok",
        "✗": "x",
        "×": "x",
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "•": "*",
        "│": "|",
        "─": "-",
        "≤": "<=",
        "≥": ">=",
        "\u00a0": " ",
    }
)
"""Our own signs in plain ASCII, for a terminal that has no others."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return ``text`` with everything a terminal would obey, or a person could not see, written as ``\x1b``.

    Control and format characters (bidirectional ones, zero-width ones, tags), lone surrogates and private use
    are escaped. ``lines`` keeps line feeds and tabs, for texts of several lines. For every text that came from
    a server, a file or a branch (design.md 8).
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        character
        if character in kept or unicodedata.category(character) not in _HIDDEN
        else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    code = ord(character)
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    if short:
        return short
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cell_width(text: str) -> int:
    """Return how many columns ``text`` takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
