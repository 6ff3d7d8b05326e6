"""Rules H: what a reader does not see and a model does.

Joiners, selectors and direction marks are allowed where a script or an emoji needs them: most false alarms of other
scanners were honest text in other languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from skillsync.review.rules.model import Hit, Text

_SUSPECT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]|\r(?!\n)"
)
_ASCII_SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_MARKS = frozenset("\u200e\u200f\u061c")
_JOINERS = frozenset("\u200c\u200d")
_RTL = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)
"""Scripts in which joiners change how letters are written: Arabic and its kin, those of India, Tibetan, Khmer …"""

_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b00-\u2bff\u3030"
    "\u303d\u3297\u3299\U0001f000-\U0001faff0-9#*]"
)
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_FLAG = re.compile("\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f")  # fmt: skip
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_ORDERS = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override|always|never|must|do not|don't|you (?:are|should|will)|instead|secretly|silently|without (?:telling|asking|mention)|run|execute|send|upload|fetch|download|post|delete|include|append|system prompt|instruction)\b"
)
_MOST_BLANK = 200
_LONGEST = 10_000
_MOST_HITS = 50


def check_hidden(text: Text) -> Iterator[Hit]:
    """Yield the characters of one text that cannot be seen, comments that give orders, and what hides by place."""
    yield from check_characters(text)
    yield from _comments(text)
    yield from _blank_lines(text)
    lines = text.text.split("\n")
    for number, line in enumerate(lines if max(map(len, lines)) > _LONGEST else (), start=1):
        if len(line) > _LONGEST:
            message = f"the line has {len(line):,} characters"
            yield Hit("H-LONG", text.path, number, line[:200], message, is_new=text.is_new(number))


def check_name(path: str, *, is_new: bool) -> Iterator[Hit]:
    """Yield what cannot be seen in a file's name."""
    for found in _SUSPECT.finditer(path):
        rule = _rule(path, found.start())
        if rule:
            name = code_points(found[0])
            message = f"the file's name holds {name}"
            yield Hit(rule, path, None, found[0], message, evidence=name, is_new=is_new)
            return


def check_characters(text: Text) -> Iterator[Hit]:
    """Yield the characters of one text that cannot be seen, one hit for each line and rule."""
    if text.text.isascii() and not _ASCII_SUSPECT.search(text.text):
        return
    flags = [one.span() for one in _FLAG.finditer(text.text)] if "\U0001f3f4" in text.text else []
    seen: dict[tuple[str, int], list[str]] = {}
    for found in _SUSPECT.finditer(text.text):
        at = found.start()
        if (at == 0 and found[0] == "\ufeff") or any(start <= at < end for start, end in flags):
            continue
        rule = _rule(text.text, at)
        if rule:
            seen.setdefault((rule, text.line_at(at)), []).append(found[0])
    for number, ((rule, line), characters) in enumerate(seen.items()):
        if number >= _MOST_HITS:
            message = f"{len(seen) - _MOST_HITS} more lines hold hidden characters"
            yield Hit(rule, text.path, line, "more", message)
            return
        what = code_points("".join(characters))
        message = f"the line holds {len(characters)} hidden {'character' if len(characters) == 1 else 'characters'}"
        yield Hit(rule, text.path, line, "".join(characters), f"{message}: {what}", evidence=what,
                  is_new=text.is_new(line))  # fmt: skip


def code_points(text: str) -> str:
    """Name the first few characters of a text, such as ``U+202E``."""
    names = [f"U+{ord(letter):04X}" for letter in text[:8]]
    more = f" and {len(text) - 8} more" if len(text) > 8 else ""
    return " ".join(names) + more


def _rule(text: str, at: int) -> str:
    """Return the rule for the character at a place, "" where it is needed there."""
    letter = text[at]
    before, after = text[at - 1] if at else "", text[at + 1] if at + 1 < len(text) else ""
    if "\U000e0000" <= letter <= "\U000e007f":
        return "H-TAG"
    if letter in _BIDI:
        return "" if letter in _MARKS and _is_rtl(text, at) else "H-BIDI"
    if letter in "\ufe0e\ufe0f":
        return "" if before and _EMOJI.match(before) else "H-VARIATION"
    if "\ufe00" <= letter <= "\ufe0d" or "\U000e0100" <= letter <= "\U000e01ef":
        fits = before and (_IDEOGRAPH.match(before) or unicodedata.category(before) == "Sm")
        return "" if fits else "H-VARIATION"
    if "\u180b" <= letter <= "\u180f":
        return "" if "\u1820" <= before <= "\u18aa" else "H-VARIATION"
    if letter in _JOINERS:
        return "" if _joins(before, after, letter) else "H-ZERO-WIDTH"
    if unicodedata.category(letter) == "Cc":
        return "H-CONTROL"
    return "H-CONTROL" if letter in "\u2028\u2029" else "H-ZERO-WIDTH"


def _joins(before: str, after: str, letter: str) -> bool:
    if not before:
        return False
    if _JOINING.match(before):
        return True
    is_emoji = _EMOJI.match(before) or _SKIN.match(before) or before == "\ufe0f"
    return letter == "\u200d" and bool(is_emoji) and bool(after) and _EMOJI.match(after) is not None


def _is_rtl(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return _RTL.search(text, start, end if end >= 0 else len(text)) is not None


def _comments(text: Text) -> Iterator[Hit]:
    if (
        not text.path.lower().endswith((".md", ".markdown", ".html", ".htm"))
        or "<!--" not in text.text
    ):
        return
    for found in _COMMENT.finditer(text.text):
        first = text.line_at(found.start())
        last = text.line_at(found.end())
        if orders := _ORDERS.search(found[1]):
            words = " ".join(found[1].split())[:200]
            message = "an HTML comment gives orders; a rendered page does not show it"
            yield Hit("H-COMMENT", text.path, first, found[1], message,
                      evidence=words or orders[0], is_new=text.is_new(first, last))  # fmt: skip


def _blank_lines(text: Text) -> Iterator[Hit]:
    start = 0
    count = 0
    for number, line in enumerate(text.text.split("\n"), start=1):
        if not line.strip():
            start = start or number
            count += 1
            continue
        if count > _MOST_BLANK:
            yield _blank(text, start, count)
        start = count = 0
    if count > _MOST_BLANK:
        yield _blank(text, start, count)


def _blank(text: Text, start: int, count: int) -> Hit:
    is_new = text.is_new(start, start + count)
    message = f"{count:,} blank lines in a row"
    return Hit("H-BLANK", text.path, start, str(count), message, is_new=is_new)
