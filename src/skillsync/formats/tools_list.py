"""Reads `allowed-tools` in any of its three forms, a token with parentheses being one tool."""

from __future__ import annotations

from collections.abc import Iterable


def tool_tokens(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return the tools named by a text or by a list of texts, in order, each once (skill-format.md 5.1).

    Splits at whitespace and commas outside parentheses: ``Bash(git add *)`` is one tool. Idempotent.
    """
    texts = [value] if isinstance(value, str) else value
    tokens: dict[str, None] = {}
    for text in texts:
        tokens.update(dict.fromkeys(_split(text)))
    return tuple(tokens)


def _split(text: str) -> list[str]:
    tokens: list[str] = []
    current: list[str] = []
    depth = 0
    for char in text:
        if depth == 0 and (char.isspace() or char == ","):
            tokens.append("".join(current))
            current = []
            continue
        depth = max(0, depth + (char == "(") - (char == ")"))
        current.append(char)
    tokens.append("".join(current).strip())
    return [token for token in tokens if token]


def has_comma(text: str) -> bool:
    """Tell whether a text separates its tools by commas."""
    depth = 0
    for char in text:
        if depth == 0 and char == ",":
            return True
        depth = max(0, depth + (char == "(") - (char == ")"))
    return False
