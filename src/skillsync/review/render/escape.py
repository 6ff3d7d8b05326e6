"""Foreign text made safe for Markdown, workflow commands and terminals; what cannot be seen is written out."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_MORE_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u180b\u180c\u180d\u180f")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_NOT_PLAIN = re.compile(r"[^ -~]")
_TICKS = re.compile(r"`+|~+")


def visible(text: str, *, lines: bool = False) -> str:
    """Return ``text`` with what cannot be seen, or would be obeyed, written as ``⟦U+202E⟧``.

    Control and format characters, selectors, lone surrogates, private use. ``lines`` keeps line ends and tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""

    def written(found: re.Match[str]) -> str:
        letter = found[0]
        return letter if letter in kept or not _is_hidden(letter) else _shown(letter)

    return _NOT_PLAIN.sub(written, text)


def _is_hidden(letter: str) -> bool:
    code = ord(letter)
    if code < 0x80:
        return code < 0x20 or code == 0x7F
    return (
        unicodedata.category(letter) in _HIDDEN
        or letter in _MORE_HIDDEN
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0000 <= code <= 0xE0FFF
    )


def _shown(letter: str) -> str:
    short = {"\n": "⏎", "\t": "⇥"}.get(letter)
    return short or f"⟦U+{ord(letter):04X}⟧"


def code(text: str, *, most: int = 200) -> str:
    """Return inline Markdown that shows ``text`` as code and can be nothing else.

    Every ASCII punctuation mark becomes a numeric entity inside ``<code>``, so that no table, link, mention, issue
    reference or tag can come of it.
    """
    shown = visible(text)
    if len(shown) > most:
        shown = f"{shown[: most - 1]}…"
    return f"<code>{entities(shown)}</code>" if shown else ""


_PLAIN_WORD = re.compile(
    r"[(\"']*(?:[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\d,]*)[,.;:!?)\"']*|[–—·→+…]|%"
)


def prose(text: str, *, most: int = 300) -> str:
    """Return a sentence that may hold foreign words: those that are not plain words stand as code.

    A mention or an issue's number is found by a forge in text that its Markdown has decoded already, so that an entity
    alone does not stop it; it looks at no code.
    """
    shown = visible(text)
    if len(shown) > most:
        shown = f"{shown[: most - 1]}…"
    parts: list[str] = []
    strange: list[str] = []
    for word in [*shown.split(" "), ""]:
        if word and not _PLAIN_WORD.fullmatch(word):
            strange.append(word)
            continue
        if strange:
            parts.append(f"<code>{entities(' '.join(strange))}</code>")
            strange = []
        parts.append(entities(word))
    return " ".join(parts).strip()


def entities(text: str) -> str:
    """Return text in which every ASCII punctuation mark is a numeric entity."""
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", text)


def fenced(text: str, language: str = "diff") -> str:
    """Return a fenced block that no line of ``text`` can close."""
    shown = visible(text, lines=True)
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def command_data(text: str) -> str:
    """Escape the message of a workflow command (GitHub)."""
    return visible(text, lines=True).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Escape a property of a workflow command (GitHub)."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")
