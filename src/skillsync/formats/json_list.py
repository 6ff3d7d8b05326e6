"""Reads a JSON list of objects element by element, holding few of them: libraries that stream let pass what we refuse."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING

from skillsync.formats.json_text import JsonTrouble, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE = 1 << 18
_LONGEST = 1 << 24
"""Characters of one element, as written; a longer one is not streamed."""

_SPACE = re.compile(r"[ \t\r\n]*")
_SCANNER = json.JSONDecoder()


class NotPlain(ValueError):
    """The text is no list of objects that may be kept, or none that is streamed: what it is, says who holds it all."""


def read_list(
    read: Callable[[int], bytes], *, piece: int = _PIECE, longest: int = _LONGEST
) -> Iterator[tuple[int, str]]:
    """Yield each element of a list as it is written, and the line, from 1, on which it begins.

    ``read`` gives so many bytes at most, none at the end. Each is a JSON object that ``read_json`` takes as part of the list. Raises NotPlain for everything else, at the
    latest after the last element. A byte order mark is passed over.
    """
    text = _Text(read, piece, longest)
    if text.next_sign() != "[":
        raise NotPlain
    text.take(1)
    is_open = text.next_sign() != "]"
    while is_open:
        line = text.line
        yield line, text.take(text.object_size())
        sign = text.next_sign()
        is_open = sign == ","
        if is_open:
            text.take(1)
            text.next_sign()
        elif sign != "]":
            raise NotPlain
    text.take(1)
    if text.next_sign():
        raise NotPlain


class _Text:
    """A text as it is read, from the place on up to which it was taken; that is on line ``line``."""

    def __init__(self, read: Callable[[int], bytes], piece: int, longest: int) -> None:
        self.line = 1
        self._read = read
        self._piece = piece
        self._longest = longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._is_whole = False

    def _more(self) -> bool:
        """Read on; tells whether there was more."""
        if self._is_whole:
            return False
        piece = self._read(self._piece)
        self._is_whole = not piece
        try:
            more = self._decoder.decode(piece, final=self._is_whole)
        except UnicodeDecodeError as error:
            raise NotPlain from error
        self._text, self._at = self._text[self._at :] + more, 0
        return not self._is_whole

    def next_sign(self) -> str:
        """Take the white space, and return the character after it; "" at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None  # of no character, if need be
            self.take(found.end() - self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def object_size(self) -> int:
        """Return how many characters the object has that begins here. Raises NotPlain if there is none to be kept."""
        while True:
            try:
                _, end = _SCANNER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at > self._longest or not self._more():
                    raise NotPlain from error
                continue
            element = self._text[self._at : end]
            try:
                read_json(f"[{element}]")  # the list counts as a level
            except (JsonTrouble, RecursionError) as error:
                raise NotPlain from error
            if not element.startswith("{"):
                raise NotPlain
            return end - self._at

    def take(self, size: int) -> str:
        """Return the next characters, which were seen, and move over them."""
        taken = self._text[self._at : self._at + size]
        self.line += taken.count("\n")
        self._at += size
        return taken
