"""Finds secrets in the lines of a range, and takes them out of every text before it becomes part of a review.

Known token formats are always looked for; with the extra `review`, detect-secrets looks at single lines too (its
detectors alone: no file, no network, no settings of its own). What was found once is replaced wherever it occurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from skillsync.formats.secret_text import secret_spans

PLACE = "[secret: {kind}]"
_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----.{0,20000}?(?:-----END (?:[A-Z]+ ){0,3}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_MORE = (
    ("a password in a URL", ("://",), re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>{}$]{0,100}:(?P<it>[^\s/@'\"<>{}$]{3,200})@")),
    ("a JSON Web Token", ("eyJ",), re.compile(r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000}")),
    ("a Stripe key", ("k_live_", "k_test_"), re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,200}")),
    ("an npm token", ("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a SendGrid key", ("SG.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,100}")),
    ("a bearer token", ("earer", "EARER"), re.compile(r"(?i)\bbearer\s{1,4}(?P<it>(?=[^\s\"']{0,100}\d)[A-Za-z0-9._~+/=-]{20,4000})")),
    ("a PyPI token", ("pypi-",), re.compile(r"\bpypi-[A-Za-z0-9_-]{50,500}")),
    (
        "a value beside a key-like name",
        ("key", "Key", "KEY", "oken", "OKEN", "pass", "Pass", "PASS", "pwd", "Pwd", "PWD", "ecret", "ECRET"),
        re.compile(
            r"(?i)(?:api[_-]?key|access[_-]?key|secret[_-]?(?:key|access[_-]?key)?|auth[_-]?token|token|passw(?:or)?d|pwd|client[_-]?secret)"
            r"[\"']?\s{0,4}(?:[:=]|=>|:=)\s{0,4}[\"']?(?P<it>(?=[^\s\"'<>{}$]{0,200}\d)(?=[^\s\"'<>{}$]{0,200}[A-Za-z])[A-Za-z0-9+/_.=~!@#%^&*-]{16,200})"
        ),
    ),
)  # fmt: skip
"""Kind, texts of which one is in everything that the pattern fits, pattern."""

_WORTH_A_LOOK = re.compile(
    r"(?i)(?:pass|secret|token|key|auth|cred|pwd)[\w-]{0,20}[\"'\])]{0,2}\s{0,3}(?:[:=]|=>)"
    r"|://[^/\s]{0,100}:[^/\s]|(?=[A-Za-z+/_=-]{0,60}\d)[A-Za-z0-9+/_=-]{20}"
)
"""What a line must have for its detectors to see anything: they take half a millisecond a line."""
_LONGEST_LINE = 20_000
_SKIPPED = frozenset({"IPPublicDetector", "Base64HighEntropyString", "HexHighEntropyString"})
"""An address is no secret; entropy alone is none either, beside a key-like name our own pattern sees it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret found; ``value`` never leaves this module but to be replaced."""

    line: int
    kind: str
    value: str = field(repr=False)


@dataclass
class Redactor:
    """Remembers what it found. ``full`` tells whether detect-secrets is used as well."""

    full: bool
    _known: dict[str, str] = field(default_factory=dict, repr=False)
    _seen: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def _detectors(self) -> list[Any]:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

        classes: list[Any] = list(get_mapping_from_secret_type_to_class().values())
        return [cls() for cls in classes if cls.__name__ not in _SKIPPED]

    def find(self, text: str, lines: frozenset[int] | None = None) -> list[Secret]:
        """Return the secrets of a text (of these 1-based lines only), first by line; they are redacted from now on."""
        found: list[Secret] = []
        for start, _, kind, value in _spans(text):
            line = text.count("\n", 0, start) + 1
            if lines is None or any(line + more in lines for more in range(value.count("\n") + 1)):
                found.append(Secret(line, kind, value))
        if self.full:
            for number, line_text in enumerate(text.split("\n"), start=1):
                if lines is None or number in lines:
                    found += [Secret(number, *one) for one in self._look(line_text)]
        found = _once([one for one in found if not _is_placeholder(one.value)])
        for one in found:
            self._remember(one.value, one.kind)
        return sorted(found, key=lambda one: one.line)

    def learn(self, text: str) -> None:
        """Redact from now on what of a text has a known format, without naming it."""
        for _, _, kind, value in _spans(text):
            if not _is_placeholder(value):
                self._remember(value, kind)

    def _remember(self, value: str, kind: str) -> None:
        self._known.setdefault(value, kind)
        if "\n" in value:  # a part of it may be shown alone
            for line in value.split("\n"):
                if len(line.strip()) >= 8:
                    self._known.setdefault(line.strip(), kind)

    def _look(self, line: str) -> tuple[tuple[str, str], ...]:
        """Ask detect-secrets about one line; each text is asked about once."""
        if len(line) > _LONGEST_LINE or not _WORTH_A_LOOK.search(line):
            return ()
        if line not in self._seen:
            self._seen[line] = tuple(
                (str(secret.type), str(secret.secret_value))
                for detector in self._detectors
                for secret in detector.analyze_line(filename="x.md", line=line, line_number=1)
                if secret.secret_value and not _is_unlikely(str(secret.secret_value), line)
            )
        return self._seen[line]

    def clean(self, text: str) -> str:
        """Return a text without secrets: known formats, what was found before, and what a look at it finds."""
        if not text or (len(text) < 12 and not self._known):
            return text
        if self.full and _WORTH_A_LOOK.search(text):
            for line in text.split("\n"):
                for kind, value in self._look(line):
                    self._remember(value, kind)
        parts, end = [], 0
        for start, stop, kind, value in _spans(text):
            if start >= end and not _is_placeholder(value):
                breaks = "\n" * value.count("\n")
                parts += [text[end:start], PLACE.format(kind=kind), breaks]
                end = stop
        text = "".join([*parts, text[end:]]) if parts else text
        for value, kind in self._known.items():
            if value in text:
                text = text.replace(value, PLACE.format(kind=kind) + "\n" * value.count("\n"))
        return text


def _once(secrets: list[Secret]) -> list[Secret]:
    """Say each secret of a line once: detectors overlap, ours come first."""
    kept: list[Secret] = []
    for one in secrets:
        if not any(one.line == other.line and one.value in other.value for other in kept):
            kept.append(one)
    return kept


def _spans(text: str) -> list[tuple[int, int, str, str]]:
    """Return start, end, kind and value of everything that has a known format, in order."""
    found = []
    if "PRIVATE KEY" in text:
        found += [
            (one.start(), one.end(), "a private key", one[0]) for one in _PRIVATE.finditer(text)
        ]
    found += [(start, end, kind, text[start:end]) for start, end, kind in secret_spans(text)]
    for kind, needs, pattern in _MORE:
        if not any(need in text for need in needs):
            continue
        name = "it" if "it" in pattern.groupindex else 0
        found += [(*one.span(name), kind, one[name]) for one in pattern.finditer(text)]
    return sorted(set(found), key=lambda one: (one[0], -one[1]))


_PLACEHOLDER = re.compile(
    r"(?i)example|sample|placeholder|changeme|your[-_ ]|xxxx|\*\*\*\*|\.\.\.|redacted|dummy|<[a-z]|^\$|^\{|%\(|getenv|environ"
)


def _is_placeholder(value: str) -> bool:
    return _PLACEHOLDER.search(value) is not None or len(set(value)) < 4


def _is_unlikely(value: str, line: str) -> bool:
    """Tell whether a word beside a word such as `password` is prose and no value."""
    has_digit = any(letter.isdigit() for letter in value)
    return (
        len(value) < 8
        or not (has_digit or len(value) >= 20)
        or (value.isalpha() and value.islower())
        or _is_placeholder(value)
        or f"${{{value}" in line
    )


def open_redactor(*, scan: bool) -> tuple[Redactor, str]:
    """Return a redactor and what it looks for: full, formats (detect-secrets is missing) or off (was not asked for)."""
    if not scan:
        return Redactor(full=False), "off"
    try:
        import detect_secrets  # noqa: F401  # is it there?
    except ImportError:
        return Redactor(full=False), "formats"
    return Redactor(full=True), "full"
