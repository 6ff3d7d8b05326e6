"""Finds what looks like somebody's key in a text, by line and kind, and never says the key itself (sync.md 14.6 #147)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KINDS = (
    ("a PostHog key", r"\bph[xasr]_[A-Za-z0-9_-]{20,}"),
    ("an API key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{20,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
)
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _KINDS))


_BEGINNINGS = (
    *(
        "phx_",
        "pha_",
        "phs_",
        "phr_",
        "sk-",
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
    ),
    *("github_pat_", "glpat-", "xox", "AIza", "PRIVATE KEY-"),
)
"""One of these is in every text that a pattern fits: looking for them is ten times faster than the patterns."""


def secret_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each text that looks like a key starts and ends, and what kind of key."""
    if not any(beginning in text for beginning in _BEGINNINGS):
        return
    for found in _ANY.finditer(text):
        yield found.start(), found.end(), _KINDS[(found.lastindex or 1) - 1][0]


def secret_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the 1-based line of each text that looks like a key, and what kind of key; the first of a line only."""
    line, end = 1, 0
    said = 0
    for found in _ANY.finditer(text):
        line += text.count("\n", end, found.start())
        end = found.start()
        if line != said:
            said = line
            yield line, _KINDS[(found.lastindex or 1) - 1][0]
